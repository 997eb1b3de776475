#!/usr/bin/python3
"""Tests of this folder whose models also run as a GPU's kernels in the emulator.

Each makes its models and references as it does for CPUs; bad indices and what else
concerns the host alone is left to them. Exits 1 if any fails.

  emulated.py LIG_RUN LIGC OUT
"""
import pathlib
import shutil
import subprocess
import sys
import time

FOLDER = pathlib.Path(__file__).resolve().parent
CONFORMANCE = FOLDER.parent / "Conformance" / "run.py"


def run(name, *commands):
    start = time.monotonic()
    for command in commands:
        done = subprocess.run(["/usr/bin/python3", *map(str, command)],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            print(done.stdout)
            break
    print("FAIL" if done.returncode else "PASS", name, f"{time.monotonic() - start:.0f} s",
          flush=True)
    return done.returncode == 0


def main():
    lig_run, ligc, out = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    shutil.rmtree(out, ignore_errors=True)
    passed = []
    for name in ("layers", "attention", "quantized"):
        folder = out / name
        folder.mkdir(parents=True)
        tools = [lig_run] if name == "layers" else [lig_run, ligc]
        passed.append(run(name, [FOLDER / f"{name}.py", *tools, folder, "emulate"]))
    for name in ("recurrent", "sampling"):
        folder = out / name
        passed.append(run(name, [FOLDER / f"{name}.py", folder],
                          [CONFORMANCE, f"--data={folder}", "--device=emulate", lig_run]))
    sys.exit(not all(passed))


if __name__ == "__main__":
    main()

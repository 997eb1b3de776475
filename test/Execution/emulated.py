#!/usr/bin/python3
"""Runs the tests of this folder once more, as a GPU's kernels in the emulator.

Each makes its models and references as it does for CPUs; emulated_tool.py stands
for the tools. What concerns CPUs alone is left out, and LEFT_OUT says why: a script
of this folder that is neither run nor named there is an error, and so is one of
which nothing would be said. Exits 1 if any fails.

  emulated.py [--only=REGEX] BIN OUT
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

FOLDER = pathlib.Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
NETWORKS = ROOT / "tools" / "lig-bench" / "networks"
CONFORMANCE = FOLDER.parent / "Conformance" / "run.py"

# Arguments of a script by the folders of tools and of output, those that take the
# longest first.
SCRIPTS = {
    "rolled": lambda bin, out: [bin / "ligc", bin / "lig-run", out, NETWORKS / "albert.py"],
    "dynamic_weights": lambda bin, out: [bin, out],
    "shared_bytes": lambda bin, out: [bin, out],
    "batch-uses": lambda bin, out: [NETWORKS, bin / "ligc", bin / "lig-run", out],
    "steps": lambda bin, out: [bin / "ligc", bin / "lig-run", out],
    "narrow_weights": lambda bin, out: [bin / "lig-run", out],
    "layers": lambda bin, out: [bin / "lig-run", out, "emulate"],
    "quantized": lambda bin, out: [bin / "lig-run", bin / "ligc", out, "emulate"],
    "attention": lambda bin, out: [bin / "lig-run", bin / "ligc", out, "emulate"],
    "derived_weights": lambda bin, out: [bin, out],
    "tie_traps": lambda bin, out: [bin, out],
    "native": lambda bin, out: [bin / "ligc", out],
    "odd_values": lambda bin, out: [bin / "lig-run", out],
}
# These write cases, which run as those of ONNX's suite do.
WRITERS = ("recurrent", "sampling", "attention_operators")
LEFT_OUT = {
    "kernels": "calls lig-cpu-emit-kernels itself",
    "autoencoder": "calls passes for CPUs itself; shared_bytes has the network",
    "compute": "arithmetic that CPUs have; gpu_compute and gpu_groups have the GPU's",
    "spills": "reads the assembly of CPUs; CTest's Ptxas reads that of GPUs",
    "threads": "threads of a CPU",
    **dict.fromkeys(("branches", "device_usage", "gpu_compute", "gpu_groups", "gpu_math", "gpu_pieces",
                     "grid_barriers", "loop_counts", "narrow_scan", "persistent_scan"),
                    "is for GPUs in the first place"),
    **dict.fromkeys(("dense_layer", "emulated", "emulated_tool", "machines", "small_networks", "suite"),
                    "is no test"),
}


def run(name, *commands, environment=None):
    start = time.monotonic()
    for command in commands:
        done = subprocess.run(["/usr/bin/python3", *map(str, command)], env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        # Some leave it to FileCheck to read what they say.
        wrong = done.returncode or re.search(r"\b(WRONG|FAIL|DIFFERENT)\b", done.stdout)
        if wrong:
            print(done.stdout)
            break
    print("FAIL" if wrong else "PASS", name, f"{time.monotonic() - start:.0f} s", flush=True)
    return not wrong


def make_tools(folder, real):
    folder.mkdir(parents=True)
    for path in real.iterdir():
        stands = path.name in ("ligc", "lig-run")
        (folder / path.name).symlink_to(FOLDER / "emulated_tool.py" if stands else path)
    return dict(os.environ, LIGATURE_EMULATED=str(real),
                PATH=f"{folder}{os.pathsep}{os.environ.get('PATH', '')}")


def check_list():
    known = {*SCRIPTS, *WRITERS, *LEFT_OUT}
    unknown = {path.stem for path in FOLDER.glob("*.py")} ^ known
    if unknown:
        sys.exit(f"neither run nor left out, or not there: {sorted(unknown)}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="regular expression on names")
    parser.add_argument("bin", type=lambda path: pathlib.Path(path).absolute())
    parser.add_argument("out", type=lambda path: pathlib.Path(path).absolute())
    options = parser.parse_args()
    check_list()
    shutil.rmtree(options.out, ignore_errors=True)
    tools = options.out / "bin"
    environment = make_tools(tools, options.bin)
    # What divides the work among processes itself goes alone.
    passed = []
    for name in filter(re.compile(options.only).search, WRITERS):
        folder = options.out / name
        passed.append(run(name, [FOLDER / f"{name}.py", folder],
                          [CONFORMANCE, f"--data={folder}", "--device=emulate",
                           options.bin / "lig-run"]))
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        running = []
        for name in filter(re.compile(options.only).search, SCRIPTS):
            (options.out / name).mkdir()
            command = [FOLDER / f"{name}.py", *SCRIPTS[name](tools, options.out / name)]
            running.append(pool.submit(run, name, command, environment=environment))
        passed += [each.result() for each in running]
    sys.exit(not all(passed))


if __name__ == "__main__":
    main()

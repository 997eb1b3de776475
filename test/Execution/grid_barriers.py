#!/usr/bin/python3
"""Reads PTX: where blocks wait for each other, nothing may be seen too early.

An emulator whose memory is always in order cannot notice a missing fence, so
the text is read. Around each atomic addition of a barrier there have to be, in
this order: a barrier of the block, a fence of the device, the addition, and a
load that acquires. Loads by way of the cache that is never made coherent are
refused in such kernels. A fence or an acquiring load that is left out of the
text must be noticed; barriers of the block are the emulator's to miss.

If a `ptxas` is found, it has to accept the kernels for each chip without
spilling registers; without one this is skipped.

  grid_barriers.py LIGC OUT
"""
import pathlib
import re
import shutil
import subprocess
import sys

from persistent_scan import write_stack
from recurrent import write_case

WAITS = re.compile(r"\s*(?:@%p\d+ )?(bar\.sync|fence\.acq_rel\.gpu|fence\.sc\.gpu"
                   r"|atom\.|ld\.acquire\.gpu|ld\.global\.nc)")
ORDER = ["bar.sync", "fence.acq_rel.gpu", "atom.", "ld.acquire.gpu"]


def kernels(ptx):
    return re.split(r"^\.visible \.entry ", ptx, flags=re.M)[1:]


def problems(kernel):
    """What is wrong with one kernel's barriers of the grid."""
    waits = [m.group(1) for m in map(WAITS.match, kernel.splitlines()) if m]
    if "atom." not in waits:
        return []
    found = ["loads past the caches"] if "ld.global.nc" in waits else []
    for i, wait in enumerate(waits):
        if wait == "atom." and waits[max(0, i - 2):i + 2] != ORDER:
            found.append(f"a barrier is {waits[max(0, i - 2):i + 2]}")
    return found


def check_mutants(kernel):
    """Each line of a barrier is missed."""
    lines = kernel.splitlines()
    for number, line in enumerate(lines):
        match = WAITS.match(line)
        if not match or match.group(1) in ("bar.sync", "atom."):
            continue
        if not problems("\n".join(lines[:number] + lines[number + 1:])):
            sys.exit(f"nobody misses '{line.strip()}'")


def check_assembler(path, chip):
    ptxas = shutil.which("ptxas")
    if not ptxas:
        return False
    said = subprocess.run([ptxas, "-v", f"-arch={chip}", path, "-o", "/dev/null"],
                          capture_output=True, text=True)
    spills = re.findall(r"(\d+) bytes spill stores", said.stderr)
    if said.returncode or not spills or any(map(int, spills)):
        sys.exit(f"{path}: {said.stderr}")
    return True


def main():
    ligc, out = sys.argv[1], pathlib.Path(sys.argv[2])
    sizes = (9, 1, 1024), (9, 4, 512), (9, 16, 200)
    cases = [(kind, *size) for kind in ("LSTM", "GRU") for size in sizes]
    for kind, steps, batch, hidden in cases:
        write_case(out, f"{kind.lower()}_{batch}x{hidden}", kind, ("B",),
                   sizes=(steps, batch, hidden))
    write_stack(out, "lstm_on_lstm", "LSTM", 2, (9, 1, 512))
    write_stack(out, "gru_on_gru", "GRU", 3, (9, 4, 256))
    write_stack(out, "lstm_both_ways", "LSTM", 1, (9, 4, 256), direction="bidirectional")
    checked = assembled = 0
    for folder in sorted((out / "recurrent").iterdir()):
        forms = [("sm_80", "f32"), ("sm_90a", "f32"), ("sm_90a", "bf16")]
        if "_on_" in folder.name:
            forms += [("sm_80", "int8"), ("sm_90a", "codebook4")]
        for chip, weights in forms:
            path = out / f"{folder.name}.{chip}.{weights}.ptx"
            subprocess.run([ligc, folder / "model.onnx", "--target=cuda",
                            f"--cuda-arch={chip}", "--emit=ptx", f"--weights={weights}",
                            "-o", path], check=True)
            for kernel in kernels(path.read_text()):
                if wrong := problems(kernel):
                    sys.exit(f"{path}: {wrong}")
                checked += "atom." in kernel
                check_mutants(kernel) if "atom." in kernel else None
            assembled += check_assembler(path, chip)
    print(f"{checked} kernels with barriers of the grid,",
          f"{assembled} files assembled" if assembled else "no ptxas, which is skipped")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Assembles the kernels of networks with ptxas and reads what it says of them.

The benchmark suite's networks, the real ones in MODELS, attention of long lines, and
products and convolutions that are large enough for warpgroups, for sm_80 and sm_90a: no
kernel may spill registers, keep anything in local memory, call what no one defines, or
use more registers than --registers. One line a network; exits 1 if any fails and 77,
which CTest shows as skipped, where no ptxas is found.

  ptxas.py [--out=FOLDER] [--registers=N] [--only=REGEX] [--chips=CHIP,CHIP] [--small]
           [--compute=PRECISION,PRECISION] LIGC [MODELS]

--small takes the suite's networks at the sizes of its fast test. With --compute their
products are in these precisions, not in f32.

--out takes kernels.csv: network, precision, chip, kernel, registers, bytes of stack, bytes
spilled, bytes of shared memory.
"""
import argparse
import csv
import itertools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "lig-bench"))
import gpu_cases  # noqa: E402
import suite  # noqa: E402

CHIPS = "sm_80,sm_90a"
# A persistent kernel has a multiprocessor for itself: 65536 registers for 256 threads
# would allow 256. What else there is stays below 168 in f32.
REGISTERS = 200
SKIPPED = 77


def find_ptxas():
    places = [os.environ[v] + "/bin" for v in ("CUDA_HOME", "CUDA_PATH") if v in os.environ]
    return shutil.which("ptxas") or shutil.which(
        "ptxas", path=os.pathsep.join([*places, "/usr/local/cuda/bin"]))


def read_properties(text):
    """[(kernel, registers, stack, spilled, shared)] of `ptxas -v`."""
    found = []
    for part in re.split(r"Compiling entry function '", text)[1:]:
        numbers = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, "
                            r"(\d+) bytes spill loads", part)
        registers = re.search(r"Used (\d+) registers", part)
        shared = re.search(r"(\d+) bytes smem", part)
        stack, stores, loads = map(int, numbers.groups())
        found.append((part.split("'")[0], int(registers[1]), stack, stores + loads,
                      int(shared[1]) if shared else 0))
    return found


def check(ligc, ptxas, model, compute, chip, limit, folder):
    """(complaints, properties of the kernels)"""
    ptx = folder / "kernels.ptx"
    done = subprocess.run([ligc, "--target=cuda", "--emit=ptx", "--ptxas=none",
                           f"--cuda-arch={chip}", f"--compute={compute}", model, "-o", ptx],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        return [done.stdout.strip()], []
    done = subprocess.run([ptxas, "-v", f"-arch={chip}", ptx, "-o", folder / "kernels.cubin"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        return [done.stdout.strip()], []
    kernels = read_properties(done.stdout)
    complaints = [] if kernels else ["ptxas reports no kernel"]
    for name, registers, stack, spilled, _ in kernels:
        if spilled:
            complaints.append(f"{name} spills {spilled} bytes")
        elif stack:
            complaints.append(f"{name} keeps {stack} bytes in local memory")
        if registers > limit:
            complaints.append(f"{name} uses {registers} registers, more than {limit}")
    return complaints, kernels


def list_networks(options, folder):
    """(name, path, precisions) of each network; those of the suite are built."""
    computes = options.compute.split(",")
    for network in suite.NETWORKS:
        if re.search(options.only, network.name):
            path = folder / f"{network.name}.onnx"
            small = network.small.split() if options.small else []
            suite.run_builder(network.builder, path, [*network.options.split(), *small])
            yield network.name, path, computes
    if options.models:
        for each in sorted(options.models.glob("*/model.onnx")):
            fixed = each.with_name("model_static.onnx")
            if re.search(options.only, each.parent.name):
                yield each.parent.name, fixed if fixed.exists() else each, computes
    # Heads of which warps share the columns, few and many.
    for heads, size in ((4, 160), (4, 256), (64, 192), (64, 256)):
        name = f"attention-{heads}x{size}"
        if re.search(options.only, name):
            path = folder / f"{name}.onnx"
            suite.run_builder("attention.py", path, [f"--heads={heads}", f"--size={size}"])
            yield name, path, computes
    for compute in ("bf16", "tf32"):
        texts = {"product": gpu_cases.product(2048, "f32" if compute == "tf32" else compute),
                 "convolution": gpu_cases.convolution(96, 256)}
        for name, text in texts.items():
            if re.search(options.only, f"large-{name}"):
                yield f"large-{name}", gpu_cases.Kernel(text).write(folder, name), [compute]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--registers", type=int, default=REGISTERS)
    parser.add_argument("--only", default="")
    parser.add_argument("--chips", default=CHIPS)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--compute", default="f32")
    parser.add_argument("ligc")
    parser.add_argument("models", type=pathlib.Path, nargs="?")
    options = parser.parse_args()
    ptxas = find_ptxas()
    if not ptxas:
        print("skipped: no ptxas in PATH, CUDA_HOME or CUDA_PATH")
        sys.exit(SKIPPED)

    rows, failed, count, most = [], 0, 0, 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for network, path, computes in list_networks(options, folder):
            for compute, chip in itertools.product(computes, options.chips.split(",")):
                start = time.monotonic()
                complaints, kernels = check(options.ligc, ptxas, path, compute, chip,
                                            options.registers, folder)
                rows += [(network, compute, chip, *kernel) for kernel in kernels]
                most = max([most, *(kernel[1] for kernel in kernels)])
                count += 1
                failed += bool(complaints)
                print("FAIL" if complaints else "PASS", network, compute, chip,
                      f"{len(kernels)} kernels, {time.monotonic() - start:.1f} s", flush=True)
                for complaint in complaints:
                    print("  " + complaint.replace("\n", "\n  "))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        with open(options.out / "kernels.csv", "w", newline="") as file:
            csv.writer(file).writerows(
                [("network", "precision", "chip", "kernel", "registers", "stack", "spilled",
                  "shared"), *rows])
    print(f"{count - failed} of {count} networks are clean, {len(rows)} kernels, "
          f"{most} registers at most")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()

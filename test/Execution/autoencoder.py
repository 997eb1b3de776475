#!/usr/bin/python3
"""Runs the tied autoencoder through the passes, from its text to its outputs.

The passes leave one function on buffers, its parameters in one block at known
offsets. Upstream's passes and LLVM make a library of it; this script fills the
block from the safetensors file, runs the held-out data and writes what the
example's check.py reads. Usage: autoencoder.py LIG_OPT EXAMPLE OUT
"""
import ctypes
import os
import re
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)
from kernels import build, run  # noqa: E402

PASSES = (
    "share-inline-views,convert-net-to-linalg,net-propagate-layout,"
    "net-fuse-elementwise,canonicalize,cse,lig-bufferize,"
    "lig-cpu-emit-kernels,lig-plan-memory"
)
ALIGNMENT = 64


def aligned(size):
    """`size` zero bytes that begin at a multiple of ALIGNMENT."""
    whole = np.zeros(size + ALIGNMENT, np.uint8)
    start = -whole.ctypes.data % ALIGNMENT
    return whole[start : start + size]


def main():
    tool, example, out = sys.argv[1:]
    sys.path.insert(0, os.path.join(example, ".."))
    import safetensors_file

    os.makedirs(out, exist_ok=True)
    source = os.path.join(example, "autoencoder.mlir")
    text = run([tool, source, f"--pass-pipeline=builtin.module({PASSES})"])
    # The parameters are in the block by now; LLVM need not see their symbols.
    base = os.path.join(out, "autoencoder")
    with open(base + ".mlir", "w") as file:
        file.write(re.sub(r"^ *share\.param .*\n", "", text, flags=re.M))
    entry = build(tool, base + ".mlir", "canonicalize", base, "native")

    block, arena = (int(n) for n in re.search(
        r"memref<(\d+)xi8>, %\w+: memref<(\d+)xi8>", text).groups())
    params, arena = aligned(block), aligned(arena)
    places = re.findall(r'share\.param @(\S+) {share\.offset = (\d+)', text)
    weights = safetensors_file.load(os.path.join(example, "autoencoder.safetensors"))
    assert sorted(name for name, _ in places) == sorted(weights), places
    for name, offset in places:
        data = weights[name].view(np.uint8).ravel()
        params[int(offset) : int(offset) + len(data)] = data
    stored = sum(w.nbytes for w in weights.values())
    assert block < stored + ALIGNMENT * len(weights), "a tied weight is stored twice"

    dims = np.zeros(2, np.int64)
    for kind in ["noisy", "clean", "anomalies"]:
        x = np.ascontiguousarray(np.load(os.path.join(example, "data", kind + ".npy")))
        y = np.empty_like(x)
        pointers = [ctypes.c_void_p(a.ctypes.data) for a in (x, y, params, arena, dims)]
        status = entry.main(*pointers)
        assert status == 0, status
        np.save(os.path.join(out, kind + ".npy"), y)
    print(f"{len(places)} parameters in {block} bytes")


if __name__ == "__main__":
    main()

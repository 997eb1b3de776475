#!/usr/bin/python3
"""Networks compiled with --compute=bf16 and --compute=vnni beside NumPy, which rounds
data and weights in the same way: what is left is the order of sums of floats.

Parameters must take the bytes that the numbers take, and assembly must have the
instructions: vdpbf16ps and vpdpbusd for znver4,
vpmaddwd for haswell.

  compute.py LIG_RUN LIGC OUT
"""
import json
import pathlib
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

LIG_RUN, LIGC, OUT = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
RNG = np.random.default_rng(5)


def bf16(x):
    bits = x.astype("f4").view("u4").astype("u8")
    return ((bits + 0x7fff + (bits >> 16 & 1)) >> 16 << 16).astype("u4").view("f4")


def bytes_of(x, axes):
    """Integers of 8 bits and their scales, one for all of `axes`."""
    scale = np.abs(x).max(axes, keepdims=True).astype("f4") / np.float32(127)
    return np.rint(x * (np.float32(1) / scale)).astype("f8"), scale.astype("f8")


def product(x, w, kind, axis=0):
    """x times w, a matrix whose channels are the other axis than `axis`."""
    if kind == "bf16":
        return bf16(x).astype("f8") @ bf16(w).astype("f8")
    a, sa = bytes_of(x, -1)
    b, sb = bytes_of(w, axis)
    return (a @ b) * sa * sb


def convolve(x, w, kind):
    """3x3 with pads of one; vnni scales an image as a whole."""
    if kind == "bf16":
        x, w, scale = bf16(x).astype("f8"), bf16(w).astype("f8"), 1
    else:
        x, sx = bytes_of(x, (1, 2, 3))
        w, sw = bytes_of(w, (1, 2, 3))
        scale = sx * sw.reshape(1, -1, 1, 1)
    x = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(2, 3))
    return np.einsum("nchwab,fcab->nfhw", windows, w) * scale


def save(name, x, nodes, weights):
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(a, n) for n, a in weights.items()])
    path = OUT / f"{name}.onnx"
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), str(path))
    np.save(OUT / f"{name}.npy", x)
    return path


def run(path, *options):
    out = path.with_suffix("")
    out.mkdir(exist_ok=True)
    subprocess.run([LIG_RUN, path, "--input", f"x=@{path.with_suffix('.npy')}",
                    "--output-dir", out, *options], check=True, stdout=subprocess.DEVNULL)
    bench = subprocess.run([LIG_RUN, path, "--bench", "--seed=1", "--min-time=0",
                            "--warmup=0", *options], check=True, stdout=subprocess.PIPE)
    return np.load(out / "y.npy"), json.loads(bench.stdout)["param_bytes"]


def check(path, kind, want, most_bytes, cpu):
    got, size = run(path, f"--compute={kind}", *([f"-mcpu={cpu}"] if cpu else []))
    error = np.abs(got - want).max() / np.abs(want).max()
    good = error < 3e-6 and size <= most_bytes
    print("PASS" if good else "FAIL", path.stem, kind, cpu, f"error {error:.1e}, {size} bytes")
    return good


def weight(*shape):
    return RNG.standard_normal(shape).astype("f4")


def cases():
    for m, k, n in ((1, 64, 48), (9, 57, 130), (33, 128, 64)):
        x, w, b = weight(m, k), weight(n, k), weight(n)
        path = save(f"gemm_{m}_{k}_{n}", x, [helper.make_node("Gemm", ["x", "w", "b"], ["h"],
                                                               transB=1),
                                             helper.make_node("Relu", ["h"], ["y"])],
                    {"w": w, "b": b})
        yield path, lambda kind, x=x, w=w, b=b: np.maximum(product(x, w.T, kind) + b, 0), w.size
    x, w = weight(2, 16, 9, 8), weight(24, 16, 3, 3)
    path = save("conv", x, [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1] * 4)], {"w": w})
    yield path, lambda kind: convolve(x, w, kind), w.size


def has(path, kind, cpu, instruction):
    out = OUT / f"{kind}-{cpu}.s"
    subprocess.run([LIGC, str(path), f"--compute={kind}", f"-mcpu={cpu}", "--emit=asm",
                    "-o", str(out)], check=True)
    found = instruction in out.read_text()
    if not found:
        print(f"FAIL: no {instruction} with --compute={kind} for {cpu}")
    return found


def main():
    good = True
    for path, reference, size in cases():
        for kind, width in (("bf16", 2), ("vnni", 1)):
            want = reference(kind)
            # Words and vectors are filled up.
            most = width * size * 1.3 + 4096
            for cpu in ("", "haswell", "x86-64"):
                good &= check(path, kind, want, most, cpu)
    layer = OUT / "gemm_33_128_64.onnx"
    for kind, cpu, name in (("bf16", "znver4", "vdpbf16ps"), ("vnni", "znver4", "vpdpbusd"),
                            ("vnni", "haswell", "vpmaddwd")):
        good &= has(layer, kind, cpu, name)
    sys.exit(not good)


if __name__ == "__main__":
    main()

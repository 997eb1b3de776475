#!/usr/bin/python3
"""Compares networks compiled with --weights=FORMAT with the same networks whose
weights NumPy rounded before: what is left is the order of sums. Also checks that
the parameters take the bytes that the format promises.

  narrow_weights.py LIG_RUN OUT
"""
import json
import pathlib
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

LIG_RUN, OUT = sys.argv[1], pathlib.Path(sys.argv[2])
RNG = np.random.default_rng(3)
BYTES = {"bf16": 2, "f16": 2, "int8": 1}


def weight(*shape):
    return RNG.standard_normal(shape).astype("f4")


def rounded(array, kind, axis):
    """`axis` counts the channels of int8; None for one scale. Groups share the
    scales of their channels."""
    if kind == "f16":
        return array.astype("f2").astype("f4")
    if kind == "bf16":
        bits = array.view("u4").astype("u8")
        bits = (bits + 0x7fff + (bits >> 16 & 1)) >> 16 << 16
        return bits.astype("u4").view("f4")
    if axis == "grouped":
        groups = array.reshape(2, -1, *array.shape[1:])
        return rounded(groups, kind, 1).reshape(array.shape)
    others = None if axis is None else tuple(i for i in range(array.ndim) if i != axis)
    scale = np.abs(array).max(axis=others, keepdims=True) / np.float32(127)
    return (np.round(array / scale) * scale).astype("f4")


# name: (input shape, {weight: (array, channel axis)}, nodes)
NETWORKS = {
    "gemm": ((3, 40), {"w": (weight(40, 50), 1), "b": (weight(50), "keep")},
             lambda: [helper.make_node("Gemm", ["x", "w", "b"], ["y"])]),
    "gemv": ((1, 64), {"w": (weight(48, 64), 0)},
             lambda: [helper.make_node("Gemm", ["x", "w"], ["y"], transB=1)]),
    "conv": ((1, 16, 9, 8), {"w": (weight(24, 16, 3, 3), 0), "b": (weight(24), "keep")},
             lambda: [helper.make_node("Conv", ["x", "w", "b"], ["h"], pads=[1, 1, 1, 1]),
                      helper.make_node("Relu", ["h"], ["y"])]),
    "grouped": ((1, 16, 9, 8), {"w": (weight(32, 8, 3, 3), "grouped")},
                lambda: [helper.make_node("Conv", ["x", "w"], ["y"], group=2)]),
    "lstm": ((5, 2, 24), {"w": (weight(1, 128, 24), 1), "r": (weight(1, 128, 32), 1),
                          "b": (weight(1, 256), "keep")}, lambda: [helper.make_node("LSTM", ["x", "w", "r", "b"], ["", "y"],
                                       hidden_size=32)]),
    # A tie: rows and columns change places, so one scale serves both.
    "tied": ((2, 40), {"w": (weight(40, 48), None)},
             lambda: [helper.make_node("MatMul", ["x", "w"], ["h"]),
                      helper.make_node("Transpose", ["w"], ["t"]),
                      helper.make_node("MatMul", ["h", "t"], ["y"])]),
}


def model(name, weights):
    shape, _, nodes = NETWORKS[name]
    graph = helper.make_graph(
        nodes(), name, [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(a, n) for n, a in weights.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])


def run(path, *options):
    out = path.with_suffix("")
    out.mkdir(exist_ok=True)
    subprocess.run([LIG_RUN, path, "--input", f"x=@{OUT / 'x.npy'}", "--output-dir", out,
                    *options], check=True, stdout=subprocess.DEVNULL)
    bench = subprocess.run([LIG_RUN, path, "--bench", "--seed=1", "--min-time=0",
                            "--warmup=0", *options], check=True, stdout=subprocess.PIPE)
    return np.load(out / "y.npy"), json.loads(bench.stdout)["param_bytes"]


def check(name, kind):
    shape, weights, _ = NETWORKS[name]
    np.save(OUT / "x.npy", weight(*shape))
    given, before = {}, {}
    for n, (array, axis) in weights.items():
        given[n] = array
        before[n] = array if axis == "keep" else rounded(array, kind, axis)
    paths = OUT / f"{name}_{kind}.onnx", OUT / f"{name}_{kind}_rounded.onnx"
    save_model(model(name, given), str(paths[0]))
    save_model(model(name, before), str(paths[1]))
    narrow, narrow_bytes = run(paths[0], f"--weights={kind}")
    wide, wide_bytes = run(paths[1])
    error = np.abs(narrow - wide).max() / np.abs(wide).max()
    saved = sum((4 - BYTES[kind]) * array.size for n, (array, axis) in weights.items()
                if axis != "keep")
    scales = sum(4 * (array.shape[axis] if isinstance(axis, int) else array.shape[0])
                 for array, axis in weights.values() if axis != "keep")
    slack = 64 * 2 * len(weights) + (scales if kind == "int8" else 0)
    good = error < 2e-6 and wide_bytes - narrow_bytes >= saved - slack
    print("PASS" if good else "FAIL", name, kind, f"error {error:.1e},",
          f"{wide_bytes} bytes became {narrow_bytes}")
    return good


OUT.mkdir(parents=True, exist_ok=True)
results = [check(name, kind) for name in NETWORKS for kind in BYTES]
sys.exit(not all(results))

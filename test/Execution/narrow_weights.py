#!/usr/bin/python3
"""Compares networks compiled with --weights=FORMAT with the same networks whose
weights NumPy rounded before: what is left is the order of sums. Also checks that
the parameters take the bytes that the format promises. Weights of 16 values keep
them in a codebook, and models that look weights up store their codes; many values
in a codebook of 16 are as far off as 4 bits must be.

  narrow_weights.py LIG_RUN OUT
"""
import json
import pathlib
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

from machines import IS_EMULATED

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
    # Winograd's transform, which narrow weights go without, rounds otherwise.
    wide, wide_bytes = run(paths[1], "--no-winograd")
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


def compare(label, path, want, most_bytes, error_bound, *options):
    got, size = run(path, *options)
    error = np.sqrt(np.mean((got - want) ** 2)) / np.sqrt(np.mean(want ** 2))
    good = error <= error_bound and size <= most_bytes
    print("PASS" if good else "FAIL", label, *options, f"error {error:.1e}, {size} bytes")
    return good


# What vectors of the machine, and those of others that it can run, make of codes.
MACHINES = ((),) if IS_EMULATED else ((), ("-mcpu=haswell",), ("-mcpu=nehalem",))


def check_codebook(name):
    """Four bits are off by a tenth of the root mean square, which a recurrence makes more
    of; some readers (ties, small products) keep a byte a code."""
    shape, weights, _ = NETWORKS[name]
    x = weight(*shape)
    np.save(OUT / "x.npy", x)
    path = OUT / f"{name}_codebook.onnx"
    save_model(model(name, {n: a for n, (a, _) in weights.items()}), str(path))
    want, wide = run(path)
    saved = sum(3 * a.size for a, axis in weights.values() if axis != "keep")
    slack = sum(64 * 4 + 4 * max(a.shape) for a, _ in weights.values())
    bound = 0.35 if name == "lstm" else 0.2
    good = compare(name, path, want, wide - saved + slack, bound, "--weights=codebook4")
    values = RNG.standard_normal(16).astype("f4")
    exact = {n: a if axis == "keep" else values[RNG.integers(0, 16, a.shape)]
             for n, (a, axis) in weights.items()}
    save_model(model(name, exact), str(path))
    want, _ = run(path)
    return good & compare(name, path, want, wide - saved + slack, 1e-6, "--weights=codebook4")


def check_lookup(rows, inner, columns, entries, code, options):
    """MatMul with weights that are gathered from a table: half a byte each, or one."""
    book, codes = weight(entries), RNG.integers(0, entries, (inner, columns))
    x = weight(rows, inner)
    np.save(OUT / "x.npy", x)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["book", "codes"], ["w"]),
         helper.make_node("MatMul", ["x", "w"], ["y"])], "lookup",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(book, "book"), numpy_helper.from_array(codes.astype(code), "codes")])
    path = OUT / f"lookup_{rows}_{inner}_{columns}_{entries}.onnx"
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), str(path))
    paired = entries <= 16 and "-mcpu=nehalem" not in options and not IS_EMULATED
    lanes = -(-columns // 32) * 32 if paired else -(-columns // 16) * 16
    most = (inner + 1) * lanes // (2 if paired else 1) + 4 * max(entries, 16) + 128
    want = (x.astype("f8") @ book[codes].astype("f8")).astype("f4")
    return compare(f"lookup {rows}x{inner}x{columns} of {entries}", path, want, most, 1e-6, *options)


OUT.mkdir(parents=True, exist_ok=True)
results = [check(name, kind) for name in NETWORKS for kind in BYTES]
results += [check_codebook(name) for name in NETWORKS]
# Whole panels, rests of one to seven vectors, tails, odd steps; gathers.
results += [check_lookup(*sizes, options) for options in MACHINES for sizes in [
    (1, 57, 300, 16, "i8"), (1, 64, 33, 16, "i4"), (9, 57, 129, 13, "i8"), (40, 31, 80, 16, "i8"),
    (3, 41, 96, 200, "i8"), (2, 30, 10, 16, "i8"), (1, 300, 8, 16, "i8")]]
sys.exit(not all(results))

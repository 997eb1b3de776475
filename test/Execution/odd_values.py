#!/usr/bin/python3
"""Runs models on values that break careless code: NaN, infinities, bad indices.

NaN weights and inputs have ONNX's meaning, which is NumPy's. An index outside
its tensor is known only at run time: the run is refused in words, exit code 1.

  odd_values.py LIG_RUN OUT
"""
import pathlib
import re
import shutil
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

TYPES = {np.dtype("f4"): TensorProto.FLOAT, np.dtype("i8"): TensorProto.INT64}


def run(lig_run, folder, nodes, inputs, output, weights=()):
    """The finished process and the output, if there is one."""
    folder.mkdir(parents=True)
    infos = [helper.make_tensor_value_info(n, TYPES[a.dtype], a.shape)
             for n, a in inputs.items()]
    result = [helper.make_tensor_value_info("y", TYPES[output[0]], output[1])]
    graph = helper.make_graph(nodes, "g", infos, result,
                              [numpy_helper.from_array(a, n) for n, a in dict(weights).items()])
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]),
               str(folder / "model.onnx"))
    command = [lig_run, str(folder / "model.onnx"), "--output", f"y=@{folder}/y.npy"]
    for name, array in inputs.items():
        np.save(folder / f"{name}.npy", array)
        command += ["--input", f"{name}=@{folder}/{name}.npy"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    file = folder / "y.npy"
    return done, np.load(file) if file.exists() else None


def compare(found, expected):
    done, array = found
    if done.returncode or array is None:
        return f"exit code {done.returncode}: {done.stderr}"
    if not np.allclose(array, expected, rtol=1e-5, atol=1e-6, equal_nan=True):
        return f"gives\n{array}\nnot\n{expected}"
    return ""


def refuse(found, words):
    done, array = found
    if done.returncode != 1 or not re.search(words, done.stderr):
        return f"exit code {done.returncode}, not 1 with '{words}': {done.stderr}"
    return "leaves an output" if array is not None else ""


def main():
    lig_run, out = sys.argv[1], pathlib.Path(sys.argv[2])
    shutil.rmtree(out, ignore_errors=True)
    nan, inf = np.float32("nan"), np.float32("inf")
    f4, i8 = np.dtype("f4"), np.dtype("i8")
    rng = np.random.default_rng(7)
    x = rng.uniform(-1, 1, (3, 20)).astype("f4")
    w = rng.uniform(-1, 1, (20, 33)).astype("f4")
    w[4, 5], w[7, 32] = nan, nan
    odd = x.copy()
    odd[0, 3], odd[1, 17], odd[2, 19] = nan, inf, -inf
    node = helper.make_node
    results = {}

    def check(name, verdict, expected, nodes, inputs, output, weights=()):
        results[name] = verdict(run(lig_run, out / name, nodes, inputs, output, weights),
                                expected)

    with np.errstate(all="ignore"):
        check("nan-weight-matmul", compare, x @ w, [node("MatMul", ["x", "w"], ["y"])],
              {"x": x}, (f4, (3, 33)), {"w": w})
        check("nan-weight-add", compare, x + w[4, :20], [node("Add", ["x", "w"], ["y"])],
              {"x": x}, (f4, (3, 20)), {"w": w[4, :20].copy()})
        check("relu", compare, np.maximum(odd, 0), [node("Relu", ["x"], ["y"])],
              {"x": odd}, (f4, (3, 20)))
        check("reduce-max", compare, odd.max(1, keepdims=True),
              [node("ReduceMax", ["x"], ["y"], axes=[1])], {"x": odd}, (f4, (3, 1)))
        image = rng.uniform(-1, 1, (1, 2, 18, 33)).astype("f4")
        image[0, 0, 3, 5], image[0, 1, 9, 20], image[0, 1, 17, 0] = nan, inf, nan
        image[0, 1, :6] = -inf
        padded = np.pad(image, ((0, 0), (0, 0), (2, 2), (2, 2)), constant_values=-inf)
        windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 5), (2, 3))
        check("maxpool", compare, windows.max((4, 5)),
              [node("MaxPool", ["x"], ["y"], kernel_shape=[5, 5], pads=[2, 2, 2, 2])],
              {"x": image}, (f4, image.shape))
        check("reduce-sum", compare, odd.sum(1, keepdims=True),
              [node("ReduceSum", ["x", "a"], ["y"])], {"x": odd}, (f4, (3, 1)),
              {"a": np.array([1], "i8")})
        check("exp", compare, np.exp(odd * 100), [node("Exp", ["x"], ["y"])],
              {"x": odd * np.float32(100)}, (f4, (3, 20)))
        edges = np.array([[0, -0.0, 88.7, 88.73, 89.5, 1000, 3e38, inf, nan, -86.9,
                           -87.3, -104, -1000, -3e38, -inf, 1, -1, 0.5, 1e-30, 30]], "f4")
        check("exp-edges", compare, np.exp(edges), [node("Exp", ["x"], ["y"])],
              {"x": edges}, (f4, (1, 20)))
        hidden = np.full((40, 130), -inf, "f4")  # the last row has nothing to see
        hidden[:39, :70] = rng.uniform(-90, 90, (39, 70))
        hidden[3, 5], hidden[4, 6] = nan, inf
        powers = np.exp(hidden - hidden.max(1, keepdims=True))
        check("softmax-hidden", compare, powers / powers.sum(1, keepdims=True),
              [node("Softmax", ["x"], ["y"], axis=1)], {"x": hidden}, (f4, (40, 130)))
        check("tanh", compare, np.tanh(odd * 100), [node("Tanh", ["x"], ["y"])],
              {"x": odd * np.float32(100)}, (f4, (3, 20)))

    # A range that leads away from its limit, which no integer holds, is empty.
    limits = {n: np.array(value, "f4") for n, value in zip("abc", (0, -1e38, 1))}
    check("range-away", compare, x[0], [node("Range", ["a", "b", "c"], ["r"]),
                                        node("Concat", ["x", "r"], ["y"], axis=0)],
          {"x": x[0]}, (f4, (20,)), limits)

    table = np.arange(8, dtype="f4").reshape(4, 2)
    gather = [node("Gather", ["t", "i"], ["y"])]
    check("negative-index", compare, table[[-1, 2]], gather,
          {"i": np.array([-1, 2])}, (f4, (2, 2)), {"t": table})
    for name, bad in (("index-too-large", 4), ("index-too-small", -5),
                      ("index-huge", 2 ** 62)):
        check(name, refuse, "index|range", gather, {"i": np.array([0, bad])},
              (f4, (2, 2)), {"t": table})
    check("scatter-index-too-large", refuse, "index|range",
          [node("ScatterND", ["t", "i", "u"], ["y"])],
          {"t": table, "i": np.array([[9]]), "u": np.zeros((1, 2), "f4")}, (f4, (4, 2)))

    for name, problem in results.items():
        print("FAIL" if problem else "PASS", name, problem)
    sys.exit(any(results.values()))


if __name__ == "__main__":
    main()

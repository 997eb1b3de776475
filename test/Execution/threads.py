#!/usr/bin/python3
"""Runs a network of long kernels and recurrences on 1, 2, 3 and 5 threads: every
bit of the results must be the same, run after run.

  threads.py LIGC LIG_RUN OUT
"""
import pathlib
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

LIGC, LIG_RUN, OUT = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
OUTPUTS = "yzmqk"
RNG = np.random.default_rng(5)
WEIGHTS = {
    "c1": (32, 3, 3, 3), "b1": (32,), "dw": (32, 1, 3, 3), "c2": (48, 32, 1, 1),
    "up": (48, 8, 2, 2), "w": (1, 512, 768), "r": (1, 512, 128), "fc": (128, 1000),
    "table": (2048, 256), "gw": (2, 384, 128), "gr": (2, 384, 128), "gb": (2, 768),
}
NODES = [
    helper.make_node("Conv", ["x", "c1", "b1"], ["a"], pads=[1, 1, 1, 1]),
    helper.make_node("Relu", ["a"], ["b"]),
    helper.make_node("Conv", ["b", "dw"], ["c"], group=32, pads=[1, 1, 1, 1]),
    helper.make_node("Conv", ["c", "c2"], ["d"]),
    helper.make_node("Tanh", ["d"], ["e"]),
    helper.make_node("MaxPool", ["e"], ["f"], kernel_shape=[2, 2], strides=[2, 2]),
    helper.make_node("ConvTranspose", ["f", "up"], ["g"], strides=[2, 2]),
    helper.make_node("Reshape", ["d", "shape"], ["s"]),
    helper.make_node("LSTM", ["s", "w", "r"], ["hidden", "h"], hidden_size=128),
    # Both directions; threads run the steps as teams.
    helper.make_node("Squeeze", ["hidden", "one"], ["hs"]),
    helper.make_node("GRU", ["hs", "gw", "gr", "gb"], ["k"], hidden_size=128,
                     direction="bidirectional"),
    helper.make_node("Reshape", ["h", "flat"], ["v"]),
    helper.make_node("MatMul", ["v", "fc"], ["logits"]),
    helper.make_node("Softmax", ["logits"], ["y"], axis=1),
    helper.make_node("Softmax", ["g"], ["z"], axis=3),
    # Read by rows and, transposed, as a product's weight: its panels are copied.
    helper.make_node("Gather", ["table", "tokens"], ["row"]),
    helper.make_node("Transpose", ["table"], ["turned"], perm=[1, 0]),
    helper.make_node("MatMul", ["row", "turned"], ["q"]),
    helper.make_node("ReduceMean", ["e"], ["m"], axes=[2, 3]),
]


def build():
    initializers = [numpy_helper.from_array(
        (RNG.standard_normal(shape) / 8).astype("f4"), name) for name, shape in WEIGHTS.items()]
    initializers += [numpy_helper.from_array(np.array([64, 4, 768], "i8"), "shape"),
                     numpy_helper.from_array(np.array([4, 128], "i8"), "flat"),
                     numpy_helper.from_array(np.array([1], "i8"), "one"),
                     numpy_helper.from_array(RNG.integers(0, 2048, 96), "tokens")]
    graph = helper.make_graph(
        NODES, "threads",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 64, 64])],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in OUTPUTS],
        initializers)
    path = OUT / "threads.onnx"
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), str(path))
    np.save(OUT / "x.npy", RNG.standard_normal((1, 3, 64, 64)).astype("f4"))
    subprocess.run([LIGC, path, "-o", OUT / "threads.so"], check=True)


def run(threads):
    folder = OUT / f"{threads}"
    folder.mkdir(exist_ok=True)
    subprocess.run([LIG_RUN, OUT / "threads.so", "--input", f"x=@{OUT / 'x.npy'}",
                    f"--threads={threads}", "--output-dir", folder], check=True,
                   stdout=subprocess.DEVNULL)
    return {n: (folder / f"{n}.npy").read_bytes() for n in OUTPUTS}


def main():
    OUT.mkdir(parents=True)
    build()
    alone = run(1)
    for threads in (2, 3, 5, 2, 3):
        together = run(threads)
        for name in alone:
            if alone[name] != together[name]:
                sys.exit(f"output '{name}' depends on the number of threads ({threads})")
    print("the same bits on any number of threads")


main()

#!/usr/bin/python3
"""Runs recurrences whole and step by step: the same bits, from the same bytes.

A product of a transposed table sums in an order that depends on the number of
rows; networks with one agree closely.

  steps.py LIGC LIG_RUN OUT
"""
import pathlib
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

from machines import same

LIGC, LIG_RUN, OUT = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
RNG = np.random.default_rng(8)
STEPS, HIDDEN, WORDS = 7, 24, 40
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def weight(*shape):
    return (RNG.standard_normal(shape) / 4).astype("f4")


class Network:
    def __init__(self, name):
        self.name, self.nodes, self.weights, self.inputs, self.outputs = name, [], [], [], []

    def add(self, op, inputs, outputs, **attributes):
        names = []
        for each in inputs:
            if isinstance(each, np.ndarray):
                self.weights.append(numpy_helper.from_array(each, f"w{len(self.weights)}"))
                each = self.weights[-1].name
            names.append(each)
        self.nodes.append(helper.make_node(op, names, outputs, **attributes))
        return outputs[0]

    def recurrent(self, op, x, depth, batch, states=("", ""), outputs=None, **attributes):
        rows = GATES[op] * HIDDEN
        inputs = [x, weight(1, rows, depth), weight(1, rows, HIDDEN), weight(1, 2 * rows), "",
                  *states[:2 if op == "LSTM" else 1]]
        y = self.add(op, inputs, outputs or [f"{x}.y"], hidden_size=HIDDEN, **attributes)
        shape = np.array([STEPS, batch, HIDDEN], "i8")
        return self.add("Reshape", [y, shape], [f"{y}.flat"])

    def save(self):
        value = lambda name, dtype, shape: helper.make_tensor_value_info(name, dtype, shape)
        graph = helper.make_graph(
            self.nodes, self.name, [value(n, t, s) for n, t, s in self.inputs],
            [value(n, TensorProto.FLOAT, None) for n in self.outputs], self.weights)
        path = OUT / f"{self.name}.onnx"
        save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)]),
                   str(path))
        return path


def language_model(batch):
    """Two layers, and the embedding again as the output layer."""
    n = Network(f"language{batch}")
    n.inputs = [("tokens", TensorProto.INT64, [STEPS, batch])]
    table = weight(WORDS, HIDDEN)
    x = n.add("Gather", [table, "tokens"], ["x"])
    for _ in range(2):
        x = n.recurrent("LSTM", x, HIDDEN, batch)
    turned = n.add("Transpose", [n.weights[0].name], ["turned"], perm=[1, 0])
    x = n.add("MatMul", [x, turned], ["scores"])
    n.add("LogSoftmax", [x], ["y"], axis=-1)
    n.outputs = ["y"]
    return n


def gated(before, batch):
    """A state from outside, whose last value is an output."""
    n = Network(f"gru{before}")
    n.inputs = [("x", TensorProto.FLOAT, [STEPS, batch, 10]),
                ("h0", TensorProto.FLOAT, [1, batch, HIDDEN])]
    x = n.add("Relu", [n.add("MatMul", ["x", weight(10, 16)], ["m"])], ["r"])
    n.recurrent("GRU", x, 16, batch, states=["h0"], outputs=["ys", "last"],
                linear_before_reset=before)
    n.add("Tanh", ["ys.flat"], ["y"])
    n.outputs = ["y", "last"]
    return n


def plain(batch):
    n = Network(f"rnn{batch}")
    n.inputs = [("x", TensorProto.FLOAT, [STEPS, batch, 10])]
    n.outputs = [n.recurrent("RNN", "x", 10, batch)]
    return n


def run(library, entry, feeds):
    folder = OUT / "run"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    command = [LIG_RUN, library, f"--entry={entry}", "--output-dir", folder]
    for name, value in feeds.items():
        np.save(OUT / f"{name}.npy", value)
        command += ["--input", f"{name}=@{OUT / name}.npy"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return {path.stem: np.load(path) for path in folder.iterdir()}


def feeds_of(network):
    return {name: RNG.integers(0, WORDS, shape) if dtype == TensorProto.INT64
            else RNG.standard_normal(shape).astype("f4")
            for name, dtype, shape in network.inputs}


def parameter_bytes(library):
    info = subprocess.run([LIG_RUN, library, "--info"], check=True, capture_output=True,
                          text=True).stdout
    return int(next(line for line in info.splitlines() if line.startswith("parameters"))
               .split()[1])


def inputs_of_step(library):
    info = subprocess.run([LIG_RUN, library, "--info"], check=True, capture_output=True,
                          text=True).stdout
    lines = info[info.index("entry main_step"):].splitlines()
    return {line.split()[1].rstrip(":"): [int(n) for n in line[line.index("[") + 1:
                                                               line.index("]")].split("x")]
            for line in lines if line.startswith("  input")}


def agrees(a, b, is_exact):
    return same(a, b) if is_exact else np.abs(a - b).max() <= 2e-6


def check(network, is_exact=True):
    path, library = network.save(), OUT / f"{network.name}.so"
    subprocess.run([LIGC, path, "-o", library], check=True)
    alone = parameter_bytes(library)
    subprocess.run([LIGC, path, "--step", "-o", library], check=True)
    if parameter_bytes(library) > alone:
        sys.exit(f"{network.name}: {parameter_bytes(library)} bytes of parameters with the "
                 f"step, {alone} without")
    feeds = feeds_of(network)
    whole = run(library, "main", feeds)
    shapes = inputs_of_step(library)
    sequence = network.inputs[0][0]
    states = {name: feeds[name] if name in feeds else np.zeros(shape, "f4")
              for name, shape in shapes.items() if name != sequence}
    for t in range(STEPS):
        step = run(library, "main_step", {sequence: feeds[sequence][t:t + 1], **states})
        states = {name: step[f"next_{name}"] for name in states}
        for name in network.outputs:
            each = whole[name][t:t + 1] if len(whole[name]) == STEPS else whole[name]
            is_part = len(whole[name]) == STEPS
            if (is_part or t == STEPS - 1) and not agrees(each, step[name], is_exact):
                sys.exit(f"{network.name}: output '{name}' differs at step {t} by "
                         f"{np.abs(each - step[name]).max()}")
    print(f"{network.name}: {STEPS} steps are the whole")


OUT.mkdir(parents=True, exist_ok=True)
for each in [gated(0, 2), gated(1, 1), plain(1), plain(4)]:
    check(each)
for each in [language_model(1), language_model(3)]:
    check(each, is_exact=False)

#!/usr/bin/python3
"""Writes networks with their layers or steps unrolled, each with the outputs of
NumPy, and checks that lig-run agrees with them, that the share phase makes as
many loops as expected, and that --no-roll gives the same bits. One line a model.

  rolled.py LIGC LIG_RUN OUT ALBERT
"""
import pathlib
import subprocess
import sys

import numpy as np
from onnx import helper, numpy_helper

import suite
from machines import same

LIGC, LIG_RUN, OUT, ALBERT = sys.argv[1:]
RNG = np.random.default_rng(11)


def draw(*shape):
    return RNG.uniform(-0.5, 0.5, shape).astype("f4")


class Nodes(list):
    def add(self, op, *inputs, **attributes):
        name = f"v{len(self)}"
        self.append(helper.make_node(op, inputs, [name], **attributes))
        return name

    def weight(self, array):
        return self.add("Constant", value=numpy_helper.from_array(array))

    def give(self, op, *inputs, name, **attributes):
        self.append(helper.make_node(op, inputs, [name], **attributes))


def write(name, nodes, inputs, outputs):
    folder = pathlib.Path(OUT) / name
    suite.write_case(folder, nodes, inputs, outputs, 13)
    return folder


def recurrence(name, steps=100, axis=0, backwards=False, every=True, wide=False):
    """An Elman network over slices of one sequence; `wide` makes the slices of
    several rows, so that they do not lie together in memory."""
    rows = 3 if wide else 1
    x = draw(*((rows, steps, 8) if axis == 1 else (steps, rows, 8)))
    h, w, r, b = draw(rows, 16), draw(8, 16), draw(16, 16), draw(16)
    nodes = Nodes()
    wn, rn, bn = nodes.weight(w), nodes.weight(r), nodes.weight(b)
    state, value, names, values = "h", h.astype("f8"), [], []
    for t in reversed(range(steps)) if backwards else range(steps):
        index = nodes.weight(np.array(t))
        xt = nodes.add("Gather", "x", index, axis=axis)
        total = nodes.add("Add", nodes.add("MatMul", xt, wn), nodes.add("MatMul", state, rn))
        state = nodes.add("Tanh", nodes.add("Add", total, bn))
        value = np.tanh(np.take(x, t, axis) @ w + value @ r + b)
        if every:
            names.append(nodes.add("Unsqueeze", state, nodes.weight(np.array([axis]))))
            values.append(np.expand_dims(value, axis))
    nodes.give("Identity", state, name="last")
    outputs = {"last": value.astype("f4")}
    if every:
        nodes.give("Concat", *names, axis=axis, name="all")
        outputs["all"] = np.concatenate(values, axis).astype("f4")
    return write(name, nodes, {"x": x, "h": h}, outputs)


def head(name):
    """One head over three inputs of one shape."""
    w1, w2, b = draw(6, 4, 3, 3), draw(5, 6, 1, 1), draw(6)
    nodes = Nodes()
    n1, n2, nb = nodes.weight(w1), nodes.weight(w2), nodes.weight(b)
    inputs, outputs = {}, {}
    for level in range(3):
        x = draw(1, 4, 7, 7)
        hidden = nodes.add("Relu", nodes.add("Conv", f"x{level}", n1, nb, pads=[1] * 4))
        score = nodes.add("Sigmoid", nodes.add("Conv", hidden, n2))
        nodes.give("Mul", score, score, name=f"y{level}")
        padded = np.pad(x[0].astype("f8"), ((0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))
        value = np.maximum(np.einsum("cyxkl,fckl->fyx", windows, w1) + b[:, None, None], 0)
        value = 1 / (1 + np.exp(-np.einsum("fyx,gf->gyx", value, w2[:, :, 0, 0])))
        inputs[f"x{level}"], outputs[f"y{level}"] = x, (value * value)[None].astype("f4")
    return write(name, nodes, inputs, outputs)


def residual(name, layers=6, first_differs=False, reads_one=False):
    """Pre-activation layers over one matrix, with biases of their own. The
    network may read one of the biases again, and start with another layer."""
    w, x = draw(16, 16), draw(2, 16)
    biases = [draw(16) for _ in range(layers)]
    nodes = Nodes()
    wn, names = nodes.weight(w), [nodes.weight(b) for b in biases]
    state, value = "x", x.astype("f8")
    if first_differs:
        state = nodes.add("Sin", nodes.add("Add", nodes.add("MatMul", state, wn), names[0]))
        value = np.sin(value @ w + biases[0])
    for b, n in list(zip(biases, names))[first_differs:]:
        inner = nodes.add("Relu", nodes.add("Add", nodes.add("MatMul", state, wn), n))
        state = nodes.add("Sub", state, nodes.add("Tanh", inner))
        value = value - np.tanh(np.maximum(value @ w + b, 0))
    if reads_one:
        state = nodes.add("Mul", state, names[2])
        value = value * biases[2]
    nodes.give("Identity", state, name="y")
    return write(name, nodes, {"x": x}, {"y": value.astype("f4")})


def albert(name, *options):
    folder = pathlib.Path(OUT) / name
    folder.mkdir(parents=True)
    sizes = ("--layers=4", "--hidden=32", "--feed-forward=64", "--heads=4",
             "--sequence=12", "--vocabulary=50", "--embedding=16")
    subprocess.run([sys.executable, ALBERT, *sizes, *options, f"--test-data={folder}",
                    folder / "model.onnx"], check=True)
    return folder


def count_loops(model):
    # Steps that do not wait for each other would become a batch first.
    done = subprocess.run([LIGC, model, "--compile-to=share", "--no-batch"], check=True,
                          stdout=subprocess.PIPE, text=True)
    return done.stdout.count(" net.scan ")


def run(folder, out, *options):
    """The complaint of lig-run, or nothing."""
    inputs = [f"--input={numpy_name(pb)}=@{pb}"
              for pb in sorted((folder / "test_data_set_0").glob("input_*.pb"))]
    out.mkdir()
    done = subprocess.run([LIG_RUN, folder / "model.onnx", *inputs, *options,
                           f"--output-dir={out}"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.stdout if done.returncode else ""


def numpy_name(path):
    from onnx import TensorProto
    tensor = TensorProto()
    tensor.ParseFromString(path.read_bytes())
    return tensor.name


def check(folder, loops):
    """What is wrong, or nothing."""
    done = subprocess.run([LIG_RUN, folder / "model.onnx", "--test-data", folder],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        return done.stdout
    found = count_loops(folder / "model.onnx")
    if found != loops:
        return f"{found} loops instead of {loops}"
    rolled, unrolled = folder / "rolled", folder / "unrolled"
    complaint = (run(folder, rolled, "--no-batch") or
                 run(folder, unrolled, "--no-batch", "--no-roll"))
    if complaint:
        return complaint
    names = sorted(path.name for path in unrolled.iterdir())
    agree = all(same(np.load(rolled / name), np.load(unrolled / name)) for name in names)
    return "" if names and agree else "other bits than without loops"


def main():
    cases = [
        (recurrence("steps"), 1),
        (recurrence("steps_backwards", backwards=True), 1),
        (recurrence("steps_of_rows", axis=1, wide=True), 1),
        (recurrence("steps_last_only", steps=7, every=False), 1),
        (head("head"), 1),
        (residual("own_biases"), 1),
        (residual("first_differs", first_differs=True), 1),
        (residual("reads_one_bias", reads_one=True), 1),
        (albert("albert"), 1),
        (albert("albert_copies", "--copies", "--gelu=erf"), 1),
        (albert("albert_own_norms", "--own-norms", "--norm-op"), 1),
    ]
    wrong = 0
    for folder, loops in cases:
        complaint = check(folder, loops)
        wrong += bool(complaint)
        print(f"{folder.name}: {'WRONG: ' + complaint if complaint else 'agrees'}")
    print(f"{len(cases)} models, {wrong} wrong")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Runs networks with independent uses of a weight, joined and apart.

Joining must not change a bit where kernels keep the order of sums, so outputs
are compared bit for bit, but for those of a pyramid, whose levels lie elsewhere
under the tiles of Winograd's transform. The joint form is forced: whether it
gains is another question.

  batch-uses.py NETWORKS LIGC LIG-RUN OUT
"""
import pathlib
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import machines

FORCE = ("share:builtin.module(func.func(net-batch-uses{force},"
         "net-hoist-scan-inputs),canonicalize,cse)")


def run(runner, ligc, path, out, name, flags):
    library = out / f"{name}.so"
    subprocess.run([ligc, path, "-o", library, *flags], check=True)
    random = np.random.RandomState(1)
    arguments = []
    model = onnx.load(path)
    for value in model.graph.input:
        shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
        file = out / f"{value.name}.npy"
        np.save(file, random.standard_normal(shape).astype(np.float32))
        arguments += ["--input", f"{value.name}=@{file}"]
    folder = out / name
    folder.mkdir(exist_ok=True)
    subprocess.run([runner, library, "--output-dir", folder, *arguments],
                   check=True, stdout=subprocess.DEVNULL)
    return {v.name: np.load(folder / f"{v.name}.npy")
            for v in model.graph.output}


def recurrence(path, unrolled, steps=9, width=48):
    """An Elman network, its steps written out or in an ONNX Scan."""
    random = np.random.RandomState(0)
    value, node = helper.make_tensor_value_info, helper.make_node
    row = [1, width]
    constants = [
        numpy_helper.from_array(
            (random.standard_normal(shape) / 7).astype(np.float32), name)
        for name, shape in (("w", [width, width]), ("r", [width, width]))]

    def step(x, state, name):
        return [node("MatMul", [x, "w"], [f"{name}.x"]),
                node("MatMul", [state, "r"], [f"{name}.h"]),
                node("Add", [f"{name}.x", f"{name}.h"], [f"{name}.sum"]),
                node("Tanh", [f"{name}.sum"], [name])]

    if unrolled:
        nodes = []
        for t in range(steps):
            constants.append(numpy_helper.from_array(np.array(t), f"t{t}"))
            nodes.append(node("Gather", ["x", f"t{t}"], [f"x{t}"]))
            nodes += step(f"x{t}", f"h{t}", f"h{t + 1}")
        nodes.append(node("Identity", [f"h{steps}"], ["last"]))
    else:
        body = helper.make_graph(
            step("xt", "before", "after"), "step",
            [value(name, TensorProto.FLOAT, row) for name in ("before", "xt")],
            [value("after", TensorProto.FLOAT, row)])
        nodes = [node("Scan", ["h0", "x"], ["last"], body=body,
                      num_scan_inputs=1)]
    graph = helper.make_graph(
        nodes, "recurrence",
        [value("x", TensorProto.FLOAT, [steps, *row]),
         value("h0", TensorProto.FLOAT, row)],
        [value("last", TensorProto.FLOAT, row)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.save(model, path)


def siamese_recurrence(path, kind, batch=1, steps=7, width=24, inputs=10):
    """Two sequences through one LSTM or GRU, as the ONNX operator."""
    random = np.random.RandomState(0)
    gates = {"LSTM": 4, "GRU": 3}[kind]
    constants = [
        numpy_helper.from_array(
            (random.standard_normal(shape) / 5).astype(np.float32), name)
        for name, shape in (("w", [1, gates * width, inputs]),
                            ("r", [1, gates * width, width]),
                            ("b", [1, 2 * gates * width]))]
    node, value = helper.make_node, helper.make_tensor_value_info
    nodes = [node(kind, [f"x{i}", "w", "r", "b"], [f"y{i}", f"h{i}"],
                  hidden_size=width) for i in range(2)]
    nodes += [node("Sub", ["h0", "h1"], ["distance"]),
              node("Mul", ["y0", "y1"], ["all"])]
    graph = helper.make_graph(
        nodes, "siamese",
        [value(f"x{i}", TensorProto.FLOAT, [steps, batch, inputs])
         for i in range(2)],
        [value("distance", TensorProto.FLOAT, [1, batch, width]),
         value("all", TensorProto.FLOAT, [steps, 1, batch, width])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.save(model, path)


def main():
    networks, ligc, runner, out = sys.argv[1:]
    sys.path.insert(0, networks)
    import group_cnn
    import retinanet_head
    import siamese

    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    cases = {
        "unrolled": lambda p: recurrence(p, unrolled=True),
        "scan": lambda p: recurrence(p, unrolled=False),
        "siamese-lstm": lambda p: siamese_recurrence(p, "LSTM"),
        "siamese-gru": lambda p: siamese_recurrence(p, "GRU", batch=3),
        "siamese": lambda p: siamese.build(p, branches=2, size=16),
        "triplet-of-copies": lambda p: siamese.build(p, branches=3, size=16,
                                                     copies=True),
        "group": lambda p: group_cnn.build(p, size=8, channels=4, layers=2),
        "pyramid": lambda p: retinanet_head.build(
            p, levels=(5, 3, 3, 2), channels=8, layers=2, outputs=5),
        "transformed": lambda p: retinanet_head.build(
            p, levels=(12, 5, 3), channels=64, layers=2, outputs=8),
        "dense": lambda p: siamese.build(p, branches=5, size=48, kind="dense"),
    }
    for name, build in cases.items():
        path = str(out / f"{name}.onnx")
        build(path)
        apart = run(runner, ligc, path, out, "apart", ["--no-batch", "--no-roll"])
        for how, flags in {"forced": [f"--run-after={FORCE}"],
                           "by default": []}.items():
            joint = run(runner, ligc, path, out, "joint", flags)
            equal = machines.same
            if name == "transformed":
                equal = lambda a, b: np.allclose(a, b, rtol=1e-5, atol=1e-5)
            same = all(equal(apart[key], joint[key]) for key in apart)
            print(f"{name}, {how}: {'the same' if same else 'DIFFERENT'}")
            if not same:
                sys.exit(1)


if __name__ == "__main__":
    main()

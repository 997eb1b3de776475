#!/usr/bin/python3
"""Branches that data decide about, with products in them, as a GPU's kernels.

The emulator runs each side in several schedules beside NumPy. A branch in a branch,
a loop in one and a side that only hands something on are among them.

  branches.py LIG_RUN OUT
"""
import pathlib
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

RANDOM = np.random.default_rng(3)
WEIGHTS = {name: RANDOM.standard_normal(shape).astype("f4") * np.float32(0.3)
           for name, shape in (("w", (40, 48)), ("v", (48, 40)), ("b", (48,)))}
WEIGHTS["zero"] = np.zeros((), "f4")
WEIGHTS["limit"] = np.float32(30).reshape(())
WEIGHTS["three"] = np.array(3, "i8")
WEIGHTS["yes"] = np.array(True)
TYPES = {"float": TensorProto.FLOAT, "bool": TensorProto.BOOL, "int": TensorProto.INT64}


def info(name, shape, kind="float"):
    return helper.make_tensor_value_info(name, TYPES[kind], shape)


def graph(name, nodes, output, inputs=(), initializers=()):
    return helper.make_graph(nodes, name, list(inputs), output, list(initializers))


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs, [output], **attributes)


def write_model(path):
    deep = graph("deep", [node("MatMul", ["h", "v"], "d0"), node("Tanh", ["d0"], "d")],
                 [info("d", [32, 40])])
    flat = graph("flat", [node("Abs", ["x"], "f")], [info("f", [32, 40])])
    step = graph(
        "step", [node("Identity", ["go"], "on"), node("MatMul", ["s", "w"], "s0"),
                 node("MatMul", ["s0", "v"], "s1"), node("Tanh", ["s1"], "next")],
        [info("on", [], "bool"), info("next", [32, 40])],
        [info("i", [], "int"), info("go", [], "bool"), info("s", [32, 40])])
    then = graph(
        "then", [node("MatMul", ["x", "w"], "p"), node("Add", ["p", "b"], "q"),
                 node("Softmax", ["q"], "h", axis=-1),
                 node("ReduceMax", ["x"], "most", keepdims=0),
                 node("Greater", ["most", "limit"], "large"),
                 node("If", ["large"], "t", then_branch=flat, else_branch=deep)],
        [info("t", [32, 40])])
    other = graph("other", [node("Loop", ["three", "yes", "x"], "e", body=step)],
                  [info("e", [32, 40])])
    whole = graph(
        "branches", [node("ReduceSum", ["x"], "sum", keepdims=0),
                     node("Greater", ["sum", "zero"], "positive"),
                     node("If", ["positive"], "c", then_branch=then, else_branch=other),
                     node("Add", ["c", "x"], "y")],
        [info("y", [32, 40])], [info("x", [32, 40])],
        [numpy_helper.from_array(value, name) for name, value in WEIGHTS.items()])
    save_model(helper.make_model(whole, opset_imports=[helper.make_opsetid("", 13)]), path)


def expected(x):
    w, v, b = (WEIGHTS[name].astype("f8") for name in "wvb")
    if x.sum() > 0:
        powers = np.exp(x @ w + b)
        h = powers / powers.sum(-1, keepdims=True)
        return (np.abs(x) if x.max() > 30 else np.tanh(h @ v)) + x
    state = x
    for _ in range(3):
        state = np.tanh(state @ w @ v)
    return state + x


def check(lig_run, out, name, x, *options):
    np.save(out / "x.npy", x.astype("f4"))
    done = subprocess.run([lig_run, out / "model.onnx", f"--input=x=@{out / 'x.npy'}",
                           f"--output=y=@{out / 'y.npy'}", *options],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        print(f"FAIL {name} {options}: {done.stdout}")
        return False
    error = np.abs(np.load(out / "y.npy") - expected(x.astype("f4").astype("f8"))).max()
    print("PASS" if error < 1e-4 else "FAIL", name, *options, f"error {error:.1e}")
    return error < 1e-4


def main():
    lig_run, out = sys.argv[1], pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    write_model(str(out / "model.onnx"))
    x = RANDOM.standard_normal((32, 40))
    x += (0.1 - x.mean())
    large = x.copy()
    large[3, 4] = 31
    machines = [("--device=cpu",), ("--device=emulate",),
                ("--device=emulate", "--schedule=forward"),
                ("--device=emulate", "--schedule=backward")]
    sys.exit(not all([check(lig_run, out, name, each, *machine)
                      for name, each in (("deep", x), ("flat", large), ("loop", -x))
                      for machine in machines]))


if __name__ == "__main__":
    main()

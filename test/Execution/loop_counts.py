#!/usr/bin/python3
"""Recurrences of as many steps as device memory says, as a GPU's kernels.

The number of steps is an input, is computed from one, or ends where a sum of the
state passes a limit. None, one and all steps are taken, in several orders of
threads, and beside NumPy on a CPU as well.

  loop_counts.py LIG_RUN OUT
"""
import pathlib
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

RANDOM = np.random.default_rng(5)
ROWS, HIDDEN, MOST = 2, 40, 9
WEIGHTS = {"w": (RANDOM.standard_normal((HIDDEN, HIDDEN)) / 6).astype("f4"),
           "most": np.array(MOST, "i8"), "yes": np.array(True)}
STATE = [ROWS, HIDDEN]


def info(name, kind, shape):
    return helper.make_tensor_value_info(name, kind, shape)


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs, [output], **attributes)


def write_model(path, kind):
    step = [node("MatMul", ["h", "w"], "product"), node("Add", ["product", "x"], "sum"),
            node("Tanh", ["sum"], "next")]
    before, count = [], "most"
    inputs = [info("x", TensorProto.FLOAT, STATE), info("h0", TensorProto.FLOAT, STATE)]
    if kind == "ends_early":
        inputs.append(info("limit", TensorProto.FLOAT, []))
        step += [node("Abs", ["next"], "sizes"), node("ReduceSum", ["sizes"], "size", keepdims=0),
                 node("Less", ["size", "limit"], "on")]
    else:
        inputs.append(info("n", TensorProto.INT64, []))
        step.append(node("Identity", ["go"], "on"))
        count = "n"
    if kind == "computed":
        before = [node("Cast", ["n"], "float", to=TensorProto.FLOAT),
                  node("Cos", ["float"], "cosine"), node("ReduceMax", ["x"], "most_x", keepdims=0),
                  node("Mul", ["cosine", "most_x"], "scaled"),
                  node("Cast", ["scaled"], "count", to=TensorProto.INT64)]
        count = "count"
    body = helper.make_graph(
        step, "step", [info("i", TensorProto.INT64, []), info("go", TensorProto.BOOL, []),
                       info("h", TensorProto.FLOAT, STATE)],
        [info("on", TensorProto.BOOL, []), info("next", TensorProto.FLOAT, STATE)])
    graph = helper.make_graph(
        [*before, node("Loop", [count, "yes", "h0"], "last", body=body),
         node("Neg", ["last"], "y")],
        kind, inputs, [info("y", TensorProto.FLOAT, STATE)],
        [numpy_helper.from_array(value, name) for name, value in WEIGHTS.items()])
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), str(path))


def steps_from(x, h):
    """The state before and after each step, of as many as there may be."""
    states = [h.astype("f8")]
    for _ in range(MOST):
        states.append(np.tanh(states[-1] @ WEIGHTS["w"].astype("f8") + x))
    return states


def cases(kind, x, states):
    """Of each case: the third input, and how many steps it takes."""
    if kind == "given":
        return [(np.array(n, "i8"), max(n, 0)) for n in (-3, 0, 1, 2, 5, MOST)]
    if kind == "computed":
        of = lambda n: max(int(np.float32(np.cos(np.float32(n)) * x.max())), 0)
        found = {of(n): np.array(n, "i8") for n in range(200) if of(n) <= MOST}
        return [(found[count], count) for count in (0, 1, 4, MOST)]
    # A step that comes to the limit is the last one.
    sizes = [np.abs(state).sum() for state in states[1:]]
    limits = [sizes[0] * 0.5, *((sizes[i] + sizes[i + 1]) / 2 for i in (0, 3)), sizes[-1] * 2]
    until = lambda limit: next((i + 1 for i, size in enumerate(sizes) if size >= limit), MOST)
    return [(np.array(limit, "f4"), until(limit)) for limit in limits]


def check(lig_run, out, kind):
    model = out / f"{kind}.onnx"
    write_model(model, kind)
    x = RANDOM.uniform(-0.1, 0.1, STATE).astype("f4")
    if kind == "computed":
        x[1, 7] = MOST + 0.9
    h = (x * 0.1).astype("f4") if kind == "ends_early" else RANDOM.uniform(-1, 1, STATE).astype("f4")
    states = steps_from(x, h)
    third = "limit" if kind == "ends_early" else "n"
    all_cases, wrong = cases(kind, x, states), 0
    for value, count in all_cases:
        command = [lig_run, model, "--output-dir", out]
        for name, array in (("x", x), ("h0", h), (third, value)):
            np.save(out / f"{name}.npy", array)
            command += ["--input", f"{name}=@{out / name}.npy"]
        for options in ([], *(["--device=emulate", f"--schedule={order}"]
                              for order in ("forward", "backward", "random:3"))):
            subprocess.run([*command, *options], check=True, stdout=subprocess.DEVNULL)
            error = np.abs(np.load(out / "y.npy") + states[count]).max()
            if not error < 1e-5:
                wrong += 1
                print("WRONG", kind, value, count, options, error)
    print(f"{kind}: {' '.join(str(count) for _, count in all_cases)} steps,",
          "wrong" if wrong else "right")
    return wrong


def main():
    lig_run, out = sys.argv[1], pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    sys.exit(sum([check(lig_run, out, kind) for kind in ("given", "computed", "ends_early")]) > 0)


if __name__ == "__main__":
    main()

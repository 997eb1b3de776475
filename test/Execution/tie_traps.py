#!/usr/bin/python3
"""What looks like a tie and is none, and ties that are hard to keep, through whole
compilations of ONNX models and, where ONNX has no words for it, of MLIR.

A trap says how many parameters are stored after the share phase, which ties are
reported broken, and what NumPy computes; or with what words it is refused, which
must leave nothing behind. One line a trap.

  tie_traps.py BIN OUT
"""
import json
import os
import shutil
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

RANDOM = np.random.default_rng(7)
TOLERANCE = 1e-5
X = RANDOM.standard_normal((4, 16)).astype("f4")
W = RANDOM.standard_normal((16, 16)).astype("f4")


def node(*arguments, **attributes):
    return helper.make_node(*arguments, **attributes)


def product(weight, output):
    return node("MatMul", ["x", weight], [output])


def changed(array, index, value):
    array = array.copy()
    array[index] = value
    return array


def bits(number):
    return np.array(number, "<u4").view("<f4")


class Trap:
    """A model: outputs are what `nodes` make of `x` and the weights."""

    def __init__(self, nodes, weights, want=None, stored=None, broken=(), error=None, ties=None,
                 inputs=(), x=X, options=()):
        self.nodes, self.weights, self.want, self.stored = nodes, weights, want, stored
        self.broken, self.error, self.ties, self.inputs = broken, error, ties, inputs
        self.x, self.options = x, options

    def write(self, folder):
        value = helper.make_tensor_value_info
        inputs = [value("x", TensorProto.FLOAT, self.x.shape)] + [
            value(name, TensorProto.FLOAT, self.weights[name].shape) for name in self.inputs]
        outputs = [value(name, TensorProto.FLOAT, None) for name in self.want or ["y"]]
        graph = helper.make_graph(
            self.nodes, "trap", inputs, outputs,
            [numpy_helper.from_array(np.ascontiguousarray(w), name)
             for name, w in self.weights.items()])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
        model.ir_version = 7
        if self.ties:
            entry = model.metadata_props.add()
            entry.key, entry.value = "share.ties", json.dumps(self.ties)
        save_model(model, os.path.join(folder, "m.onnx"))
        return "m.onnx"


class Text(Trap):
    """The same model in MLIR, with a word before one of the parameters."""

    def __init__(self, word, **rest):
        super().__init__([], {"a": W, "b": W}, {"y": X @ W, "z": X @ W}, **rest)
        self.word = word

    def write(self, folder):
        kind, data = "tensor<16x16xf32>", (b"\4\0\0\0" + W.tobytes()).hex()
        text = [f"share.param {self.word} @{name} : {kind} = dense_resource<{name}> : {kind}"
                for name in "ab"]
        text += ['func.func @main(%x: tensor<4x16xf32> {net.name = "x"}) -> (tensor<4x16xf32> '
                 '{net.name = "y"}, tensor<4x16xf32> {net.name = "z"}) {',
                 "%zero = arith.constant dense<0.0> : tensor<4x16xf32>"]
        for name in "ab":
            text += [f"%{name} = share.get @{name} : {kind}",
                     f"%p{name} = linalg.matmul ins(%x, %{name} : tensor<4x16xf32>, {kind}) "
                     "outs(%zero : tensor<4x16xf32>) -> tensor<4x16xf32>"]
        text += ["return %pa, %pb : tensor<4x16xf32>, tensor<4x16xf32>", "}",
                 '{-# dialect_resources: { builtin: { a: "0x%s", b: "0x%s" } } #-}' % (data, data)]
        with open(os.path.join(folder, "m.mlir"), "w", encoding="utf-8") as file:
            file.write("\n".join(text))
        return "m.mlir"


def two(a, b, **rest):
    """Two products with weights that somebody might take for one."""
    return Trap([product("a", "y"), product("b", "z")], {"a": a, "b": b},
                {"y": X @ a, "z": X @ b}, **rest)


def quotients(a, b):
    """Zeros and NaNs show what they are when divided by."""
    with np.errstate(divide="ignore", invalid="ignore"):
        want = {"y": X / a, "z": X / b}
    return Trap([node("Div", ["x", "a"], ["y"]), node("Div", ["x", "b"], ["z"])],
                {"a": a, "b": b}, want, stored=2)


def traps():
    rows = RANDOM.standard_normal((4, 16)).astype("f4")
    integers = W.view("<i4")
    cast = dict(to=TensorProto.FLOAT)
    yield "equal", two(W, W, stored=1)
    yield "transposed", two(W, W.T, stored=1)
    yield "negative_zero", quotients(changed(rows, (1, 2), 0.0), changed(rows, (1, 2), -0.0))
    yield "nan_payload", quotients(changed(rows, (0, 1), bits(0x7FC00001)),
                                   changed(rows, (0, 1), bits(0x7FC00002)))
    yield "equal_nan", Trap(
        [node("Div", ["x", "a"], ["y"]), node("Div", ["x", "b"], ["z"])],
        {name: changed(rows, (0, 1), bits(0x7FC00001)) for name in "ab"},
        {name: X / changed(rows, (0, 1), np.nan) for name in "yz"}, stored=1)
    yield "bytes_of_another_type", Trap(
        [product("a", "y"), node("Cast", ["b"], ["c"], **cast), product("c", "z")],
        {"a": W, "b": integers}, {"y": X @ W, "z": X @ integers.astype("f4")}, stored=2)
    half = W.astype("f2")
    yield "numbers_of_another_type", Trap(
        [product("a", "y"), node("Cast", ["b"], ["c"], **cast), product("c", "z")],
        {"a": half.astype("f4"), "b": half},
        {"y": X @ half.astype("f4"), "z": X @ half.astype("f4")}, stored=2,
        broken=["one holds f32, the other the same numbers as f16"])
    # Every hash is the same; what differs in one bit stays.
    near = changed(W, (15, 15), np.nextafter(W[15, 15], np.float32(9)))
    collide = "import:builtin.module(share-merge-parameters{hash-bits=0})"
    yield "hash_collision", Trap(
        [product(name, "y" + name) for name in "abcd"], {"a": W, "b": near, "c": W.T, "d": near},
        {"ya": X @ W, "yb": X @ near, "yc": X @ W.T, "yd": X @ near}, stored=2,
        options=["--run-after=" + collide])
    yield "input_with_a_default", two(W, W, stored=2, inputs=["b"], broken=[
        "one of them is mutable, and equal now is not equal later"])
    for word in "trainable", "mutable":
        yield word, Text(word, stored=2, broken=[
            f"one of them is {word}, and equal now is not equal later"])
    yield "frozen", Text("", stored=1)

    # Declared: `b` is rows of `t`, which is a transposed; `t` is not used itself.
    ties = {"t": {"of": "a", "view": "transpose"},
            "b": {"of": "t", "view": [{"slice": {"offsets": [0, 4], "sizes": [16, 8]}},
                                      {"reverse": [1]}, {"scale": 2}]}}
    part = 2 * W.T[:, 4:12][:, ::-1]
    view = Trap([product("a", "y"), product("t", "s"), product("b", "z")],
                {"a": W, "t": W.T, "b": part}, {"y": X @ W, "s": X @ W.T, "z": X @ part},
                stored=1, ties=ties)
    yield "view_of_a_view", view
    yield "loose_tie", two(W, near, stored=1, ties={"b": {"of": "a", "tolerance": 1e-3}})
    yield "untied_values", Trap([product("a", "y")], {"a": W, "b": changed(W.T, (3, 5), 9)},
                                ties={"b": {"of": "a", "view": "transpose"}},
                                error="cannot tie @b")
    yield "unequal", two(W, changed(W.T, (3, 5), 9.5),
                         ties={"b": {"of": "a", "view": "transpose"}},
                         error=f"cannot tie @b to @a: element [3, 5] is 9.5 but the view gives "
                         f"{W[5, 3]:.9g}")
    yield "unequal_zero", two(changed(W, (0, 0), 0.0), changed(W, (0, 0), -0.0),
                              ties={"b": {"of": "a"}},
                              error="element [0, 0] is -0 but the view gives 0")
    yield "tie_to_another_type", Trap(
        [product("a", "y"), node("Cast", ["b"], ["c"], **cast), product("c", "z")],
        {"a": W, "b": half}, ties={"b": {"of": "a"}},
        error="the view has type 'tensor<16x16xf32>' but @b has type 'tensor<16x16xf16>'")
    yield "tie_to_another_shape", two(W, W.reshape(16, 16)[:, :8], ties={"b": {"of": "a"}},
                                      error="cannot tie @b to @a: the view has type")
    yield "tie_to_an_input", two(W, W, inputs=["a"], ties={"b": {"of": "a"}},
                                 error="cannot tie @b to @a: one is frozen and the other is not")
    yield "cycle", two(W, W, ties={"a": {"of": "b"}, "b": {"of": "a"}},
                       error="ties make a cycle: @a, @b, @a")
    yield "tie_to_itself", two(W, W, ties={"a": {"of": "a"}}, error="ties make a cycle: @a, @a")
    yield "batch_normalised", batch_normalised()


def batch_normalised():
    """One filter, declared and copied, with other statistics behind each use: to
    fold these into the filter would store it twice."""
    filters = RANDOM.standard_normal((8, 4, 3, 3)).astype("f4")
    image = RANDOM.standard_normal((1, 4, 6, 6)).astype("f4")
    weights, nodes, want = {"a": filters, "b": filters}, [], {}
    rows = np.stack([image[0, :, i:i + 3, j:j + 3] for i in range(4) for j in range(4)])
    plain = np.einsum("pchw,ochw->op", rows, filters).reshape(1, 8, 4, 4)
    for name in "ab":
        kinds = ["scale", "bias", "mean", "var"]
        for kind in kinds:
            weights[name + kind] = RANDOM.uniform(0.5, 2, 8).astype("f4")
        nodes += [node("Conv", ["x", name], ["c" + name]),
                  node("BatchNormalization", ["c" + name] + [name + kind for kind in kinds],
                       ["y" + name])]
        scale, bias, mean, var = (weights[name + kind].reshape(1, 8, 1, 1) for kind in kinds)
        want["y" + name] = (plain - mean) / np.sqrt(var + 1e-5) * scale + bias
    # All eight vectors and one filter.
    return Trap(nodes, weights, want, stored=9, ties={"b": {"of": "a"}}, x=image)


def check(trap, tools, folder):
    """A list of what is wrong."""
    os.makedirs(folder)
    model = trap.write(folder)

    def run(tool, *arguments):
        return subprocess.run([os.path.join(tools, tool), *arguments], cwd=folder,
                              capture_output=True, text=True, timeout=100)

    done = run("ligc", model, "-o", "m.so", "--sharing-report=json:r.json", *trap.options)
    if trap.error:
        wrong = [] if done.returncode == 1 and trap.error in done.stderr else [
            f"exit code {done.returncode}, wanted '{trap.error}': {done.stderr[:600]}"]
        return wrong + [f"left {name}" for name in os.listdir(folder) if name != model]
    if done.returncode:
        return [done.stderr[:600]]
    with open(os.path.join(folder, "r.json"), encoding="utf-8") as file:
        report = json.load(file)
    wrong = []
    if report["parameters_stored"] != trap.stored:
        wrong.append(f"{report['parameters_stored']} parameters are stored, not {trap.stored}")
    reasons = [tie["reason"] for tie in report["broken_ties"]]
    if reasons != list(trap.broken):
        wrong.append(f"broken ties: {reasons}")
    gate = run("ligc", model, "-o", "gate.so", "--fail-if-untied", *trap.options)
    if gate.returncode != bool(trap.broken):
        wrong.append(f"--fail-if-untied gave {gate.returncode}: {gate.stderr[:300]}")
    np.save(os.path.join(folder, "x.npy"), trap.x)
    done = run("lig-run", "m.so", "--input", "x=@x.npy", "--output-dir", ".")
    if done.returncode:
        return wrong + [done.stderr[:600]]
    for name, want in trap.want.items():
        got = np.load(os.path.join(folder, f"{name}.npy"))
        finite = np.isfinite(want)
        scale = np.abs(want[finite]).max()
        if got.shape != want.shape or not np.array_equal(
                got[~finite], want[~finite], equal_nan=True) or np.abs(
                    got[finite] - want[finite]).max() > TOLERANCE * scale:
            wrong.append(f"{name} is wrong")
    return wrong


def main():
    tools, out = map(os.path.abspath, sys.argv[1:])
    shutil.rmtree(out, ignore_errors=True)
    failed = 0
    for name, trap in traps():
        wrong = check(trap, tools, os.path.join(out, name))
        print(f"{name}: {'; '.join(wrong) or 'right'}")
        failed += bool(wrong)
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Writes small networks that share weights, and checks what they compute.

Each is written as an exporter would, from a fixed seed, with its inputs and the
outputs that NumPy computes from the same weights.

  networks.py NAME FOLDER           writes NAME.onnx, NAME.<input>.npy and NAME.want.npy
  networks.py --check NAME FOLDER   compares NAME.got.npy with NAME.want.npy
"""
import os
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

TOLERANCE = 1e-5


class Network:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.initializers, self.count = [], [], 0

    def weight(self, name, *shape):
        value = self.random.uniform(-1, 1, shape).astype(np.float32)
        return self.constant(name, value), value

    def constant(self, name, value):
        self.initializers.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind, *inputs, outputs=1, **attributes):
        self.count += 1
        names = [f"{kind.lower()}{self.count}.{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def save(self, path, inputs, output, shape):
        value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        self.nodes.append(helper.make_node("Identity", [output], ["y"]))
        graph = helper.make_graph(self.nodes, "network", [value(n, a.shape) for n, a in inputs.items()],
                                  [value("y", shape)], self.initializers)
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), path)


def relu(x):
    return np.maximum(x, 0)


def convolve(x, w, pad):
    """x [N, C, H, W], w [F, C, K, K]."""
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    h, v = (n - w.shape[2] + 1 for n in x.shape[2:])
    return sum(np.einsum("nchw,fc->nfhw", x[:, :, i:i + h, j:j + v], w[:, :, i, j])
               for i in range(w.shape[2]) for j in range(w.shape[3]))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def siamese(net):
    """One embedding of two inputs; the exporter wrote its weights twice."""
    w = net.random.uniform(-1, 1, (32, 24)).astype(np.float32)
    inputs = {n: net.random.standard_normal((1, 32)).astype(np.float32) for n in "ab"}
    left, right = (net.node("Relu", net.node("MatMul", n, net.constant(n + ".weight", w))) for n in "ab")
    y = net.node("Sub", left, right)
    return inputs, y, relu(inputs["a"] @ w) - relu(inputs["b"] @ w)


def recurrence(net):
    """Six steps of a plain RNN, unrolled: twelve products with two weights."""
    (w, wv), (r, rv) = net.weight("w", 16, 32), net.weight("r", 32, 32)
    x = net.random.standard_normal((6, 1, 16)).astype(np.float32)
    zero = net.constant("zero", np.zeros((1, 32), np.float32))
    state, want = zero, np.zeros((1, 32))
    for step in range(6):
        at = net.constant(f"step{step}", np.array(step, np.int64))
        now = net.node("Gather", "x", at, axis=0)
        state = net.node("Tanh", net.node("Add", net.node("MatMul", now, w), net.node("MatMul", state, r)))
        want = np.tanh(x[step] @ wv + want @ rv)
    return {"x": x}, state, want


def heads(net):
    """One convolution over three levels of a pyramid."""
    w, wv = net.weight("w", 8, 8, 3, 3)
    inputs = {f"p{n}": net.random.standard_normal((1, 8, n, n)).astype(np.float32) for n in (12, 6, 3)}
    flat, want = [], []
    shape = net.constant("flat", np.array([1, 8, -1], np.int64))
    for name, value in inputs.items():
        flat.append(net.node("Reshape", net.node("Conv", name, w, kernel_shape=[3, 3], pads=[1] * 4), shape))
        want.append(convolve(value, wv, 1).reshape(1, 8, -1))
    return inputs, net.node("Concat", *flat, axis=2), np.concatenate(want, 2)


def deltas(net):
    """One base for three layers, each with a delta of rank 2 (LoRA)."""
    w, wv = net.weight("w", 64, 64)
    x = net.random.standard_normal((4, 64)).astype(np.float32)
    state, want = "x", x.astype(np.float64)
    scale = net.constant("scale", np.float32(0.5))
    for layer in range(3):
        (b, bv), (a, av) = net.weight(f"b{layer}", 64, 2), net.weight(f"a{layer}", 2, 64)
        merged = net.node("Add", w, net.node("Mul", net.node("MatMul", b, a), scale))
        state = net.node("Tanh", net.node("MatMul", state, merged))
        want = np.tanh(want @ (wv + 0.5 * bv @ av))
    return {"x": x}, state, want


def mixture(net, convolves_each):
    bank = net.random.uniform(-1, 1, (4, 8, 8, 3, 3)).astype(np.float32)
    router, rv = net.weight("router", 8, 4)
    x = net.random.standard_normal((1, 8, 10, 10)).astype(np.float32)
    pooled = net.node("Flatten", net.node("GlobalAveragePool", "x"))
    gates = net.node("Softmax", net.node("MatMul", pooled, router), axis=-1)
    g = softmax(x.mean((2, 3)) @ rv)
    want = convolve(x, np.einsum("k,kfchw->fchw", g[0], bank), 1)
    conv = lambda w: net.node("Conv", "x", w, kernel_shape=[3, 3], pads=[1] * 4)
    if not convolves_each:
        flat = net.constant("bank", bank.reshape(4, -1))
        shape = net.constant("shape", np.array([8, 8, 3, 3], np.int64))
        return {"x": x}, conv(net.node("Reshape", net.node("MatMul", gates, flat), shape)), want
    total = None
    axes = net.constant("axes", np.array([2, 3], np.int64))
    parts = net.node("Split", gates, outputs=4, axis=1)
    for k in range(4):
        part = net.node("Mul", conv(net.constant(f"expert{k}", bank[k])), net.node("Unsqueeze", parts[k], axes))
        total = part if total is None else net.node("Add", total, part)
    return {"x": x}, total, want


def mixed(net):
    """CondConv: four filters mixed by the input, then one convolution."""
    return mixture(net, False)


def experts(net):
    """The same as four convolutions whose results are mixed."""
    return mixture(net, True)


def mixture_of_experts(net, gathers):
    """12 tokens of 64 numbers, each through the best 2 of 8 experts."""
    bank, router = net.random.uniform(-1, 1, (8, 64, 64)).astype(np.float32), net.weight("router", 64, 8)
    x = net.random.standard_normal((12, 64)).astype(np.float32)
    scores = net.node("MatMul", "x", router[0])
    best, index = net.node("TopK", scores, net.constant("k", np.array([2])), outputs=2, axis=-1)
    gates = net.node("Softmax", best, axis=-1)
    chosen = np.argsort(-(x @ router[1]), axis=-1)[:, :2]
    g = softmax(np.take_along_axis(x @ router[1], chosen, -1))
    want = np.einsum("tk,tc,tkcn->tn", g, x, bank[chosen])
    weights, axis = net.constant("bank", bank), lambda name, *d: net.constant(name, np.array(d))
    if gathers:
        rows = net.node("Unsqueeze", "x", axis("row", 1, 2))
        y = net.node("MatMul", rows, net.node("Gather", weights, index, axis=0))
        y = net.node("Mul", y, net.node("Unsqueeze", gates, axis("gate", 2, 3)))
        return {"x": x}, net.node("ReduceSum", y, axis("sum", 1, 2), keepdims=0), want
    zeros = net.node("Mul", scores, net.constant("zero", np.float32(0)))
    dense = net.node("Transpose", net.node("ScatterElements", zeros, index, gates, axis=1), perm=[1, 0])
    y = net.node("MatMul", net.node("Unsqueeze", "x", axis("first", 0)), weights)
    y = net.node("Mul", y, net.node("Unsqueeze", dense, axis("gate", 2)))
    return {"x": x}, net.node("ReduceSum", y, axis("sum", 0), keepdims=0), want


def gathered(net):
    """A weight gathered for each token and choice."""
    return mixture_of_experts(net, True)


def gated(net):
    """All experts, of which most are multiplied by zero."""
    return mixture_of_experts(net, False)


def hypernetwork(net):
    """A network makes the filter of a convolution from a code."""
    maker, mv = net.weight("maker", 4, 8 * 8 * 9)
    x = net.random.standard_normal((1, 8, 10, 10)).astype(np.float32)
    code = net.random.standard_normal((1, 4)).astype(np.float32)
    made = net.node("Tanh", net.node("MatMul", "code", maker))
    filters = net.node("Reshape", made, net.constant("shape", np.array([8, 8, 3, 3])))
    y = net.node("Conv", "x", filters, kernel_shape=[3, 3], pads=[1] * 4)
    return {"x": x, "code": code}, y, convolve(x, np.tanh(code @ mv).reshape(8, 8, 3, 3), 1)


NETWORKS = [siamese, recurrence, heads, deltas, mixed, experts, gathered, gated, hypernetwork]


def main():
    *flags, name, folder = sys.argv[1:]
    base = os.path.join(folder, name)
    if flags == ["--check"]:
        got, want = np.load(base + ".got.npy"), np.load(base + ".want.npy")
        error = np.abs(got - want).max() / np.abs(want).max()
        print(f"{name}: off by {error:.1e} of the greatest magnitude")
        sys.exit(not error < TOLERANCE)
    make = {make.__name__: make for make in NETWORKS}[name]
    net = Network(seed=len(name))
    inputs, output, want = make(net)
    net.save(base + ".onnx", inputs, output, want.shape)
    for key, value in inputs.items():
        np.save(f"{base}.{key}.npy", value)
    np.save(base + ".want.npy", want.astype(np.float32))


if __name__ == "__main__":
    main()

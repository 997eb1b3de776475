#!/usr/bin/python3
"""Writes a network like ALBERT-base with random weights, as exporters write it.

ALBERT applies one transformer layer again and again, and factorises its
embedding. An exporter either keeps the layer's weights as shared initializers
or writes them once for each use; both files compute the same.

  albert.py [--layers=12 --hidden=768 ...] [--copies] [--own-norms]
            [--seed=1] [--test-data=FOLDER] OUT.onnx

With --own-norms each layer has its own scales and biases of its norms, as in
networks that share only the matrices. --test-data writes test_data_set_0 with
an input and the outputs of a NumPy reading of the network in float64.
"""
import argparse
import pathlib

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

EPSILON = 1e-12


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name, value in (("layers", 12), ("hidden", 768), ("feed-forward", 3072),
                        ("heads", 12), ("sequence", 128), ("vocabulary", 30000),
                        ("embedding", 128), ("seed", 1)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--copies", action="store_true")
    parser.add_argument("--own-norms", action="store_true")
    parser.add_argument("--norm-op", action="store_true",
                        help="LayerNormalization instead of its parts")
    parser.add_argument("--gelu", choices=("erf", "tanh"), default="tanh")
    parser.add_argument("--test-data", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    return parser.parse_args()


def make_weights(o):
    """name -> array. Names of the layer start with `layer.`; own norms of
    layer 3 are `layer.3.norm...`."""
    rng = np.random.default_rng(o.seed)

    def matrix(rows, columns):
        return rng.standard_normal((rows, columns), "f4") * np.float32(rows ** -0.5)

    def vector(size, around=0):
        return (around + 0.1 * rng.standard_normal(size)).astype("f4")

    h, f = o.hidden, o.feed_forward
    weights = {"word": rng.standard_normal((o.vocabulary, o.embedding), "f4"),
               "position": matrix(o.sequence, o.embedding),
               "type": matrix(2, o.embedding),
               "embedding.norm.scale": vector(o.embedding, 1),
               "embedding.norm.bias": vector(o.embedding),
               "projection": matrix(o.embedding, h), "projection.bias": vector(h)}
    for name, rows, columns in (("query", h, h), ("key", h, h), ("value", h, h),
                                ("output", h, h), ("up", h, f), ("down", f, h)):
        weights[f"layer.{name}"] = matrix(rows, columns)
        weights[f"layer.{name}.bias"] = vector(columns)
    for i in range(o.layers if o.own_norms else 1):
        own = f"{i}." if o.own_norms else ""
        for norm in ("attention", "final"):
            weights[f"layer.{own}norm.{norm}.scale"] = vector(h, 1)
            weights[f"layer.{own}norm.{norm}.bias"] = vector(h)
    return weights


class Graph:
    """Nodes and initializers; `weight` copies the layer's if it has to."""

    def __init__(self, options, weights):
        self.options, self.weights = options, weights
        self.nodes, self.initializers, self.counter = [], {}, 0

    def node(self, op, *inputs, **attributes):
        self.counter += 1
        out = f"{op}_{self.counter}"
        self.nodes.append(helper.make_node(op, inputs, [out], out, **attributes))
        return out

    def constant(self, value, dtype="f4"):
        array = np.asarray(value, dtype)
        name = f"constant_{array.dtype}_{'_'.join(map(str, array.reshape(-1)))}"
        self.initializers[name] = array
        return name

    def weight(self, name, layer=None):
        own = name.replace("layer.", f"layer.{layer}.", 1)
        stored = own if own in self.weights else name
        copied = own if self.options.copies and layer is not None else stored
        self.initializers[copied] = self.weights[stored]
        return copied

    def linear(self, x, name, layer=None):
        y = self.node("MatMul", x, self.weight(name, layer))
        return self.node("Add", self.weight(name + ".bias", layer), y)

    def norm(self, x, name, layer=None):
        scale = self.weight(name + ".scale", layer)
        bias = self.weight(name + ".bias", layer)
        if self.options.norm_op:
            return self.node("LayerNormalization", x, scale, bias, axis=-1,
                             epsilon=EPSILON)
        centred = self.node("Sub", x, self.node("ReduceMean", x, axes=[-1]))
        square = self.node("Pow", centred, self.constant(2))
        variance = self.node("ReduceMean", square, axes=[-1])
        deviation = self.node(
            "Sqrt", self.node("Add", variance, self.constant(EPSILON)))
        scaled = self.node("Mul", self.node("Div", centred, deviation), scale)
        return self.node("Add", scaled, bias)

    def gelu(self, x):
        if self.options.gelu == "erf":
            erf = self.node("Erf", self.node("Div", x, self.constant(2 ** 0.5)))
            half = self.node("Mul", x, self.node("Add", erf, self.constant(1)))
            return self.node("Mul", half, self.constant(0.5))
        cube = self.node("Pow", x, self.constant(3))
        inner = self.node("Add", x, self.node("Mul", cube, self.constant(0.044715)))
        tanh = self.node(
            "Tanh", self.node("Mul", inner, self.constant((2 / np.pi) ** 0.5)))
        half = self.node("Mul", x, self.constant(0.5))
        return self.node("Mul", half, self.node("Add", tanh, self.constant(1)))

    def split_heads(self, x, permutation):
        o = self.options
        shape = self.constant([1, o.sequence, o.heads, o.hidden // o.heads], "i8")
        return self.node("Transpose", self.node("Reshape", x, shape),
                         perm=permutation)

    def attention(self, x, layer):
        o = self.options
        query = self.split_heads(self.linear(x, "layer.query", layer), [0, 2, 1, 3])
        key = self.split_heads(self.linear(x, "layer.key", layer), [0, 2, 3, 1])
        value = self.split_heads(self.linear(x, "layer.value", layer), [0, 2, 1, 3])
        scores = self.node("Div", self.node("MatMul", query, key),
                           self.constant((o.hidden // o.heads) ** 0.5))
        scores = self.node("Add", scores, "mask")
        context = self.node("MatMul", self.node("Softmax", scores, axis=-1), value)
        context = self.node("Reshape", self.node("Transpose", context, perm=[0, 2, 1, 3]),
                            self.constant([1, o.sequence, o.hidden], "i8"))
        return self.linear(context, "layer.output", layer)

    def layer(self, x, layer):
        x = self.norm(self.node("Add", x, self.attention(x, layer)),
                      "layer.norm.attention", layer)
        up = self.gelu(self.linear(x, "layer.up", layer))
        return self.norm(self.node("Add", self.linear(up, "layer.down", layer), x),
                         "layer.norm.final", layer)

    def embed(self):
        words = self.node("Gather", self.weight("word"), "input_ids", axis=0)
        types = self.node("Gather", self.weight("type"), "token_type_ids", axis=0)
        x = self.node("Add", words, types)
        x = self.node("Add", x, self.weight("position"))
        return self.linear(self.norm(x, "embedding.norm"), "projection")


def make_model(o, weights):
    g = Graph(o, weights)
    x = g.embed()
    g.nodes += [  # 1 where a token is, to 0; 0 where none is, to a large negative
        helper.make_node("Cast", ["attention_mask"], ["mask_float"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask_float", g.constant([1, 2], "i8")], ["mask_4d"]),
        helper.make_node("Sub", [g.constant(1), "mask_4d"], ["mask_off"]),
        helper.make_node("Mul", ["mask_off", g.constant(-10000)], ["mask"])]
    for layer in range(o.layers):
        x = g.layer(x, layer)
    g.nodes[-1].output[0] = "last_hidden_state"
    ids = [helper.make_tensor_value_info(name, TensorProto.INT64, [1, o.sequence])
           for name in ("input_ids", "attention_mask", "token_type_ids")]
    out = helper.make_tensor_value_info("last_hidden_state", TensorProto.FLOAT,
                                        [1, o.sequence, o.hidden])
    tensors = [numpy_helper.from_array(a, n) for n, a in g.initializers.items()]
    graph = helper.make_graph(g.nodes, "albert", ids, [out], tensors)
    opset = 17 if o.norm_op else 14
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)],
                             ir_version=8)


def make_inputs(o):
    rng = np.random.default_rng(o.seed + 1)
    mask = np.ones((1, o.sequence), "i8")
    mask[:, o.sequence - o.sequence // 4:] = 0
    return {"input_ids": rng.integers(0, o.vocabulary, (1, o.sequence)),
            "attention_mask": mask,
            "token_type_ids": rng.integers(0, 2, (1, o.sequence))}


def run(o, weights, inputs):
    """The network in float64."""
    w = {name: array.astype("f8") for name, array in weights.items()}

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + EPSILON)
        return x * w[name + ".scale"] + w[name + ".bias"]

    def linear(x, name):
        return x @ w[name] + w[name + ".bias"]

    def gelu(x):
        if o.gelu == "tanh":
            return x / 2 * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x ** 3)))
        import math
        return x / 2 * (1 + np.vectorize(math.erf)(x / 2 ** 0.5))

    def split(x):
        return x.reshape(o.sequence, o.heads, -1).transpose(1, 0, 2)

    x = w["word"][inputs["input_ids"][0]] + w["type"][inputs["token_type_ids"][0]]
    x = linear(norm(x + w["position"], "embedding.norm"), "projection")
    mask = (1 - inputs["attention_mask"][0]) * -10000.0
    for layer in range(o.layers):
        own = f"layer.{layer}." if o.own_norms else "layer."
        q, k, v = (split(linear(x, f"layer.{n}")) for n in ("query", "key", "value"))
        scores = q @ k.transpose(0, 2, 1) / (o.hidden // o.heads) ** 0.5 + mask
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        context = scores / scores.sum(-1, keepdims=True) @ v
        context = context.transpose(1, 0, 2).reshape(o.sequence, o.hidden)
        x = norm(x + linear(context, "layer.output"), own + "norm.attention")
        x = norm(linear(gelu(linear(x, "layer.up")), "layer.down") + x, own + "norm.final")
    return {"last_hidden_state": x[None].astype("f4")}


def write_test_data(folder, inputs, outputs):
    folder = folder / "test_data_set_0"
    folder.mkdir(parents=True, exist_ok=True)
    for kind, tensors in (("input", inputs), ("output", outputs)):
        for i, (name, array) in enumerate(tensors.items()):
            (folder / f"{kind}_{i}.pb").write_bytes(
                numpy_helper.from_array(array, name).SerializeToString())


def main():
    o = parse()
    weights = make_weights(o)
    save_model(make_model(o, weights), str(o.out))
    if o.test_data:
        inputs = make_inputs(o)
        write_test_data(o.test_data, inputs, run(o, weights, inputs))


if __name__ == "__main__":
    main()

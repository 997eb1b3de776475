#!/usr/bin/python3
"""Layers whose weights depend on the input.

condconv: convolutions whose kernel is a mixture of experts' kernels, mixed per
image by a sigmoid router (Yang et al., 2019). moe: a mixture of feed-forward
experts, of which the top 2 of each token count (Shazeer et al., 2017; all
experts are computed, as an export without data-dependent shapes does it).

  experts.py OUT.onnx [--kind condconv|moe] [--experts N] [--channels N]
             [--size N] [--layers N]
"""
import argparse

from graph import Graph


def routed_conv(g, x, name, experts, channels):
    pooled = g.add("Flatten", [g.add("GlobalAveragePool", [x])], axis=1)
    routes = g.add("Sigmoid", [g.gemm(pooled, f"{name}.router", channels, experts)])
    kernels = g.weight(f"{name}.experts", experts, channels * channels * 9,
                       fan=channels * 9)
    mixed = g.add("MatMul", [routes, kernels])
    kernel = g.add("Reshape", [mixed, g.integers(channels, channels, 3, 3)])
    return g.add("Conv", [x, kernel], kernel_shape=[3, 3], pads=[1] * 4, strides=[1, 1])


def condconv(path, experts=8, channels=64, size=28, layers=3):
    g = Graph("condconv")
    x = g.input("x", 1, channels, size, size)
    for layer in range(layers):
        x = g.relu(g.add("Add", [x, routed_conv(g, x, f"layer{layer}", experts, channels)]))
    g.add("Identity", [x], "y")
    g.output("y", 1, channels, size, size)
    g.save(path)


def moe_layer(g, x, name, experts, channels, tokens):
    """x [tokens, channels] through the best two experts of each token."""
    scores = g.add("MatMul", [x, g.weight(f"{name}.router", channels, experts, fan=channels)])
    best, index = g.add_many("TopK", [scores, g.integers(2)],
                             [f"{name}.best", f"{name}.index"], axis=-1)
    gates = g.add("Softmax", [best], axis=-1)
    zeros = g.add("Mul", [scores, g.scalar(0.0)])
    dense = g.add("ScatterElements", [zeros, index, gates], axis=1)
    up = g.weight(f"{name}.up", experts, channels, 2 * channels, fan=channels)
    down = g.weight(f"{name}.down", experts, 2 * channels, channels, fan=2 * channels)
    hidden = g.relu(g.add("MatMul", [g.add("Unsqueeze", [x, g.integers(0)]), up]))
    outputs = g.add("MatMul", [hidden, down])
    gates = g.add("Unsqueeze", [g.add("Transpose", [dense], perm=[1, 0]), g.integers(2)])
    weighted = g.add("Mul", [outputs, gates])
    return g.add("ReduceSum", [weighted, g.integers(0)], keepdims=0)


def moe(path, experts=8, channels=256, size=64, layers=2):
    g = Graph("moe")
    x = g.input("x", size, channels)
    for layer in range(layers):
        y = g.layer_norm(x, f"layer{layer}.norm", channels)
        x = g.add("Add", [x, moe_layer(g, y, f"layer{layer}", experts, channels, size)])
    g.add("Identity", [x], "y")
    g.output("y", size, channels)
    g.save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--kind", choices=("condconv", "moe"), default="condconv")
    for name in ("experts", "channels", "size", "layers"):
        parser.add_argument(f"--{name}", type=int)
    o = vars(parser.parse_args())
    kind, out = o.pop("kind"), o.pop("out")
    {"condconv": condconv, "moe": moe}[kind](
        out, **{name: value for name, value in o.items() if value})

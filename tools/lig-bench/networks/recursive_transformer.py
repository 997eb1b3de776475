#!/usr/bin/python3
"""A recursive transformer with LoRA (Bae et al., 2025): a stack of unique layers
is applied in several loops, and each use adds a low-rank term of its own to the
shared matrices, W + B A.

Layers are pre-norm, attention has no mask, feed-forwards use GELU.

  recursive_transformer.py OUT.onnx [--unique N] [--loops N] [--hidden N]
                           [--heads N] [--sequence N] [--rank N] [--copies]
"""
import argparse

from graph import Graph


class Network:
    def __init__(self, hidden, heads, sequence, rank, copies):
        self.g = Graph("recursive_transformer", copies=copies)
        self.hidden, self.heads = hidden, heads
        self.sequence, self.rank = sequence, rank

    def linear(self, x, layer, loop, name, n_in, n_out):
        """x W of the layer, plus (x A) B of this use."""
        g = self.g
        shared = g.linear(x, f"layer{layer}.{name}", n_in, n_out)
        if not self.rank:
            return shared
        own = f"layer{layer}.loop{loop}.{name}"
        low = g.linear(x, f"{own}.A", n_in, self.rank, bias=False)
        return g.add("Add", [shared, g.linear(low, f"{own}.B", self.rank, n_out, bias=False)])

    def split_heads(self, x, perm):
        size = self.hidden // self.heads
        x = self.g.add("Reshape", [x, self.g.integers(1, self.sequence, self.heads, size)])
        return self.g.add("Transpose", [x], perm=perm)

    def attention(self, x, layer, loop):
        g = self.g
        q, k, v = (self.linear(x, layer, loop, n, self.hidden, self.hidden) for n in "qkv")
        scores = g.add("MatMul", [self.split_heads(q, [0, 2, 1, 3]),
                                  self.split_heads(k, [0, 2, 3, 1])])
        scale = (self.hidden / self.heads) ** 0.5
        weights = g.add("Softmax", [g.add("Div", [scores, g.scalar(scale)])], axis=-1)
        mixed = g.add("MatMul", [weights, self.split_heads(v, [0, 2, 1, 3])])
        mixed = g.add("Transpose", [mixed], perm=[0, 2, 1, 3])
        mixed = g.add("Reshape", [mixed, g.integers(1, self.sequence, self.hidden)])
        return self.linear(mixed, layer, loop, "out", self.hidden, self.hidden)

    def layer(self, x, layer, loop):
        g, n = self.g, self.hidden
        y = g.layer_norm(x, f"layer{layer}.norm1", n)
        x = g.add("Add", [x, self.attention(y, layer, loop)])
        y = g.layer_norm(x, f"layer{layer}.norm2", n)
        y = g.gelu(self.linear(y, layer, loop, "up", n, 4 * n))
        return g.add("Add", [x, self.linear(y, layer, loop, "down", 4 * n, n)])


def build(path, unique=3, loops=4, hidden=256, heads=4, sequence=128, rank=8,
          copies=False):
    network = Network(hidden, heads, sequence, rank, copies)
    g = network.g
    x = g.input("x", 1, sequence, hidden)
    for loop in range(loops):
        for layer in range(unique):
            x = network.layer(x, layer, loop)
    g.add("Identity", [g.layer_norm(x, "norm", hidden)], "y")
    g.output("y", 1, sequence, hidden)
    g.save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    for name, value in (("unique", 3), ("loops", 4), ("hidden", 256), ("heads", 4),
                        ("sequence", 128), ("rank", 8)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--copies", action="store_true")
    o = parser.parse_args()
    build(o.out, o.unique, o.loops, o.hidden, o.heads, o.sequence, o.rank, o.copies)

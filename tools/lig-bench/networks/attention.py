#!/usr/bin/python3
"""Attention alone, as exporters write it: heads are split off [1, S, H*D] by
reshapes and transposes, scores get a scale and a mask, softmax, values.

With --kv-heads several heads share keys and values, which are repeated by an
Expand; --causal masks by minus infinity what lies ahead.

  attention.py OUT.onnx [--sequence N] [--heads N] [--size N] [--kv-heads N]
               [--causal]
"""
import argparse

import numpy as np

from graph import Graph


def split(g, x, sequence, heads, size, perm):
    x = g.add("Reshape", [x, g.integers(1, sequence, heads, size)])
    return g.add("Transpose", [x], perm=perm)


def repeat(g, x, sequence, heads, kv_heads, size):
    """Keys or values [1, kv, S, D] of every group's heads, as torch's expand."""
    if heads == kv_heads:
        return x
    x = g.add("Unsqueeze", [x, g.integers(2)])
    x = g.add("Expand", [x, g.integers(1, kv_heads, heads // kv_heads, sequence, size)])
    return g.add("Reshape", [x, g.integers(1, heads, sequence, size)])


def build(path, sequence=512, heads=12, size=64, kv_heads=0, causal=False):
    g = Graph("attention")
    kv_heads = kv_heads or heads
    q = split(g, g.input("q", 1, sequence, heads * size), sequence, heads, size, [0, 2, 1, 3])
    k, v = (repeat(g, split(g, g.input(n, 1, sequence, kv_heads * size), sequence, kv_heads,
                            size, [0, 2, 1, 3]), sequence, heads, kv_heads, size)
            for n in "kv")
    scores = g.add("MatMul", [q, g.add("Transpose", [k], perm=[0, 1, 3, 2])])
    scores = g.add("Mul", [scores, g.scalar(size ** -0.5)])
    if causal:
        mask = np.triu(np.full((sequence, sequence), -np.inf, np.float32), 1)
        scores = g.add("Add", [scores, g.constant("mask", mask)])
    mixed = g.add("MatMul", [g.add("Softmax", [scores], axis=-1), v])
    mixed = g.add("Transpose", [mixed], perm=[0, 2, 1, 3])
    g.add("Reshape", [mixed, g.integers(1, sequence, heads * size)], "y")
    g.output("y", 1, sequence, heads * size)
    g.save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path")
    for name, value in (("sequence", 512), ("heads", 12), ("size", 64), ("kv-heads", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--causal", action="store_true")
    build(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()

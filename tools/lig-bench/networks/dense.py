#!/usr/bin/python3
"""Fully connected networks whose weights are shared in one way or another.

autoencoder: 784-512-256-64 and back by the same matrices, transposed (tied
weights, Vincent et al., 2010). codebook: 784-300-100-10 whose weights are
indices of 4 bits into 16 values a layer (deep compression, Han et al., 2016).

  dense.py OUT.onnx [--kind autoencoder|codebook] [--batch N] [--copies]
                    [--layers 784,512,256,64]
"""
import argparse

import numpy as np
from graph import Graph


def autoencoder(path, layers=(784, 512, 256, 64), batch=1, copies=False):
    g = Graph("autoencoder", copies=copies)
    x = g.input("x", batch, layers[0])
    pairs = list(enumerate(zip(layers, layers[1:])))
    for index, (n_in, n_out) in pairs:
        x = g.add("Sigmoid", [g.gemm(x, f"layer{index}", n_in, n_out)])
    for index, (n_out, n_in) in reversed(pairs):
        w = g.weight(f"layer{index}.weight", n_in, n_out)
        x = g.add("Gemm", [x, w, g.weight(f"back{index}.bias", n_out)])
        x = g.add("Sigmoid", [x])
    g.add("Identity", [x], "y")
    g.output("y", batch, layers[0])
    g.save(path)


def codebook(path, layers=(784, 300, 100, 10), batch=1):
    g = Graph("codebook")
    x = g.input("x", batch, layers[0])
    pairs = list(zip(layers, layers[1:]))
    for index, (n_in, n_out) in enumerate(pairs):
        values = np.sort(g.random.standard_normal(16) / np.sqrt(n_in)).astype(np.float32)
        book = g.constant(f"layer{index}.book", values)
        codes = g.constant(f"layer{index}.codes",
                           g.random.randint(0, 16, (n_in, n_out)).astype(np.int64))
        x = g.add("MatMul", [x, g.add("Gather", [book, codes], axis=0)])
        x = g.add("Add", [x, g.weight(f"layer{index}.bias", n_out)])
        x = g.relu(x) if index + 1 < len(pairs) else x
    g.add("Identity", [x], "y")
    g.output("y", batch, layers[-1])
    g.save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--kind", choices=("autoencoder", "codebook"), default="autoencoder")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--layers")
    parser.add_argument("--copies", action="store_true")
    o = parser.parse_args()
    sizes = {"layers": [int(n) for n in o.layers.split(",")]} if o.layers else {}
    if o.kind == "codebook":
        codebook(o.out, batch=o.batch, **sizes)
    else:
        autoencoder(o.out, batch=o.batch, copies=o.copies, **sizes)

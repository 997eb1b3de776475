#!/usr/bin/python3
"""LSTM layers (Hochreiter and Schmidhuber, 1997); with --vocabulary a language
model whose output layer is its embedding, transposed (Press and Wolf, 2017).

  lstm.py OUT.onnx [--hidden N] [--layers N] [--steps N] [--batch N]
                   [--vocabulary N] [--copies]
"""
import argparse

import numpy as np
from graph import Graph


def build(path, hidden=256, layers=1, steps=100, batch=1, vocabulary=0, copies=False):
    g = Graph("lstm", copies=copies)
    if vocabulary:
        tokens = g.input("tokens", steps, batch, dtype=np.int64)
        table = g.weight("embedding", vocabulary, hidden, fan=hidden)
        x = g.add("Gather", [table, tokens], axis=0)
    else:
        x = g.input("x", steps, batch, hidden)
    for layer in range(layers):
        x, _ = g.recurrent("LSTM", x, f"lstm{layer}", hidden, hidden)
    if vocabulary:
        table = g.weight("embedding", vocabulary, hidden, fan=hidden)
        x = g.add("MatMul", [x, g.add("Transpose", [table], perm=[1, 0])])
        x = g.add("LogSoftmax", [x], axis=-1)
    g.add("Identity", [x], "y")
    g.output("y", steps, batch, vocabulary or hidden)
    g.save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    for name, value in (("hidden", 256), ("layers", 1), ("steps", 100), ("batch", 1),
                        ("vocabulary", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--copies", action="store_true")
    o = parser.parse_args()
    build(o.out, o.hidden, o.layers, o.steps, o.batch, o.vocabulary, o.copies)

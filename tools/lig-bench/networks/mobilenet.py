#!/usr/bin/python3
"""MobileNet-v2 (Sandler et al., 2018): inverted residuals, depthwise 3x3.

  mobilenet.py OUT.onnx [--batch N] [--size N] [--stages N]
"""
import argparse

from graph import Graph

# Expansion, channels, repetitions, first stride: table 2 of the paper.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
          (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def relu6(g, x):
    return g.add("Clip", [x, g.scalar(0.0), g.scalar(6.0)])


def inverted_residual(g, x, name, c_in, c_out, expansion, stride):
    hidden = c_in * expansion
    y = x
    if expansion != 1:
        y = relu6(g, g.conv(y, f"{name}.expand", c_in, hidden, 1))
    y = relu6(g, g.conv(y, f"{name}.depthwise", hidden, hidden, 3, stride, group=hidden))
    y = g.conv(y, f"{name}.project", hidden, c_out, 1)
    return g.add("Add", [x, y]) if stride == 1 and c_in == c_out else y


def build(path, batch=1, size=224, stages=7):
    g = Graph("mobilenet")
    x = g.input("image", batch, 3, size, size)
    x = relu6(g, g.conv(x, "features.0", 3, 32, 3, 2))
    channels, index = 32, 1
    for expansion, c_out, count, stride in STAGES[:stages]:
        for repetition in range(count):
            x = inverted_residual(g, x, f"features.{index}", channels, c_out,
                                  expansion, 1 if repetition else stride)
            channels, index = c_out, index + 1
    x = relu6(g, g.conv(x, "features.last", channels, 1280, 1))
    x = g.add("Flatten", [g.add("GlobalAveragePool", [x])], axis=1)
    g.add("Identity", [g.gemm(x, "classifier", 1280, 1000)], "scores")
    g.output("scores", batch, 1000)
    g.save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--stages", type=int, default=7)
    o = parser.parse_args()
    build(o.out, o.batch, o.size, o.stages)

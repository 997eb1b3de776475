#!/usr/bin/python3
"""LeNet-5 (LeCun et al., 1998) with ReLU and max pools, 10 classes.

  lenet.py OUT.onnx [--batch N]
"""
import argparse

from graph import Graph


def build(path, batch=1):
    g = Graph("lenet")
    x = g.input("image", batch, 1, 28, 28)
    x = g.max_pool(g.relu(g.conv(x, "conv1", 1, 6, 5)), 2, 2)
    x = g.max_pool(g.relu(g.conv(x, "conv2", 6, 16, 5, pad=0)), 2, 2)
    x = g.add("Flatten", [x], axis=1)
    x = g.relu(g.gemm(x, "fc1", 400, 120))
    x = g.relu(g.gemm(x, "fc2", 120, 84))
    g.add("Identity", [g.gemm(x, "fc3", 84, 10)], "scores")
    g.output("scores", batch, 10)
    g.save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--batch", type=int, default=1)
    o = parser.parse_args()
    build(o.out, o.batch)

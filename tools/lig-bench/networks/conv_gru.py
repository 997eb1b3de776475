#!/usr/bin/python3
"""The update operator of RAFT (Teed and Deng, 2020): a convolutional GRU that
refines a flow field again and again with the same weights.

An iteration encodes the flow, runs one GRU step of 3x3 convolutions over the
hidden state and adds the change of flow that a head reads from it. The
correlation look-up is left out; its features are an input. The exporter's
unrolled graph uses every initializer once an iteration.

  conv_gru.py OUT.onnx [--iterations N] [--channels N] [--size N] [--copies]
"""
import argparse

from graph import Graph


def iterate(g, hidden, flow, context, channels):
    motion = g.relu(g.conv(flow, "motion", 2, channels // 2, 7))
    x = g.add("Concat", [context, motion], axis=1)
    wide = 2 * channels + channels // 2
    both = g.add("Concat", [hidden, x], axis=1)
    z = g.add("Sigmoid", [g.conv(both, "gru.z", wide, channels, 3)])
    r = g.add("Sigmoid", [g.conv(both, "gru.r", wide, channels, 3)])
    reset = g.add("Concat", [g.add("Mul", [r, hidden]), x], axis=1)
    q = g.add("Tanh", [g.conv(reset, "gru.q", wide, channels, 3)])
    keep = g.add("Mul", [g.add("Sub", [g.scalar(1.0), z]), hidden])
    hidden = g.add("Add", [keep, g.add("Mul", [z, q])])
    head = g.relu(g.conv(hidden, "head.0", channels, channels, 3))
    return hidden, g.add("Add", [flow, g.conv(head, "head.1", channels, 2, 3)])


def build(path, iterations=12, channels=64, size=32, copies=False):
    g = Graph("conv_gru", copies=copies)
    hidden, context = (g.input(n, 1, channels, size, size) for n in ("hidden", "context"))
    flow = g.input("flow", 1, 2, size, size)
    for _ in range(iterations):
        hidden, flow = iterate(g, hidden, flow, context, channels)
    g.add("Identity", [flow], "flow_out")
    g.output("flow_out", 1, 2, size, size)
    g.save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    for name, value in (("iterations", 12), ("channels", 64), ("size", 32)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--copies", action="store_true")
    o = parser.parse_args()
    build(o.out, o.iterations, o.channels, o.size, o.copies)

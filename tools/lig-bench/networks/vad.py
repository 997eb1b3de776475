#!/usr/bin/python3
"""A voice activity detector, one step of a stream: Conv1D stack and LSTM.

The shape is Silero's: a learned spectrum of 576 samples at 16 kHz, four Conv1D
with ReLU, an LSTM of 128 units whose state goes in and out, a probability.

  vad.py OUT.onnx [--samples N] [--hidden N]
"""
import argparse

from graph import Graph


def build(path, samples=576, hidden=128):
    g = Graph("vad")
    x = g.input("samples", 1, samples)
    h, c = (g.input(n, 1, 1, hidden) for n in ("h", "c"))
    x = g.add("Unsqueeze", [x, g.integers(1)])
    basis = g.weight("stft.basis", 258, 1, 256)
    x = g.add("Conv", [x, basis], kernel_shape=[256], strides=[128], pads=[0, 64])
    square = g.add("Pow", [x, g.scalar(2.0)])
    halves = g.add_many("Split", [square, g.integers(129, 129)], ["re", "im"], axis=1)
    x = g.add("Sqrt", [g.add("Add", halves)])
    for index, (c_in, c_out, stride) in enumerate(
            ((129, 128, 1), (128, 64, 2), (64, 64, 2), (64, hidden, 1))):
        x = g.relu(g.conv(x, f"encoder.{index}", c_in, c_out, 3, stride, rank=1))
    x = g.add("Transpose", [x], perm=[2, 0, 1])
    _, state = g.recurrent("LSTM", x, "decoder.rnn", hidden, hidden, (h, c))
    x = g.add("Transpose", [g.relu(state[0])], perm=[1, 2, 0])
    x = g.conv(x, "decoder.out", hidden, 1, 1, rank=1)
    g.add("Sigmoid", [x], "probability")
    g.output("probability", 1, 1, 1)
    for name, value in zip(("hn", "cn"), state):
        g.add("Identity", [value], name)
        g.output(name, 1, 1, hidden)
    g.save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--samples", type=int, default=576)
    parser.add_argument("--hidden", type=int, default=128)
    o = parser.parse_args()
    build(o.out, o.samples, o.hidden)

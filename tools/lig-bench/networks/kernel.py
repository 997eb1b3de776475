#!/usr/bin/python3
"""One layer alone, to measure its kernel against what the machine can do.

  kernel.py OUT.onnx gemm M K N
  kernel.py OUT.onnx conv C_IN C_OUT SIZE KERNEL STRIDE
  kernel.py OUT.onnx depthwise CHANNELS SIZE STRIDE [KERNEL]
  kernel.py OUT.onnx maxpool CHANNELS SIZE KERNEL STRIDE
  kernel.py OUT.onnx avgpool CHANNELS SIZE KERNEL STRIDE
  kernel.py OUT.onnx lstm HIDDEN STEPS
  kernel.py OUT.onnx softmax ROWS SIZE
  kernel.py OUT.onnx norm ROWS SIZE
"""
import sys

from graph import Graph


def gemm(g, rows, n_in, n_out):
    return g.gemm(g.input("x", rows, n_in), "layer", n_in, n_out), (rows, n_out)


def conv(g, c_in, c_out, size, kernel, stride, group=1):
    x = g.input("x", 1, c_in, size, size)
    after = (size - 1) // stride + 1
    return (g.relu(g.conv(x, "layer", c_in, c_out, kernel, stride, group=group)),
            (1, c_out, after, after))


def depthwise(g, channels, size, stride, kernel=3):
    return conv(g, channels, channels, size, kernel, stride, group=channels)


def pool(g, kind, channels, size, kernel, stride):
    """Windows that begin every `stride` steps and leave no input out."""
    x = g.input("x", 1, channels, size, size)
    after = (size - 1) // stride + 1
    pad = max((after - 1) * stride + kernel - size, 0)
    y = g.add(kind, [x], kernel_shape=[kernel] * 2, strides=[stride] * 2,
              pads=[pad // 2, pad // 2, pad - pad // 2, pad - pad // 2])
    return y, (1, channels, after, after)


def lstm(g, hidden, steps):
    y, _ = g.recurrent("LSTM", g.input("x", steps, 1, hidden), "layer", hidden, hidden)
    return y, (steps, 1, hidden)


def softmax(g, rows, size):
    return g.add("Softmax", [g.input("x", rows, size)], axis=-1), (rows, size)


def norm(g, rows, size):
    return (g.add("LayerNormalization", [g.input("x", rows, size), g.weight("scale", size),
                                         g.weight("bias", size)]), (rows, size))


KINDS = {"gemm": gemm, "conv": conv, "depthwise": depthwise, "lstm": lstm,
         "maxpool": lambda g, *numbers: pool(g, "MaxPool", *numbers),
         "avgpool": lambda g, *numbers: pool(g, "AveragePool", *numbers),
         "softmax": softmax, "norm": norm}

if __name__ == "__main__":
    out, kind, *numbers = sys.argv[1:]
    graph = Graph(kind, opset=17)
    y, shape = KINDS[kind](graph, *[int(n) for n in numbers])
    graph.nodes[-1].output[0] = "y"
    graph.output("y", *shape)
    graph.save(out)

#!/usr/bin/python3
"""Networks of bytes as quantizers write them: floats between DequantizeLinear and
QuantizeLinear around every layer. Data are unsigned, weights signed with a scale
for each channel and, as is usual for machines whose sums of two products may
saturate, of 7 bits.

  quantized.py OUT.onnx [--kind=mlp|cnn] [--layers=N,N,..] [--size=N] [--batch=N]
"""
import argparse

import numpy as np

from graph import Graph

STEP = 4 / 255  # of data between layers, whose zero point is 0


class Network:
    def __init__(self, name):
        self.g = Graph(name)
        self.count = 0

    def constant(self, value):
        self.count += 1
        return self.g.constant(f"q{self.count}", np.asarray(value))

    def pair(self, x, step, zero):
        """Quantized and back."""
        g, scale, zero = self.g, self.constant(np.float32(step)), self.constant(zero)
        return g.add("DequantizeLinear", [g.add("QuantizeLinear", [x, scale, zero]),
                                          scale, zero])

    def weight(self, step, *shape):
        """A filter and a bias in the units of its sums, both dequantized."""
        g, random = self.g, self.g.random
        value = random.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        scale = np.abs(value).reshape(shape[0], -1).max(1) / 63
        numbers = np.rint(value / scale.reshape(-1, *[1] * (len(shape) - 1)))
        scale = scale.astype(np.float32)
        bias = random.standard_normal(shape[0]) * 0.1
        units = np.float32(step) * scale
        zeros = self.constant(np.zeros(shape[0], np.int8))
        wide = self.constant(np.zeros(shape[0], np.int32))
        return [g.add("DequantizeLinear", [self.constant(numbers.astype(np.int8)),
                                           self.constant(scale), zeros], axis=0),
                g.add("DequantizeLinear",
                      [self.constant(np.rint(bias / units).astype(np.int32)),
                       self.constant(units), wide], axis=0)]


def mlp(path, layers, batch):
    net = Network("quantized_mlp")
    x, step, zero = net.g.input("x", batch, layers[0]), 6 / 255, np.uint8(128)
    for n_in, n_out in zip(layers, layers[1:]):
        x = net.pair(x, step, zero)
        x = net.g.add("Gemm", [x, *net.weight(step, n_out, n_in)], transB=1)
        x, step, zero = net.g.relu(x), STEP, np.uint8(0)
    finish(net, x, step, zero, path, batch, layers[-1])


def cnn(path, layers, size, batch):
    """3x3 convolutions, every second of stride 2, then the mean of each channel."""
    net = Network("quantized_cnn")
    x, step, zero = net.g.input("x", batch, layers[0], size, size), 6 / 255, np.uint8(128)
    for i, (n_in, n_out) in enumerate(zip(layers, layers[1:])):
        x = net.pair(x, step, zero)
        x = net.g.add("Conv", [x, *net.weight(step, n_out, n_in, 3, 3)],
                      kernel_shape=[3, 3], pads=[1] * 4, strides=[1 + i % 2] * 2)
        x, step, zero = net.g.relu(x), STEP, np.uint8(0)
    x = net.pair(x, step, zero)
    x = net.g.add("Flatten", [net.g.add("GlobalAveragePool", [x])])
    finish(net, x, step, zero, path, batch, layers[-1])


def finish(net, x, step, zero, path, batch, features):
    scale, zero = net.constant(np.float32(step)), net.constant(zero)
    x = net.g.add("QuantizeLinear", [x, scale, zero])
    net.g.add("DequantizeLinear", [x, scale, zero], "y")
    net.g.output("y", batch, features)
    net.g.save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("path")
    parser.add_argument("--kind", choices=("mlp", "cnn"), default="mlp")
    parser.add_argument("--layers", default="")
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch", type=int, default=1)
    o = parser.parse_args()
    default = "784,1024,1024,256" if o.kind == "mlp" else "3,32,64,64,128,128"
    layers = [int(n) for n in (o.layers or default).split(",")]
    if o.kind == "mlp":
        mlp(o.path, layers, o.batch)
    else:
        cnn(o.path, layers, o.size, o.batch)


if __name__ == "__main__":
    main()

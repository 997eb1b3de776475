#!/usr/bin/python3
"""Siamese and triplet networks: one tower on several inputs, then distances.

The convolutional tower is a small VGG (3x3 convolutions and pools, two fully
connected layers) as in FaceNet's triplets (Schroff et al., 2015); `dense` is a
tower of fully connected layers alone, and `tied` says how the file says that
towers share: one initializer, or one per use as exporters write them.

  siamese.py OUT.onnx [--branches N] [--size N] [--kind conv|dense] [--copies]
"""
import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Tower:
    """Layers with weights of their own, applied to any number of inputs."""

    def __init__(self, seed, copies):
        self.random = np.random.RandomState(seed)
        self.copies = copies
        self.weights, self.initializers, self.nodes = {}, [], []

    def weight(self, branch, name, *shape):
        if name not in self.weights:
            fan = np.prod(shape[1:]) if len(shape) > 1 else 100
            self.weights[name] = (
                self.random.standard_normal(shape) / np.sqrt(fan)
            ).astype(np.float32)
        full = f"{branch}.{name}" if self.copies else name
        if full not in [i.name for i in self.initializers]:
            self.initializers.append(
                numpy_helper.from_array(self.weights[name], full))
        return full

    def add(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def dense(self, branch, x, name, features, units):
        w = self.weight(branch, f"{name}.weight", units, features)
        b = self.weight(branch, f"{name}.bias", units)
        return self.add("Gemm", [x, w, b], f"{branch}.{name}", transB=1)

    def conv(self, branch, x, name, channels, filters):
        w = self.weight(branch, f"{name}.weight", filters, channels, 3, 3)
        b = self.weight(branch, f"{name}.bias", filters)
        y = self.add("Conv", [x, w, b], f"{branch}.{name}", pads=[1, 1, 1, 1])
        return self.add("Relu", [y], f"{branch}.{name}.relu")


def conv_tower(tower, branch, x, size):
    channels = 3
    for level, filters in enumerate((32, 64, 128, 256)):
        x = tower.conv(branch, x, f"conv{level}", channels, filters)
        x = tower.add("MaxPool", [x], f"{branch}.pool{level}",
                      kernel_shape=[2, 2], strides=[2, 2])
        channels, size = filters, size // 2
    x = tower.add("Flatten", [x], f"{branch}.flat")
    x = tower.dense(branch, x, "fc0", channels * size * size, 512)
    x = tower.add("Relu", [x], f"{branch}.fc0.relu")
    return tower.dense(branch, x, "fc1", 512, 128)


def dense_tower(tower, branch, x, size):
    for layer in range(4):
        x = tower.dense(branch, x, f"fc{layer}", size, size)
        x = tower.add("Tanh", [x], f"{branch}.tanh{layer}")
    return x


def build(path, branches=2, size=56, kind="conv", copies=False, seed=0):
    """Writes the network; outputs are squared distances from the first branch."""
    tower = Tower(seed, copies)
    shape = [1, 3, size, size] if kind == "conv" else [1, size]
    apply = conv_tower if kind == "conv" else dense_tower
    inputs = [f"x{i}" for i in range(branches)]
    codes = [apply(tower, f"branch{i}", x, size) for i, x in enumerate(inputs)]
    outputs = []
    for i, code in enumerate(codes[1:], 1):
        difference = tower.add("Sub", [codes[0], code], f"difference{i}")
        square = tower.add("Mul", [difference, difference], f"square{i}")
        outputs.append(tower.add("ReduceSum", [square], f"distance{i}",
                                 keepdims=0))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        tower.nodes, "siamese",
        [value(x, TensorProto.FLOAT, shape) for x in inputs],
        [value(y, TensorProto.FLOAT, []) for y in outputs], tower.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.save(model, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--branches", type=int, default=2)
    parser.add_argument("--size", type=int, default=56)
    parser.add_argument("--kind", choices=("conv", "dense"), default="conv")
    parser.add_argument("--copies", action="store_true")
    args = parser.parse_args()
    build(args.out, args.branches, args.size, args.kind, args.copies)


if __name__ == "__main__":
    main()

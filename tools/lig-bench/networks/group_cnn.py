#!/usr/bin/python3
"""A convolutional network over the group p4 (Cohen and Welling, 2016).

A layer applies one filter in four orientations. Rotating the filter by a
quarter turn is rotating the data back, convolving, and rotating the result, so
each layer is four uses of one stored weight on rotated data; from the second
layer on, the four orientations are channels, and each use sees them in its own
cyclic order. The mean over orientations and places ends it: the answer does not
change when the image is turned.

  group_cnn.py OUT.onnx [--size N] [--channels N] [--layers N]
"""
import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Network:
    def __init__(self, seed):
        self.random = np.random.RandomState(seed)
        self.initializers, self.nodes = [], []

    def constant(self, name, array):
        if name not in [i.name for i in self.initializers]:
            self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def add(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def weight(self, name, *shape):
        fan = np.prod(shape[1:]) if len(shape) > 1 else 100
        values = self.random.standard_normal(shape) / np.sqrt(fan)
        return self.constant(name, values.astype(np.float32))

    def flip(self, x, axis, output):
        ints = {key: self.constant(f"{key}{axis}", np.array([value], np.int64))
                for key, value in (("start", -1), ("end", -2**31),
                                   ("axis", axis), ("step", -1))}
        return self.add("Slice", [x, ints["start"], ints["end"], ints["axis"],
                                  ints["step"]], output)

    def turn(self, x, quarters, output):
        """x turned counterclockwise by quarters of a full turn."""
        quarters %= 4
        if quarters == 0:
            return x
        if quarters == 2:
            return self.flip(self.flip(x, 2, f"{output}.rows"), 3, output)
        swapped = self.add("Transpose", [x], f"{output}.swapped",
                           perm=[0, 1, 3, 2])
        return self.flip(swapped, 2 if quarters == 1 else 3, output)


def build(path, size=28, channels=16, layers=4, classes=10, seed=0):
    """Writes the network: image [1, 1, size, size] to scores [1, classes]."""
    net = Network(seed)
    image_size = size
    orientations, planes = ["image"], 1
    for layer in range(layers):
        weight = net.weight(f"conv{layer}.weight", channels, planes, 3, 3)
        bias = net.weight(f"conv{layer}.bias", channels)
        turned = []
        for g in range(4):
            name = f"layer{layer}.turn{g}"
            views = [net.turn(orientations[(g + h) % len(orientations)], -g,
                              f"{name}.of{h}")
                     for h in range(len(orientations))]
            data = views[0] if len(views) == 1 else net.add(
                "Concat", views, f"{name}.data", axis=1)
            y = net.add("Conv", [data, weight, bias], f"{name}.conv",
                        pads=[1, 1, 1, 1])
            y = net.add("Relu", [y], f"{name}.relu")
            turned.append(net.turn(y, g, f"{name}.back"))
        orientations, planes = turned, 4 * channels
        if layer % 2 and size % 2 == 0:
            orientations = [net.add("MaxPool", [x], f"{x}.pool",
                                    kernel_shape=[2, 2], strides=[2, 2])
                            for x in orientations]
            size //= 2
    total = net.add("Sum", orientations, "total")
    mean = net.add("GlobalAveragePool", [total], "mean")
    flat = net.add("Flatten", [mean], "flat")
    net.add("Gemm", [flat, net.weight("fc.weight", classes, channels),
                     net.weight("fc.bias", classes)], "scores", transB=1)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        net.nodes, "group_cnn",
        [value("image", TensorProto.FLOAT, [1, 1, image_size, image_size])],
        [value("scores", TensorProto.FLOAT, [1, classes])], net.initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.save(model, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--size", type=int, default=28)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--layers", type=int, default=4)
    args = parser.parse_args()
    build(args.out, args.size, args.channels, args.layers)


if __name__ == "__main__":
    main()

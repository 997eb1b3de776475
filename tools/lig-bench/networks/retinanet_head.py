#!/usr/bin/python3
"""The head of RetinaNet (Lin et al., 2017) or FCOS: one subnet on all levels.

Each subnet is four 3x3 convolutions with ReLU and a last 3x3 convolution; the
same weights serve every level of the feature pyramid.

  retinanet_head.py OUT.onnx [--levels 40,20,10,5,3] [--channels N]
                             [--layers N] [--outputs N] [--kernel 3|1]
"""
import argparse

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def build(path, levels=(40, 20, 10, 5, 3), channels=256, layers=4, outputs=36,
          kernel=3, seed=0):
    """Writes the network: level{i} [1, C, s, s] to y{i} [1, outputs, s, s]."""
    random = np.random.RandomState(seed)
    filters = [channels] * layers + [outputs]
    initializers, nodes = [], []
    for layer, count in enumerate(filters):
        fan = channels * kernel * kernel
        weight = random.standard_normal((count, channels, kernel, kernel))
        initializers += [
            numpy_helper.from_array((weight / np.sqrt(fan)).astype(np.float32),
                                    f"conv{layer}.weight"),
            numpy_helper.from_array(
                random.standard_normal(count).astype(np.float32) / 10,
                f"conv{layer}.bias")]
    for level in range(len(levels)):
        x = f"level{level}"
        for layer in range(layers + 1):
            isLast = layer == layers
            y = f"y{level}" if isLast else f"level{level}.conv{layer}"
            nodes.append(helper.make_node(
                "Conv", [x, f"conv{layer}.weight", f"conv{layer}.bias"], [y],
                pads=[kernel // 2] * 4))
            if not isLast:
                x = f"{y}.relu"
                nodes.append(helper.make_node("Relu", [y], [x]))
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "retinanet_head",
        [value(f"level{i}", TensorProto.FLOAT, [1, channels, s, s])
         for i, s in enumerate(levels)],
        [value(f"y{i}", TensorProto.FLOAT, [1, outputs, s, s])
         for i, s in enumerate(levels)], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 7
    onnx.save(model, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out")
    parser.add_argument("--levels", default="40,20,10,5,3")
    parser.add_argument("--channels", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--outputs", type=int, default=36)
    parser.add_argument("--kernel", type=int, default=3)
    args = parser.parse_args()
    build(args.out, [int(s) for s in args.levels.split(",")], args.channels,
          args.layers, args.outputs, args.kernel)


if __name__ == "__main__":
    main()

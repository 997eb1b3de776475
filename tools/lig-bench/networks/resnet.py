#!/usr/bin/python3
"""ResNet-18 (He et al., 2016), batch normalisation folded as exporters fold it.

  resnet.py OUT.onnx [--batch N] [--size N] [--width N] [--blocks 2,2,2,2]
"""
import argparse

from graph import Graph


def block(g, x, name, c_in, c_out, stride):
    y = g.relu(g.conv(x, f"{name}.conv1", c_in, c_out, 3, stride))
    y = g.conv(y, f"{name}.conv2", c_out, c_out, 3)
    if stride != 1 or c_in != c_out:
        x = g.conv(x, f"{name}.downsample", c_in, c_out, 1, stride)
    return g.relu(g.add("Add", [y, x]))


def build(path, batch=1, size=224, width=64, blocks=(2, 2, 2, 2)):
    g = Graph("resnet")
    x = g.input("image", batch, 3, size, size)
    x = g.max_pool(g.relu(g.conv(x, "conv1", 3, width, 7, 2, 3)), 3, 2, 1)
    channels = width
    for stage, count in enumerate(blocks):
        for index in range(count):
            stride = 2 if stage and not index else 1
            x = block(g, x, f"layer{stage + 1}.{index}", channels, width << stage, stride)
            channels = width << stage
    x = g.add("Flatten", [g.add("GlobalAveragePool", [x])], axis=1)
    g.add("Identity", [g.gemm(x, "fc", channels, 1000)], "scores")
    g.output("scores", batch, 1000)
    g.save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--blocks", default="2,2,2,2")
    o = parser.parse_args()
    build(o.out, o.batch, o.size, o.width, [int(b) for b in o.blocks.split(",")])

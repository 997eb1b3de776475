#!/usr/bin/python3
"""A small U-Net (Ronneberger et al., 2015): padded 3x3 convolutions, max pools,
transposed convolutions on the way up, skips by concatenation.

  unet.py OUT.onnx [--size N] [--width N] [--depth N]
"""
import argparse

from graph import Graph


def double_conv(g, x, name, c_in, c_out):
    x = g.relu(g.conv(x, f"{name}.0", c_in, c_out, 3))
    return g.relu(g.conv(x, f"{name}.1", c_out, c_out, 3))


def build(path, size=128, width=16, depth=4):
    g = Graph("unet")
    x = g.input("image", 1, 3, size, size)
    skips, channels = [], 3
    for level in range(depth):
        x = double_conv(g, x, f"down{level}", channels, width << level)
        channels = width << level
        skips.append((x, channels))
        x = g.max_pool(x, 2, 2)
    x = double_conv(g, x, "bottom", channels, 2 * channels)
    for skip, channels in reversed(skips):
        name = f"up{channels}"
        x = g.add("ConvTranspose",
                  [x, g.weight(f"{name}.weight", 2 * channels, channels, 2, 2,
                               fan=2 * channels), g.weight(f"{name}.bias", channels)],
                  kernel_shape=[2, 2], strides=[2, 2], pads=[0] * 4)
        x = g.add("Concat", [skip, x], axis=1)
        x = double_conv(g, x, name, 2 * channels, channels)
    g.add("Identity", [g.conv(x, "out", width, 2, 1)], "mask")
    g.output("mask", 1, 2, size, size)
    g.save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    for name, value in (("size", 128), ("width", 16), ("depth", 4)):
        parser.add_argument(f"--{name}", type=int, default=value)
    o = parser.parse_args()
    build(o.out, o.size, o.width, o.depth)

#!/usr/bin/python3
"""Layers whose weights are parameters, on several machines, beside NumPy.

Every case is a network of a few layers with its weights in the file: weights
are packed, tiles have rests in every direction, weights are shared by layers
that want the same order or different ones. References are computed in float64
from the ONNX specification. Prints what lig-run says of each case; the cases
run once for every CPU named; `emulate` stands for a GPU's kernels.

  layers.py LIG_RUN OUT [--filter=TEXT] CPU...
"""
import argparse
import pathlib
import subprocess
import sys

import numpy as np
from onnx import helper

import machines
from suite import write_case


class Network:
    """A graph and, beside it, the values of its tensors in float64."""

    def __init__(self, name):
        self.name, self.nodes, self.weights = name, [], {}
        self.inputs, self.values = {}, {}
        self.random = np.random.default_rng(list(name.encode()))

    def input(self, name, *shape):
        self.inputs[name] = self.random.uniform(-1, 1, shape).astype("f4")
        self.values[name] = self.inputs[name].astype("f8")
        return name

    def weight(self, name, *shape):
        if name not in self.weights:
            scale = (shape[0] if len(shape) < 3 else np.prod(shape[1:])) ** -0.5
            value = (self.random.standard_normal(shape) * scale).astype("f4")
            self.weights[name] = value
            self.values[name] = value.astype("f8")
        return name

    def node(self, kind, operands, value, **attributes):
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, operands, [name], **attributes))
        self.values[name] = value
        return name

    def matmul(self, x, w):
        return self.node("MatMul", [x, w], self.values[x] @ self.values[w])

    def transpose(self, x):
        return self.node("Transpose", [x], self.values[x].T, perm=[1, 0])

    def gemm(self, x, w, bias, transposed=0):
        right = self.values[w].T if transposed else self.values[w]
        return self.node("Gemm", [x, w, bias],
                         self.values[x] @ right + self.values[bias], transB=transposed)

    def activation(self, kind, x):
        function = {"Relu": lambda v: np.maximum(v, 0), "Tanh": np.tanh,
                    "Sigmoid": lambda v: 1 / (1 + np.exp(-v))}[kind]
        return self.node(kind, [x], function(self.values[x]))

    def softmax(self, kind, x, axis):
        powers = np.exp(self.values[x] - self.values[x].max(axis, keepdims=True))
        value = powers / powers.sum(axis, keepdims=True)
        return self.node(kind, [x], np.log(value) if kind == "LogSoftmax" else value,
                         axis=axis)

    def standardize(self, x, axes):
        """Mean 0 and variance 1 along `axes`, as exporters write it out."""
        value = self.values[x]
        centred = self.node("Sub", [x, self.mean(x, axes)],
                            value - value.mean(axes, keepdims=True))
        square = self.mul(centred, centred)
        deviation = self.node("Sqrt", [self.mean(square, axes)],
                              np.sqrt(self.values[square].mean(axes, keepdims=True)))
        return self.node("Div", [centred, deviation],
                         self.values[centred] / self.values[deviation])

    def mean(self, x, axes):
        return self.node("ReduceMean", [x], self.values[x].mean(axes, keepdims=True),
                         axes=list(axes))

    def instance_norm(self, x, scale, bias):
        axes = tuple(range(2, self.values[x].ndim))
        value = self.values[x] - self.values[x].mean(axes, keepdims=True)
        value /= np.sqrt((value ** 2).mean(axes, keepdims=True) + 1e-5)
        channel = (-1, *[1] * len(axes))
        return self.node("InstanceNormalization", [x, scale, bias],
                         value * self.values[scale].reshape(channel)
                         + self.values[bias].reshape(channel))

    def add(self, x, y):
        return self.node("Add", [x, y], self.values[x] + self.values[y])

    def mul(self, x, y):
        return self.node("Mul", [x, y], self.values[x] * self.values[y])

    def conv(self, x, w, bias=None, pads=(0, 0, 0, 0), strides=(1, 1),
             dilations=(1, 1), group=1):
        value = convolve(self.values[x], self.values[w], pads, strides, dilations, group)
        if bias:
            value = value + self.values[bias][:, None, None]
        return self.node("Conv", [x, w] + ([bias] if bias else []), value,
                         kernel_shape=self.values[w].shape[2:], pads=list(pads),
                         strides=list(strides), dilations=list(dilations), group=group)

    def conv_transpose(self, x, w, pads, strides, dilations=(1, 1), group=1,
                       output_padding=(0, 0), bias=None):
        value = spread(self.values[x], self.values[w], pads, strides, dilations, group,
                       output_padding)
        if bias:
            value = value + self.values[bias][:, None, None]
        return self.node("ConvTranspose", [x, w] + ([bias] if bias else []), value,
                         pads=list(pads),
                         kernel_shape=self.values[w].shape[2:], strides=list(strides),
                         dilations=list(dilations), group=group,
                         output_padding=list(output_padding))

    def pool(self, kind, x, kernel, pads, strides):
        average = kind == "AveragePool"
        value = self.values[x]
        taps = slide(value, kernel, pads, strides, fill=0 if average else -np.inf)
        result = taps.sum((4, 5)) if average else taps.max((4, 5))
        if average:
            result /= slide(np.ones_like(value), kernel, pads, strides).sum((4, 5))
        return self.node(kind, [x], result, kernel_shape=kernel, pads=list(pads),
                         strides=list(strides))

    def concat(self, *parts):
        return self.node("Concat", parts, np.concatenate([self.values[p] for p in parts], 1),
                         axis=1)

    def save(self, folder, *outputs):
        write_case(folder / self.name, self.nodes, self.inputs,
                   {n: self.values[n].astype("f4") for n in outputs},
                   weights=self.weights)


def slide(x, kernel, pads, strides, dilations=(1, 1), fill=0):
    x = np.pad(x, ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])),
               constant_values=fill)
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    windows = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(2, 3))
    return windows[:, :, ::strides[0], ::strides[1], ::dilations[0], ::dilations[1]]


def convolve(x, w, pads, strides, dilations, group):
    windows = slide(x, w.shape[2:], pads, strides, dilations)
    n, c, h, wd = windows.shape[:4]
    windows = windows.reshape(n, group, c // group, h, wd, *w.shape[2:])
    filters = w.reshape(group, -1, *w.shape[1:])
    return np.einsum("ngchwab,gfcab->ngfhw", windows, filters,
                     optimize=True).reshape(n, -1, h, wd)


def spread(x, w, pads, strides, dilations, group, output_padding):
    n, c, h, wd = x.shape
    filters = w.reshape(group, c // group, *w.shape[1:])
    size = [(s - 1) * t + (k - 1) * d + 1 + o for s, t, k, d, o in
            zip((h, wd), strides, w.shape[2:], dilations, output_padding)]
    out = np.zeros((n, group, w.shape[1], *size))
    for a in range(w.shape[2]):
        for b in range(w.shape[3]):
            part = np.einsum("ngchw,gcf->ngfhw", x.reshape(n, group, -1, h, wd),
                             filters[..., a, b])
            top, left = a * dilations[0], b * dilations[1]
            out[..., top:top + (h - 1) * strides[0] + 1:strides[0],
                left:left + (wd - 1) * strides[1] + 1:strides[1]] += part
    out = out.reshape(n, -1, *size)
    return out[:, :, pads[0]:size[0] - pads[2], pads[1]:size[1] - pads[3]]


def products(folder):
    shapes = [(1, 40, 64), (1, 300, 7), (1, 33, 9), (2, 64, 130), (3, 17, 48), (4, 5, 24),
              (5, 100, 75), (7, 31, 16), (8, 48, 48), (9, 9, 100), (12, 64, 33), (14, 7, 65),
              (16, 128, 10), (17, 50, 200), (29, 3, 97), (64, 20, 8), (50, 257, 1)]
    for m, k, n in shapes:
        for transposed in (0, 1):
            net = Network(f"gemm_{m}_{k}_{n}_{transposed}")
            w = net.weight("w", *((n, k) if transposed else (k, n)))
            y = net.gemm(net.input("x", m, k), w, net.weight("b", n), transposed)
            net.save(folder, net.activation("Relu", y), y)
    # One weight and readers of different heights; ties that are turned around.
    for m in (1, 6, 33):
        net = Network(f"shared_{m}")
        x = net.input("x", m, 70)
        row = net.input("row", 1, 70)
        net.save(folder, net.matmul(x, net.weight("w", 70, 90)), net.matmul(row, "w"))
        net = Network(f"tied_{m}")
        code = net.activation("Tanh", net.matmul(net.input("x", m, 70),
                                                 net.weight("w", 70, 90)))
        net.save(folder, net.matmul(code, net.transpose("w")))
        net = Network(f"square_{m}")
        y = net.input("x", m, 40)
        for _ in range(3):
            y = net.activation("Tanh", net.gemm(y, net.weight("w", 40, 40),
                                                net.weight("b", 40)))
        net.save(folder, y)
    net = Network("batch")
    net.save(folder, net.matmul(net.input("x", 3, 9, 20), net.weight("w", 3, 20, 37)))


def convolutions(folder):
    # n, channels, size, filters, kernel, pads, strides, dilations, group
    table = [
        (1, 3, (15, 15), 20, (7, 7), (3, 3, 3, 3), (2, 2), (1, 1), 1),
        (2, 8, (9, 11), 33, (3, 3), (1, 1, 1, 1), (1, 1), (1, 1), 1),
        (1, 16, (12, 12), 64, (3, 3), (1, 1, 1, 1), (2, 2), (1, 1), 1),
        (1, 20, (7, 7), 48, (3, 3), (2, 2, 2, 2), (1, 1), (2, 2), 1),
        (1, 40, (10, 6), 24, (1, 1), (0, 0, 0, 0), (1, 1), (1, 1), 1),
        (1, 40, (9, 9), 10, (1, 1), (0, 0, 0, 0), (2, 2), (1, 1), 1),
        (1, 24, (8, 8), 48, (3, 3), (1, 1, 1, 1), (1, 1), (1, 1), 3),
        (1, 32, (8, 9), 32, (3, 3), (1, 1, 1, 1), (1, 1), (1, 1), 8),
        (1, 40, (13, 10), 40, (3, 3), (1, 1, 1, 1), (1, 1), (1, 1), 40),
        (1, 35, (14, 14), 35, (3, 3), (1, 0, 1, 2), (2, 2), (1, 1), 35),
        (1, 16, (9, 9), 16, (5, 5), (2, 2, 2, 2), (1, 1), (1, 1), 16),
        (1, 16, (12, 12), 32, (3, 3), (1, 1, 1, 1), (1, 1), (1, 1), 16),
        (1, 5, (4, 40), 7, (1, 5), (0, 2, 0, 2), (1, 3), (1, 1), 1),
        (1, 64, (5, 5), 96, (3, 3), (0, 0, 0, 0), (1, 1), (1, 1), 1),
        (1, 12, (6, 6), 2, (3, 3), (1, 1, 1, 1), (1, 1), (1, 1), 1),
        (2, 35, (6, 9), 3, (3, 3), (1, 1, 1, 1), (2, 1), (1, 1), 1),
        (1, 96, (7, 7), 15, (3, 3), (1, 1, 1, 1), (1, 1), (1, 1), 3),
    ]
    for i, (n, c, size, f, kernel, pads, strides, dilations, group) in enumerate(table):
        net = Network(f"conv_{i}")
        y = net.conv(net.input("x", n, c, *size), net.weight("w", f, c // group, *kernel),
                     net.weight("b", f), pads, strides, dilations, group)
        net.save(folder, net.activation(("Relu", "Sigmoid", "Tanh")[i % 3], y))
    winograd(folder)
    channels_first(folder)
    skips(folder)
    # A block with a skip, one filter applied again, and SiLU.
    net = Network("residual")
    x = net.input("x", 1, 24, 10, 10)
    y = x
    for _ in range(2):
        z = net.conv(y, net.weight("w", 24, 24, 3, 3), net.weight("b", 24), (1, 1, 1, 1))
        y = net.activation("Relu", net.add(z, y))
    gate = net.conv(y, net.weight("v", 24, 24, 1, 1))
    net.save(folder, net.mul(gate, net.activation("Sigmoid", gate)))
    for i, (c, f, size, kernel, pads, strides, dilations, group, extra) in enumerate([
            (16, 24, (6, 5), (4, 4), (1, 1, 1, 1), (2, 2), (1, 1), 1, (0, 0)),
            (8, 10, (5, 5), (3, 3), (1, 1, 1, 1), (2, 2), (1, 1), 1, (1, 1)),
            (8, 6, (5, 7), (2, 2), (0, 0, 0, 0), (2, 2), (1, 1), 2, (0, 0)),
            (4, 5, (4, 4), (3, 3), (0, 1, 1, 0), (1, 1), (2, 2), 1, (0, 0)),
            (4, 3, (4, 5), (5, 3), (1, 0, 0, 1), (3, 2), (1, 1), 1, (2, 1)),
            # Phases without a tap, or with one of two.
            (6, 4, (3, 3), (2, 2), (0, 0, 0, 0), (3, 3), (1, 1), 1, (0, 0)),
            (16, 20, (5, 6), (3, 3), (1, 1, 1, 1), (2, 2), (1, 1), 1, (1, 1)),
            # Steps and distances with and without a common factor.
            (8, 16, (5, 6), (3, 3), (1, 1, 1, 1), (2, 2), (2, 2), 1, (0, 0)),
            (8, 16, (4, 6), (4, 3), (2, 1, 0, 1), (4, 6), (2, 4), 1, (1, 0)),
            (8, 16, (6, 5), (5, 3), (2, 2, 2, 2), (2, 3), (3, 2), 1, (0, 2)),
            # Pads beyond the filter; one output of a phase; a line of samples.
            (8, 16, (6, 7), (2, 3), (3, 4, 2, 3), (2, 2), (1, 1), 1, (0, 0)),
            (8, 16, (1, 2), (3, 3), (1, 1, 1, 1), (2, 2), (1, 1), 1, (0, 0)),
            (12, 24, (1, 9), (1, 16), (0, 4, 0, 4), (1, 8), (1, 1), 1, (0, 0)),
            # Every channel for itself; groups; filters that do not overlap.
            (20, 20, (5, 4), (4, 4), (1, 1, 1, 1), (2, 2), (1, 1), 20, (0, 0)),
            (20, 20, (5, 4), (2, 2), (0, 0, 0, 0), (2, 2), (1, 1), 20, (0, 0)),
            (32, 48, (5, 4), (3, 3), (1, 0, 0, 1), (2, 2), (1, 1), 2, (0, 0)),
            (24, 32, (5, 6), (2, 3), (0, 0, 0, 0), (2, 3), (1, 1), 1, (0, 0)),
            # More phases than are written out.
            (4, 20, (3, 3), (8, 9), (1, 2, 1, 2), (7, 6), (1, 1), 1, (0, 1))]):
        net = Network(f"transposed_{i}")
        y = net.conv_transpose(
            net.input("x", 1 + i % 2, c, *size), net.weight("w", c, f // group, *kernel),
            pads, strides, dilations, group, extra, net.weight("b", f))
        net.save(folder, net.activation("Relu", y) if i % 2 else y)
    # A decoder that is its encoder transposed, also where filters do not overlap.
    for kernel, pads, extra in ((3, (1, 1, 1, 1), (1, 1)), (2, (0, 0, 0, 0), (0, 0))):
        net = Network(f"transposed_tied_{kernel}")
        code = net.conv(net.input("x", 1, 16, 10, 10), net.weight("w", 32, 16, kernel, kernel),
                        None, pads, (2, 2))
        net.save(folder, net.conv_transpose(net.activation("Relu", code), "w", pads, (2, 2),
                                            output_padding=extra))


def skips(folder):
    """As in a U-Net: padded filters over what was kept beside what is upsampled, in
    either order; the last of three levels has a part that is read again at the end."""
    for size, up_first, taps in ((8, False, 2), (12, True, 2), (12, False, 4)):
        net = Network(f"skips_{size}_{up_first}_{taps}")

        def conv(x, name, filters, channels, net=net):
            y = net.conv(x, net.weight(name, filters, channels, 3, 3),
                         net.weight(name + "b", filters), (1, 1, 1, 1))
            return net.activation("Relu", y)

        def up(x, name, channels, net=net, taps=taps):
            return net.conv_transpose(
                x, net.weight(name, 2 * channels, channels, taps, taps),
                (taps // 2 - 1,) * 4, (2, 2), bias=net.weight(name + "b", channels))

        kept, x, channels = [], net.input("x", 1, 3, size, size), 3
        for level in range(2):
            x = conv(x, f"down{level}", 12 << level, channels)
            channels = 12 << level
            kept.append((x, channels))
            x = net.pool("MaxPool", x, (2, 2), (0, 0, 0, 0), (2, 2))
        x = conv(x, "bottom", 2 * channels, channels)
        for skip, channels in reversed(kept):
            parts = [skip, up(x, f"up{channels}", channels)]
            x = net.concat(*(parts[::-1] if up_first else parts))
            x = conv(x, f"join{channels}", channels, 2 * channels)
        net.save(folder, net.add(x, kept[0][0]))


def channels_first(folder):
    """Layers alone, whose rows fill vectors: they keep the model's order."""
    one = (1, 1, 1, 1)
    for i, (n, c, size, kernel, pads, strides, dilations) in enumerate([
            (1, 6, (20, 23), (3, 3), one, (1, 1), (1, 1)),
            (2, 5, (31, 37), (3, 3), one, (2, 2), (1, 1)),
            (1, 4, (9, 64), (5, 5), (2, 2, 2, 2), (1, 1), (1, 1)),
            (1, 3, (12, 67), (3, 5), (1, 0, 2, 1), (1, 2), (1, 1)),
            (1, 4, (20, 30), (3, 3), (2, 2, 2, 2), (1, 1), (2, 2)),
            (1, 4, (21, 50), (7, 7), (3, 3, 3, 3), (1, 2), (1, 1)),
            (1, 4, (30, 35), (2, 2), (0, 0, 0, 0), (2, 2), (1, 1)),
            (3, 40, (18, 18), (3, 3), one, (1, 1), (1, 1)),
            # Rows so long that edges are cut off instead of padded.
            (1, 2, (9, 256), (3, 3), one, (1, 1), (1, 1)),
            (2, 3, (20, 301), (3, 3), (0, 1, 2, 0), (2, 2), (1, 1)),
            (1, 2, (7, 400), (2, 3), (1, 1, 0, 1), (1, 1), (1, 1))]):
        net = Network(f"first_windows_{i}")
        y = net.conv(net.input("x", n, c, *size), net.weight("w", c, 1, *kernel),
                     net.weight("b", c), pads, strides, dilations, c)
        net.save(folder, net.activation(("Relu", "Tanh")[i % 2], y))
    for i, (kind, size, kernel, pads, strides) in enumerate([
            ("MaxPool", (19, 27), (3, 3), one, (2, 2)),
            ("MaxPool", (21, 20), (5, 5), (2, 2, 2, 2), (1, 1)),
            ("AveragePool", (18, 36), (2, 2), (0, 0, 0, 0), (2, 2)),
            ("AveragePool", (9, 17), (3, 3), one, (1, 1)),
            ("MaxPool", (16, 40), (2, 7), (0, 3, 0, 3), (2, 3)),
            ("MaxPool", (24, 22), (9, 13), (4, 6, 4, 6), (1, 1)),
            ("MaxPool", (23, 40), (7, 1), (3, 0, 3, 0), (3, 1)),
            ("MaxPool", (13, 260), (3, 3), one, (2, 2)),
            ("AveragePool", (8, 270), (3, 3), one, (1, 1))]):
        net = Network(f"first_pool_{i}")
        net.save(folder, net.pool(kind, net.input("x", 1, 12, *size), kernel, pads, strides))
    for c, f, size in ((24, 40, (9, 11)), (16, 3, (20, 20)), (130, 65, (6, 16))):
        net = Network(f"first_product_{c}_{f}")
        y = net.conv(net.input("x", 1, c, *size), net.weight("w", f, c, 1, 1),
                     net.weight("b", f))
        net.save(folder, net.activation("Relu", y))
    # Filters that another layer reads too; a result that is read both ways.
    net = Network("first_shared")
    x = net.input("x", 1, 24, 9, 11)
    y = net.conv(x, net.weight("w", 24, 24, 1, 1))
    net.save(folder, y, net.conv(net.activation("Relu", y), "w"))


def winograd(folder):
    """Three by three taps: edges that cut tiles, blocks, images, skips, loops."""
    one = (1, 1, 1, 1)
    for i, (n, c, size, f, pads) in enumerate([
            (1, 16, (16, 16), 32, one), (1, 32, (14, 13), 16, one),
            (1, 16, (9, 30), 48, (0, 0, 0, 0)), (2, 48, (17, 12), 80, one),
            (1, 64, (40, 56), 64, one), (1, 16, (8, 11), 16, (2, 1, 0, 2)),
            # Small ones: two by two outputs at a time.
            (1, 64, (6, 6), 64, one), (2, 96, (7, 7), 48, one), (1, 64, (7, 2), 64, one)]):
        net = Network(f"winograd_{i}")
        y = net.conv(net.input("x", n, c, *size), net.weight("w", f, c, 3, 3),
                     net.weight("b", f), pads)
        net.save(folder, net.activation(("Relu", "Sigmoid")[i % 2], y), y)
    # Groups: whole vectors of channels and filters in each; bias, skip, images.
    for i, (n, c, size, f, group) in enumerate([
            (1, 32, (16, 16), 32, 2), (2, 64, (13, 18), 192, 4), (1, 96, (9, 20), 48, 3)]):
        net = Network(f"winograd_grouped_{i}")
        x = net.input("x", n, c, *size)
        y = net.conv(x, net.weight("w", f, c // group, 3, 3), net.weight("b", f), one,
                     group=group)
        y = net.activation("Relu", net.add(y, x) if c == f else y)
        net.save(folder, y)
    # One filter on two sizes, and many filters in a loop of layers.
    net = Network("winograd_shared")
    large = net.conv(net.input("x", 1, 32, 20, 20), net.weight("w", 32, 32, 3, 3), None, one)
    small = net.conv(net.input("z", 1, 32, 12, 10), "w", None, one)
    net.save(folder, large, small)
    net = Network("winograd_layers")
    y = net.input("x", 1, 32, 18, 18)
    for i in range(6):
        z = net.conv(y, net.weight(f"w{i}", 32, 32, 3, 3), net.weight(f"b{i}", 32), one)
        y = net.add(net.activation("Relu", z), y)
    net.save(folder, y)
    net = Network("layers")
    y = net.input("x", 5, 72)
    for i in range(6):
        y = net.activation("Tanh", net.gemm(y, net.weight(f"w{i}", 72, 72),
                                            net.weight(f"b{i}", 72), i // 6))
    net.save(folder, y)


def rows(folder):
    """Kernels that take rows one after another: few, many, odd, along any axis."""
    for shape, axis in [((1, 7), 1), ((300, 16), 1), ((129, 97), 1), ((37, 1000), 1),
                        ((3, 12, 50, 50), 3), ((5, 4099), 1), ((40, 70, 33), 1),
                        ((130, 64), 0), ((6, 20, 20, 20), 1), ((2, 2000, 3), 1)]:
        name = "x".join(map(str, shape))
        for kind in ("Softmax", "LogSoftmax"):
            net = Network(f"{kind.lower()}_{name}_{axis}")
            net.save(folder, net.softmax(kind, net.input("x", *shape), axis))
        net = Network(f"standardize_{name}_{axis}")
        x = net.input("x", *shape)
        z = net.add(x, net.input("z", *shape))
        net.save(folder, net.standardize(z, (axis,)), z)
    net = Network("standardize_two_axes")
    net.save(folder, net.standardize(net.input("x", 9, 21, 4, 50), (1, 3)))
    for shape in ((3, 20, 14, 15), (1, 6, 4000)):
        net = Network("instance_norm_" + "x".join(map(str, shape)))
        net.save(folder, net.instance_norm(net.input("x", *shape),
                                           net.weight("s", shape[1]),
                                           net.weight("b", shape[1])))
    # A row that another kernel reads as a column, and softmax of its own result.
    net = Network("rows_and_columns")
    x = net.softmax("Softmax", net.input("x", 90, 90), 1)
    turned = net.softmax("Softmax", net.add(net.transpose(x), x), 1)
    net.save(folder, net.softmax("Softmax", turned, 0), turned)
    # Attention as exporters write it.
    for heads, rows, keys, size in ((3, 33, 40, 16), (12, 64, 64, 64), (2, 200, 130, 24)):
        net = Network(f"attention_{heads}_{rows}_{keys}_{size}")
        scores = net.matmul(net.input("q", heads, rows, size),
                            net.input("k", heads, size, keys))
        scores = net.add(net.mul(scores, net.weight("scale", 1)),
                         net.input("mask", rows, keys))
        net.save(folder, net.matmul(net.softmax("Softmax", scores, 2),
                                    net.input("v", heads, keys, size)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--filter", default="")
    parser.add_argument("cpus", nargs="+")
    options = parser.parse_args()
    products(options.out)
    convolutions(options.out)
    rows(options.out)
    lines = [f"{folder}/model.onnx --test-data={folder} {machines.option(cpu)}"
             for cpu in options.cpus for folder in sorted(options.out.glob("*/"))
             if options.filter in folder.name]
    # Each transform where the cost model would take the other.
    lines += [f"{line} --winograd={form}" for line in lines
              if "/winograd_" in line and line.endswith(options.cpus[-1])
              for form in ("f2", "f4")]
    batch = options.out / "commands.txt"
    batch.write_text("\n".join(lines) + "\n")
    result = subprocess.run([options.run, f"--batch={batch}"], text=True,
                            stdout=subprocess.PIPE)
    verdicts = result.stdout.splitlines()
    passed = sum(line.startswith("PASS") for line in verdicts)
    print("\n".join(line for line in verdicts if not line.startswith("PASS")))
    print(f"{passed} of {len(lines)} right")
    sys.exit(passed != len(lines))


if __name__ == "__main__":
    main()

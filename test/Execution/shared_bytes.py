#!/usr/bin/python3
"""Follows tied weights through every phase and counts the bytes that are stored.

Each network below ties weights in another way. It is compiled to every phase,
where the parameters may need no more bytes than the network's own ones and
SLACK, and to a library, which is run. Its twin, in which share-untie gave every
use a copy, and NumPy must give the same results. One line a network.

  shared_bytes.py BIN OUT [NAME...]
"""
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np

PHASES = ["import", "share", "net", "kernel", "memory"]
# Per network: results of at most 256 bytes may be packed beside what they were
# made of, a panel is filled up to whole vectors, and constants are parameters.
SLACK = 512
TOLERANCE = 1e-5
# Networks whose arena has no room for a weight: nothing computes one there.
ARENA = {"base_and_deltas": 2048, "quantisation_scales": 2048, "scaled_copies": 2048, "codebook": 2048, "concatenated": 2560,
         "concatenated_rows": 2048, "quantised": 4096}
RANDOM = np.random.default_rng(5)


def random(*shape):
    return RANDOM.uniform(-1, 1, shape).astype(np.float32)


def tensor(array):
    kinds = {"float32": "f32", "int32": "i32", "int8": "i8"}
    return "tensor<" + "".join(f"{n}x" for n in array.shape) + kinds[array.dtype.name] + ">"


def f32(*shape):
    return "tensor<" + "".join(f"{n}x" for n in shape) + "f32>"


class Net:
    """Text of a network under construction; values are (name, shape)."""

    def __init__(self, **weights):
        self.weights = weights
        self.views = []
        self.lines = []
        self.count = 0

    def name(self):
        self.count += 1
        return f"%v{self.count}"

    def add(self, shape, text):
        name = self.name()
        self.lines.append(f"{name} = {text}")
        return name, tuple(shape)

    def get(self, symbol, shape, kind="f32"):
        return self.add(shape, f"share.get @{symbol} : " + f32(*shape).replace("f32", kind))

    def empty(self, shape):
        return self.add(shape, f"tensor.empty() : {f32(*shape)}")[0]

    def zeros(self, shape):
        zero = self.add((), "arith.constant 0.0 : f32")[0]
        room = self.empty(shape)
        return self.add(shape, f"linalg.fill ins({zero} : f32) outs({room} : {f32(*shape)}) -> {f32(*shape)}")

    def transpose(self, value, permutation=(1, 0)):
        name, shape = value
        result = [shape[i] for i in permutation]
        return self.add(result, f"linalg.transpose ins({name} : {f32(*shape)}) outs({self.empty(result)} : "
                        f"{f32(*result)}) permutation = {list(permutation)}")

    def slice(self, value, offsets, sizes, strides=None):
        name, shape = value
        strides = strides or [1] * len(shape)
        return self.add(sizes, f"tensor.extract_slice {name}{offsets} {sizes} {strides} : {f32(*shape)} to {f32(*sizes)}")

    def concat(self, values, dim):
        shape = list(values[0][1])
        shape[dim] = sum(v[1][dim] for v in values)
        types = ", ".join(f32(*v[1]) for v in values)
        return self.add(shape, f"tensor.concat dim({dim}) {', '.join(v[0] for v in values)} : ({types}) -> {f32(*shape)}")

    def map(self, values, body, shape=None, maps=None):
        """Elementwise over `shape`; `body` uses %a, %b, ... and yields %r."""
        shape = shape or values[0][1]
        dims = ", ".join(f"d{i}" for i in range(len(shape)))
        same = f"({dims})"
        maps = [f"affine_map<({dims}) -> {m or same}>" for m in (maps or [None] * len(values)) + [None]]
        kinds = ", ".join(['"parallel"'] * len(shape))
        ins = ", ".join(v[0] for v in values)
        types = ", ".join(f32(*v[1]) if len(v) == 2 else v[2] for v in values)
        ins = f" ins({ins} : {types})" if values else ""
        element = lambda v: (f32(*v[1]) if len(v) == 2 else v[2]).split("x")[-1].rstrip(">")
        arguments = "".join(f"%{'abcdefg'[i]}: {element(v)}, " for i, v in enumerate(values))
        return self.add(shape, f"linalg.generic {{indexing_maps = [{', '.join(maps)}], iterator_types = [{kinds}]}}{ins} "
                        f"outs({self.empty(shape)} : {f32(*shape)}) {{\n^bb0({arguments}%out: f32):\n{body}\n"
                        f"linalg.yield %r : f32\n}} -> {f32(*shape)}")

    def reverse(self, value, dims):
        at = ", ".join(f"{n - 1} - d{i}" if i in dims else f"d{i}" for i, n in enumerate(value[1]))
        return self.move(value, f"({at})")

    def move(self, value, at):
        """A copy through an affine map."""
        name, shape = value
        dims = ", ".join(f"d{i}" for i in range(len(shape)))
        kinds = ", ".join(['"parallel"'] * len(shape))
        return self.add(shape, f"linalg.generic {{indexing_maps = [affine_map<({dims}) -> {at}>, affine_map<({dims}) -> ({dims})>], "
                        f"iterator_types = [{kinds}]}} ins({name} : {f32(*shape)}) outs({self.empty(shape)} : {f32(*shape)}) "
                        f"{{\n^bb0(%a: f32, %out: f32):\nlinalg.yield %a : f32\n}} -> {f32(*shape)}")

    def scale(self, value, factor):
        return self.map([value], f"%c = arith.constant {factor} : f32\n%r = arith.mulf %a, %c : f32")

    def plus(self, x, y):
        return self.map([x, y], "%r = arith.addf %a, %b : f32")

    def relu(self, x):
        return self.map([x], "%z = arith.constant 0.0 : f32\n%r = arith.maximumf %a, %z : f32")

    def matmul(self, x, w):
        shape = (x[1][0], w[1][1])
        start = self.zeros(shape)
        return self.add(shape, f"linalg.matmul ins({x[0]}, {w[0]} : {f32(*x[1])}, {f32(*w[1])}) "
                        f"outs({start[0]} : {f32(*shape)}) -> {f32(*shape)}")

    def conv(self, x, w, stride=1, dilation=1, pad=0):
        n, c, h, wide = x[1]
        f, _, k, _ = w[1]
        out = [(e + 2 * pad - (k - 1) * dilation - 1) // stride + 1 for e in (h, wide)]
        shape = (n, f, *out)
        return self.add(shape, f"net.conv {x[0]}, {w[0]} strides {[stride] * 2} dilations {[dilation] * 2} "
                        f"pads {[pad] * 4} groups 1 : {f32(*x[1])}, {f32(*w[1])} -> {f32(*shape)}")

    def conv_transpose(self, x, w):
        n, c, h, wide = x[1]
        _, f, k, _ = w[1]
        shape = (n, f, h + k - 1, wide + k - 1)
        return self.add(shape, f"net.conv_transpose {x[0]}, {w[0]} strides [1, 1] dilations [1, 1] pads [0, 0, 0, 0] "
                        f"groups 1 : {f32(*x[1])}, {f32(*w[1])} -> {f32(*shape)}")

    def view(self, symbol, build):
        """A share.view whose body `build` writes."""
        outer, self.lines = self.lines, []
        name, shape = build()
        body, self.lines = self.lines, outer
        self.views.append(f"share.view @{symbol} : {f32(*shape)} {{\n" + "\n".join(body) +
                          f"\nshare.yield {name} : {f32(*shape)}\n}}")
        return shape

    def text(self, inputs, result):
        params, blobs = [], []
        for name, array in self.weights.items():
            params.append(f"share.param @{name} : {tensor(array)} = dense_resource<{name}> : {tensor(array)}")
            blobs.append(f'{name}: "0x{(4).to_bytes(4, "little").hex()}{array.tobytes().hex()}"')
        arguments = ", ".join(f'%{name}: {tensor(array)} {{net.name = "{name}"}}' for name, array in inputs.items())
        return ("module @tied {\n" + "\n".join(params + self.views) +
                f'\nfunc.func @main({arguments}) -> ({f32(*result[1])} {{net.name = "y"}}) attributes {{net.entry}} {{\n' +
                "\n".join(self.lines) + f"\nreturn {result[0]} : {f32(*result[1])}\n}}\n}}\n"
                "{-# dialect_resources: { builtin: {\n" + ",\n".join(blobs) + "\n} } #-}\n")


def conv_reference(x, w, stride=1, dilation=1, pad=0):
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    f, c, k, _ = w.shape
    h, v = ((e - (k - 1) * dilation - 1) // stride + 1 for e in x.shape[2:])
    y = np.zeros((x.shape[0], f, h, v))
    for i in range(k):
        for j in range(k):
            part = x[:, :, i * dilation:i * dilation + (h - 1) * stride + 1:stride,
                     j * dilation:j * dilation + (v - 1) * stride + 1:stride]
            y += np.einsum("nchw,fc->nfhw", part, w[:, :, i, j])
    return y


def conv_transpose_reference(x, w):
    return conv_reference(x, np.flip(w, (2, 3)).transpose(1, 0, 2, 3), pad=w.shape[2] - 1)


def autoencoder():
    w = random(40, 24)
    net = Net(w=w)
    net.view("t", lambda: net.transpose(net.get("w", (40, 24))))
    x = random(5, 40)
    h = net.relu(net.matmul(("%x", x.shape), net.get("w", (40, 24))))
    y = net.matmul(h, net.get("t", (24, 40)))
    return net, {"x": x}, y, np.maximum(x @ w, 0) @ w.T


def embedding():
    w = random(50, 16)
    net = Net(w=w)
    ids = RANDOM.integers(0, 50, 7).astype(np.int32)
    table = net.get("w", (50, 16))
    rows = net.map([("%ids", ids.shape, tensor(ids))], "%i = arith.index_cast %a : i32 to index\n%j = linalg.index 1 : index\n"
                   f"%r = tensor.extract {table[0]}[%i, %j] : {f32(50, 16)}", shape=(7, 16), maps=["(d0)"])
    y = net.matmul(net.relu(rows), net.transpose(net.get("w", (50, 16))))
    return net, {"ids": ids}, y, np.maximum(w[ids], 0) @ w.T


def packed_qkv():
    w, x = random(16, 48), random(6, 16)
    net = Net(w=w)
    parts = []
    for i, name in enumerate("qkv"):
        net.view(name, lambda: net.slice(net.get("w", (16, 48)), [0, 16 * i], [16, 16]))
        parts.append(net.matmul(("%x", x.shape), net.get(name, (16, 16))))
    whole = net.matmul(("%x", x.shape), net.get("w", (16, 48)))
    y = net.plus(net.concat(parts[::-1], 1), whole)
    p = x @ w
    return net, {"x": x}, y, np.concatenate([p[:, 32:], p[:, 16:32], p[:, :16]], 1) + p


def permuted():
    """Filters whose channels are the other's filters: a permutation of axes."""
    w, x = random(8, 8, 3, 3), random(1, 8, 9, 9)
    net = Net(w=w)
    net.view("p", lambda: net.transpose(net.get("w", w.shape), (1, 0, 3, 2)))
    image = ("%x", x.shape)
    y = net.plus(net.conv(image, net.get("w", w.shape)), net.conv(image, net.get("p", w.shape)))
    return net, {"x": x}, y, conv_reference(x, w) + conv_reference(x, w.transpose(1, 0, 3, 2))


def reshaped():
    """One matrix as 24 x 32 and as 32 x 24, which is not its transpose."""
    w, x = random(24, 32), random(4, 24)
    net = Net(w=w)

    def reshape():
        name, shape = net.get("w", w.shape)
        flat = net.add((768,), f"tensor.collapse_shape {name} [[0, 1]] : {f32(24, 32)} into {f32(768)}")
        return net.add((32, 24), f"tensor.expand_shape {flat[0]} [[0, 1]] output_shape [32, 24] : {f32(768)} into {f32(32, 24)}")
    net.view("r", reshape)
    h = net.matmul(("%x", x.shape), net.get("w", w.shape))
    y = net.matmul(net.relu(h), net.get("r", (32, 24)))
    return net, {"x": x}, y, np.maximum(x @ w, 0) @ w.reshape(32, 24)


def strided_slices():
    w, x = random(32, 24), random(3, 16)
    net = Net(w=w)
    even = net.slice(net.get("w", (32, 24)), [0, 0], [16, 24], [2, 1])
    columns = net.slice(net.get("w", (32, 24)), [8, 1], [16, 8], [1, 3])
    y = net.concat([net.matmul(("%x", x.shape), even), net.matmul(("%x", x.shape), columns)], 1)
    whole = net.matmul(net.matmul(("%x", x.shape), even), net.transpose(net.get("w", (32, 24))))
    y = net.plus(y, whole)
    e = x @ w[::2]
    return net, {"x": x}, y, np.concatenate([e, x @ w[8:24, 1::3]], 1) + e @ w.T


def reversed_filters():
    w, x = random(8, 4, 3, 3), random(1, 4, 9, 9)
    net = Net(w=w)
    net.view("r", lambda: net.reverse(net.get("w", w.shape), (2, 3)))
    image = ("%x", x.shape)
    y = net.plus(net.conv(image, net.get("w", w.shape)), net.conv(image, net.get("r", w.shape)))
    return net, {"x": x}, y, conv_reference(x, w) + conv_reference(x, np.flip(w, (2, 3)))


def scaled_copies():
    w, x = random(24, 24), random(4, 24)
    net = Net(w=w)
    net.view("half", lambda: net.scale(net.get("w", w.shape), 0.5))
    net.view("third", lambda: net.scale(net.get("w", w.shape), 0.3))
    h = net.matmul(("%x", x.shape), net.get("w", w.shape))
    h = net.matmul(net.relu(h), net.get("half", w.shape))
    y = net.matmul(net.relu(h), net.get("third", w.shape))
    relu = lambda v: np.maximum(v, 0)
    return net, {"x": x}, y, relu(relu(x @ w) @ (0.5 * w)) @ (0.3 * w)


def concatenated():
    a, b, x = random(20, 16), random(20, 24), random(4, 20)
    net = Net(a=a, b=b)
    net.view("both", lambda: net.concat([net.get("a", a.shape), net.get("b", b.shape)], 1))
    image = ("%x", x.shape)
    y = net.matmul(image, net.get("both", (20, 40)))
    y = net.plus(y, net.concat([net.matmul(image, net.get("b", b.shape)), net.matmul(image, net.get("a", a.shape))], 1))
    return net, {"x": x}, y, x @ np.concatenate([a, b], 1) + np.concatenate([x @ b, x @ a], 1)


def concatenated_rows():
    """Along what is summed up, and turned."""
    a, b, x = random(16, 20), random(24, 20), random(4, 40)
    net = Net(a=a, b=b)
    net.view("both", lambda: net.concat([net.get("a", a.shape), net.get("b", b.shape)], 0))
    h = net.matmul(("%x", x.shape), net.get("both", (40, 20)))
    y = net.matmul(net.relu(h), net.transpose(net.get("both", (40, 20))))
    y = net.plus(y, net.concat([net.matmul(h, net.transpose(net.get(s, w.shape))) for s, w in (("b", b), ("a", a))], 1))
    w, h = np.concatenate([a, b]), x @ np.concatenate([a, b])
    return net, {"x": x}, y, np.maximum(h, 0) @ w.T + np.concatenate([h @ b.T, h @ a.T], 1)


def quantised():
    """Whole numbers with a zero point and a scale a row: an embedding and, turned, the layer behind it."""
    numbers, scales = RANDOM.integers(-128, 128, (50, 24)).astype(np.int8), random(50) + 2
    net = Net(numbers=numbers, scales=scales, square=RANDOM.integers(-128, 128, (24, 24)).astype(np.int8))
    decode = ("%z = arith.constant 3 : i32\n%i = arith.extsi %a : i8 to i32\n%n = arith.subi %i, %z : i32\n"
              "%f = arith.sitofp %n : i32 to f32\n")
    codes = lambda name: (*net.get(name, net.weights[name].shape, "i8"), tensor(net.weights[name]))
    net.view("w", lambda: net.map([codes("numbers"), net.get("scales", (50,))], decode + "%r = arith.mulf %f, %b : f32",
                                  shape=(50, 24), maps=[None, "(d0)"]))
    net.view("s", lambda: net.map([codes("square")], decode + "%h = arith.constant 0.01 : f32\n%r = arith.mulf %f, %h : f32",
                                  shape=(24, 24)))
    ids = RANDOM.integers(0, 50, 7).astype(np.int32)
    table = net.get("w", (50, 24))
    rows = net.map([("%ids", ids.shape, tensor(ids))], "%i = arith.index_cast %a : i32 to index\n%j = linalg.index 1 : index\n"
                   f"%r = tensor.extract {table[0]}[%i, %j] : {f32(50, 24)}", shape=(7, 24), maps=["(d0)"])
    for _ in range(2):
        rows = net.matmul(rows, net.get("s", (24, 24)))
    y = net.matmul(rows, net.transpose(net.get("w", (50, 24))))
    w, s = (numbers.astype(np.float64) - 3) * scales[:, None], (net.weights["square"].astype(np.float64) - 3) * 0.01
    return net, {"ids": ids}, y, w[ids] @ s @ s @ w.T


def base_and_deltas():
    w, x = random(32, 32), random(4, 32)
    low = {f"{s}{i}": random(*((32, 2) if s == "b" else (2, 32))) for i in range(3) for s in "ba"}
    net = Net(w=w, **low)
    value, want = ("%x", x.shape), x
    for i in range(3):
        net.view(f"w{i}", lambda: net.plus(net.get("w", w.shape), net.matmul(net.get(f"b{i}", (32, 2)), net.get(f"a{i}", (2, 32)))))
        value = net.relu(net.matmul(value, net.get(f"w{i}", w.shape)))
        want = np.maximum(want @ (w + low[f"b{i}"] @ low[f"a{i}"]), 0)
    return net, {"x": x}, value, want


def codebook():
    table, x = random(16), random(3, 40)
    index = RANDOM.integers(0, 16, (40, 24)).astype(np.int8)
    net = Net(table=table, index=index)

    def decode():
        codes = net.get("index", index.shape, "i8")
        entries = net.get("table", table.shape)
        return net.map([(*codes, tensor(index))], "%i = arith.index_cast %a : i8 to index\n"
                       f"%r = tensor.extract {entries[0]}[%i] : {f32(16)}", shape=index.shape)
    net.view("w", decode)
    y = net.matmul(net.relu(net.matmul(("%x", x.shape), net.get("w", index.shape))), net.transpose(net.get("w", index.shape)))
    w = table[index]
    return net, {"x": x}, y, np.maximum(x @ w, 0) @ w.T


def hashed():
    table, x = random(64), random(3, 40)
    net = Net(table=table)

    def decode():
        entries = net.get("table", table.shape)
        return net.map([], "%i = linalg.index 0 : index\n%j = linalg.index 1 : index\n%p = arith.constant 7919 : index\n"
                       "%q = arith.constant 104729 : index\n%n = arith.constant 64 : index\n%s = arith.muli %i, %p : index\n"
                       "%t = arith.muli %j, %q : index\n%u = arith.addi %s, %t : index\n%k = arith.remui %u, %n : index\n"
                       f"%r = tensor.extract {entries[0]}[%k] : {f32(64)}", shape=(40, 24))
    net.view("w", decode)
    y = net.matmul(("%x", x.shape), net.get("w", (40, 24)))
    i, j = np.indices((40, 24))
    return net, {"x": x}, y, x @ table[(i * 7919 + j * 104729) % 64]


def view_of_view():
    w, x = random(24, 40), random(4, 24)
    net = Net(w=w)
    net.view("part", lambda: net.slice(net.get("w", w.shape), [4, 8], [16, 24]))
    net.view("turned", lambda: net.reverse(net.get("part", (16, 24)), (0,)))
    net.view("t", lambda: net.transpose(net.get("turned", (16, 24))))
    h = net.matmul(("%x", x.shape), net.get("t", (24, 16)))
    y = net.plus(net.matmul(("%x", x.shape), net.get("w", w.shape)), net.matmul(h, net.slice(net.get("w", w.shape), [0, 0], [16, 40])))
    return net, {"x": x}, y, x @ w + x @ w[4:20, 8:32][::-1].T @ w[:16]


def batch_normalised():
    w, x = random(8, 8, 3, 3), random(1, 8, 7, 7)
    s, b = random(8), random(8)
    net = Net(w=w, s=s, b=b)
    h = net.conv(("%x", x.shape), net.get("w", w.shape), pad=1)
    h = net.map([h, net.get("s", (8,)), net.get("b", (8,))], "%p = arith.mulf %a, %b : f32\n%r = arith.addf %p, %c : f32",
                maps=[None, "(d1)", "(d1)"])
    y = net.conv(net.relu(h), net.get("w", w.shape), pad=1)
    h = conv_reference(x, w, pad=1) * s[:, None, None] + b[:, None, None]
    return net, {"x": x}, y, conv_reference(np.maximum(h, 0), w, pad=1)


def quantisation_scales():
    w, x, s, r = random(24, 24), random(4, 24), random(24), random(24)
    net = Net(w=w, s=s, r=r)
    net.view("columns", lambda: net.map([net.get("w", w.shape), net.get("s", (24,))], "%r = arith.mulf %a, %b : f32", maps=[None, "(d1)"]))
    net.view("rows", lambda: net.map([net.get("w", w.shape), net.get("r", (24,))], "%r = arith.mulf %a, %b : f32", maps=[None, "(d0)"]))
    h = net.matmul(("%x", x.shape), net.get("columns", w.shape))
    y = net.matmul(net.matmul(net.relu(h), net.get("rows", w.shape)), net.get("w", w.shape))
    return net, {"x": x}, y, np.maximum(x @ (w * s), 0) @ (w * r[:, None]) @ w


def two_convolutions():
    w, x = random(8, 8, 3, 3), random(1, 8, 9, 9)
    net = Net(w=w)
    image, filters = ("%x", x.shape), lambda: net.get("w", w.shape)
    first = net.conv(image, filters(), dilation=2, pad=2)
    second = net.conv(net.relu(first), filters(), stride=2, pad=1)
    y = net.conv_transpose(second, filters())
    h = conv_reference(np.maximum(conv_reference(x, w, dilation=2, pad=2), 0), w, stride=2, pad=1)
    return net, {"x": x}, y, conv_transpose_reference(h, w)


NETS = [autoencoder, embedding, packed_qkv, permuted, reshaped, strided_slices, reversed_filters, scaled_copies, concatenated,
        concatenated_rows, base_and_deltas, codebook, quantised, hashed, view_of_view, batch_normalised, quantisation_scales, two_convolutions]


def call(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(" ".join(command) + "\n" + done.stdout + done.stderr[:2000])
    return done.stdout


def stored(ligc, source, phase, out):
    """Bytes of parameters after `phase`, and which there are."""
    report = os.path.join(out, phase + ".json")
    text = os.path.join(out, phase + ".mlir")
    call(ligc, source, "--compile-to=" + phase, f"--sharing-report=json:{report}", "-o", text)
    with open(report) as file:
        content = json.load(file)
    return content["bytes_stored"], [f"{p['name']} {p['bytes']}" for p in content["parameters"]]


def compile_and_run(tools, source, inputs, base, *options):
    ligc, lig_run = tools
    call(ligc, source, "--params=file", "-o", base + ".so", *options)
    command = [lig_run, base + ".so", "--output", f"y=@{base}.npy"]
    for name, array in inputs.items():
        path = f"{base}.{name}.npy"
        np.save(path, array)
        command += ["--input", f"{name}=@{path}"]
    call(*command)
    return np.load(base + ".npy")


def difference(got, want):
    return np.abs(got - want).max() / np.abs(want).max()


def check(make, tools, out):
    net, inputs, result, want = make()
    os.makedirs(out)
    source = os.path.join(out, "source.mlir")
    with open(source, "w") as file:
        file.write(net.text(inputs, result))
    own = sum(w.nbytes for w in net.weights.values())
    complaints = []
    for phase in PHASES:
        count, names = stored(tools[0], source, phase, out)
        if count > own + SLACK:
            complaints.append(f"{count} bytes after the {phase} phase: {', '.join(names)}")
    with open(os.path.join(out, "memory.mlir")) as file:
        arena = int(re.search(r"net.arena_bytes = (\d+)", file.read()).group(1))
    if arena > ARENA.get(make.__name__, arena):
        complaints.append(f"an arena of {arena} bytes")
    got = compile_and_run(tools, source, inputs, os.path.join(out, "tied"))
    size = os.path.getsize(os.path.join(out, "tied.params"))
    # The header of a safetensors file and the alignment of each tensor.
    if size > own + SLACK + 4096:
        complaints.append(f"a parameter file of {size} bytes")
    twin = compile_and_run(tools, source, inputs, os.path.join(out, "twin"),
                           "--run-after=share:builtin.module(share-untie,share-drop-unread)")
    for name, other in ("NumPy", want), ("the untied twin", twin):
        if not difference(got, other) < TOLERANCE:
            complaints.append(f"{difference(got, other):.1e} off {name}")
    print("FAIL" if complaints else "PASS", make.__name__, own, "bytes", *complaints, sep="\n  " if complaints else " ")
    return not complaints


def main():
    folder, out, *names = sys.argv[1:]
    tools = [os.path.join(folder, tool) for tool in ("ligc", "lig-run")]
    shutil.rmtree(out, ignore_errors=True)
    results = []
    for make in NETS:
        if names and make.__name__ not in names:
            continue
        try:
            results.append(check(make, tools, os.path.join(out, make.__name__)))
        except RuntimeError as error:
            print("FAIL", make.__name__, error)
            results.append(False)
    sys.exit(not all(results))


if __name__ == "__main__":
    main()

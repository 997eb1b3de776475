#!/usr/bin/python3
"""Networks of bytes on several machines, beside integers in NumPy.

Products of matrices and convolutions with zero points on either side, scales per
channel, operators of QLinear's kind and floats between DequantizeLinear and
QuantizeLinear: all results must be equal, not near. Code for znver4 is run by any
machine: its products of four bytes are replaced by a function that does the same.
Assembly for znver4 and haswell must have the instructions that multiply bytes and
pairs, and for haswell those that add products of bytes in 16 bits where weights are
so small that they do not saturate: of 7 bits.

  quantized.py LIG_RUN LIGC OUT CPU...
"""
import pathlib
import re
import subprocess
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

import machines
from suite import write_case


class Case:
    def __init__(self, name):
        self.name, self.nodes, self.weights, self.inputs = name, [], {}, {}
        self.random = np.random.default_rng(list(name.encode()))

    def numbers(self, dtype, *shape):
        info = np.iinfo(dtype)
        return self.random.integers(info.min, info.max + 1, shape).astype(dtype)

    def input(self, value):
        name = f"x{len(self.inputs)}"
        self.inputs[name] = value
        return name

    def weight(self, value):
        name = f"w{len(self.weights)}"
        self.weights[name] = np.asarray(value)
        return name

    def node(self, kind, *operands, **attributes):
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, operands, [name], **attributes))
        return name

    def save(self, folder, output, value):
        write_case(folder / self.name, self.nodes, self.inputs, {output: value},
                   weights=self.weights)


def requantize(sums, factor, zero):
    info = np.iinfo(zero.dtype)
    y = np.rint(sums.astype("f4") * factor.astype("f4")) + np.float32(zero)
    return np.clip(y, info.min, info.max).astype(zero.dtype)


def convolve(x, w, pads, strides, group):
    """In i64; x less its zero point, so pads are 0."""
    x = np.pad(x.astype("i8"), ((0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])))
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(2, 3))
    windows = windows[:, :, ::strides[0], ::strides[1]]
    n, c, h, wd = windows.shape[:4]
    windows = windows.reshape(n, group, c // group, h, wd, *w.shape[2:])
    filters = w.astype("i8").reshape(group, -1, *w.shape[1:])
    return np.einsum("ngchwab,gfcab->ngfhw", windows, filters).reshape(n, -1, h, wd)


def matmul_integer(folder, a, b, m, k, n, zeros):
    case = Case(f"matmul_{a}_{b}_{m}_{k}_{n}_{zeros}")
    x, w = case.numbers(a, m, k), case.numbers(b, k, n)
    operands = [case.input(x), case.weight(w)]
    zx, zw = np.zeros(1, a), np.zeros(1, b)
    if zeros:
        zx, zw = case.numbers(a, 1), case.numbers(b, n if zeros == 2 else 1)
        if zeros == 3:  # weights around the middle, as those of unsigned bytes are
            zw[:] = 128 if b == "u1" else 0
        operands += [case.weight(zx.reshape(())), case.weight(zw if zeros == 2 else zw[0])]
    value = (x.astype("i8") - zx) @ (w.astype("i8") - zw)
    case.save(folder, case.node("MatMulInteger", *operands), value.astype("i4"))


def extremes(folder, m, k, n):
    """The largest sums of two products that 16 bits hold, of either sign."""
    case = Case(f"extremes_{m}_{k}_{n}")
    x = np.full((m, k), 255, "u1")
    w = case.random.choice(np.array([-64, 64], "i1"), (k, n))
    w[:k // 2] = abs(w[:k // 2])
    w[:2, 0] = -128, 0
    out = case.node("MatMulInteger", case.input(x), case.weight(w))
    case.save(folder, out, (x.astype("i8") @ w.astype("i8")).astype("i4"))


def dynamic(folder, m, k, n):
    """The zero point is known at run time."""
    case = Case(f"dynamic_{m}_{k}_{n}")
    x = case.random.uniform(-1, 3, (m, k)).astype("f4")
    w = case.numbers("i1", k, n)
    case.nodes.append(helper.make_node(
        "DynamicQuantizeLinear", [case.input(x)], ["q", "scale", "zero"]))
    low, high = min(x.min(), np.float32(0)), max(x.max(), np.float32(0))
    scale = (high - low) / np.float32(255)
    zero = np.clip(np.rint(np.float32(0) - low / scale), 0, 255).astype("u1")
    q = np.clip(np.rint(x / scale) + np.float32(zero), 0, 255).astype("u1")
    value = (q.astype("i8") - zero) @ w.astype("i8")
    out = case.node("MatMulInteger", "q", case.weight(w), "zero")
    case.save(folder, out, value.astype("i4"))


def qlinear_matmul(folder, a, m, k, n):
    case = Case(f"qmatmul_{a}_{m}_{k}_{n}")
    x, w = case.numbers(a, m, k), case.numbers("i1", k, n)
    zx, zy = case.numbers(a, 1)[0], case.numbers(a, 1)[0]
    sx, sy = np.float32(0.02), np.float32(k ** 0.5)
    sw = case.random.uniform(0.5, 2, n).astype("f4")
    names = [case.input(x)] + [case.weight(v) for v in (
        sx, zx, w, sw, np.zeros(n, "i1"), sy, zy)]
    sums = (x.astype("i8") - zx) @ w.astype("i8")
    case.save(folder, case.node("QLinearMatMul", *names),
              requantize(sums, sx * sw / sy, zy))


def conv(folder, kind, a, channels, size, filters, kernel, pads, strides, group, bits=8):
    name = f"{kind}_{a}_{channels}_{size}_{filters}_{kernel}_{strides[0]}_{group}"
    case = Case(name if bits == 8 else f"{name}_{bits}")
    x = case.numbers(a, 2, channels, size, size + 1)
    w = case.numbers("i1", filters, channels // group, kernel, kernel) >> (8 - bits)
    zx = case.numbers(a, 1)[0]
    sums = convolve(x.astype("i8") - zx, w, pads, strides, group)
    attributes = dict(pads=list(pads), strides=list(strides), group=group,
                      kernel_shape=[kernel] * 2)
    sx, zy = np.float32(0.01), case.numbers(a, 1)[0]
    sw = case.random.uniform(0.5, 2, filters).astype("f4")
    sy = np.float32(sw.mean() * 0.4 * (channels // group) ** 0.5 * kernel)
    bias = case.random.integers(-5000, 5000, filters).astype("i4")
    with_bias = sums + bias[:, None, None]
    factor = (sx * sw / sy)[:, None, None]
    if kind == "ConvInteger":
        out = case.node(kind, case.input(x), case.weight(w), case.weight(zx), **attributes)
        return case.save(folder, out, sums.astype("i4"))
    if kind == "QLinearConv":
        names = [case.input(x)] + [case.weight(v) for v in (
            sx, zx, w, sw, np.zeros(filters, "i1"), sy, zy, bias)]
        out = case.node(kind, *names, **attributes)
        return case.save(folder, out, requantize(with_bias, factor, zy))
    value = qdq_conv(case, x, sx, zx, w, sw, bias, attributes)
    value = case.node("Relu", value)
    out = case.node("QuantizeLinear", value, case.weight(sy), case.weight(zy))
    least = np.maximum(requantize(with_bias, factor, zy), zy)
    case.save(folder, out, least)


def qdq_conv(case, x, sx, zx, w, sw, bias, attributes):
    data = case.node("DequantizeLinear", case.input(x), case.weight(sx), case.weight(zx))
    zeros = case.weight(np.zeros(len(w), "i1"))
    filters = case.node("DequantizeLinear", case.weight(w), case.weight(sw), zeros, axis=0)
    bias = case.node("DequantizeLinear", case.weight(bias), case.weight(sx * sw),
                     case.weight(np.zeros(len(w), "i4")), axis=0)
    return case.node("Conv", data, filters, bias, **attributes)


def qdq_gemm(folder, m, k, n, per_channel):
    """A layer as exporters write torch.nn.Linear: the weight is [n, k]."""
    case = Case(f"qdq_gemm_{m}_{k}_{n}_{per_channel}")
    x, w = case.numbers("u1", m, k), case.numbers("i1", n, k)
    zx, zy = np.uint8(131), np.uint8(7)
    sx, sy = np.float32(0.013), np.float32(0.4 * k ** 0.5)
    sw = case.random.uniform(0.5, 2, n if per_channel else 1).astype("f4")
    bias = case.random.integers(-5000, 5000, n).astype("i4")
    attributes = dict(axis=0) if per_channel else {}
    shape = sw if per_channel else sw[0]
    data = case.node("DequantizeLinear", case.input(x), case.weight(sx), case.weight(zx))
    weight = case.node("DequantizeLinear", case.weight(w), case.weight(shape),
                       case.weight(np.zeros(np.shape(shape), "i1")), **attributes)
    own = case.node("DequantizeLinear", case.weight(bias), case.weight(sx * shape),
                    case.weight(np.zeros(np.shape(shape), "i4")), **attributes)
    y = case.node("Gemm", data, weight, own, transB=1)
    out = case.node("QuantizeLinear", y, case.weight(sy), case.weight(zy))
    sums = (x.astype("i8") - zx) @ w.astype("i8").T + bias
    case.save(folder, out, requantize(sums, sx * sw / sy, zy))


def qdq_ties(folder, m, k, n):
    """The bias has zero points that are not zero; every odd sum is half of a step,
    which floats that are added up after they are scaled miss."""
    case = Case(f"qdq_ties_{m}_{k}_{n}")
    x, w = case.numbers("u1", m, k) % 20, case.numbers("i1", k, n) % 7 - 3
    bias = case.random.integers(-50, 50, n).astype("i4")
    zeros = case.random.integers(-2 ** 30, 2 ** 30, n).astype("i4")
    sx, sw, sy, zy = np.float32(0.1), np.float32(0.5), np.float32(0.1), np.int8(-3)
    data = case.node("DequantizeLinear", case.input(x), case.weight(sx))
    weight = case.node("DequantizeLinear", case.weight(w.astype("i1")), case.weight(sw))
    own = case.node("DequantizeLinear", case.weight(bias + zeros),
                    case.weight(np.full(n, sx * sw)), case.weight(zeros), axis=0)
    y = case.node("Add", case.node("MatMul", data, weight), own)
    out = case.node("QuantizeLinear", y, case.weight(sy), case.weight(zy))
    sums = x.astype("i8") @ w.astype("i8") + bias
    case.save(folder, out, requantize(sums, sx * sw / sy, zy))


def rolled(folder, kind, a, layers, rows, channels):
    """Equal layers, each with scales, biases and zero points of weights of its own."""
    case = Case(f"rolled_{kind}_{a}_{layers}_{rows}_{channels}")
    x = case.numbers(a, *((rows, channels) if kind == "gemm" else (1, channels, rows, rows)))
    zero = (case.numbers(a, 1) // 2).astype(a)[0]
    value, out, spread = x, case.input(x), (-1, 1, 1) if kind == "conv" else (-1,)
    kernel = (3, 3) if kind == "conv" else ()
    step = case.weight(np.float32(0.02)), case.weight(zero)
    for _ in range(layers):
        w = case.numbers("i1", channels, channels, *kernel) // 2
        sw = case.random.uniform(0.5, 2, channels).astype("f4") / np.float32(
            40 * (channels * 3 ** len(kernel)) ** 0.5)
        bias = case.random.integers(-5000, 5000, channels).astype("i4")
        units = np.float32(0.02) * sw
        zw = case.random.integers(-9, 9, channels).astype("i1")
        operands = [case.node("DequantizeLinear", out, *step)]
        operands += [case.node("DequantizeLinear", *map(case.weight, own), axis=0)
                     for own in ((w, sw, zw), (bias, units, np.zeros(channels, "i4")))]
        y = (case.node("Gemm", *operands, transB=1) if kind == "gemm" else
             case.node("Conv", *operands, pads=[1] * 4))
        out = case.node("QuantizeLinear", y, *step)
        centered = w.astype("i8") - zw.reshape(-1, *[1] * (w.ndim - 1))
        less = value.astype("i8") - zero
        sums = (less @ centered.T if kind == "gemm" else
                convolve(less, centered, (1, 1, 1, 1), (1, 1), 1))
        value = requantize(sums + bias.reshape(spread),
                           (units / np.float32(0.02)).reshape(spread), zero)
    case.save(folder, out, value)


def residual(folder, a, channels, size):
    """What a convolution adds to its own input, then the mean of each channel; scales
    are powers of two, so that floats are exact up to the mean."""
    case = Case(f"residual_{a}_{channels}_{size}")
    x, w = case.numbers(a, 1, channels, size, size), case.numbers("i1", channels, channels, 3, 3)
    zx, zy, zs = (case.numbers(a, 1)[0] for _ in range(3))
    sx, sy, ss = np.float32(2 ** -6), np.float32(2 ** -4), np.float32(2 ** -5)
    sw = 2.0 ** case.random.integers(-12, -8, channels).astype("f4")
    bias = case.random.integers(-5000, 5000, channels).astype("i4")
    attributes = dict(pads=[1] * 4, kernel_shape=[3, 3])
    y = qdq_conv(case, x, sx, zx, w, sw, bias, attributes)

    def pair(value, step, zero):
        operands = case.weight(step), case.weight(zero)
        return case.node("DequantizeLinear", case.node("QuantizeLinear", value, *operands),
                         *operands)

    own = case.node("DequantizeLinear", "x0", case.weight(sx), case.weight(zx))
    total = case.node("Relu", case.node("Add", pair(y, sy, zy), own))
    mean = case.node("GlobalAveragePool", pair(total, ss, zs))
    out = case.node("QuantizeLinear", mean, case.weight(ss), case.weight(zs))
    less = x.astype("i8") - zx
    sums = convolve(less, w, (1, 1, 1, 1), (1, 1), 1) + bias[:, None, None]
    first = requantize(sums, (sx * sw / sy)[:, None, None], zy).astype("f8") - zy
    both = np.maximum(first * sy + less * sx, 0).astype("f4")
    last = (requantize(both, 1 / ss, zs).astype("f8") - zs).mean((2, 3), keepdims=True)
    case.save(folder, out, requantize(last, np.float32(1), zs))


EMULATION = """
  func.func private @dot_{bits}(%acc: vector<{n}xi32>, %a: vector<{w}xi8>, %b: vector<{w}xi8>) -> vector<{n}xi32> {{
    %x = arith.extui %a : vector<{w}xi8> to vector<{w}xi32>
    %y = arith.extsi %b : vector<{w}xi8> to vector<{w}xi32>
    %p = arith.muli %x, %y : vector<{w}xi32>
{sums}    return %s4 : vector<{n}xi32>
  }}
"""


def emulation(bits):
    n = bits // 32
    sums = ""
    for i in range(4):
        places = ", ".join(str(4 * lane + i) for lane in range(n))
        before = f"%s{i}" if i else "%acc"
        sums += (f"    %q{i} = vector.shuffle %p, %p [{places}] : "
                 f"vector<{4 * n}xi32>, vector<{4 * n}xi32>\n"
                 f"    %s{i + 1} = arith.addi {before}, %q{i} : vector<{n}xi32>\n")
    return EMULATION.format(bits=bits, n=n, w=4 * n, sums=sums)


def emulate(ligc, folder):
    """The code for znver4 as MLIR that any machine runs; false without bytes."""
    model = folder / "znver4.mlir"
    subprocess.run([ligc, str(folder / "model.onnx"), "-mcpu=znver4", "--emit=mlir",
                    "--compile-to=kernel", "-o", str(model)], check=True)
    text = model.read_text()
    text, count = re.subn(r'llvm\.call_intrinsic "llvm\.x86\.avx512\.vpdpbusd\.(\d+)"',
                          r"func.call @dot_\1", text)
    end = text.rindex("}\n", 0, text.index("{-#") if "{-#" in text else len(text))
    functions = "".join(emulation(bits) for bits in (128, 256, 512)
                        if f"@dot_{bits}(" in text)
    model.write_text(text[:end] + functions + text[end:])
    return count > 0


def instructions(ligc, folder, cpu):
    result = subprocess.run([ligc, str(folder / "model.onnx"), f"-mcpu={cpu}", "--emit=asm",
                             "-o", str(folder / f"{cpu}.s")], check=True)
    return (folder / f"{cpu}.s").read_text()


def make_cases(out):
    for a, b, m, k, n, zeros in (("u1", "i1", 5, 64, 48, 3), ("u1", "i1", 1, 33, 20, 0),
                                 ("i1", "i1", 17, 70, 100, 3), ("u1", "u1", 8, 30, 9, 1),
                                 ("u1", "u1", 6, 40, 50, 3),
                                 ("u1", "u1", 8, 128, 64, 2), ("i1", "i1", 3, 2, 8, 0)):
        matmul_integer(out, a, b, m, k, n, zeros)
    dynamic(out, 6, 100, 40)
    extremes(out, 7, 90, 40)
    qlinear_matmul(out, "u1", 7, 96, 50)
    qlinear_matmul(out, "i1", 12, 35, 64)
    for kind in ("ConvInteger", "QLinearConv", "Qdq"):
        for a, layer in (("u1", (16, 9, 24, 3, (1, 1, 1, 1), (1, 1), 1)),
                         ("u1", (16, 9, 24, 3, (1, 1, 1, 1), (1, 1), 1, 7)),
                         ("i1", (3, 12, 10, 5, (2, 2, 2, 2), (2, 2), 1)),
                         ("i1", (7, 12, 40, 3, (1, 1, 1, 1), (2, 2), 1, 7)),
                         ("u1", (40, 6, 32, 1, (0, 0, 0, 0), (1, 1), 1)),
                         ("u1", (16, 8, 32, 3, (1, 1, 1, 1), (1, 1), 2)),
                         ("u1", (12, 9, 12, 3, (1, 0, 1, 2), (1, 1), 12))):
            conv(out, kind, a, *layer)
    qdq_gemm(out, 4, 60, 33, True)
    qdq_gemm(out, 9, 128, 64, False)
    qdq_ties(out, 6, 40, 24)
    residual(out, "u1", 16, 8)
    residual(out, "i1", 5, 7)
    rolled(out, "gemm", "u1", 5, 3, 64)
    rolled(out, "gemm", "i1", 4, 9, 34)
    rolled(out, "conv", "u1", 4, 9, 16)


def has_ties(folder):
    return folder.name.startswith("qdq_ties")


def is_next_to(run, folder):
    """Whether a GPU's kernels, which add up floats, round ties to a neighbour of the
    right number at most."""
    data = folder / "test_data_set_0"
    model = onnx.load(folder / "model.onnx").graph
    result = folder / "next.npy"
    subprocess.run([run, folder / "model.onnx", "--device=emulate",
                    f"--input={model.input[0].name}=@{data / 'input_0.pb'}",
                    f"--output={model.output[0].name}=@{result}"],
                   check=True, stdout=subprocess.DEVNULL)
    right = numpy_helper.to_array(onnx.load_tensor(data / "output_0.pb"))
    return np.abs(np.load(result).astype("i4") - right.astype("i4")).max() <= 1


def main():
    run, ligc, out, *cpus = sys.argv[1:]
    out = pathlib.Path(out)
    make_cases(out)
    folders = sorted(out.glob("*/"))
    lines = [f"{folder}/model.onnx --test-data={folder} {machines.option(cpu)}"
             for cpu in cpus for folder in folders if cpu != "emulate" or not has_ties(folder)]
    emulated = [folder for folder in folders if emulate(ligc, folder)]
    lines += [f"{folder}/znver4.mlir --test-data={folder}" for folder in emulated]
    batch = out / "commands.txt"
    batch.write_text("\n".join(lines) + "\n")
    result = subprocess.run([run, f"--batch={batch}"], text=True, stdout=subprocess.PIPE)
    verdicts = result.stdout.splitlines()
    passed = sum(line.startswith("PASS") for line in verdicts)
    print("\n".join(line for line in verdicts if not line.startswith("PASS")))
    print(f"{passed} of {len(lines)} right, {len(emulated)} of them in fours")
    if "emulate" in cpus and not all(is_next_to(run, each) for each in filter(has_ties, folders)):
        sys.exit("a tie is off by more than one")
    layer = out / "qdq_gemm_9_128_64_False"
    right = ("vpdpbusd" in instructions(ligc, layer, "znver4")
             and "vpmaddwd" in instructions(ligc, layer, "haswell")
             and "vpmaddubsw" not in instructions(ligc, layer, "haswell")
             and "vpmaddubsw" in instructions(ligc, out / "extremes_7_90_40", "haswell"))
    if not right:
        print("an instruction for bytes or pairs is missing")
    # All but depthwise convolutions, which add up nothing that lies together, and
    # weights that do not fit into bytes less their zero points.
    sys.exit(passed != len(lines) or not right or len(emulated) < len(folders) - 5)


if __name__ == "__main__":
    main()

"""Runs lowered networks and compares them with NumPy.

Every case is one function of one module. The passes under test lower it,
upstream passes take it from loops to LLVM, mlir-runner runs it, and the printed
results are compared with a direct, slow definition written here.
"""
import itertools
import re
import subprocess
import sys

import numpy as np

random = np.random.default_rng(0)
cases = []


def values(*shape):
    return random.standard_normal(shape).astype(np.float32)


def tensor(shape):
    return "tensor<%sf32>" % "".join("%dx" % n for n in shape)


def dense(a):
    if a.ndim == 0:
        return repr(float(a))
    return "[" + ",".join(dense(x) for x in a) + "]"


def numbers(seq):
    return "[" + ", ".join(map(str, seq)) + "]"


def case(name, body, parameters, want):
    """`body` computes %r from values named like the parameters."""
    cases.append((name, body, parameters, np.asarray(want, np.float64)))


def conv(x, w, b, strides, dilations, pads, groups):
    k = x.ndim - 2
    border = [(0, 0), (0, 0)] + [(pads[i], pads[i + k]) for i in range(k)]
    x = np.pad(x.astype(np.float64), border)
    taps = w.shape[2:]
    outer = [
        (x.shape[2 + i] - (taps[i] - 1) * dilations[i] - 1) // strides[i] + 1
        for i in range(k)
    ]
    y = np.zeros([x.shape[0], w.shape[0]] + outer)
    c, f = x.shape[1] // groups, w.shape[0] // groups
    for o in np.ndindex(*outer):
        for t in np.ndindex(*taps):
            at = tuple(o[i] * strides[i] + t[i] * dilations[i] for i in range(k))
            column = x[(slice(None), slice(None)) + at]
            for g in range(groups):
                cs, fs = slice(g * c, g * c + c), slice(g * f, g * f + f)
                y[(slice(None), fs) + o] += column[:, cs] @ w[(fs, slice(None)) + t].T
    return y + b.reshape([1, -1] + [1] * k)


def conv_transpose(x, w, b, strides, dilations, pads, groups, outer):
    k = x.ndim - 2
    c, f = x.shape[1] // groups, w.shape[1]
    y = np.zeros([x.shape[0], f * groups] + list(outer))
    for p in np.ndindex(*x.shape[2:]):
        for t in np.ndindex(*w.shape[2:]):
            o = tuple(p[i] * strides[i] + t[i] * dilations[i] - pads[i] for i in range(k))
            if any(o[i] < 0 or o[i] >= outer[i] for i in range(k)):
                continue
            for g in range(groups):
                cs, fs = slice(g * c, g * c + c), slice(g * f, g * f + f)
                y[(slice(None), fs) + o] += (
                    x[(slice(None), cs) + p].astype(np.float64) @ w[(cs, slice(None)) + t]
                )
    return y + b.reshape([1, -1] + [1] * k)


def pool(kind, x, kernel, strides, dilations, pads, outer, include, p):
    k = x.ndim - 2
    x = x.astype(np.float64)
    y = np.zeros(list(x.shape[:2]) + list(outer))
    for o in np.ndindex(*outer):
        inside, count = [], 0
        for t in np.ndindex(*kernel):
            q = [o[i] * strides[i] + t[i] * dilations[i] - pads[i] for i in range(k)]
            hit = all(0 <= q[i] < x.shape[2 + i] for i in range(k))
            near = all(-pads[i] <= q[i] < x.shape[2 + i] + pads[i + k] for i in range(k))
            count += near if include else hit
            if hit:
                inside.append(x[(slice(None), slice(None)) + tuple(q)])
        window = np.array(inside)
        y[(slice(None), slice(None)) + o] = {
            "max": lambda: window.max(0),
            "average": lambda: window.sum(0) / max(count, 1),
            "lp": lambda: (np.abs(window) ** p).sum(0) ** (1 / p),
        }[kind]()
    return y


def add_convolutions():
    for xs, ws, s, d, p, g in [
        ((1, 3, 8, 8), (4, 3, 3, 3), [2, 2], [1, 1], [1, 1, 1, 1], 1),
        ((2, 4, 9), (6, 2, 3), [1], [2], [2, 0], 2),
        ((1, 6, 7, 7), (6, 1, 3, 3), [1, 2], [1, 1], [1, 0, 1, 2], 6),
        ((1, 2, 4, 5, 6), (3, 2, 2, 3, 1), [1, 1, 2], [1, 1, 1], [0, 1, 0, 1, 0, 0], 1),
        ((1, 4, 6, 6), (8, 1, 3, 3), [1, 1], [2, 1], [2, 1, 2, 1], 4),
        ((1, 8, 5, 5), (4, 8, 1, 1), [1, 1], [1, 1], [0, 0, 0, 0], 1),
    ]:
        x, w, b = values(*xs), values(*ws), values(ws[0])
        want = conv(x, w, b, s, d, p, g)
        case(
            "conv %s %s" % (xs, ws),
            "%%r = net.conv %%x, %%w bias(%%b) strides %s dilations %s pads %s groups %d"
            " : %s, %s, %s -> %s"
            % (numbers(s), numbers(d), numbers(p), g, tensor(xs), tensor(ws),
               tensor(b.shape), tensor(want.shape)),
            {"x": x, "w": w, "b": b}, want)


def add_transposed_convolutions():
    for xs, ws, s, d, p, g, outer in [
        ((1, 3, 4, 4), (3, 2, 3, 3), [2, 2], [1, 1], [1, 1, 1, 1], 1, None),
        ((1, 4, 5), (4, 3, 4), [3], [2], [0, 2], 2, None),
        ((1, 4, 3, 3), (4, 1, 2, 2), [2, 2], [1, 1], [0, 0, 0, 0], 4, None),
        ((1, 2, 3, 3), (2, 2, 2, 2), [3, 2], [1, 1], [0, 0, 0, 0], 1, [10, 9]),
        # Pads that reach beyond the filter cut into the input.
        ((1, 2, 5), (2, 2, 3), [1], [1], [4, 0], 1, None),
        ((1, 2, 5), (2, 2, 1), [3], [1], [1, 1], 1, None),
        ((1, 2, 3, 2, 4), (2, 3, 2, 2, 3), [2, 1, 2], [1, 2, 1], [1, 0, 1, 0, 1, 0], 1, None),
    ]:
        k = len(s)
        outer = outer or [
            (xs[2 + i] - 1) * s[i] + (ws[2 + i] - 1) * d[i] + 1 - p[i] - p[i + k]
            for i in range(k)
        ]
        x, w, b = values(*xs), values(*ws), values(ws[1] * g)
        want = conv_transpose(x, w, b, s, d, p, g, outer)
        case(
            "conv_transpose %s %s" % (xs, ws),
            "%%r = net.conv_transpose %%x, %%w bias(%%b) strides %s dilations %s pads %s"
            " groups %d : %s, %s, %s -> %s"
            % (numbers(s), numbers(d), numbers(p), g, tensor(xs), tensor(ws),
               tensor(b.shape), tensor(want.shape)),
            {"x": x, "w": w, "b": b}, want)


def add_pools():
    for kind, xs, t, s, d, p, outer, include, norm in [
        ("max", (1, 3, 8, 8), [2, 2], [2, 2], [1, 1], [0, 0, 0, 0], None, False, 2),
        ("max", (1, 2, 7), [3], [2], [2], [1, 1], None, False, 2),
        ("average", (1, 2, 7, 5), [3, 3], [1, 2], [1, 1], [1, 1, 1, 1], None, False, 2),
        ("average", (1, 2, 7, 5), [3, 3], [1, 2], [1, 1], [1, 1, 1, 1], None, True, 2),
        # Rounded up: the last window hangs over.
        ("average", (1, 1, 4), [3], [2], [1], [0, 0], [2], False, 2),
        ("average", (1, 1, 4), [3], [2], [1], [0, 0], [2], True, 2),
        ("lp", (1, 2, 6, 6), [2, 3], [1, 1], [1, 1], [0, 1, 0, 1], None, False, 2),
        ("lp", (1, 2, 6), [3], [1], [1], [1, 1], None, False, 3),
        ("lp", (1, 2, 6), [3], [1], [1], [1, 1], None, False, 1),
        ("average", (1, 2, 3, 4, 5), [2, 2, 2], [1, 1, 1], [2, 1, 1], [1, 0, 0, 1, 0, 0],
         None, False, 2),
    ]:
        k = len(t)
        outer = outer or [
            (xs[2 + i] + p[i] + p[i + k] - (t[i] - 1) * d[i] - 1) // s[i] + 1
            for i in range(k)
        ]
        x = values(*xs)
        want = pool(kind, x, t, s, d, p, outer, include, norm)
        case(
            "pool %s %s%s p=%d" % (kind, xs, " include" * include, norm),
            "%%r = net.pool %s %%x kernel %s strides %s dilations %s pads %s %s"
            " {p = %d : i64} : %s -> %s"
            % (kind, numbers(t), numbers(s), numbers(d), numbers(p),
               "count_include_pad" * include, norm, tensor(xs), tensor(want.shape)),
            {"x": x}, want)


def add_normalizations():
    for xs, axes in [((2, 3, 4, 5), [2, 3]), ((4, 8), [1]), ((3, 4), [0]), ((2, 3, 4), [0, 2])]:
        # A mean far from zero: a one-pass variance would fail here.
        x = values(*xs) * 3 + 100
        wide = x.astype(np.float64)
        mean = wide.mean(tuple(axes), keepdims=True)
        want = (wide - mean) / np.sqrt(wide.var(tuple(axes), keepdims=True) + 1e-5)
        case("normalize %s %s" % (xs, axes),
             "%%r = net.normalize %%x axes %s epsilon 1.0e-5 : %s" % (numbers(axes), tensor(xs)),
             {"x": x}, want)
    x = values(3, 5)
    e = np.exp(x.astype(np.float64))
    case("softmax",
         "%e = tensor.empty() : tensor<3x5xf32>\n"
         "%r = linalg.softmax dimension(1) ins(%x : tensor<3x5xf32>)"
         " outs(%e : tensor<3x5xf32>) -> tensor<3x5xf32>",
         {"x": x}, e / e.sum(1, keepdims=True))


def add_scans():
    """y[t] = s[t] = s[t-1] * 0.5 + x[t], in all directions, also ended early."""
    for reverse_in, reverse_out, steps, limit in itertools.product(
            (False, True), (False, True), (5, 3), (None, 2)):
        x = values(5, 4)
        s, y, ran = np.zeros(4), np.zeros((5, 4)), 0
        for i in range(steps):
            s = s * 0.5 + x[4 - i if reverse_in else i]
            y[steps - 1 - i if reverse_out else i] = s
            if limit is not None and i >= limit:
                break
        flags = ", ".join(
            ["reverse_inputs = array<i1: true>"] * reverse_in
            + ["reverse_outputs = array<i1: true>"] * reverse_out)
        body = """
  %%n = arith.constant %d : index
  %%half = arith.constant 0.5 : f32
  %%zero = arith.constant 0.0 : f32
  %%e = tensor.empty() : tensor<4xf32>
  %%s0 = linalg.fill ins(%%zero : f32) outs(%%e : tensor<4xf32>) -> tensor<4xf32>
  %%s, %%r%s = net.scan %%n init(%%s0 : tensor<4xf32>) over(%%x : tensor<5x4xf32>) %s
      attributes {%s} -> (tensor<5x4xf32>) {
  ^bb0(%%i: index, %%old: tensor<4xf32>, %%in: tensor<4xf32>):
    %%new = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>,
        affine_map<(d0) -> (d0)>, affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
        ins(%%old, %%in : tensor<4xf32>, tensor<4xf32>) outs(%%e : tensor<4xf32>) {
    ^bb0(%%a: f32, %%b: f32, %%o: f32):
      %%m = arith.mulf %%a, %%half : f32
      %%q = arith.addf %%m, %%b : f32
      linalg.yield %%q : f32
    } -> tensor<4xf32>
    %%last = arith.constant %d : index
    %%go = arith.cmpi slt, %%i, %%last : index
    net.yield %%new, %%new%s : tensor<4xf32>, tensor<4xf32>%s
  }""" % (steps, ", %count" if limit is not None else "",
          "conditional" if limit is not None else "", flags, limit or 0,
          ", %go" if limit is not None else "", ", i1" if limit is not None else "")
        case("scan in=%d out=%d n=%d limit=%s" % (reverse_in, reverse_out, steps, limit),
             body, {"x": x}, y)


def build_module():
    text = "module {\n"
    for i, (_, body, parameters, want) in enumerate(cases):
        for name, a in parameters.items():
            text += "share.param @%s%d : %s = dense<%s> : %s\n" % (
                name, i, tensor(a.shape), dense(a), tensor(a.shape))
        text += "func.func @case%d() -> %s attributes {net.entry} {\n" % (i, tensor(want.shape))
        for name, a in parameters.items():
            text += "  %%%s = share.get @%s%d : %s\n" % (name, name, i, tensor(a.shape))
        text += body + "\n  return %%r : %s\n}\n" % tensor(want.shape)
    return text + "}\n"


def run(command, text):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        sys.exit("%s\n%s" % (" ".join(command), done.stderr[:4000]))
    return done.stdout


def add_main(planned):
    """Makes globals of the parameters and a main that calls every case."""
    total = int(re.search(r"share\.params_bytes = (\d+)", planned).group(1))
    arenas = [int(n) for n in re.findall(r"net\.arena_bytes = (\d+)", planned)]
    resources = ""
    if "{-#" in planned:
        planned, resources = planned.split("{-#")
        resources = "{-#" + resources
    extra, fill = "", ""
    lines = []
    for line in planned.splitlines():
        if "share.param @" not in line:
            lines.append(line)
            continue
        offset = re.search(r"share\.offset = (\d+)", line).group(1)
        kind, value = re.search(r"\} : (\S+) = (.*) : tensor", line).groups()
        kind, name = kind.replace("tensor", "memref"), "p" + offset
        extra += 'memref.global "private" constant @%s : %s = %s\n' % (name, kind, value)
        fill += (
            "%{n} = memref.get_global @{n} : {k}\n%{n}o = arith.constant {o} : index\n"
            "%{n}v = memref.view %p[%{n}o][] : memref<{t}xi8> to {k}\n"
            "memref.copy %{n}, %{n}v : {k} to {k}\n"
        ).format(n=name, k=kind, o=offset, t=total)
    calls = ""
    for i, (_, _, _, want) in enumerate(cases):
        out = "memref<%sf32>" % "".join("%dx" % n for n in want.shape)
        calls += (
            "%o{i} = memref.alloc() : {out}\n"
            "%a{i} = memref.alloc() {{alignment = 64 : i64}} : memref<{a}xi8>\n"
            "%d{i} = memref.alloc() : memref<{r}xi64>\n"
            "%x{i} = func.call @case{i}(%o{i}, %p, %a{i}, %d{i}) :"
            " ({out}, memref<{t}xi8>, memref<{a}xi8>, memref<{r}xi64>) -> i32\n"
            "%u{i} = memref.cast %o{i} : {out} to memref<*xf32>\n"
            "func.call @printMemrefF32(%u{i}) : (memref<*xf32>) -> ()\n"
        ).format(i=i, out=out, a=arenas[i], r=want.ndim, t=total)
    extra += (
        "func.func private @printMemrefF32(memref<*xf32>)"
        " attributes {llvm.emit_c_interface}\n"
        "func.func @main() {\n%%p = memref.alloc() {alignment = 64 : i64} : memref<%dxi8>\n"
        "%s%sreturn\n}\n" % (total, fill, calls))
    text = "\n".join(lines)
    end = text.rindex("}")
    return text[:end] + extra + "}\n" + resources


def main():
    library, passes = sys.argv[1], sys.argv[2:]
    add_convolutions()
    add_transposed_convolutions()
    add_pools()
    add_normalizations()
    add_scans()
    planned = run(["lig-opt", *passes], build_module())
    lowered = run(
        ["lig-opt", "--pass-pipeline=builtin.module(func.func(convert-linalg-to-loops),"
         "expand-strided-metadata,lower-affine,convert-scf-to-cf,canonicalize,"
         "convert-math-to-llvm,convert-math-to-libm,convert-vector-to-llvm,"
         "finalize-memref-to-llvm,convert-arith-to-llvm,convert-func-to-llvm,"
         "convert-cf-to-llvm,convert-ub-to-llvm,reconcile-unrealized-casts)"],
        add_main(planned))
    printed = run(
        ["mlir-runner", "-e", "main", "-entry-point-result=void",
         "-shared-libs=%s/libmlir_c_runner_utils.so,%s/libmlir_runner_utils.so"
         % (library, library)], lowered)
    results = printed.split("data =")[1:]
    failures = 0
    for (name, _, _, want), text in zip(cases, results):
        text = text.split("Unranked Memref")[0]
        got = np.array([float(x) for x in re.findall(r"[-\w.+]+", text)]).reshape(want.shape)
        error = np.abs(got - want).max() / max(np.abs(want).max(), 1e-9)
        if not error < 1e-4:
            failures += 1
            print("WRONG", name, error)
    print("checked %d of %d, %d wrong" % (len(results), len(cases), failures))


main()

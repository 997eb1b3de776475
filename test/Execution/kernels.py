#!/usr/bin/python3
"""Runs kernels that lig-cpu-emit-kernels wrote against plain scalar loops.

Every case is one function on buffers. It is compiled twice, by our emitter and
by upstream's convert-linalg-to-loops, run on the same random data, and the
buffers are compared. Usage: kernels.py LIG_OPT [--bits N] [--seed N] [FILTER]
"""
import argparse
import ctypes
import os
import random
import subprocess
import sys
import tempfile

import numpy as np

LLVM = "/usr/lib/llvm-22/bin/"
TYPES = {
    "f32": np.float32, "f64": np.float64, "f16": np.float16,
    "i1": np.bool_, "i8": np.int8, "i16": np.int16, "i32": np.int32,
    "i64": np.int64,
}
LOWER = (
    "convert-vector-to-scf,lower-affine,convert-scf-to-cf,"
    "expand-strided-metadata,lower-affine,func.func(math-expand-ops{ops=}),"
    "convert-math-to-llvm,convert-math-to-libm,convert-vector-to-llvm,"
    "finalize-memref-to-llvm,"
    "convert-func-to-llvm{use-bare-ptr-memref-call-conv=1},convert-cf-to-llvm,"
    "convert-arith-to-llvm,convert-index-to-llvm,convert-ub-to-llvm,"
    "canonicalize,cse,reconcile-unrealized-casts"
)


def run(command, **kwargs):
    result = subprocess.run(command, capture_output=True, text=True, **kwargs)
    if result.returncode:
        sys.exit(" ".join(command[:3]) + "\n" + result.stderr[-3000:])
    return result.stdout


def build(tool, source, passes, base, cpu):
    """Compiles MLIR text to a shared library; returns it loaded."""
    pipeline = f"builtin.module({passes},{LOWER})"
    lowered = run([tool, source, f"--pass-pipeline={pipeline}"])
    ir = run([LLVM + "mlir-translate", "--mlir-to-llvmir"], input=lowered)
    with open(base + ".ll", "w") as out:
        out.write(ir)
    run([LLVM + "opt", "-O3", "-mcpu=" + cpu, "-mtriple=x86_64-linux-gnu",
         base + ".ll", "-o", base + ".bc"])
    run([LLVM + "llc", "-O3", "-mcpu=" + cpu, "-relocation-model=pic",
         "-mtriple=x86_64-linux-gnu", "-filetype=obj", base + ".bc",
         "-o", base + ".o"])
    run([LLVM + "clang", "-shared", "-fuse-ld=lld", base + ".o",
         "-o", base + ".so", "-lm"])
    return ctypes.CDLL(base + ".so")


def parse(text):
    """The shapes and types of a memref type such as 2x3xf32."""
    parts = text.split("x")
    return [int(p) for p in parts[:-1]], parts[-1]


class Cases:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.cases = []

    def add(self, name, arguments, body):
        """`arguments`: types by name; all but inputs named x* are written."""
        self.cases.append((name, arguments, body))

    def text(self):
        out = []
        for name, arguments, body in self.cases:
            args = ", ".join(f"%{a}: memref<{t}>" for a, t in arguments.items())
            out.append(f"func.func @{name}({args}) {{\n{body}\nreturn\n}}")
        return "\n".join(out)


def generic(maps, kinds, ins, outs, body, args):
    names = lambda side: (", ".join("%" + n for n, _ in side) + " : " +
                          ", ".join(t for _, t in side))
    maps = ", ".join(f"affine_map<{m}>" for m in maps)
    kinds = ", ".join('"parallel"' if k == "p" else '"reduction"' for k in kinds)
    return (f"linalg.generic {{indexing_maps = [{maps}], iterator_types = "
            f"[{kinds}]}} ins({names(ins)}) outs({names(outs)}) {{\n"
            f"^bb0({args}):\n{body}\n}}")


def mac(element):
    if element.startswith("f"):
        return (f"%m = arith.mulf %a, %b : {element}\n"
                f"%s = arith.addf %c, %m : {element}\nlinalg.yield %s : {element}")
    return (f"%m = arith.muli %a, %b : {element}\n"
            f"%s = arith.addi %c, %m : {element}\nlinalg.yield %s : {element}")


def matmuls(cases):
    r = cases.random
    shapes = [(1, 1, 1), (4, 24, 8), (6, 16, 5), (7, 25, 3), (1, 64, 33),
              (5, 1, 40), (33, 7, 9), (3, 3, 3), (13, 50, 17), (2, 100, 1),
              (31, 10, 12), (8, 8, 64), (1, 1, 100), (64, 2, 50)]
    shapes += [(r.randint(1, 40), r.randint(1, 70), r.randint(1, 40))
               for _ in range(12)]
    for m, n, k in shapes:
        for element in ["f32", r.choice(["f64", "i32", "i64", "i8", "f16"])]:
            tag = f"{m}_{n}_{k}_{element}"
            a, b, c = (f"memref<{s}x{element}>" for s in
                       (f"{m}x{k}", f"{k}x{n}", f"{m}x{n}"))
            cases.add("matmul_" + tag,
                      {"x0": a[7:-1], "x1": b[7:-1], "y": c[7:-1]},
                      f"linalg.matmul ins(%x0, %x1 : {a}, {b}) outs(%y : {c})")
            bt = f"memref<{n}x{k}x{element}>"
            cases.add("matmul_nt_" + tag,
                      {"x0": a[7:-1], "x1": bt[7:-1], "y": c[7:-1]},
                      generic(["(m,n,k)->(m,k)", "(m,n,k)->(n,k)",
                               "(m,n,k)->(m,n)"], "ppr",
                              [("x0", a), ("x1", bt)], [("y", c)], mac(element),
                              f"%a: {element}, %b: {element}, %c: {element}"))
            at = f"memref<{k}x{m}x{element}>"
            zero = "0.0" if element[0] == "f" else "0"
            cases.add("matmul_tn_filled_" + tag,
                      {"x0": at[7:-1], "x1": b[7:-1], "y": c[7:-1]},
                      f"%z = arith.constant {zero} : {element}\n"
                      f"linalg.fill ins(%z : {element}) outs(%y : {c})\n" +
                      generic(["(m,n,k)->(k,m)", "(m,n,k)->(k,n)",
                               "(m,n,k)->(m,n)"], "ppr",
                              [("x0", at), ("x1", b)], [("y", c)], mac(element),
                              f"%a: {element}, %b: {element}, %c: {element}"))
    for b, m, n, k in [(3, 5, 20, 7), (2, 1, 9, 16), (4, 6, 6, 6)]:
        cases.add(f"batch_matmul_{b}_{m}_{n}_{k}",
                  {"x0": f"{b}x{m}x{k}xf32", "x1": f"{b}x{k}x{n}xf32",
                   "y": f"{b}x{m}x{n}xf32"},
                  f"linalg.batch_matmul ins(%x0, %x1 : memref<{b}x{m}x{k}xf32>,"
                  f" memref<{b}x{k}x{n}xf32>) outs(%y : memref<{b}x{m}x{n}xf32>)")
    for m, k in [(1, 9), (17, 33), (4, 8), (50, 3)]:
        cases.add(f"matvec_{m}_{k}",
                  {"x0": f"{m}x{k}xf32", "x1": f"{k}xf32", "y": f"{m}xf32"},
                  f"linalg.matvec ins(%x0, %x1 : memref<{m}x{k}xf32>, "
                  f"memref<{k}xf32>) outs(%y : memref<{m}xf32>)")
        cases.add(f"vecmat_{m}_{k}",
                  {"x0": f"{m}xf32", "x1": f"{m}x{k}xf32", "y": f"{k}xf32"},
                  f"linalg.vecmat ins(%x0, %x1 : memref<{m}xf32>, "
                  f"memref<{m}x{k}xf32>) outs(%y : memref<{k}xf32>)")
    # panels: a large right side, and heads of attention
    a, b, c = "30x300xf32", "300x250xf32", "30x250xf32"
    cases.add("matmul_panel", {"x0": a, "x1": b, "y": c},
              f"linalg.matmul ins(%x0, %x1 : memref<{a}>, memref<{b}>) "
              f"outs(%y : memref<{c}>)")
    for h, m, n, k in [(2, 30, 30, 16), (3, 25, 41, 19)]:
        a, b, c = f"{m}x{h}x{k}xf32", f"{n}x{h}x{k}xf32", f"{h}x{m}x{n}xf32"
        cases.add(f"attention_matmul_{h}_{m}_{n}_{k}",
                  {"x0": a, "x1": b, "y": c},
                  generic(["(h,m,n,k)->(m,h,k)", "(h,m,n,k)->(n,h,k)",
                           "(h,m,n,k)->(h,m,n)"], "pppr",
                          [("x0", f"memref<{a}>"), ("x1", f"memref<{b}>")],
                          [("y", f"memref<{c}>")], mac("f32"),
                          "%a: f32, %b: f32, %c: f32"))
    # i8 inputs into an i32 sum, with a zero point
    for m, n, k in [(5, 20, 9), (4, 3, 64), (9, 33, 2), (30, 21, 70)]:
        for order, shape in (("k,n", f"{k}x{n}"), ("n,k", f"{n}x{k}")):
            cases.add(f"qmatmul_{m}_{n}_{k}_{order[0]}",
                      {"x0": f"{m}x{k}xi8", "x1": f"{shape}xi8",
                       "y": f"{m}x{n}xi32"},
                      "%zp = arith.constant 3 : i32\n" +
                      generic(["(m,n,k)->(m,k)", f"(m,n,k)->({order})",
                               "(m,n,k)->(m,n)"], "ppr",
                              [("x0", f"memref<{m}x{k}xi8>"),
                               ("x1", f"memref<{shape}xi8>")],
                              [("y", f"memref<{m}x{n}xi32>")],
                              "%p = arith.extsi %a : i8 to i32\n"
                              "%q = arith.extsi %b : i8 to i32\n"
                              "%t = arith.subi %p, %zp : i32\n"
                              "%m = arith.muli %t, %q : i32\n"
                              "%s = arith.addi %c, %m : i32\n"
                              "linalg.yield %s : i32",
                              "%a: i8, %b: i8, %c: i32"))


def convolutions(cases):
    for i, (n, h, w, c, f, k, s, d) in enumerate([
            (1, 8, 8, 4, 16, 3, 1, 1), (2, 9, 7, 3, 24, 3, 2, 1),
            (1, 12, 12, 8, 40, 3, 1, 2), (1, 7, 7, 16, 10, 1, 1, 1),
            (1, 10, 30, 5, 3, 5, 3, 1), (1, 6, 20, 2, 64, 2, 2, 1)]):
        oh, ow = ((x - (k - 1) * d - 1) // s + 1 for x in (h, w))
        x, wt, y = (f"{n}x{h}x{w}x{c}xf32", f"{k}x{k}x{c}x{f}xf32",
                    f"{n}x{oh}x{ow}x{f}xf32")
        cases.add(f"conv_{i}", {"x0": x, "x1": wt, "y": y}, generic(
            [f"(n,h,w,f,a,b,c)->(n,h*{s}+a*{d},w*{s}+b*{d},c)",
             "(n,h,w,f,a,b,c)->(a,b,c,f)", "(n,h,w,f,a,b,c)->(n,h,w,f)"],
            "pppprrr", [("x0", f"memref<{x}>"), ("x1", f"memref<{wt}>")],
            [("y", f"memref<{y}>")], mac("f32"),
            "%a: f32, %b: f32, %c: f32"))
        g = 3
        x, wt, y = (f"{n}x{h}x{w}x{g}x{c}xf32", f"{g}x{k}x{k}x{c}x{f}xf32",
                    f"{n}x{oh}x{ow}x{g}x{f}xf32")
        cases.add(f"grouped_{i}", {"x0": x, "x1": wt, "y": y}, generic(
            [f"(n,h,w,g,f,a,b,c)->(n,h*{s}+a*{d},w*{s}+b*{d},g,c)",
             "(n,h,w,g,f,a,b,c)->(g,a,b,c,f)",
             "(n,h,w,g,f,a,b,c)->(n,h,w,g,f)"],
            "ppppprrr", [("x0", f"memref<{x}>"), ("x1", f"memref<{wt}>")],
            [("y", f"memref<{y}>")], mac("f32"),
            "%a: f32, %b: f32, %c: f32"))
        x, wt, y = (f"{n}x{h}x{w}x{f}xf32", f"{k}x{k}x{f}xf32",
                    f"{n}x{oh}x{ow}x{f}xf32")
        cases.add(f"depthwise_{i}", {"x0": x, "x1": wt, "y": y}, generic(
            [f"(n,h,w,c,a,b)->(n,h*{s}+a*{d},w*{s}+b*{d},c)",
             "(n,h,w,c,a,b)->(a,b,c)", "(n,h,w,c,a,b)->(n,h,w,c)"],
            "pppprr", [("x0", f"memref<{x}>"), ("x1", f"memref<{wt}>")],
            [("y", f"memref<{y}>")], mac("f32"),
            "%a: f32, %b: f32, %c: f32"))
        x, y = f"{n}x{h}x{w}x{f}xf32", f"{n}x{oh}x{ow}x{f}xf32"
        cases.add(f"maxpool_{i}", {"x0": x, "y": y},
                  f"%w = memref.alloca() : memref<{k}x{k}xf32>\n" + generic(
            [f"(n,h,w,c,a,b)->(n,h*{s}+a*{d},w*{s}+b*{d},c)",
             "(n,h,w,c,a,b)->(a,b)", "(n,h,w,c,a,b)->(n,h,w,c)"],
            "pppprr", [("x0", f"memref<{x}>"), ("w", f"memref<{k}x{k}xf32>")],
            [("y", f"memref<{y}>")],
            "%m = arith.maximumf %a, %c : f32\nlinalg.yield %m : f32",
            "%a: f32, %b: f32, %c: f32"))
        # channels first, where nothing is contiguous along the output's lanes
        x, wt, y = (f"{n}x{c}x{h}x{w}xf32", f"{f}x{c}x{k}x{k}xf32",
                    f"{n}x{f}x{oh}x{ow}xf32")
        cases.add(f"conv_nchw_{i}", {"x0": x, "x1": wt, "y": y}, generic(
            [f"(n,f,h,w,c,a,b)->(n,c,h*{s}+a*{d},w*{s}+b*{d})",
             "(n,f,h,w,c,a,b)->(f,c,a,b)", "(n,f,h,w,c,a,b)->(n,f,h,w)"],
            "pppprrr", [("x0", f"memref<{x}>"), ("x1", f"memref<{wt}>")],
            [("y", f"memref<{y}>")], mac("f32"),
            "%a: f32, %b: f32, %c: f32"))


def elementwise(cases):
    for i, shape in enumerate(["1", "7", "8", "100", "3x5", "4x8x16", "2x1x33"]):
        rank = shape.count("x") + 1
        dims = ",".join(f"d{j}" for j in range(rank))
        ident = f"({dims})->({dims})"
        for element in ["f32", "f64", "f16", "i8", "i32", "i64", "i1"]:
            t = f"memref<{shape}x{element}>"
            op = {"f": "addf", "i": "addi"}[element[0]]
            cases.add(f"add_{i}_{element}",
                      {"x0": t[7:-1], "x1": t[7:-1], "y": t[7:-1]},
                      generic([ident] * 3, "p" * rank,
                              [("x0", t), ("x1", t)], [("y", t)],
                              f"%s = arith.{op} %a, %b : {element}\n"
                              f"linalg.yield %s : {element}",
                              f"%a: {element}, %b: {element}, %c: {element}"))
            cases.add(f"copy_{i}_{element}", {"x0": t[7:-1], "y": t[7:-1]},
                      f"memref.copy %x0, %y : {t} to {t}")
            cases.add(f"less_{i}_{element}",
                      {"x0": t[7:-1], "y": f"{shape}xi1"},
                      generic([ident] * 2, "p" * rank, [("x0", t)],
                              [("y", f"memref<{shape}xi1>")],
                              (f"%s = arith.cmpf olt, %a, %a : {element}\n"
                               if element[0] == "f" else
                               f"%s = arith.cmpi sle, %a, %a : {element}\n") +
                              "linalg.yield %s : i1",
                              f"%a: {element}, %c: i1"))
        t = f"memref<{shape}xf32>"
        cases.add(f"exp_{i}", {"x0": t[7:-1], "y": t[7:-1]},
                  f"linalg.exp ins(%x0 : {t}) outs(%y : {t})")
        cases.add(f"in_place_{i}", {"y": t[7:-1]},
                  generic([ident] * 2, "p" * rank, [("y", t)], [("y", t)],
                          "%s = arith.mulf %a, %a : f32\nlinalg.yield %s : f32",
                          "%a: f32, %c: f32"))
        cases.add(f"accumulate_{i}", {"x0": t[7:-1], "y": t[7:-1]},
                  generic([ident] * 2, "p" * rank, [("x0", t)], [("y", t)],
                          "%s = arith.subf %c, %a : f32\nlinalg.yield %s : f32",
                          "%a: f32, %c: f32"))
        cases.add(f"two_results_{i}",
                  {"x0": t[7:-1], "y": t[7:-1], "z": f"{shape}xi32"},
                  generic([ident] * 3, "p" * rank, [("x0", t)],
                          [("y", t), ("z", f"memref<{shape}xi32>")],
                          "%s = math.absf %a : f32\n"
                          "%i = arith.fptosi %s : f32 to i32\n"
                          "linalg.yield %s, %i : f32, i32",
                          "%a: f32, %c: f32, %d: i32"))
        cases.add(f"index_{i}", {"x0": t[7:-1], "y": f"{shape}xi64"},
                  generic([ident] * 2, "p" * rank, [("x0", t)],
                          [("y", f"memref<{shape}xi64>")],
                          "\n".join(f"%i{j} = linalg.index {j} : index\n"
                                    f"%c{j} = arith.index_cast %i{j} : index to i64"
                                    for j in range(rank)) +
                          "\n%s0 = arith.addi %c0, %c0 : i64\n" +
                          "".join(f"%s{j} = arith.addi %s{j-1}, %c{j} : i64\n"
                                  for j in range(1, rank)) +
                          f"linalg.yield %s{rank-1} : i64",
                          "%a: f32, %c: i64"))
    for m, n in [(8, 8), (16, 24), (9, 17), (3, 100), (100, 3), (5, 5), (1, 9),
                 (40, 7), (21, 6)]:
        for element in ["f32", "f64", "i8", "i32", "f16", "i1"]:
            cases.add(f"transpose_{m}_{n}_{element}",
                      {"x0": f"{m}x{n}x{element}", "y": f"{n}x{m}x{element}"},
                      f"linalg.transpose ins(%x0 : memref<{m}x{n}x{element}>) "
                      f"outs(%y : memref<{n}x{m}x{element}>) permutation = [1, 0]")
        cases.add(f"row_and_column_{m}_{n}",
                  {"x0": f"{n}xf32", "x1": f"{m}xf32", "x2": f"{n}x{m}xf32",
                   "y": f"{m}x{n}xf32"},
                  generic(["(m,n)->(n)", "(m,n)->(m)", "(m,n)->(n,m)",
                           "(m,n)->(m,n)"], "pp",
                          [("x0", f"memref<{n}xf32>"), ("x1", f"memref<{m}xf32>"),
                           ("x2", f"memref<{n}x{m}xf32>")],
                          [("y", f"memref<{m}x{n}xf32>")],
                          "%s = arith.addf %a, %b : f32\n"
                          "%t = arith.mulf %s, %e : f32\nlinalg.yield %t : f32",
                          "%a: f32, %b: f32, %e: f32, %c: f32"))
        cases.add(f"reverse_{m}_{n}",
                  {"x0": f"{m}x{n}xf32", "y": f"{m}x{n}xf32"},
                  generic([f"(m,n)->(m,{n - 1}-n)", "(m,n)->(m,n)"], "pp",
                          [("x0", f"memref<{m}x{n}xf32>")],
                          [("y", f"memref<{m}x{n}xf32>")],
                          "linalg.yield %a : f32", "%a: f32, %c: f32"))
        cases.add(f"nearest_{m}_{n}",
                  {"x0": f"{m}x{n}xf32", "y": f"{2 * m}x{3 * n}xf32"},
                  generic(["(m,n)->(m floordiv 2,n floordiv 3)",
                           "(m,n)->(m,n)"], "pp",
                          [("x0", f"memref<{m}x{n}xf32>")],
                          [("y", f"memref<{2 * m}x{3 * n}xf32>")],
                          "linalg.yield %a : f32", "%a: f32, %c: f32"))
        cases.add(f"gather_{m}_{n}",
                  {"x0": f"{m}xf32", "x1": f"{n}xi32", "y": f"{n}xf32"},
                  f"%m = arith.constant {m} : i32\n" +
                  generic(["(n)->(n)", "(n)->(n)"], "p",
                          [("x1", f"memref<{n}xi32>")],
                          [("y", f"memref<{n}xf32>")],
                          "%r = arith.remui %a, %m : i32\n"
                          "%i = arith.index_cast %r : i32 to index\n"
                          f"%v = memref.load %x0[%i] : memref<{m}xf32>\n"
                          "linalg.yield %v : f32", "%a: i32, %c: f32"))
        big = f"memref<{m + 3}x{n + 5}xf32>"
        sub = f"memref<{m}x{n}xf32, strided<[{n + 5}, 1], offset: {2 * (n + 5) + 4}>>"
        cases.add(f"subview_{m}_{n}",
                  {"x0": f"{m}x{n}xf32", "y": big[7:-1]},
                  f"%s = memref.subview %y[2, 4] [{m}, {n}] [1, 1] : {big} to {sub}\n"
                  f"linalg.copy ins(%x0 : memref<{m}x{n}xf32>) outs(%s : {sub})")
        dyn = f"memref<{n}xf32, strided<[1], offset: ?>>"
        cases.add(f"dynamic_offset_{m}_{n}",
                  {"x0": f"{m}x{n}xf32", "y": f"{n}xf32"},
                  f"%z = arith.constant 0 : index\n%o = arith.constant 1 : index\n"
                  f"%e = arith.constant {m} : index\n"
                  f"scf.for %i = %z to %e step %o {{\n"
                  f"%s = memref.subview %x0[%i, 0] [1, {n}] [1, 1] : "
                  f"memref<{m}x{n}xf32> to {dyn}\n" +
                  generic(["(n)->(n)", "(n)->(n)"], "p", [("s", dyn)],
                          [("y", f"memref<{n}xf32>")],
                          "%t = arith.addf %a, %c : f32\nlinalg.yield %t : f32",
                          "%a: f32, %c: f32") + "\n}")
        step = f"memref<{m}x{(n + 1) // 2}xf32, strided<[{n}, 2]>>"
        small = f"memref<{m}x{(n + 1) // 2}xf32>"
        cases.add(f"every_other_{m}_{n}",
                  {"x0": f"{m}x{n}xf32", "y": small[7:-1], "z": f"{m}x{n}xf32"},
                  f"%s = memref.subview %x0[0, 0] [{m}, {(n + 1) // 2}] [1, 2] : "
                  f"memref<{m}x{n}xf32> to {step}\n"
                  f"linalg.copy ins(%s : {step}) outs(%y : {small})\n"
                  f"%t = memref.subview %z[0, 0] [{m}, {(n + 1) // 2}] [1, 2] : "
                  f"memref<{m}x{n}xf32> to {step}\n"
                  f"linalg.copy ins(%y : {small}) outs(%t : {step})")
    cases.add("permute_4d", {"x0": "3x5x9x10xf32", "y": "3x9x10x5xf32"},
              "linalg.transpose ins(%x0 : memref<3x5x9x10xf32>) "
              "outs(%y : memref<3x9x10x5xf32>) permutation = [0, 2, 3, 1]")
    cases.add("divide_i32", {"x0": "37xi32", "y": "37xi32"},
              "%k = arith.constant 7 : i32\n" +
              generic(["(n)->(n)", "(n)->(n)"], "p", [("x0", "memref<37xi32>")],
                      [("y", "memref<37xi32>")],
                      "%o = arith.ori %a, %k : i32\n"
                      "%s = arith.divsi %k, %o : i32\nlinalg.yield %s : i32",
                      "%a: i32, %c: i32"))
    cases.add("scalar_add", {"x0": "f32", "y": "f32"},
              generic(["()->()", "()->()"], "", [("x0", "memref<f32>")],
                      [("y", "memref<f32>")],
                      "%s = arith.addf %a, %a : f32\nlinalg.yield %s : f32",
                      "%a: f32, %c: f32"))


def reductions(cases):
    combine = {
        "sum": ("arith.addf %c, %a", "f32"), "max": ("arith.maximumf %c, %a", "f32"),
        "min": ("arith.minnumf %a, %c", "f32"), "prod": ("arith.mulf %c, %a", "f32"),
        "isum": ("arith.addi %c, %a", "i32"), "imax": ("arith.maxsi %a, %c", "i8"),
        "and": ("arith.andi %a, %c", "i1"), "dsum": ("arith.addf %a, %c", "f64"),
        "last": ("arith.subf %a, %c", "f32"),
    }
    for a, b, c in [(1, 1, 7), (4, 9, 33), (5, 3, 100), (2, 8, 8), (17, 2, 3),
                    (1, 1, 1000), (6, 70, 1)]:
        for name, (text, element) in combine.items():
            x = f"memref<{a}x{b}x{c}x{element}>"
            for axis, out in (("c", (a, b)), ("b", (a, c)), ("a", (b, c)),
                              ("bc", (a,)), ("abc", ())):
                dims = "abc"
                keep = [d for d in dims if d not in axis]
                y = "x".join([str(s) for s in out] + [element])
                kinds = "".join("r" if d in axis else "p" for d in dims)
                cases.add(f"{name}_{axis}_{a}_{b}_{c}",
                          {"x0": x[7:-1], "y": y},
                          generic(["(a,b,c)->(a,b,c)",
                                   f"(a,b,c)->({','.join(keep)})"], kinds,
                                  [("x0", x)], [("y", f"memref<{y}>")],
                                  f"%s = {text} : {element}\n"
                                  f"linalg.yield %s : {element}",
                                  f"%a: {element}, %c: {element}"))
        # squares, and the place of the largest element
        x = f"memref<{a}x{b}x{c}xf32>"
        for axis, keep in (("c", "a,b"), ("b", "a,c")):
            shape = {"c": f"{a}x{b}", "b": f"{a}x{c}"}[axis]
            kinds = "".join("r" if d == axis else "p" for d in "abc")
            cases.add(f"squares_{axis}_{a}_{b}_{c}",
                      {"x0": x[7:-1], "y": f"{shape}xf32"},
                      generic(["(a,b,c)->(a,b,c)", f"(a,b,c)->({keep})"], kinds,
                              [("x0", x)], [("y", f"memref<{shape}xf32>")],
                              "%m = arith.mulf %a, %a : f32\n"
                              "%s = arith.addf %m, %c : f32\n"
                              "linalg.yield %s : f32", "%a: f32, %c: f32"))
            cases.add(f"argmax_{axis}_{a}_{b}_{c}",
                      {"x0": x[7:-1], "y": f"{shape}xf32", "z": f"{shape}xi64"},
                      generic(["(a,b,c)->(a,b,c)", f"(a,b,c)->({keep})",
                               f"(a,b,c)->({keep})"], kinds, [("x0", x)],
                              [("y", f"memref<{shape}xf32>"),
                               ("z", f"memref<{shape}xi64>")],
                              f"%i = linalg.index {'abc'.index(axis)} : index\n"
                              "%j = arith.index_cast %i : index to i64\n"
                              "%g = arith.cmpf ogt, %a, %c : f32\n"
                              "%s = arith.select %g, %a, %c : f32\n"
                              "%t = arith.select %g, %j, %d : i64\n"
                              "linalg.yield %s, %t : f32, i64",
                              "%a: f32, %c: f32, %d: i64"))


def neighbours(cases):
    """A bias before and work after a sum, which join its kernel."""
    lane = "%s = arith.addf %a, %b : f32\n%o = arith.constant 0.0 : f32\n" \
           "%t = arith.maximumf %s, %o : f32\nlinalg.yield %t : f32"
    for i, (m, n, k) in enumerate([(4, 24, 8), (7, 25, 9), (1, 70, 5),
                                   (13, 3, 40), (6, 8, 1)]):
        a, b, y = f"{m}x{k}xf32", f"{k}x{n}xf32", f"{m}x{n}xf32"
        ident, rows = "(m,n)->(m,n)", "(m,n)->(n)"
        bias = generic([rows, ident], "pp", [("x2", f"memref<{n}xf32>")],
                       [("buf", f"memref<{y}>")], "linalg.yield %a : f32",
                       "%a: f32, %c: f32")
        for form, order, shape in (("n", "k,n", b), ("t", "n,k", f"{n}x{k}xf32")):
            matmul = generic(["(m,n,k)->(m,k)", f"(m,n,k)->({order})",
                              "(m,n,k)->(m,n)"], "ppr",
                             [("x0", f"memref<{a}>"), ("x1", f"memref<{shape}>")],
                             [("buf", f"memref<{y}>")], mac("f32"),
                             "%a: f32, %b: f32, %c: f32")
            # into another buffer, with a residual
            residual = generic([ident] * 3, "pp",
                               [("buf", f"memref<{y}>"), ("x3", f"memref<{y}>")],
                               [("y", f"memref<{y}>")], lane,
                               "%a: f32, %b: f32, %c: f32")
            in_place = generic([ident] * 2, "pp", [("x3", f"memref<{y}>")],
                               [("buf", f"memref<{y}>")],
                               "%s = arith.mulf %c, %a : f32\n"
                               "linalg.yield %s : f32", "%a: f32, %c: f32")
            arguments = {"x0": a, "x1": shape, "x2": f"{n}xf32", "x3": y, "y": y}
            alloc = f"%buf = memref.alloca() : memref<{y}>\n"
            heap = f"%buf = memref.alloc() : memref<{y}>\n"
            free = f"\nmemref.dealloc %buf : memref<{y}>"
            for place, end in ((alloc, ""), (heap, free)):
                tag = f"{form}_{i}_{'heap' if end else 'stack'}"
                cases.add("bias_residual_" + tag, arguments,
                          "\n".join([place, bias, matmul, in_place, residual])
                          + end)
                # a second reader keeps the buffer
                copy = f"memref.copy %buf, %z : memref<{y}> to memref<{y}>"
                cases.add("read_twice_" + tag, {**arguments, "z": y},
                          "\n".join([place, bias, matmul, residual, copy])
                          + end)
                # the result replaces what the sum reads
                if m == n or k == n:
                    continue
                scale = generic([ident] * 2, "pp", [("buf", f"memref<{y}>")],
                                [("x3", f"memref<{y}>")],
                                "linalg.yield %a : f32", "%a: f32, %c: f32")
                cases.add("overwrites_" + tag, arguments,
                          "\n".join([place, bias, matmul, scale, residual])
                          + end)
    # a sum whose result goes where its input was
    for n in (8, 24):
        t = f"memref<{n}x{n}xf32>"
        ident = "(m,n)->(m,n)"
        cases.add(f"result_over_input_{n}",
                  {"x0": t[7:-1], "x1": t[7:-1]},
                  f"%buf = memref.alloc() : {t}\n%z = arith.constant 0.0 : f32\n"
                  f"linalg.fill ins(%z : f32) outs(%buf : {t})\n"
                  f"linalg.matmul ins(%x0, %x1 : {t}, {t}) outs(%buf : {t})\n"
                  f"linalg.abs ins(%buf : {t}) outs(%x0 : {t})\n"
                  f"memref.dealloc %buf : {t}")
    # rows and columns of a convolution counted as one by its neighbours
    x, w, y = "1x9x10x4xf32", "3x3x4x20xf32", "1x7x8x20xf32"
    cases.add("conv_with_flat_neighbours",
              {"x0": x, "x1": w, "x2": "20xf32", "y": "56x20xf32"},
              "%buf = memref.alloc() : memref<56x20xf32>\n" +
              generic(["(m,n)->(n)", "(m,n)->(m,n)"], "pp",
                      [("x2", "memref<20xf32>")], [("buf", "memref<56x20xf32>")],
                      "linalg.yield %a : f32", "%a: f32, %c: f32") +
              "\n%e = memref.expand_shape %buf [[0, 1, 2], [3]] output_shape "
              "[1, 7, 8, 20] : memref<56x20xf32> into memref<1x7x8x20xf32>\n"
              f"linalg.conv_2d_nhwc_hwcf ins(%x0, %x1 : memref<{x}>, memref<{w}>)"
              f" outs(%e : memref<{y}>)\n"
              "linalg.abs ins(%buf : memref<56x20xf32>) outs(%y : memref<56x20xf32>)"
              "\nmemref.dealloc %buf : memref<56x20xf32>")


def random_array(rng, text):
    shape, element = parse(text)
    if element == "i1":
        return rng.integers(0, 2, shape).astype(np.bool_)
    if element[0] == "i":
        return rng.integers(-9, 10, shape).astype(TYPES[element])
    return rng.uniform(-1.5, 1.5, shape).astype(TYPES[element])


def check(cases, ours, reference, seed):
    rng = np.random.default_rng(seed)
    failures = []
    for name, arguments, _ in cases.cases:
        data = {a: random_array(rng, t) for a, t in arguments.items()}
        got = {a: np.array(v) for a, v in data.items()}
        want = {a: np.array(v) for a, v in data.items()}
        for library, arrays in ((ours, got), (reference, want)):
            getattr(library, name)(*(v.ctypes.data_as(ctypes.c_void_p)
                                     for v in arrays.values()))
        for a, t in arguments.items():
            x, y = got[a], want[a]
            if x.dtype.kind == "f":
                tolerance = {2: 2e-2, 4: 1e-4, 8: 1e-10}[x.dtype.itemsize]
                same = np.allclose(x.astype(np.float64), y.astype(np.float64),
                                   rtol=tolerance, atol=tolerance,
                                   equal_nan=True)
            else:
                same = np.array_equal(x, y)
            if not same:
                failures.append(f"{name}: {a}: {np.argwhere(x != y)[:4].tolist()}")
    return failures


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("filter", nargs="?", default="")
    parser.add_argument("--bits", type=int, default=256)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cpu", default="x86-64-v3")
    parser.add_argument("--keep", help="folder for intermediate files")
    options = parser.parse_args()
    cases = Cases(options.seed)
    for family in (matmuls, convolutions, elementwise, reductions, neighbours):
        family(cases)
    cases.cases = [c for c in cases.cases if options.filter in c[0]]
    with tempfile.TemporaryDirectory() as folder:
        folder = options.keep or folder
        source = os.path.join(folder, "kernels.mlir")
        with open(source, "w") as out:
            out.write(cases.text())
        emit = (f"lig-cpu-emit-kernels{{vector-bits={options.bits}}},func.func("
                "lig-cpu-expand-math)")
        ours = build(options.tool, source, emit,
                     os.path.join(folder, "ours"), options.cpu)
        reference = build(options.tool, source,
                          "func.func(convert-linalg-to-loops)",
                          os.path.join(folder, "reference"), options.cpu)
        failures = check(cases, ours, reference, options.seed)
    for line in failures:
        print(line)
    print(f"{len(cases.cases) - len(failures)} of {len(cases.cases)} agree")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()

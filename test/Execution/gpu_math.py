#!/usr/bin/python3
"""Functions of a GPU's kernels, run by the emulator, beside numpy in f64.

Every function runs on ordinary numbers and on special ones, in f32 and f64.
With --ptx it only compiles all of them to PTX where no CUDA toolkit is found.
Usage: gpu_math.py [--ptx] BIN OUT
"""
import argparse
import os
import pathlib
import subprocess

import numpy as np

ANY = np.concatenate([np.linspace(-9, 9, 211), [0.0, -0.0, 1e-9, -3e-5, 700.0, -700.0, 20.0]])
POSITIVE = np.concatenate([np.geomspace(1e-9, 1e9, 199), [0.0, 1.0, np.inf, 1e-40]])
UNIT = np.concatenate([np.linspace(-1, 1, 201), [1e-7, -1e-3]])
FAR = np.concatenate([ANY, np.linspace(-1e5, 1e5, 301)])
EXP = np.concatenate([ANY, [np.inf, -np.inf, np.nan, -104.0, 89.0]])
FUNCTIONS = {
    "exp": (np.exp, EXP), "exp2": (np.exp2, EXP), "expm1": (np.expm1, EXP),
    "log": (np.log, POSITIVE), "log2": (np.log2, POSITIVE), "log10": (np.log10, POSITIVE),
    "log1p": (np.log1p, POSITIVE), "sin": (np.sin, FAR), "cos": (np.cos, FAR),
    "tan": (np.tan, FAR), "asin": (np.arcsin, UNIT), "acos": (np.arccos, UNIT),
    "atan": (np.arctan, EXP), "sinh": (np.sinh, ANY[:-3]), "cosh": (np.cosh, ANY[:-3]),
    "tanh": (np.tanh, EXP), "asinh": (np.arcsinh, FAR), "acosh": (np.arccosh, POSITIVE + 1),
    "atanh": (np.arctanh, UNIT), "sqrt": (np.sqrt, POSITIVE), "rsqrt": (lambda x: 1 / np.sqrt(x), POSITIVE),
    "absf": (np.abs, EXP), "floor": (np.floor, EXP), "ceil": (np.ceil, EXP),
    "trunc": (np.trunc, EXP), "roundeven": (np.rint, EXP),
}
# Pairs, by both operands of an operation with two.
BASE = np.array([0.0, -0.0, 1.0, -1.0, 2.5, -2.0, -3.0, 10.0, 0.3, 1e-3, np.inf])
POWER = np.array([0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, -0.5, 7.0, 30.0, 1.5])
PAIRS = np.array([(x, y) for x in BASE for y in POWER if x >= 0 or y == np.trunc(y)]).T
TWO = {"math.powf": (np.power, PAIRS),
       "arith.remf": (np.fmod, np.array([(x, y) for x in ANY[:40] for y in (0.7, -3.0, 1e-3, 9.0)]).T)}
# Units in the last place of f32: its polynomials are faster and a little off.
LOOSE = {"tanh": 8, "expm1": 8, "log1p": 4, "log": 4, "log2": 4, "exp": 2, "erf": 4}


def text(operation, count, operands, kind):
    tensor = f"tensor<{count}x{kind}>"
    names = ["x", "y"][:operands]
    ins = ", ".join("%" + n for n in names)
    return f"""#i = affine_map<(d0) -> (d0)>
func.func @main({", ".join(f"%{n}: {tensor}" for n in names)}) -> {tensor} {{
  %e = tensor.empty() : {tensor}
  %r = linalg.generic {{indexing_maps = [{", ".join(["#i"] * (operands + 1))}], iterator_types = ["parallel"]}}
      ins({ins} : {", ".join([tensor] * operands)}) outs(%e : {tensor}) {{
  ^bb0({", ".join(f"%{n}1: {kind}" for n in names)}, %o: {kind}):
    %v = {operation} {", ".join(f"%{n}1" for n in names)} : {kind}
    linalg.yield %v : {kind}
  }} -> {tensor}
  return %r : {tensor}
}}
"""


def cases():
    for kind, dtype in (("f32", np.float32), ("f64", np.float64)):
        for name, (reference, values) in FUNCTIONS.items():
            # A polynomial of f32 takes numbers below the normal ones for zero.
            values = values[(np.abs(values) >= np.finfo(dtype).tiny) | ~(np.abs(values) > 0)]
            yield name, f"math.{name}", kind, reference, [values.astype(dtype)]
        for name, (reference, pairs) in TWO.items():
            yield name, name, kind, reference, list(pairs.astype(dtype))


def compare(name, kind, found, wanted):
    dtype = np.float32 if kind == "f32" else np.float64
    wanted = wanted.astype(dtype)
    unit = np.spacing(np.maximum(np.abs(wanted), np.finfo(dtype).tiny))
    # A GPU's f32 exponentials go to zero below the normal numbers.
    if kind == "f32":
        found, wanted = (np.where(np.abs(a) < np.finfo(dtype).tiny, 0, a) for a in (found, wanted))
    # A power's error grows with its exponent.
    units = LOOSE.get(name, 1) if kind == "f32" else 2000 if "pow" in name else 40
    same = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    return same | (np.abs(found.astype(np.float64) - wanted) <= units * unit)


def run(options):
    wrong = 0
    for name, operation, kind, reference, inputs in cases():
        source = options.out / "model.mlir"
        source.write_text(text(operation, inputs[0].size, len(inputs), kind))
        command = [options.bin / "lig-run", "--device=emulate", source, "--output-dir", options.out]
        for i, values in enumerate(inputs):
            np.save(options.out / f"in{i}.npy", values)
            command += ["--input", f"in{i}=@{options.out}/in{i}.npy"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with np.errstate(all="ignore"):
            wanted = reference(*(x.astype(np.float64) for x in inputs))
            good = compare(name, kind, np.load(options.out / "out0.npy"), wanted)
        if not good.all():
            wrong += 1
            at = np.flatnonzero(~good)[:3]
            print("WRONG", name, kind, [x[at] for x in inputs],
                  np.load(options.out / "out0.npy")[at], wanted[at])
    print(f"{wrong} wrong")


def compile_to_ptx(options):
    """One model of all functions, where no toolkit can be found."""
    environment = {**os.environ, **dict.fromkeys(("CUDA_HOME", "CUDA_ROOT", "CUDA_PATH"), "/nonexistent")}
    for i, (name, operation, kind, _, inputs) in enumerate(cases()):
        source = options.out / f"{name}.{kind}.mlir"
        source.write_text(text(operation, inputs[0].size, len(inputs), kind))
        subprocess.run([options.bin / "ligc", "--target=cuda", "--emit=ptx", "--ptxas=none", source,
                        "-o", source.with_suffix(".ptx")], check=True, env=environment)
    print(f"{i + 1} functions")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--ptx", action="store_true")
    parser.add_argument("bin", type=pathlib.Path)
    parser.add_argument("out", type=pathlib.Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    compile_to_ptx(options) if options.ptx else run(options)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Compiles text with ligc and runs the libraries beside numpy. For the emulator,
which runs no libraries, lig-run takes their place.

Every model is a few lines on tensors; its numpy function says what it means.
Usage: native.py LIGC OUT [LIGC OPTION...]
"""
import ctypes
import pathlib
import subprocess
import sys

import numpy as np
from onnx import TensorProto, mapping

from machines import IS_EMULATED

MODELS = []
RANDOM = np.random.default_rng(7)


def model(text, *inputs):
    """Keeps a model whose inputs are arrays and whose reference is decorated."""
    def keep(reference):
        MODELS.append((reference.__name__, text, inputs, reference))
        return reference
    return keep


def normal(*shape, dtype=np.float32):
    return RANDOM.standard_normal(shape).astype(dtype)


W = normal(24, 40)


def dense(array):
    return f'dense<"0x{array.tobytes().hex().upper()}"> : tensor<' + \
        "x".join(map(str, array.shape)) + "xf32>"


def elementwise(source, target, operation, extent=37):
    """A function that applies one operation to every element."""
    one, two = f"tensor<{extent}x{source}>", f"tensor<{extent}x{target}>"
    return f"""#i = affine_map<(d0) -> (d0)>
func.func @main(%x: {one}) -> {two} {{
  %e = tensor.empty() : {two}
  %r = linalg.generic {{indexing_maps = [#i, #i], iterator_types = ["parallel"]}}
      ins(%x : {one}) outs(%e : {two}) {{
  ^bb0(%v: {source}, %unused: {target}):
    %y = {operation} : {source}{"" if source == target else " to " + target}
    linalg.yield %y : {target}
  }} -> {two}
  return %r : {two}
}}
"""


@model(f"""
share.param @w : tensor<24x40xf32> = {dense(W)}
func.func @main(%x: tensor<5x24xf32>) -> tensor<5x40xf32> {{
  %w = share.get @w : tensor<24x40xf32>
  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : tensor<5x40xf32>
  %f = linalg.fill ins(%zero : f32) outs(%e : tensor<5x40xf32>) -> tensor<5x40xf32>
  %r = linalg.matmul ins(%x, %w : tensor<5x24xf32>, tensor<24x40xf32>)
      outs(%f : tensor<5x40xf32>) -> tensor<5x40xf32>
  return %r : tensor<5x40xf32>
}}
""", normal(5, 24))
def parameter(x):
    return x @ W


@model("""
func.func @main(%x: tensor<3x4xf32>, %y: tensor<3x4xf32>) -> (tensor<3x4xf32>, tensor<3x4xf32>) {
  %a = tosa.add %x, %y : (tensor<3x4xf32>, tensor<3x4xf32>) -> tensor<3x4xf32>
  %b = tosa.tanh %a : (tensor<3x4xf32>) -> tensor<3x4xf32>
  return %a, %b : tensor<3x4xf32>, tensor<3x4xf32>
}
""", normal(3, 4), normal(3, 4))
def tosa(x, y):
    return x + y, np.tanh(x + y)


@model("""
func.func @main(%x: tensor<6x9xf32>) -> tensor<9x6xf32> {
  %e = tensor.empty() : tensor<9x6xf32>
  %r = linalg.transpose ins(%x : tensor<6x9xf32>) outs(%e : tensor<9x6xf32>) permutation = [1, 0]
  return %r : tensor<9x6xf32>
}
""", normal(6, 9))
def transpose(x):
    return x.T


@model(elementwise("f32", "f32", "math.sin %v"), normal(37))
def library_call(x):
    return np.sin(x)


@model(elementwise("f16", "f16", "arith.addf %v, %v"), normal(37, dtype=np.float16))
def half(x):
    return x + x


@model(elementwise("f16", "f16", "math.exp %v"), normal(37, dtype=np.float16))
def half_exponential(x):
    return np.exp(x)


@model(elementwise("f64", "f16", "arith.truncf %v"), normal(37, dtype=np.float64))
def double_to_half(x):
    return x.astype(np.float16)


@model(elementwise("f32", "bf16", "arith.truncf %v"), normal(37))
def float_to_brain(x):
    return to_brain(x)


@model(elementwise("bf16", "bf16", "arith.mulf %v, %v"),
       RANDOM.integers(0x3f00, 0x4000, 37).astype(np.uint16))
def brain(x):
    wide = (x.astype(np.uint32) << 16).view(np.float32)
    return to_brain(wide * wide)


@model(elementwise("f64", "f64", "math.exp %v"), normal(37, dtype=np.float64))
def double(x):
    return np.exp(x)


@model(elementwise("i64", "i64", "arith.muli %v, %v"), RANDOM.integers(-9, 9, 37))
def integers(x):
    return x * x


@model(elementwise("i1", "i1", "arith.xori %v, %v"), RANDOM.integers(0, 2, 37) > 0)
def booleans(x):
    return x ^ x


@model(elementwise("i8", "f32", "arith.sitofp %v"),
       RANDOM.integers(-128, 127, 37).astype(np.int8))
def bytes_to_float(x):
    return x.astype(np.float32)


def to_brain(x):
    """The upper half of a float's bits, rounded to even."""
    bits = x.view(np.uint32)
    return ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


class Library:
    """A compiled model through the runtime's C functions."""

    def __init__(self, path):
        self.code = ctypes.CDLL(str(path))
        self.code.lig_model.restype = ctypes.c_void_p
        self.code.lig_last_error.restype = ctypes.c_char_p
        library, weights, self.context = (ctypes.c_void_p() for _ in range(3))
        self.check(self.code.lig_library_from_model(
            ctypes.c_void_p(self.code.lig_model()), None, ctypes.byref(library)))
        self.check(self.code.lig_weights_open(library, None, ctypes.byref(weights)))
        self.check(self.code.lig_context_create(weights, None, ctypes.byref(self.context)))

    def check(self, status):
        if status:
            sys.exit(self.code.lig_last_error().decode())

    def run(self, inputs, outputs):
        def pointers(arrays):
            return (ctypes.c_void_p * len(arrays))(*(a.ctypes.data for a in arrays))
        self.check(self.code.lig_run(self.context, 0, pointers(inputs), pointers(outputs)))


class Emulated:
    """The same by files of tensors."""

    def __init__(self, path, is_brain):
        self.path, self.is_brain = path, is_brain

    def run(self, inputs, outputs):
        command = ["lig-run", self.path]
        for i, array in enumerate(inputs):
            name = f"in{i}"
            kind = TensorProto.BFLOAT16 if self.is_brain else \
                mapping.NP_TYPE_TO_TENSOR_TYPE[array.dtype]
            tensor = TensorProto(data_type=kind, dims=array.shape, raw_data=array.tobytes())
            file = self.path.with_suffix(f".{name}.pb")
            file.write_bytes(tensor.SerializeToString())
            command += ["--input", f"{name}=@{file}"]
        files = [self.path.with_suffix(f".out{i}.pb") for i in range(len(outputs))]
        for i, file in enumerate(files):
            command += ["--output", f"out{i}=@{file}"]
        subprocess.run(command, check=True)
        for file, output in zip(files, outputs):
            tensor = TensorProto.FromString(file.read_bytes())
            output[...] = np.frombuffer(tensor.raw_data, output.dtype).reshape(output.shape)


def compare(name, got, want):
    if want.dtype.kind == "f":
        limit = np.finfo(want.dtype).eps * 16 * max(1, np.abs(want).max())
        right = np.allclose(got, want, rtol=0, atol=limit)
    else:
        right = np.array_equal(got, want)
    if not right:
        print(f"{name}: WRONG\n{got.ravel()[:8]}\n{want.ravel()[:8]}")
    return right


def main():
    ligc, out, *options = sys.argv[1:]
    folder = pathlib.Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    wrong = 0
    for name, text, inputs, reference in MODELS:
        source, library = folder / f"{name}.mlir", folder / f"{name}.so"
        source.write_text(text)
        compiled = subprocess.run([ligc, str(source), "-o", str(library), *options])
        if compiled.returncode:
            print(f"{name}: exit code {compiled.returncode}")
            wrong += 1
            continue
        want = reference(*inputs)
        want = want if isinstance(want, tuple) else (want,)
        outputs = [np.full(w.shape, 77).astype(w.dtype) for w in want]
        machine = Emulated(library, name == "brain") if IS_EMULATED else Library(library)
        machine.run([np.ascontiguousarray(x) for x in inputs], outputs)
        wrong += not all([compare(name, *pair) for pair in zip(outputs, want)])
    print(f"{len(MODELS)} models, {wrong} wrong")


if __name__ == "__main__":
    main()

"""Single kernels for `gpu`, as text, with the bytes or products that they take."""
import dataclasses

import suite

ROWS, COLUMNS = 8192, 4096
STEPS = 100


def function(arguments, result, body):
    return f"""#a = affine_map<(i, j) -> (i, j)>
func.func @main({arguments}) -> {result} {{
{body}}}
"""


def scale(columns, rows=ROWS):
    """y = 2 x + 1 of each element."""
    t = f"tensor<{rows}x{columns}xf32>"
    return function(f"%x: {t}", t, f"""  %two = arith.constant 2.0 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : {t}
  %y = linalg.generic {{indexing_maps = [#a, #a], iterator_types = ["parallel", "parallel"]}}
      ins(%x : {t}) outs(%e : {t}) {{
  ^bb0(%v: f32, %o: f32):
    %m = arith.mulf %v, %two : f32
    %s = arith.addf %m, %one : f32
    linalg.yield %s : f32
  }} -> {t}
  return %y : {t}
""")


def sums(arguments, result, operation, behind=""):
    """What `operation` adds to zeros; `behind` its outputs comes the rest of it."""
    return function(arguments, result, f"""  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : {result}
  %f = linalg.fill ins(%zero : f32) outs(%e : {result}) -> {result}
  %y = {operation} outs(%f : {result}) {behind or '-> ' + result}
  return %y : {result}
""")


def row_sums(columns, rows=ROWS):
    t = f"tensor<{rows}x{columns}xf32>"
    return sums(f"%x: {t}", f"tensor<{rows}xf32>",
                f"linalg.reduce {{ arith.addf }} ins(%x : {t})", "dimensions = [1]")


def product(size, element="f32"):
    """f32 sums of products of `element`."""
    n = f"tensor<{size}x{size}x{element}>"
    return sums(f"%x: {n}, %w: {n}", f"tensor<{size}x{size}xf32>",
                f"linalg.matmul ins(%x, %w : {n}, {n})")


def convolution(size, channels):
    """3x3 taps, as many channels in as out."""
    x = f"tensor<1x{size + 2}x{size + 2}x{channels}xf32>"
    w = f"tensor<3x3x{channels}x{channels}xf32>"
    return sums(f"%x: {x}, %w: {w}", f"tensor<1x{size}x{size}x{channels}xf32>",
                f"linalg.conv_2d_nhwc_hwcf ins(%x, %w : {x}, {w})")


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A function as text, or the arguments of networks/kernel.py; its bytes or
    operations, what their rate is called, and the precision of products."""
    source: str
    amount: float = 0
    unit: str = ""
    compute: str = "f32"

    def write(self, out, name):
        """The model's file."""
        if self.source.startswith("#"):
            path = out / f"{name}.mlir"
            path.write_text(self.source)
        else:
            path = out / f"{name}.onnx"
            suite.run_builder("kernel.py", path, self.source.split())
        return path


BYTES = 4 * ROWS * COLUMNS
# In the order of importance, the first first.
KERNELS = {
    "elementwise": Kernel(scale(COLUMNS), 2 * BYTES, "gb_s"),
    "layer-norm": Kernel(f"norm {ROWS} {COLUMNS}", 2 * BYTES, "gb_s"),
    "product-4096-bf16": Kernel(product(4096, "bf16"), 2 * 4096**3, "gflop_s", "bf16"),
    "softmax": Kernel(f"softmax {ROWS} {COLUMNS}", 2 * BYTES, "gb_s"),
    "row-sums": Kernel(row_sums(COLUMNS), BYTES, "gb_s"),
    "product-4096-tf32": Kernel(product(4096), 2 * 4096**3, "gflop_s", "tf32"),
    "product-4096-f16": Kernel(product(4096, "f16"), 2 * 4096**3, "gflop_s", "f16"),
    "product-4096": Kernel(product(4096), 2 * 4096**3, "gflop_s"),
    "product-1024": Kernel(product(1024), 2 * 1024**3, "gflop_s"),
    "convolution-96-bf16": Kernel(convolution(96, 256), 2 * 9 * (96 * 256)**2,
                                  "gflop_s", "bf16"),
}
# Small ones for compute-sanitizer; the last by warpgroups, whose copies and
# barriers are worth a look.
SANITIZED = {
    "small-elementwise": Kernel(scale(37, 5)), "small-sums": Kernel(row_sums(100, 7)),
    "long-sums": Kernel(row_sums(3000, 3)), "small-product": Kernel(product(45)),
    "small-norm": Kernel("norm 7 300"), "small-lstm": Kernel("lstm 40 3"),
    "large-product": Kernel(product(1280, "bf16"), compute="bf16"),
}

"""A layer on tensor cores, emulated, in each precision, against NumPy: inputs are
rounded to it, sums are f32. Also that the kernel's products are those, and that what
is multiplied in 16 bits is stored in 16 bits. What is multiplied in tf32 is stored
rounded to it, so that kernels round data only, and exactly if anything else reads it."""
import pathlib
import sys

from dense_layer import BOUNDS, DenseLayer


def check(layer, compute):
    error = layer.error(compute)
    size = layer.parameter_bytes(compute)
    width = 4 if compute == "tf32" else 2
    # Rounding shows, and no more than it may.
    good = (1e-7 < error < BOUNDS[compute]
            and width * WEIGHTS <= size <= width * WEIGHTS + 1024
            and f".f32.{compute}.{compute}.f32" in layer.ptx(compute))
    print("PASS" if good else "FAIL", compute, f"error {error:.1e} of the terms' magnitude,",
          f"{size} bytes")
    return good


def check_tf32(layer, reused):
    """Rounding of both operands is all that tells results from those of f32."""
    error = layer.error_of_sums()
    roundings = layer.ptx("tf32").count("cvt.rna.tf32.f32")
    good = error < 1e-6 and (not reused or (layer.run("tf32", "z") == layer.weight).all())
    print("PASS" if good else "FAIL", "tf32, weight", "used twice" if reused else "used once",
          f"error of sums {error:.1e} of the terms' magnitude, {roundings} roundings")
    return good, roundings


WEIGHTS = 80 * 96
LAYER = DenseLayer(pathlib.Path(sys.argv[1]), rows=64, columns=80, sums=96)
GOOD = [check(LAYER, compute) for compute in BOUNDS]
REUSED = DenseLayer(pathlib.Path(sys.argv[1]) / "reused", rows=64, columns=80, sums=96, reused=True)
(once, few), (twice, many) = check_tf32(LAYER, False), check_tf32(REUSED, True)
if not few < many:
    print("FAIL a weight is rounded in each run")
sys.exit(not all([*GOOD, once, twice, few < many]))

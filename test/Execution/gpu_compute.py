"""A layer on tensor cores, emulated, in each precision, against NumPy: inputs are
rounded to it, sums are f32. Also that the kernel's products are those, and that what
is multiplied in 16 bits is stored in 16 bits."""
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


WEIGHTS = 80 * 96
LAYER = DenseLayer(pathlib.Path(sys.argv[1]), rows=64, columns=80, sums=96)
sys.exit(not all([check(LAYER, compute) for compute in BOUNDS]))

"""What tells lig-run for which machine it compiles a test's models, and what may
depend on it."""
import os

import numpy as np

# Set by emulated.py: tools run everything as a GPU's kernels, in the emulator.
IS_EMULATED = "LIGATURE_EMULATED" in os.environ


def option(machine):
    """For a name of a CPU, or `emulate` for a GPU's kernels run on this CPU."""
    return "--device=emulate" if machine == "emulate" else f"--mcpu={machine}"


def same(a, b):
    """Whether two ways to compute a result agree: bit by bit on a CPU; on a GPU, where
    a loop is one kernel and sums in an order of its own, but for rounding."""
    if not IS_EMULATED:
        return a.tobytes() == b.tobytes()
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-5, atol=1e-5 * np.abs(a).max())

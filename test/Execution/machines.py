"""What tells lig-run for which machine it compiles a test's models."""


def option(machine):
    """For a name of a CPU, or `emulate` for a GPU's kernels run on this CPU."""
    return "--device=emulate" if machine == "emulate" else f"--mcpu={machine}"

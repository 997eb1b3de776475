"""Runs small networks of docs/examples/patterns' kind by the tools, for the tests
that make such networks; the command line of those tests."""
import os
import pathlib
import subprocess
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "docs/examples/patterns"))
from networks import Network, convolve


def call(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise RuntimeError(" ".join(command) + "\n" + done.stdout + done.stderr[:2000])


def compile_and_run(tools, path, inputs, base, *flags):
    """The output y of the model at `path`; files of the run begin with `base`."""
    ligc, lig_run = tools
    call(ligc, path, "-o", base + ".so", *flags)
    arguments = []
    for name, value in inputs.items():
        np.save(f"{base}.{name}.npy", value)
        arguments += ["--input", f"{name}=@{base}.{name}.npy"]
    call(lig_run, base + ".so", *arguments, "--output", f"y=@{base}.y.npy")
    return np.load(base + ".y.npy")


def main(check, networks):
    """Runs check(make, (ligc, lig_run), out) for the networks that are named, or all."""
    binaries, out, *names = sys.argv[1:]
    os.makedirs(out, exist_ok=True)
    tools = [os.path.join(binaries, tool) for tool in ("ligc", "lig-run")]
    chosen = [make for make in networks if not names or make.__name__ in names]
    wrong = sum(not check(make, tools, out) for make in chosen)
    print(f"{len(chosen)} networks, {wrong} wrong")
    sys.exit(wrong != 0)

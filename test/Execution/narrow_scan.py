#!/usr/bin/python3
"""Recurrent networks whose weights are bytes or codes in a persistent kernel agree
with the same weights on a CPU, in any order of threads.

  narrow_scan.py LIG_RUN CASES OUT
"""
import pathlib
import subprocess
import sys

import numpy as np
from onnx import TensorProto


def run(lig_run, folder, out, *options):
    out.mkdir(parents=True, exist_ok=True)
    inputs = []
    for path in sorted((folder / "test_data_set_0").glob("input_*.pb")):
        name = TensorProto.FromString(path.read_bytes()).name
        inputs += ["--input", f"{name}=@{path}"]
    subprocess.run([lig_run, folder / "model.onnx", *inputs, "--output-dir", out, *options],
                   check=True, stdout=subprocess.DEVNULL)
    return {path.name: np.load(path) for path in out.glob("*.npy")}


def main():
    lig_run, cases, out = sys.argv[1], *map(pathlib.Path, sys.argv[2:])
    wrong = 0
    for name in ("lstm_on_lstm", "gru_on_gru", "lstm_both_ways"):
        for weights in ("int8", "codebook4"):
            folder, kind = cases / f"test_{name}", f"--weights={weights}"
            want = run(lig_run, folder, out / "cpu", kind)
            for schedule in ("forward", "backward"):
                got = run(lig_run, folder, out / "gpu", kind, "--device=emulate",
                          f"--schedule={schedule}")
                error = max(np.abs(got[key] - want[key]).max() for key in want)
                print("PASS" if error < 1e-5 else "FAIL", name, weights, schedule,
                      f"error {error:.1e}")
                wrong += not error < 1e-5
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()

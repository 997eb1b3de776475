"""Builds each network of the suite at a small size, compiles it and compares its
outputs with those of the NumPy interpreter; where a builder writes a copy of a
weight per use, that file must give the same.

  networks.py LIG_BENCH_FOLDER LIGC OUT [NAME...]
"""
import dataclasses
import os
import pathlib
import subprocess
import sys

import numpy as np
import onnx

sys.path.insert(0, sys.argv[1])
import interpret
import measure
import suite
from peers import ligature


def run(model, folder, feeds):
    artefact, _ = ligature.compile_model(model, folder, 1)
    session = ligature.Session(artefact, 1)
    session.bind(feeds)
    session.run()
    return session.outputs()


def check(network, folder, options):
    """A complaint, or nothing."""
    small = dataclasses.replace(network, options=network.small)
    model = small.build(folder, batch=2, extra=options)
    loaded = onnx.load(str(model))
    onnx.checker.check_model(loaded)
    with np.load(folder / "inputs.npz") as arrays:
        feeds = dict(arrays)
    expected = interpret.reference(loaded, feeds)
    try:
        outputs = run(model, folder, feeds)
    except (subprocess.CalledProcessError, RuntimeError) as error:
        return str(error)
    largest = max(np.abs(value).max() for value in expected.values())
    if not 1e-3 < largest < 1e6:
        return f"outputs of magnitude {largest} say nothing"
    error = measure.difference(outputs, expected)
    return f"differs by {error:.1e}" if error > network.tolerance else None


def main():
    out = pathlib.Path(sys.argv[3])
    os.environ["LIGATURE_LIGC"] = sys.argv[2]
    failed = 0
    for network in suite.NETWORKS:
        if len(sys.argv) > 4 and network.name not in sys.argv[4:]:
            continue
        for name, options in (("shared", []), *([("copies", ["--copies"])]
                                                if network.copies else [])):
            complaint = check(network, out / network.name / name, options)
            failed += bool(complaint)
            print("FAIL" if complaint else "PASS", network.name, name, complaint or "")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Runs networks with independent uses of a weight, joined and apart.

Joining must not change a bit where kernels keep the order of sums, so outputs
are compared bit for bit unless a case says otherwise. The joint form is forced:
whether it gains is another question.

  batch-uses.py NETWORKS LIGC LIG-RUN OUT
"""
import pathlib
import subprocess
import sys

import numpy as np
import onnx

FORCE = "share:builtin.module(func.func(net-batch-uses{force}),canonicalize,cse)"


def run(runner, ligc, path, out, name, flags):
    library = out / f"{name}.so"
    subprocess.run([ligc, path, "-o", library, *flags], check=True)
    random = np.random.RandomState(1)
    arguments = []
    model = onnx.load(path)
    for value in model.graph.input:
        shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
        file = out / f"{value.name}.npy"
        np.save(file, random.standard_normal(shape).astype(np.float32))
        arguments += ["--input", f"{value.name}=@{file}"]
    folder = out / name
    folder.mkdir(exist_ok=True)
    subprocess.run([runner, library, "--output-dir", folder, *arguments],
                   check=True, stdout=subprocess.DEVNULL)
    return {v.name: np.load(folder / f"{v.name}.npy")
            for v in model.graph.output}


def main():
    networks, ligc, runner, out = sys.argv[1:]
    sys.path.insert(0, networks)
    import siamese

    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    cases = {
        "siamese": lambda p: siamese.build(p, branches=2, size=16),
        "triplet-of-copies": lambda p: siamese.build(p, branches=3, size=16,
                                                     copies=True),
        "dense": lambda p: siamese.build(p, branches=5, size=48, kind="dense"),
    }
    for name, build in cases.items():
        path = str(out / f"{name}.onnx")
        build(path)
        apart = run(runner, ligc, path, out, "apart", ["--no-batch"])
        for how, flags in {"forced": [f"--run-after={FORCE}"],
                           "by default": []}.items():
            joint = run(runner, ligc, path, out, "joint", flags)
            same = all(np.array_equal(apart[key], joint[key]) for key in apart)
            print(f"{name}, {how}: {'the same' if same else 'DIFFERENT'}")
            if not same:
                sys.exit(1)


if __name__ == "__main__":
    main()

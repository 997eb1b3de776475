"""Writes what an example's training code computes for its held-out data.

The committed weights must keep the promises of the page by themselves, before
any compiler is involved: the example's check.py reads these files.

  numpy-outputs.py ROOT/docs/examples/NAME OUT
"""
import importlib.util
import os
import pathlib
import sys

import numpy as np
from onnx import load, numpy_helper

sys.dont_write_bytecode = True


def main():
    example, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    os.makedirs(out, exist_ok=True)
    spec = importlib.util.spec_from_file_location("train", example / "train.py")
    train = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(train)
    model = {"digits": "model", "autoencoder": "autoencoder", "char-lm": "sequence"}
    graph = load(str(example / f"{model[example.name]}.onnx")).graph
    weights = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    for path in (example / "data").glob("*.npy"):
        data = np.load(path)
        if path.stem == "y":
            continue
        if example.name == "char-lm":
            state = np.zeros((1, train.HIDDEN), "f4")
            result = train.forward(weights, data[:, None], state, state, 1)[0][:, 0]
        else:
            result = train.forward(weights, data)[0]
        np.save(out / path.name, result)


if __name__ == "__main__":
    main()

"""Checks the logits that the compiled digit classifier gave for the held-out images.

Recomputes them in numpy from the weights in model.onnx, then prints the share
of images that were recognised. Exits 1 when it is below what the page promises.

  check.py LOGITS.npy
"""
import pathlib
import sys

import numpy as np
from onnx import load, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
ACCURACY_AT_LEAST, TOLERANCE, REFINEMENTS = 0.97, 1e-4, 3


def convolve(x, filters, bias):
    """3x3, one pixel of zeros around: one tap after the other, in float64."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    out = np.zeros((len(x), len(filters), 8, 8)) + bias[:, None, None]
    for i in range(3):
        for j in range(3):
            part = padded[:, :, i : i + 8, j : j + 8]
            out += np.einsum("nchw,oc->nohw", part, filters[:, :, i, j])
    return out


def reference(w, x):
    h = convolve(x, w["stem.weight"], w["stem.bias"]).clip(0)
    for _ in range(REFINEMENTS):
        h = h + convolve(h, w["refine.weight"], w["refine.bias"]).clip(0)
    rows = np.maximum(h[:, :, 0::2], h[:, :, 1::2])
    pooled = np.maximum(rows[..., 0::2], rows[..., 1::2])
    return pooled.reshape(len(x), -1) @ w["fc.weight"].T + w["fc.bias"]


def main():
    graph = load(HERE / "model.onnx").graph
    weights = {t.name: numpy_helper.to_array(t).astype(np.float64)
               for t in graph.initializer}
    x, y = np.load(HERE / "data/x.npy"), np.load(HERE / "data/y.npy")
    logits = np.load(sys.argv[1])

    expected = reference(weights, x.astype(np.float64))
    difference = abs(logits - expected).max() / abs(expected).max()
    print(f"largest difference from numpy {difference:.1e} of the largest logit")
    accuracy = (logits.argmax(1) == y).mean()
    print(f"accuracy {accuracy:.4f} ({len(y)} images)")
    if not difference <= TOLERANCE:
        sys.exit(f"check.py: the logits differ from numpy by more than {TOLERANCE}")
    if not accuracy >= ACCURACY_AT_LEAST:
        sys.exit(f"check.py: the accuracy is below {ACCURACY_AT_LEAST}")


if __name__ == "__main__":
    main()

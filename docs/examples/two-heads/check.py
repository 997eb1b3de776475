"""Compares both heads on the held-out digits with numpy, and asks for what they
are worth.

  check.py LOGITS.npy EVEN_LOGIT.npy
"""
import sys

import numpy as np
import onnx
from onnx import numpy_helper

import train_head


def close(got, want, what):
    difference = np.abs(got - want).max() / np.abs(want).max()
    print(f"{what}: largest difference {difference:.1e} of the largest magnitude")
    assert got.shape == want.shape and difference < 1e-4


def main():
    logits, even = np.load(sys.argv[1]), np.load(sys.argv[2])
    _, _, x, y = train_head.digits.data()
    weights = train_head.load_backbone()
    want, kept = train_head.digits.forward(weights, x)
    close(logits, want, "logits")
    model = onnx.load(str(train_head.HERE / "parity.onnx"))
    head = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    close(even, kept[2] @ head["even.weight"].T + head["even.bias"], "even_logit")
    digit = (logits.argmax(1) == y).mean()
    parity = ((even[:, 0] > 0) == (y % 2 == 0)).mean()
    print(f"right: digit {digit:.1%}, parity {parity:.1%}")
    assert digit > 0.97 and parity > 0.97


if __name__ == "__main__":
    main()

"""Trains a second head on the digit classifier's backbone and writes
parity.onnx.

The backbone is docs/examples/digits as it is: its weights stay. The new head is
a logistic regression on its features that says whether a digit is even. As after
any transfer learning, parity.onnx is a whole network with a copy of the backbone.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "digits"))
import train as digits  # noqa: E402

STEPS, RATE, DECAY = 2000, 0.1, 1e-4


def load_backbone():
    model = onnx.load(str(HERE.parent / "digits/model.onnx"))
    return {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}


def features(weights, x):
    return digits.forward(weights, x)[1][2]


def train_head(inputs, even):
    """Full-batch gradient descent on the logistic loss."""
    scale = np.float32(1 / inputs.std())
    weight, bias = np.zeros(inputs.shape[1], "f4"), np.float32(0)
    for _ in range(STEPS):
        odds = 1 / (1 + np.exp(-(inputs * scale @ weight + bias)))
        error = (odds - even) / len(even)
        weight -= np.float32(RATE) * (inputs.T @ error * scale + np.float32(DECAY) * weight)
        bias -= np.float32(RATE) * error.sum()
    return (weight * scale)[None].astype("f4"), np.array([bias], "f4")


def export(weight, bias, path):
    """The classifier with its last layer replaced."""
    model = onnx.load(str(HERE.parent / "digits/model.onnx"))
    graph = model.graph
    graph.name = "parity"
    layer = graph.node[-1]
    assert layer.op_type == "Gemm" and list(layer.output) == ["logits"]
    layer.input[1:] = ["even.weight", "even.bias"]
    layer.output[:] = ["even_logit"]
    layer.name = "even_logit"
    kept = [t for t in graph.initializer if not t.name.startswith("fc.")]
    del graph.initializer[:]
    graph.initializer.extend(kept + [numpy_helper.from_array(weight, "even.weight"),
                                     numpy_helper.from_array(bias, "even.bias")])
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(
        "even_logit", onnx.TensorProto.FLOAT, ["N", 1]))
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))


def main():
    x, y, held_x, held_y = digits.data()
    weights = load_backbone()
    weight, bias = train_head(features(weights, x), (y % 2 == 0).astype("f4"))
    export(weight, bias, HERE / "parity.onnx")
    right = ((features(weights, held_x) @ weight.T + bias)[:, 0] > 0) == (held_y % 2 == 0)
    print(f"held-out accuracy {right.mean():.4f} ({len(right)} images)")


if __name__ == "__main__":
    main()

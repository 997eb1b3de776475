"""Trains the tied autoencoder; writes its weights, its ONNX and data/.

The decoder is the encoder transposed, so two matrices make four layers:

    h = relu(x W0' + b0);  z = relu(h W1' + b1)
    g = relu(z W1  + c1);  y = sigmoid(g W0 + c0)        (' is the transpose)

It learns to remove noise from the digits of python3-sklearn and therefore
rebuilds badly what is not a digit. autoencoder.mlir, which is written by hand,
reads the same autoencoder.safetensors. The last 360 images are held out.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import safetensors_file  # noqa: E402
from adam import Adam, cosine  # noqa: E402

PIXELS, HIDDEN, CODE, HELD_OUT = 64, 48, 16, 360
NOISE, EPOCHS, BATCH = 0.25, 500, 128


def noisy(random, x):
    return x + NOISE * random.standard_normal(x.shape).astype("f4")


def initial(random):
    def glorot(rows, columns):
        scale = np.sqrt(2 / (rows + columns))
        return (random.standard_normal((rows, columns)) * scale).astype("f4")

    return {
        "encoder0": glorot(HIDDEN, PIXELS),
        "encoder1": glorot(CODE, HIDDEN),
        "encoder0.bias": np.zeros(HIDDEN, "f4"),
        "encoder1.bias": np.zeros(CODE, "f4"),
        "decoder1.bias": np.zeros(HIDDEN, "f4"),
        "decoder0.bias": np.full(PIXELS, -1, "f4"),
    }


def forward(weights, x):
    h = np.maximum(x @ weights["encoder0"].T + weights["encoder0.bias"], 0)
    z = np.maximum(h @ weights["encoder1"].T + weights["encoder1.bias"], 0)
    g = np.maximum(z @ weights["encoder1"] + weights["decoder1.bias"], 0)
    y = 1 / (1 + np.exp(-(g @ weights["encoder0"] + weights["decoder0.bias"])))
    return y, (h, z, g)


def backward(weights, x, kept, d_logits):
    """`d_logits` is the gradient before the sigmoid. A tied matrix collects
    one outer product from the encoder and one from the decoder."""
    h, z, g = kept
    d_g = (d_logits @ weights["encoder0"].T) * (g > 0)
    d_z = (d_g @ weights["encoder1"].T) * (z > 0)
    d_h = (d_z @ weights["encoder1"]) * (h > 0)
    return {
        "encoder0": g.T @ d_logits + d_h.T @ x,
        "encoder1": z.T @ d_g + d_z.T @ h,
        "encoder0.bias": d_h.sum(0),
        "encoder1.bias": d_z.sum(0),
        "decoder1.bias": d_g.sum(0),
        "decoder0.bias": d_logits.sum(0),
    }


def train(x):
    random = np.random.default_rng(3)
    weights = initial(random)
    adam = Adam(weights)
    steps = EPOCHS * (len(x) // BATCH)
    for epoch in range(EPOCHS):
        order, losses = random.permutation(len(x)), []
        for start in range(0, len(x) - BATCH + 1, BATCH):
            clean = x[order[start : start + BATCH]]
            dirty = noisy(random, clean)
            y, kept = forward(weights, dirty)
            losses.append(((y - clean) ** 2).mean())
            d_logits = (y - clean) * y * (1 - y) * (2 / BATCH)
            gradients = backward(weights, dirty, kept, d_logits)
            adam.step(gradients, cosine(adam.steps, steps, 3e-3))
        if epoch % 100 == 99:
            print(f"epoch {epoch + 1}: training error {np.mean(losses):.5f}")
    return weights


def anomalies(random, x):
    """What is not a digit but has a digit's ink: a third each with shuffled
    pixels, with rows in another order, and halves of two images joined."""
    wrong = x.reshape(-1, 8, 8).copy()
    for i in range(0, len(wrong), 3):
        wrong[i] = random.permutation(wrong[i].ravel()).reshape(8, 8)
    for i in range(1, len(wrong), 3):
        wrong[i] = wrong[i][random.permutation(8)]
    for i in range(2, len(wrong), 3):
        other = x[random.integers(len(x))].reshape(8, 8)
        wrong[i, 4:] = other[:4]
    return wrong.reshape(x.shape)


def export(weights, path):
    """Both uses of a matrix name one initializer; the decoder transposes it."""
    nodes = []

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def dense(value, matrix, bias, output, activation):
        linear = node("Gemm", [value, matrix, bias], output + "_linear", transB=1)
        return node(activation, [linear], output)

    h = dense("x", "encoder0", "encoder0.bias", "h", "Relu")
    z = dense(h, "encoder1", "encoder1.bias", "z", "Relu")
    decoder1 = node("Transpose", ["encoder1"], "decoder1", perm=[1, 0])
    g = dense(z, decoder1, "decoder1.bias", "g", "Relu")
    decoder0 = node("Transpose", ["encoder0"], "decoder0", perm=[1, 0])
    dense(g, decoder0, "decoder0.bias", "y", "Sigmoid")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "autoencoder",
        [value("x", TensorProto.FLOAT, ["N", PIXELS])],
        [value("y", TensorProto.FLOAT, ["N", PIXELS])],
        [numpy_helper.from_array(w, k) for k, w in weights.items()])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def main():
    x = (load_digits().data / 16).astype(np.float32)
    weights = train(x[:-HELD_OUT])
    safetensors_file.save(HERE / "autoencoder.safetensors", weights)
    export(weights, HERE / "autoencoder.onnx")
    random, clean = np.random.default_rng(11), x[-HELD_OUT:]
    np.save(HERE / "data/clean.npy", clean)
    np.save(HERE / "data/noisy.npy", noisy(random, clean))
    np.save(HERE / "data/anomalies.npy", anomalies(random, clean))


if __name__ == "__main__":
    main()

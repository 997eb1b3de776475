"""Trains the digit classifier and writes model.onnx and data/.

The network is a small residual CNN whose middle block is one convolution
applied three times with the same weights:

    h = relu(stem(x));  3 x: h = h + relu(refine(h));  logits = fc(maxpool(h))

Data are the 1797 UCI handwritten digits of python3-sklearn. The last 360 images
are held out: nothing but the accuracy printed at the end is computed from them.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from adam import Adam, cosine  # noqa: E402

CHANNELS, REPEATS, HELD_OUT = 24, 3, 360
EPOCHS, BATCH = 40, 64


def data():
    digits = load_digits()
    x = (digits.images / 16).astype(np.float32)[:, None]
    y = digits.target.astype(np.int64)
    return x[:-HELD_OUT], y[:-HELD_OUT], x[-HELD_OUT:], y[-HELD_OUT:]


def initial(random):
    def he(*shape):
        fan_in = np.prod(shape[1:])
        return (random.standard_normal(shape) * np.sqrt(2 / fan_in)).astype("f4")

    c = CHANNELS
    return {
        "stem.weight": he(c, 1, 3, 3),
        "stem.bias": np.zeros(c, "f4"),
        "refine.weight": he(c, c, 3, 3) * np.float32(0.5),
        "refine.bias": np.zeros(c, "f4"),
        "fc.weight": he(10, c * 16) * np.float32(0.5),
        "fc.bias": np.zeros(10, "f4"),
    }


def patches(x):
    """[n,h,w,c] -> [n*h*w, 9*c]: the 3x3 neighbourhood of every pixel."""
    n, h, w, c = x.shape
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    parts = [padded[:, i : i + h, j : j + w] for i in range(3) for j in range(3)]
    return np.stack(parts, 3).reshape(n * h * w, 9 * c)


def unpatch(columns, shape):
    """Adds the patches back to their pixels: the transpose of `patches`."""
    n, h, w, c = shape
    columns = columns.reshape(n, h, w, 9, c)
    padded = np.zeros((n, h + 2, w + 2, c), "f4")
    for k in range(9):
        padded[:, k // 3 : k // 3 + h, k % 3 : k % 3 + w] += columns[:, :, :, k]
    return padded[:, 1:-1, 1:-1]


def as_matrix(filters):
    """[o,c,3,3] -> [9*c, o], rows in the order of `patches`."""
    return filters.transpose(2, 3, 1, 0).reshape(-1, filters.shape[0])


def as_filters(matrix, shape):
    o, c, kh, kw = shape
    return matrix.reshape(kh, kw, c, o).transpose(3, 2, 0, 1)


def forward(weights, x):
    """x [n,1,8,8]. Returns the logits and what `backward` needs."""
    h = x.transpose(0, 2, 3, 1)
    kept = []
    for layer in ["stem"] + ["refine"] * REPEATS:
        columns = patches(h)
        out = columns @ as_matrix(weights[layer + ".weight"])
        out = np.maximum(out + weights[layer + ".bias"], 0)
        out = out.reshape(*h.shape[:3], -1)
        kept.append((layer, columns, out, h.shape))
        h = out if layer == "stem" else h + out
    n = len(h)
    blocks = h.reshape(n, 4, 2, 4, 2, CHANNELS).transpose(0, 5, 1, 3, 2, 4)
    blocks = blocks.reshape(n, CHANNELS, 4, 4, 4)
    which = blocks.argmax(-1)
    pooled = blocks.max(-1).reshape(n, -1)
    logits = pooled @ weights["fc.weight"].T + weights["fc.bias"]
    return logits, (kept, which, pooled)


def backward(weights, kept, d_logits):
    layers, which, pooled = kept
    n = len(d_logits)
    gradients = {k: np.zeros_like(w) for k, w in weights.items()}
    gradients["fc.weight"] = d_logits.T @ pooled
    gradients["fc.bias"] = d_logits.sum(0)
    d_pooled = (d_logits @ weights["fc.weight"]).reshape(n, CHANNELS, 4, 4)
    d_blocks = (np.arange(4) == which[..., None]) * d_pooled[..., None]
    d_h = d_blocks.reshape(n, CHANNELS, 4, 4, 2, 2).transpose(0, 2, 4, 3, 5, 1)
    d_h = d_h.reshape(n, 8, 8, CHANNELS).astype("f4")
    for layer, columns, out, shape in reversed(layers):
        d_out = (d_h * (out > 0)).reshape(-1, CHANNELS)
        filters = weights[layer + ".weight"]
        gradients[layer + ".weight"] += as_filters(columns.T @ d_out, filters.shape)
        gradients[layer + ".bias"] += d_out.sum(0)
        if layer != "stem":
            d_h = d_h + unpatch(d_out @ as_matrix(filters).T, shape)
    return gradients


def shifted(random, x):
    """Moves each image by up to one pixel: the only augmentation."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    moved = np.empty_like(x)
    for i, (dy, dx) in enumerate(random.integers(0, 3, (len(x), 2))):
        moved[i] = padded[i, :, dy : dy + 8, dx : dx + 8]
    return moved


def train(x, y):
    random = np.random.default_rng(7)
    weights = initial(random)
    adam = Adam(weights, decay=0.01)
    steps = EPOCHS * (len(x) // BATCH)
    for epoch in range(EPOCHS):
        order, losses = random.permutation(len(x)), []
        for start in range(0, len(x) - BATCH + 1, BATCH):
            pick = order[start : start + BATCH]
            logits, kept = forward(weights, shifted(random, x[pick]))
            odds = np.exp(logits - logits.max(1, keepdims=True))
            odds /= odds.sum(1, keepdims=True)
            losses.append(-np.log(odds[np.arange(BATCH), y[pick]]).mean())
            odds[np.arange(BATCH), y[pick]] -= 1
            rate = cosine(adam.steps, steps, 3e-3)
            adam.step(backward(weights, kept, odds / BATCH), rate)
        if epoch % 10 == 9:
            print(f"epoch {epoch + 1}: training loss {np.mean(losses):.4f}")
    return weights


def export(weights, path):
    """One Conv node a use; the three `refine` nodes name one initializer."""
    nodes = []

    def node(op, inputs, output, **attributes):
        nodes.append(helper.make_node(op, inputs, [output], name=output, **attributes))
        return output

    def conv(layer, value, output):
        return node("Conv", [value, layer + ".weight", layer + ".bias"], output,
                    kernel_shape=[3, 3], pads=[1, 1, 1, 1])

    h = node("Relu", [conv("stem", "x", "stem")], "stem_relu")
    for i in range(REPEATS):
        step = node("Relu", [conv("refine", h, f"refine{i}")], f"refine{i}_relu")
        h = node("Add", [h, step], f"h{i}")
    h = node("MaxPool", [h], "pooled", kernel_shape=[2, 2], strides=[2, 2])
    h = node("Flatten", [h], "features", axis=1)
    node("Gemm", [h, "fc.weight", "fc.bias"], "logits", transB=1)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "digits",
        [value("x", TensorProto.FLOAT, ["N", 1, 8, 8])],
        [value("logits", TensorProto.FLOAT, ["N", 10])],
        [numpy_helper.from_array(w, k) for k, w in weights.items()])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def main():
    x, y, held_x, held_y = data()
    weights = train(x, y)
    export(weights, HERE / "model.onnx")
    np.save(HERE / "data/x.npy", held_x)
    np.save(HERE / "data/y.npy", held_y)
    right = forward(weights, held_x)[0].argmax(1) == held_y
    print(f"held-out accuracy {right.mean():.4f} ({len(right)} images)")


if __name__ == "__main__":
    main()

"""Trains the character language model; writes its weights and two models.

An LSTM reads one character a step. The embedding is also the output layer:

    x = E[token];  h, c = lstm(x, h, c);  logits = h E'      (' is the transpose)

The text is the licences that every Debian system has. Apache-2.0, which shares
no passages with the others, is held out. Runs of blanks count as one blank.

sequence.onnx reads T characters at once, step.onnx reads one and hands the
state back. Both name the same tensors of one file, char-lm.safetensors, as
ONNX external data.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import safetensors_file  # noqa: E402
from adam import Adam, cosine  # noqa: E402

LICENSES = pathlib.Path("/usr/share/common-licenses")
TRAINING = ["GPL-1", "GPL-2", "GPL-3", "LGPL-2", "LGPL-2.1", "LGPL-3", "GFDL-1.2",
            "GFDL-1.3", "MPL-1.1", "MPL-2.0", "Artistic", "BSD", "CC0-1.0"]
HELD_OUT = "Apache-2.0"
HIDDEN, STREAMS, STEPS, EPOCHS, DROPOUT = 96, 16, 64, 28, 0.05
# The 95 printable characters; the vocabulary does not depend on the text.
CHARACTERS = "".join(map(chr, range(32, 127)))


def tokens(name):
    text = (LICENSES / name).read_text(encoding="utf-8", errors="ignore")
    text = " ".join(text.split())
    return np.array([CHARACTERS.index(c) for c in text if c in CHARACTERS])


def initial(random):
    def uniform(*shape):
        return random.uniform(-1, 1, shape).astype("f4") / np.sqrt(HIDDEN, dtype="f4")

    bias = np.zeros((1, 8 * HIDDEN), "f4")
    bias[:, 2 * HIDDEN : 3 * HIDDEN] = 1  # the forget gates start open
    return {
        "embedding": uniform(len(CHARACTERS), HIDDEN),
        "lstm.W": uniform(1, 4 * HIDDEN, HIDDEN),
        "lstm.R": uniform(1, 4 * HIDDEN, HIDDEN),
        "lstm.B": bias,
    }


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def forward(weights, inputs, h, c, keep):
    """inputs [t,b]; `keep` [t,b,H] scales the hidden state on its way out.
    ONNX order of the gates: input, output, forget, cell."""
    x = weights["embedding"][inputs]
    bias = weights["lstm.B"][0].reshape(2, -1).sum(0)
    projected = x @ weights["lstm.W"][0].T + bias
    kept, recurrent = [], np.ascontiguousarray(weights["lstm.R"][0].T)
    for t in range(len(inputs)):
        gates = projected[t] + h @ recurrent
        i, o, f = np.split(sigmoid(gates[:, : 3 * HIDDEN]), 3, axis=1)
        g = np.tanh(gates[:, 3 * HIDDEN :])
        before, c = (h, c), f * c + i * g
        squashed = np.tanh(c)
        h = o * squashed
        kept.append((i, o, f, g, squashed, before, h))
    hidden = np.stack([step[-1] for step in kept]) * keep
    logits = hidden @ weights["embedding"].T
    return logits, h, c, (x, hidden, kept)


def backward(weights, inputs, kept, keep, d_logits):
    x, hidden, steps = kept
    matrix = weights["embedding"]
    d_hidden = d_logits @ matrix * keep
    d_gates = np.empty((*inputs.shape, 4 * HIDDEN), "f4")
    d_h = d_c = np.zeros_like(hidden[0])
    for t in reversed(range(len(inputs))):
        i, o, f, g, squashed, (_, c), _ = steps[t]
        d_h = d_h + d_hidden[t]
        d_c = d_c + d_h * o * (1 - squashed**2)
        parts = [d_c * g * i * (1 - i), d_h * squashed * o * (1 - o),
                 d_c * c * f * (1 - f), d_c * i * (1 - g**2)]
        np.concatenate(parts, axis=1, out=d_gates[t])
        d_c = d_c * f
        d_h = d_gates[t] @ weights["lstm.R"][0]
    flat = d_gates.reshape(-1, 4 * HIDDEN)
    before = np.stack([step[5][0] for step in steps]).reshape(-1, HIDDEN)
    # The tied matrix: what it did as output layer, then as embedding.
    d_embedding = d_logits.reshape(-1, len(matrix)).T @ hidden.reshape(-1, HIDDEN)
    chosen = (inputs.reshape(-1, 1) == np.arange(len(matrix))).astype("f4")
    d_embedding += chosen.T @ (flat @ weights["lstm.W"][0])
    return {
        "embedding": d_embedding,
        "lstm.W": (flat.T @ x.reshape(-1, HIDDEN))[None],
        "lstm.R": (flat.T @ before)[None],
        "lstm.B": np.tile(flat.sum(0), 2)[None],
    }


def loss_and_slope(logits, targets):
    """Mean loss in bits per character, and its gradient in nats."""
    odds = np.exp(logits - logits.max(-1, keepdims=True))
    odds /= odds.sum(-1, keepdims=True)
    right = np.take_along_axis(odds, targets[..., None], -1)
    np.put_along_axis(odds, targets[..., None], right - 1, -1)
    return -np.log2(right).mean(), odds / targets.size


def clip(gradients, limit=1.0):
    norm = np.sqrt(sum((g**2).sum() for g in gradients.values()))
    scale = min(1.0, limit / norm)
    return {k: g * np.float32(scale) for k, g in gradients.items()}


def train(text):
    random = np.random.default_rng(5)
    weights = initial(random)
    adam = Adam(weights)
    length = (len(text) - 1) // STREAMS
    windows = length // STEPS
    for epoch in range(EPOCHS):
        # Another phase each epoch, so that windows start elsewhere.
        text = np.roll(text, -int(random.integers(len(text))))
        streams = text[: length * STREAMS].reshape(STREAMS, length).T
        h = c = np.zeros((STREAMS, HIDDEN), "f4")
        losses = []
        for start in range(0, (windows - 1) * STEPS, STEPS):
            inputs = streams[start : start + STEPS]
            targets = streams[start + 1 : start + STEPS + 1]
            keep = random.random((STEPS, STREAMS, HIDDEN)) >= DROPOUT
            keep = keep.astype("f4") / np.float32(1 - DROPOUT)
            logits, h, c, kept = forward(weights, inputs, h, c, keep)
            loss, slope = loss_and_slope(logits, targets)
            losses.append(loss)
            gradients = clip(backward(weights, inputs, kept, keep, slope))
            adam.step(gradients, cosine(adam.steps, EPOCHS * (windows - 1), 8e-3))
        if epoch % 4 == 3:
            print(f"epoch {epoch + 1}: {np.mean(losses):.3f} bits per character")
    return weights


def initializer(name, shape, place):
    """A tensor whose bytes are in the safetensors file."""
    tensor = TensorProto(name=name, dims=shape, data_type=TensorProto.FLOAT)
    tensor.data_location = TensorProto.EXTERNAL
    offset, size = place
    pairs = {"location": "char-lm.safetensors", "offset": offset, "length": size}
    for key, value in pairs.items():
        tensor.external_data.add(key=key, value=str(value))
    return tensor


def integers(name, values):
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def save_model(name, nodes, inputs, outputs, initializers):
    graph = helper.make_graph(nodes, name, inputs, outputs, initializers)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    path = HERE / f"{name}.onnx"
    path.write_bytes(model.SerializeToString())
    onnx.checker.check_model(str(path), full_check=True)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, name=outputs[0], **attributes)


def export(weights, places):
    value, f32, i64 = helper.make_tensor_value_info, TensorProto.FLOAT, TensorProto.INT64
    shared = [initializer(k, w.shape, places[k]) for k, w in weights.items()]
    lstm = ["lstm.W", "lstm.R", "lstm.B"]
    tie = node("Transpose", ["embedding"], ["output_layer"], perm=[1, 0])
    state = [1, 1, HIDDEN]

    save_model("sequence", [
        node("Gather", ["embedding", "tokens"], ["embedded"], axis=0),
        node("Unsqueeze", ["embedded", "one"], ["x"]),
        node("LSTM", ["x", *lstm], ["y"], hidden_size=HIDDEN),
        node("Squeeze", ["y", "one_two"], ["hidden"]),
        tie,
        node("MatMul", ["hidden", "output_layer"], ["logits"]),
    ], [value("tokens", i64, ["T"])], [value("logits", f32, ["T", len(CHARACTERS)])],
        shared + [integers("one", [1]), integers("one_two", [1, 2])])

    save_model("step", [
        node("Gather", ["embedding", "token"], ["embedded"], axis=0),
        node("Unsqueeze", ["embedded", "one"], ["x"]),
        node("LSTM", ["x", *lstm, "", "h", "c"], ["y", "h_out", "c_out"],
             hidden_size=HIDDEN),
        node("Squeeze", ["h_out", "zero"], ["hidden"]),
        tie,
        node("MatMul", ["hidden", "output_layer"], ["logits"]),
    ], [value("token", i64, [1]), value("h", f32, state), value("c", f32, state)],
        [value("logits", f32, [1, len(CHARACTERS)]),
         value("h_out", f32, state), value("c_out", f32, state)],
        shared + [integers("one", [1]), integers("zero", [0])])


def main():
    weights = train(np.concatenate([tokens(name) for name in TRAINING]))
    places = safetensors_file.save(HERE / "char-lm.safetensors", weights)
    export(weights, places)
    np.save(HERE / "data/held_out.npy", tokens(HELD_OUT).astype(np.int64))


if __name__ == "__main__":
    main()

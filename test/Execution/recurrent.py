#!/usr/bin/python3
"""Writes RNN, LSTM and GRU cases that the ONNX backend suite does not reach.

Directions, peepholes, activation lists, clipping, lengths per sequence, initial
states, both layouts and both forms of GRU, each with the outputs of the plain
NumPy reading of the ONNX specification below (float64, one step and one
sequence at a time). The folder has the layout of the backend suite, so
test/Conformance/run.py runs it.

  recurrent.py OUT
"""
import pathlib
import sys

import numpy as np
from onnx import helper

import suite

STEPS, BATCH, INPUT, HIDDEN = 6, 3, 4, 5

# Gates, biases' width, default activations, states.
KINDS = {
    "RNN": (1, ["Tanh"], 1),
    "GRU": (3, ["Sigmoid", "Tanh"], 1),
    "LSTM": (4, ["Sigmoid", "Tanh", "Tanh"], 2),
}

# name: (function of x, alpha, beta; default alpha; default beta)
ACTIVATIONS = {
    "Relu": (lambda x, a, b: np.maximum(x, 0), None, None),
    "Tanh": (lambda x, a, b: np.tanh(x), None, None),
    "Sigmoid": (lambda x, a, b: 1 / (1 + np.exp(-x)), None, None),
    "Softsign": (lambda x, a, b: x / (1 + abs(x)), None, None),
    "Softplus": (lambda x, a, b: np.log1p(np.exp(x)), None, None),
    "Affine": (lambda x, a, b: a * x + b, 1.0, 0.0),
    "LeakyRelu": (lambda x, a, b: np.where(x < 0, a * x, x), 0.01, None),
    "ThresholdedRelu": (lambda x, a, b: np.where(x > a, x, 0), 1.0, None),
    "ScaledTanh": (lambda x, a, b: a * np.tanh(b * x), 1.0, 1.0),
    "HardSigmoid": (lambda x, a, b: np.clip(a * x + b, 0, 1), 0.2, 0.5),
    "Elu": (lambda x, a, b: np.where(x < 0, a * np.expm1(x), x), 1.0, None),
}


def activations_of(kind, directions, attributes):
    """One list of functions per direction; alphas and betas go, in order, to
    the functions that have one."""
    names = attributes.get("activations", KINDS[kind][1] * directions)
    alphas = list(attributes.get("activation_alpha", []))
    betas = list(attributes.get("activation_beta", []))
    functions = []
    for name in names:
        function, alpha, beta = ACTIVATIONS[name]
        if alpha is not None and alphas:
            alpha = alphas.pop(0)
        if beta is not None and betas:
            beta = betas.pop(0)
        functions.append(lambda x, f=function, a=alpha, b=beta: f(x, a, b))
    each = len(functions) // directions
    return [functions[i * each:(i + 1) * each] for i in range(directions)]


def step(kind, x, state, w, functions, attributes):
    """One step of one sequence: [INPUT], states [HIDDEN] -> new states."""
    clip = attributes.get("clip", np.inf)
    f, g, h = (functions + [None, None])[:3]
    hidden = len(state[0])

    def gate(i, function, from_state, more=0):
        own = slice(i * hidden, (i + 1) * hidden)
        value = w["W"][own] @ x + w["Wb"][own] + from_state(own) + more
        return function(np.clip(value, -clip, clip))

    def recur(own):
        return w["R"][own] @ state[0] + w["Rb"][own]

    if kind == "RNN":
        return [gate(0, f, recur)]
    if kind == "GRU":
        update, reset = gate(0, f, recur), gate(1, f, recur)
        if attributes.get("linear_before_reset"):
            new = gate(2, g, lambda own: reset * recur(own))
        else:
            new = gate(2, g, lambda own: w["R"][own] @ (reset * state[0]) + w["Rb"][own])
        return [(1 - update) * new + update * state[0]]
    peep_i, peep_o, peep_f = np.split(w["P"], 3)
    into = gate(0, f, recur, peep_i * state[1])
    if attributes.get("input_forget"):
        keep = 1 - into
    else:
        keep = gate(2, f, recur, peep_f * state[1])
    cell = keep * state[1] + into * gate(3, g, recur)
    out = gate(1, f, recur, peep_o * cell)
    return [out * h(cell), cell]


def reference(kind, data, attributes):
    """Y, Y_h and for LSTM Y_c, in layout 0."""
    gates, _, states = KINDS[kind]
    directions, _, hidden = data["R"].shape
    steps, batch, _ = data["X"].shape
    lengths = data.get("sequence_lens", np.full(batch, steps))
    functions = activations_of(kind, directions, attributes)
    y = np.zeros((steps, directions, batch, hidden))
    last = np.zeros((states, directions, batch, hidden))
    width = gates * hidden
    for d in range(directions):
        bias = data["B"][d] if "B" in data else np.zeros(2 * width)
        w = {"W": data["W"][d], "R": data["R"][d], "Wb": bias[:width], "Rb": bias[width:],
             "P": data["P"][d] if "P" in data else np.zeros(3 * hidden)}
        backwards = d == 1 or attributes.get("direction") == "reverse"
        for b in range(batch):
            state = [data[name][d, b] if name in data else np.zeros(hidden)
                     for name in ("initial_h", "initial_c")[:states]]
            times = range(lengths[b])
            for t in reversed(times) if backwards else times:
                state = step(kind, data["X"][t, b], state, w, functions[d], attributes)
                y[t, d, b] = state[0]
            last[:, d, b] = state
    return [y, *last]


def transpose(array, name):
    """Between layout 0 and 1: the batch goes first."""
    axes = {"X": (1, 0, 2), "Y": (2, 0, 1, 3)}.get(name, (1, 0, 2))
    return np.ascontiguousarray(array.transpose(axes))


def write_case(out, name, kind, inputs=(), outputs=None, sizes=(STEPS, BATCH, HIDDEN),
               **attributes):
    """`inputs`: which of the optional inputs are given."""
    steps, batch, hidden = sizes
    rng = np.random.default_rng(list(name.encode()))
    gates, _, states = KINDS[kind]
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    shapes = {
        "X": (steps, batch, INPUT), "W": (directions, gates * hidden, INPUT),
        "R": (directions, gates * hidden, hidden), "B": (directions, 2 * gates * hidden),
        "sequence_lens": (batch,), "initial_h": (directions, batch, hidden),
        "initial_c": (directions, batch, hidden), "P": (directions, 3 * hidden),
    }
    order = list(shapes)[: 8 if kind == "LSTM" else 6]
    data = {n: rng.uniform(-1, 1, shapes[n]).astype("f4")
            for n in order if n in ("X", "W", "R", *inputs)}
    if "sequence_lens" in data:
        data["sequence_lens"] = np.array([4, STEPS, 1], "i4")
    names = ["Y", "Y_h", "Y_c"][: 1 + states]
    results = dict(zip(names, reference(kind, data, attributes)))

    if attributes.get("layout"):
        for n in ("X", "initial_h", "initial_c"):
            if n in data:
                data[n] = transpose(data[n], n)
        results = {n: transpose(a, n) for n, a in results.items()}
    results = {n: a.astype("f4") for n, a in results.items()
               if outputs is None or n in outputs}

    node = helper.make_node(kind, [n if n in data else "" for n in order],
                            [n if n in results else "" for n in names],
                            hidden_size=hidden, **attributes)

    suite.write_case(out / "recurrent" / f"test_{name}", [node], data, results, opset=14)


def main():
    out = pathlib.Path(sys.argv[1])
    everything = {"RNN": ("B", "sequence_lens", "initial_h"),
                  "GRU": ("B", "sequence_lens", "initial_h"),
                  "LSTM": ("B", "sequence_lens", "initial_h", "initial_c", "P")}
    for kind, inputs in everything.items():
        for direction in ("forward", "reverse", "bidirectional"):
            base = f"{kind.lower()}_{direction}"
            write_case(out, base, kind, direction=direction)
            write_case(out, base + "_everything", kind, inputs, direction=direction)
            write_case(out, base + "_clip", kind, ("B",), direction=direction, clip=0.3)
            write_case(out, base + "_batchwise", kind, inputs, direction=direction, layout=1)
        write_case(out, f"{kind.lower()}_last_only", kind, ("B",), ["Y_h"])
        write_case(out, f"{kind.lower()}_steps_only", kind, ("B",), ["Y"],
                   direction="reverse")

    for direction in ("forward", "reverse", "bidirectional"):
        write_case(out, f"gru_{direction}_linear_before_reset", "GRU", everything["GRU"],
                   direction=direction, linear_before_reset=1)
        write_case(out, f"lstm_{direction}_peepholes", "LSTM", ("P",), direction=direction)
        write_case(out, f"lstm_{direction}_input_forget", "LSTM", ("B", "P"),
                   direction=direction, input_forget=1)
    write_case(out, "gru_linear_before_reset_clip_batchwise", "GRU", everything["GRU"],
               linear_before_reset=1, clip=0.5, layout=1)
    write_case(out, "lstm_cell_only", "LSTM", everything["LSTM"], ["Y_c"])

    # Vectors of units that are filled, left over or less than one.
    for hidden, batch, steps in ((1, 2, 3), (7, 1, 4), (16, 3, 4), (17, 16, 2), (64, 1, 1),
                                 (100, 2, 3)):
        size = f"{steps}x{batch}x{hidden}"
        for kind in KINDS:
            write_case(out, f"{kind.lower()}_{size}", kind, ("B", "initial_h"),
                       sizes=(steps, batch, hidden))
        write_case(out, f"gru_{size}_linear_before_reset", "GRU", ("B", "initial_h"),
                   ["Y_h"], sizes=(steps, batch, hidden), linear_before_reset=1)

    for name in ACTIVATIONS:
        write_case(out, f"rnn_{name.lower()}", "RNN", ("B",), activations=[name])
    write_case(out, "rnn_two_activations", "RNN", ("B",), direction="bidirectional",
               activations=["LeakyRelu", "Affine"], activation_alpha=[0.2, 0.7],
               activation_beta=[0.1])
    write_case(out, "gru_activation_list", "GRU", ("B",),
               activations=["HardSigmoid", "ScaledTanh"],
               activation_alpha=[0.3, 0.9], activation_beta=[0.4, 0.8])
    write_case(out, "gru_activation_list_bidirectional", "GRU", ("B",),
               direction="bidirectional", linear_before_reset=1,
               activations=["HardSigmoid", "Elu", "Sigmoid", "Softsign"],
               activation_alpha=[0.3, 0.5], activation_beta=[0.4])
    write_case(out, "lstm_activation_list", "LSTM", ("B", "P"),
               activations=["HardSigmoid", "Softsign", "Relu"],
               activation_alpha=[0.25], activation_beta=[0.45])
    write_case(out, "lstm_activation_list_bidirectional", "LSTM", everything["LSTM"],
               direction="bidirectional", clip=2.0,
               activations=["Sigmoid", "ScaledTanh", "Tanh", "HardSigmoid", "Tanh", "Elu"],
               activation_alpha=[1.1, 0.25, 0.6], activation_beta=[0.7, 0.5])


if __name__ == "__main__":
    main()

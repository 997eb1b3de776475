#!/usr/bin/python3
"""Writes recurrent cases whose steps one kernel of a GPU lives through.

Units that do and do not fill blocks, one row and many, lengths, directions,
both forms of GRU and layers on each other; layout and reference are those of
recurrent.py.

  persistent_scan.py OUT
"""
import pathlib
import sys

import numpy as np
from onnx import helper

import suite
from recurrent import KINDS, reference, write_case


def write_stack(out, name, kind, layers, sizes, direction="forward"):
    """Layers whose input are all steps of the one below."""
    steps, batch, hidden = sizes
    rng = np.random.default_rng(list(name.encode()))
    directions = 2 if direction == "bidirectional" else 1
    width = KINDS[kind][0] * hidden
    data = {"x": rng.uniform(-1, 1, (steps, batch, 9)).astype("f4")}
    weights = {"shape": np.array([steps, batch, directions * hidden])}
    nodes, value, name_of = [], data["x"], "x"
    for layer in range(layers):
        own = {"W": (directions, width, value.shape[2]), "R": (directions, width, hidden),
               "B": (directions, 2 * width)}
        own = {key: rng.uniform(-0.7, 0.7, shape).astype("f4") for key, shape in own.items()}
        weights.update({f"{key}{layer}": array for key, array in own.items()})
        attributes = {"direction": direction}
        y, *last = reference(kind, {"X": value, **own}, attributes)
        value = y.transpose(0, 2, 1, 3).reshape(steps, batch, -1)
        nodes += [helper.make_node(kind, [name_of, *(f"{key}{layer}" for key in own)],
                                   [f"y{layer}", f"last{layer}"], hidden_size=hidden,
                                   **attributes),
                  helper.make_node("Transpose", [f"y{layer}"], [f"t{layer}"],
                                   perm=[0, 2, 1, 3]),
                  helper.make_node("Reshape", [f"t{layer}", "shape"], [f"z{layer}"])]
        name_of = f"z{layer}"
    results = {name_of: value, f"last{layers - 1}": last[0]}
    suite.write_case(out / "recurrent" / f"test_{name}", nodes, data,
                     {key: array.astype("f4") for key, array in results.items()}, opset=14,
                     weights=weights)


def main():
    out = pathlib.Path(sys.argv[1])
    everything = ("B", "sequence_lens", "initial_h")
    for kind, steps, batch, hidden in (("RNN", 4, 16, 19), ("GRU", 6, 1, 36), ("GRU", 5, 4, 40),
                                       ("LSTM", 6, 1, 36), ("LSTM", 5, 4, 40)):
        write_case(out, f"{kind.lower()}_{steps}x{batch}x{hidden}", kind, ("B",),
                   sizes=(steps, batch, hidden))
    for kind, direction in (("RNN", "reverse"), ("GRU", "reverse"), ("LSTM", "bidirectional")):
        write_case(out, f"{kind.lower()}_{direction}_lengths", kind, everything,
                   sizes=(6, 3, 24), direction=direction)
    write_case(out, "gru_linear_before_reset", "GRU", everything, sizes=(6, 3, 24),
               linear_before_reset=1)
    write_stack(out, "lstm_on_lstm", "LSTM", 2, (6, 1, 36))
    write_stack(out, "lstm_of_layers", "LSTM", 4, (7, 1, 36))
    write_stack(out, "lstm_of_rows", "LSTM", 2, (5, 16, 20))
    write_stack(out, "rnn_on_rnn", "RNN", 2, (5, 2, 36))
    write_stack(out, "gru_on_gru", "GRU", 3, (5, 3, 24))
    write_stack(out, "rnn_reversed", "RNN", 2, (6, 2, 40), direction="reverse")
    write_stack(out, "lstm_both_ways", "LSTM", 2, (5, 2, 24), direction="bidirectional")
    write_case(out, "lstm_peepholes", "LSTM", ("P", "initial_c"), sizes=(7, 2, 130))


if __name__ == "__main__":
    main()

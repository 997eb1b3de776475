#!/usr/bin/python3
"""Writes recurrent cases whose steps one kernel of a GPU lives through.

Units that do and do not fill blocks, one row and many, lengths, directions and
both forms of GRU; layout and reference are those of recurrent.py.

  persistent_scan.py OUT
"""
import pathlib
import sys

from recurrent import write_case


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
    write_case(out, "lstm_peepholes", "LSTM", ("P", "initial_c"), sizes=(7, 2, 130))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""A recurrent noise suppressor like RNNoise (Valin, 2018): three GRUs.

42 features a frame, a dense layer of 24, GRUs of 24 (voice activity), 48
(noise) and 96 units (gains of 22 bands), each fed by what came before it.

  denoiser.py OUT.onnx [--steps N]
"""
import argparse

from graph import Graph


def build(path, steps=100):
    g = Graph("denoiser")
    x = g.input("features", steps, 1, 42)
    dense = g.add("Tanh", [g.linear(x, "dense", 42, 24)])
    voice, _ = g.recurrent("GRU", dense, "vad_gru", 24, 24)
    both = g.add("Concat", [voice, dense, x], axis=2)
    noise, _ = g.recurrent("GRU", both, "noise_gru", 90, 48)
    all_ = g.add("Concat", [voice, noise, x], axis=2)
    gains, _ = g.recurrent("GRU", all_, "gain_gru", 114, 96)
    g.add("Sigmoid", [g.linear(gains, "gains", 96, 22)], "gain")
    g.add("Sigmoid", [g.linear(voice, "voice", 24, 1)], "voice")
    g.output("gain", steps, 1, 22)
    g.output("voice", steps, 1, 1)
    g.save(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("--steps", type=int, default=100)
    o = parser.parse_args()
    build(o.out, o.steps)

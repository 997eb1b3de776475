#!/usr/bin/python3
"""Compiles ONNX networks whose weights are computed from shared ones.

Low-rank deltas of a matrix or a filter, written as exporters do, and one
quantised weight that two uses scale. Results are compared with NumPy; the parameter block may
have no more bytes than the file's own parameters and SLACK; where deltas are
factored, the arena has no room for a whole weight either.

  derived_weights.py BIN OUT [NAME...]
"""
import json
import os

import numpy as np

from small_networks import Network, compile_and_run, convolve, main

TOLERANCE = 1e-5
SLACK = 512
# Bytes of the smallest weight of those networks; all results are smaller.
WEIGHT = 16 * 16 * 5 * 5 * 4


def low_rank(net, merged, rank=4):
    w, wv = net.weight("w", 96, 96)
    scale = net.constant("scale", np.float32(0.25))
    x = net.random.standard_normal((3, 96)).astype(np.float32)
    state, want = "x", x.astype(np.float64)
    for layer in range(2):
        (a, av), (b, bv) = net.weight(f"a{layer}", 96, rank), net.weight(f"b{layer}", rank, 96)
        if merged:
            delta = net.node("Mul", net.node("MatMul", a, b), scale)
            state = net.node("MatMul", state, net.node("Add", w, delta))
        else:
            delta = net.node("Mul", net.node("MatMul", net.node("MatMul", state, a), b), scale)
            state = net.node("Add", net.node("MatMul", state, w), delta)
        state, want = net.node("Tanh", state), np.tanh(want @ (wv + 0.25 * av @ bv))
    return {"x": x}, state, want


def adapter_beside(net):
    """x W + (x A) B s, as adapters are run: no product of weights at all."""
    return low_rank(net, merged=False)


def adapter_merged(net):
    """x (W + A B s), as they are merged."""
    return low_rank(net, merged=True)


def small(net, name, *shape):
    """A weight whose sums of 400 products stay near 1."""
    value = net.random.uniform(-0.1, 0.1, shape).astype(np.float32)
    return net.constant(name, value), value


def convolved(net, delta):
    """x * (W + s D) twice, over one W; `delta` makes D and its value."""
    w, wv = small(net, "w", 16, 16, 5, 5)
    scale = net.constant("scale", np.float32(0.25))
    x = net.random.standard_normal((1, 16, 6, 6)).astype(np.float32)
    state, want = "x", x.astype(np.float64)
    for layer in range(2):
        d, dv = delta(layer)
        filters = net.node("Add", w, net.node("Mul", d, scale))
        state = net.node("Tanh", net.node("Conv", state, filters, pads=[2] * 4))
        want = np.tanh(convolve(want, wv + 0.25 * dv, 2))
    return {"x": x}, state, want


def adapter_of_filters(net, rank=2):
    def delta(layer):
        (b, bv), (a, av) = net.weight(f"b{layer}", 16, rank), small(net, f"a{layer}", rank, 400)
        shape = net.constant(f"shape{layer}", np.array([16, 16, 5, 5]))
        return net.node("Reshape", net.node("MatMul", b, a), shape), (bv @ av).reshape(16, 16, 5, 5)
    return convolved(net, delta)


def adapter_of_convolutions(net, rank=2):
    """D as PEFT merges it: B convolves A, whose first dimensions change places."""
    def delta(layer):
        (b, bv), (a, av) = net.weight(f"b{layer}", 16, rank, 1, 1), small(net, f"a{layer}", rank, 16, 5, 5)
        turned = net.node("Transpose", a, perm=[1, 0, 2, 3])
        d = net.node("Transpose", net.node("Conv", turned, b), perm=[1, 0, 2, 3])
        return d, np.einsum("fr,rcyx->fcyx", bv[:, :, 0, 0], av)
    return convolved(net, delta)


def quantised(net, scales):
    value = net.random.integers(-127, 128, (96, 96)).astype(np.int8)
    q, zero = net.constant("q", value), net.constant("zero", np.int8(3))
    x = net.random.standard_normal((3, 96)).astype(np.float32)
    state, want = "x", x.astype(np.float64)
    for use, scale in enumerate(scales):
        w = net.node("DequantizeLinear", q, net.constant(f"s{use}", np.float32(scale)), zero)
        state = net.node("Tanh", net.node("MatMul", state, w))
        want = np.tanh(want @ ((value.astype(np.float64) - 3) * np.float32(scale)))
    return {"x": x}, state, want


def quantised_once(net):
    return quantised(net, [0.002])


def quantised_equal_scales(net):
    return quantised(net, [0.002, 0.002])


def quantised_two_scales(net):
    return quantised(net, [0.002, 0.003])


NETWORKS = [adapter_beside, adapter_merged, adapter_of_filters, adapter_of_convolutions,
            quantised_once, quantised_equal_scales, quantised_two_scales]
FACTORED = [adapter_beside, adapter_merged, adapter_of_filters, adapter_of_convolutions]


def check(make, tools, out):
    name = make.__name__
    net = Network(seed=len(name))
    inputs, output, want = make(net)
    base = os.path.join(out, name)
    net.save(base + ".onnx", inputs, output, want.shape)
    got = compile_and_run(tools, base + ".onnx", inputs, base,
                          f"--sharing-report=json:{base}.json")
    error = np.abs(got - want).max() / np.abs(want).max()
    with open(base + ".json") as file:
        storage = json.load(file)["storage"]
    own = sum(len(tensor.raw_data) for tensor in net.initializers)
    complaints = []
    if not error < TOLERANCE:
        complaints.append(f"off by {error:.1e}")
    if storage["block_bytes"] > own + SLACK:
        complaints.append(f"{storage['block_bytes']} bytes stored, {own} in the file")
    if make in FACTORED and storage["arena_bytes"] >= WEIGHT:
        complaints.append(f"{storage['arena_bytes']} bytes of arena, {WEIGHT} in a weight")
    print(f"{'WRONG' if complaints else 'right'} {name}: {', '.join(complaints) or f'{error:.1e}'}", flush=True)
    return not complaints


if __name__ == "__main__":
    main(check, NETWORKS)

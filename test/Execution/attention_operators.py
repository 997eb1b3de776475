#!/usr/bin/python3
"""Writes cases of Attention and RotaryEmbedding (opset 23, 24), in the layout of
the ONNX backend suite: loops over heads and rows in float64, from the text of the
specification.

  attention_operators.py FOLDER
"""
import math
import pathlib
import sys

import numpy as np
from onnx import helper

from suite import write_case

rng = np.random.default_rng(23)
Q_OF, K_OF, V_OF, MASK, PAST_K, PAST_V, LENGTHS = "Q K V mask past_k past_v lengths".split()
INPUTS = (Q_OF, K_OF, V_OF, MASK, PAST_K, PAST_V, LENGTHS)
OUTPUTS = ("Y", "present_k", "present_v", "scores")


def random(*shape):
    return rng.uniform(-1, 1, shape).astype("f4")


def split_heads(x, heads):
    """(batch, length, heads * extent) to (batch, heads, length, extent)."""
    if x.ndim == 4:
        return x.astype("f8")
    batch, length, width = x.shape
    return x.astype("f8").reshape(batch, length, heads, width // heads).swapaxes(1, 2)


def bias_at(mask, batch, head, row, key):
    """What the mask adds to one score."""
    mask = mask.reshape((1,) * (4 - mask.ndim) + mask.shape)
    if key >= mask.shape[3]:
        return -math.inf
    value = mask[batch % mask.shape[0], head % mask.shape[1], row % mask.shape[2], key]
    if mask.dtype == bool:
        return 0.0 if value else -math.inf
    return float(value)


def attention(inputs, **attributes):
    """Outputs by name; every score by itself."""
    q = split_heads(inputs[Q_OF], attributes.get("q_num_heads"))
    k, v = (split_heads(inputs[n], attributes.get("kv_num_heads")) for n in (K_OF, V_OF))
    past = 0
    if PAST_K in inputs:
        past = inputs[PAST_K].shape[2]
        k, v = (np.concatenate([inputs[n].astype("f8"), x], 2)
                for n, x in ((PAST_K, k), (PAST_V, v)))
    batch, heads, rows, depth = q.shape
    keys, group = k.shape[2], heads // k.shape[1]
    scale = attributes.get("scale", 1 / math.sqrt(depth))
    cap = attributes.get("softcap", 0)
    raw = np.zeros((batch, heads, rows, keys))
    weights, y = np.zeros_like(raw), np.zeros((batch, heads, rows, v.shape[3]))
    for b, h, r in np.ndindex(batch, heads, rows):
        raw[b, h, r] = k[b, h // group] @ q[b, h, r] * scale
        if cap:
            raw[b, h, r] = cap * np.tanh(raw[b, h, r] / cap)
        row = raw[b, h, r].copy()
        before = past
        if LENGTHS in inputs:
            row[inputs[LENGTHS][b]:] = -math.inf
            before = past or inputs[LENGTHS][b] - rows
        if attributes.get("is_causal"):
            row[r + before + 1:] = -math.inf
        if MASK in inputs:
            row += [bias_at(inputs[MASK], b, h, r, key) for key in range(keys)]
        powers = np.exp(row - row.max())
        weights[b, h, r] = powers / powers.sum()
        y[b, h, r] = weights[b, h, r] @ v[b, h // group]
    if inputs[Q_OF].ndim == 3:
        y = y.swapaxes(1, 2).reshape(batch, rows, -1)
    shown = weights if attributes.get("qk_matmul_output_mode") == 3 else raw
    found = dict(zip(OUTPUTS, (y, k, v, shown)))
    return {name: x.astype(inputs[Q_OF].dtype) for name, x in found.items()}


def write_attention(folder, name, inputs, outputs=("Y",), opset=23, **attributes):
    last = max(INPUTS.index(n) for n in inputs)
    names = [n if n in inputs else "" for n in INPUTS[:last + 1]]
    results = [n if n in outputs else "" for n in OUTPUTS]
    while not results[-1]:
        results.pop()
    node = helper.make_node("Attention", names, results, **attributes)
    expected = attention(inputs, **attributes)
    write_case(folder / "attention" / f"test_{name}", [node], inputs,
               {n: expected[n] for n in outputs}, opset)


def heads(batch, queries, query_heads, keys, key_heads, depth=8, width=5):
    return {Q_OF: random(batch, query_heads, queries, depth),
            K_OF: random(batch, key_heads, keys, depth),
            V_OF: random(batch, key_heads, keys, width)}


def past(batch, key_heads, length, depth=8, width=5):
    return {PAST_K: random(batch, key_heads, length, depth),
            PAST_V: random(batch, key_heads, length, width)}


def attention_cases(folder):
    def case(name, inputs, *outputs, **more):
        write_attention(folder, name, inputs, outputs or ("Y",), **more)

    case("plain", heads(2, 4, 3, 6, 3))
    case("all_outputs", heads(2, 4, 3, 6, 3), *OUTPUTS)
    case("weights", heads(2, 4, 3, 6, 3), "Y", "scores", qk_matmul_output_mode=3)
    case("scale_and_cap", heads(1, 4, 2, 5, 2), scale=0.7, softcap=0.5)
    case("causal", heads(1, 6, 2, 6, 2), is_causal=1)
    case("grouped", heads(2, 4, 6, 5, 2), is_causal=1)
    flat = {Q_OF: random(2, 4, 32), K_OF: random(2, 6, 16), V_OF: random(2, 6, 10)}
    case("flat_heads", flat, "Y", "present_k", q_num_heads=4, kv_num_heads=2)
    case("mask", {**heads(2, 4, 3, 6, 3), MASK: random(4, 6)})
    case("mask_of_heads", {**heads(2, 4, 4, 6, 2), MASK: random(2, 4, 4, 6)})
    case("short_mask", {**heads(2, 4, 3, 6, 3), MASK: random(2, 1, 4, 5)})
    seen = rng.uniform(size=(4, 6)) < 0.6
    seen[:, 0] = True
    case("boolean_mask", {**heads(2, 4, 3, 6, 3), MASK: seen}, is_causal=1)
    case("short_boolean_mask", {**heads(2, 4, 3, 8, 3), MASK: seen})
    case("past", {**heads(2, 3, 4, 2, 2), **past(2, 2, 4)}, "Y", "present_k", "present_v",
         is_causal=1)
    case("lengths", {**heads(2, 2, 4, 9, 2), LENGTHS: np.array([5, 9])}, opset=24)
    case("causal_lengths", {**heads(2, 2, 4, 9, 2), LENGTHS: np.array([5, 9])}, opset=24,
         is_causal=1)
    case("long_causal", heads(1, 160, 4, 160, 2, 16, 16), is_causal=1)
    half = {n: x.astype("f2") for n, x in heads(1, 4, 2, 6, 2).items()}
    case("half", half)


def turned(x, cosines, sines, extent, interleaved):
    """(batch, length, heads, size) with `extent` of each head's elements turned;
    cosines and sines (batch, length, extent / 2)."""
    result = x.astype("f8").copy()
    for pair in range(extent // 2):
        first = 2 * pair if interleaved else pair
        second = first + 1 if interleaved else pair + extent // 2
        c, s = (a[:, :, pair, None].astype("f8") for a in (cosines, sines))
        result[..., first] = c * x[..., first] - s * x[..., second]
        result[..., second] = s * x[..., first] + c * x[..., second]
    return result


def write_rotation(folder, name, x, extent=0, interleaved=0, heads=0, places=None, table=None):
    flat = x.ndim == 3
    by_place = x.reshape(*x.shape[:2], heads, -1) if flat else x.swapaxes(1, 2)
    batch, length, _, size = by_place.shape
    pairs = (extent or size) // 2
    angles = rng.uniform(-3, 3, (table, pairs) if table else (batch, length, pairs))
    caches = [f(angles).astype("f4") for f in (np.cos, np.sin)]
    cosines, sines = (a[places] for a in caches) if table else caches
    y = turned(by_place, cosines, sines, extent or size, interleaved)
    y = y.reshape(x.shape) if flat else y.swapaxes(1, 2)
    inputs = {"X": x, "cos": caches[0], "sin": caches[1]}
    if table:
        inputs["places"] = places
    attributes = dict(interleaved=interleaved, rotary_embedding_dim=extent, num_heads=heads)
    node = helper.make_node("RotaryEmbedding", list(inputs), ["Y"],
                            **{n: value for n, value in attributes.items() if value})
    write_case(folder / "rotation" / f"test_{name}", [node], inputs, {"Y": y.astype("f4")}, 23)


def rotation_cases(folder):
    x = random(2, 3, 4, 8)
    write_rotation(folder, "halves", x)
    write_rotation(folder, "interleaved", x, interleaved=1)
    write_rotation(folder, "a_part", x, extent=4)
    write_rotation(folder, "flat", random(2, 4, 24), heads=3, interleaved=1, extent=6)
    write_rotation(folder, "places", x, table=9, places=rng.integers(0, 9, (2, 4)))


if __name__ == "__main__":
    attention_cases(pathlib.Path(sys.argv[1]))
    rotation_cases(pathlib.Path(sys.argv[1]))

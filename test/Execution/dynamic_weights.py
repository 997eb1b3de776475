#!/usr/bin/python3
"""Runs networks whose weights depend on the data and compares them with NumPy.

Mixtures of experts whose tokens are grouped (gathered weights, gates that are
scattered into zeros), filters that are mixed or computed per batch or sample,
and matrices that a network makes. What may be grouped is also run with
--no-batch. A name that ends in _grouped has to hold a loop over blocks in the
share phase, experts per sample one over samples, any other none.

  dynamic_weights.py BIN OUT [NAME...]
"""
import os

import numpy as np

from small_networks import Network, call, compile_and_run, convolve, main

TOLERANCE = 1e-5


def relu(x):
    return np.maximum(x, 0)


def silu(x):
    return x / (1 + np.exp(-x))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def router(net, tokens, channels, experts, k, skew=0.0):
    """Input, gates and index by node name, and their values."""
    x = net.random.standard_normal((tokens, channels)).astype(np.float32)
    w = net.random.standard_normal((channels, experts)).astype(np.float32)
    bias = np.zeros(experts, np.float32)
    bias[0] = skew  # many tokens for the first expert, none for some
    scores = net.node("Add", net.node("MatMul", "x", net.constant("router", w)), net.constant("skew", bias))
    best, index = net.node("TopK", scores, net.constant("k", np.array([k])), outputs=2, axis=-1)
    gates = net.node("Softmax", best, axis=-1)
    value = x @ w + bias
    order = np.argsort(-value, axis=-1, kind="stable")[:, :k]
    return x, scores, gates, index, softmax(np.take_along_axis(value, order, -1)), order


def gathered(net, tokens, channels=16, hidden=24, experts=6, k=2, skew=0.0, transposed=False, swiglu=False, bias=False):
    """Weights gathered for each token, multiplied in batches."""
    x, _, gates, index, g, order = router(net, tokens, channels, experts, k, skew)

    def bank(name, n_in, n_out):
        value = net.random.uniform(-1, 1, (experts, n_in, n_out)).astype(np.float32)
        if not transposed:
            return net.node("Gather", net.constant(name, value), index, axis=0), value
        flipped = net.constant(name, np.ascontiguousarray(value.transpose(0, 2, 1)))
        return net.node("Transpose", net.node("Gather", flipped, index, axis=0), perm=[0, 1, 3, 2]), value
    up, uv = bank("up", channels, hidden)
    down, dv = bank("down", hidden, channels)
    rows = net.node("Unsqueeze", "x", net.constant("axes12", np.array([1, 2])))
    h = net.node("MatMul", rows, up)
    want = np.einsum("tc,tkcn->tkn", x, uv[order])
    if bias:
        b, bv = net.weight("bias", experts, 1, hidden)
        h = net.node("Add", h, net.node("Gather", b, index, axis=0))
        want = want + bv[order][:, :, 0]
    if swiglu:
        gate, gv = bank("gate", channels, hidden)
        other = net.node("MatMul", rows, gate)
        h = net.node("Mul", net.node("Mul", h, net.node("Sigmoid", h)), other)
        want = silu(want) * np.einsum("tc,tkcn->tkn", x, gv[order])
    else:
        h, want = net.node("Relu", h), relu(want)
    y = net.node("MatMul", h, down)
    weighted = net.node("Mul", y, net.node("Unsqueeze", gates, net.constant("axes23", np.array([2, 3]))))
    y = net.node("ReduceSum", weighted, net.constant("axes12b", np.array([1, 2])), keepdims=0)
    want = (np.einsum("tkc,tkcn->tkn", want, dv[order]) * g[..., None]).sum(1)
    return {"x": x}, y, want


def masked(net, tokens, channels=16, hidden=24, experts=6, k=2, skew=0.0, zeros="times_zero", bias=False, read_twice=False,
           tokens_first=False):
    """All experts computed; gates of the best k scattered into zeros."""
    x, scores, gates, index, g, order = router(net, tokens, channels, experts, k, skew)
    if zeros == "times_zero":
        base = net.node("Mul", scores, net.constant("zero", np.float32(0)))
    else:
        base = net.constant("zeros", np.full((tokens, experts), zeros, np.float32))
    dense = net.node("ScatterElements", base, index, gates, axis=1)
    up, uv = net.weight("up", experts, channels, hidden)
    down, dv = net.weight("down", experts, hidden, channels)
    rows = net.node("Unsqueeze", "x", net.constant("axes0", np.array([0])))
    h = net.node("MatMul", rows, up)
    want = np.einsum("tc,ecn->etn", x, uv)
    if bias:
        b, bv = net.weight("bias", experts, 1, hidden)
        h, want = net.node("Add", h, b), want + bv
    h, want = net.node("Relu", h), relu(want)
    y = net.node("MatMul", h, down)
    want = np.einsum("etc,ecn->etn", want, dv)
    gate = np.full((tokens, experts), 0.0 if zeros == "times_zero" else zeros)
    np.put_along_axis(gate, order, g, -1)
    total = np.einsum("te,etn->tn", gate, want)
    if tokens_first:
        moved = net.node("Transpose", y, perm=[1, 0, 2])
        weighted = net.node("Mul", moved, net.node("Unsqueeze", dense, net.constant("axes2", np.array([2]))))
        return {"x": x}, net.node("ReduceSum", weighted, net.constant("axes1", np.array([1])), keepdims=0), total
    column = net.node("Unsqueeze", net.node("Transpose", dense, perm=[1, 0]), net.constant("axes2", np.array([2])))
    out = net.node("ReduceSum", net.node("Mul", y, column), net.constant("axes0b", np.array([0])), keepdims=0)
    if read_twice:
        out = net.node("Add", out, net.node("ReduceMax", y, axes=[0], keepdims=0))
        total = total + want.max(0)
    return {"x": x}, out, total


def tokens_1_grouped(net):
    return gathered(net, 2, k=1)


def tokens_7_grouped(net):
    return gathered(net, 7)


def tokens_40_grouped(net):
    return gathered(net, 40, skew=3.0)


def one_expert_takes_all_grouped(net):
    return gathered(net, 33, k=1, skew=99.0)


def transposed_bank_grouped(net):
    return gathered(net, 20, transposed=True)


def swiglu_bias_grouped(net):
    return gathered(net, 20, swiglu=True, bias=True)


def masked_grouped(net):
    return masked(net, 24, channels=64, hidden=96, experts=8)


def masked_one_token_grouped(net):
    return masked(net, 1, channels=64, hidden=96, experts=8)


def masked_constant_bias_grouped(net):
    return masked(net, 30, channels=64, hidden=96, experts=8, zeros=0.0, bias=True, skew=5.0)


def masked_from_ones(net):
    """No gate is zero, so all experts count."""
    return masked(net, 24, channels=64, hidden=96, experts=8, zeros=1.0)


def masked_read_twice(net):
    return masked(net, 24, channels=64, hidden=96, experts=8, read_twice=True)


def masked_tokens_first_grouped(net):
    return masked(net, 24, channels=64, hidden=96, experts=8, tokens_first=True)


def hypernetwork(net, batch, channels=8, size=12, kernel=3, matrix=False, stride=1):
    """A network that makes the weights of another from a code."""
    code = net.random.standard_normal((1, 6)).astype(np.float32)
    count = channels * channels * kernel * kernel
    w, wv = net.random.uniform(-1, 1, (6, count)).astype(np.float32), None
    made = net.node("Tanh", net.node("MatMul", "code", net.constant("maker", w)))
    wv = np.tanh(code @ w)
    if matrix:
        x = net.random.standard_normal((batch, channels)).astype(np.float32)
        shape = net.constant("shape", np.array([channels, channels]))
        return {"x": x, "code": code}, net.node("MatMul", "x", net.node("Reshape", made, shape)), x @ wv.reshape(channels, channels)
    x = net.random.standard_normal((batch, channels, size, size)).astype(np.float32)
    shape = net.constant("shape", np.array([channels, channels, kernel, kernel]))
    y = net.node("Conv", "x", net.node("Reshape", made, shape), kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4,
                 strides=[stride] * 2)
    want = convolve(x, wv.reshape(channels, channels, kernel, kernel), kernel // 2)
    return {"x": x, "code": code}, y, want[:, :, ::stride, ::stride]


def made_filter(net):
    """3x3 of stride 1, where a known filter would be transformed (Winograd)."""
    return hypernetwork(net, 2, channels=16, size=16)


def made_filter_stride_2(net):
    return hypernetwork(net, 1, stride=2)


def made_filter_1x1(net):
    return hypernetwork(net, 1, kernel=1)


def made_matrix(net):
    return hypernetwork(net, 5, channels=24, kernel=1, matrix=True)


def known_and_made(net):
    """One filter as it is and scaled by the data: packed for one use only."""
    w, wv = net.weight("w", 16, 16, 3, 3)
    x = net.random.standard_normal((1, 16, 16, 16)).astype(np.float32)
    pooled = net.node("GlobalAveragePool", "x")
    conv = lambda data, filter: net.node("Conv", data, filter, kernel_shape=[3, 3], pads=[1] * 4)
    h = net.node("Relu", conv("x", w))
    y = conv(h, net.node("Mul", w, pooled))
    hv = relu(convolve(x, wv, 1))
    return {"x": x}, y, convolve(hv, wv * x.mean((2, 3)).reshape(1, 16, 1, 1), 1)


def mixed_per_sample(net, batch=3, channels=8, experts=4, size=10):
    """CondConv on a batch: each sample has a mixture of its own, and samples are
    the groups of one convolution, as its implementations write it."""
    bank = net.random.uniform(-1, 1, (experts, channels * channels * 9)).astype(np.float32)
    route, rv = net.weight("route", channels, experts)
    x = net.random.standard_normal((batch, channels, size, size)).astype(np.float32)
    gates = net.node("Sigmoid", net.node("MatMul", net.node("Flatten", net.node("GlobalAveragePool", "x")), route))
    filters = net.node("Reshape", net.node("MatMul", gates, net.constant("bank", bank)),
                       net.constant("filters", np.array([batch * channels, channels, 3, 3])))
    joint = net.node("Reshape", "x", net.constant("joint", np.array([1, batch * channels, size, size])))
    y = net.node("Conv", joint, filters, kernel_shape=[3, 3], pads=[1] * 4, group=batch)
    y = net.node("Reshape", y, net.constant("apart", np.array([batch, channels, size, size])))
    g = 1 / (1 + np.exp(-(x.mean((2, 3)) @ rv)))
    each = (g @ bank).reshape(batch, channels, channels, 3, 3)
    return {"x": x}, y, np.concatenate([convolve(x[i:i + 1], each[i], 1) for i in range(batch)])


def experts_per_sample(net, batch=3, channels=8, experts=4, size=10):
    """The same as convolutions by each filter whose results are mixed, which
    become a loop over samples."""
    route, rv = net.weight("route", channels, experts)
    x = net.random.standard_normal((batch, channels, size, size)).astype(np.float32)
    gates = net.node("Softmax", net.node("MatMul", net.node("Flatten", net.node("GlobalAveragePool", "x")), route), axis=-1)
    parts = net.node("Split", gates, outputs=experts, axis=1)
    g, total, want = softmax(x.mean((2, 3)) @ rv), None, 0
    axes = net.constant("axes", np.array([2, 3]))
    for k in range(experts):
        w, wv = net.weight(f"w{k}", channels, channels, 3, 3)
        b, bv = net.weight(f"b{k}", channels)
        part = net.node("Mul", net.node("Conv", "x", w, b, kernel_shape=[3, 3], pads=[1] * 4), net.node("Unsqueeze", parts[k], axes))
        total = part if total is None else net.node("Add", total, part)
        want = want + (convolve(x, wv, 1) + bv[:, None, None]) * g[:, k, None, None, None]
    return {"x": x}, total, want


NETWORKS = [tokens_1_grouped, tokens_7_grouped, tokens_40_grouped, one_expert_takes_all_grouped, transposed_bank_grouped,
            swiglu_bias_grouped, masked_grouped, masked_one_token_grouped, masked_constant_bias_grouped, masked_from_ones,
            masked_read_twice, masked_tokens_first_grouped, made_filter, made_filter_stride_2, made_filter_1x1, made_matrix,
            known_and_made, mixed_per_sample, experts_per_sample]


def check(make, tools, out):
    name = make.__name__
    net = Network(seed=len(name))
    inputs, output, want = make(net)
    base = os.path.join(out, name)
    net.save(base + ".onnx", inputs, output, want.shape)
    worst = 0.0
    for flags in ([], ["--no-batch"], ["--no-winograd"]):
        got = compile_and_run(tools, base + ".onnx", inputs, base, *flags)
        worst = max(worst, np.abs(got - want).max() / np.abs(want).max())
    call(tools[0], base + ".onnx", "--compile-to=share", "-o", base + ".mlir")
    with open(base + ".mlir") as file:
        is_grouped = "net.scan" in file.read()
    loops = name.endswith("grouped") or make is experts_per_sample
    is_right = worst < TOLERANCE and is_grouped == loops
    print(f"{'right' if is_right else 'WRONG'} {name}: off by {worst:.1e}{', in a loop' if is_grouped else ''}", flush=True)
    return is_right


if __name__ == "__main__":
    main(check, NETWORKS)

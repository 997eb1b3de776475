"""An interpreter of the suite's ONNX operators over an array library.

With NumPy and float64 it is the reference of the tests; with jax.numpy and with
torch it traces a network for those peers. What the libraries do differently
(windows, loops, top-k, scatter) comes from `kernels`, one class each.

An operator is a function of (interpreter, attributes, inputs) that returns an
array or a tuple of arrays. Absent optional inputs are None.
"""
import numpy as np
import onnx
from onnx import helper, numpy_helper

OPERATORS = {}


def operator(*names):
    def enter(function):
        for name in names:
            OPERATORS[name] = function
        return function
    return enter


class Interpreter:
    """Runs `model`, an onnx.ModelProto; floats are computed in `dtype`. Operators
    that a library has by itself come in `own`, by their names."""

    def __init__(self, model, xp, kernels, dtype, own=()):
        self.graph, self.xp, self.kernels, self.dtype = model.graph, xp, kernels, dtype
        self.operators = {**OPERATORS, **dict(own)}
        missing = {n.op_type for n in self.graph.node} - set(self.operators)
        if missing:
            raise NotImplementedError(f"no {', '.join(sorted(missing))}")
        # Integers decide shapes, so they stay NumPy's.
        self.constants = {i.name: self.take(numpy_helper.to_array(i))
                          for i in self.graph.initializer}

    def take(self, array):
        array = np.asarray(array)
        return array.astype(self.dtype) if array.dtype.kind == "f" else array

    def weights(self):
        return {name: a for name, a in self.constants.items() if a.dtype.kind not in "biu"}

    def run(self, feeds, weights=None):
        """{name: output}; `weights` replaces the float initializers."""
        values = {**self.constants, **(weights or {}), **feeds, "": None}
        for node in self.graph.node:
            attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
            result = self.operators[node.op_type](
                self, attributes, [values[name] for name in node.input])
            results = result if isinstance(result, tuple) else (result,)
            values.update(zip(node.output, results))
        return {output.name: values[output.name] for output in self.graph.output}


def elementwise(name, function):
    OPERATORS[name] = lambda it, attributes, inputs: function(it, *inputs)


elementwise("Identity", lambda it, x: x)
elementwise("Relu", lambda it, x: it.xp.maximum(x, 0))
elementwise("Sigmoid", lambda it, x: 1 / (1 + it.xp.exp(-x)))
elementwise("Tanh", lambda it, x: it.xp.tanh(x))
elementwise("Erf", lambda it, x: it.kernels.erf(x))
elementwise("Sqrt", lambda it, x: it.xp.sqrt(x))
elementwise("Neg", lambda it, x: -x)
elementwise("Add", lambda it, a, b: a + b)
elementwise("Sub", lambda it, a, b: a - b)
elementwise("Mul", lambda it, a, b: a * b)
elementwise("Div", lambda it, a, b: a / b)
elementwise("Sum", lambda it, *terms: sum(terms))
elementwise("Pow", lambda it, a, b: it.xp.power(a, b))
elementwise("MatMul", lambda it, a, b: it.xp.matmul(a, b))
elementwise("Clip", lambda it, x, low, high: it.xp.minimum(it.xp.maximum(x, low), high))
elementwise("GlobalAveragePool",
            lambda it, x: x.mean(axis=tuple(range(2, x.ndim)), keepdims=True))
elementwise("Expand", lambda it, x, shape: it.xp.broadcast_to(
    x, np.broadcast_shapes(tuple(x.shape), tuple(int(n) for n in shape))))
elementwise("Reshape", lambda it, x, shape: x.reshape([int(n) for n in shape]))


def along(it, value, axis, rank):
    """A scale or zero point of one entry, or of one a slice of `axis`."""
    shape = [-1 if i == axis % rank else 1 for i in range(rank)]
    return value.reshape(shape) if value.ndim else value


@operator("QuantizeLinear")
def quantize(it, attributes, inputs):
    x, scale, zero = inputs
    info, axis = np.iinfo(zero.dtype), attributes.get("axis", 1)
    y = it.xp.round(x / along(it, scale, axis, x.ndim))
    y = it.xp.clip(y + along(it, zero, axis, x.ndim), info.min, info.max)
    return y.astype(zero.dtype)


@operator("DequantizeLinear")
def dequantize(it, attributes, inputs):
    x, scale, zero = inputs
    axis = attributes.get("axis", 1)
    centred = x.astype(it.dtype) - along(it, zero, axis, x.ndim)
    return centred * along(it, scale, axis, x.ndim)


@operator("Constant")
def constant(it, attributes, inputs):
    return it.take(numpy_helper.to_array(attributes["value"]))


@operator("Cast")
def cast(it, attributes, inputs):
    floats = attributes["to"] in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
    return inputs[0].astype(it.dtype if floats else np.int64)


@operator("Gemm")
def gemm(it, attributes, inputs):
    a, b = inputs[:2]
    a = a.T if attributes.get("transA") else a
    b = b.T if attributes.get("transB") else b
    y = attributes.get("alpha", 1.0) * (a @ b)
    return y + attributes.get("beta", 1.0) * inputs[2] if len(inputs) > 2 else y


@operator("Flatten")
def flatten(it, attributes, inputs):
    x = inputs[0]
    rows = int(np.prod(x.shape[:attributes.get("axis", 1)]))
    return x.reshape(rows, -1)


@operator("Transpose")
def transpose(it, attributes, inputs):
    return it.xp.transpose(inputs[0], attributes.get("perm"))


@operator("Concat")
def concat(it, attributes, inputs):
    return it.xp.concatenate(inputs, axis=attributes["axis"])


@operator("Split")
def split(it, attributes, inputs):
    ends = np.cumsum(inputs[1])[:-1]
    return tuple(it.xp.split(inputs[0], [int(e) for e in ends],
                             axis=attributes.get("axis", 0)))


@operator("Slice")
def slice_(it, attributes, inputs):
    x, starts, ends = inputs[:3]
    axes = inputs[3] if len(inputs) > 3 else range(len(starts))
    steps = inputs[4] if len(inputs) > 4 else [1] * len(starts)
    where = [slice(None)] * x.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps):
        # Backwards, an end before the first element means all of it.
        stop = None if step < 0 and end < -x.shape[int(axis)] else int(end)
        where[int(axis)] = slice(int(start), stop, int(step))
    return x[tuple(where)]


@operator("Squeeze")
def squeeze(it, attributes, inputs):
    return it.xp.squeeze(inputs[0], tuple(int(a) for a in inputs[1]))


@operator("Unsqueeze")
def unsqueeze(it, attributes, inputs):
    return it.xp.expand_dims(inputs[0], tuple(int(a) for a in inputs[1]))


@operator("Gather")
def gather(it, attributes, inputs):
    return it.xp.take(inputs[0], inputs[1], axis=attributes.get("axis", 0))


def axes_of(attributes, inputs):
    axes = attributes.get("axes", inputs[1] if len(inputs) > 1 else None)
    return None if axes is None else tuple(int(a) for a in axes)


@operator("ReduceMean")
def reduce_mean(it, attributes, inputs):
    return inputs[0].mean(axis=axes_of(attributes, inputs),
                          keepdims=bool(attributes.get("keepdims", 1)))


@operator("ReduceSum")
def reduce_sum(it, attributes, inputs):
    return inputs[0].sum(axis=axes_of(attributes, inputs),
                         keepdims=bool(attributes.get("keepdims", 1)))


@operator("Softmax")
def softmax(it, attributes, inputs):
    axis = attributes.get("axis", -1)
    x = it.xp.exp(inputs[0] - inputs[0].max(axis=axis, keepdims=True))
    return x / x.sum(axis=axis, keepdims=True)


@operator("LogSoftmax")
def log_softmax(it, attributes, inputs):
    axis = attributes.get("axis", -1)
    x = inputs[0] - inputs[0].max(axis=axis, keepdims=True)
    return x - it.xp.log(it.xp.exp(x).sum(axis=axis, keepdims=True))


@operator("Conv")
def conv(it, attributes, inputs):
    x, w = inputs[:2]
    rank = x.ndim - 2
    y = it.kernels.conv(x, w, attributes.get("strides", [1] * rank),
                        attributes.get("pads", [0] * 2 * rank),
                        attributes.get("dilations", [1] * rank),
                        attributes.get("group", 1))
    return y + inputs[2].reshape(-1, *[1] * rank) if len(inputs) > 2 else y


@operator("ConvTranspose")
def conv_transpose(it, attributes, inputs):
    """The exporter's case: stride as large as the kernel, no padding."""
    x, w = inputs[:2]
    if list(w.shape[2:]) != list(attributes["strides"]) or any(attributes["pads"]):
        raise NotImplementedError("ConvTranspose with overlapping windows")
    n, _, h, wide = x.shape
    c, kh, kw = w.shape[1:]
    y = it.xp.einsum("nihw,iokl->nohkwl", x, w).reshape(n, c, h * kh, wide * kw)
    return y + inputs[2].reshape(-1, 1, 1) if len(inputs) > 2 else y


@operator("MaxPool")
def max_pool(it, attributes, inputs):
    return it.kernels.max_pool(inputs[0], attributes["kernel_shape"],
                               attributes["strides"], attributes.get("pads", [0] * 4))


def sigmoid(it, x):
    return 1 / (1 + it.xp.exp(-x))


@operator("LSTM")
def lstm(it, attributes, inputs):
    """Gates in ONNX's order i, o, f, c; one direction, no peepholes."""
    x, w, r, b = inputs[:4]
    n, xp = attributes["hidden_size"], it.xp
    zeros = xp.zeros((x.shape[1], n), it.dtype)
    h, c = (inputs[5][0], inputs[6][0]) if len(inputs) > 6 else (zeros, zeros)
    projected = x @ w[0].T + b[0, :4 * n] + b[0, 4 * n:]

    def step(state, row):
        h, c = state
        gates = row + h @ r[0].T
        i, o, f = (sigmoid(it, gates[:, k * n:(k + 1) * n]) for k in range(3))
        c = f * c + i * xp.tanh(gates[:, 3 * n:])
        h = o * xp.tanh(c)
        return (h, c), h

    (h, c), ys = it.kernels.scan(step, (h, c), projected)
    return ys[:, None], h[None], c[None]


@operator("GRU")
def gru(it, attributes, inputs):
    """Gates in ONNX's order z, r, h with linear_before_reset; one direction."""
    x, w, r, b = inputs[:4]
    n, xp = attributes["hidden_size"], it.xp
    h = inputs[5][0] if len(inputs) > 5 else xp.zeros((x.shape[1], n), it.dtype)
    projected = x @ w[0].T + b[0, :3 * n]

    def step(h, row):
        own = h @ r[0].T + b[0, 3 * n:]
        z = sigmoid(it, row[:, :n] + own[:, :n])
        reset = sigmoid(it, row[:, n:2 * n] + own[:, n:2 * n])
        new = xp.tanh(row[:, 2 * n:] + reset * own[:, 2 * n:])
        h = (1 - z) * new + z * h
        return h, h

    h, ys = it.kernels.scan(step, h, projected)
    return ys[:, None], h[None]


@operator("TopK")
def top_k(it, attributes, inputs):
    if attributes.get("axis", -1) not in (-1, inputs[0].ndim - 1):
        raise NotImplementedError("TopK along another axis than the last")
    return it.kernels.top_k(inputs[0], int(inputs[1][0]))


@operator("ScatterElements")
def scatter_elements(it, attributes, inputs):
    return it.kernels.scatter_last(*inputs)


class NumpyKernels:
    @staticmethod
    def erf(x):
        import math
        return np.vectorize(math.erf)(x)

    @staticmethod
    def windows(x, kernel, strides, pads, dilations, fill):
        rank = len(kernel)
        around = [(0, 0)] * 2 + list(zip(pads[:rank], pads[rank:]))
        x = np.pad(x, around, constant_values=fill)
        spans = [d * (k - 1) + 1 for k, d in zip(kernel, dilations)]
        axes = tuple(range(2, 2 + rank))
        view = np.lib.stride_tricks.sliding_window_view(x, spans, axis=axes)
        return view[(slice(None),) * 2 + tuple(slice(None, None, s) for s in strides)
                    + tuple(slice(None, None, d) for d in dilations)]

    @classmethod
    def conv(cls, x, w, strides, pads, dilations, group):
        view = cls.windows(x, w.shape[2:], strides, pads, dilations, 0)
        size, count = w.shape[1], w.shape[0] // group
        rank = w.ndim - 2
        axes = tuple(range(2 + rank, 2 + 2 * rank))
        parts = []
        for g in range(group):
            y = np.tensordot(view[:, g * size:(g + 1) * size],
                             w[g * count:(g + 1) * count],
                             ((1, *axes), tuple(range(1, w.ndim))))
            parts.append(np.moveaxis(y, -1, 1))
        return np.concatenate(parts, axis=1)

    @classmethod
    def max_pool(cls, x, kernel, strides, pads):
        view = cls.windows(x, kernel, strides, pads, [1] * len(kernel), -np.inf)
        return view.max(axis=tuple(range(view.ndim - len(kernel), view.ndim)))

    @staticmethod
    def scan(step, state, rows):
        outputs = []
        for row in rows:
            state, y = step(state, row)
            outputs.append(y)
        return state, np.stack(outputs)

    @staticmethod
    def top_k(x, k):
        index = np.argsort(-x, axis=-1, kind="stable")[..., :k]
        return np.take_along_axis(x, index, -1), index

    @staticmethod
    def scatter_last(x, index, updates):
        y = x.copy()
        np.put_along_axis(y, index, updates, -1)
        return y


def reference(model, feeds):
    """{name: output} of an onnx.ModelProto, computed by NumPy in float64."""
    interpreter = Interpreter(model, np, NumpyKernels, np.float64)
    return interpreter.run({name: interpreter.take(a) for name, a in feeds.items()})

"""PyTorch on the CPU: the interpreter runs the graph once over torch's own
functions (convolutions, products, pooling, softmax and recurrent layers are those
of its libraries), torch.jit.trace records them and freezes the weights, so that no
Python runs between them."""
import numpy as np
import onnx
import torch
from torch.nn import functional

import interpret

VERSION_OF = "torch"


def tensor(value):
    return value if isinstance(value, torch.Tensor) else torch.from_numpy(np.asarray(value))


def pairs(pads):
    """ONNX's paddings, all before and then all after, in torch's order."""
    rank = len(pads) // 2
    return [n for pair in zip(reversed(pads[:rank]), reversed(pads[rank:])) for n in pair]


class Namespace:
    """The names of NumPy that the interpreter uses."""
    exp, tanh, sqrt, log = torch.exp, torch.tanh, torch.sqrt, torch.log
    power, matmul, einsum = torch.pow, torch.matmul, torch.einsum
    squeeze = staticmethod(torch.squeeze)

    @staticmethod
    def maximum(x, y):
        return torch.clamp(x, min=torch.as_tensor(y))

    @staticmethod
    def minimum(x, y):
        return torch.clamp(x, max=torch.as_tensor(y))

    @staticmethod
    def transpose(x, axes):
        return x.permute(*(axes or reversed(range(x.ndim))))

    @staticmethod
    def concatenate(parts, axis):
        return torch.cat([tensor(part) for part in parts], dim=axis)

    @staticmethod
    def broadcast_to(x, shape):
        return x.expand(shape)

    @staticmethod
    def split(x, ends, axis):
        return torch.tensor_split(x, ends, dim=axis)

    @staticmethod
    def expand_dims(x, axes):
        for axis in sorted(axes):
            x = x.unsqueeze(axis)
        return x

    @staticmethod
    def take(x, index, axis):
        if isinstance(x, np.ndarray) and isinstance(index, np.ndarray):
            return np.take(x, index, axis)
        x, index = tensor(x), tensor(index)
        if axis == 0 and x.ndim == 2:
            return functional.embedding(index % x.shape[0], x)
        flat = torch.index_select(x, axis, index.reshape(-1) % x.shape[axis])
        return flat.reshape(*x.shape[:axis], *index.shape, *x.shape[axis + 1:])

    @staticmethod
    def zeros(shape, dtype):
        return torch.zeros(shape)


class Kernels:
    erf = staticmethod(torch.erf)

    @staticmethod
    def conv(x, w, strides, pads, dilations, group):
        rank = len(strides)
        before = pads[:rank]
        if list(before) != list(pads[rank:]):
            x, before = functional.pad(x, pairs(pads)), [0] * rank
        convolve = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}[rank]
        return convolve(x, w, None, strides, before, dilations, group)

    @staticmethod
    def max_pool(x, kernel, strides, pads):
        if any(pads):
            x = functional.pad(x, pairs(pads), value=-torch.inf)
        pool = {1: functional.max_pool1d, 2: functional.max_pool2d}[len(kernel)]
        return pool(x, kernel, strides)

    @staticmethod
    def scan(step, state, rows):
        outputs = []
        for row in rows:
            state, y = step(state, row)
            outputs.append(y)
        return state, torch.stack(outputs)

    @staticmethod
    def top_k(x, k):
        return tuple(torch.topk(x, k))

    @staticmethod
    def scatter_last(x, index, updates):
        return x.scatter(-1, index, updates)


def softmax(it, attributes, inputs):
    return functional.softmax(inputs[0], attributes.get("axis", -1))


def log_softmax(it, attributes, inputs):
    return functional.log_softmax(inputs[0], attributes.get("axis", -1))


def cast(it, attributes, inputs):
    floats = attributes["to"] in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
    return tensor(inputs[0]).to(torch.get_default_dtype() if floats else torch.int64)


def quantize(it, attributes, inputs):
    x, scale, zero = map(tensor, inputs)
    scale, zero = (interpret.along(it, value, attributes.get("axis", 1), x.ndim)
                   for value in (scale, zero))
    limits = torch.iinfo(zero.dtype)
    return (torch.round(x / scale) + zero).clamp(limits.min, limits.max).to(zero.dtype)


def dequantize(it, attributes, inputs):
    """Differences of integers are exact in 32 bits, and need not be in the default
    precision."""
    x, scale, zero = map(tensor, inputs)
    scale, zero = (interpret.along(it, value, attributes.get("axis", 1), x.ndim)
                   for value in (scale, zero))
    return (x.to(torch.int32) - zero).to(scale.dtype) * scale


def slice_(it, attributes, inputs):
    """torch has no steps backwards: NumPy chooses the indices of other steps than 1."""
    x, starts, ends = inputs[:3]
    axes = inputs[3] if len(inputs) > 3 else range(len(starts))
    steps = inputs[4] if len(inputs) > 4 else [1] * len(starts)
    for axis, start, end, step in zip(axes, starts, ends, steps):
        axis = int(axis) % x.ndim
        numbers = np.arange(x.shape[axis])
        stop = None if step < 0 and end < -len(numbers) else int(end)
        if step == 1:
            x = x[(slice(None),) * axis + (slice(int(start), stop),)]
        else:
            chosen = numbers[int(start):stop:int(step)].copy()
            x = torch.index_select(x, axis, torch.from_numpy(chosen))
    return x


class Recurrent:
    """torch's LSTM or GRU, with its own order of gates; a node's module is made
    when it is run first."""
    ORDERS = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2)}

    def __init__(self, kind):
        self.kind, self.modules = kind, {}

    def ordered(self, weight, size):
        return torch.cat([weight[k * size:(k + 1) * size] for k in self.ORDERS[self.kind]])

    def make(self, attributes, w, r, b):
        size = attributes["hidden_size"]
        if self.kind == "GRU" and not attributes.get("linear_before_reset"):
            raise NotImplementedError("GRU that resets before the product")
        module = getattr(torch.nn, self.kind)(int(w.shape[2]), size)
        gates = len(self.ORDERS[self.kind]) * size
        values = (w[0], r[0], b[0, :gates], b[0, gates:])
        for parameter, value in zip(module.all_weights[0], values):
            parameter.data.copy_(self.ordered(value, size))
            parameter.requires_grad_(False)
        return module.eval()

    def __call__(self, it, attributes, inputs):
        x, w, r, b = inputs[:4]
        key = (w.data_ptr(), r.data_ptr())
        if key not in self.modules:
            self.modules[key] = self.make(attributes, w, r, b)
        states = tuple(inputs[5:7]) if len(inputs) > 5 and inputs[5] is not None else None
        if states and self.kind == "GRU":
            states = states[0]
        y, last = self.modules[key](x, states)
        return (y[:, None], *(last if isinstance(last, tuple) else (last,)))


OWN = {"Softmax": softmax, "LogSoftmax": log_softmax, "Cast": cast, "Slice": slice_,
       "QuantizeLinear": quantize, "DequantizeLinear": dequantize}


class Traced(torch.nn.Module):
    """Feeds in the model's order to outputs in its order."""

    def __init__(self, network, names):
        super().__init__()
        self.network, self.names = network, names
        self.floats = {name: torch.from_numpy(np.array(value))
                       for name, value in network.weights().items()}

    def forward(self, *feeds):
        return tuple(self.network.run(dict(zip(self.names, feeds)), self.floats).values())


class Session:
    def __init__(self, artefact, threads):
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        own = {**OWN, "LSTM": Recurrent("LSTM"), "GRU": Recurrent("GRU")}
        self.network = interpret.Interpreter(onnx.load(artefact), Namespace, Kernels,
                                             np.float32, own)

    def bind(self, feeds):
        values = [torch.from_numpy(value) for value in feeds.values()]
        module = Traced(self.network, list(feeds)).eval()
        # Recurrent modules are made here: a trace would hold the weights that
        # torch gave them first.
        module(*values)
        traced = torch.jit.freeze(torch.jit.trace(module, values, check_trace=False))

        def run():
            self.values = traced(*values)
        self.run = run

    def outputs(self):
        names = [output.name for output in self.network.graph.output]
        return {name: np.asarray(value) for name, value in zip(names, self.values)}

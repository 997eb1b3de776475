"""Writes networks of the suite as ONNX, the way PyTorch's exporter does.

A Graph collects nodes and initializers. Weights are random from a fixed seed
and scaled by their fan-in, so that activations stay near 1 and a comparison of
outputs means something. A weight that is asked for twice by one name is one
initializer; with `copies` every further use gets an initializer of its own with
equal bytes, as exporters write tied weights.
"""
import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

TYPES = {np.float32: TensorProto.FLOAT, np.int64: TensorProto.INT64}


class Graph:
    def __init__(self, name, opset=14, copies=False, seed=0):
        self.name, self.opset, self.copies = name, opset, copies
        self.random = np.random.RandomState(seed)
        self.nodes, self.inputs, self.outputs = [], [], []
        self.initializers, self.values, self.uses = [], {}, {}

    def input(self, name, *shape, dtype=np.float32):
        self.inputs.append(helper.make_tensor_value_info(name, TYPES[dtype], shape))
        return name

    def output(self, name, *shape):
        self.outputs.append(helper.make_tensor_value_info(
            name, TensorProto.FLOAT, shape or None))

    def constant(self, name, value):
        """An initializer; a second one of this name is a further use of it."""
        value = np.asarray(value)
        use = self.uses[name] = self.uses.get(name, -1) + 1
        if use and not self.copies:
            return name
        full = f"{name}.copy{use}" if use else name
        self.values[full] = value
        self.initializers.append(numpy_helper.from_array(value, full))
        return full

    def weight(self, name, *shape, fan=None):
        """A random weight of variance 1 / fan, by default its fan-in [out, in, ...]."""
        if name not in self.values:
            fan = fan or (np.prod(shape[1:]) if len(shape) > 1 else 100)
            value = self.random.standard_normal(shape) / np.sqrt(fan)
            return self.constant(name, value.astype(np.float32))
        return self.constant(name, self.values[name])

    def integers(self, *values):
        name = "i" + "_".join(str(v) for v in values)
        if name not in self.values:
            self.constant(name, np.array(values, np.int64))
        return name

    def scalar(self, value):
        name = f"f{value}"
        if name not in self.values:
            self.constant(name, np.float32(value))
        return name

    def add(self, kind, inputs, output=None, **attributes):
        """Adds a node of one output and returns the output's name."""
        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def add_many(self, kind, inputs, outputs, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return outputs

    # Layers -----------------------------------------------------------------

    def conv(self, x, name, c_in, c_out, kernel, stride=1, pad=None, group=1, rank=2):
        pad = kernel // 2 if pad is None else pad
        weight = self.weight(f"{name}.weight", c_out, c_in // group, *[kernel] * rank)
        bias = self.weight(f"{name}.bias", c_out)
        return self.add("Conv", [x, weight, bias], kernel_shape=[kernel] * rank,
                        pads=[pad] * (2 * rank), strides=[stride] * rank,
                        dilations=[1] * rank, group=group)

    def relu(self, x):
        return self.add("Relu", [x])

    def gemm(self, x, name, n_in, n_out):
        """torch.nn.Linear on a matrix: weight [n_out, n_in], transposed by Gemm."""
        return self.add("Gemm", [x, self.weight(f"{name}.weight", n_out, n_in),
                                 self.weight(f"{name}.bias", n_out)],
                        alpha=1.0, beta=1.0, transB=1)

    def linear(self, x, name, n_in, n_out, bias=True):
        """torch.nn.Linear on more axes: MatMul by [n_in, n_out], then Add."""
        x = self.add("MatMul", [x, self.weight(f"{name}.weight", n_in, n_out, fan=n_in)])
        return self.add("Add", [self.weight(f"{name}.bias", n_out), x]) if bias else x

    def max_pool(self, x, kernel, stride, pad=0):
        return self.add("MaxPool", [x], kernel_shape=[kernel] * 2,
                        pads=[pad] * 4, strides=[stride] * 2)

    def layer_norm(self, x, name, size, epsilon=1e-5):
        mean = self.add("ReduceMean", [x], axes=[-1])
        centred = self.add("Sub", [x, mean])
        square = self.add("Pow", [centred, self.scalar(2.0)])
        variance = self.add("ReduceMean", [square], axes=[-1])
        deviation = self.add("Sqrt", [self.add("Add", [variance, self.scalar(epsilon)])])
        unit = self.add("Div", [centred, deviation])
        scaled = self.add("Mul", [unit, self.constant(f"{name}.weight",
                                                      np.ones(size, np.float32))])
        return self.add("Add", [scaled, self.weight(f"{name}.bias", size)])

    def gelu(self, x):
        erf = self.add("Erf", [self.add("Div", [x, self.scalar(1.4142135)])])
        both = self.add("Mul", [x, self.add("Add", [erf, self.scalar(1.0)])])
        return self.add("Mul", [both, self.scalar(0.5)])

    def recurrent(self, kind, x, name, n_in, hidden, state=None):
        """A layer of LSTM or GRU over x [T, B, n_in] to [T, B, hidden]. `state` are
        the names of the first states; returns the sequence and the last states."""
        gates = {"LSTM": 4, "GRU": 3}[kind]
        inputs = [x, self.weight(f"{name}.W", 1, gates * hidden, n_in, fan=n_in),
                  self.weight(f"{name}.R", 1, gates * hidden, hidden, fan=hidden),
                  self.weight(f"{name}.B", 1, 2 * gates * hidden, fan=100)]
        if state:
            inputs += ["", *state]
        outputs = [f"{name}.Y", f"{name}.Y_h"] + [f"{name}.Y_c"] * (kind == "LSTM")
        extra = {"linear_before_reset": 1} if kind == "GRU" else {}
        self.add_many(kind, inputs, outputs, hidden_size=hidden, **extra)
        squeezed = self.add("Squeeze", [outputs[0], self.integers(1)])
        return squeezed, outputs[1:]

    def save(self, path):
        graph = helper.make_graph(self.nodes, self.name, self.inputs, self.outputs,
                                  self.initializers)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", self.opset)],
            ir_version=7, producer_name="lig-bench")
        save_model(model, str(path))

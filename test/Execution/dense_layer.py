"""A dense layer with bias and rectifier, run by the emulator in a precision of
tensor cores, beside NumPy."""
import json
import subprocess

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

# Half a unit in the last place of an operand, and what sums of products make of it.
BOUNDS = {"tf32": 2.0**-10, "bf16": 2.0**-7, "f16": 2.0**-10}


def round_to_tf32(x):
    """The nearest numbers of tf32, of two the ones farther from zero."""
    bits = x.astype(np.float32).view(np.uint32)
    return ((bits + 0x1000) & np.uint32(0xffffe000)).view(np.float32)


class DenseLayer:
    """relu(x w + b) for x (rows, sums) and w (sums, columns), in a folder. With
    `reused` there is another result, z = w + 0."""

    def __init__(self, folder, rows, columns, sums, reused=False):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(7)
        weight, bias, data = (rng.standard_normal(s).astype(np.float32)
                              for s in ((sums, columns), (columns,), (rows, sums)))
        tensor = helper.make_tensor_value_info
        uses = ([helper.make_node("Sub", ["w", "none"], ["z"])],
                [tensor("none", TensorProto.FLOAT, weight.shape)],
                [tensor("z", TensorProto.FLOAT, weight.shape)]) if reused else ([], [], [])
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["h"]),
             helper.make_node("Add", ["h", "b"], ["a"]),
             helper.make_node("Relu", ["a"], ["y"]), *uses[0]], "layer",
            [tensor("x", TensorProto.FLOAT, data.shape), *uses[1]],
            [tensor("y", TensorProto.FLOAT, [rows, columns]), *uses[2]],
            [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")])
        save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]),
                   str(folder / "layer.onnx"))
        np.save(folder / "x.npy", data)
        np.save(folder / "none.npy", np.zeros_like(weight))
        self.inputs = ["x", "none"] if reused else ["x"]
        self.data, self.weight, self.bias = data, weight, bias
        self.wanted = np.maximum(data.astype(np.float64) @ weight + bias, 0)
        self.magnitude = np.abs(data).astype(np.float64) @ np.abs(weight)

    def run(self, compute, output="y"):
        """What the emulator finds."""
        subprocess.run(["lig-run", self.folder / "layer.onnx", "--device=emulate",
                        f"--compute={compute}",
                        *(f"--input={name}=@{self.folder / name}.npy" for name in self.inputs),
                        "--output-dir", self.folder], check=True, stdout=subprocess.DEVNULL)
        return np.load(self.folder / f"{output}.npy")

    def error(self, compute):
        """The largest difference from NumPy, in magnitudes of the summed terms."""
        return (np.abs(self.run(compute) - self.wanted) / self.magnitude).max()

    def error_of_sums(self):
        """The same for tf32 from sums of what its operands are rounded to."""
        terms = [round_to_tf32(x).astype(np.float64) for x in (self.data, self.weight)]
        wanted = np.maximum(terms[0] @ terms[1] + self.bias, 0)
        return (np.abs(self.run("tf32") - wanted) / self.magnitude).max()

    def parameter_bytes(self, compute):
        """Of the artefact's parameters in that precision."""
        done = subprocess.run(["lig-run", self.folder / "layer.onnx", "--device=emulate",
                               f"--compute={compute}", "--bench", "--min-time=0", "--warmup=0"],
                              check=True, stdout=subprocess.PIPE)
        return json.loads(done.stdout)["param_bytes"]

    def ptx(self, compute, *options):
        return subprocess.run(["ligc", self.folder / "layer.onnx", "--target=cuda",
                               f"--compute={compute}", *options, "--emit=ptx", "-o", "-"],
                              check=True, stdout=subprocess.PIPE, text=True).stdout

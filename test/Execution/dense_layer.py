"""A dense layer with bias and rectifier, run by the emulator in a precision of
tensor cores, beside NumPy."""
import json
import subprocess

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

# Half a unit in the last place of an operand, and what sums of products make of it.
BOUNDS = {"tf32": 2.0**-10, "bf16": 2.0**-7, "f16": 2.0**-10}


class DenseLayer:
    """relu(x w + b) for x (rows, sums) and w (sums, columns), in a folder."""

    def __init__(self, folder, rows, columns, sums):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(7)
        weight, bias, data = (rng.standard_normal(s).astype(np.float32)
                              for s in ((sums, columns), (columns,), (rows, sums)))
        graph = helper.make_graph(
            [helper.make_node("MatMul", ["x", "w"], ["h"]),
             helper.make_node("Add", ["h", "b"], ["a"]),
             helper.make_node("Relu", ["a"], ["y"])], "layer",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, data.shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [rows, columns])],
            [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")])
        save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]),
                   str(folder / "layer.onnx"))
        np.save(folder / "x.npy", data)
        self.wanted = np.maximum(data.astype(np.float64) @ weight + bias, 0)
        self.magnitude = np.abs(data).astype(np.float64) @ np.abs(weight)

    def error(self, compute):
        """The largest difference from NumPy, in magnitudes of the summed terms."""
        subprocess.run(["lig-run", self.folder / "layer.onnx", "--device=emulate",
                        f"--compute={compute}", f"--input=x=@{self.folder / 'x.npy'}",
                        "--output-dir", self.folder], check=True, stdout=subprocess.DEVNULL)
        found = np.load(self.folder / "y.npy")
        return (np.abs(found - self.wanted) / self.magnitude).max()

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

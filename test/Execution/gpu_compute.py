"""A layer on tensor cores, emulated, in each precision, against NumPy: inputs are
rounded to it, sums are f32. Also that the kernel's products are those."""
import pathlib
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

OUT = pathlib.Path(sys.argv[1])
# Half a unit in the last place of an operand, and what sums of products make of it.
BOUNDS = {"tf32": 2.0**-10, "bf16": 2.0**-7, "f16": 2.0**-10}


def write_model():
    rng = np.random.default_rng(7)
    weight, bias, data = (rng.standard_normal(s).astype(np.float32)
                          for s in ((96, 80), (80,), (64, 96)))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Add", ["h", "b"], ["a"]),
         helper.make_node("Relu", ["a"], ["y"])], "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, data.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [64, 80])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")])
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]),
               str(OUT / "layer.onnx"))
    np.save(OUT / "x.npy", data)
    wide = data.astype(np.float64) @ weight
    return np.maximum(wide + bias, 0), np.abs(data).astype(np.float64) @ np.abs(weight)


def check(compute, wanted, magnitude):
    subprocess.run(["lig-run", OUT / "layer.onnx", "--device=emulate", f"--compute={compute}",
                    f"--input=x=@{OUT / 'x.npy'}", "--output-dir", OUT],
                   check=True, stdout=subprocess.DEVNULL)
    error = (np.abs(np.load(OUT / "y.npy") - wanted) / magnitude).max()
    text = subprocess.run(["ligc", OUT / "layer.onnx", "--target=cuda", f"--compute={compute}",
                           "--emit=ptx", "-o", "-"], check=True, stdout=subprocess.PIPE).stdout
    # Rounding shows, and no more than it may.
    good = 1e-7 < error < BOUNDS[compute] and f".f32.{compute}.{compute}.f32".encode() in text
    print("PASS" if good else "FAIL", compute, f"error {error:.1e} of the terms' magnitude")
    return good


OUT.mkdir(parents=True, exist_ok=True)
WANTED, MAGNITUDE = write_model()
sys.exit(not all([check(c, WANTED, MAGNITUDE) for c in BOUNDS]))

"""Kernels bound by memory, emulated, against NumPy: elements of odd planes, rows of a
softmax, sums of planes and of columns. In their PTX memory moves by 16 bytes."""
import pathlib
import re
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

# Of the planes, one element fills no piece; the sums store one number a row.
SHAPES = {"planes": (1, 701, 7, 7), "rows": (60, 3, 196), "pooled": (1, 40, 14, 14),
          "columns": (5, 35000)}


def model(bias):
    nodes = [helper.make_node("Add", ["planes", "bias"], ["moved"]),
             helper.make_node("Tanh", ["moved"], ["planes.out"]),
             helper.make_node("Softmax", ["rows"], ["rows.out"], axis=-1),
             helper.make_node("ReduceMean", ["pooled"], ["pooled.out"], axes=[2, 3], keepdims=1),
             helper.make_node("ReduceMax", ["columns"], ["columns.out"], axes=[0], keepdims=0)]
    outputs = dict(SHAPES, pooled=(1, 40, 1, 1), columns=(35000,))
    graph = helper.make_graph(
        nodes, "pieces",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
         for name, shape in SHAPES.items()],
        [helper.make_tensor_value_info(f"{name}.out", TensorProto.FLOAT, shape)
         for name, shape in outputs.items()], [numpy_helper.from_array(bias, "bias")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])


def wanted(data, bias):
    weights = np.exp(data["rows"].astype(np.float64))
    return {"planes": np.tanh(data["planes"].astype(np.float64) + bias),
            "rows": weights / weights.sum(axis=-1, keepdims=True),
            "pooled": data["pooled"].astype(np.float64).mean(axis=(2, 3), keepdims=True),
            "columns": data["columns"].max(axis=0)}


folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(5)
bias = rng.standard_normal((1, 701, 1, 1)).astype(np.float32)
inputs = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}
save_model(model(bias), str(folder / "pieces.onnx"))
arguments = []
for name, array in inputs.items():
    np.save(folder / f"{name}.npy", array)
    arguments.append(f"--input={name}=@{folder / name}.npy")
subprocess.run(["lig-run", folder / "pieces.onnx", "--device=emulate", *arguments,
                "--output-dir", folder], check=True, stdout=subprocess.DEVNULL)
good = True
for name, array in wanted(inputs, bias).items():
    error = np.abs(np.load(folder / f"{name}.out.npy") - array).max()
    good &= bool(error < 2e-6)
    print("PASS" if error < 2e-6 else "FAIL", name, f"error {error:.1e}")

ptx = subprocess.run(["ligc", folder / "pieces.onnx", "--target=cuda", "--emit=ptx", "-o", "-"],
                     check=True, stdout=subprocess.PIPE, text=True).stdout
kernels = ptx.split(".entry")[1:]
counts = [[len(re.findall(rf"{way}\.global\.v4\.", kernel)) for way in ("ld", "st")]
          for kernel in kernels]
print("16 bytes at once, loads and stores of each kernel:", counts)
good &= len(kernels) == 4 and all(loads for loads, _ in counts)
# All but the sums of planes, which store one number for each.
good &= sum(stores > 0 for _, stores in counts) == 3
sys.exit(not good)

"""Writes one/a.onnx and two/b.onnx, which multiply `x` [N,3] by an external `w`
called w.bin in each folder, and x.npy = [[1, 2, 3]].

  two_scales.py OUT
"""
import pathlib
import shutil
import sys

import numpy as np
from onnx import TensorProto, helper


def write(path, scale):
    path.parent.mkdir(parents=True)
    weights = np.array([1, 2, 3], "<f4") * np.float32(scale)
    (path.parent / "w.bin").write_bytes(weights.tobytes())
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[3],
                         data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="w.bin")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"])], "scale",
        [value("x", TensorProto.FLOAT, ["N", 3])],
        [value("y", TensorProto.FLOAT, ["N", 3])], [tensor])
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    path.write_bytes(model.SerializeToString())


out = pathlib.Path(sys.argv[1])
shutil.rmtree(out, ignore_errors=True)
write(out / "one/a.onnx", 1)
write(out / "two/b.onnx", 10)
np.save(out / "x.npy", np.array([[1, 2, 3]], "f4"))

"""Writes OUT: an ONNX model of two layers, y = (x W1) W2, whose metadata says
that W2 is FACTOR times W1. W2 is half of W1.

  tied_model.py OUT FACTOR [TIMES]

TIMES is how often the metadata says it.
"""
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

weight = np.random.default_rng(1).standard_normal((16, 16)).astype("f4")
graph = helper.make_graph(
    [helper.make_node("MatMul", ["x", "first"], ["h"]),
     helper.make_node("MatMul", ["h", "second"], ["y"])], "tied",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 16])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 16])],
    [numpy_helper.from_array(weight, "first"),
     numpy_helper.from_array(weight / 2, "second")])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
for _ in range(int(sys.argv[3]) if len(sys.argv) > 3 else 1):
    entry = model.metadata_props.add()
    entry.key = "share.ties"
    entry.value = '{"second": {"of": "first", "view": {"scale": %s}}}' % sys.argv[2]
save_model(model, sys.argv[1])

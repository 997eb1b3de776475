#!/usr/bin/python3
"""What a GPU holds of networks that share weights, by a driver without a GPU.

Layers with one weight, written once and as copies, two branches of one network,
and two models in one package: parameters are uploaded once, and no more of them
than there are different ones.

  device_usage.py LIG_RUN DRIVER OUT
"""
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

LIG_RUN, DRIVER, OUT = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
WEIGHT = np.random.default_rng(3).uniform(-1, 1, (160, 160)).astype("f4")


def write(name, layers, branches=1, copies=False):
    nodes, weights, outputs = [], {}, []
    for branch in range(branches):
        value = f"x{branch}"
        for layer in range(layers):
            weight = f"w{branch}_{layer}" if copies else "w"
            weights[weight] = WEIGHT
            product, branch_value = f"p{branch}_{layer}", f"h{branch}_{layer}"
            nodes.append(helper.make_node("MatMul", [value, weight], [product]))
            nodes.append(helper.make_node("Relu", [product], [branch_value]))
            value = branch_value
        outputs.append(value)
    def info(names):
        return [helper.make_tensor_value_info(n, TensorProto.FLOAT, [32, 160]) for n in names]
    graph = helper.make_graph(nodes, name, info(f"x{i}" for i in range(branches)),
                              info(outputs),
                              [numpy_helper.from_array(w, n) for n, w in weights.items()])
    path = OUT / f"{name}.onnx"
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                                 ir_version=8), path)
    return path


def check(name, *models):
    said = subprocess.run([LIG_RUN, *models, "--device=cuda", "--bench", "--entry",
                           models[0].stem if len(models) > 1 else "main"],
                          capture_output=True, text=True,
                          env=dict(os.environ, LIG_CUDA_DRIVER=DRIVER))
    if said.returncode:
        sys.exit(f"{name}: {said.stderr}")
    usage = json.loads(said.stdout)
    right = (usage["device_uploads"] == 1 and
             WEIGHT.nbytes <= usage["device_param_bytes"] <= 1.05 * WEIGHT.nbytes)
    print(f"{name}: {usage['device_uploads']} upload, "
          f"{usage['device_param_bytes']} bytes{'' if right else ' WRONG'}")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    check("layers", write("layers", 12))
    check("copies", write("copies", 12, copies=True))
    check("siamese", write("siamese", 2, branches=2, copies=True))
    check("package", write("first", 1), write("second", 3, copies=True))


if __name__ == "__main__":
    main()

"""Writes files of parameters to OUT.

  w          8x16 f32, in every format; w.T is `transposed`
  a.npz      every type, an empty tensor, a scalar, Fortran order; packed.npz,
             wide.npz: the same, deflated and in ZIP64
  tied.onnx  `half` is 0.5 times `w`, and says so; `false.onnx` says 0.25
  branches.onnx has a Constant `c` in either branch
  folder     one.npy and two.npy, equal; loose.txt, which is nobody's
  f8         safetensors of a type that no model can have, under an odd name
  x, y       safetensors of equal names with other elements and types

  files.py OUT
"""
import json
import os
import struct
import sys
import zipfile

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

WEIGHT = np.random.default_rng(1).standard_normal((8, 16)).astype("f4")
TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
         "I8": "i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1", "BOOL": "?"}


def safetensors(tensors, metadata=None):
    """The bytes of a file; {name: array, or (dtype, shape, bytes)}."""
    header, data = {}, b""
    if metadata:
        header["__metadata__"] = metadata
    for name, value in tensors.items():
        if not isinstance(value, tuple):
            dtype = next(t for t, d in TYPES.items() if np.dtype(d) == value.dtype)
            value = dtype, list(value.shape), value.tobytes()
        dtype, shape, content = value
        header[name] = {"dtype": dtype, "shape": shape,
                        "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def read_safetensors(path):
    """{name: array} and the metadata."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    return {name: np.frombuffer(data[slice(*entry["data_offsets"])],
                                TYPES[entry["dtype"]]).reshape(entry["shape"])
            for name, entry in header.items()}, metadata


def onnx_model(factor):
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["h"]),
         helper.make_node("Add", ["h", "half"], ["y"])], "tied",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [8, 16])],
        [numpy_helper.from_array(WEIGHT, "w"), numpy_helper.from_array(WEIGHT / 2, "half")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    ties = model.metadata_props.add()
    ties.key = "share.ties"
    ties.value = json.dumps({"half": {"of": "w", "view": {"scale": factor}}})
    return model


def branches():
    """Constants in both branches of an If, of one name."""
    def branch(value):
        return helper.make_graph(
            [helper.make_node("Constant", [], ["c"],
                              value=numpy_helper.from_array(np.full(2, value, "f4")))],
            "branch", [], [helper.make_tensor_value_info("c", TensorProto.FLOAT, [2])])

    graph = helper.make_graph(
        [helper.make_node("If", ["x"], ["y"], then_branch=branch(1), else_branch=branch(2))],
        "branches", [helper.make_tensor_value_info("x", TensorProto.BOOL, [])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])


def typed():
    """One tensor of each type that a model can have."""
    return {name.lower(): np.array([[0, 1, 2], [3, 4, 5]]).astype(dtype)
            for name, dtype in TYPES.items()}


def main():
    os.makedirs(os.path.join(sys.argv[1], "folder"))
    os.chdir(sys.argv[1])

    def write(name, content):
        with open(name, "wb") as file:
            file.write(content)

    np.save("w.npy", WEIGHT)
    for name in "one", "two":
        np.save(f"folder/{name}.npy", WEIGHT)
    write("folder/loose.txt", b"nobody's")
    arrays = dict(typed(), w=WEIGHT, transposed=WEIGHT.T, fortran=np.asfortranarray(WEIGHT),
                  empty=np.zeros((0, 3), "f4"), scalar=np.float64(2.5))
    np.savez("a.npz", **arrays)
    np.savez_compressed("packed.npz", **arrays)
    # As NumPy writes what does not fit 32 bits.
    zipfile.ZIP64_LIMIT = zipfile.ZIP_FILECOUNT_LIMIT = 1
    np.savez("wide.npz", **arrays)
    save_model(onnx_model(0.5), "tied.onnx")
    save_model(onnx_model(0.25), "false.onnx")
    save_model(branches(), "branches.onnx")

    nan = np.array([0x7FC00000, 0x7FC00001, 0], "<u4").view("<f4")
    other_nan = np.array([0x7FC00000, 0x7FC00002, 0x80000000], "<u4").view("<f4")
    near = WEIGHT.copy()
    near[3, 5] += 0.5
    near[4, 0] -= 0.25
    write("f8.safetensors", safetensors({"a\nb": ("F8_E4M3", [2], b"\x1f\x20")}))
    write("x.safetensors", safetensors(
        {"same": WEIGHT, "near": WEIGHT, "nan": nan, "type": WEIGHT, "shape": WEIGHT,
         "bytes": np.array([0, 255], "u1"), "wide": np.array([2**63 - 1, 5]), "gone": WEIGHT}))
    write("y.safetensors", safetensors(
        {"same": WEIGHT, "near": near, "nan": other_nan, "type": WEIGHT.astype("f8"),
         "shape": WEIGHT.reshape(16, 8), "bytes": np.array([255, 255], "u1"),
         "wide": np.array([2**63 - 2, 5]), "new": WEIGHT}))


if __name__ == "__main__":
    main()

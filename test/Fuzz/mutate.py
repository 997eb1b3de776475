#!/usr/bin/python3
"""Models one change away from right ones: what a fuzzer of bytes seldom finds.

Each of ONNX's own node cases is changed in one place: the rank, extents or
element type of an input, an input made constant or left out, an attribute gone,
empty or extreme, another opset.

  mutate.py OUT [PART PARTS]

Writes the models to the new folder OUT; with PART and PARTS, every PARTS-th one.
"""
import itertools
import pathlib
import sys

import numpy as np
import onnx
import onnx.mapping
from onnx import TensorProto, helper, numpy_helper

CASES = pathlib.Path("/usr/share/libonnx-testdata/data/node")
LARGEST = 20000
TYPES = (TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL, TensorProto.UINT8,
         TensorProto.DOUBLE, TensorProto.INT8)
CONSTANTS = (([], [0]), ([0], []), ([-1], [1]), ([100], [1]), ([1] * 9, [9]), ([0], [1, 1, 1]))
NUMBERS = (0, -1, 1, 1000, 2 ** 62, -2 ** 63)
FULL = (0, 100, -1e30, float("nan"))
OPSETS = (1, 6, 9, 11, 13, 18, 21)


def tensor_type(model, i):
    return model.graph.input[i].type.tensor_type


def to_rank_0(model, i):
    tensor_type(model, i).shape.CopyFrom(onnx.TensorShapeProto())


def to_rank_1(model, i):
    to_rank_0(model, i)
    tensor_type(model, i).shape.dim.add().dim_value = 3


def to_one_rank_more(model, i):
    tensor_type(model, i).shape.dim.add().dim_value = 2


def to_no_element(model, i):
    for dim in tensor_type(model, i).shape.dim:
        dim.dim_value = 0


def to_type(element):
    def change(model, i):
        tensor_type(model, i).elem_type = element
    return change


def to_constant(values, shape):
    def change(model, i):
        value = model.graph.input[i]
        element = value.type.tensor_type.elem_type
        model.graph.initializer.append(helper.make_tensor(value.name, element, shape, values))
        del model.graph.input[i]
    return change


INPUT_CHANGES = [to_rank_0, to_rank_1, to_one_rank_more, to_no_element,
                 *map(to_type, TYPES)]


def all_constant(change, number):
    """The change, after which every input is full of one number: importers fold those."""
    def changed(model, i):
        change(model, i)
        for value in model.graph.input:
            tensor = value.type.tensor_type
            dtype = onnx.mapping.TENSOR_TYPE_TO_NP_TYPE[tensor.elem_type]
            full = np.full([dim.dim_value for dim in tensor.shape.dim], number, dtype)
            model.graph.initializer.append(numpy_helper.from_array(full, value.name))
        del model.graph.input[:]
    return changed


def input_changes(model):
    of_one = [*INPUT_CHANGES, *itertools.starmap(to_constant, CONSTANTS),
              *(all_constant(change, 1) for change in INPUT_CHANGES),
              *(all_constant(lambda m, i: None, number) for number in FULL)]
    for i, change in itertools.product(range(len(model.graph.input)), of_one):
        yield lambda m, i=i, change=change: change(m, i)


def set_numbers(attribute, number):
    attribute.i, attribute.f = number, float(number)
    attribute.ints[:] = [number] * len(attribute.ints)


def set_empty(attribute):
    del attribute.ints[:], attribute.floats[:]
    attribute.s = b""


def set_longer(attribute):
    (attribute.ints or attribute.floats).append(1)


def attribute_changes(k, count):
    of_one = [set_empty, set_longer,
              *(lambda a, number=number: set_numbers(a, number) for number in NUMBERS)]
    for a in range(count):
        yield lambda m, a=a: m.graph.node[k].attribute.pop(a)
        for change in of_one:
            yield lambda m, a=a, change=change: change(m.graph.node[k].attribute[a])


def node_changes(k, node):
    for j in range(len(node.input)):
        yield lambda m, j=j: m.graph.node[k].input.__setitem__(j, "")
    yield lambda m: m.graph.node[k].input.pop()
    yield lambda m: m.graph.node[k].input.append(m.graph.node[k].input[0])
    yield from attribute_changes(k, len(node.attribute))


def changes(model):
    yield from input_changes(model)
    for k, node in enumerate(model.graph.node):
        yield from node_changes(k, node)
    for opset in OPSETS:
        yield lambda m, opset=opset: setattr(m.opset_import[0], "version", opset)


def mutants():
    """(name, bytes) of every changed model, no two alike."""
    seen = set()
    for path in sorted(CASES.glob("test_*/model.onnx")):
        original = path.read_bytes()
        if len(original) > LARGEST:
            continue
        for change in changes(onnx.load_from_string(original)):
            model = onnx.load_from_string(original)
            try:
                change(model)
                mutant = model.SerializeToString()
            except (IndexError, KeyError, NotImplementedError, OverflowError, TypeError,
                    ValueError):
                continue  # not one that this model can be given
            if mutant not in seen:
                seen.add(mutant)
                yield path.parent.name, mutant


def main():
    out = pathlib.Path(sys.argv[1])
    part, parts = map(int, sys.argv[2:4] or (0, 1))
    out.mkdir(parents=True)
    for i, (name, mutant) in enumerate(itertools.islice(mutants(), part, None, parts)):
        (out / f"{name[5:]}-{i}.onnx").write_bytes(mutant)


if __name__ == "__main__":
    main()

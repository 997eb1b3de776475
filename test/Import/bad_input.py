#!/usr/bin/python3
"""Gives broken models and options to ligc: each must be refused in words.

A refusal is exit code 1, a message that matches the expected words, no signal,
and no file left behind. Prints a line for each case; exits 1 if any was wrong.

  bad_input.py LIGC EXAMPLE_MODEL OUT

With "-" for LIGC it only writes the models to OUT: seeds for the fuzzer.
"""
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
MEMORY, SECONDS = 12 << 30, 60
CASES = []


def case(expected, *options):
    """A function of the case's folder that gives the model's bytes."""
    def register(build):
        CASES.append((build.__name__.replace("_", "-"), build, expected, options))
        return build
    return register


def model(nodes, inputs, outputs=(("y", FLOAT, [2]),), weights=(), opset=13, **more):
    values = [[helper.make_tensor_value_info(*each) for each in group]
              for group in (inputs, outputs)]
    graph = helper.make_graph(nodes, "g", *values, list(weights))
    imports = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=imports, **more).SerializeToString()


def weight(name, values, dtype="f4"):
    return numpy_helper.from_array(np.array(values, dtype), name)


def node(op, inputs, outputs="y", **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), name=f"the_{op}",
                            **attributes)


RELU = node("Relu", "x")
X = ("x", FLOAT, [2])


# Files.

@case("no ONNX model, or it is truncated")
def truncated(folder):
    whole = EXAMPLE.read_bytes()
    return whole[:len(whole) * 2 // 3]


@case("no ONNX model, or it is truncated|no graph")
def text_instead_of_a_model(folder):
    return b"module { func.func @main() }"


@case("no graph")
def empty(folder):
    return b""


@case("cannot read|o such file")
def missing(folder):
    return None


# Graphs.

@case("the_Add.*'b' is made by no .* cyclic")
def cyclic(folder):
    return model([node("Add", "x b", "a"), node("Relu", "a", "b"), node("Relu", "b")], [X])


@case("'y' of graph 'g' is made by no node")
def output_that_nothing_makes(folder):
    return model([node("Relu", "x", "z")], [X])


@case("'y' is made twice")
def name_made_twice(folder):
    return model([RELU, RELU], [X])


@case("'x' is declared twice")
def input_declared_twice(folder):
    return model([RELU], [X, X])


@case("the_Frobnicate.*Frobnicate.*opset 13.* is not supported; nor .*Grumble")
def operators_that_do_not_exist(folder):
    return model([node("Frobnicate", "x", "z"), node("Grumble", "z")], [X])


@case("the_LSTM.*LSTM.*opset 6.* is not supported")
def opset_too_old(folder):
    return model([node("LSTM", "x x x")], [X], opset=6)


@case("functions call each other without end")
def function_that_calls_itself(folder):
    onnx_ops = helper.make_opsetid("", 13)
    own_ops = helper.make_opsetid("own", 1)
    body = helper.make_function("own", "F", ["x"], ["y"],
                                [helper.make_node("F", ["x"], ["y"], domain="own")],
                                [onnx_ops, own_ops])
    graph = helper.make_graph([helper.make_node("F", ["x"], ["y"], domain="own")], "g",
                              [helper.make_tensor_value_info(*X)],
                              [helper.make_tensor_value_info("y", FLOAT, [2])])
    return helper.make_model(graph, functions=[body], ir_version=8,
                             opset_imports=[onnx_ops, own_ops]).SerializeToString()


# Types and shapes.

@case("the_Add")
def mixed_element_types(folder):
    return model([node("Add", "x i")], [X, ("i", INT64, [2])])


@case("'y' is declared with element type INT64")
def output_of_another_type(folder):
    return model([RELU], [X], [("y", INT64, [2])])


@case("the_Where'.*: inputs 1 and 2 differ in element type: 'f32' and 'f64'")
def constants_of_two_types(folder):
    return model([node("Where", "c a b")], [], weights=[
        weight("c", [True, False], bool), weight("a", [1, 2]), weight("b", [1, 2], "f8")])


@case("the_Concat'.*: inputs 0 and 1 differ in element type: 'ui8' and 'i8'")
def concatenated_signs(folder):
    return model([node("Concat", "a b", axis=0)], [("a", TensorProto.UINT8, [1]),
                                                  ("b", TensorProto.INT8, [1])])


@case("the_Concat'.*: input 1 is missing")
def concatenation_of_nothing(folder):
    concat = helper.make_node("Concat", ["a", ""], ["y"], name="the_Concat", axis=0)
    return model([concat], [], weights=[weight("a", [1, 2])])


@case("the_CumSum'.*: a scalar has no axis")
def cumulative_sum_of_a_scalar(folder):
    return model([node("CumSum", "x i")], [("x", FLOAT, []), ("i", INT64, [])],
                 [("y", FLOAT, [])])


@case("the_OneHot'.*: the depth .input 1. has shape .0., but should be one number")
def depth_without_a_number(folder):
    return model([node("OneHot", "i d x")], [("i", INT64, [2]), X],
                 weights=[weight("d", [], "i8")])


@case("the_Attention'.*: 3 heads of queries do not share 2 of keys evenly")
def heads_that_do_not_share(folder):
    return model([node("Attention", "x k k")], [("x", FLOAT, [1, 3, 2, 4]),
                                                ("k", FLOAT, [1, 2, 2, 4])], opset=23)


@case("the_Attention'.*: the mask has shape .3, 2., but the scores .1, 2, 2, 2.")
def mask_that_does_not_fit(folder):
    return model([node("Attention", "x x x m")], [("x", FLOAT, [1, 2, 2, 4]),
                                                  ("m", FLOAT, [3, 2])], opset=23)


@case("the_RotaryEmbedding'.*: the cosines have shape .4., but should be a table of rows of 2")
def angles_that_do_not_fit(folder):
    return model([node("RotaryEmbedding", "x c c p")],
                 [("x", FLOAT, [1, 2, 2, 4]), ("c", FLOAT, [4]), ("p", INT64, [1, 2])], opset=23)


@case("the_Range'.*: there would be 1.0*e.18 numbers")
def range_without_end(folder):
    return model([node("Range", "a b c")], [], weights=[
        weight("a", 0.0, "f8"), weight("b", 1e18, "f8"), weight("c", 1.0, "f8")])


@case("larger than any machine")
def dimension_of_2_to_62(folder):
    return model([RELU], [("x", FLOAT, [2 ** 62])], [("y", FLOAT, [2 ** 62])])


@case("larger than any machine")
def product_of_dimensions_overflows(folder):
    return model([RELU], [("x", FLOAT, [2 ** 32, 2 ** 32])], [("y", FLOAT, None)])


@case("negative")
def negative_dimension(folder):
    return model([RELU], [("x", FLOAT, [-3])], [("y", FLOAT, [-3])])


@case("dimension 'N' of input 'x' is not bound; give its extent by --dim")
def unbound_dimension(folder):
    return model([RELU], [("x", FLOAT, ["N"])], [("y", FLOAT, ["N"])])


@case("negative|--dim", "--dim", "N=-2")
def dimension_bound_to_a_negative(folder):
    return model([RELU], [("x", FLOAT, ["N"])], [("y", FLOAT, ["N"])])


@case("larger than any machine|--dim", "--dim", "N=4611686018427387904")
def dimension_bound_to_2_to_62(folder):
    return model([RELU], [("x", FLOAT, ["N"])], [("y", FLOAT, ["N"])])


@case("the_Add")
def shapes_that_do_not_broadcast(folder):
    return model([node("Add", "x b")], [X, ("b", FLOAT, [3])])


@case("the_MatMul")
def matrices_that_do_not_fit(folder):
    return model([node("MatMul", "x b")], [("x", FLOAT, [2, 3]), ("b", FLOAT, [4, 5])],
                 [("y", FLOAT, [2, 5])])


@case("the_Conv")
def channels_that_do_not_fit(folder):
    return model([node("Conv", "x w")], [("x", FLOAT, [1, 4, 8, 8])],
                 [("y", FLOAT, [1, 2, 6, 6])], [weight("w", np.ones((2, 3, 3, 3)))])


@case("the_Reshape")
def reshape_to_another_size(folder):
    return model([node("Reshape", "x s")], [X], [("y", FLOAT, [3])],
                 [weight("s", [3], "i8")])


@case("the_ConstantOfShape")
def constant_of_2_to_62(folder):
    return model([node("ConstantOfShape", "s")], [], [("y", FLOAT, None)],
                 [weight("s", [2 ** 31, 2 ** 31], "i8")])


@case("the_Transpose")
def permutation_that_is_none(folder):
    return model([node("Transpose", "x", perm=[0, 0])], [("x", FLOAT, [2, 2])])


@case("the_LeakyRelu|alpha")
def attribute_of_another_type(folder):
    return model([node("LeakyRelu", "x", alpha="much")], [X])


# Initializers.

@case("'w'.* the type takes 8 bytes, but its data has 4")
def initializer_too_short(folder):
    broken = TensorProto(name="w", data_type=FLOAT, dims=[2], raw_data=b"\0" * 4)
    return model([node("Add", "x w")], [X], weights=[broken])


@case("larger than any machine")
def initializer_of_2_to_62(folder):
    broken = TensorProto(name="w", data_type=FLOAT, dims=[2 ** 31, 2 ** 31])
    return model([node("Add", "x w")], [X], weights=[broken])


def external(location, offset=0):
    tensor = TensorProto(name="w", data_type=FLOAT, dims=[2],
                         data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", str(offset)), ("length", "8")):
        tensor.external_data.add(key=key, value=value)
    return model([node("Add", "x w")], [X], weights=[tensor])


@case("'w'.* cannot read external data 'weights.bin'")
def external_file_missing(folder):
    return external("weights.bin")


@case("not a path below|outside the model's folder")
def external_file_above_the_folder(folder):
    (folder / "../secret.bin").write_bytes(b"\0" * 8)
    return external("../secret.bin")


@case("not a path below|outside the model's folder")
def external_file_by_absolute_path(folder):
    (folder / "../secret.bin").write_bytes(b"\0" * 8)
    return external(str((folder / "../secret.bin").resolve()))


@case("outside the model's folder")
def external_file_by_symbolic_link(folder):
    (folder / "../secret.bin").write_bytes(b"\0" * 8)
    (folder / "link.bin").symlink_to("../secret.bin")
    return external("link.bin")


@case("has 8 bytes, but")
def external_data_past_the_end(folder):
    (folder / "weights.bin").write_bytes(b"\0" * 8)
    return external("weights.bin", offset=4)


@case("has 8 bytes, but|no number")
def external_offset_that_overflows(folder):
    (folder / "weights.bin").write_bytes(b"\0" * 8)
    return external("weights.bin", offset=2 ** 64 - 4)


# Values.

@case("the_Gather.*(index|indices)")
def constant_index_out_of_range(folder):
    return model([node("Gather", "w i")], [], [("y", FLOAT, [1])],
                 [weight("w", [1, 2]), weight("i", [7], "i8")])


@case("the_Slice|the_Slice.*step")
def slice_with_step_zero(folder):
    return model([node("Slice", "x zero two axes zero")], [X],
                 weights=[weight("zero", [0], "i8"), weight("two", [2], "i8"),
                          weight("axes", [0], "i8")])


@case("--dim|dim", "--dim", "nonsense")
def option_that_is_no_binding(folder):
    return EXAMPLE.read_bytes()


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def check(name, build, expected, options):
    """What went wrong, or nothing."""
    folder = OUT / name
    folder.mkdir(parents=True)
    data = build(folder)
    if data is not None:
        (folder / "model.onnx").write_bytes(data)
    if LIGC == "-":
        return ""
    before = set(os.listdir(folder))
    done = subprocess.run(
        [LIGC, str(folder / "model.onnx"), *options, "-o", str(folder / "out.so")],
        capture_output=True, text=True, timeout=SECONDS, preexec_fn=limit)
    left = set(os.listdir(folder)) - before
    if done.returncode != 1:
        return f"exit code {done.returncode}\n{done.stderr}"
    if not re.search(expected, done.stderr, re.S):
        return f"does not say '{expected}':\n{done.stderr}"
    if "not supported" in done.stderr and "not supported" not in expected:
        return f"is refused for another reason:\n{done.stderr}"
    if left:
        return f"leaves {sorted(left)}"
    return ""


def main():
    failed = 0
    for each in CASES:
        problem = check(*each)
        failed += bool(problem)
        print("FAIL" if problem else "PASS", each[0], problem)
    print(f"{len(CASES) - failed} of {len(CASES)} refused in the right words")
    sys.exit(bool(failed))


if __name__ == "__main__":
    LIGC, EXAMPLE, OUT = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    shutil.rmtree(OUT, ignore_errors=True)
    main()

#!/usr/bin/python3
"""Counts, with numpy alone, the duplicates among the weights of real networks,
and compares with what the compiler's sharing report says it found.

Weights are initializers and Constant tensors, of subgraphs too. Two are
duplicates if type, shape and bytes are equal; and, from 256 bytes on, if one is
the other reshaped or with its dimensions permuted. The report must have them in
one parameter: under one name, as merged names, or as views, and its totals must
be ours. Constants of less than 256 bytes may be missing from it: axes and shapes
are folded.

  duplicates.py [--out=FOLDER] LIGC MODELS [NAME...]

Exits 1 if a duplicate was missed and 77, which CTest shows as skipped, without
MODELS.
"""
import itertools
import json
import subprocess
import sys

import numpy as np
import onnx
from onnx import numpy_helper

from real_models import parse_arguments

LEAST_VIEW_BYTES = 256
SECONDS_EACH = 300


def weights(graph):
    """Name and value of each initializer and Constant of a graph."""
    for tensor in graph.initializer:
        yield tensor.name, numpy_helper.to_array(tensor)
    for node in graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant" and attribute.name == "value":
                yield node.output[0], numpy_helper.to_array(attribute.t)
            elif attribute.type == onnx.AttributeProto.GRAPH:
                yield from weights(attribute.g)
            elif attribute.type == onnx.AttributeProto.GRAPHS:
                for inner in attribute.graphs:
                    yield from weights(inner)


def canonical(value):
    """Equal for tensors that are each other's reshapes or permutations.

    Of all permutations of the dimensions the least bytes; a reshape to or from
    more dimensions than it has is only seen where the bytes are equal."""
    shape = [extent for extent in value.shape if extent != 1]
    value = value.reshape(shape)
    if len(shape) > 4:
        return value.tobytes()
    return min(np.ascontiguousarray(value.transpose(order)).tobytes()
               for order in itertools.permutations(range(len(shape))))


def group(named, key):
    groups = {}
    for name, value in named.items():
        groups.setdefault(key(value), []).append(name)
    return [names for names in groups.values() if len(names) > 1]


def read_report(ligc, model):
    command = [ligc, str(model), "--no-roll", "--no-batch", "--compile-to=share", "-o",
               "/dev/null", "--sharing-report=json"]
    data = sorted(model.parent.glob("test_data_set_*"))
    if data:
        graph = onnx.load(str(model), load_external_data=False).graph
        known = {tensor.name for tensor in graph.initializer}
        inputs = [each for each in graph.input if each.name not in known]
        for file, each in zip(sorted(data[0].glob("input_*.pb"),
                                     key=lambda f: int(f.stem.split("_")[1])), inputs):
            tensor = onnx.TensorProto.FromString(file.read_bytes())
            if tensor.dims:
                command.append(f"--input={each.name}=" + "x".join(map(str, tensor.dims)))
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_EACH)
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return json.loads(done.stdout)


def index_names(report):
    """The parameters whose bytes each name of the model is."""
    index = {}
    for each in report["parameters"]:
        for name in [each["name"], *each["merged"]]:
            index[name] = {each["name"]}
    for view in report["views"]:
        for name in [view["name"], *view["merged"]]:
            index[name] = set(view["reads"])
    return index


def check(ligc, model):
    """A line about the model, and the duplicates that were missed."""
    named = dict(weights(onnx.load(str(model)).graph))
    report = read_report(ligc, model)
    index = index_names(report)
    missed = []
    known = {name: value for name, value in named.items() if name in index}
    exact = group(known, lambda v: (str(v.dtype), v.shape, v.tobytes()))
    moved = group({name: value for name, value in known.items()
                   if value.nbytes >= LEAST_VIEW_BYTES},
                  lambda v: (str(v.dtype), v.size, canonical(v)))
    for names in exact + moved:
        roots = {frozenset(index[name]) for name in names}
        if len(roots) > 1:
            missed.append(f"{', '.join(names)} are {len(roots)} parameters")
    count = sum(len(names) - 1 for names in exact)
    saved = sum(named[name].nbytes for names in exact for name in names[1:])
    entries = report["parameters"] + report["views"]
    merged = sum(len(each["merged"]) for each in entries)
    bytes_merged = sum(len(each["merged"]) * each["bytes"] for each in entries)
    if (merged, bytes_merged) != (count, saved):
        missed.append(f"the report says {merged} duplicates, {bytes_merged} bytes")
    unknown = [name for name in named if name not in index]
    hidden = [name for name in unknown if named[name].nbytes >= LEAST_VIEW_BYTES]
    missed += [f"{name} is not in the report" for name in hidden]
    return (f"{count} duplicates, {saved} bytes; {len(moved)} weights in several "
            f"names or forms; {len(unknown)} small constants folded or unread"), missed


def main():
    options, models = parse_arguments("ligc")
    failed, lines = 0, []
    for model in models:
        line, missed = check(options.ligc, model)
        failed += bool(missed)
        lines += [f"{'FAIL' if missed else 'PASS'} {model.parent.name}/{model.name}: {line}",
                  *("  " + each for each in missed)]
        print("\n".join(lines[-1 - len(missed):]), flush=True)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "duplicates.txt").write_text("\n".join(lines) + "\n")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()

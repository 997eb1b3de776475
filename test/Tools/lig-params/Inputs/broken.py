"""Gives lig-params files that are broken in one way each: it must say so with
exit code 1, in little memory, and write nothing.

  broken.py LIG_PARAMS OUT
  broken.py --only-write OUT    the files alone, as seeds for fuzzers
"""
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile

import numpy as np
from onnx import TensorProto, helper

from files import WEIGHT, onnx_model, safetensors


def tensors(header, data=b"\0" * 64):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def one(dtype="F32", shape=(2,), offsets=(0, 8)):
    return {"a": {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets)}}


def safetensors_cases():
    """name: (bytes, what the message says)"""
    good = safetensors({"a": WEIGHT})
    for size in 0, 7, 8, 20, 60, len(good) - 1:
        yield f"cut-{size}.safetensors", good[:size], "no safetensors file"
    yield "huge-header.safetensors", struct.pack("<Q", 2**63) + good, "its header would have"
    yield "no-json.safetensors", tensors(b"{]"), "no safetensors file"
    yield "array.safetensors", tensors([1]), "its header is no JSON object"
    yield "deep.safetensors", tensors(b'{"a":' * 100000), "nests 100000 levels deep"
    yield "dtype.safetensors", tensors(one("F31")), "unknown dtype 'F31'"
    yield "negative.safetensors", tensors(one(shape=(-2,))), "a shape that no tensor has"
    yield "fraction.safetensors", tensors(one(shape=(1.5,))), "a shape that no tensor has"
    yield "overflow.safetensors", tensors(one(shape=(2**40, 2**40))), "a shape that no tensor"
    yield "zero.safetensors", tensors(one(shape=(2**40, 0, 2**40))), "a shape that no tensor"
    yield "outside.safetensors", tensors(one(offsets=(0, 65))), "lies outside the file"
    yield "backwards.safetensors", tensors(one(offsets=(8, 0))), "lies outside the file"
    yield "size.safetensors", tensors(one(offsets=(0, 12))), "12 bytes but its type needs 8"
    yield "metadata.safetensors", tensors({"__metadata__": {"x": 1}, **one()}), "is no text"
    yield "nameless.safetensors", safetensors({"": WEIGHT}), "a tensor has no name"


def layout_cases():
    two = {"a": one()["a"], "b": one(offsets=(4, 12))["a"]}
    yield "overlap.safetensors", tensors(two), "'b' overlaps another"
    yield "hole.safetensors", tensors(one(offsets=(8, 16))), "'a' follows a hole"
    yield "rest.safetensors", tensors(one()), "its tensors end at byte 8 of 64"
    yield "digest.safetensors", tensors({"__metadata__": {"ligature.digest": "00"}, **one()},
                                        b"\0" * 8), "but the file says 00"
    ties = {"share.ties": '{"a": {"of": "a"}}'}
    yield "cycle.safetensors", safetensors({"a": WEIGHT}, ties), "ties make a cycle: @a, @a"
    ties = {"share.ties": "[]"}
    yield "ties.safetensors", safetensors({"a": WEIGHT}, ties), "ties are no JSON object"


def npy(array=WEIGHT):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def zipped(files, **changes):
    """An archive; `changes` overwrite fields of its first directory record."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    data = bytearray(stream.getvalue())
    record = data.find(b"PK\1\2")
    places = {"flags": (8, "<H"), "method": (10, "<H"), "checksum": (16, "<I"),
              "packed": (20, "<I"), "size": (24, "<I"), "place": (42, "<I")}
    for key, value in changes.items():
        at, form = places[key]
        struct.pack_into(form, data, record + at, value)
    return bytes(data)


def npz_cases():
    good = zipped([("w.npy", npy())])
    for size in 4, 30, len(good) // 2, len(good) - 10:
        yield f"cut-{size}.npz", good[:size], "the archive is cut short"
    yield "other.npz", zipped([("readme", b"hello")]), "file 'readme' that is no .npy"
    yield "twice.npz", zipped([("w.npy", npy()), ("w.npy", npy())]), "'w' is there twice"
    yield "content.npz", zipped([("w.npy", npy()[:100])]), "content.npz': 'w': "
    yield "secret.npz", zipped([("w.npy", npy())], flags=1), "is encrypted"
    yield "method.npz", zipped([("w.npy", npy())], method=12), "packed in an unknown way"
    yield "checksum.npz", zipped([("w.npy", npy())], checksum=1), "another checksum"
    yield "bomb.npz", zipped([("w.npy", npy())], size=2**31), "larger than its packed bytes"
    yield "size.npz", zipped([("w.npy", npy())], size=10), "cannot be unpacked"
    yield "place.npz", zipped([("w.npy", npy())], place=2**31), "lies outside of it"
    yield "inside.npz", zipped([("w.npy", npy())], place=1), "lies outside of it"
    yield "packed.npz", zipped([("w.npy", npy())], packed=2**31), "files that lie in each other"


def npy_cases():
    good = npy()
    for size in 6, 9, 40, len(good) - 1:
        yield f"cut-{size}.npy", good[:size], f"cut-{size}.npy': "
    yield "object.npy", good.replace(b"'<f4'", b"'|O8'"), "'|O8' is not supported"
    yield "shape.npy", good.replace(b"(8, 16), ", b"(8e9,16),"), "no shape of sane size"


def onnx_cases():
    good = onnx_model(0.5)
    data = good.SerializeToString()
    for size in 1, 10, len(data) // 2:
        yield f"cut-{size}.onnx", data[:size], "no ONNX model, or it is truncated"
    yield "empty.onnx", b"", "no ONNX model"
    bad = onnx_model(0.5)
    bad.graph.initializer[0].raw_data += b"x"
    yield "long.onnx", bad.SerializeToString(), "tensor 'w': the type takes 512 bytes"
    bad = onnx_model(0.5)
    bad.graph.initializer[1].name = "w"
    yield "twice.onnx", bad.SerializeToString(), "one graph has two of that name"
    bad = onnx_model(0.5)
    bad.graph.initializer[1].dims[0] = 2**62
    yield "dims.onnx", bad.SerializeToString(), "negative or larger than any machine"
    for location in "../secret", "/etc/hostname", "link", "":
        bad = onnx_model(0.5)
        weight = bad.graph.initializer[0]
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        entry = weight.external_data.add()
        entry.key, entry.value = "location", location
        name = f"external-{location.strip('./').replace('/', '-') or 'none'}.onnx"
        yield name, bad.SerializeToString(), "tensor 'w': "
    sparse = onnx_model(0.5)
    sparse.graph.sparse_initializer.append(helper.make_sparse_tensor(
        helper.make_tensor("s", TensorProto.FLOAT, [1], [1.0]),
        helper.make_tensor("i", TensorProto.INT64, [1], [7]), [2**40]))
    yield "sparse.onnx", sparse.SerializeToString(), "too large as a dense one"


READERS = [safetensors_cases, npz_cases, npy_cases, onnx_cases]


def main():
    tool, out = sys.argv[1], os.path.abspath(sys.argv[2])
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(os.path.join(out, "in"))
    os.makedirs(os.path.join(out, "result"))
    os.chdir(os.path.join(out, "in"))
    with open("../secret", "wb") as file:
        file.write(WEIGHT.tobytes())
    os.symlink("../secret", "link")
    failures, count = [], 0

    if tool == "--only-write":
        for cases in READERS + [layout_cases]:
            for name, content, _ in cases():
                with open(name, "wb") as file:
                    file.write(content)
        return

    def check(words, *command):
        nonlocal count
        count += 1
        done = subprocess.run(["bash", "-c", 'ulimit -v 3000000; exec "$@"', "-", tool, *command],
                              capture_output=True, text=True, errors="replace", timeout=60)
        if done.returncode != 1 or words not in done.stderr:
            failures.append(f"{command}: exit code {done.returncode}, wanted '{words}': "
                            f"{done.stderr[:400]}")
        if left := os.listdir("../result"):
            failures.append(f"{command}: left {left}")
            os.remove("../result/" + left[0])

    for cases, commands in [(c, ("list", "convert")) for c in READERS] + [
            (layout_cases, ("verify",))]:
        for name, content, words in cases():
            with open(name, "wb") as file:
                file.write(content)
            for command in commands:
                target = ["-o", "../result/x"] if command == "convert" else []
                check(words, command, name, *target)
    os.makedirs("folder")
    check("a folder without .npy files", "list", "folder")
    os.symlink("../w.npy", "folder/w.npy")
    np.save("w.npy", WEIGHT)
    check("leads out of the model's folder", "list", "folder")
    with open("code.so", "wb") as file:
        file.write(b"\x7fELF\2\1\1" + b"\0" * 9 + struct.pack("<HH", 3, 62) + b"\0" * 44)
    check("code.so", "list", "code.so")
    check("cannot read 'absent'", "list", "absent")
    check("one file is needed", "list")
    check("no command given")
    print("\n".join(failures))
    print(f"{count} broken files, {len(failures)} failures")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()

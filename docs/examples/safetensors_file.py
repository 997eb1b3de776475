"""Reads and writes safetensors files: f32 tensors, each 64-byte aligned.

A file is a little-endian u64 (the header's length), a JSON header, the data.
The header is padded with spaces, so that a mapped file can be read in place
with the widest vector loads. The format allows no holes between tensors: only
the last one may have a size that is not a multiple of 64 bytes.
"""
import json
import struct

import numpy as np

ALIGNMENT = 64


def save(path, tensors):
    """Writes {name: array}. Returns {name: (offset in the file, bytes)}."""
    header, places, data = {}, {}, b""
    for name, array in tensors.items():
        if len(data) % ALIGNMENT:
            raise ValueError(f"'{name}' would not be aligned in {path}")
        begin = len(data)
        data += np.ascontiguousarray(array, "<f4").tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(array.shape),
            "data_offsets": [begin, len(data)],
        }
        places[name] = (begin, len(data) - begin)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)
    start = 8 + len(text)
    return {name: (start + begin, size) for name, (begin, size) in places.items()}


def load(path):
    """Returns {name: array} of the file's tensors."""
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack_from("<Q", content)
    header, data = json.loads(content[8 : 8 + length]), content[8 + length :]
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[begin:end], "<f4")
        tensors[name] = values.reshape(entry["shape"])
    return tensors

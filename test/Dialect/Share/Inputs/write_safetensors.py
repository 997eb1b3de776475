"""Writes a safetensors file of @w, 2x3 f32 that count from 1, and @flags, four
booleans; a second argument cuts the file after so many bytes."""
import json
import struct
import sys

data = struct.pack("<6f", *range(1, 7)) + bytes([1, 0, 0, 1])
header = json.dumps(
    {
        "__metadata__": {"made": "by a test"},
        "w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "flags": {"dtype": "BOOL", "shape": [4], "data_offsets": [24, 28]},
    }
).encode()
whole = struct.pack("<Q", len(header)) + header + data
with open(sys.argv[1], "wb") as file:
    file.write(whole[: int(sys.argv[2])] if len(sys.argv) > 2 else whole)

"""Reads a safetensors file without Ligature, prints its metadata, and compares
its tensors with those of an archive if there is one.

  read.py FILE.safetensors [ARCHIVE.npz]
"""
import json
import sys

import numpy as np

from files import read_safetensors

tensors, metadata = read_safetensors(sys.argv[1])
print(json.dumps(metadata, sort_keys=True))
if len(sys.argv) > 2:
    archive = np.load(sys.argv[2])
    tensors = {name: t for name, t in tensors.items() if not name.startswith("ligature.pad.")}
    assert set(tensors) == set(archive.files), tensors
    for name, tensor in tensors.items():
        other = archive[name]
        assert (tensor.dtype, tensor.shape, tensor.tobytes()) == (
            other.dtype, other.shape, other.tobytes()), name

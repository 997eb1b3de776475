"""Compares `lig-params list --json FILE` with what NumPy reads from an archive.

  check_list.py LIST.json ARCHIVE.npz
"""
import hashlib
import json
import sys

import numpy as np

from files import TYPES

with open(sys.argv[1], encoding="utf-8") as file:
    listed = json.load(file)["parameters"]
arrays = np.load(sys.argv[2])
assert [entry["name"] for entry in listed] == arrays.files, listed
for entry in listed:
    array = arrays[entry["name"]]
    assert entry["shape"] == list(array.shape), entry
    assert np.dtype(TYPES[entry["type"]]) == array.dtype, entry
    assert entry["bytes"] == array.nbytes, entry
    assert entry["sha256"] == hashlib.sha256(array.tobytes()).hexdigest(), entry

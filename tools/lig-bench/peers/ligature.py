"""Ligature: a library compiled by ligc, called on its C interface by ctypes.

The structs below are those of Ligature/ABI/Runtime.h that a caller fills in.
"""
import ctypes
import os
import pathlib
import subprocess

import numpy as np

VERSION_OF = None  # it is built, not installed: the version is ligc's
STATUS_OK = 0


class ContextOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_uint32),
                ("reserved", ctypes.c_uint32), ("arena", ctypes.c_void_p),
                ("arena_bytes", ctypes.c_uint64)]


class TensorDesc(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("dims", ctypes.POINTER(ctypes.c_int64)),
                ("dynamic", ctypes.c_void_p), ("bytes", ctypes.c_uint64),
                ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32)]


DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64,
          9: np.bool_, 11: np.float64}


ALIGNMENT = 64  # of a vector and of a line of the caches


def empty(shape, dtype):
    """An output where other runtimes' allocators would place theirs; NumPy's arrays
    begin 16 bytes behind that, and then each vector lies across two lines."""
    count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
    room = np.empty(count + ALIGNMENT, np.uint8)
    begin = -room.ctypes.data % ALIGNMENT
    return room[begin:begin + count].view(dtype).reshape(shape)


def compile_model(model, folder, threads, options=()):
    """Compiles beside the model; code does not depend on the number of threads.
    Returns (artefact, its bytes)."""
    out = pathlib.Path(folder) / "ligature.so"
    report = pathlib.Path(folder) / "ligature.json"
    ligc = os.environ["LIGATURE_LIGC"]
    subprocess.run([ligc, str(model), "-o", str(out), f"--sharing-report=json:{report}",
                    *options], check=True)
    return str(out), out.stat().st_size


class Session:
    def __init__(self, artefact, threads):
        lib = self.lib = ctypes.CDLL(artefact)
        lib.lig_last_error.restype = ctypes.c_char_p
        for name in ("lig_entry_input", "lig_entry_output"):
            getattr(lib, name).restype = ctypes.POINTER(TensorDesc)
        lib.lig_output_dims.restype = ctypes.POINTER(ctypes.c_int64)
        lib.lig_context_arena_bytes.restype = ctypes.c_uint64
        lib.lig_weights_bytes.restype = ctypes.c_uint64
        library, self.weights, self.context = (ctypes.c_void_p() for _ in range(3))
        options = ContextOptions(size=ctypes.sizeof(ContextOptions), threads=threads)
        self.check(lib.lig_library_open(artefact.encode(), ctypes.byref(library)))
        self.check(lib.lig_weights_open(library, None, ctypes.byref(self.weights)))
        self.check(lib.lig_context_create(self.weights, ctypes.byref(options),
                                          ctypes.byref(self.context)))
        self.library = library

    def check(self, status):
        if status != STATUS_OK:
            raise RuntimeError(self.lib.lig_last_error().decode())

    def descriptors(self, kind):
        count = getattr(self.lib, f"lig_{kind}_count")(self.library, 0)
        return [getattr(self.lib, f"lig_entry_{kind}")(self.library, 0, i).contents
                for i in range(count)]

    def bind(self, feeds):
        self.feeds = [np.ascontiguousarray(feeds[d.name.decode()])
                      for d in self.descriptors("input")]
        self.results = [empty(d.dims[:d.rank], DTYPES[d.dtype])
                        for d in self.descriptors("output")]
        pointers = [(ctypes.c_void_p * len(a))(*[x.ctypes.data for x in a])
                    for a in (self.feeds, self.results)]
        call, context, entry = self.lib.lig_run, self.context, ctypes.c_uint32(0)

        def run():
            if call(context, entry, *pointers) != STATUS_OK:
                self.check(1)
        self.run = run

    def outputs(self):
        named = {}
        for index, (d, array) in enumerate(zip(self.descriptors("output"), self.results)):
            dims = self.lib.lig_output_dims(self.context, 0, index)[:d.rank]
            size = int(np.prod(dims, dtype=np.int64))
            named[d.name.decode()] = array.reshape(-1)[:size].reshape(dims)
        return named

    def facts(self):
        return {"arena_bytes": self.lib.lig_context_arena_bytes(self.context),
                "param_bytes": self.lib.lig_weights_bytes(self.weights)}

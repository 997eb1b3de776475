"""Kernels of `gpu` alone: memory and races under compute-sanitizer, bandwidths beside
a copy on the device, products and recurrences beside NVIDIA's libraries."""
import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import gpu_cases
import process
import suite
from gpu_session import in_parallel

CHECKS = ("memcheck", "racecheck", "synccheck")


def compile_kernels(session, kernels):
    """{name: library} of those that compile; the others are wrong."""
    folder = session.options.out / "kernels"
    folder.mkdir(parents=True, exist_ok=True)

    def compile_one(name):
        if not session.has_time(3):
            session.leave_out(name)
            return name, None
        library = folder / f"{name}.so"
        problem = session.compile(kernels[name].write(folder, name), library,
                                  [f"--compute={kernels[name].compute}"])
        if problem:
            session.wrong.append(f"{name}: {problem}")
        return name, None if problem else library

    return {name: library for name, library in in_parallel(compile_one, kernels) if library}


def sanitize(session):
    tool = shutil.which(session.options.sanitizer)
    if not tool:
        session.missing.append("compute-sanitizer: no check of memory and races")
        return
    rows = session.results["sanitizer"] = {}
    for name, library in compile_kernels(session, gpu_cases.SANITIZED).items():
        for check in CHECKS:
            if not session.has_time(5):
                session.leave_out(f"{name} {check}")
                continue
            problem = session.lig_run(library, "--seed=1", prefix=(
                tool, f"--tool={check}", "--error-exitcode=9"), seconds=min(60, session.left()))
            rows[f"{name} {check}"] = not problem
            if problem.startswith("takes more than"):
                session.missing.append(f"{name} {check}: {problem}")
            elif problem:
                session.wrong.append(f"{name}: {check}: {problem}")


def measure_kernels(session):
    """Bandwidth beside that of a copy on the device; rate of products."""
    copy = session.results["copy_gb_s"] = copy_bandwidth()
    if copy is None:
        session.missing.append("libcuda's copy: no bandwidth to compare with")
    rows = session.results["kernels"] = {}
    measure_recurrence(session, rows)
    for name, library in compile_kernels(session, gpu_cases.KERNELS).items():
        if not session.has_time(3):
            session.leave_out(name)
            continue
        kernel = gpu_cases.KERNELS[name]
        row = rows[name] = session.bench(library, "--seed=1", "--cuda-graph")
        if "median_us" in row:
            row[kernel.unit] = kernel.amount / row["median_us"] / 1e3
            if copy and kernel.unit == "gb_s":
                row["of_copy"] = row["gb_s"] / copy


def measure_recurrence(session, rows):
    """The steps of an LSTM whose weights stay on chip, in each way to store them."""
    network = next(each for each in suite.NETWORKS if each.name == "lstm-1024")
    folder = session.options.out / "kernels" / network.name
    kinds = ("bf16", "f32", "int8", "codebook4")
    if not session.has_time(5):
        session.leave_out(network.name)
        return
    network.build(folder)

    def compile_one(kind):
        return session.compile(folder / "model.onnx", folder / f"{kind}.so",
                               [f"--weights={kind}"])

    for kind, problem in zip(kinds, in_parallel(compile_one, kinds)):
        name = f"{network.name}-{kind}"
        if problem:
            session.wrong.append(f"{name}: {problem}")
        elif not session.has_time(3):
            session.leave_out(name)
        else:
            row = rows[name] = session.bench(folder / f"{kind}.so", "--seed=1", "--cuda-graph")
            if "median_us" in row:
                row["us_a_step"] = row["median_us"] / gpu_cases.STEPS


def copy_bandwidth():
    """GB/s, read and written, of copies on the device; None without a driver."""
    try:
        cuda = ctypes.CDLL(os.environ.get("LIG_CUDA_DRIVER") or "libcuda.so.1")
    except OSError:
        return None
    context, device, stream = ctypes.c_void_p(), ctypes.c_int(), ctypes.c_void_p()
    pointers = [ctypes.c_uint64(), ctypes.c_uint64()]
    size = ctypes.c_size_t(gpu_cases.BYTES)
    calls = [lambda: cuda.cuInit(0), lambda: cuda.cuDeviceGet(ctypes.byref(device), 0),
             lambda: cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device),
             lambda: cuda.cuCtxPushCurrent_v2(context),
             lambda: cuda.cuStreamCreate(ctypes.byref(stream), 1),
             *[lambda p=p: cuda.cuMemAlloc_v2(ctypes.byref(p), size) for p in pointers]]
    if any(call() for call in calls):
        return None
    best = 0.0
    for count in (1, 1, 10, 10, 10, 10, 10):
        start = time.perf_counter()
        for _ in range(count):
            cuda.cuMemcpyDtoDAsync_v2(*pointers, size, stream)
        cuda.cuStreamSynchronize(stream)
        best = max(best, count * 2 * gpu_cases.BYTES / (time.perf_counter() - start) / 1e9)
    for pointer in pointers:
        cuda.cuMemFree_v2(pointer)
    cuda.cuStreamDestroy_v2(stream)
    cuda.cuCtxPopCurrent_v2(ctypes.byref(context))
    cuda.cuDevicePrimaryCtxRelease_v2(device)
    return best


def measure_libraries(session):
    """cuBLAS and cuDNN through PyTorch, behind the rows of our kernels."""
    python = process.find_python("torch_cuda", session.options.peers_folder)
    if not shutil.which(python):
        python = sys.executable
    if not session.has_time(10):
        session.leave_out("cuBLAS and cuDNN")
        return
    script = pathlib.Path(__file__).with_name("cuda_libraries.py")
    seconds = min(session.left(), 90)
    sizes = (gpu_cases.STEPS, gpu_cases.ROWS, gpu_cases.COLUMNS, seconds - 8)
    try:
        done = subprocess.run([python, script, *map(str, sizes)], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        session.missing.append(f"PyTorch's cuBLAS and cuDNN: {error}")
        return
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it fails"]
        session.missing.append(f"PyTorch's cuBLAS and cuDNN: {said[-1]}")
        return
    rows = json.loads(done.stdout.splitlines()[-1])
    session.results["kernels"].update(rows)
    session.missing += [f"{name}: {row['error']}" for name, row in rows.items()
                        if "error" in row]

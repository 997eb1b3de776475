"""Single kernels for `gpu`, as text, with the bytes or products that they take;
what PyTorch needs for the same; and the report."""
import ctypes
import json
import shutil
import subprocess
import sys
import time

import measure
import process
import report as numbers

ROWS, COLUMNS = 8192, 4096
STEPS = 100


def function(arguments, result, body):
    return f"""#a = affine_map<(i, j) -> (i, j)>
#r = affine_map<(i, j) -> (i)>
func.func @main({arguments}) -> {result} {{
{body}}}
"""


def scale(columns, rows=ROWS):
    """y = 2 x + 1 of each element."""
    t = f"tensor<{rows}x{columns}xf32>"
    return function(f"%x: {t}", t, f"""  %two = arith.constant 2.0 : f32
  %one = arith.constant 1.0 : f32
  %e = tensor.empty() : {t}
  %y = linalg.generic {{indexing_maps = [#a, #a], iterator_types = ["parallel", "parallel"]}}
      ins(%x : {t}) outs(%e : {t}) {{
  ^bb0(%v: f32, %o: f32):
    %m = arith.mulf %v, %two : f32
    %s = arith.addf %m, %one : f32
    linalg.yield %s : f32
  }} -> {t}
  return %y : {t}
""")


def row_sums(columns, rows=ROWS):
    t, s = f"tensor<{rows}x{columns}xf32>", f"tensor<{rows}xf32>"
    return function(f"%x: {t}", s, f"""  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : {s}
  %f = linalg.fill ins(%zero : f32) outs(%e : {s}) -> {s}
  %y = linalg.reduce {{ arith.addf }} ins(%x : {t}) outs(%f : {s}) dimensions = [1]
  return %y : {s}
""")


def softmax(columns, rows=ROWS):
    t = f"tensor<{rows}x{columns}xf32>"
    return function(f"%x: {t}", t, f"""  %e = tensor.empty() : {t}
  %y = linalg.softmax dimension(1) ins(%x : {t}) outs(%e : {t}) -> {t}
  return %y : {t}
""")


def product(size, element="f32"):
    """f32 sums of products of `element`."""
    t, n = f"tensor<{size}x{size}xf32>", f"tensor<{size}x{size}x{element}>"
    return function(f"%x: {n}, %w: {n}", t, f"""  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : {t}
  %f = linalg.fill ins(%zero : f32) outs(%e : {t}) -> {t}
  %y = linalg.matmul ins(%x, %w : {n}, {n}) outs(%f : {t}) -> {t}
  return %y : {t}
""")


def convolution(size, channels):
    """3x3 taps, as many channels in as out."""
    x = f"tensor<1x{size + 2}x{size + 2}x{channels}xf32>"
    w, t = f"tensor<3x3x{channels}x{channels}xf32>", f"tensor<1x{size}x{size}x{channels}xf32>"
    return function(f"%x: {x}, %w: {w}", t, f"""  %zero = arith.constant 0.0 : f32
  %e = tensor.empty() : {t}
  %f = linalg.fill ins(%zero : f32) outs(%e : {t}) -> {t}
  %y = linalg.conv_2d_nhwc_hwcf ins(%x, %w : {x}, {w}) outs(%f : {t}) -> {t}
  return %y : {t}
""")


BYTES = 4 * ROWS * COLUMNS
# (text, bytes or operations, what their rate is called, precision of products)
KERNELS = {
    "elementwise": (scale(COLUMNS), 2 * BYTES, "gb_s", "f32"),
    "row-sums": (row_sums(COLUMNS), BYTES, "gb_s", "f32"),
    "softmax": (softmax(COLUMNS), 2 * BYTES, "gb_s", "f32"),
    "product-1024": (product(1024), 2 * 1024**3, "gflop_s", "f32"),
    "product-4096": (product(4096), 2 * 4096**3, "gflop_s", "f32"),
    **{f"product-4096-{name}": (product(4096, held), 2 * 4096**3, "gflop_s", name)
       for name, held in (("bf16", "bf16"), ("f16", "f16"), ("tf32", "f32"))},
}
SANITIZED = {"small-elementwise": scale(37, 5), "small-sums": row_sums(100, 7),
             "long-sums": row_sums(3000, 3), "small-product": product(45)}
# With products by warpgroups, whose copies and barriers are worth a look.
SANITIZED_BF16 = {"large-product": product(1280, "bf16")}


def write(out, name, text):
    path = out / f"{name}.mlir"
    path.write_text(text)
    return [path]


def copy_bandwidth():
    """GB/s, read and written, of copies on the device; None without libcuda."""
    try:
        cuda = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None
    context, device = ctypes.c_void_p(), ctypes.c_int()
    pointers = [ctypes.c_uint64(), ctypes.c_uint64()]
    calls = [lambda: cuda.cuInit(0), lambda: cuda.cuDeviceGet(ctypes.byref(device), 0),
             lambda: cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), device),
             lambda: cuda.cuCtxSetCurrent(context),
             *[lambda p=p: cuda.cuMemAlloc_v2(ctypes.byref(p), ctypes.c_size_t(BYTES))
               for p in pointers]]
    if any(call() for call in calls):
        return None
    best = 0.0
    for _ in range(20):
        cuda.cuCtxSynchronize()
        start = time.perf_counter()
        for _ in range(10):
            cuda.cuMemcpyDtoDAsync_v2(pointers[0], pointers[1], ctypes.c_size_t(BYTES), None)
        cuda.cuCtxSynchronize()
        best = max(best, 10 * 2 * BYTES / (time.perf_counter() - start) / 1e9)
    for pointer in pointers:
        cuda.cuMemFree_v2(pointer)
    cuda.cuDevicePrimaryCtxRelease_v2(device)
    return best


TORCH = """
import json, time, torch
torch.backends.cuda.matmul.allow_tf32 = False
def clock(run):
    for _ in range(5): run()
    torch.cuda.synchronize()
    times = []
    for _ in range(20):
        start = time.perf_counter()
        for _ in range(10): run()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - start) / 10 * 1e6)
    return sorted(times)[len(times) // 2]
rows = {}
with torch.no_grad():
    for size in (1024, 4096):
        x = torch.randn(size, size, device="cuda")
        rows[f"cublas-{size}"] = {"median_us": clock(lambda: x @ x)}
    for name, kind in (("bf16", torch.bfloat16), ("f16", torch.float16)):
        h = x.to(kind)
        rows[f"cublas-4096-{name}"] = {"median_us": clock(lambda: h @ h)}
    torch.backends.cuda.matmul.allow_tf32 = True
    rows["cublas-4096-tf32"] = {"median_us": clock(lambda: x @ x)}
    torch.backends.cuda.matmul.allow_tf32 = False
    for size, name, kind in ((256, "f32", torch.float32), (1024, "f32", torch.float32),
                             (1024, "bf16", torch.bfloat16)):
        lstm = torch.nn.LSTM(size, size).cuda().to(kind).eval()
        x = torch.randn(STEPS, 1, size, device="cuda", dtype=kind)
        us = clock(lambda: lstm(x))
        rows[f"cudnn-lstm-{size}-{name}"] = {"median_us": us, "us_a_step": us / STEPS}
print(json.dumps(rows))
"""


def measure_torch(session):
    """cuBLAS and cuDNN through PyTorch; {} where there is none."""
    python = process.find_python("torch_cuda", session.options.peers_folder)
    if not shutil.which(python):
        python = sys.executable
    left = session.end - time.monotonic()
    if left < 10:
        session.missing.append("PyTorch's cuBLAS and cuDNN: no time")
        return {}
    try:
        done = subprocess.run([python, "-c", TORCH.replace("STEPS", str(STEPS))],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=min(left, 120))
    except subprocess.TimeoutExpired as error:
        session.missing.append(f"PyTorch's cuBLAS and cuDNN: {error}")
        return {}
    if done.returncode:
        session.missing.append("PyTorch with a GPU: no cuBLAS and cuDNN to compare with")
        return {}
    rows = json.loads(done.stdout.splitlines()[-1])
    for name, row in rows.items():
        if name.startswith("cublas-"):
            row["gflop_s"] = 2 * int(name.split("-")[1])**3 / row["median_us"] / 1e3
    return rows


def measure_peer(peer, folder, options):
    """{"median_us": ...} of one network, or {"error": ...}."""
    python = process.find_python(peer, options.peers_folder)
    try:
        worker = process.Process(peer, python, measure.cpus_for(1), options.out / "peers.log")
    except (process.PeerError, OSError) as error:
        return {"error": str(error)}
    try:
        worker.timeout = 60
        worker.ask("load", artefact=str(folder / "model.onnx"), threads=1,
                   feeds=str(folder / "inputs.npz"))
        times = worker.ask("run", seconds=options.seconds)["us"]
        return {"median_us": sorted(times)[len(times) // 2]}
    except (process.PeerError, KeyError) as error:
        return {"error": str(error)}
    finally:
        worker.close()


def report(results):
    peers = list(results.get("peers", {}))
    lines = ["# Ligature on a GPU", "", str(results["gpu"]), "",
             "| " + " | ".join(["network", "result", "run us", "as a graph us", *peers]) + " |",
             "|---" * (4 + len(peers)) + "|"]
    time_of = lambda row, key: numbers.amount(row.get(key, {}).get("median_us"))
    for name, row in results["networks"].items():
        cells = [name, row["problem"] or "agrees",
                 *(time_of(row, key) for key in ("run", "graph", *peers))]
        lines.append("| " + " | ".join(cells) + " |")
    if "kernels" in results:
        lines += ["", f"Copy on the device: {numbers.amount(results['copy_gb_s'])} GB/s", "",
                  "| kernel | us | GB/s | of the copy | GFLOP/s | us a step |", "|---|---|---|---|---|---|"]
        for name, row in results["kernels"].items():
            cells = [numbers.amount(row.get(key)) for key in
                     ("median_us", "gb_s", "of_copy", "gflop_s", "us_a_step")]
            lines.append("| " + " | ".join([name, *cells]) + " |")
    for title, key in (("Left out", "missing"), ("Wrong", "wrong")):
        if results[key]:
            lines += ["", f"{title}:", "", *(f"- {each}" for each in results[key])]
    return "\n".join(lines) + "\n"

"""NVIDIA's libraries through PyTorch on the shapes of gpu_cases: products by cuBLAS,
the steps of an LSTM by cuDNN, PyTorch's own kernels of rows. Prints one line of JSON,
{name: {"median_us": ...}}, the most important first, as far as the time reaches; what
fails says why. Run by `gpu` with the Python that has PyTorch.

  cuda_libraries.py STEPS ROWS COLUMNS SECONDS
"""
import json
import sys
import time

import torch
from torch.nn import functional

STEPS, ROWS, COLUMNS = map(int, sys.argv[1:4])
END = time.monotonic() + float(sys.argv[4])
KINDS = {"f32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16,
         "f16": torch.float16}


def clock(run):
    for _ in range(5):
        run()
    torch.cuda.synchronize()
    times = []
    for _ in range(20):
        start = time.perf_counter()
        for _ in range(10):
            run()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - start) / 10 * 1e6)
    return sorted(times)[len(times) // 2]


def product(size, compute):
    torch.backends.cuda.matmul.allow_tf32 = compute == "tf32"
    x = torch.randn(size, size, device="cuda").to(KINDS[compute])
    us = clock(lambda: x @ x)
    return {"median_us": us, "gflop_s": 2 * size**3 / us / 1e3}


def lstm(size, compute):
    torch.backends.cudnn.allow_tf32 = False
    layer = torch.nn.LSTM(size, size).cuda().to(KINDS[compute]).eval()
    x = torch.randn(STEPS, 1, size, device="cuda").to(KINDS[compute])
    us = clock(lambda: layer(x))
    return {"median_us": us, "us_a_step": us / STEPS}


def rows(function, moved):
    x = torch.randn(ROWS, COLUMNS, device="cuda")
    us = clock(lambda: function(x))
    return {"median_us": us, "gb_s": moved * 4 * ROWS * COLUMNS / us / 1e3}


CASES = {
    "cublas-4096-bf16": lambda: product(4096, "bf16"),
    "cudnn-lstm-1024-bf16": lambda: lstm(1024, "bf16"),
    "torch-layer-norm": lambda: rows(lambda x: functional.layer_norm(x, (COLUMNS,)), 2),
    "torch-elementwise": lambda: rows(lambda x: 2 * x, 2),
    "torch-softmax": lambda: rows(lambda x: torch.softmax(x, -1), 2),
    "torch-row-sums": lambda: rows(lambda x: x.sum(-1), 1),
    "cublas-4096-tf32": lambda: product(4096, "tf32"),
    "cublas-4096-f16": lambda: product(4096, "f16"),
    "cublas-4096": lambda: product(4096, "f32"),
    "cublas-1024": lambda: product(1024, "f32"),
    "cudnn-lstm-1024-f32": lambda: lstm(1024, "f32"),
    "cudnn-lstm-256-f32": lambda: lstm(256, "f32"),
}


def measure(case):
    if time.monotonic() > END:
        return {"error": "no time"}
    try:
        return case()
    except RuntimeError as error:
        return {"error": str(error)[-300:]}


if __name__ == "__main__":
    if not torch.cuda.is_available():
        sys.exit("torch finds no GPU")
    with torch.no_grad():
        print(json.dumps({name: measure(case) for name, case in CASES.items()}))

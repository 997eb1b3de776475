"""Single layers against the machine's limits, measured in the same run.

A layer's limit is the longer of two times: its arithmetic at the peak of fused
multiply-adds, and its weights, inputs and outputs at the read bandwidth of the
smallest cache that holds them (they are there from the run before). An LSTM has
two parts, one after the other: its input's product for all steps, and the steps,
each of which reads the recurrent weights. Direct arithmetic is counted, so
Winograd's transform can pass 100 % of the peak.
"""
import json
import os
import pathlib
import re
import subprocess

import machine
import report
import suite
from process import options_of

FOLDER = pathlib.Path(__file__).resolve().parent
F32 = 4

LAYERS = (
    [("gemm", (m, 1024, 1024)) for m in (1, 2, 4, 8, 16, 32, 128, 384)]
    + [("conv", c) for c in ((3, 64, 224, 7, 2), (64, 64, 56, 3, 1), (128, 128, 28, 3, 1),
                             (256, 256, 14, 3, 1), (512, 512, 7, 3, 1),
                             (64, 128, 56, 3, 2), (64, 256, 56, 1, 1),
                             (256, 64, 56, 1, 1), (1024, 256, 14, 1, 1),
                             (3, 32, 224, 3, 2), (16, 96, 112, 1, 1),
                             (64, 384, 14, 1, 1), (960, 160, 7, 1, 1))]
    + [("depthwise", c) for c in ((96, 112, 2), (144, 56, 1), (384, 14, 1), (960, 7, 1),
                                  (240, 28, 1, 5), (240, 28, 2, 5))]
    + [("maxpool", c) for c in ((64, 112, 3, 2), (64, 56, 2, 2), (128, 20, 5, 1))]
    + [("avgpool", c) for c in ((64, 56, 2, 2), (256, 14, 3, 1))]
    + [("lstm", c) for c in ((256, 100), (1024, 100))]
    + [(kind, c) for kind in ("softmax", "norm")
       for c in ((4096, 16), (1536, 128), (512, 512), (256, 1000), (128, 4096))])


def networks():
    return [suite.Network(f"kernel/{kind}-" + "x".join(str(n) for n in numbers),
                          "kernel.py", " ".join([kind, *map(str, numbers)]))
            for kind, numbers in LAYERS]


class Part:
    """What of a layer is over before the next part begins."""

    def __init__(self, flops, moved, near=None):
        """Bytes moved; bytes that a cache must hold for it, by default those."""
        self.flops, self.moved, self.near = flops, moved, near or moved


def gemm_parts(rows, n_in, n_out):
    return [Part(2 * rows * n_in * n_out, F32 * (n_in * n_out + rows * (n_in + n_out)))]


def conv_parts(c_in, c_out, size, kernel, stride, group=1):
    after = (size - 1) // stride + 1
    weights = c_out * (c_in // group) * kernel * kernel
    return [Part(2 * weights * after * after,
                 F32 * (weights + c_in * size * size + c_out * after * after))]


def depthwise_parts(channels, size, stride, kernel=3):
    return conv_parts(channels, channels, size, kernel, stride, group=channels)


def pool_parts(channels, size, kernel, stride):
    after = (size - 1) // stride + 1
    return [Part(channels * (kernel * after) ** 2,
                 F32 * channels * (size * size + after * after))]


def lstm_parts(hidden, steps):
    weights, gates = 4 * hidden * hidden, 4 * hidden
    step = F32 * (weights + gates + 2 * hidden)
    return gemm_parts(steps, hidden, gates) + [Part(2 * weights * steps, steps * step, step)]


def softmax_parts(rows, size):
    """An exponential counts as one operation."""
    return [Part(5 * rows * size, F32 * 2 * rows * size)]


def norm_parts(rows, size):
    return [Part(8 * rows * size, F32 * (2 * rows * size + 2 * size))]


PARTS = {"gemm": gemm_parts, "conv": conv_parts, "depthwise": depthwise_parts,
         "maxpool": pool_parts, "avgpool": pool_parts,
         "lstm": lstm_parts, "softmax": softmax_parts, "norm": norm_parts}


def parts(name):
    """Of `networks()`' name."""
    kind, numbers = name[len("kernel/"):].split("-")
    return PARTS[kind](*(int(n) for n in numbers.split("x")))


def cache_bytes():
    """Sizes of the data caches by rising level."""
    sizes = [re.match(r"L\d(?!i)d? (\d+)K", text) for text in machine.caches()]
    return sorted(int(match.group(1)) << 10 for match in sizes if match)


class Peaks:
    """Compiles peaks.c for `cpu`, as cc calls it, and measures with `threads` threads."""

    def __init__(self, threads, folder, cpu="native"):
        program = folder / "peaks"
        subprocess.run(["cc", "-O3", f"-march={cpu}", "-ffp-contract=fast", "-pthread",
                        str(FOLDER / "peaks.c"), "-o", str(program)], check=True)
        caches = cache_bytes()
        self.holds = caches + [1 << 62]
        # Half of a cache, of the last one for all threads together; then memory.
        sizes = [size // 2 for size in caches[:-1]] + [
            caches[-1] // 2 // threads, 8 * caches[-1]]
        cpus = set(sorted(os.sched_getaffinity(0))[-threads:])
        done = subprocess.run(
            [str(program), str(threads), *map(str, sizes)], check=True,
            capture_output=True, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cpus))
        measured = json.loads(done.stdout)
        self.flops, self.read = measured["flops"], measured["read"]

    def limit_us(self, part):
        bandwidth = next(b for size, b in zip(self.holds, self.read) if part.near <= size)
        return 1e6 * max(part.flops / self.flops, part.moved / bandwidth)

    def words(self):
        names = [f"L{n + 1}" for n in range(len(self.read) - 1)] + ["memory"]
        return (f"{self.flops / 1e9:.0f} GFLOP/s; reads "
                + ", ".join(f"{name} {b / 1e9:.0f} GB/s"
                            for name, b in zip(names, self.read)))


def cpu_of(peer):
    """The processor that a column's code is for."""
    for option in options_of(peer):
        name, _, cpu = option.partition("=")
        if name == "--mcpu":
            return cpu
    return "native"


def table(cases, peaks):
    """`peaks` maps numbers of threads and processors to Peaks."""
    text = "".join(f"- {threads} thread(s){'' if cpu == 'native' else f', {cpu} code'}: "
                   f"{p.words()}\n" for (threads, cpu), p in peaks.items())
    text += "\n" + report.line(["layer", "threads", "runtime", "us", "GFLOP/s",
                                "of peak", "GB/s", "of the limit"])
    text += report.line(["---"] * 8)
    for case in cases:
        threads, layer = case["threads"], parts(case["network"])
        flops, moved = sum(p.flops for p in layer), sum(p.moved for p in layer)
        for peer, row in case["rows"].items():
            if "median_us" not in row or not row.get("agrees", True):
                continue
            peak = peaks[threads, cpu_of(peer)]
            limit = sum(peak.limit_us(p) for p in layer)
            us = row["median_us"]
            text += report.line([
                case["network"][len("kernel/"):], threads, peer, report.amount(us),
                f"{flops / us / 1e3:.0f}",
                f"{100e6 * flops / us / peak.flops:.0f} %",
                f"{moved / us / 1e3:.0f}",
                f"{100 * limit / us:.0f} %"])
    return text

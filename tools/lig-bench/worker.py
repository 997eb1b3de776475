#!/usr/bin/env python3
"""One peer with one model in one process, driven by lines of JSON.

  worker.py PEER

reads commands from standard input and answers each with one line of JSON on
standard output (what libraries print goes to standard error):

  {"do": "compile", "model": F, "folder": D, "threads": N, "options": [...]}
  {"do": "load", "artefact": F, "threads": N, "feeds": F.npz}
                                    more names are the peer's own options
  {"do": "run", "seconds": S}       times of single runs after a short warm-up
  {"do": "outputs", "to": F.npz}
  {"do": "memory"}

Memory is counted above what the process had with the peer's library loaded and
no model: the kernel's high-water mark is set back just before a load.
"""
import importlib
import importlib.metadata
import json
import os
import pathlib
import sys
import time

import numpy as np

FEWEST_RUNS, MOST_RUNS = 3, 200_000
WARM_UP_SECONDS = 0.02


def status_kb(field):
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    return 0


def reset_high_water_mark():
    try:
        pathlib.Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pass


class Worker:
    def __init__(self, peer):
        self.peer = importlib.import_module(f"peers.{peer}")

    def version(self):
        name = self.peer.VERSION_OF
        return {"version": importlib.metadata.version(name) if name else ""}

    def compile(self, model, folder, threads, options):
        start = time.perf_counter()
        if hasattr(self.peer, "compile_model"):
            artefact, size = self.peer.compile_model(model, folder, threads, options)
        else:
            artefact, size = model, os.path.getsize(model)
        return {"artefact": artefact, "bytes": size,
                "seconds": time.perf_counter() - start}

    def load(self, artefact, threads, feeds, **options):
        with np.load(feeds) as arrays:
            feeds = {name: np.ascontiguousarray(arrays[name]) for name in arrays.files}
        reset_high_water_mark()
        self.base_kb = status_kb("VmRSS")
        start = time.perf_counter()
        self.session = self.peer.Session(artefact, threads, **options)
        self.session.bind(feeds)
        loaded = time.perf_counter()
        self.session.run()
        return {"load_ms": (loaded - start) * 1e3,
                "first_ms": (time.perf_counter() - loaded) * 1e3,
                **getattr(self.session, "facts", dict)()}

    def run(self, seconds):
        run, clock = self.session.run, time.perf_counter_ns
        start = clock()
        while clock() - start < WARM_UP_SECONDS * 1e9:
            run()
        times, start = [], clock()
        before = start
        while len(times) < FEWEST_RUNS or (
                before - start < seconds * 1e9 and len(times) < MOST_RUNS):
            before = clock()
            run()
            times.append(clock() - before)
        return {"us": [t / 1e3 for t in times]}

    def outputs(self, to):
        named = self.session.outputs()
        np.savez(to, **{name: np.asarray(value) for name, value in named.items()})
        return {"names": list(named)}

    def memory(self):
        return {"base_kb": self.base_kb,
                "peak_kb": status_kb("VmHWM") - self.base_kb}


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(value):
        print(json.dumps(value), file=answers, flush=True)

    try:
        worker = Worker(sys.argv[1])
        answer(worker.version())
    except Exception as error:  # whatever a library says about its absence
        answer({"error": f"{type(error).__name__}: {error}"})
        return
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer(getattr(worker, command.pop("do"))(**command))
        except Exception as error:  # the model's fault or the peer's: it is reported
            answer({"error": f"{type(error).__name__}: {error}"[-2000:]})


if __name__ == "__main__":
    main()

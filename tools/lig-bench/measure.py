"""Measures one network on several peers, interleaved.

Every peer has a process of its own for a network and a number of threads. They
load one after the other; then rounds are run in which each peer in turn gets
the machine for a moment, so that what disturbs the machine disturbs all alike.
The outputs of the same processes are compared.
"""
import os
import statistics

import numpy as np

from process import PeerError, Process, find_python, is_own, options_of

# Of columns in fewer bits, whose differences the tables show.
REDUCED_TOLERANCE = 0.1


def cpus_for(threads):
    """The last CPUs: the first ones have the machine's own work."""
    return set(sorted(os.sched_getaffinity(0))[-threads:])


def difference(a, b):
    """The largest difference of two peers' outputs, each output in units of its
    largest magnitude; infinite where numbers, shapes or NaNs differ. Outputs are
    in the model's order: not every runtime keeps their names."""
    if len(a) != len(b):
        return float("inf")
    worst = 0.0
    for x, y in zip(a.values(), b.values()):
        x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
        if x.shape != y.shape or not np.array_equal(np.isfinite(x), np.isfinite(y)):
            return float("inf")
        finite = np.isfinite(x)
        if finite.any():
            scale = max(np.abs(y[finite]).max(), 1e-30)
            worst = max(worst, np.abs(x[finite] - y[finite]).max() / scale)
    return float(worst)


def judge(outputs, tolerance=1e-4):
    """{peer: (difference from the nearest half of the others, agrees)}.

    A peer agrees when at least half of the others are within `tolerance` of it, of
    an output's largest magnitude; so one that errs alone is found, and where two
    disagree both are marked. Ligature in fewer bits stands beside Ligature in f32
    and judges nobody."""
    verdicts = {}
    for peer, own in outputs.items():
        if options_of(peer):
            error = difference(own, outputs["ligature"])
            verdicts[peer] = (error, error <= REDUCED_TOLERANCE)
            continue
        others = sorted(difference(own, other) for name, other in outputs.items()
                        if name != peer and not options_of(name))
        middle = others[(len(others) - 1) // 2] if others else 0.0
        verdicts[peer] = (middle, middle <= tolerance)
    return verdicts


class Case:
    """A network with a number of threads; `prepared` maps peers to compiled models."""

    def __init__(self, folder, threads, options, tolerance=1e-4):
        self.folder, self.threads, self.options = folder, threads, options
        self.tolerance = tolerance
        self.rows, self.processes = {}, {}

    def start(self, peer, prepared):
        options = self.options
        process = Process(peer, find_python(peer, options.peers_folder),
                          cpus_for(self.threads), options.log, options.environment)
        self.processes[peer] = process
        loaded = process.ask("load", artefact=prepared["artefact"], threads=self.threads,
                             feeds=str(self.folder / "inputs.npz"))
        self.rows[peer] = {"artefact_bytes": prepared["bytes"],
                           "compile_s": prepared["seconds"], **loaded, "rounds_us": []}

    def attempt(self, peer, action):
        """Runs `action`; a peer that fails leaves a row that says so."""
        try:
            action()
        except (PeerError, OSError) as error:
            self.rows[peer] = {"error": str(error)}
            process = self.processes.pop(peer, None)
            if process:
                process.close()

    def round(self, peer):
        times = self.processes[peer].ask("run", seconds=self.options.seconds)["us"]
        row = self.rows[peer]
        row["rounds_us"].append(statistics.median(times))
        row["min_us"] = min(times + [row.get("min_us", float("inf"))])
        row["runs"] = row.get("runs", 0) + len(times)

    def finish(self, peer):
        self.rows[peer].update(self.processes[peer].ask("memory"))
        target = self.folder / f"{peer}-{self.threads}.npz"
        self.processes[peer].ask("outputs", to=str(target))

    def compare(self):
        outputs = {}
        for peer in self.processes:
            path = self.folder / f"{peer}-{self.threads}.npz"
            with np.load(path) as arrays:
                outputs[peer] = {name: arrays[name] for name in arrays.files}
            path.unlink()
        for peer, (error, agrees) in judge(outputs, self.tolerance).items():
            self.rows[peer].update(difference=error, agrees=agrees)

    def measure(self, prepared):
        try:
            for peer, model in prepared.items():
                if "error" in model:
                    self.rows[peer] = model
                else:
                    self.attempt(peer, lambda: self.start(peer, model))
            for _ in range(self.options.rounds):
                for peer in list(self.processes):
                    self.attempt(peer, lambda: self.round(peer))
            for peer in list(self.processes):
                self.attempt(peer, lambda: self.finish(peer))
            self.compare()
        finally:
            for process in self.processes.values():
                process.close()
        for row in self.rows.values():
            summarise(row)
        return self.rows


def summarise(row):
    """The median over rounds of a round's median, and how far rounds lie apart."""
    rounds = row.get("rounds_us")
    if rounds:
        row["median_us"] = statistics.median(rounds)
        row["spread"] = (max(rounds) - min(rounds)) / row["median_us"]


def prepare(network, folder, peers, options, builder_options=(), ligc_options=()):
    """Builds the model and compiles it for each peer, each in its own process."""
    model = network.build(folder, options.batch, builder_options)
    prepared = {}
    for peer in peers:
        process = None
        try:
            process = Process(peer, find_python(peer, options.peers_folder),
                              os.sched_getaffinity(0), options.log, options.environment)
            own = folder / "".join(options_of(peer)).strip("-")
            own.mkdir(exist_ok=True)
            prepared[peer] = process.ask(
                "compile", model=str(model), folder=str(own), threads=max(options.threads),
                options=[*ligc_options, *options_of(peer)] if is_own(peer) else [])
        except (PeerError, OSError) as error:
            prepared[peer] = {"error": str(error)}
        finally:
            if process:
                process.close()
    return prepared

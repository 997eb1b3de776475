"""The suite's networks and the trained ones on a GPU, for `gpu`: results beside a
CPU's and the references that trained networks bring, times beside other runtimes.

A wave is all networks with one batch and one precision. What compiles or loads does
so on all CPUs together; then the GPU belongs to one run at a time."""
import dataclasses
import re

import numpy as np

import measure
import process
import suite
from gpu_session import in_parallel

# In the order of importance, the first first.
WAVES = ((1, "f32"), (32, "f32"), (1, "bf16"), (32, "bf16"), (1, "tf32"), (32, "tf32"))
# How Ligature is told, and by how much outputs may differ, of the largest.
FLAGS = {"f32": [], "tf32": ["--compute=tf32"], "bf16": ["--compute=bf16", "--weights=bf16"]}
TOLERANCE = {"f32": 1e-4, "tf32": 0.02, "bf16": measure.REDUCED_TOLERANCE}
PEERS = ("torch_graph", "ort_cuda", "jax_cuda", "torch_cuda")
SLOW_PEER = "torch_compile"
# XLA would take three quarters of the memory for itself.
ENVIRONMENT = {"XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


@dataclasses.dataclass
class Cell:
    """One network in a wave, and its results by what computed them."""
    network: suite.Network
    batch: int
    compute: str
    folder: object
    row: dict = dataclasses.field(default_factory=dict)

    @property
    def name(self):
        return f"{self.network.name} of {self.batch} in {self.compute}"

    @property
    def model(self):
        return self.folder / "model.onnx"

    @property
    def library(self):
        return self.folder / f"{self.compute}.so"

    @property
    def feeds(self):
        """Options that give the inputs."""
        return [text for path in sorted(self.folder.glob("feed.*.npy"))
                for text in ("--input", f"{path.name[len('feed.'):-len('.npy')]}=@{path}")]

    @property
    def tolerance(self):
        return max(self.network.tolerance, TOLERANCE[self.compute])


def cells_of(session, batch, compute):
    """The wave's networks: in a batch those whose builder takes one."""
    for network in suite.all_networks():
        if (batch == 1 or network.batch) and re.search(session.options.only, network.name):
            folder = network.name.replace("/", "-") + f"-b{batch}"
            yield Cell(network, batch, compute, session.options.out / "work" / folder)


def build_model(session, cell):
    """The model, its inputs and what a CPU makes of them; what goes wrong is raised."""
    if (cell.folder / "cpu").exists():
        return
    cell.folder.mkdir(parents=True, exist_ok=True)
    if session.options.small and cell.network.builder:
        batch = [f"--batch={cell.batch}"] if cell.network.batch else []
        suite.run_builder(cell.network.builder, cell.model, [
            *cell.network.options.split(), *cell.network.small.split(), *batch])
        np.savez(cell.folder / "inputs.npz", **suite.random_feeds(cell.model))
    else:
        cell.network.build(cell.folder, cell.batch)
    feeds = np.load(cell.folder / "inputs.npz")
    for name in feeds.files:
        np.save(cell.folder / f"feed.{name.replace('/', '_')}.npy", feeds[name])
    (cell.folder / "cpu").mkdir()
    if problem := run_on(session, cell, "cpu", [cell.model]):
        (cell.folder / "cpu").rmdir()
        raise OSError(problem)


def run_on(session, cell, device, model):
    """What went wrong; else the outputs are in the folder named like the device."""
    (cell.folder / device).mkdir(exist_ok=True)
    return session.lig_run(*model, *cell.feeds, "--output-dir", cell.folder / device,
                           device=device)


def prepare(session, cell):
    """Builds and compiles; what goes wrong is the row's problem."""
    if not session.has_time(10):
        return False
    try:
        build_model(session, cell)
        problem = ("" if session.options.device == "emulate" else
                   session.compile(cell.model, cell.library, FLAGS[cell.compute]))
    except (OSError, ValueError, suite.subprocess.SubprocessError) as error:
        problem = str(error)
    cell.row["problem"] = problem
    return True


def difference(cell, outputs):
    """Of {name: array} from what a CPU computed, of the largest magnitude."""
    names = [path.name for path in sorted((cell.folder / "cpu").glob("*.npy"))]
    return measure.difference({name: outputs.get(name, np.zeros(0)) for name in names},
                              {name: np.load(cell.folder / "cpu" / name) for name in names})


def check(session, cell):
    """What differs on the device, in words; empty if nothing does."""
    device = session.options.device
    model = ([cell.model, *FLAGS[cell.compute]] if device == "emulate" else [cell.library])
    if problem := run_on(session, cell, device, model):
        return problem
    cell.row["difference"] = difference(cell, {
        path.name: np.load(path) for path in (cell.folder / device).glob("*.npy")})
    if cell.row["difference"] > cell.tolerance:
        return f"differs by {cell.row['difference']:.1e} of the largest magnitude"
    if not cell.network.path or cell.compute != "f32":
        return ""
    return session.lig_run(*model, "--test-data",
                           cell.network.path.parent / "test_data_set_0")


def measure_wave(session, batch, compute):
    """Checks the wave's networks, and measures them where there is a GPU."""
    wave = session.results.setdefault("waves", {})[f"batch {batch}, {compute}"] = {}
    cells = []
    for cell, prepared in zip(*prepare_wave(session, batch, compute)):
        if not prepared or not session.has_time(3):
            session.leave_out(cell.name)
            continue
        wave[cell.network.name] = cell.row
        cell.row["problem"] = cell.row["problem"] or check(session, cell)
        if cell.row["problem"]:
            session.wrong.append(f"{cell.name}: {cell.row['problem']}")
        if "difference" in cell.row and session.options.device == "cuda":
            cell.row["run"] = session.bench(cell.library, *cell.feeds)
            cell.row["graph"] = session.bench(cell.library, *cell.feeds, "--cuda-graph")
        print(f"{cell.name:36s} {cell.row['problem'] or 'agrees'} "
              f"{cell.row.get('graph', {}).get('median_us', '')}", flush=True)
        cells.append(cell)
    session.cells[batch, compute] = cells


def prepare_wave(session, batch, compute):
    cells = list(cells_of(session, batch, compute))
    return cells, in_parallel(lambda cell: prepare(session, cell), cells)


class Workers:
    """Processes of peers, each kept for the models that follow."""

    def __init__(self, session):
        self.session, self.processes = session, {}

    def attempt(self, peer, cell, action):
        """`action` with a process of `peer`; one that fails is ended."""
        try:
            if peer not in self.processes:
                options = self.session.options
                self.processes[peer] = process.Process(
                    peer, process.find_python(peer, options.peers_folder),
                    process.os.sched_getaffinity(0), options.out / "peers.log", ENVIRONMENT)
            worker = self.processes[peer]
            worker.timeout = max(1, min(120, self.session.left()))
            action(worker)
        except (process.PeerError, OSError, KeyError, ValueError) as error:
            cell.row[peer] = {"error": str(error)}
            if peer in self.processes:
                self.processes.pop(peer).close()

    def load(self, pair):
        peer, cell = pair
        cell.row[peer] = {}
        self.attempt(peer, cell, lambda worker: worker.ask(
            "load", artefact=str(cell.model), threads=1, precision=cell.compute,
            feeds=str(cell.folder / "inputs.npz")))

    def time(self, peer, cell):
        def action(worker):
            row = cell.row[peer]
            times = worker.ask("run", seconds=self.session.options.seconds)["us"]
            row["median_us"] = sorted(times)[len(times) // 2]
            worker.ask("outputs", to=str(cell.folder / f"{peer}.npz"))
            with np.load(cell.folder / f"{peer}.npz") as arrays:
                outputs = dict(zip((f"{o}.npy" for o in outputs_of(cell)),
                                   (arrays[name] for name in arrays.files)))
            row["difference"] = difference(cell, outputs)
            row["agrees"] = row["difference"] <= cell.tolerance
        if "error" not in cell.row[peer]:
            self.attempt(peer, cell, action)

    def close(self):
        for each in self.processes.values():
            each.close()


def outputs_of(cell):
    """Names of outputs in the model's order, as files have them."""
    graph = suite.onnx.load(str(cell.model)).graph
    return [output.name.replace("/", "_") for output in graph.output]


def measure_peers(session, peers, batch, compute):
    """Runtimes load a network together, then each has the GPU for a moment."""
    workers = Workers(session)
    try:
        for cell in session.cells.get((batch, compute), []):
            if not session.has_time(10):
                session.leave_out(cell.name)
                continue
            in_parallel(workers.load, [(peer, cell) for peer in peers])
            for peer in peers:
                workers.time(peer, cell)
    finally:
        workers.close()


def find_peers(session):
    """Runtimes that load here; the others are missing."""
    options = session.options
    session.peers = process.available([*PEERS, SLOW_PEER], options.peers_folder,
                                      options.out / "peers.log", ENVIRONMENT)
    session.results["peers"] = session.peers
    session.missing += [f"{peer}: not installed, or without a GPU"
                        for peer in (*PEERS, SLOW_PEER) if peer not in session.peers]

"""Goes through the parts of lig-bench/gpu that need a GPU without one: runs take no
time and give a figure, no peer is found. Prints the report; once more without time.

  dry-gpu.py GPU OUT
"""
import importlib.machinery
import importlib.util
import pathlib
import sys
import types

script, out = sys.argv[1], pathlib.Path(sys.argv[2])
sys.path.insert(0, str(pathlib.Path(script).parent))
loader = importlib.machinery.SourceFileLoader("gpu", script)
gpu = importlib.util.module_from_spec(importlib.util.spec_from_loader("gpu", loader))
loader.exec_module(gpu)


def go_through(minutes):
    session = gpu.Session(types.SimpleNamespace(
        out=out, minutes=minutes, build=out, device="cuda", seconds=0, small=True,
        only="^$", peers_folder=out / "peers"))
    session.bench = lambda *arguments: {"median_us": 250.0}
    session.results.update(gpu="none", networks={"some": {"problem": ""}}, copy_gb_s=None)
    compile(gpu.gpu_cases.TORCH, "TORCH", "exec")
    gpu.gpu_cases.copy_bandwidth = lambda: 1000.0
    gpu.process.available = lambda *arguments: {}
    gpu.shutil.which = lambda name: None
    gpu.sanitize(session)
    gpu.measure_kernels(session)
    gpu.measure_peers(session)
    session.results.update(missing=session.missing, wrong=session.wrong)
    print(gpu.gpu_cases.report(session.results))


out.mkdir(parents=True, exist_ok=True)
go_through(minutes=10)
go_through(minutes=0)

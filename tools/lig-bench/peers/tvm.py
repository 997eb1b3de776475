"""Apache TVM: Relax's ONNX importer and its CPU pipeline for this processor,
without a tuning log. Its threads are set by the environment before it loads."""
import os
import pathlib

os.environ["TVM_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "1")

import numpy as np
import onnx
import tvm
from tvm import relax
from tvm.relax.frontend.onnx import from_onnx

VERSION_OF = "apache-tvm"


def compile_model(model, folder, threads, options=()):
    module = from_onnx(onnx.load(model), keep_params_in_input=False)
    cpu = tvm.target.codegen.llvm_get_system_cpu()
    target = tvm.target.Target({"kind": "llvm", "mcpu": cpu})
    library = pathlib.Path(folder) / "tvm.so"
    relax.build(module, target).export_library(str(library))
    return str(library), library.stat().st_size


class Session:
    def __init__(self, artefact, threads):
        self.machine = relax.VirtualMachine(tvm.runtime.load_module(artefact), tvm.cpu())
        graph = onnx.load(str(pathlib.Path(artefact).with_name("model.onnx"))).graph
        weights = {each.name for each in graph.initializer}
        self.names = [i.name for i in graph.input if i.name not in weights]
        self.results = [output.name for output in graph.output]

    def bind(self, feeds):
        self.machine.set_input("main", *[tvm.runtime.tensor(feeds[n]) for n in self.names])
        self.run = lambda: self.machine.invoke_stateful("main")

    def outputs(self):
        values = self.machine.get_outputs("main")
        values = values if isinstance(values, (tuple, list)) else [values]
        return {name: np.asarray(v.numpy()) for name, v in zip(self.results, values)}

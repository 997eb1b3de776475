"""IREE: imported from ONNX and compiled ahead of time for this CPU by llvm-cpu;
the synchronous driver for one thread, a local-task pool for more."""
import pathlib
import subprocess
import sys

import iree.runtime as runtime
import numpy as np
import onnx

VERSION_OF = "iree-base-runtime"


def compile_model(model, folder, threads, options=()):
    tools = pathlib.Path(sys.executable).parent
    mlir, out = (pathlib.Path(folder) / f"iree.{end}" for end in ("mlir", "vmfb"))
    subprocess.run([tools / "iree-import-onnx", model, "-o", mlir], check=True)
    subprocess.run([tools / "iree-compile", mlir, "-o", out, "--iree-opt-level=O3",
                    "--iree-hal-target-device=local",
                    "--iree-hal-local-target-device-backends=llvm-cpu",
                    "--iree-llvmcpu-target-cpu=host", *options], check=True)
    mlir.unlink()
    return str(out), out.stat().st_size


class Session:
    def __init__(self, artefact, threads):
        driver = "local-sync" if threads == 1 else "local-task"
        if threads > 1:
            runtime.flags.parse_flags(f"--task_topology_group_count={threads}")
        self.config = runtime.Config(driver)
        context = runtime.SystemContext(config=self.config)
        module = runtime.VmModule.mmap(context.instance, artefact)
        context.add_vm_module(module)
        model = onnx.load(str(pathlib.Path(artefact).with_name("model.onnx")),
                          load_external_data=False).graph
        weights = {each.name for each in model.initializer}
        self.names = [i.name for i in model.input if i.name not in weights]
        self.results = [output.name for output in model.output]
        functions = [name for name in module.function_names
                     if not name.startswith("__") and not name.endswith("$async")]
        self.function = context.modules[module.name][functions[0]]

    def bind(self, feeds):
        values = [runtime.asdevicearray(self.config.device, feeds[name])
                  for name in self.names]

        def run():
            self.values = self.function(*values)
        self.run = run

    def outputs(self):
        values = self.values if isinstance(self.values, (tuple, list)) else [self.values]
        return {name: np.asarray(value) for name, value in zip(self.results, values)}

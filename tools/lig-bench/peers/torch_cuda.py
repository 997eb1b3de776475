"""PyTorch on a GPU, as it is (eager), as one CUDA graph, or through
torch.compile: the interpreter runs the graph over torch's functions, whose
products, convolutions and recurrent layers are those of cuBLAS and cuDNN. Inputs
and weights are on the device before the clock starts."""
import numpy as np
import torch

from peers import torch as host

VERSION_OF = "torch"


def on_device(value):
    if not isinstance(value, torch.Tensor):
        value = torch.from_numpy(np.asarray(value))
    return value.cuda()


def eager(module, values):
    return lambda: module(*values)


def graph(module, values):
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            module(*values)
    torch.cuda.current_stream().wait_stream(stream)
    recorded = torch.cuda.CUDAGraph()
    with torch.cuda.graph(recorded):
        results = module(*values)

    def run():
        recorded.replay()
        return results
    return run


def compiled(module, values):
    made = torch.compile(module, mode="max-autotune")
    return lambda: made(*values)


class Session(host.Session):
    way = staticmethod(eager)

    def __init__(self, artefact, threads):
        if not torch.cuda.is_available():
            raise RuntimeError("torch finds no GPU")
        super().__init__(artefact, threads)
        host.tensor = on_device
        torch.set_default_device("cuda")

    def bind(self, feeds):
        values = [on_device(value) for value in feeds.values()]
        module = host.Traced(self.network, list(feeds)).eval()
        module.floats = {name: on_device(value) for name, value in module.floats.items()}
        once = self.way(module, values)

        def run():
            self.values = once()
            torch.cuda.synchronize()
        self.run = run

    def outputs(self):
        names = [output.name for output in self.network.graph.output]
        return {name: value.cpu().numpy() for name, value in zip(names, self.values)}

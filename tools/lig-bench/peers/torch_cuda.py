"""PyTorch on a GPU, as it is (eager), as one CUDA graph, or through
torch.compile: the interpreter runs the graph over torch's functions, whose
products, convolutions and recurrent layers are those of cuBLAS and cuDNN. Inputs
and weights are on the device before the clock starts. In bf16 inputs, weights and
all between are bf16; in f32 nothing is computed in tf32."""
import numpy as np
import torch

from peers import torch as host

VERSION_OF = "torch"
DEVICE = "cuda"


def on_device(value):
    """A tensor there; floats of the precision in hand."""
    if not isinstance(value, torch.Tensor):
        value = torch.from_numpy(np.asarray(value))
    kind = torch.get_default_dtype() if value.is_floating_point() else value.dtype
    return value.to(DEVICE, kind)


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
    # Graphs, but no search among kernels: that takes minutes a network.
    made = torch.compile(module, mode="reduce-overhead")
    return lambda: made(*values)


class Session(host.Session):
    way = staticmethod(eager)

    def __init__(self, artefact, threads, precision="f32"):
        if not torch.cuda.is_available():
            raise RuntimeError("torch finds no GPU")
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        torch.backends.cudnn.allow_tf32 = precision == "tf32"
        torch.set_default_dtype(torch.bfloat16 if precision == "bf16" else torch.float32)
        super().__init__(artefact, threads)
        host.tensor = on_device
        torch.set_default_device(DEVICE)

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
        host_values = (value.float() if value.is_floating_point() else value
                       for value in self.values)
        return {name: value.cpu().numpy() for name, value in zip(names, host_values)}

"""PyTorch on a GPU, one CUDA graph a run."""
from peers import torch_cuda

VERSION_OF = "torch"


class Session(torch_cuda.Session):
    way = staticmethod(torch_cuda.graph)

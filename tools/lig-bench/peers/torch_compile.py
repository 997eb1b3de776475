"""PyTorch on a GPU, through torch.compile."""
from peers import torch_cuda

VERSION_OF = "torch"


class Session(torch_cuda.Session):
    way = staticmethod(torch_cuda.compiled)

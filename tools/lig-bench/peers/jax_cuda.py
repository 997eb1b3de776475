"""JAX on a GPU: what the peer for the CPU does, where XLA finds a GPU."""
import jax

from peers import jax as host

VERSION_OF = "jax"


class Session(host.Session):
    def __init__(self, artefact, threads):
        if jax.default_backend() != "gpu":
            raise RuntimeError(f"XLA runs on '{jax.default_backend()}'")
        super().__init__(artefact, threads)

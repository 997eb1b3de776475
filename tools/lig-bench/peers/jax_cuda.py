"""JAX on a GPU: what the peer for the CPU does, where XLA finds a GPU. Unless told,
XLA computes products of f32 in tf32."""
import jax
import jax.numpy as jnp
import numpy as np

from peers import jax as host

VERSION_OF = "jax"
PRECISIONS = {"f32": "highest", "tf32": "tensorfloat32", "bf16": "highest"}


class Session(host.Session):
    def __init__(self, artefact, threads, precision="f32"):
        if jax.default_backend() != "gpu":
            raise RuntimeError(f"XLA runs on '{jax.default_backend()}'")
        jax.config.update("jax_default_matmul_precision", PRECISIONS[precision])
        super().__init__(artefact, threads,
                         jnp.bfloat16 if precision == "bf16" else np.float32)

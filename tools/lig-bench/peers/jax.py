"""JAX on the CPU: the graph is traced through jax.numpy by the interpreter and
compiled by XLA as one function, with the weights as arguments that stay on the
device. XLA's threads follow the process's CPUs, so there is no option."""
import jax
import jax.numpy as jnp
import numpy as np
import onnx
from jax import lax

import interpret

VERSION_OF = "jax"


class Kernels:
    erf = staticmethod(jax.scipy.special.erf)

    @staticmethod
    def conv(x, w, strides, pads, dilations, group):
        rank = len(strides)
        return lax.conv_general_dilated(
            x, w, strides, list(zip(pads[:rank], pads[rank:])), rhs_dilation=dilations,
            feature_group_count=group)

    @staticmethod
    def max_pool(x, kernel, strides, pads):
        rank = len(kernel)
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 1, *kernel), (1, 1, *strides),
                                 [(0, 0)] * 2 + list(zip(pads[:rank], pads[rank:])))

    scan = staticmethod(lax.scan)

    @staticmethod
    def top_k(x, k):
        return tuple(lax.top_k(x, k))

    @staticmethod
    def scatter_last(x, index, updates):
        return jnp.put_along_axis(x, index, updates, -1, inplace=False)


class Session:
    def __init__(self, artefact, threads, dtype=np.float32):
        network = interpret.Interpreter(onnx.load(artefact), jnp, Kernels, dtype)
        self.take = network.take
        self.weights = jax.device_put(network.weights())
        self.function = jax.jit(lambda feeds, weights: network.run(feeds, weights))
        self.names = [output.name for output in network.graph.output]

    def bind(self, feeds):
        feeds = jax.device_put({name: self.take(value) for name, value in feeds.items()})
        compiled = self.function.lower(feeds, self.weights).compile()
        weights = self.weights

        def run():
            self.values = jax.block_until_ready(compiled(feeds, weights))
        self.run = run

    def outputs(self):
        outputs = {name: np.asarray(self.values[name]) for name in self.names}
        # NumPy's files have no bf16, whose kind it does not know.
        return {name: value.astype(np.float32) if value.dtype.kind == "V" else value
                for name, value in outputs.items()}

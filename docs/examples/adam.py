"""Adam for a dictionary of numpy arrays, updated in place.

A weight that the network uses several times is one entry here: the caller
adds the gradients of its uses, so that there is one moment pair a weight.
"""
import numpy as np


class Adam:
    def __init__(self, weights, decay=0.0):
        self.weights = weights
        self.decay = decay
        self.mean = {k: np.zeros_like(w) for k, w in weights.items()}
        self.square = {k: np.zeros_like(w) for k, w in weights.items()}
        self.steps = 0

    def step(self, gradients, rate):
        """One update. `decay` shrinks matrices and filters, not biases."""
        self.steps += 1
        rate_now = rate * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps)
        for key, weight in self.weights.items():
            gradient = gradients[key]
            self.mean[key] += 0.1 * (gradient - self.mean[key])
            self.square[key] += 0.001 * (gradient**2 - self.square[key])
            if weight.ndim > 1:
                weight -= rate * self.decay * weight
            weight -= rate_now * self.mean[key] / (np.sqrt(self.square[key]) + 1e-8)


def cosine(step, steps, peak, warm=0.05):
    """Learning rate: a short linear rise to `peak`, then half a cosine to 0."""
    at = step / steps
    if at < warm:
        return peak * at / warm
    return peak * 0.5 * (1 + np.cos(np.pi * (at - warm) / (1 - warm)))

"""Checks the compiled character model on the held-out text.

Recomputes the logits in numpy from the safetensors file, then prints the loss
in bits per character and how often the likeliest character was the right one.
With --step, also checks that the step model, which got the first character,
agrees with the first row. Exits 1 when a number is worse than the page promises.

  check.py LOGITS.npy [--step STEP_LOGITS.npy]
"""
import argparse
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import safetensors_file  # noqa: E402

BITS_AT_MOST, RIGHT_AT_LEAST, TOLERANCE = 1.95, 0.62, 1e-4


def reference(w, tokens):
    """The network in float64, from ONNX's equations of the LSTM."""
    w = {name: values.astype(np.float64) for name, values in w.items()}
    wi, wo, wf, wc = np.split(w["lstm.W"][0], 4)
    ri, ro, rf, rc = np.split(w["lstm.R"][0], 4)
    bi, bo, bf, bc = np.split(w["lstm.B"][0].reshape(2, -1).sum(0), 4)

    def sigmoid(v):
        return 1 / (1 + np.exp(-v))

    h = c = np.zeros(len(ri))
    hidden = []
    for x in w["embedding"][tokens]:
        i = sigmoid(wi @ x + ri @ h + bi)
        f = sigmoid(wf @ x + rf @ h + bf)
        c = f * c + i * np.tanh(wc @ x + rc @ h + bc)
        h = sigmoid(wo @ x + ro @ h + bo) * np.tanh(c)
        hidden.append(h)
    return np.array(hidden) @ w["embedding"].T


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("logits")
    parser.add_argument("--step")
    arguments = parser.parse_args()
    weights = safetensors_file.load(HERE / "char-lm.safetensors")
    tokens = np.load(HERE / "data/held_out.npy")
    logits = np.load(arguments.logits)
    expected = reference(weights, tokens)

    failed = []
    difference = abs(logits - expected).max() / abs(expected).max()
    if arguments.step:
        step = abs(np.load(arguments.step) - expected[:1]).max() / abs(expected).max()
        difference = max(difference, step)
    print(f"largest difference from numpy {difference:.1e} of the largest logit")
    if not difference <= TOLERANCE:
        failed.append(f"the logits differ from numpy by more than {TOLERANCE}")

    scores, following = logits[:-1].astype(np.float64), tokens[1:]
    scores -= np.log(np.exp(scores).sum(1, keepdims=True))
    bits = -scores[np.arange(len(following)), following].mean() / np.log(2)
    right = (scores.argmax(1) == following).mean()
    print(f"{bits:.3f} bits per character, {right:.1%} of {len(following)} predicted")
    if not bits <= BITS_AT_MOST:
        failed.append(f"the loss is above {BITS_AT_MOST} bits per character")
    if not right >= RIGHT_AT_LEAST:
        failed.append(f"fewer than {RIGHT_AT_LEAST:.0%} of the characters predicted")
    for line in failed:
        print("check.py: " + line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

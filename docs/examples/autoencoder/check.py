"""Checks what the compiled autoencoder made of the held-out images.

Recomputes every output in numpy from the safetensors file, then measures the
noise that was removed and how well the reconstruction error tells digits from
anomalies. Exits 1 when a number is worse than the page promises.

  check.py --noisy=y_noisy.npy --clean=y_clean.npy --anomalies=y_anomalies.npy
"""
import argparse
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import safetensors_file  # noqa: E402

DENOISED_AT_MOST, AUC_AT_LEAST, TOLERANCE = 0.35, 0.95, 1e-4


def reference(w, x):
    """The network in float64, from its definition and not from the model."""
    w = {name: values.astype(np.float64) for name, values in w.items()}
    h = (w["encoder0"] @ x.T).T + w["encoder0.bias"]
    z = (w["encoder1"] @ h.clip(0).T).T + w["encoder1.bias"]
    g = z.clip(0) @ w["encoder1"] + w["decoder1.bias"]
    return 1 / (1 + np.exp(-(g.clip(0) @ w["encoder0"] + w["decoder0.bias"])))


def area_under_roc(usual, unusual):
    """The chance that an anomaly scores above a digit; ties count half."""
    above = (unusual[:, None] > usual).mean()
    return above + 0.5 * (unusual[:, None] == usual).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    kinds = ["noisy", "clean", "anomalies"]
    for kind in kinds:
        parser.add_argument("--" + kind, required=True, help=f"output for {kind}.npy")
    arguments = vars(parser.parse_args())
    weights = safetensors_file.load(HERE / "autoencoder.safetensors")
    x = {kind: np.load(HERE / f"data/{kind}.npy") for kind in kinds}
    y = {kind: np.load(arguments[kind]) for kind in kinds}

    difference = max(abs(y[k] - reference(weights, x[k])).max() for k in kinds)
    print(f"largest difference from numpy {difference:.1e}")
    before = ((x["noisy"] - x["clean"]) ** 2).mean()
    after = ((y["noisy"] - x["clean"]) ** 2).mean()
    print(f"denoising: squared error {before:.4f} before, {after:.4f} after")
    error = {k: ((y[k] - x[k]) ** 2).mean(1) for k in kinds}
    auc = area_under_roc(error["clean"], error["anomalies"])
    print(f"anomalies: area under the ROC curve {auc:.3f}")
    for kind in range(3):
        part = area_under_roc(error["clean"], error["anomalies"][kind::3])
        print(f"  {['shuffled pixels', 'shuffled rows', 'joined halves'][kind]}: {part:.3f}")

    failed = []
    if not difference <= TOLERANCE:
        failed.append(f"outputs differ from numpy by more than {TOLERANCE}")
    if not after <= DENOISED_AT_MOST * before:
        failed.append(f"more than {DENOISED_AT_MOST:.0%} of the noise is left")
    if not auc >= AUC_AT_LEAST:
        failed.append(f"the area under the curve is below {AUC_AT_LEAST}")
    for line in failed:
        print("check.py: " + line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

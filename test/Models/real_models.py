"""The real trained networks that tests look for, and what to say without them.

A folder has one folder per network with model.onnx and test_data_set_*; some also
have model_copies.onnx (shared weights written once per use) and model_static.onnx
(dimensions fixed)."""
import argparse
import pathlib
import sys

FILES = ("model.onnx", "model_copies.onnx", "model_static.onnx")
SKIPPED = 77  # CTest shows this exit code as skipped


def parse_arguments(tool):
    """[--out=FOLDER] TOOL MODELS [NAME...]: the options, and the chosen files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument(tool)
    parser.add_argument("models", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    models = [path for each in sorted(options.models.glob("*/")) for path in
              (each / file for file in FILES)
              if path.exists() and (not options.names or each.name in options.names)]
    if not models:
        print(f"skipped: no models in '{options.models}'; LIGATURE_MODELS names their folder")
        sys.exit(SKIPPED)
    return options, models

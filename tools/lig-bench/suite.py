"""The networks that lig-bench measures: which builder, with which sizes.

`small` gives the sizes of the fast test. A builder that takes --batch gets it
from the command line. Trained models, where their folder is present, bring
their own inputs.
"""
import dataclasses
import os
import pathlib
import subprocess

import numpy as np
import onnx
from onnx import numpy_helper

FOLDER = pathlib.Path(__file__).resolve().parent
# Ranges of integer inputs; others are 0 or 1.
RANGES = {"tokens": 10000, "input_ids": 30000}
NUMPY = {1: np.float32, 6: np.int32, 7: np.int64, 9: np.bool_, 11: np.float64}


@dataclasses.dataclass(frozen=True)
class Network:
    name: str
    builder: str = ""
    options: str = ""
    small: str = ""
    batch: bool = False
    copies: bool = False  # the builder takes --copies
    # By how much outputs may differ, of the largest; a step where they are in steps.
    tolerance: float = 1e-4
    path: pathlib.Path = None  # of a trained model instead of a builder

    def build(self, folder, batch=1, extra=()):
        """Writes folder/model.onnx and folder/inputs.npz; returns the model's path."""
        folder.mkdir(parents=True, exist_ok=True)
        model = folder / "model.onnx"
        if self.path:
            model.write_bytes(self.path.read_bytes())
            feeds = read_test_data(self.path.parent / "test_data_set_0", model)
        else:
            run_builder(self.builder, model, [
                *self.options.split(), *extra, *([f"--batch={batch}"] if self.batch else [])])
            feeds = random_feeds(model)
        np.savez(folder / "inputs.npz", **feeds)
        return model


def run_builder(builder, model, options):
    subprocess.run(["/usr/bin/python3", str(FOLDER / "networks" / builder), str(model),
                    *options], check=True)


def inputs_of(model):
    graph = onnx.load(str(model)).graph
    weights = {each.name for each in graph.initializer}
    return [each for each in graph.input if each.name not in weights]


def random_feeds(model):
    random = np.random.RandomState(1)
    feeds = {}
    for each in inputs_of(model):
        shape = [d.dim_value for d in each.type.tensor_type.shape.dim]
        dtype = NUMPY[each.type.tensor_type.elem_type]
        if np.issubdtype(dtype, np.floating):
            value = random.standard_normal(shape)
        else:
            value = random.randint(0, RANGES.get(each.name, 2), shape)
        feeds[each.name] = np.asarray(value, dtype)
    return feeds


def read_test_data(folder, model):
    feeds = {}
    for index, each in enumerate(inputs_of(model)):
        tensor = onnx.TensorProto.FromString((folder / f"input_{index}.pb").read_bytes())
        feeds[each.name] = numpy_helper.to_array(tensor)
    return feeds


LANGUAGE_MODEL = "--vocabulary=10000 --hidden=512 --layers=2 --steps=128"
SMALL_LANGUAGE_MODEL = "--vocabulary=10000 --hidden=8 --layers=2 --steps=3"
ALBERT_MINI = "--hidden=256 --feed-forward=1024 --heads=4"
ALBERT_SMALL = ("--hidden=16 --feed-forward=32 --heads=2 --layers=2 --sequence=8 "
                "--vocabulary=30000 --embedding=4")

NETWORKS = [
    Network("lenet5", "lenet.py", "", "", batch=True),
    Network("resnet18-224", "resnet.py", "", "--size=32 --width=4 --blocks=1,1",
            batch=True),
    Network("mobilenetv2-224", "mobilenet.py", "", "--size=32 --stages=3", batch=True),
    Network("unet-128", "unet.py", "", "--size=16 --width=4 --depth=2"),
    Network("convgru-raft-12", "conv_gru.py", "", "--iterations=2 --channels=4 --size=8",
            copies=True),
    Network("condconv", "experts.py", "--kind=condconv",
            "--kind=condconv --experts=2 --channels=4 --size=8 --layers=1"),
    Network("moe-top2", "experts.py", "--kind=moe",
            "--kind=moe --experts=3 --channels=8 --size=5 --layers=1"),
    Network("vad-stream", "vad.py", "", "--hidden=16"),
    Network("gru-denoiser", "denoiser.py", "", "--steps=3"),
    Network("lstm-256", "lstm.py", "--hidden=256", "--hidden=16 --steps=3", batch=True),
    Network("lstm-1024", "lstm.py", "--hidden=1024", "--hidden=24 --steps=3", batch=True),
    Network("lstm-lm", "lstm.py", LANGUAGE_MODEL, SMALL_LANGUAGE_MODEL, copies=True),
    Network("lstm-lm-b16", "lstm.py", LANGUAGE_MODEL + " --batch=16",
            SMALL_LANGUAGE_MODEL + " --batch=2", copies=True),
    Network("autoencoder-tied", "dense.py", "", "--layers=16,8,4", batch=True,
            copies=True),
    Network("mlp-codebook16", "dense.py", "--kind=codebook",
            "--kind=codebook --layers=16,8,4", batch=True),
    Network("albert-mini", "albert.py", ALBERT_MINI, ALBERT_SMALL, copies=True),
    Network("albert-base", "albert.py", "", ALBERT_SMALL + " --own-norms", copies=True),
    Network("recursive-lora", "recursive_transformer.py", "",
            "--unique=2 --loops=2 --hidden=16 --heads=2 --sequence=4 --rank=2",
            copies=True),
    Network("attention-512", "attention.py", "--sequence=512",
            "--sequence=16 --heads=2 --size=4 --kv-heads=1"),
    Network("attention-2048", "attention.py", "--sequence=2048",
            "--sequence=256 --heads=2 --size=4 --causal"),
    Network("quantized-mlp", "quantized.py", "--kind=mlp", "--kind=mlp --layers=16,8,4",
            batch=True, tolerance=0.02),
    Network("quantized-cnn", "quantized.py", "--kind=cnn",
            "--kind=cnn --layers=3,8,4 --size=8", batch=True, tolerance=0.02),
    Network("triplet-56", "siamese.py", "--branches=3 --size=56",
            "--branches=3 --size=16", copies=True),
    Network("siamese-56", "siamese.py", "--branches=2 --size=56",
            "--branches=2 --size=16", copies=True),
    Network("retinanet-head", "retinanet_head.py", "",
            "--levels=4,2 --channels=8 --layers=2"),
    Network("group-cnn", "group_cnn.py", "", "--size=8 --channels=2 --layers=2"),
]


def builder_exists(network):
    return (FOLDER / "networks" / network.builder).is_file()


def trained_models():
    """Models of LIGATURE_MODELS, or of shared/models beside the repository."""
    folder = pathlib.Path(os.environ.get(
        "LIGATURE_MODELS", FOLDER.parents[2] / "shared" / "models"))
    found = []
    for each in sorted(folder.glob("*/")):
        static = each / "model_static.onnx"
        path = static if static.is_file() else each / "model.onnx"
        if path.is_file() and (each / "test_data_set_0").is_dir():
            found.append(Network(f"trained/{each.name}", path=path))
    return found


def all_networks():
    return [n for n in NETWORKS if builder_exists(n)] + trained_models()

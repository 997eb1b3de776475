#!/usr/bin/python3
"""Compiles real trained networks and compares them with their reference data.

MODELS has a folder per network with model.onnx and test_data_set_*; where a
folder also has model_copies.onnx (shared weights written once per use) and
model_static.onnx (dimensions fixed), these must give the same, and the copies a
library of the same size. Steps that are written out must become loops. One line
a model; exits 1 if any fails and 77, which CTest shows as skipped, without MODELS.

  run.py [--out=FOLDER] [--device=emulate] LIG_RUN MODELS [NAME...]

--out takes summary.txt. Kernels of a GPU are compared with the references alone.
"""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import time

from real_models import parse_arguments

# How many loops the share phase makes of steps that the model has written out.
LOOPS = {"g2p_en_unrolled": 1}
SECONDS_EACH = 300


def check(lig_run, model, device):
    """The complaints of lig-run about `model` on each of its data sets."""
    complaints = []
    data_sets = sorted(model.parent.glob("test_data_set_*"))
    if not data_sets:
        complaints.append("it has no test_data_set_*")
    for data in data_sets:
        command = [lig_run, f"--device={device}", str(model), "--test-data", str(data)]
        try:
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                                  stderr=subprocess.STDOUT, timeout=SECONDS_EACH)
            if done.returncode:
                complaints.append(f"{data.name}: exit code {done.returncode}\n{done.stdout}")
        except subprocess.TimeoutExpired:
            complaints.append(f"{data.name}: more than {SECONDS_EACH} s")
    return complaints


def compile_with(ligc, model, *options):
    """What ligc writes for `model`, as bytes."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        subprocess.run([ligc, model, *options, "-o", out], check=True,
                       timeout=SECONDS_EACH, stdout=subprocess.DEVNULL)
        return out.read_bytes()


def check_sharing(ligc, model):
    """Complaints about what ligc makes of written out copies and steps."""
    complaints = []
    original = model.with_name("model.onnx")
    if model.name == "model_copies.onnx":
        sizes = [len(compile_with(ligc, path)) for path in (original, model)]
        if abs(sizes[1] - sizes[0]) > sizes[0] / 100:
            complaints.append(f"{sizes[1]} bytes of code and parameters, but "
                              f"{sizes[0]} where weights are shared")
    loops = LOOPS.get(model.parent.name)
    if loops is not None:
        found = compile_with(ligc, model, "--compile-to=share").count(b"net.rolled")
        if found != loops:
            complaints.append(f"{found} loops instead of {loops}")
    return complaints


def check_all(lig_run, model, device):
    ligc = pathlib.Path(lig_run).with_name("ligc")
    try:
        if device != "cpu":
            return check(lig_run, model, device)
        return check(lig_run, model, device) + check_sharing(ligc, model)
    except subprocess.SubprocessError as error:
        return [str(error)]


def main():
    options, models = parse_arguments("lig_run")

    failed = 0
    start = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = pool.map(
            lambda model: check_all(options.lig_run, model, options.device), models)
        for model, complaints in zip(models, results):
            failed += bool(complaints)
            print("FAIL" if complaints else "PASS", f"{model.parent.name}/{model.name}")
            for complaint in complaints:
                print("  " + complaint.strip().replace("\n", "\n  "))
            sys.stdout.flush()
    summary = (f"{len(models) - failed} of {len(models)} models agree with their "
               f"reference, {time.monotonic() - start:.0f} s")
    print(summary)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "summary.txt").write_text(summary + "\n")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()

"""What sharing saves: networks as shared and as copied files, beside a peer.

Each network is compiled from a file that stores shared weights once and from
its twin with a copy for each use, as exporters write them; a compiler that
finds ties again makes the two alike. The figures that matter are the bytes of
the artefact, of its parameters and of its code, the time to compile, and the
resident memory above parameters and arena. `without batching` compiles the
shared file with every use of a weight on its own; `one layer` is the network
with its layer applied once, which the code and the time of all should be near.
"""
import dataclasses
import json
import pathlib
import re
import subprocess
import tempfile

import measure
import report
import suite

NAMES = ("albert-mini", "albert-base", "recursive-lora", "convgru-raft-12", "lstm-lm",
         "autoencoder-tied", "siamese-56", "triplet-56", "retinanet-head")
ONE_LAYER = ("albert-mini", "albert-base")
WITHOUT_BATCHING = ("siamese-56", "triplet-56", "retinanet-head")


def variants():
    """(network, which file or way, options of the builder, options of ligc)."""
    by_name = {n.name: n for n in suite.all_networks()}
    for name in NAMES:
        network = by_name.get(name)
        if not network:
            continue
        yield network, "shared", [], []
        if network.copies:
            yield network, "copies", ["--copies"], []
        if name in ONE_LAYER:
            yield network, "one layer", ["--layers=1"], []
        if name in WITHOUT_BATCHING:
            yield network, "without batching", [], ["--no-batch"]
    for network in suite.trained_models():
        copies = network.path.with_name("model_copies.onnx")
        if copies.is_file():
            shared = network.path.with_name("model.onnx")
            yield dataclasses.replace(network, path=shared), "shared", [], []
            yield dataclasses.replace(network, path=copies), "copies", [], []


def code_bytes(library):
    """The code section, as binutils lists it."""
    listed = subprocess.run(["size", "-A", library], capture_output=True, text=True,
                            check=True).stdout
    rows = [row.split() for row in listed.splitlines()]
    return sum(int(row[1]) for row in rows if len(row) == 3 and row[0] == ".text")


def runtime_code_bytes(options):
    """The part of the code that every library has: the runtime's."""
    with tempfile.TemporaryDirectory() as folder:
        model = pathlib.Path(folder) / "copy.mlir"
        model.write_text("func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {\n"
                         "  return %x : tensor<4xf32>\n}\n")
        subprocess.run([options.environment["LIGATURE_LIGC"], str(model), "-o",
                        f"{folder}/copy.so"], check=True)
        return code_bytes(f"{folder}/copy.so")


def run(peers, options):
    """One record for each variant, as `table` takes them."""
    runtime = runtime_code_bytes(options)
    for network, what, builder_options, ligc_options in variants():
        if not re.search(options.only, network.name):
            continue
        folder = options.out / "work" / f"{network.name}-{what.replace(' ', '-')}"
        prepared = measure.prepare(network, folder, peers, options,
                                   builder_options, ligc_options)
        rows = measure.Case(folder, options.threads[0], options).measure(prepared)
        own = rows["ligature"]
        if "error" not in own:
            own["code_bytes"] = code_bytes(prepared["ligature"]["artefact"]) - runtime
            shared = json.loads((folder / "ligature.json").read_text())
            own["bytes_if_copied"] = shared["bytes_if_copied"]
        print(f"{network.name} ({what}): " + ", ".join(
            f"{peer} {report.amount(row.get('median_us'))} us" for peer, row in rows.items()),
            flush=True)
        yield {"network": network.name, "variant": what, "rows": rows}


HEADER = ["network", "file", "runtime", "artefact MB", "parameters MB", "if copied MB",
          "code kB", "compile s", "load ms", "median us", "peak MiB",
          "above parameters and arena MiB", ""]


def table(records):
    text = report.line(HEADER) + report.line(["---"] * len(HEADER))
    for record in records:
        head = [record["network"], record["variant"]]
        for peer, row in record["rows"].items():
            if "error" in row:
                text += report.line([*head, peer, "failed", *[""] * 9])
            else:
                text += report.line([*head, peer, *figures(row)])
            head = ["", ""]
    return text


def figures(row):
    held = row.get("param_bytes", 0) + row.get("arena_bytes", 0)
    above = row["peak_kb"] / 1024 - held / 2**20 if held else None
    code = row.get("code_bytes")
    return [report.amount(row["artefact_bytes"], 1e6),
            report.amount(row.get("param_bytes"), 1e6),
            report.amount(row.get("bytes_if_copied"), 1e6),
            report.amount(code, 1e3),
            report.amount(row["compile_s"]) if code is not None else "",
            report.amount(row["load_ms"]), report.amount(row["median_us"]),
            report.amount(row["peak_kb"], 1024), report.amount(above),
            "" if row.get("agrees", True) else f"**differs: {row['difference']:.1e}**"]

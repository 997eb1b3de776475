#!/usr/bin/python3
"""Writes the pages that are made from the code, or checks that they are fresh.

Every dialect and every group of passes under include/Ligature has a page in
docs/reference, made by mlir-tblgen; docs/onnx.md lists all ONNX operators and
which of them `ligc` says it can import. `ninja ligature-docs` calls this.

  generate.py [--check] --tblgen=MLIR_TBLGEN --include=LLVM_INCLUDE [--ligc=LIGC]
"""
import argparse
import difflib
import pathlib
import subprocess
import sys

import onnx.defs

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
INCLUDE = ROOT / "include"

ONNX_PAGE = """<!-- Generated; `ninja ligature-docs` writes it -->

# ONNX operators

{supported} of {all} operators are supported. A translation says from which
version of the operator's definition it holds. An operator without one is
expanded when its ONNX definition has a function body of others; so is every
function that a model brings along. A model that uses something else is refused
with the list of what is missing.

Not every use of a supported operator can be compiled: shapes are fixed when a
model is compiled, so what decides a shape (the target of `Reshape`, the repeats
of `Tile`) must be known then, or the result needs an upper bound. Strings,
sequences, optional values and random numbers are not supported.
[The list of cases](../test/Conformance/excluded.txt) of the ONNX backend suite
that are left out gives a reason for each.

| operator | domain | supported |
|---|---|---|
{table}
"""


def tblgen(options, source, *what):
    return subprocess.run(
        [options.tblgen, *what, str(source), "-I", str(INCLUDE), "-I", options.include],
        check=True, capture_output=True, text=True).stdout


def tidy(text):
    """No trailing spaces, one empty line at most between paragraphs."""
    lines = []
    for line in text.replace("[TOC]\n\n", "").splitlines():
        if line.strip() or (lines and lines[-1]):
            lines.append(line.rstrip())
    return "\n".join(lines).strip() + "\n"


def pages(options):
    """{path: text} of every generated page."""
    result = {}
    for source in sorted(INCLUDE.rglob("*Ops.td")):
        dialect = source.stem[: -len("Ops")].lower()
        text = tblgen(options, source, "-gen-dialect-doc", f"-dialect={dialect}")
        result[HERE / f"{dialect}.md"] = tidy(text)
    for source in sorted(INCLUDE.rglob("Passes.td")):
        folder = source.parent.relative_to(INCLUDE / "Ligature")
        name = next(p for p in folder.parts if p not in ("Dialect", "Transforms"))
        text = tblgen(options, source, "-gen-pass-doc")
        if "###" in text:
            text = text.replace("\n\n", f"\n\n# Passes in `{folder}`\n\n", 1)
            result[HERE / f"{name.lower()}-passes.md"] = tidy(text.replace("\n###", "\n##"))
    if options.ligc:
        result[ROOT / "docs/onnx.md"] = onnx_page(options.ligc)
    return result


def onnx_page(ligc):
    """Every operator that the installed ONNX definitions or `ligc` know."""
    listed = subprocess.run([ligc, "--list-onnx-operators"], check=True,
                            capture_output=True, text=True).stdout
    translated = {}
    for line in listed.splitlines():
        domain, name, since = line.split()
        translated.setdefault((domain, name), []).append(since)
    defined = {}
    for schema in onnx.defs.get_all_schemas():
        domain = schema.domain or "ai.onnx"
        if domain == "ai.onnx" and not schema.deprecated:
            defined[domain, schema.name] = (
                schema.has_function or schema.has_context_dependent_function)
    rows = []
    for key in sorted(set(translated) | set(defined)):
        how = "no"
        if key in translated:
            how = "yes, as of opset " + ", ".join(translated[key])
        elif defined[key]:
            how = "by the body of its definition"
        rows.append((key, how))
    supported = sum(how != "no" for _, how in rows)
    table = "\n".join(f"| {name} | {domain} | {how} |" for (domain, name), how in rows)
    return ONNX_PAGE.format(supported=supported, all=len(rows), table=table)


def check(wanted):
    stale = False
    for path, text in wanted.items():
        found = path.read_text() if path.exists() else ""
        for line in difflib.unified_diff(found.splitlines(), text.splitlines(),
                                         str(path.relative_to(ROOT)), "generated",
                                         lineterm="", n=1):
            stale = True
            print(line)
    for path in HERE.glob("*.md"):
        if path not in wanted:
            stale = True
            print(f"{path.relative_to(ROOT)}: nothing generates this page")
    if stale:
        sys.exit("stale pages: ninja -C build ligature-docs")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--tblgen", required=True)
    parser.add_argument("--include", required=True)
    parser.add_argument("--ligc")
    options = parser.parse_args()
    wanted = pages(options)
    if options.check:
        check(wanted)
        return
    for path, text in wanted.items():
        path.write_text(text)


if __name__ == "__main__":
    main()

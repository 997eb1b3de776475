#!/usr/bin/python3
"""Writes the pages that are made from the code, or checks that they are fresh.

Every dialect and every group of passes under include/Ligature has a page in
docs/reference, made by mlir-tblgen; docs/onnx.md lists the ONNX operators that
`ligc` says it can import. `ninja ligature-docs` calls this.

  generate.py [--check] --tblgen=MLIR_TBLGEN --include=LLVM_INCLUDE [--ligc=LIGC]
"""
import argparse
import difflib
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
INCLUDE = ROOT / "include"


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
        text = subprocess.run([options.ligc, "--list-onnx-ops"], check=True,
                              capture_output=True, text=True).stdout
        result[ROOT / "docs/onnx.md"] = text
    return result


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

#!/usr/bin/python3
"""Stands for ligc and lig-run, by whose name it is called, where a test runs for the
emulator: what the test runs are the kernels of a GPU.

The emulator takes no libraries. So a library is a note of what it would be made
from, which lig-run compiles in memory; only what is reported of one, or refused,
is the real ligc's word. $LIGATURE_EMULATED is the folder of the real tools.
"""
import json
import os
import pathlib
import subprocess
import sys

# Of ligc alone: how parameters are stored, and what is reported of them.
OF_FILES = ("--params=", "--sharing-report=", "--fail-if-untied")


def call(name, arguments):
    return subprocess.run([os.path.join(os.environ["LIGATURE_EMULATED"], name),
                           *arguments]).returncode


def note_of(library):
    return pathlib.Path(library + ".emulated.json")


def compile_model(arguments):
    at = arguments.index("-o") + 1 if "-o" in arguments else 0
    if not arguments[at].endswith(".so"):
        return call("ligc", arguments)
    if any(a.startswith(OF_FILES) for a in arguments) and (status := call("ligc", arguments)):
        return status
    rest = [os.path.abspath(a) if os.path.exists(a) else a
            for a in arguments[:at - 1] + arguments[at + 1:] if not a.startswith(OF_FILES)]
    note_of(arguments[at]).write_text(json.dumps(rest))
    return 0


def run_model(arguments):
    parts = [json.loads(note_of(a).read_text()) if note_of(a).exists() else [a]
             for a in arguments]
    return call("lig-run", ["--device=emulate", *sum(parts, [])])


if __name__ == "__main__":
    run = {"ligc": compile_model, "lig-run": run_model}[pathlib.Path(sys.argv[0]).name]
    sys.exit(run(sys.argv[1:]))

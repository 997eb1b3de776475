#!/usr/bin/python3
"""Runs the ONNX backend suite of Debian's libonnx-testdata.

Every case runs twice: as given, its weights being inputs of the graph, and with
its inputs folded in as parameters. lig-run takes a share of the cases in one
process, forks for each, and prints one PASS or FAIL line. excluded.txt names
the cases that are not expected to pass; such a case passing is as wrong as
another one failing. Exits 1 then, and 77, which CTest shows as skipped, where
the data is not installed.

  run.py [--data=FOLDER] [--out=FOLDER] [--device=emulate] LIG_RUN [FAMILY/CASE...]

--data runs every family of another folder of the same layout, without
exclusions. --out takes summary.txt and every verdict.
"""
import argparse
import collections
import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

SUITE = pathlib.Path("/usr/share/libonnx-testdata/data")
FAMILIES = ("node", "pytorch-converted", "pytorch-operator")
MODES = {"given": "", "constant": " --constant-inputs"}
LIMIT_SECONDS = 900
SKIPPED = 77

Run = collections.namedtuple("Run", "case mode line")


def read_exclusions(path):
    """{(case, mode): reason}"""
    excluded, reason = {}, ""
    for line in path.read_text().splitlines():
        if not line.strip():
            reason = ""
        elif line.startswith("#"):
            reason = (reason + " " + line[1:].strip()).strip()
        else:
            case, *modes = line.split()
            if not reason or set(modes) - set(MODES):
                sys.exit(f"{path}: '{line}' has no reason or an unknown mode")
            for mode in modes or MODES:
                excluded[case, mode] = reason
    return excluded


def list_runs(folder, families, chosen, device):
    runs = []
    for family in families:
        for model in sorted((folder / family).glob("*/model.onnx")):
            case = f"{family}/{model.parent.name}"
            if chosen and case not in chosen:
                continue
            for mode, option in MODES.items():
                for data in sorted(model.parent.glob("test_data_set_*")):
                    runs.append(Run(case, mode, f"--device={device} {model} --test-data {data}{option}"))
    return runs


def run_share(lig_run, runs):
    """{line: message, empty where the run passed}; what has no line crashed."""
    with tempfile.NamedTemporaryFile("w", suffix=".batch") as batch:
        batch.write("".join(run.line + "\n" for run in runs))
        batch.flush()
        done = subprocess.run([lig_run, f"--batch={batch.name}"], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=LIMIT_SECONDS)
    results = {}
    for text in done.stdout.splitlines():
        match = re.match(r"(PASS|FAIL) (.*?\.onnx --test-data \S+?(?: --constant-inputs)?)(?:: (.*))?$", text)
        if match:
            verdict, line, message = match.groups()
            results[line] = "" if verdict == "PASS" else message or "failed"
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("lig_run")
    parser.add_argument("cases", nargs="*")
    options = parser.parse_args()
    families, excluded = FAMILIES, {}
    if options.data:
        families = sorted(path.name for path in options.data.iterdir())
    else:
        excluded = read_exclusions(pathlib.Path(__file__).with_name("excluded.txt"))
    folder = options.data or SUITE
    runs = list_runs(folder, families, set(options.cases), options.device)
    if not runs:
        print(f"skipped: {folder} has no such cases (Debian package libonnx-testdata)")
        sys.exit(SKIPPED)

    start = time.monotonic()
    workers = os.cpu_count()
    results = {}
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        # Neighbours cost alike, so every worker takes each n-th case.
        shares = [runs[i::workers] for i in range(workers)]
        for part in pool.map(lambda share: run_share(options.lig_run, share), shares):
            results.update(part)

    failures = {}
    for run in runs:
        message = results.get(run.line, "no verdict: the tool ended before")
        if message or (run.case, run.mode) not in failures:
            failures[run.case, run.mode] = message
    wrong = []
    counts = {f: dict.fromkeys(("cases", *MODES, "both", "excluded"), 0) for f in families}
    by_case = collections.defaultdict(dict)
    for (case, mode), message in sorted(failures.items()):
        by_case[case][mode] = message
        count = counts[case.split("/")[0]]
        count[mode] += not message
        if message and (case, mode) not in excluded:
            wrong.append(f"FAIL {case} ({mode}): {message}")
        elif not message and (case, mode) in excluded:
            wrong.append(f"PASS {case} ({mode}), but excluded.txt says: "
                         f"{excluded[case, mode]}")
    for case, modes in by_case.items():
        count = counts[case.split("/")[0]]
        count["cases"] += 1
        count["both"] += not any(modes.values())
        count["excluded"] += any((case, mode) in excluded for mode in modes)
    if not options.cases:
        wrong += [f"excluded.txt names {case}, which does not exist"
                  for case in sorted({case for case, _ in excluded} - set(by_case))]

    summary = [f"{family}: {count['both']} of {count['cases']} cases pass both ways "
               f"({count['given']} as given, {count['constant']} with constant inputs), "
               f"{count['excluded']} excluded" for family, count in counts.items()]
    summary.append(f"{len(wrong)} surprises, {time.monotonic() - start:.0f} s")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "summary.txt").write_text("\n".join(summary) + "\n")
        (options.out / "verdicts.txt").write_text("".join(
            f"{'FAIL' if m else 'PASS'} {case} {mode} {m}\n"
            for (case, mode), m in sorted(failures.items())))
    print("\n".join(wrong + summary))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

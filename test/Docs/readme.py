"""Checks that the README shows what the compiler does.

Every line of an ```mlir block, under the phase whose bold name stands before
it, must be in the module after that phase, whatever SSA names and vector width
are there; "…" stands for anything. The report must be as printed.

  readme.py README.md ROOT OUT
"""
import pathlib
import re
import subprocess
import sys


def plain(text):
    """Without SSA names, vector widths and spaces."""
    text = re.sub(r"%[\w.$-]+(?:#\d+)?", "%", text)
    return re.sub(r"\s+", "", re.sub(r"vector<\d+x", "vector<Nx", text))


def pattern(line):
    parts = [re.escape(plain(part)) for part in line.split("…")]
    return re.compile("[^\n]*".join(parts))


def main():
    page, root, out = pathlib.Path(sys.argv[1]).read_text(), sys.argv[2], sys.argv[3]
    command, report = re.search(r"^\$ (.*?)\n(.*?)^```", page, re.M | re.S).groups()
    model = command.split()[1]

    def run(*options):
        return subprocess.run(["ligc", model, *options], cwd=root, check=True,
                              capture_output=True, text=True).stdout

    wrong = []
    if report.strip() not in run("-o", f"{out}.so", "--sharing-report"):
        wrong.append("the report")
    blocks = re.findall(r"^\*\*(\w+)\*\*[^`]*(?:`[^`\n]+`[^`]*)*```mlir\n(.*?)```", page,
                        re.M | re.S)
    for phase, block in blocks:
        lines = run(f"--compile-to={phase}", "-o", "-").splitlines()
        found = "\n".join(plain(line) for line in lines)
        wrong += [f"{phase}: {line}" for line in block.splitlines()
                  if not pattern(line).search(found)]
    for text in wrong:
        print("not what the compiler does:", text)
    if len(blocks) != 5:
        sys.exit(f"{len(blocks)} phases instead of 5")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

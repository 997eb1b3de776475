"""Checks that every reason why a tie is broken has its entry in the page on broken
ties: a heading, the words of the report, an example that shows them, a remedy.

The reasons are the constants of BrokenTieReasons.h; no pass may use other words.

  broken_ties.py ROOT
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1])


def reasons():
    header = (ROOT / "include/Ligature/Dialect/Share/IR/BrokenTieReasons.h").read_text()
    for name, text in re.findall(r"StringLiteral (k\w+) =((?:\s*\"[^\"]*\")+);", header):
        yield name, "".join(re.findall(r'"([^"]*)"', text))


def entries():
    """(heading, quoted words, commands, whether there is a remedy)."""
    page = (ROOT / "docs/broken-ties.md").read_text()
    for section in re.split(r"^## ", page, flags=re.M)[1:]:
        quote = " ".join(re.findall(r"^> (.*)$", section, re.M))
        commands = "".join(re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S))
        yield section.splitlines()[0], quote, commands, "**Remedy.**" in section


def main():
    wrong, known = [], dict(reasons())
    found = list(entries())
    for name, text in known.items():
        pattern = re.compile(re.sub(r"\\\{\d\\\}", r"\\w+", re.escape(text)))
        entry = [e for e in found if pattern.fullmatch(e[1])]
        if len(entry) != 1:
            wrong.append(f"{name} has {len(entry)} entries")
            continue
        heading, quote, commands, remedy = entry[0]
        # What a grep of the example looks for is the reason or begins it.
        shown = [g.split(": ")[-1].split("because ")[-1]
                 for g in re.findall(r'grep "([^"]+)"', commands)]
        if not any(len(g) > 20 and quote.startswith(g) for g in shown):
            wrong.append(f"the example of '{heading}' does not show the reason")
        if not remedy:
            wrong.append(f"'{heading}' has no remedy")
    if len(found) != len(known):
        wrong.append(f"{len(found)} entries for {len(known)} reasons")
    for source in (ROOT / "lib").rglob("*.cpp"):
        text = source.read_text()
        for call in re.findall(r"\brecordBrokenTie\(([^;{]*)\);", text):
            if '"' in call or "reasons::" not in text:
                wrong.append(f"{source.name} breaks a tie in words of its own")
    print("\n".join(wrong) or f"{len(known)} reasons")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()

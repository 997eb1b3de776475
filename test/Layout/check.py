#!/usr/bin/python3
"""Checks the rules of the house that a compiler does not see.

Who may include whom comes from the table in docs/Architecture.md; the other
rules are the functions here, one each. Prints every breach, exits 1 if any.

  check.py ROOT
"""
import pathlib
import re
import subprocess
import sys

LONGEST_FILE = 600
SOURCES = (".cpp", ".h", ".td", ".c")


def tracked_files(root):
    """Repository files; all below the source folders where there is no git."""
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-co", "--exclude-standard"],
        capture_output=True, text=True)
    if listed.returncode == 0:
        names = listed.stdout.split("\n")
    else:
        names = [str(p.relative_to(root)) for folder in
                 ("include", "lib", "tools", "test", "docs")
                 for p in (root / folder).rglob("*")]
    return [pathlib.PurePosixPath(n) for n in names if n and (root / n).is_file()]


def read_table(page):
    """{room: the rooms it may include} from the rows `| level | room | ... |`."""
    rooms = {}
    for line in page.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 3 and cells[0].isdigit():
            names = re.findall(r"`([^`]+)`", cells[2])
            for room in re.findall(r"`([^`]+)`", cells[1]):
                rooms[room] = (int(cells[0]), names)
    allowed = {}
    for room, (level, names) in rooms.items():
        below = {other for other, (l, _) in rooms.items() if l < level}
        allowed[room] = {room} | set(names) | (below if "*" in names else set())
    return allowed


def room_of(path, rooms):
    """The longest room that holds `path`, given from include/Ligature or lib."""
    text = str(path)
    found = [r for r in rooms if text == r or text.startswith((r + "/", r + "."))]
    return max(found, key=len, default=None)


def strip_root(path):
    text = str(path)
    for prefix in ("include/Ligature/", "lib/"):
        if text.startswith(prefix):
            return text[len(prefix):]
    return text


def included(root, files):
    """(file, line number, what it includes), the latter as a house path."""
    for path in files:
        if path.suffix not in SOURCES or path.parts[0] not in ("include", "lib", "tools"):
            continue
        text = (root / path).read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            match = re.match(r'\s*#?\s*include\s+[<"]([^">]+)[">]', line)
            if match:
                yield path, number, match.group(1)


def check_includes(root, files, rooms):
    headers = {strip_root(f) for f in files if f.suffix in (".h", ".td")}
    edges = {}
    for path, number, name in included(root, files):
        here = room_of(strip_root(path), rooms)
        if here is None:
            if path.parent != pathlib.PurePosixPath("lib"):
                yield f"{path}: its folder is not in the table"
            continue
        if name.startswith("Ligature/"):
            there = room_of(name[len("Ligature/"):], rooms)
        else:
            # A private header: beside the file or in a folder around it.
            folders = pathlib.PurePosixPath(strip_root(path)).parents
            local = [f / name for f in folders if str(f / name) in headers]
            if not local:
                continue
            there = room_of(local[0], rooms)
        if there is None:
            yield f"{path}:{number}: {name} belongs to no folder of the table"
        elif there not in rooms[here]:
            yield f"{path}:{number}: {here} may not include {there} ({name})"
        elif there != here:
            edges.setdefault(here, set()).add(there)
    for circle in circles(edges):
        yield "circle between folders: " + " -> ".join(circle)


def circles(edges):
    """Every elementary way from a folder back to itself that a walk meets."""
    done = set()

    def walk(room, way):
        if room in way:
            yield way[way.index(room):] + [room]
        elif room not in done:
            for there in sorted(edges.get(room, ())):
                yield from walk(there, way + [room])
            done.add(room)

    for room in sorted(edges):
        yield from walk(room, [])


def check_strangers(root, files, rooms):
    """Who may see LLVM, protobuf and the C++ library."""
    for path, number, name in included(root, files):
        place = strip_root(path)
        if re.match(r"(onnx/|google/protobuf)", name) and not place.startswith("Import/Onnx/"):
            yield f"{path}:{number}: only Import/Onnx sees protobuf ({name})"
        if place.startswith(("Runtime/", "ABI/")) and re.match(
                r"(mlir|llvm|Ligature/(?!ABI/))", name):
            yield f"{path}:{number}: the runtime sees only the ABI ({name})"


def check_sizes(root, files, rooms):
    for path in files:
        if path.suffix in SOURCES + (".py",):
            lines = (root / path).read_text(encoding="utf-8").count("\n")
            if lines > LONGEST_FILE:
                yield f"{path}: {lines} lines, more than {LONGEST_FILE}"


def check_names(root, files, rooms):
    for path in files:
        if any(re.search(r"(Utils?|Common|Misc)(\.|$)", part) for part in path.parts):
            yield f"{path}: a name that says nothing"


def check_openings(root, files, rooms):
    """Every file opens with what cannot be seen in the code."""
    for path in files:
        if path.suffix in (".cpp", ".h", ".td") and path.parts[0] != "docs":
            if not (root / path).read_text(encoding="utf-8").startswith(("//", "/*")):
                yield f"{path}: does not open with its purpose"


def check_options(root, files, rooms):
    for path in files:
        if path.parts[0] in ("include", "lib") and path.suffix in SOURCES:
            if re.search(r"\bcl::opt\b", (root / path).read_text(encoding="utf-8")):
                yield f"{path}: command-line options belong to tools/"


def check_passes(root, files, rooms):
    """DedupParamsPass is DedupParams.cpp, and a test names its flag."""
    stems = {p.stem for p in files if p.parts[0] == "lib" and p.suffix == ".cpp"}
    tests = "\n".join((root / p).read_text(encoding="utf-8") for p in files
                      if p.parts[0] == "test" and p.suffix in (".mlir", ".test", ".py"))
    for path in files:
        if path.suffix != ".td" or path.parts[0] != "include":
            continue
        text = (root / path).read_text(encoding="utf-8")
        for name, flag in re.findall(r'^def (\w+)Pass\s*:\s*\w+<\s*"([^"]+)"', text, re.M):
            name = re.sub(r"^(Cpu|Gpu|Convert)", "", name)  # the folder says it
            # The contract passes are one table.
            if name not in stems and not flag.startswith("lig-verify-"):
                yield f"{path}: {name}Pass has no {name}.cpp"
            if flag not in tests:
                yield f"{path}: no test names {flag}"


def main():
    root = pathlib.Path(sys.argv[1]).resolve()
    files = tracked_files(root)
    rooms = read_table(root / "docs/Architecture.md")
    if not rooms or not files:
        sys.exit("check.py: docs/Architecture.md has no table of folders")
    breaches = [text for rule in (check_includes, check_strangers, check_sizes,
                                  check_names, check_openings, check_options, check_passes)
                for text in rule(root, files, rooms)]
    for text in sorted(set(breaches)):
        print(text)
    print(f"{len(files)} files, {len(set(breaches))} breaches")
    sys.exit(bool(breaches))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Reads the assembly of representative kernels: no register may be spilled in a
loop that sums products.

Every layer is compiled for every CPU; a loop is the code between a label and the
jump back to it, with no other label inside. Prints one line a loop that spills,
and exits 1 if there is any.

  spills.py LIGC OUT TRIPLE:CPU...
"""
import dataclasses
import pathlib
import re
import subprocess
import sys

from layers import Network


@dataclasses.dataclass(frozen=True)
class Syntax:
    """What the assembly of a kind of CPU is read by; jumps name a label last."""
    comment: str
    jump: str
    multiplies: str
    subtracts: str
    # Frames with vectors in them are reached through the stack pointer.
    vector_on_stack: str


X86 = Syntax("#", r"j\w+\s+(\.L\w+)$", "vfmadd", "vsubps",
             r"[xyz]mm\d+.*\(%rsp|\(%rsp[^)]*\).*[xyz]mm")
AARCH64 = Syntax("//", r"(?:b\.\w+|cbn?z\s+\w+,|tbn?z\s+\w+,\s*#\d+,)\s+(\.L\w+)$", "fmla",
                 "fsub", r"\b[qv]\d+.*\[sp")


def write_layers(folder):
    for m, k, n in ((1, 512, 256), (4, 128, 256), (96, 128, 192), (33, 70, 100)):
        net = Network(f"gemm_{m}_{k}_{n}")
        y = net.gemm(net.input("x", m, k), net.weight("w", k, n), net.weight("b", n))
        net.save(folder, net.activation("Relu", y))
    net = Network("gemm_tanh")
    y = net.gemm(net.input("x", 96, 128), net.weight("w", 128, 192), net.weight("b", 192))
    net.save(folder, net.activation("Tanh", y))
    for name, c, size, f, kernel, stride, group in (
            ("taps", 32, 28, 64, 3, 2, 1), ("winograd", 64, 28, 64, 3, 1, 1),
            ("first", 3, 64, 32, 7, 2, 1), ("pointwise", 64, 28, 96, 1, 1, 1),
            ("grouped", 64, 28, 64, 3, 1, 4), ("depthwise", 64, 28, 64, 3, 1, 64)):
        net = Network(name)
        pad = kernel // 2
        net.save(folder, net.conv(
            net.input("x", 1, c, size, size), net.weight("w", f, c // group, kernel, kernel),
            net.weight("b", f), (pad,) * 4, (stride,) * 2, (1, 1), group))


def innermost_loops(text, syntax):
    """Lists of lines from a label to a jump back to it without others between."""
    lines = [line.split(syntax.comment)[0].strip() for line in text.splitlines()]
    start = None
    for number, line in enumerate(lines):
        label = re.match(r"(\.L\w+):$", line)
        if label:
            start = (label.group(1), number)
        jump = re.match(syntax.jump, line)
        if jump and start and jump.group(1) == start[0]:
            yield lines[start[1]:number]


def loops_of(ligc, model, target, syntax):
    """The loops that sum products."""
    triple, cpu = target.split(":")
    text = subprocess.run(
        [ligc, str(model), "--emit=asm", f"--mtriple={triple}", f"--mcpu={cpu}", "-o", "-"],
        check=True, capture_output=True, text=True).stdout
    found = [l for l in innermost_loops(text, syntax)
             if sum(syntax.multiplies in line for line in l) >= 2]
    if not found:
        sys.exit(f"{model.parent.name} for {cpu} has no loop that multiplies and adds")
    return found


def main():
    ligc, folder, targets = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3:]
    write_layers(folder)
    loops = spilled = 0
    for target in targets:
        syntax = AARCH64 if target.startswith("aarch64") else X86
        for model in sorted(folder.glob("*/model.onnx")):
            for loop in loops_of(ligc, model, target, syntax):
                loops += 1
                on_stack = [l for l in loop if re.search(syntax.vector_on_stack, l)]
                # Transforms of tiles have more values than there are registers.
                is_transform = any(syntax.subtracts in line for line in loop)
                if on_stack and not is_transform:
                    spilled += 1
                    print(f"{model.parent.name} for {target}: {len(on_stack)} of {len(loop)} "
                          f"lines use the stack: {on_stack[0]}")
    print(f"{loops} loops, {spilled} with spills")
    sys.exit(spilled != 0)


if __name__ == "__main__":
    main()

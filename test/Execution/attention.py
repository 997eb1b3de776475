#!/usr/bin/python3
"""Attention in the forms that exporters write, on several machines, beside NumPy.

Scores of a head are so many that they are computed block by block; numbers of
queries and keys leave rests in both. Rows that are masked by minus infinity from
end to end are NaN, as in ONNX Runtime; masked by a number they are means. Where
all is one block or several, arenas must not grow with the square of the length.

Of a GPU's kernels, for `emulate`, only results are looked at.

  attention.py LIG_RUN LIGC OUT CPU...
"""
import json
import pathlib
import subprocess
import sys

import numpy as np
from onnx import helper

import machines
from suite import write_case


def softmax(x):
    with np.errstate(invalid="ignore"):
        powers = np.exp(x - x.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)


class Case:
    def __init__(self, name, opset=13):
        self.name, self.opset, self.nodes, self.weights = name, opset, [], {}
        self.inputs, self.random = {}, np.random.default_rng(list(name.encode()))

    def input(self, name, *shape, scale=1):
        self.inputs[name] = (self.random.standard_normal(shape) * scale).astype("f4")
        return name

    def constant(self, value, dtype="f4"):
        name = f"w{len(self.weights)}"
        self.weights[name] = np.asarray(value, dtype)
        return name

    def node(self, kind, *operands, **attributes):
        name = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, operands, [name], **attributes))
        return name

    def save(self, folder, output, value):
        write_case(folder / self.name, self.nodes, self.inputs,
                   {output: value.astype("f4")}, self.opset, self.weights)


def wide(case, name):
    return case.inputs[name].astype("f8")


def plain(folder, heads, rows, keys, size, columns, scale=1):
    """Keys come transposed, one mask for all heads; scores may be large."""
    case = Case(f"plain_{heads}_{rows}_{keys}_{size}_{columns}_{scale}")
    q = case.input("q", heads, rows, size, scale=scale)
    k = case.input("k", heads, size, keys, scale=scale)
    v, mask = case.input("v", heads, keys, columns), case.input("mask", rows, keys)
    scores = case.node("Div", case.node("MatMul", q, k), case.constant(size ** 0.5))
    scores = case.node("Add", scores, mask)
    out = case.node("MatMul", case.node("Softmax", scores, axis=-1), v)
    value = softmax(wide(case, q) @ wide(case, k) / size ** 0.5 + wide(case, mask))
    case.save(folder, out, value @ wide(case, v))


def layered(folder, batch, sequence, heads, size, masked, opset=13):
    """[B, S, H*D] split into heads and joined again; -inf for what is ahead, for
    what is not near, for the last keys of a batch, or for all keys of some queries."""
    case = Case(f"layer_{batch}_{sequence}_{heads}_{size}_{masked}_{opset}", opset)

    def split(name, perm):
        x = case.input(name, batch, sequence, heads * size)
        shape = case.constant([batch, sequence, heads, size], "i8")
        return case.node("Transpose", case.node("Reshape", x, shape), perm=perm)

    q, v = split("q", [0, 2, 1, 3]), split("v", [0, 2, 1, 3])
    k = split("k", [0, 2, 3, 1])
    mask = np.zeros((batch, 1, sequence, sequence), "f4")
    if masked == "causal":
        mask += np.triu(np.full((sequence, sequence), -np.inf), 1).astype("f4")
    elif masked == "window":
        far = np.subtract.outer(np.arange(sequence), np.arange(sequence))
        mask[:, :, (far > 40) | (far < -3)] = -np.inf
    elif masked == "keys":
        for b in range(batch):
            mask[b, :, :, sequence - 150 * (b + 1):] = -np.inf
    else:
        mask[:, :, 5:9] = -np.inf
        mask[:, :, :, :140] = -np.inf
    q = case.node("Mul", q, case.constant(size ** -0.25))
    k = case.node("Mul", k, case.constant(size ** -0.25))
    scores = case.node("Add", case.node("MatMul", q, k), case.constant(mask))
    axis = 3 if opset < 13 else -1
    mixed = case.node("MatMul", case.node("Softmax", scores, axis=axis), v)
    out = case.node("Reshape", case.node("Transpose", mixed, perm=[0, 2, 1, 3]),
                    case.constant([batch, sequence, heads * size], "i8"))
    a, b, c = (wide(case, n).reshape(batch, sequence, heads, size).transpose(0, 2, 1, 3)
               for n in "qkv")
    value = softmax(a @ b.transpose(0, 1, 3, 2) / size ** 0.5 + mask) @ c
    case.save(folder, out, value.transpose(0, 2, 1, 3).reshape(batch, sequence, -1))


def seen_keys(seen, rows, keys):
    """What each of `rows` sees of `keys`; of "some", every hundredth sees nothing."""
    far = np.subtract.outer(np.arange(rows), np.arange(keys))
    return {"causal": far >= 0, "window": (far >= -20) & (far < 70),
            "late": np.broadcast_to(np.arange(keys) >= keys - 90, far.shape),
            "some": (far >= 0) & (np.arange(rows) % 100 != 7)[:, None]}[seen]


def added(folder, rows, keys, seen, hidden, scale=1):
    """A constant adds 0 or a number far below to scores, which are exact. Where they
    are larger than that number, what is hidden is seen all the same."""
    case = Case(f"added_{rows}_{keys}_{seen}_{hidden}_{scale}")
    q, k = case.input("q", 2, rows, 16), case.input("k", 2, 16, keys)
    v = case.input("v", 2, keys, 24)
    for name in (q, k):
        case.inputs[name] = np.rint(case.inputs[name] * scale)
    mask = np.where(seen_keys(seen, rows, keys), 0, hidden)
    scores = case.node("Mul", case.node("MatMul", q, k), case.constant(0.25))
    scores = case.node("Add", scores, case.constant(mask[None]))
    out = case.node("MatMul", case.node("Softmax", scores, axis=-1), v)
    value = wide(case, q) @ wide(case, k) * 0.25
    value = softmax(np.where(hidden < -1e30, np.where(mask, mask, value), value + mask))
    some = np.any(mask == 0, axis=1)
    shows = np.any(value[:, some] * (mask[some] != 0) > 0.1)
    assert shows == (scale > 1)
    case.save(folder, out, value @ wide(case, v))


def chosen(folder, rows, keys, seen, hidden, low=()):
    """Scores where a constant says so, elsewhere a number far below; queries `low`
    see scores that are lower still."""
    case = Case(f"chosen_{rows}_{keys}_{seen}_{hidden}_{len(low)}")
    q, k = case.input("q", 2, rows, 16), case.input("k", 2, 16, keys)
    v = case.input("v", 2, keys, 24)
    mask = seen_keys(seen, rows, keys)
    shift = np.zeros((rows, 1))
    shift[list(low)] = -3e4
    scores = case.node("Add", case.node("MatMul", q, k), case.constant(shift))
    scores = case.node("Where", case.constant(mask[None], "?"), scores,
                       case.constant(hidden))
    out = case.node("MatMul", case.node("Softmax", scores, axis=-1), v)
    value = wide(case, q) @ wide(case, k) + shift
    value = softmax(np.where(mask, value, np.float64(np.float32(hidden))))
    case.save(folder, out, value @ wide(case, v))


def operator(folder, rows, keys):
    """The operator's own causal mask, which compares places."""
    case = Case(f"operator_{rows}_{keys}", opset=23)
    q = case.input("q", 1, 3, rows, 16)
    k, v = case.input("k", 1, 3, keys, 16), case.input("v", 1, 3, keys, 24)
    out = case.node("Attention", q, k, v, is_causal=1, scale=0.5)
    scores = wide(case, q) @ wide(case, k).swapaxes(2, 3) * 0.5
    scores[..., np.arange(keys) > np.arange(rows)[:, None]] = -np.inf
    case.save(folder, out, softmax(scores) @ wide(case, v))


def grouped(folder, sequence, heads, kv_heads, size):
    """Heads that share keys and values, which are repeated for them."""
    case = Case(f"grouped_{sequence}_{heads}_{kv_heads}_{size}")

    def repeat(x):
        x = case.node("Unsqueeze", x, case.constant([2], "i8"))
        x = case.node("Expand", x, case.constant(
            [1, kv_heads, heads // kv_heads, sequence, size], "i8"))
        return case.node("Reshape", x, case.constant([1, heads, sequence, size], "i8"))

    q = case.input("q", 1, heads, sequence, size)
    k, v = (case.input(n, 1, kv_heads, sequence, size) for n in "kv")
    turned = case.node("Transpose", repeat(k), perm=[0, 1, 3, 2])
    scores = case.node("Mul", case.node("MatMul", q, turned), case.constant(size ** -0.5))
    out = case.node("MatMul", case.node("Softmax", scores, axis=-1), repeat(v))
    a, b, c = (wide(case, n) for n in "qkv")
    b, c = (x.repeat(heads // kv_heads, 1) for x in (b, c))
    value = softmax(a @ b.transpose(0, 1, 3, 2) * size ** -0.5) @ c
    case.save(folder, out, value)


def check_arena(run, ligc, folder):
    """Bytes of arenas at two lengths, of which the second is four times the first."""
    tool = pathlib.Path(__file__).parents[2] / "tools/lig-bench/networks/attention.py"
    sizes = []
    for sequence in (512, 2048):
        model = folder / f"arena_{sequence}.onnx"
        subprocess.run(["/usr/bin/python3", str(tool), str(model), "--heads=2", "--size=16",
                        f"--sequence={sequence}"], check=True)
        result = subprocess.run([run, str(model), "--bench", "--threads=1"], check=True,
                                stdout=subprocess.PIPE, text=True)
        sizes.append(json.loads(result.stdout)["arena_bytes"])
    print("arenas:", sizes)
    return sizes[1] <= 4.5 * sizes[0]


def main():
    run, ligc, out, *cpus = sys.argv[1:]
    out = pathlib.Path(out)
    plain(out, 3, 257, 390, 24, 40)
    plain(out, 1, 1000, 130, 64, 64)
    plain(out, 2, 300, 500, 33, 17, scale=4)
    plain(out, 1, 520, 128, 8, 1)
    plain(out, 1, 70, 260, 256, 250)
    layered(out, 1, 300, 3, 32, "causal")
    layered(out, 1, 500, 2, 16, "window")
    layered(out, 2, 320, 2, 16, "keys")
    layered(out, 1, 310, 2, 16, "rows")
    layered(out, 2, 260, 2, 20, "causal", opset=11)
    lowest = float(np.finfo("f4").min)
    chosen(out, 300, 390, "causal", lowest)
    chosen(out, 300, 300, "window", -1e9)
    chosen(out, 270, 400, "late", -np.inf)
    chosen(out, 330, 330, "some", lowest)
    chosen(out, 300, 310, "causal", -1e4, low=(3, 150, 299))
    added(out, 300, 390, "causal", -1e4)
    added(out, 330, 330, "some", -1e3)
    added(out, 330, 330, "some", lowest)
    added(out, 300, 310, "causal", -1e4, scale=60)
    operator(out, 300, 300)
    operator(out, 280, 350)
    grouped(out, 384, 6, 2, 32)
    lines = [f"{folder}/model.onnx --test-data={folder} {machines.option(cpu)}"
             for cpu in cpus for folder in sorted(out.glob("*/"))]
    batch = out / "commands.txt"
    batch.write_text("\n".join(lines) + "\n")
    result = subprocess.run([run, f"--batch={batch}"], text=True, stdout=subprocess.PIPE)
    verdicts = result.stdout.splitlines()
    passed = sum(line.startswith("PASS") for line in verdicts)
    print("\n".join(line for line in verdicts if not line.startswith("PASS")))
    print(f"{passed} of {len(lines)} right")
    is_right = passed == len(lines)
    sys.exit(not is_right or (cpus != ["emulate"] and not check_arena(run, ligc, out)))


if __name__ == "__main__":
    main()

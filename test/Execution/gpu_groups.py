"""A large layer by warpgroups, emulated, in each precision, against NumPy. Also
what an emulator whose memory is always in order cannot notice, in the PTX:

- barriers that were initialised are made visible to the machine's copies, and
  then the block meets;
- registers are fenced before the first product of each slice, the products of a
  slice are committed, and waited for before results are stored.

A line of these that is left out of the text has to be noticed."""
import pathlib
import re
import subprocess
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save_model

OUT = pathlib.Path(sys.argv[1])
BOUNDS = {"tf32": 2.0**-10, "bf16": 2.0**-7, "f16": 2.0**-10}
WAITS = re.compile(r"\s*(?:@%p\d+ )?(mbarrier\.init|fence\.mbarrier_init|fence\.proxy\.async|bar\.sync"
                   r"|wgmma\.\w+|st\.global)")


def write_model():
    rng = np.random.default_rng(7)
    weight, bias, data = (rng.standard_normal(s).astype(np.float32)
                          for s in ((144, 1152), (1152,), (1000, 144)))
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Add", ["h", "b"], ["a"]),
         helper.make_node("Relu", ["a"], ["y"])], "layer",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, data.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1000, 1152])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")])
    save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]),
               str(OUT / "layer.onnx"))
    np.save(OUT / "x.npy", data)
    wide = data.astype(np.float64) @ weight
    return np.maximum(wide + bias, 0), np.abs(data).astype(np.float64) @ np.abs(weight)


def problems(kernel):
    """What is wrong with the order of what a kernel waits for."""
    found = []
    steps = [m.group(1) for m in map(WAITS.match, kernel.splitlines()) if m]
    text = " ".join(steps)
    begun = text.rsplit("mbarrier.init", 1)[-1].split()[:3]
    if begun != ["fence.mbarrier_init", "fence.proxy.async", "bar.sync"]:
        found.append(f"barriers are followed by {begun}")
    products = re.sub(r"(wgmma\.mma_async ?)+", "products ", text[text.find("wgmma"):])
    slices = products.split("products")
    for before, after in zip(slices, slices[1:]):
        if "wgmma.fence" not in before:
            found.append("products are not fenced")
        if not after.split()[:2] == ["wgmma.commit_group", "wgmma.wait_group"]:
            found.append(f"products are followed by {after.split()[:2]}")
    last = slices[-1].split("st.global")[0]
    if last.count("wgmma.wait_group") < 2:
        found.append("results are stored before they are waited for")
    return found


def check_mutants(kernel):
    lines = kernel.splitlines()
    for number, line in enumerate(lines):
        match = WAITS.match(line)
        if not match or match.group(1) in ("mbarrier.init", "st.global", "wgmma.mma_async"):
            continue
        if not problems("\n".join(lines[:number] + lines[number + 1:])):
            print(f"FAIL nobody misses '{line.strip()}'")
            return False
    return True


def check_order(ptx):
    kernels = [k for k in re.split(r"^\.visible \.entry ", ptx, flags=re.M) if "wgmma" in k]
    if not kernels:
        print("FAIL no kernel multiplies by warpgroups")
    for kernel in kernels:
        for problem in problems(kernel):
            print("FAIL", problem)
            return False
    return bool(kernels) and all(map(check_mutants, kernels))


def check(compute, wanted, magnitude):
    subprocess.run(["lig-run", OUT / "layer.onnx", "--device=emulate", f"--compute={compute}",
                    f"--input=x=@{OUT / 'x.npy'}", "--output-dir", OUT],
                   check=True, stdout=subprocess.DEVNULL)
    error = (np.abs(np.load(OUT / "y.npy") - wanted) / magnitude).max()
    ptx = subprocess.run(["ligc", OUT / "layer.onnx", "--target=cuda", f"--compute={compute}",
                          "--cuda-arch=sm_90a", "--emit=ptx", "-o", "-"],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    # Rounding shows, and no more than it may.
    good = 1e-7 < error < BOUNDS[compute] and check_order(ptx)
    print("PASS" if good else "FAIL", compute, f"error {error:.1e} of the terms' magnitude")
    return good


OUT.mkdir(parents=True, exist_ok=True)
WANTED, MAGNITUDE = write_model()
sys.exit(not all([check(c, WANTED, MAGNITUDE) for c in BOUNDS]))

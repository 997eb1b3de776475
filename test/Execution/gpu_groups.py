"""A large layer by warpgroups, emulated, in each precision, against NumPy. Also
what an emulator whose memory is always in order cannot notice, in the PTX:

- barriers that were initialised are made visible to the machine's copies, and
  then the block meets;
- registers are fenced before the first product of each slice, the products of a
  slice are committed, and waited for before results are stored.

A line of these that is left out of the text has to be noticed."""
import pathlib
import re
import sys

from dense_layer import BOUNDS, DenseLayer

WAITS = re.compile(r"\s*(?:@%p\d+ )?(mbarrier\.init|fence\.mbarrier_init|fence\.proxy\.async|bar\.sync"
                   r"|wgmma\.\w+|st\.global)")


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


def check(layer, compute):
    error = layer.error(compute)
    # Rounding shows, and no more than it may.
    good = (1e-7 < error < BOUNDS[compute]
            and check_order(layer.ptx(compute, "--cuda-arch=sm_90a")))
    print("PASS" if good else "FAIL", compute, f"error {error:.1e} of the terms' magnitude")
    return good


LAYER = DenseLayer(pathlib.Path(sys.argv[1]), rows=1000, columns=1152, sums=144)
sys.exit(not all([check(LAYER, compute) for compute in BOUNDS]))

"""What a run was measured on and with."""
import os
import pathlib
import platform
import subprocess


def first_of(field):
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == field:
            return value.strip()
    return "?"


def caches():
    found = []
    for index in sorted(pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / name).read_text().strip()
                             for name in ("level", "type", "size"))
        found.append(f"L{level}{kind[0].lower() if kind != 'Unified' else ''} {size}")
    return found


def memory_gib():
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)


def describe(ligc):
    """CPU, caches, memory, system, and which Ligature this is."""
    version = subprocess.run([ligc, "--version"], capture_output=True, text=True)
    commit = subprocess.run(["git", "-C", pathlib.Path(__file__).parent, "rev-parse",
                             "--short", "HEAD"], capture_output=True, text=True)
    flags = set(first_of("flags").split())
    vectors = [f for f in ("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "asimd")
               if f in flags]
    return {"cpu": first_of("model name"),
            "cpu_family_model_stepping": "/".join(
                first_of(f) for f in ("cpu family", "model", "stepping")),
            "cores": len(os.sched_getaffinity(0)), "caches": caches(),
            "memory_gib": memory_gib(), "vectors": vectors,
            "system": f"{platform.system()} {platform.release()}",
            "ligc": next((line.strip() for line in version.stdout.splitlines()
                          if "igature" in line), "?"),
            "commit": commit.stdout.strip()}

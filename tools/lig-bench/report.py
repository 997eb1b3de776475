"""Results as JSON and as Markdown tables."""
import json

from process import is_own, options_of


def amount(value, scale=1.0, digits=3):
    """A number in as many digits as it deserves."""
    if value is None:
        return ""
    value /= scale
    return f"{value:.0f}" if value >= 100 else f"{value:.{digits}g}"


def fastest_peer(rows):
    """The quickest that is not Ligature and whose outputs are right."""
    times = {peer: row["median_us"] for peer, row in rows.items()
             if not is_own(peer) and "median_us" in row and row.get("agrees")}
    return min(times, key=times.get) if times else None


def ratio(rows):
    """How many times faster Ligature is than the fastest peer; below 1 it loses."""
    best, own = fastest_peer(rows), rows.get("ligature", {})
    if not best or "median_us" not in own:
        return None
    return rows[best]["median_us"] / own["median_us"]


def compile_time(row):
    """Seconds ahead of time; nothing for runtimes that compile while they load."""
    seconds = row.get("compile_s", 0)
    return amount(seconds, digits=2) if seconds > 0.005 else ""


def cells(peer, row, rows):
    if "error" in row:
        words = row["error"].strip().splitlines() or ["?"]
        return [peer, "failed", *[""] * 7, words[-1][:80].replace("|", "/")]
    best = fastest_peer(rows)
    relative = rows[best]["median_us"] / row["median_us"] if best else None
    remark = "" if row.get("agrees", True) else f"**differs: {row['difference']:.1e}**"
    if options_of(peer) and not remark:
        remark = f"error {row['difference']:.1e}"
    return [peer, amount(row["median_us"]), f"{100 * row['spread']:.0f} %",
            amount(relative, digits=2), compile_time(row),
            amount(row["load_ms"]), amount(row["first_ms"]),
            amount(row["peak_kb"], 1024), amount(row["artefact_bytes"], 1e6), remark]


HEADER = ["network", "threads", "runtime", "median us", "spread", "speed", "compile s",
          "load ms", "first ms", "peak MiB", "artefact MB", ""]


def line(values):
    return "| " + " | ".join(str(value) for value in values) + " |\n"


def table(results):
    """One row for each network, number of threads and runtime."""
    text = line(HEADER) + line(["---"] * len(HEADER))
    for case in results["cases"]:
        for index, (peer, row) in enumerate(case["rows"].items()):
            head = [case["network"], case["threads"]] if not index else ["", ""]
            text += line(head + cells(peer, row, case["rows"]))
    return text


def summary(results, threads):
    """A line a network: the median and spread of every runtime, and the speed."""
    peers = list(results["peers"])
    text = line(["network", *[f"{peer} us" for peer in peers], "speed"])
    text += line(["---"] * (len(peers) + 2))
    for case in results["cases"]:
        if case["threads"] != threads:
            continue
        speed = ratio(case["rows"])
        text += line([case["network"], *[brief(case["rows"].get(p, {}), p) for p in peers],
                      f"{speed:.2f}" if speed else ""])
    return text


def brief(row, peer=""):
    if "median_us" not in row:
        return "failed" if row else ""
    wrong = "" if row.get("agrees", True) else " **wrong**"
    if options_of(peer) and not wrong:
        wrong = f", error {row['difference']:.0e}"
    return f"{amount(row['median_us'])} ± {100 * row['spread']:.0f} %{wrong}"


def worst(results):
    """Networks by rising speed of Ligature against the fastest peer."""
    rated = sorted((ratio(case["rows"]), case["network"], case["threads"],
                    fastest_peer(case["rows"]), case["rows"])
                   for case in results["cases"] if ratio(case["rows"]))
    text = line(["speed", "network", "threads", "Ligature us", "fastest peer", "its us"])
    text += line(["---"] * 6)
    for speed, network, threads, peer, rows in rated:
        text += line([f"{speed:.2f}", network, threads,
                      amount(rows["ligature"]["median_us"]), peer,
                      amount(rows[peer]["median_us"])])
    return text


def first_result_ms(row):
    """From an artefact on disk to the first outputs, in a process that has the
    runtime's library; None where it failed or was wrong."""
    if "load_ms" not in row or not row.get("agrees", True):
        return None
    return row["load_ms"] + row["first_ms"]


def peak_mib(row):
    if "peak_kb" not in row or not row.get("agrees", True):
        return None
    return row["peak_kb"] / 1024


FOOTPRINT = (("peak MiB", peak_mib), ("first result ms", first_result_ms))


def least(measure, rows):
    """The least of the other runtimes; None without any."""
    found = [measure(row) for peer, row in rows.items() if not is_own(peer)]
    return min((value for value in found if value is not None), default=None)


def footprint(results, threads):
    """A line a network: memory and the time to a first result of every runtime,
    and on how many networks Ligature needs the least."""
    peers = list(results["peers"])
    columns = [(f"{peer} {unit}", peer, measure)
               for unit, measure in FOOTPRINT for peer in peers]
    text = line(["network", *[title for title, _, _ in columns]])
    text += line(["---"] * (len(columns) + 1))
    cases = [case for case in results["cases"] if case["threads"] == threads]
    for case in cases:
        text += line([case["network"], *[amount(measure(case["rows"].get(peer, {})))
                                         for _, peer, measure in columns]])
    for unit, measure in FOOTPRINT:
        pairs = [(measure(case["rows"].get("ligature", {})), least(measure, case["rows"]))
                 for case in cases]
        compared = [(own, other) for own, other in pairs if None not in (own, other)]
        fewer = sum(own < other for own, other in compared)
        text += f"\n{unit}: the least on {fewer} of {len(compared)} networks.\n"
    return text


def machine_lines(results):
    m = results["machine"]
    peers = ", ".join(f"{peer} {version}".strip()
                      for peer, version in results["peers"].items())
    return (f"- {m['cpu']} (family/model/stepping {m['cpu_family_model_stepping']}), "
            f"{m['cores']} cores, {', '.join(m['caches'])}, {m['memory_gib']} GiB, "
            f"{', '.join(m['vectors'])}; {m['system']}\n"
            f"- {m['ligc']}, commit {m['commit']}; {peers}\n"
            f"- `{results['command']}`\n")


NOTE = """
`speed` is the time of the fastest peer with right outputs by that of the row: 2
is twice as fast, below 1 is slower. Medians of the rounds' medians; `spread` is
the distance of the rounds' extremes by the median. `peak` is the high-water mark
of resident memory above the process with the library loaded and no model;
`first result` is the time from the artefact's path to the first outputs, in a
process that holds the library, the file being in the page cache.
"""


def write(results, folder):
    (folder / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    text = "# Measurements\n\n" + machine_lines(results) + NOTE
    if results["cases"]:
        for threads in sorted({case["threads"] for case in results["cases"]}):
            text += f"\n## {threads} thread(s)\n\n" + summary(results, threads)
            text += "\n### Memory and the first result\n\n" + footprint(results, threads)
        text += "\n## Slowest first\n\n" + worst(results)
        text += "\n## In full\n\n" + table(results)
    for title, part in results.get("parts", {}).items():
        text += f"\n## {title}\n\n" + part
    (folder / "results.md").write_text(text)

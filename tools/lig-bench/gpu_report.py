"""The page of `gpu`: a summary, a table a wave, kernels, what is wrong or left out."""
import report as numbers


def time_of(row, key):
    return numbers.amount(row.get(key, {}).get("median_us"))


def fastest(row, peers):
    """The quickest of other runtimes whose outputs are right; None without any."""
    times = [row[peer]["median_us"] for peer in peers
             if row.get(peer, {}).get("agrees") and "median_us" in row[peer]]
    return min(times, default=None)


def speed(row, peers):
    """How many times faster we are than the fastest other."""
    best, own = fastest(row, peers), row.get("graph", {}).get("median_us")
    return best / own if best and own else None


def peer_cell(row, peer):
    found = row.get(peer, {})
    if "error" in found:
        return "failed"
    wrong = "" if found.get("agrees", True) else f" **differs: {found['difference']:.0e}**"
    return numbers.amount(found.get("median_us")) + wrong


def header(*titles):
    return numbers.line(titles) + numbers.line(["---"] * len(titles))


def summary(waves, peers):
    """Our time as a graph, and the speed beside the fastest other, a column a wave."""
    names = list(dict.fromkeys(name for rows in waves.values() for name in rows))
    text = header("network", *waves)
    for name in names:
        cells = []
        for rows in waves.values():
            row = rows.get(name, {})
            ratio = speed(row, peers)
            cells.append(time_of(row, "graph") + (f" ({ratio:.2f})" if ratio else ""))
        text += numbers.line([name, *cells])
    return text


def wave_table(rows, peers):
    text = header("network", "result", "difference", "run us", "as a graph us", *peers, "speed")
    for name, row in rows.items():
        ratio = speed(row, peers)
        distance = f"{row['difference']:.0e}" if "difference" in row else ""
        text += numbers.line([
            name, row["problem"].replace("\n", " ") or "agrees", distance,
            time_of(row, "run"), time_of(row, "graph"),
            *(peer_cell(row, peer) for peer in peers), f"{ratio:.2f}" if ratio else ""])
    return text


def kernel_table(rows):
    text = header("kernel", "us", "GB/s", "of the copy", "GFLOP/s", "us a step")
    for name, row in rows.items():
        text += numbers.line([name, *(numbers.amount(row.get(key)) for key in (
            "median_us", "gb_s", "of_copy", "gflop_s", "us_a_step"))])
    return text


def page(results):
    peers = list(results.get("peers", {}))
    text = f"# Ligature on a GPU\n\n{results['gpu']}\n"
    waves = results.get("waves", {})
    if len(waves) > 1:
        text += ("\n## Networks as graphs, us (speed beside the fastest other)\n\n"
                 + summary(waves, peers))
    for title, rows in waves.items():
        text += f"\n## Networks, {title}\n\n" + wave_table(rows, peers)
    if "kernels" in results:
        text += (f"\n## Kernels\n\nCopy on the device: {numbers.amount(results['copy_gb_s'])} "
                 "GB/s\n\n" + kernel_table(results["kernels"]))
    if "sanitizer" in results:
        clean = sum(results["sanitizer"].values())
        text += f"\ncompute-sanitizer: {clean} of {len(results['sanitizer'])} runs are clean\n"
    for title, key in (("Left out", "missing"), ("Wrong", "wrong")):
        if results[key]:
            text += f"\n{title}:\n\n" + "".join(
                "- " + each.replace("\n", " ") + "\n" for each in results[key])
    text += "\nSeconds: " + ", ".join(
        f"{part} {seconds:.0f}" for part, seconds in results["seconds"].items()) + "\n"
    return text

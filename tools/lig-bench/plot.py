"""A bar chart as SVG: how fast each runtime is against the fastest peer.

One group of bars for each network; the axis is logarithmic, 1 in its middle, so
that twice as fast and half as fast are equally long.
"""
import math
from xml.sax.saxutils import escape

COLOURS = {"ligature": "#1b6ca8", "ort": "#c9822b", "openvino": "#6a9a3b",
           "iree": "#8f5aa8", "jax": "#b8483e", "tvm": "#4aa3a2",
           "torch": "#7a5c3e"}
BAR, GAP, LEFT, WIDTH, TOP = 9, 8, 170, 560, 40
RANGE = 8.0  # the axis goes from 1/8 to 8


def position(speed):
    clipped = min(max(speed, 1 / RANGE), RANGE)
    return LEFT + WIDTH * (0.5 + math.log(clipped) / math.log(RANGE) / 2)


def text(x, y, words, anchor="start", size=11):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
            f'font-size="{size}">{escape(words)}</text>')


def axis(height):
    marks = []
    for speed in (1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8):
        x = position(speed)
        marks.append(f'<line x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{height - 10}" '
                     f'stroke="{"#444" if speed == 1 else "#ddd"}"/>')
        words = f"{speed:g}" if speed >= 1 else f"1/{1 / speed:g}"
        marks.append(text(x, TOP - 10, words, "middle"))
    return marks


def legend(peers):
    parts, x = [], LEFT
    for peer in peers:
        parts.append(f'<rect x="{x}" y="6" width="10" height="10" '
                     f'fill="{COLOURS.get(peer, "#333")}"/>')
        parts.append(text(x + 14, 15, peer))
        x += 80
    return parts


def speed_chart(cases, fastest, title):
    """`cases`: (network, {peer: row}); `fastest` names the peer that is 1."""
    groups, y = [], TOP
    peers = list(dict.fromkeys(peer for _, rows in cases for peer in rows))
    for network, rows in cases:
        best = fastest(rows)
        if not best:
            continue
        timed = [(peer, row) for peer, row in rows.items()
                 if "median_us" in row and row.get("agrees", True)]
        groups.append(text(LEFT - 8, y + len(timed) * BAR / 2 + 4, network, "end"))
        for peer, row in timed:
            x = position(rows[best]["median_us"] / row["median_us"])
            left, width = min(x, position(1)), abs(x - position(1))
            groups.append(f'<rect x="{left:.1f}" y="{y}" width="{max(width, 1):.1f}" '
                          f'height="{BAR - 1}" fill="{COLOURS.get(peer, "#333")}"/>')
            y += BAR
        y += GAP
    height = y + 10
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 30}" '
        f'height="{height}" font-family="sans-serif"><title>{escape(title)}</title>',
        '<rect width="100%" height="100%" fill="white"/>',
        *axis(height), *legend(peers), *groups, "</svg>"]) + "\n"

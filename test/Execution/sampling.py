#!/usr/bin/python3
"""Writes cases of GridSample, RoiAlign, DFT, STFT, Det and MelWeightMatrix that
the ONNX backend suite does not reach: the modes and paddings in all their
combinations, volumes, adaptive and maximal RoiAlign, odd lengths, cut and padded
signals, singular matrices. The references are plain NumPy, one point at a time.

  sampling.py OUT
"""
import itertools
import pathlib
import sys

import numpy as np
from onnx import helper

import suite

OUT = pathlib.Path(sys.argv[1])
RNG = np.random.default_rng(7)


def write(name, op, opset, inputs, outputs, **attributes):
    node = helper.make_node(op, [n if a is not None else "" for n, a in inputs.items()],
                            list(outputs), **attributes)
    inputs = {n: a for n, a in inputs.items() if a is not None}
    suite.write_case(OUT / "sampling" / f"test_{name}", [node], inputs, outputs, opset)


# GridSample.

def reflect(x, low, high):
    """`x` mirrored at both ends until it lies between them."""
    if high <= low:
        return 0.0
    while x < low or x > high:
        x = 2 * low - x if x < low else 2 * high - x
    return x


def cubic(x, a=-0.75):
    x = abs(x)
    if x <= 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a if x < 2 else 0.0


def taps(grid, extent, mode, padding, corners):
    """[(index or None outside, weight)] along one dimension."""
    at = (grid + 1) / 2 * (extent - 1) if corners else ((grid + 1) * extent - 1) / 2
    low, high = (0, extent - 1) if corners else (-0.5, extent - 0.5)
    if mode != "cubic" and padding == "reflection":
        at = reflect(at, low, high)
    if mode != "cubic" and padding != "zeros":
        at = min(max(at, 0), extent - 1)
    floor = int(np.floor(at))
    if mode == "nearest":
        found = [(int(np.round(at)), 1.0)]
    elif mode == "linear":
        found = [(floor, 1 - (at - floor)), (floor + 1, at - floor)]
    else:
        found = [(floor + i, cubic(at - floor - i)) for i in range(-1, 3)]
    result = []
    for index, weight in found:
        if mode == "cubic" and padding == "reflection":
            index = int(np.round(reflect(index, low, high)))
        if padding != "zeros":
            index = min(max(index, 0), extent - 1)
        result.append((index if 0 <= index < extent else None, weight))
    return result


def grid_sample(x, grid, mode, padding, corners):
    extents = x.shape[2:]
    y = np.zeros(x.shape[:2] + grid.shape[1:-1])
    for place in np.ndindex(*grid.shape[:-1]):
        point = grid[place]
        dims = [taps(float(point[len(extents) - 1 - d]), extents[d], mode, padding, corners)
                for d in range(len(extents))]
        for chosen in itertools.product(*dims):
            index = tuple(i for i, _ in chosen)
            if None not in index:
                weight = np.prod([w for _, w in chosen])
                y[(place[0], slice(None)) + place[1:]] += (
                    weight * x[(place[0], slice(None)) + index])
    return y.astype("f4")


def grid_cases():
    image = RNG.standard_normal((2, 9, 5, 4)).astype("f4")
    flow = RNG.uniform(-1.7, 1.7, (2, 3, 6, 2)).astype("f4")
    volume = RNG.standard_normal((1, 3, 3, 4, 5)).astype("f4")
    flow3 = RNG.uniform(-1.4, 1.4, (1, 2, 3, 4, 3)).astype("f4")
    old = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}
    for mode, padding, corners in itertools.product(old, ("zeros", "border", "reflection"),
                                                    (0, 1)):
        name = f"{mode}_{padding}_{'corners' if corners else 'edges'}"
        options = dict(padding_mode=padding, align_corners=corners)
        write(f"grid_{name}", "GridSample", 16, {"x": image, "grid": flow},
              {"y": grid_sample(image, flow, mode, padding, corners)},
              mode=old[mode], **options)
        if mode != "cubic":
            write(f"grid_volume_{name}", "GridSample", 20, {"x": volume, "grid": flow3},
                  {"y": grid_sample(volume, flow3, mode, padding, corners)},
                  mode=mode, **options)


# RoiAlign.

def roi_align(x, rois, images, height, width, points, scale, half, maximum):
    y = np.zeros((len(rois), x.shape[1], height, width))
    for r, roi in enumerate(rois.astype("f8")):
        left, top, right, bottom = roi * scale - (0.5 if half else 0)
        sizes = np.array([bottom - top, right - left])
        if not half:
            sizes = np.maximum(sizes, 1)
        bins = sizes / [height, width]
        counts = [points or max(0, int(np.ceil(b))) for b in bins]
        for channel, i, j in np.ndindex(x.shape[1], height, width):
            parts = []
            for p, q in np.ndindex(*counts):
                at = np.array([top + (i + (p + 0.5) / counts[0]) * bins[0],
                               left + (j + (q + 0.5) / counts[1]) * bins[1]])
                if (at < -1).any() or (at > x.shape[2:]).any():
                    parts += [0.0] * 4
                    continue
                at = np.clip(at, 0, np.array(x.shape[2:]) - 1)
                low = np.floor(at).astype(int)
                high = np.minimum(low + 1, np.array(x.shape[2:]) - 1)
                part = at - low
                for row, column in itertools.product((0, 1), (0, 1)):
                    weight = ((part[0] if row else 1 - part[0]) *
                              (part[1] if column else 1 - part[1]))
                    parts.append(weight * x[images[r], channel, (high if row else low)[0],
                                            (high if column else low)[1]])
            if parts:
                y[r, channel, i, j] = max(parts) if maximum else 4 * np.mean(parts)
    return y.astype("f4")


def roi_cases():
    x = RNG.standard_normal((2, 3, 8, 9)).astype("f4")
    rois = np.array([[1, 2, 11, 13], [0, 0, 17, 15], [6, 6, 6.5, 6.5], [-9, -9, 30, 30]], "f4")
    images = np.array([0, 1, 1, 0], "i8")
    for points, half, maximum in itertools.product((0, 2), (False, True), (False, True)):
        write(f"roi_{points}_{'half' if half else 'whole'}_{'max' if maximum else 'avg'}",
              "RoiAlign", 16, {"x": x, "rois": rois, "images": images},
              {"y": roi_align(x, rois, images, 3, 2, points, 0.5, half, maximum)},
              output_height=3, output_width=2, sampling_ratio=points, spatial_scale=0.5,
              mode="max" if maximum else "avg",
              coordinate_transformation_mode="half_pixel" if half else "output_half_pixel")


# Signals and matrices.

def parts(z):
    return np.stack([z.real, z.imag], -1).astype("f4")


def signal_cases():
    real = RNG.standard_normal((2, 15, 3, 1)).astype("f4")
    whole = RNG.standard_normal((2, 15, 3, 2)).astype("f4")
    number = whole[..., 0] + 1j * whole[..., 1]
    write("dft_odd", "DFT", 17, {"x": real}, {"y": parts(np.fft.fft(real[..., 0], axis=1))})
    write("dft_one_sided", "DFT", 17, {"x": real},
          {"y": parts(np.fft.rfft(real[..., 0], axis=1))}, onesided=1)
    write("dft_complex_axis", "DFT", 17, {"x": whole},
          {"y": parts(np.fft.fft(number, axis=2))}, axis=2)
    write("dft_inverse", "DFT", 17, {"x": whole}, {"y": parts(np.fft.ifft(number, axis=1))},
          inverse=1)
    batch = whole.transpose(0, 2, 1, 3)
    write("dft_default_axis", "DFT", 20, {"x": np.ascontiguousarray(batch)},
          {"y": parts(np.fft.fft(batch[..., 0] + 1j * batch[..., 1], axis=2))})


def determinant_cases():
    matrices = RNG.standard_normal((4, 5, 5)).astype("f4")
    matrices[1, 3] = matrices[1, 0]       # singular
    matrices[2, 0, 0] = 0                 # wants a pivot
    matrices[3, :, 1] = 0                 # a column of zeros
    write("det", "Det", 11, {"x": matrices},
          {"y": np.linalg.det(matrices.astype("f8")).astype("f4")})
    write("det_one", "Det", 11, {"x": matrices[:, :1, :1].copy()}, {"y": matrices[:, 0, 0].copy()})


grid_cases()
roi_cases()
signal_cases()
determinant_cases()

"""How much of each of n elements in a row goes into each of another number of them: what resizing is made of, for signals and images.

Source: aten/src/ATen/native/cpu/UpSampleKernel.cpp
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

# how far, in elements of the smaller side, a filter reaches
FILTERS = {"bilinear": 1.0, "bicubic": 2.0, "lanczos": 3.0}


@lru_cache(maxsize=256)
def nearest(n: int, out: int, factor: float | None, is_exact: bool) -> tuple[int, ...]:
    """Which of n elements each of `out` is."""
    step = np.float32(1.0 / factor) if factor else np.float32(n) / np.float32(out)
    at = (np.arange(out, dtype=np.float32) + np.float32(0.5 if is_exact else 0)) * step
    return tuple(np.minimum(np.floor(at).astype(int), n - 1).tolist())


@lru_cache(maxsize=256)
def weights(n: int, out: int, factor: float | None, mode: str, antialias: bool, align_corners: bool) -> np.ndarray:
    """(n, out) float64, not to be written to. With `antialias` a smaller output sees as many elements as it stands for, weighted by a filter."""
    if align_corners:
        step = (n - 1) / (out - 1) if out > 1 else 0.0
    else:
        step = 1.0 / factor if factor else n / out
    matrix = _filtered(n, out, step, mode) if antialias else _interpolated(n, out, step, mode == "bicubic", align_corners)
    matrix.flags.writeable = False
    return matrix


def _interpolated(n: int, out: int, step: float, is_cubic: bool, align_corners: bool) -> np.ndarray:
    places = np.arange(out, dtype=np.float64)
    at = places * step if align_corners else (places + 0.5) * step - 0.5
    if not is_cubic:
        at = np.maximum(at, 0.0)
    low = np.floor(at).astype(int)
    t = at - low
    if is_cubic:
        taps = [_cubic(t + 1.0), _cubic(t), _cubic(1.0 - t), _cubic(2.0 - t)]
        first = -1
    else:
        low = np.minimum(low, n - 1)
        t = np.where(low == n - 1, 0.0, t)
        taps, first = [1.0 - t, t], 0
    matrix = np.zeros((n, out))
    for i, weight in enumerate(taps):  # the edges go on for ever
        np.add.at(matrix, (np.clip(low + first + i, 0, n - 1), np.arange(out)), weight)
    return matrix


def _filtered(n: int, out: int, step: float, mode: str) -> np.ndarray:
    reach = FILTERS[mode] * max(step, 1.0)
    matrix = np.zeros((n, out))
    for i in range(out):  # what lies outside of the row does not count
        middle = step * (i + 0.5)
        first = max(int(middle - reach + 0.5), 0)
        places = np.arange(first, min(int(middle + reach + 0.5), n))
        taps = _filter(np.abs((places - middle + 0.5) / max(step, 1.0)), mode)
        matrix[places, i] = taps / taps.sum()
    return matrix


def _filter(d: np.ndarray, mode: str) -> np.ndarray:
    """The weight of an element at a distance."""
    if mode == "bilinear":
        return np.maximum(1.0 - d, 0.0)
    if mode == "lanczos":
        return np.where(d < 3.0, np.sinc(d) * np.sinc(d / 3.0), 0.0)
    return np.where(d < 2.0, _cubic(d, -0.5), 0.0)


def _cubic(d: np.ndarray, a: float = -0.75) -> np.ndarray:
    """The weight of an element at a distance of at most 2; without a filter PyTorch's A is -0.75."""
    near = ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0
    far = ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a
    return np.where(d <= 1.0, near, far)


@lru_cache(maxsize=256)
def byte_weights(n: int, out: int, factor: float | None, mode: str, antialias: bool, align_corners: bool) -> tuple[np.ndarray, int]:
    """The weights for bytes: whole numbers of 16 bits, in float64, and how many bits of them are behind the point.

    A byte of the result is (sum of bytes times weights + half) >> bits, from 0 to 255. float64 holds these sums exactly.
    """
    matrix = weights(n, out, factor, mode, antialias, align_corners)
    most = matrix.max(initial=0.0)
    bits = 0
    while bits < 22 and int(0.5 + most * (1 << (bits + 1))) < 1 << 15:
        bits += 1
    found = np.trunc(matrix * (1 << bits) + np.where(matrix < 0, -0.5, 0.5))
    found.flags.writeable = False
    return found, bits

"""Images read at places between their pixels: arrays (…, C, H, W) turned, sheared, bent.

Places are computed in the float that the image gets, as torchvision does.
Source: torchvision/transforms/_functional_tensor.py; aten/src/ATen/native/GridSampler.cpp
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from suiren.vision.transforms.arrays import plus_product

Fill = float | Sequence[float] | None


def check(a: np.ndarray, mode: str, fill: Fill) -> None:
    """ValueError for another mode than nearest and bilinear, or for a fill of so many numbers that the image has no such channels."""
    if mode not in ("nearest", "bilinear"):
        raise ValueError(f"Interpolation mode '{mode}' is unsupported with Tensor input")
    channels = 1 if a.ndim == 2 else a.shape[-3]
    if isinstance(fill, (tuple, list)) and len(fill) > 1 and len(fill) != channels:
        raise ValueError(
            f"The number of elements in 'fill' cannot broadcast to match the number of channels of the image ({len(fill)} != {channels})"
        )


def _centers(n: int, kind: np.dtype) -> np.ndarray:
    return np.arange(n).astype(kind) + kind.type(0.5 - n * 0.5)


def affine_places(matrix: Sequence[float], h: int, w: int, out_h: int, out_w: int, kind: np.dtype) -> np.ndarray:
    """(out_h, out_w, 2): x and y, from −1 to 1 over the image, of each pixel of the result; the matrix works about the middle, in pixels."""
    theta = np.array(matrix, kind).reshape(2, 3) / np.array([[0.5 * w], [0.5 * h]], kind)
    return _mapped(_centers(out_w, kind), _centers(out_h, kind), theta)


def _mapped(x: np.ndarray, y: np.ndarray, theta: np.ndarray) -> np.ndarray:
    """(H, W, n): theta (n, 3) times (x, y, 1), every product and sum rounded, in this order: which of two pixels is nearer depends on it."""
    return np.stack([x[None, :] * a + y[:, None] * b + c for a, b, c in theta], -1)


def enclosing_size(matrix: Sequence[float], h: int, w: int) -> tuple[int, int]:
    """(height, width) that holds the whole of the turned image."""
    one = np.float32
    corners = np.array([[-0.5 * w, -0.5 * h, 1], [-0.5 * w, 0.5 * h, 1], [0.5 * w, 0.5 * h, 1], [0.5 * w, -0.5 * h, 1]], one)
    places = corners @ np.array(matrix, one).reshape(2, 3).T
    half = np.array([w * 0.5, h * 0.5], one)
    fine = one(1e-4)  # less than this is rounding, not a pixel more
    most, least = (np.trunc((x + half) / fine) * fine for x in (places.max(0), places.min(0)))
    width, height = np.ceil(most) - np.floor(least)
    return int(height), int(width)


def perspective_places(coefficients: Sequence[float], h: int, w: int, kind: np.dtype) -> np.ndarray:
    """(h, w, 2) of the places from where a change of perspective takes each pixel."""
    c = [kind.type(x) for x in coefficients]
    theta1 = np.array([c[0:3], c[3:6]], kind) / np.array([[0.5 * w], [0.5 * h]], kind)
    theta2 = np.array([[c[6], c[7], 1.0]] * 2, kind)
    x, y = (np.arange(n).astype(kind) + kind.type(0.5) for n in (w, h))
    return _mapped(x, y, theta1) / _mapped(x, y, theta2) - kind.type(1.0)


def bent_places(displacement: np.ndarray) -> np.ndarray:
    """The places of all pixels, (H, W, 2), each moved by its displacement, (1, H, W, 2)."""
    h, w = displacement.shape[1:3]
    ys, xs = (np.linspace((1 - n) / n, (n - 1) / n, n, dtype=np.float32) for n in (h, w))
    grid = np.stack(np.broadcast_arrays(xs[None, :], ys[:, None]), -1)
    return grid + displacement[0]


def faded(out: np.ndarray, share: np.ndarray, color: np.ndarray) -> np.ndarray:
    """The part `share` of `out`, the rest of `color`: as the first version of the transforms computes it."""
    return out * share + (1 - share) * color


def faded_2(out: np.ndarray, share: np.ndarray, color: np.ndarray) -> np.ndarray:
    """The same as the second version computes it."""
    return (out - color) * share + color


def read(a: np.ndarray, places: np.ndarray, mode: str, fill: Fill, fade: Callable = faded) -> np.ndarray:
    """The image at `places` (H', W', 2); out of it is `fill` (None: 0, and what lies half out fades to it). Integers are rounded."""
    kind = np.dtype(places.dtype)
    one = kind.type(1)
    h, w = a.shape[-2:]
    source = a.astype(kind, copy=False)
    half = np.full(places.shape[:-1], -0.5, kind)
    x, y = (plus_product(half, places[..., i] + one, n / 2) for i, n in enumerate((w, h)))
    if mode == "nearest":
        columns, rows = np.rint(x), np.rint(y)
        inside = (columns >= 0) & (columns < w) & (rows >= 0) & (rows < h)
        out = np.where(inside, _at(source, rows, columns), kind.type(0))
        share = inside.astype(kind)
    else:
        left, top = np.floor(x), np.floor(y)
        out, share = np.zeros((*a.shape[:-2], *x.shape), kind), np.zeros(x.shape, kind)
        for rows, wy in ((top, top + one - y), (top + one, y - top)):
            for columns, wx in ((left, left + one - x), (left + one, x - left)):
                inside = (columns >= 0) & (columns < w) & (rows >= 0) & (rows < h)
                weight = np.where(inside, wx * wy, kind.type(0))
                out = plus_product(out, _at(source, rows, columns), weight)
                share += weight
    if fill is not None:
        color = np.array(fill if isinstance(fill, (tuple, list)) else [fill], kind).reshape(-1, 1, 1)
        out = np.where(share < 0.5, color, out) if mode == "nearest" else fade(out, share, color)
    return (np.rint(out) if a.dtype.kind in "iu" else out).astype(a.dtype, copy=False)


def _at(a: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    h, w = a.shape[-2:]
    return a[..., np.clip(rows, 0, h - 1).astype(np.intp), np.clip(columns, 0, w - 1).astype(np.intp)]


def colors_for(image: Any, fill: Any, channels: int) -> Any:
    """A transform's fill as the functions want it: of a tensor one number for each channel."""
    from suiren.tensor import Tensor

    if not isinstance(image, Tensor) or fill is None:
        return fill
    return [float(fill)] * channels if isinstance(fill, (int, float)) else [float(f) for f in fill]

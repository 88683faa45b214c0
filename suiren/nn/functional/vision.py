"""Resizing images and signals. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#vision-functions

Every mode that mixes neighbours is separable: along each dim a product with a matrix of weights, which depends on the sizes alone.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from typing import Any

import numpy as np

from suiren.api import casting
from suiren.api.creation import from_numpy
from suiren.nn.functional.pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from suiren.tensor import Tensor

_MODES = {"linear": 1, "bilinear": 2, "bicubic": 2, "lanczos": 2, "trilinear": 3}
# how far, in elements of the smaller side, a filter reaches
_FILTERS = {"bilinear": 1.0, "bicubic": 2.0, "lanczos": 3.0}


def interpolate(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None, antialias: bool = False,
) -> Tensor:  # fmt: skip
    """(N, C, *S) to another size, given itself or by factors. Modes: nearest, nearest-exact, linear, bilinear, bicubic, trilinear, area.

    ValueError for sizes or options that do not fit.
    """
    dims = input._spec.ndim - 2
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError(
                "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
            )
    elif align_corners is None:
        align_corners = False
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    have, factors = input._spec.shape[2:], None
    if size is not None:
        out = _listed(size, have, True)
    elif scale_factor is not None:
        factors = _listed(scale_factor, have, False)
        out = [math.floor(float(n) * f) for n, f in zip(have, factors)]
        if recompute_scale_factor:
            factors = None
    else:
        raise ValueError("either size or scale_factor should be defined")
    if size is not None and recompute_scale_factor:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if antialias and not (mode in _FILTERS and dims == 2):
        raise ValueError(
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        )
    if mode == "lanczos" and align_corners:
        raise ValueError("Lanczos mode does not support align_corners=True")
    if mode == "lanczos" and not antialias:
        raise ValueError("Lanczos mode requires antialias=True")
    if not 1 <= dims <= 3 or mode not in ("nearest", "nearest-exact", "area", *_MODES):
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {dims + 2}D) for the modes: nearest | linear | bilinear | "
            f"bicubic | trilinear | lanczos | area | nearest-exact (got {mode})"
        )
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[dims - 1](input, tuple(out))
    if mode not in ("nearest", "nearest-exact") and _MODES.get(mode) != dims:
        raise NotImplementedError(f"Got {input._spec.ndim}D input, but {mode} mode needs {_MODES.get(mode, 2) + 2}D input")
    if any(n < 1 for n in out):
        texts = [", ".join(f"{c}: {m}" for c, m in zip("DHW"[3 - dims :], sizes)) for sizes in (have, out)]
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input ({texts[0]}) output ({texts[1]})")
    for i, (n, q) in enumerate(zip(have, out)):
        factor = None if factors is None else float(factors[i])
        if mode in ("nearest", "nearest-exact"):
            places = _nearest(n, q, factor, mode == "nearest-exact")
            if places != tuple(range(n)):
                input = input.index_select(2 + i, from_numpy(np.array(places)))
        elif antialias:
            input = _along(input, 2 + i, _antialiased(n, q, factor, mode, bool(align_corners)))
        else:
            input = _along(input, 2 + i, _weights(n, q, factor, mode == "bicubic", bool(align_corners)))
    return input


def _listed(value: Any, have: tuple[int, ...], is_size: bool) -> list:
    """A size or a factor for each dim. ValueError for another number of them, TypeError for sizes that are not whole."""
    if not isinstance(value, (list, tuple)):
        found = [value] * len(have)
    elif len(value) != len(have):
        what, shape, letter = ("output size", "output size of", "o") if is_size else ("scale_factor", "scale_factor of shape", "s")
        start = "Input and output" if is_size else "Input and scale_factor"
        raise ValueError(
            f"{start} must have the same number of spatial dimensions, but got input with spatial dimensions of {list(have)} and "
            f"{shape} {value}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and {what} in "
            f"({letter}1, {letter}2, ...,{letter}K) format."
        )
    else:
        found = list(value)
    if is_size and any(isinstance(n, float) for n in found):
        raise TypeError(
            "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but got size with types "
            f"{[type(n) for n in found]}"
        )
    return found


@lru_cache(maxsize=256)
def _nearest(n: int, out: int, factor: float | None, is_exact: bool) -> tuple[int, ...]:
    step = np.float32(1.0 / factor) if factor else np.float32(n) / np.float32(out)
    at = (np.arange(out, dtype=np.float32) + np.float32(0.5 if is_exact else 0)) * step
    return tuple(np.minimum(np.floor(at).astype(int), n - 1).tolist())


@lru_cache(maxsize=256)
def _weights(n: int, out: int, factor: float | None, is_cubic: bool, align_corners: bool) -> tuple[bytes, int, int]:
    """The matrix (n, out) of the weights of n elements in each of `out`, as float64 bytes."""
    places = np.arange(out, dtype=np.float64)
    if align_corners:
        at = places * ((n - 1) / (out - 1) if out > 1 else 0.0)
    else:
        at = (places + 0.5) * (1.0 / factor if factor else n / out) - 0.5
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
    for i, weight in enumerate(taps):
        np.add.at(matrix, (np.clip(low + first + i, 0, n - 1), np.arange(out)), weight)
    return matrix.tobytes(), n, out


def _cubic(d: np.ndarray, a: float = -0.75) -> np.ndarray:
    """The weight of an element at a distance of at most 2; without a filter PyTorch's A is -0.75."""
    near = ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0
    far = ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a
    return np.where(d <= 1.0, near, far)


@lru_cache(maxsize=256)
def _antialiased(n: int, out: int, factor: float | None, mode: str, align_corners: bool) -> tuple[bytes, int, int]:
    """The same where a smaller output sees as many elements as it stands for, weighted by a filter. Source: aten/src/ATen/native/cpu/UpSampleKernel.cpp"""
    if align_corners:
        step = (n - 1) / (out - 1) if out > 1 else 0.0
    else:
        step = 1.0 / factor if factor else n / out
    reach = _FILTERS[mode] * max(step, 1.0)
    matrix = np.zeros((n, out))
    for i in range(out):
        middle = step * (i + 0.5)
        first = max(int(middle - reach + 0.5), 0)
        places = np.arange(first, min(int(middle + reach + 0.5), n))
        weights = _filtered(np.abs((places - middle + 0.5) / max(step, 1.0)), mode)
        matrix[places, i] = weights / weights.sum()
    return matrix.tobytes(), n, out


def _filtered(d: np.ndarray, mode: str) -> np.ndarray:
    """The weight of an element at a distance."""
    if mode == "bilinear":
        return np.maximum(1.0 - d, 0.0)
    if mode == "lanczos":
        return np.where(d < 3.0, np.sinc(d) * np.sinc(d / 3.0), 0.0)
    return np.where(d < 2.0, _cubic(d, -0.5), 0.0)


@casting.plain
def _along(x: Tensor, dim: int, weights: tuple[bytes, int, int]) -> Tensor:
    data, n, out = weights
    matrix = from_numpy(np.frombuffer(data).reshape(n, out).astype(x._spec.dtype.np))
    return (x.movedim(dim, -1) @ matrix).movedim(-1, dim)


def upsample(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None) -> Tensor:
    """The older name of `interpolate`."""
    warnings.warn("`nn.functional.upsample` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` to the nearest element."""
    warnings.warn("`nn.functional.upsample_nearest` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """`interpolate` linearly along two dims, corners aligned."""
    warnings.warn("`nn.functional.upsample_bilinear` is deprecated. Use `nn.functional.interpolate` instead.", stacklevel=2)
    return interpolate(input, size, scale_factor, "bilinear", align_corners=True)


__all__ = ["interpolate", "upsample", "upsample_bilinear", "upsample_nearest"]

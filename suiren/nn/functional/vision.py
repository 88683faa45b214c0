"""Resizing images and signals. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#vision-functions

Every mode that mixes neighbours is separable: along each dim a product with a matrix of weights, which depends on the sizes alone.
"""

from __future__ import annotations

import math
import warnings
from functools import lru_cache
from typing import Any

import numpy as np

from suiren.api.creation import from_numpy
from suiren.nn.functional.pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from suiren.tensor import Tensor

_MODES = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}


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
    if dims < 1 or dims > 3:
        raise NotImplementedError(
            f"Input Error: Only 3D, 4D and 5D input Tensors supported (got {input._spec.ndim}D) for the modes: nearest | linear | "
            f"bilinear | bicubic | trilinear | area | nearest-exact (got {mode})"
        )
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    have, factors = input._spec.shape[2:], None
    if size is not None:
        out = _listed(size, dims, "output size")
    elif scale_factor is not None:
        factors = _listed(scale_factor, dims, "scale_factor")
        out = [math.floor(float(n) * f) for n, f in zip(have, factors)]
        if recompute_scale_factor:
            factors = None
    else:
        raise ValueError("either size or scale_factor should be defined")
    if size is not None and recompute_scale_factor:
        raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError("Anti-alias option is restricted to bilinear and bicubic modes and requires a 4-D tensor as input")
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[dims - 1](input, tuple(out))
    if mode not in ("nearest", "nearest-exact") and _MODES.get(mode) != dims:
        raise NotImplementedError(f"Got {input._spec.ndim}D input, but {mode} mode needs {_MODES.get(mode, 2) + 2}D input")
    if any(n < 1 for n in out):
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input {list(have)} output {list(out)}")
    if antialias:
        raise NotImplementedError("interpolate: antialias=True is not supported by suiren; suiren.vision.transforms resizes with it")
    for i, (n, q) in enumerate(zip(have, out)):
        factor = None if factors is None else float(factors[i])
        if mode in ("nearest", "nearest-exact"):
            places = _nearest(n, q, factor, mode == "nearest-exact")
            if places != tuple(range(n)):
                input = input.index_select(2 + i, from_numpy(np.array(places)))
        else:
            input = _along(input, 2 + i, _weights(n, q, factor, mode == "bicubic", bool(align_corners)))
    return input


def _listed(value: Any, dims: int, what: str) -> list:
    if not isinstance(value, (list, tuple)):
        return [value] * dims
    if len(value) != dims:
        raise ValueError(
            f"Input and {what} must have the same number of spatial dimensions, but got input with {dims} spatial dimensions and "
            f"{what} of {value}"
        )
    return list(value)


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


def _cubic(d: np.ndarray) -> np.ndarray:
    """The weight of an element at a distance of at most 2, with A = -0.75 as in PyTorch."""
    a = -0.75
    near = ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0
    far = ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a
    return np.where(d <= 1.0, near, far)


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

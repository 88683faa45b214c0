"""Resizing images and signals. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#vision-functions

Every mode that mixes neighbours is separable: along each dim a product with a matrix of weights, which depends on the sizes alone.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from suiren import dtypes
from suiren.api import casting
from suiren.api.creation import from_numpy
from suiren.nn.functional import resizing
from suiren.nn.functional.pooling import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from suiren.tensor import Tensor

_MODES = {"linear": 1, "bilinear": 2, "bicubic": 2, "lanczos": 2, "trilinear": 3}


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
    if antialias and not (mode in resizing.FILTERS and dims == 2):
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
    for i, (n, q) in reversed(list(enumerate(zip(have, out)))):  # rows first, as there: bytes are rounded in between
        factor = None if factors is None else float(factors[i])
        if mode in ("nearest", "nearest-exact"):
            places = resizing.nearest(n, q, factor, mode == "nearest-exact")
            if places != tuple(range(n)):
                input = input.index_select(2 + i, from_numpy(np.array(places)))
        else:
            input = _along(input, 2 + i, n, q, factor, mode, antialias, bool(align_corners))
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


def _along(x: Tensor, dim: int, *how: Any) -> Tensor:
    """One dim to another size; bytes by whole numbers, rounded after each dim. NotImplementedError for other integers."""
    d, mode, antialias = x._spec.dtype, how[3], how[4]
    if not (d.is_floating_point or (d is dtypes.uint8 and _MODES[mode] == 2)):
        without = {"bilinear": "upsample_bilinear2d_channels_last", "bicubic": "compute_indices_weights_cubic"}
        name = "compute_index_ranges_weights" if antialias else without.get(mode, "compute_indices_weights_linear")
        raise NotImplementedError(f"\"{name}\" not implemented for '{d.scalar_name}'")
    if d is dtypes.uint8:
        matrix, bits = resizing.byte_weights(*how)
        sums = _product(x.double(), dim, matrix)
        return ((sums + (1 << bits - 1)) / (1 << bits)).floor().clamp(0, 255).to(dtypes.uint8)
    return _product(x, dim, resizing.weights(*how))


@casting.plain
def _product(x: Tensor, dim: int, matrix: np.ndarray) -> Tensor:
    return (x.movedim(dim, -1) @ from_numpy(matrix.astype(x._spec.dtype.np))).movedim(-1, dim)


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

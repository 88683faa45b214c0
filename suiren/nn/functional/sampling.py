"""Images sampled at places of a grid. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#vision-functions, aten/src/ATen/native/GridSampler.h

Each neighbour of a place is one `take` of rows of channels; its weight depends on the place alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import product
from math import prod

from suiren.api import casting
from suiren.api.creation import linspace
from suiren.api.joining import stack
from suiren.dtypes import int64
from suiren.ops.activation import hardtanh
from suiren.ops.compare import where
from suiren.ops.creation import cast, iota, stop_gradient
from suiren.ops.indexing import take
from suiren.tensor import Tensor
from suiren.trace.recording import record

_CORNERS = (
    "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify align_corners=True if the "
    "old behavior is desired. See the documentation of grid_sample for details."
)


def grid_sample(
    input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros", align_corners: bool | None = None
) -> Tensor:
    """(N, C, H, W) at the places `grid` (N, H', W', 2), x and y from -1 to 1, to (N, C, H', W'); with one more dim (N, D', H', W', 3).

    `mode`: "bilinear", "nearest" or "bicubic" (of images alone). `padding_mode`: "zeros", "border" or "reflection".
    ValueError or RuntimeError for what does not fit.
    """
    if casting.on and casting.here.enabled:
        return casting.widened(grid_sample, input, grid, mode, padding_mode, align_corners)
    for name, value, known in (
        ("mode", mode, ("bilinear", "nearest", "bicubic")), ("padding_mode", padding_mode, ("zeros", "border", "reflection")),
    ):  # fmt: skip
        if value not in known:
            words = f"'{known[0]}', '{known[1]}' or '{known[2]}'" if name == "mode" else f"'{known[0]}', '{known[1]}', or '{known[2]}'"
            raise ValueError(f"nn.functional.grid_sample(): expected {name} to be {words}, but got: '{value}'")
    if align_corners is None:
        warnings.warn(_CORNERS, stacklevel=2)
        align_corners = False
    _check_grid(input, grid, mode)
    n, c, *size = input._spec.shape
    out = grid._spec.shape[1:-1]
    # (N, *S, C): one row of channels for every place
    rows = input.movedim(1, -1).reshape(n * prod(size), c)
    batch = iota(size=n).reshape(n, *(1,) * len(out)) * prod(size)
    # the grid's last dim counts x, y, z: the sizes from the last one on
    at = [_unnormalized(g, m, align_corners) for g, m in zip(reversed(grid.unbind(-1)), size)]
    sampled = None
    for places, weight in _neighbours(at, size, mode, padding_mode, align_corners):
        inside, index = None, batch
        for p, m, stride in zip(places, size, _strides(size)):
            here = (p >= 0) & (p <= m - 1)
            inside = here if inside is None else inside & here
            index = index + cast(where(here, p, 0.0), dtype=int64) * stride
        value = where(inside.unsqueeze(-1), take(rows, index, dim=0), 0.0)  # (N, *S', C)
        value = value * weight.unsqueeze(-1)
        sampled = value if sampled is None else sampled + value
    return sampled.movedim(-1, 1)


def _strides(size: list[int]) -> list[int]:
    return [prod(size[i + 1 :]) for i in range(len(size))]


def _check_grid(input: Tensor, grid: Tensor, mode: str) -> None:
    x, g = list(input._spec.shape), list(grid._spec.shape)
    if x[0] != g[0]:
        raise RuntimeError(
            f"grid_sampler(): expected grid and input to have same batch size, but got input with sizes {x} and grid with sizes {g}"
        )
    if g[-1] != len(x) - 2:
        raise RuntimeError(f"grid_sampler(): expected grid to have size {len(x) - 2} in last dimension, but got grid with sizes {g}")
    for i, m in enumerate(x[2:], 2):
        if m == 0:
            raise RuntimeError(
                f"grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes {x} with dimension {i} being empty"
            )
    if len(x) not in (4, 5) or len(x) != len(g):
        raise RuntimeError(
            "grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, but got input with sizes "
            f"{x} and grid with sizes {g}"
        )
    if mode == "bicubic" and len(x) == 5:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    if input.dtype is not grid.dtype:
        raise RuntimeError(
            f"expected scalar type {input._spec.dtype.scalar_name} but found {grid._spec.dtype.scalar_name}"
        )


def _unnormalized(g: Tensor, size: int, align_corners: bool) -> Tensor:
    return (g + 1) / 2 * (size - 1) if align_corners else ((g + 1) * size - 1) / 2


def _padded(at: Tensor, size: int, padding_mode: str, align_corners: bool) -> Tensor:
    """The place that stands for one outside. The gradient on the border and beyond is 0."""
    if padding_mode == "zeros":
        return at
    if padding_mode == "reflection":
        at = _reflected(at, 0, 2 * (size - 1)) if align_corners else _reflected(at, -1, 2 * size - 1)
    return record(hardtanh, (at, 0.0, float(size - 1)), ())


def _reflected(at: Tensor, twice_low: int, twice_high: int) -> Tensor:
    if twice_low == twice_high:
        return at * 0.0
    low, span = twice_low / 2, (twice_high - twice_low) / 2
    away = at - low
    away = where(away < 0, -away, away)
    flips = stop_gradient((away / span).floor())
    extra = away.fmod(span)
    return where(flips.remainder(2) == 0, extra + low, span - extra + low)


def _neighbours(
    at: list[Tensor], size: list[int], mode: str, padding_mode: str, align_corners: bool
) -> Iterator[tuple[list[Tensor], Tensor]]:
    """(the place of each dim, as whole numbers of the grid's dtype, its weight) of all neighbours of the sampled places."""
    if mode == "bicubic":
        yield from _of_cubes(at, size, padding_mode, align_corners)
        return
    at = [_padded(p, m, padding_mode, align_corners) for p, m in zip(at, size)]
    if mode == "nearest":
        weight = where(at[0].isnan(), 1.0, record(hardtanh, (at[0], 1.0, 1.0), ()))  # 1, and a gradient of 0 for the grid
        yield [stop_gradient(p).round() for p in at], weight
        return
    low = [stop_gradient(p).floor() for p in at]
    parts = [p - q for p, q in zip(at, low)]
    for corner in product((0, 1), repeat=len(at)):
        weight = None
        for part, is_high in zip(parts, corner):
            share = part if is_high else 1 - part
            weight = share if weight is None else weight * share
        yield [q + 1 if is_high else q for q, is_high in zip(low, corner)], weight


def _of_cubes(at: list[Tensor], size: list[int], padding_mode: str, align_corners: bool) -> Iterator[tuple[list[Tensor], Tensor]]:
    low = [stop_gradient(p).floor() for p in at]
    weights = [_cubic_weights(p - q) for p, q in zip(at, low)]
    for taps in product(range(4), repeat=len(at)):
        places = [_padded(q + (tap - 1), m, padding_mode, align_corners) for q, tap, m in zip(low, taps, size)]
        weight = weights[0][taps[0]]
        for w, tap in zip(weights[1:], taps[1:]):
            weight = weight * w[tap]
        yield places, weight


def _cubic_weights(t: Tensor) -> list[Tensor]:
    """The weights of the four neighbours, with A = -0.75."""
    a = -0.75

    def near(d: Tensor) -> Tensor:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Tensor) -> Tensor:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def affine_grid(theta: Tensor, size: list[int], align_corners: bool | None = None) -> Tensor:
    """The grid of an affine map, `theta` (N, 2, 3) or (N, 3, 4), for an output of `size`: (N, H, W, 2) or (N, D, H, W, 3).

    ValueError for what does not fit.
    """
    if align_corners is None:
        warnings.warn(_CORNERS, stacklevel=2)
        align_corners = False
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    if len(size) not in (4, 5):
        raise NotImplementedError(
            f"affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size {size}."
        )
    dims = len(size) - 2
    if theta.dim() != 3 or theta.shape[-2] != dims or theta.shape[-1] != dims + 1:
        raise ValueError(
            f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1} for size {size}. Got {theta.shape}."
        )
    spatial = list(size)[2:]
    if align_corners and min(spatial) == 1:
        warnings.warn(
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This is not an intended "
            "use case of affine_grid. See the documentation of affine_grid for details.",
            stacklevel=2,
        )
    elif min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {size}")
    axes = []
    for i, n in enumerate(spatial):
        line = linspace(-1, 1, n, dtype=theta.dtype) if n > 1 else theta.new_zeros(n)
        line = line if align_corners else line * ((n - 1) / n)
        axes.append(line.reshape(*(n if j == i else 1 for j in range(dims))).expand(*spatial))
    # x, y, (z), 1 of every place of the output
    base = casting.bare(stack, [*reversed(axes), theta.new_ones(spatial)], -1).reshape(1, prod(spatial), dims + 1)
    return (base @ theta.transpose(1, 2)).reshape(theta.shape[0], *spatial, dims)


__all__ = ["affine_grid", "grid_sample"]

"""Windows under their old names, `hann_window` and so on: periodic unless said otherwise. `suiren.signal.windows` has the newer ones.

Source: https://docs.pytorch.org/docs/stable/torch.html#spectral-ops
"""

from __future__ import annotations

import math

from suiren import dtypes
from suiren.api.arguments import must_be
from suiren.api.creation import arange, empty, ones
from suiren.api.surface import public
from suiren.dtypes import FLOAT
from suiren.ops import creation, elementary, pointwise, special


def _window(name: str, length: int, periodic: bool, dtype, requires_grad: bool, points):
    """`points(n, size)`: the window at the places n (float64), where the last one of a symmetric window has n = size."""
    if not isinstance(length, int):
        raise must_be(f"{name}_window", "window_length", 1, "int", length)
    d = dtype or dtypes.get_default_dtype()
    if d.category < FLOAT:
        raise RuntimeError(f"{name}_window expects floating point dtypes, got: {d}")
    if length < 0:
        raise RuntimeError(f"{name}_window requires non-negative window_length, got window_length={length}")
    if length < 2:
        found = ones(length, dtype=d) if length else empty(0, dtype=d)
    else:
        found = creation.cast(points(arange(length, dtype=dtypes.float64), length if periodic else length - 1), dtype=d)
    return found.requires_grad_() if requires_grad else found


def _cosines(*coefficients: float):
    """The sum of (-1)**i c[i] cos(2 pi i n / size)."""

    def points(n, size: int):
        total = None
        for i, c in enumerate(coefficients):
            term = pointwise.scale(elementary.cos(pointwise.scale(n, by=2 * math.pi * i / size)), by=(-1) ** i * c)
            total = term if total is None else pointwise.add(total, term)
        return total

    return points


@public(method=False)
def hann_window(window_length: int, periodic: bool = True, *, dtype=None, layout=None, device=None, pin_memory: bool = False, requires_grad: bool = False):
    """1/2 - 1/2 cos(2 pi n / window_length)."""
    return _window("hann", window_length, periodic, dtype, requires_grad, _cosines(0.5, 0.5))


@public(method=False)
def hamming_window(
    window_length: int, periodic: bool = True, alpha: float = 0.54, beta: float = 0.46, *,
    dtype=None, layout=None, device=None, pin_memory: bool = False, requires_grad: bool = False,
):  # fmt: skip
    """alpha - beta cos(2 pi n / window_length)."""
    return _window("hamming", window_length, periodic, dtype, requires_grad, _cosines(alpha, beta))


@public(method=False)
def blackman_window(
    window_length: int, periodic: bool = True, *, dtype=None, layout=None, device=None, pin_memory: bool = False, requires_grad: bool = False
):
    """0.42 - 0.5 cos(2 pi n / window_length) + 0.08 cos(4 pi n / window_length)."""
    return _window("blackman", window_length, periodic, dtype, requires_grad, _cosines(0.42, 0.5, 0.08))


@public(method=False)
def bartlett_window(
    window_length: int, periodic: bool = True, *, dtype=None, layout=None, device=None, pin_memory: bool = False, requires_grad: bool = False
):
    """A triangle: 1 - |2 n / window_length - 1|."""

    def points(n, size: int):
        return pointwise.sub(1.0, pointwise.abs(pointwise.sub(pointwise.scale(n, by=2 / size), 1.0)))

    return _window("bartlett", window_length, periodic, dtype, requires_grad, points)


@public(method=False)
def kaiser_window(
    window_length: int, periodic: bool = True, beta: float = 12.0, *,
    dtype=None, layout=None, device=None, pin_memory: bool = False, requires_grad: bool = False,
):  # fmt: skip
    """I0(beta sqrt(1 - u²)) / I0(beta), with u = 2 n / window_length - 1."""

    def points(n, size: int):
        u = pointwise.sub(pointwise.scale(n, by=2 / size), 1.0)
        inside = pointwise.clamp_min(pointwise.sub(1.0, pointwise.mul(u, u)), 0.0)
        whole = special.i0(creation.full(float(beta), shape=(), dtype=dtypes.float64))
        return pointwise.div(special.i0(pointwise.scale(elementary.sqrt(inside), by=float(beta))), whole)

    return _window("kaiser", window_length, periodic, dtype, requires_grad, points)

"""Window functions of `torch.signal.windows`. Source: https://docs.pytorch.org/docs/stable/signal.html

`M` points, float32 or float64; with `sym=False` the first M of the M + 1 points of a symmetric window, for a periodic one. ValueError for other arguments.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from suiren import dtypes
from suiren.api.creation import arange, empty, linspace, ones, tensor
from suiren.api.pointwise import abs, cos, exp, sin, sqrt
from suiren.api.special import i0
from suiren.formats import strided
from suiren.tensor import Tensor


def _window(name: str, M: int, dtype, layout, requires_grad: bool, points, single: bool = False):
    """Checks the arguments, then makes the window: `points(dtype)` of more than 0 (`single`: more than 1) points."""
    dtype = dtype or dtypes.get_default_dtype()
    if M < 0:
        raise ValueError(f"{name} requires non-negative window length, got M={M}")
    if layout is not strided:
        raise ValueError(f"{name} is implemented for strided tensors only, got: {layout}")
    if dtype not in (dtypes.float32, dtypes.float64):
        raise ValueError(f"{name} expects float32 or float64 dtypes, got: {dtype}")
    found = empty(0, dtype=dtype) if M == 0 else ones(1, dtype=dtype) if M == 1 and single else points(dtype)
    return found.requires_grad_() if requires_grad else found


def _steps(M: int, start: float, constant: float, dtype):
    """start, start + 1, … (M of them), times a constant."""
    return linspace(start * constant, (start + (M - 1)) * constant, M, dtype=dtype)


def exponential(
    M: int, *, center: float | None = None, tau: float = 1.0, sym: bool = True,
    dtype: dtypes.dtype | None = None, layout: Any = strided, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """exp(-|n - center| / tau); the centre is the middle, unless one is given for a periodic window."""

    def points(d):
        middle = (M if not sym and M > 1 else M - 1) / 2.0 if center is None else center
        return exp(-abs(_steps(M, -middle, 1 / tau, d)))

    if tau <= 0:
        raise ValueError(f"Tau must be positive, got: {tau} instead.")
    if sym and center is not None:
        raise ValueError("Center must be None for symmetric windows")
    return _window("exponential", M, dtype, layout, requires_grad, points)


def cosine(
    M: int, *, sym: bool = True,
    dtype: dtypes.dtype | None = None, layout: Any = strided, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """sin(pi (n + 1/2) / M)."""
    constant = math.pi / max(M + 1 if not sym and M > 1 else M, 1)
    return _window("cosine", M, dtype, layout, requires_grad, lambda d: sin(_steps(M, 0.5, constant, d)))


def gaussian(
    M: int, *, std: float = 1.0, sym: bool = True,
    dtype: dtypes.dtype | None = None, layout: Any = strided, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """exp(-(n / std)² / 2), with n counted from the middle."""
    if std <= 0:
        raise ValueError(f"Standard deviation must be positive, got: {std} instead.")
    start = -(M if not sym and M > 1 else M - 1) / 2.0
    return _window("gaussian", M, dtype, layout, requires_grad, lambda d: exp(-(_steps(M, start, 1 / (std * math.sqrt(2)), d) ** 2)))


def kaiser(
    M: int, *, beta: float = 12.0, sym: bool = True,
    dtype: dtypes.dtype | None = None, layout: Any = strided, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """I0(beta sqrt(1 - u²)) / I0(beta), with u from -1 to 1."""
    if beta < 0:
        raise ValueError(f"beta must be non-negative, got: {beta} instead.")

    def points(d):
        constant = 2.0 * beta / (M - 1 if sym else M)
        k = linspace(-beta, min(beta, -beta + (M - 1) * constant), M, dtype=d)
        return i0(sqrt(beta * beta - k**2)) / i0(tensor(beta, dtype=d))

    return _window("kaiser", M, dtype, layout, requires_grad, points, single=True)


def bartlett(
    M: int, *, sym: bool = True,
    dtype: dtypes.dtype | None = None, layout: Any = strided, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """A triangle: 1 - |u|, with u from -1 to 1."""

    def points(d):
        constant = 2 / (M - 1 if sym else M)
        return 1 - abs(linspace(-1, -1 + (M - 1) * constant, M, dtype=d))

    return _window("bartlett", M, dtype, layout, requires_grad, points, single=True)


def general_cosine(
    M: int, *, a: Iterable, sym: bool = True,
    dtype: dtypes.dtype | None = None, layout: Any = strided, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """The sum of (-1)**i a[i] cos(2 pi i n / M). TypeError, ValueError unless `a` has coefficients."""

    def points(d):
        if not isinstance(a, Iterable):
            raise TypeError("Coefficients must be a list/tuple")
        if not a:
            raise ValueError("Coefficients cannot be empty")
        constant = 2 * math.pi / (M - 1 if sym else M)
        k = linspace(0, (M - 1) * constant, M, dtype=d)
        signed = tensor([(-1) ** i * w for i, w in enumerate(a)], dtype=d)
        orders = arange(signed.shape[0], dtype=d)
        return (signed.unsqueeze(-1) * cos(orders.unsqueeze(-1) * k)).sum(0)

    return _window("general_cosine", M, dtype, layout, requires_grad, points, single=True)


def general_hamming(
    M: int, *, alpha: float = 0.54, sym: bool = True,
    dtype: dtypes.dtype | None = None, layout: Any = strided, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """alpha - (1 - alpha) cos(2 pi n / M)."""
    return general_cosine(M, a=[alpha, 1.0 - alpha], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hamming(
    M: int, *, sym: bool = True,
    dtype: dtypes.dtype | None = None, layout: Any = strided, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """general_hamming with alpha = 0.54."""
    return general_hamming(M, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def hann(
    M: int, *, sym: bool = True,
    dtype: dtypes.dtype | None = None, layout: Any = strided, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """general_hamming with alpha = 0.5."""
    return general_hamming(M, alpha=0.5, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def blackman(
    M: int, *, sym: bool = True,
    dtype: dtypes.dtype | None = None, layout: Any = strided, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Blackman's window: cosines up to the second."""
    return general_cosine(M, a=[0.42, 0.5, 0.08], sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


def nuttall(
    M: int, *, sym: bool = True,
    dtype: dtypes.dtype | None = None, layout: Any = strided, device: Any = None, requires_grad: bool = False,
) -> Tensor:  # fmt: skip
    """Nuttall's window: cosines up to the third."""
    coefficients = [0.3635819, 0.4891775, 0.1365995, 0.0106411]
    return general_cosine(M, a=coefficients, sym=sym, dtype=dtype, layout=layout, device=device, requires_grad=requires_grad)


__all__ = [
    "bartlett", "blackman", "cosine", "exponential", "gaussian", "general_cosine", "general_hamming", "hamming", "hann", "kaiser", "nuttall",
]  # fmt: skip

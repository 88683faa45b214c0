"""Discrete Fourier transforms. Source: https://docs.pytorch.org/docs/stable/fft.html

`norm` says what the sums are multiplied by: "backward" (the default) 1/n in the inverse transforms, "ortho" 1/√n in both, "forward" 1/n in the others.
`n` or `s` are the sizes along `dim` before a transform (of a real result: after it); the input is cut, or continued with zeros.
Complex results of float32 are complex64. RuntimeError and IndexError as PyTorch raises them.
"""

from __future__ import annotations

from math import prod

from suiren.api import casting
from suiren.api.arguments import dim_of
from suiren.api.creation import arange
from suiren.api.shapes import roll
from suiren.api.surface import with_out
from suiren.dtypes import COMPLEX, FLOAT, dtype, get_default_dtype
from suiren.names import absent_from as _absent_from
from suiren.ops import fft as ops
from suiren.ops.complex import conj
from suiren.ops.creation import cast, zeros
from suiren.ops.movement import slice
from suiren.ops.placement import cat
from suiren.tensor import Tensor

Dims = tuple[int, ...]

# ---------------------------------------------------------------- arguments


def _promoted(input: Tensor, wants_complex: bool) -> Tensor:
    d = input._spec.dtype
    if d.category not in (FLOAT, COMPLEX):
        d = get_default_dtype()
    if d.name in ("float16", "bfloat16"):
        raise RuntimeError(f"Unsupported dtype {d.scalar_name}")
    if wants_complex:
        d = d.to_complex()
    return input if input._spec.dtype is d else cast(input, dtype=d)


def _real(name: str, input: Tensor) -> Tensor:
    if input._spec.dtype.category == COMPLEX:
        raise RuntimeError(f"{name} expects a real input tensor, but got {input._spec.dtype.scalar_name}")
    return _promoted(input, False)


def _one(input: Tensor, n: int | None, dim: int) -> tuple[Dims, Dims]:
    """(dims, sizes) of a transform along one dim."""
    shape = input._spec.shape
    if not shape:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    dim = dim_of(dim, len(shape))
    return (dim,), (shape[dim] if n is None else n,)


def _many(input: Tensor, s, dim) -> tuple[Dims, Dims]:
    """(dims, sizes) of a transform along several."""
    shape = input._spec.shape
    if s is not None:
        s = (s,) if isinstance(s, int) else tuple(s)
    if dim is not None:
        dims = tuple(dim_of(d, len(shape)) for d in ((dim,) if isinstance(dim, int) else dim))
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
        if s is not None and len(s) != len(dims):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
    elif s is not None:
        if len(s) > len(shape):
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {len(shape)} dimensions.")
        dims = tuple(range(len(shape) - len(s), len(shape)))
    else:
        dims = tuple(range(len(shape)))
    return dims, tuple(shape[d] for d in dims) if s is None else tuple(shape[d] if n == -1 else n for d, n in zip(dims, s))


def _resized(x: Tensor, dims: Dims, sizes: Dims) -> Tensor:
    """Cut, or continued with zeros, to these sizes."""
    for d, n in zip(dims, sizes):
        shape = x._spec.shape
        if n < 1:
            raise RuntimeError(f"Invalid number of data points ({n}) specified")
        if n < shape[d]:
            x = slice(x, starts=(0,) * len(shape), sizes=(*shape[:d], n, *shape[d + 1 :]), steps=(1,) * len(shape))
        elif n > shape[d]:
            x = cat(x, zeros((*shape[:d], n - shape[d], *shape[d + 1 :]), x._spec.dtype), dim=d)
    return x


def _scale(norm: str | None, forward: bool, sizes: Dims) -> float:
    if norm not in (None, "backward", "ortho", "forward"):
        raise RuntimeError(f'Invalid normalization mode: "{norm}"')
    n = prod(sizes)
    if norm == "ortho":
        return n**-0.5
    return 1 / n if forward == (norm == "forward") else 1.0


# ---------------------------------------------------------------- the three kinds


def _c2c(input: Tensor, place: tuple[Dims, Dims], norm: str | None, forward: bool) -> Tensor:
    dims, sizes = place
    x = _resized(_promoted(input, True), dims, sizes)
    if not dims:
        return x.clone()
    return ops.fft_c2c(x, dims=dims, forward=forward, scale=_scale(norm, forward, sizes))


def _r2c(name: str, input: Tensor, place: tuple[Dims, Dims], norm: str | None, forward: bool) -> Tensor:
    dims, sizes = place
    x = _real(name, input)
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    found = ops.fft_r2c(_resized(x, dims, sizes), dims=dims, scale=_scale(norm, forward, sizes))
    return found if forward else conj(found)


def _c2r(name: str, input: Tensor, place: tuple[Dims, Dims], norm: str | None, forward: bool, size: int | None) -> Tensor:
    """`size`: of the result along the last dim, None for 2 (n - 1)."""
    dims, sizes = place
    if not dims:
        raise RuntimeError(f"{name} must transform at least one axis")
    last = 2 * (sizes[-1] - 1) if size is None else size
    if last < 1:
        raise RuntimeError(f"Invalid number of data points ({last}) specified")
    x = _resized(_promoted(input, True), dims, (*sizes[:-1], last // 2 + 1))
    if forward:
        x = conj(x)
    return ops.fft_c2r(x, dims=dims, size=last, scale=_scale(norm, forward, (*sizes[:-1], last)))


def _last(s, place: tuple[Dims, Dims]) -> int | None:
    return None if s is None or (s if isinstance(s, int) else s[-1]) == -1 else place[1][-1]


# ---------------------------------------------------------------- along one dim


@with_out
@casting.wide
def fft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The transform along one dim. Complex, of the input's shape, with n along dim."""
    return _c2c(input, _one(input, n, dim), norm, True)


@with_out
@casting.wide
def ifft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `fft`."""
    return _c2c(input, _one(input, n, dim), norm, False)


@with_out
@casting.wide
def rfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The transform of a real tensor: the n // 2 + 1 numbers that say all."""
    return _r2c("rfft", input, _one(input, n, dim), norm, True)


@with_out
@casting.wide
def irfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `rfft`: a real tensor, with n (2 (size - 1) if it is not given) along dim."""
    return _c2r("irfft", input, _one(input, n, dim), norm, False, n)


@with_out
@casting.wide
def hfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The transform of half of a Hermitian signal: a real spectrum."""
    return _c2r("hfft", input, _one(input, n, dim), norm, True, n)


@with_out
@casting.wide
def ihfft(input: Tensor, n: int | None = None, dim: int = -1, norm: str | None = None) -> Tensor:
    """The inverse of `hfft`."""
    return _r2c("ihfft", input, _one(input, n, dim), norm, False)


# ---------------------------------------------------------------- along several


@with_out
@casting.wide
def fftn(input: Tensor, s=None, dim=None, norm: str | None = None) -> Tensor:
    """The transform along several dims, all of them if neither s nor dim is given."""
    return _c2c(input, _many(input, s, dim), norm, True)


@with_out
@casting.wide
def ifftn(input: Tensor, s=None, dim=None, norm: str | None = None) -> Tensor:
    """The inverse of `fftn`."""
    return _c2c(input, _many(input, s, dim), norm, False)


@with_out
@casting.wide
def rfftn(input: Tensor, s=None, dim=None, norm: str | None = None) -> Tensor:
    """The transform of a real tensor along several dims; half of the spectrum along the last of them."""
    return _r2c("rfftn", input, _many(input, s, dim), norm, True)


@with_out
@casting.wide
def irfftn(input: Tensor, s=None, dim=None, norm: str | None = None) -> Tensor:
    """The inverse of `rfftn`."""
    place = _many(input, s, dim)
    return _c2r("irfftn", input, place, norm, False, _last(s, place))


@with_out
def hfftn(input: Tensor, s=None, dim=None, norm: str | None = None) -> Tensor:
    """The transform of half of a Hermitian signal along several dims."""
    place = _many(input, s, dim)
    dims, sizes = place
    x = _promoted(input, True)
    if not dims:
        raise RuntimeError("hfftn must transform at least one axis")
    x = _c2c(x, (dims[:-1], sizes[:-1]), norm, True)
    return _c2r("hfftn", x, (dims[-1:], sizes[-1:]), norm, True, _last(s, place))


@with_out
def ihfftn(input: Tensor, s=None, dim=None, norm: str | None = None) -> Tensor:
    """The inverse of `hfftn`."""
    dims, sizes = _many(input, s, dim)
    x = _r2c("ihfftn", input, (dims[-1:], sizes[-1:]), norm, False)
    return _c2c(x, (dims[:-1], sizes[:-1]), norm, False)


@with_out
@casting.wide
def fft2(input: Tensor, s=None, dim=(-2, -1), norm: str | None = None) -> Tensor:
    """`fftn` along the last two dims."""
    return fftn(input, s, dim, norm)


@with_out
@casting.wide
def ifft2(input: Tensor, s=None, dim=(-2, -1), norm: str | None = None) -> Tensor:
    """`ifftn` along the last two dims."""
    return ifftn(input, s, dim, norm)


@with_out
@casting.wide
def rfft2(input: Tensor, s=None, dim=(-2, -1), norm: str | None = None) -> Tensor:
    """`rfftn` along the last two dims."""
    return rfftn(input, s, dim, norm)


@with_out
@casting.wide
def irfft2(input: Tensor, s=None, dim=(-2, -1), norm: str | None = None) -> Tensor:
    """`irfftn` along the last two dims."""
    return irfftn(input, s, dim, norm)


@with_out
def hfft2(input: Tensor, s=None, dim=(-2, -1), norm: str | None = None) -> Tensor:
    """`hfftn` along the last two dims."""
    return hfftn(input, s, dim, norm)


@with_out
def ihfft2(input: Tensor, s=None, dim=(-2, -1), norm: str | None = None) -> Tensor:
    """`ihfftn` along the last two dims."""
    return ihfftn(input, s, dim, norm)


# ---------------------------------------------------------------- frequencies


@with_out
def fftfreq(n: int, d: float = 1.0, *, dtype: dtype | None = None, layout=None, device=None, requires_grad: bool = False) -> Tensor:
    """The frequencies of `fft` in cycles per unit, for samples d apart: 0 up, then the negative ones."""
    if n < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {n}: [{n}]")
    positive = (n - 1) // 2 + 1
    whole = cat(arange(positive), arange(-(n // 2), 0), dim=0) if n else arange(0)
    found = whole.to(dtype or get_default_dtype()).mul(1.0 / (n * d) if n else 1.0)
    return found.requires_grad_(requires_grad)


@with_out
def rfftfreq(n: int, d: float = 1.0, *, dtype: dtype | None = None, layout=None, device=None, requires_grad: bool = False) -> Tensor:
    """The frequencies of `rfft`."""
    found = arange(n // 2 + 1).to(dtype or get_default_dtype()).mul(1.0 / (n * d))
    return found.requires_grad_(requires_grad)


def _shifted(input: Tensor, dim, place) -> Tensor:
    ndim = input._spec.ndim
    dims = tuple(range(ndim)) if dim is None else tuple(dim_of(d, ndim) for d in ((dim,) if isinstance(dim, int) else dim))
    return roll(input, tuple(place(input._spec.shape[d]) for d in dims), dims)


def fftshift(input: Tensor, dim=None) -> Tensor:
    """Frequency 0 in the middle, along all dims or those that are given."""
    return _shifted(input, dim, lambda n: n // 2)


def ifftshift(input: Tensor, dim=None) -> Tensor:
    """The inverse of `fftshift`."""
    return _shifted(input, dim, lambda n: (n + 1) // 2)


__all__ = [
    "fft", "fft2", "fftfreq", "fftn", "fftshift", "hfft", "hfft2", "hfftn", "ifft", "ifft2", "ifftn", "ifftshift", "ihfft", "ihfft2",
    "ihfftn", "irfft", "irfft2", "irfftn", "rfft", "rfft2", "rfftfreq", "rfftn",
]  # fmt: skip

__getattr__ = _absent_from("fft")

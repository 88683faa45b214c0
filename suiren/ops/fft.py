"""Discrete Fourier transforms, through NumPy. `scale` is what the sums are multiplied by; `forward` is the sign of the exponent.

Gradients: the adjoint of a transform is the transform with the other sign. Where a real tensor has half of its spectrum stored, the other half is its
conjugate, so it counts twice in sums over the spectrum. Source: aten/src/ATen/native/SpectralOps.cpp, torch/csrc/autograd/FunctionsManual.cpp
"""

from __future__ import annotations

import numpy as np

from suiren.ops.complex import real
from suiren.ops.movement import embed, slice
from suiren.ops.placement import cat
from suiren.ops.pointwise import mul
from suiren.trace.op import INTERPRETER_ONLY, opaque
from suiren.trace.spec import Spec, spec


def _scaled(x: np.ndarray, scale: float, kind: str) -> np.ndarray:
    return (x if scale == 1 else x * scale).astype(kind, copy=False)


# ---------------------------------------------------------------- complex to complex


def _c2c(x, *, dims, forward, scale):
    found = np.fft.fftn(x, axes=dims) if forward else np.fft.ifftn(x, axes=dims, norm="forward")
    return _scaled(found, scale, x.dtype)


fft_c2c = opaque(
    "fft_c2c",
    inputs=("x",),
    params=("dims", "forward", "scale"),
    lower=INTERPRETER_ONLY,
    infer=lambda x, *, dims, forward, scale: spec(x.shape, x.dtype),
    numpy=_c2c,
    grad=lambda g, dims, forward, scale: (fft_c2c(g, dims=dims, forward=not forward, scale=scale),),
    doc="The transform of a complex tensor over `dims`.",
)

# ---------------------------------------------------------------- real to complex: the half of the spectrum up to n // 2 along the last of dims


def _half(shape: tuple[int, ...], dim: int) -> tuple[int, ...]:
    return (*shape[:dim], shape[dim] // 2 + 1, *shape[dim + 1 :])


def _r2c(x, *, dims, scale):
    return _scaled(np.fft.rfftn(x, axes=dims), scale, "complex64" if x.dtype == np.float32 else "complex128")


def _along(shape: tuple[int, ...], dim: int, start: int, size: int) -> dict:
    """The parameters of a slice along one dim."""
    starts, sizes = [0] * len(shape), list(shape)
    starts[dim], sizes[dim] = start, size
    return {"starts": tuple(starts), "sizes": tuple(sizes), "steps": (1,) * len(shape)}


def _r2c_grad(g, x_spec, dims, scale):
    d, half = dims[-1], g._spec.shape[dims[-1]]
    whole = spec(x_spec.shape, x_spec.dtype.to_complex())
    where = _along(x_spec.shape, d, 0, half)
    g = embed(g, whole, slice, tuple(where.values()))  # what is not stored of the spectrum has no gradient of its own
    return (real(fft_c2c(g, dims=dims, forward=False, scale=scale)),)


fft_r2c = opaque(
    "fft_r2c",
    inputs=("x",),
    params=("dims", "scale"),
    lower=INTERPRETER_ONLY,
    infer=lambda x, *, dims, scale: spec(_half(x.shape, dims[-1]), x.dtype.to_complex()),
    numpy=_r2c,
    grad=_r2c_grad,
    doc="The transform of a real tensor over `dims`: the part of the spectrum that says all.",
)

# ---------------------------------------------------------------- complex to real


def _infer_c2r(x: Spec, *, dims, size, scale):
    d = dims[-1]
    return spec((*x.shape[:d], size, *x.shape[d + 1 :]), x.dtype.to_real())


def _c2r(x, *, dims, size, scale):
    if len(dims) > 1:
        x = np.fft.ifftn(x, axes=dims[:-1], norm="forward")
    found = np.fft.irfft(x, size, axis=dims[-1], norm="forward")
    return _scaled(found, scale, "float32" if x.dtype == np.complex64 else "float64")


def _c2r_grad(g, x_spec, dims, size, scale):
    d, found = dims[-1], fft_r2c(g, dims=dims, scale=scale)
    half = size // 2 + 1
    twice = size - half  # all but the first, and the middle one of an even size, stand for their conjugates too
    pieces = ((0, 1), (1, twice), (1 + twice, half - 1 - twice))
    parts = [slice(found, **_along(x_spec.shape, d, start, n)) for start, n in pieces]
    parts[1] = mul(parts[1], 2)
    return (cat(*parts, dim=d),)


fft_c2r = opaque(
    "fft_c2r",
    inputs=("x",),
    params=("dims", "size", "scale"),
    lower=INTERPRETER_ONLY,
    infer=_infer_c2r,
    numpy=_c2r,
    grad=_c2r_grad,
    doc="The real tensor, of `size` along the last of `dims`, whose spectrum (with the other sign) is x with its conjugates.",
)

__all__ = ["fft_c2c", "fft_c2r", "fft_r2c"]

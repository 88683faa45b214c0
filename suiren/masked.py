"""`torch.masked`: reductions and normalisations that see only the elements whose mask is true. Source: https://docs.pytorch.org/docs/stable/masked.html

The functions, on tensors with a mask; PyTorch's prototype class MaskedTensor is not here. A mask broadcasts with the input and counts as bool. Where nothing is
left, the result is the function's identity (0 of a sum, NaN of a mean).
"""

from __future__ import annotations

import math

from suiren import dtypes
from suiren.api import activation, comparison, creation, pointwise, reductions, shapes, sorting, statistics
from suiren.api.arguments import dims_of
from suiren.dtypes import FLOAT
from suiren.names import absent_from as _absent_from
from suiren.ops.complex import conj
from suiren.ops.creation import cast


def _mask_of(input, mask):
    """The mask as bools in the shape of the input."""
    if mask._spec.ndim > input._spec.ndim:
        raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)")
    mask = mask if mask._spec.shape == input._spec.shape else shapes.broadcast_to(mask, input._spec.shape)
    return mask if mask._spec.dtype is dtypes.bool_ else cast(mask, dtype=dtypes.bool_)


def _filled(function: str, input, mask, value):
    """The input with `value` where the mask is not; `value` may depend on the dtype."""
    if mask is None:
        return input
    value = value(function, input._spec.dtype) if callable(value) else value
    return comparison.where(_mask_of(input, mask), input, creation.full((), value, dtype=input._spec.dtype))


def _bound(largest: bool):
    """The identity of a minimum (`largest`) or a maximum."""

    def value(function: str, d):
        if d.category >= FLOAT:
            return math.inf if largest else -math.inf
        if d is dtypes.bool_:
            raise NotImplementedError(f"identity of {function} on {d} input")
        limits = dtypes.iinfo(d)
        return limits.max if largest else limits.min

    return value


_LOWEST, _HIGHEST = _bound(False), _bound(True)


def _as(x, dtype):
    return x if dtype is None or x._spec.dtype is dtype else cast(x, dtype=dtype)


def _sum_dtype(input, dtype):
    if dtype is not None:
        return dtype
    return dtypes.int64 if input._spec.dtype.category < FLOAT else input._spec.dtype


# ---------------------------------------------------------------- reductions


def sum(input, dim=None, *, keepdim: bool = False, dtype=None, mask=None):
    """The sum of the masked-in elements."""
    return reductions.sum(_filled("sum", input, mask, 0), dims_of(dim, input._spec.ndim), keepdim, dtype=_sum_dtype(input, dtype))


def prod(input, dim=None, *, keepdim: bool = False, dtype=None, mask=None):
    """The product of the masked-in elements."""
    found = _as(_filled("prod", input, mask, 1), _sum_dtype(input, dtype))
    for d in reversed(dims_of(dim, input._spec.ndim)):
        found = reductions.prod(found, d, keepdim)
    return found


def amax(input, dim=None, *, keepdim: bool = False, dtype=None, mask=None):
    """The largest masked-in element."""
    return _as(reductions.amax(_filled("amax", input, mask, _LOWEST), dims_of(dim, input._spec.ndim), keepdim), dtype)


def amin(input, dim=None, *, keepdim: bool = False, dtype=None, mask=None):
    """The smallest masked-in element."""
    return _as(reductions.amin(_filled("amin", input, mask, _HIGHEST), dims_of(dim, input._spec.ndim), keepdim), dtype)


def argmax(input, dim: int | None = None, *, keepdim: bool = False, dtype=None, mask=None):
    """The index of the largest masked-in element."""
    return _as(reductions.argmax(_filled("argmax", input, mask, _LOWEST), dim, keepdim), dtype or input._spec.dtype)


def argmin(input, dim: int | None = None, *, keepdim: bool = False, dtype=None, mask=None):
    """The index of the smallest masked-in element."""
    return _as(reductions.argmin(_filled("argmin", input, mask, _HIGHEST), dim, keepdim), dtype or input._spec.dtype)


def _count(input, dim, keepdim: bool, mask):
    """How many elements are masked in."""
    dims = dims_of(dim, input._spec.ndim)
    if mask is not None:
        return reductions.sum(_mask_of(input, mask), dims, keepdim)
    return reductions.sum(creation.ones(input._spec.shape, dtype=dtypes.int64), dims, keepdim)


def mean(input, dim=None, *, keepdim: bool = False, dtype=None, mask=None):
    """The average of the masked-in elements. ValueError for integers, unless `dtype` is a floating one."""
    wrong = dtype or input._spec.dtype
    if wrong.category < FLOAT:
        source = "Input" if dtype is None else "Optional"
        raise ValueError(f"mean(): Could not infer output dtype. {source} dtype must be either a floating point or complex dtype. Got: {wrong}")
    return pointwise.div(sum(input, dim, keepdim=keepdim, dtype=wrong, mask=mask), _count(input, dim, keepdim, mask))


def median(input, dim: int = -1, *, keepdim: bool = False, dtype=None, mask=None):
    """The middle one of the masked-in elements along a dim, the lower one of two; NaN of none, ValueError there for integers."""
    is_float = input._spec.dtype.category >= FLOAT
    x = input if is_float else cast(input, dtype=dtypes.float32)
    found = statistics.nanmedian(_filled("median", x, mask, math.nan), dim, keepdim).values
    if is_float:
        return found
    if bool(comparison.isnan(found).any()):
        raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return cast(found, dtype=dtype or input._spec.dtype)


def logsumexp(input, dim=None, *, keepdim: bool = False, dtype=None, mask=None):
    """log(sum(exp(x))) of the masked-in elements."""
    found = reductions.logsumexp(_filled("logsumexp", input, mask, _LOWEST), dims_of(dim, input._spec.ndim), keepdim)
    return _as(found, dtype or input._spec.dtype)


def logaddexp(input, other, *, dtype=None, input_mask=None, other_mask=None):
    """log(exp(input) + exp(other)), each counted where its mask is true."""
    a, b = _filled("logaddexp", input, input_mask, _LOWEST), _filled("logaddexp", other, other_mask, _LOWEST)
    return _as(pointwise.logaddexp(a, b), dtype or input._spec.dtype)


def norm(input, ord: float | None = 2.0, dim=None, *, keepdim: bool = False, dtype=None, mask=None):
    """The `ord`-norm of the masked-in elements."""
    order = 2.0 if ord is None else float(ord)
    x = _as(_filled("norm", input, mask, math.inf if order == -math.inf else 0), dtype)
    return reductions.vector_norm(x, order, dims_of(dim, input._spec.ndim), keepdim)


def _spread(input, dim, unbiased, correction, keepdim: bool, dtype, mask):
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    if correction is None:
        correction = 1.0 if unbiased is None else float(unbiased)
    dtype = dtype or (input._spec.dtype if input._spec.dtype.category >= FLOAT else dtypes.float32)
    wide = dtype if dtype.category >= FLOAT else dtypes.float32
    count = _count(input, dim, True, mask)
    x = pointwise.sub(input, pointwise.div(sum(input, dim, keepdim=True, dtype=dtype, mask=mask), count))
    total = sum(pointwise.mul(x, conj(x)) if x._spec.dtype.is_complex else pointwise.square(x), dim, keepdim=keepdim, dtype=wide, mask=mask)
    count = shapes.reshape(count, total._spec.shape)
    if correction != 0:
        count = pointwise.clamp_min(pointwise.sub(cast(count, dtype=wide), correction), 0)
    return _as(pointwise.div(total, count), dtype)


def var(input, dim=None, unbiased: bool | None = None, *, correction=None, keepdim: bool = False, dtype=None, mask=None):
    """The variance of the masked-in elements; `correction` (1 unless given) is taken off their number."""
    return _spread(input, dim, unbiased, correction, keepdim, dtype, mask)


def std(input, dim=None, unbiased: bool | None = None, *, correction=None, keepdim: bool = False, dtype=None, mask=None):
    """The standard deviation of the masked-in elements."""
    return pointwise.sqrt(_spread(input, dim, unbiased, correction, keepdim, dtype, mask))


# ---------------------------------------------------------------- running results and normalisations


def cumsum(input, dim: int, *, dtype=None, mask=None):
    """Running sums of the masked-in elements."""
    return _as(sorting.cumsum(_filled("cumsum", input, mask, 0), dim, dtype=dtype or input._spec.dtype), dtype or input._spec.dtype)


def cumprod(input, dim: int, *, dtype=None, mask=None):
    """Running products of the masked-in elements."""
    return _as(sorting.cumprod(_filled("cumprod", input, mask, 1), dim, dtype=dtype or input._spec.dtype), dtype or input._spec.dtype)


def softmax(input, dim: int, *, dtype=None, mask=None):
    """softmax over the masked-in elements; 0 elsewhere."""
    return activation.softmax(_filled("softmax", input, mask, _LOWEST), dim, dtype or input._spec.dtype)


def log_softmax(input, dim: int, *, dtype=None, mask=None):
    """log of `softmax`."""
    return activation.log_softmax(_filled("log_softmax", input, mask, _LOWEST), dim, dtype or input._spec.dtype)


def softmin(input, dim: int, *, dtype=None, mask=None):
    """softmax(-x) over the masked-in elements."""
    return activation.softmin(_filled("softmin", input, mask, _HIGHEST), dim, dtype or input._spec.dtype)


def normalize(input, ord: float, dim: int, *, eps: float = 1e-12, dtype=None, mask=None):
    """The input divided by the norm of its masked-in elements (at least `eps`); 0 where masked out."""
    size = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return pointwise.div(_filled("normalize", input, mask, 0), pointwise.maximum(size, creation.full((), eps, dtype=size._spec.dtype)))


__all__ = [
    "amax", "amin", "argmax", "argmin", "cumprod", "cumsum", "log_softmax", "logaddexp", "logsumexp", "mean", "median", "norm", "normalize", "prod",
    "softmax", "softmin", "std", "sum", "var",
]  # fmt: skip

__getattr__ = _absent_from("masked")

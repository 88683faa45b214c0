"""Reductions. Static parameters: `dims`, sorted and not negative, all of those that are reduced; `keepdim`."""

from __future__ import annotations

from math import prod as product

import numpy as np

from suiren import dtypes
from suiren.dtypes import FLOAT, bool_, dtype, float16, float32, int64
from suiren.ops.compare import eq, where
from suiren.ops.complex import holomorphic
from suiren.ops.creation import cast, constant, iota
from suiren.ops.movement import expand, flip, permute, reshape, slice
from suiren.ops.placement import cat
from suiren.ops.pointwise import div, mul
from suiren.trace.op import NOT_DIFFERENTIABLE, reduced_shape, reduction
from suiren.trace.spec import Spec


def spread(t, x_spec: Spec, dims: tuple[int, ...], keepdim: bool):
    """What a reduction of x gave (or its gradient), at every element that went into it."""
    if not x_spec.ndim:
        return t
    if not keepdim:
        t = reshape(t, shape=reduced_shape(x_spec.shape, dims, True))
    return expand(t, shape=x_spec.shape)


def sum_dtype(d: dtype) -> dtype:
    """Whole numbers are summed as int64."""
    return int64 if d.category < FLOAT else d


def _wide(d: dtype) -> dtype:
    """Sums of narrow floats are kept in float32."""
    return float32 if d in (float16, dtypes.bfloat16) else sum_dtype(d)


def _accumulated(rule):
    def numpy(x, *, dims, keepdim):
        kind = np.int64 if x.dtype.kind in "iub" else x.dtype
        return rule(x, axis=dims, keepdims=keepdim, dtype=kind)

    return numpy


sum = reduction(
    "sum",
    result_dtype=sum_dtype,
    accumulate=_wide,
    identity=lambda d: 0,
    combine=lambda b, total, x: b.add(total, x),
    numpy=_accumulated(np.sum),
    grad=lambda g, x_spec, dims, keepdim: (spread(g, x_spec, dims, keepdim),),
)


def _prod_grad(g, x, x_spec, dims, keepdim):
    """For each element, the product of the others: those before it times those after it, right where zeros are among them."""
    from suiren.ops.scan_sort import cumprod

    kept = tuple(i for i in range(x_spec.ndim) if i not in dims)
    order = kept + dims
    rows, n = product(x_spec.shape[i] for i in kept), product(x_spec.shape[i] for i in dims)
    flat = reshape(permute(x, dims=order), shape=(rows, n))  # (kept, reduced)
    others = mul(_exclusive(flat, cumprod), flip(_exclusive(flip(flat, dims=(1,)), cumprod), dims=(1,)))
    others = reshape(others, shape=tuple(x_spec.shape[i] for i in order))
    back = tuple(order.index(i) for i in range(x_spec.ndim))
    return (mul(spread(g, x_spec, dims, keepdim), permute(others, dims=back)),)


def _exclusive(rows, cumprod):
    """Products of all the elements before each one: 1, x0, x0 x1, …"""
    m, n = rows.shape
    ones = constant(value=1, shape=(m, min(n, 1)), dtype=rows.dtype)
    if n <= 1:
        return ones
    return cat(ones, cumprod(slice(rows, starts=(0, 0), sizes=(m, n - 1), steps=(1, 1)), dim=1), dim=1)


prod = reduction(
    "prod",
    result_dtype=sum_dtype,
    accumulate=_wide,
    identity=lambda d: 1,
    combine=lambda b, total, x: b.mul(total, x),
    numpy=_accumulated(np.prod),
    grad=holomorphic(_prod_grad),
)

# ---------------------------------------------------------------- the largest and the smallest


def smallest(d: dtype):
    """The least value of a dtype: -inf of a float."""
    if d.category >= FLOAT:
        return float("-inf")
    return False if d is bool_ else int(np.iinfo(d.np).min)


def largest(d: dtype):
    if d.category >= FLOAT:
        return float("inf")
    return True if d is bool_ else int(np.iinfo(d.np).max)


def _tied_grad(g, out, x, x_spec, dims, keepdim):
    """Equal shares for all elements that attain it."""
    attained = eq(x, spread(out, x_spec, dims, keepdim))
    count = sum(cast(attained, dtype=x_spec.dtype), dims=dims, keepdim=keepdim)
    return (div(where(attained, spread(g, x_spec, dims, keepdim), 0), spread(count, x_spec, dims, keepdim)),)


amax = reduction(
    "amax",
    identity=smallest,
    combine=lambda b, best, x: b.maximum(best, x),
    numpy=lambda x, *, dims, keepdim: np.max(x, axis=dims, keepdims=keepdim),
    grad=_tied_grad,
)
amin = reduction(
    "amin",
    identity=largest,
    combine=lambda b, best, x: b.minimum(best, x),
    numpy=lambda x, *, dims, keepdim: np.min(x, axis=dims, keepdims=keepdim),
    grad=_tied_grad,
)


def _larger(b, x, best):
    """A NaN counts as larger than everything."""
    return b.or_(b.gt(x, best), b.and_(b.isnan(x), b.not_(b.isnan(best)))) if x.dtype.category >= FLOAT else b.gt(x, best)


def _smaller(b, x, best):
    return b.or_(b.lt(x, best), b.and_(b.isnan(x), b.not_(b.isnan(best)))) if x.dtype.category >= FLOAT else b.lt(x, best)


def _reduced_last(x, dims):
    """x with the reduced dims merged into a last one: (…, reduced)."""
    kept = tuple(i for i in range(x.ndim) if i not in dims)
    return x.transpose(kept + dims).reshape(*(x.shape[i] for i in kept), product([x.shape[i] for i in dims]))


def _places(find):
    def numpy(x, *, dims, keepdim):
        return find(_reduced_last(x, dims), axis=-1).reshape(reduced_shape(x.shape, dims, keepdim))

    return numpy


def _value_and_place(find):
    def numpy(x, *, dims, keepdim):
        rows = _reduced_last(x, dims)
        index = find(rows, axis=-1)
        shape = reduced_shape(x.shape, dims, keepdim)
        return np.take_along_axis(rows, index[..., None], -1).reshape(shape), index.reshape(shape)

    return numpy


def _chosen_grad(g0, out1, x_spec, dims, keepdim):
    """All of it to the element whose index was given."""
    if g0 is None:
        return (None,)
    if not x_spec.ndim:
        return (g0,)
    sizes = tuple(n if i in dims else 1 for i, n in enumerate(x_spec.shape))
    place = reshape(iota(size=product(sizes)), shape=sizes)  # row-major over the reduced dims, as the index counts
    kept = reduced_shape(x_spec.shape, dims, True)
    if not keepdim:
        g0, out1 = reshape(g0, shape=kept), reshape(out1, shape=kept)
    return (where(eq(place, out1), g0, 0),)


max_with_index = reduction(
    "max_with_index",
    produces=("value", "index"),
    identity=smallest,
    better=_larger,
    numpy=_value_and_place(np.argmax),
    grad=_chosen_grad,
    grad_name="MaxBackward0",
)
min_with_index = reduction(
    "min_with_index",
    produces=("value", "index"),
    identity=largest,
    better=_smaller,
    numpy=_value_and_place(np.argmin),
    grad=_chosen_grad,
    grad_name="MinBackward0",
)
argmax = reduction(
    "argmax", produces=("index",), identity=smallest, better=_larger, numpy=_places(np.argmax), grad=NOT_DIFFERENTIABLE
)
argmin = reduction(
    "argmin", produces=("index",), identity=largest, better=_smaller, numpy=_places(np.argmin), grad=NOT_DIFFERENTIABLE
)

# ---------------------------------------------------------------- truth

any = reduction(
    "any",
    result_dtype=lambda d: bool_,
    identity=lambda d: False,
    combine=lambda b, found, x: b.or_(found, x),
    numpy=lambda x, *, dims, keepdim: np.any(x, axis=dims, keepdims=keepdim),
    grad=NOT_DIFFERENTIABLE,
)
all = reduction(
    "all",
    result_dtype=lambda d: bool_,
    identity=lambda d: True,
    combine=lambda b, found, x: b.and_(found, x),
    numpy=lambda x, *, dims, keepdim: np.all(x, axis=dims, keepdims=keepdim),
    grad=NOT_DIFFERENTIABLE,
)

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "largest", "max_with_index", "min_with_index", "prod", "smallest", "spread", "sum",
    "sum_dtype",
]  # fmt: skip

"""Running sums and products along one dim."""

from __future__ import annotations

import numpy as np

from suiren.dtypes import int64
from suiren.ops.compare import eq, gt, logical_and, where
from suiren.ops.complex import conjugate, holomorphic
from suiren.ops.creation import cast
from suiren.ops.elementary import exp, log
from suiren.ops.movement import expand, flip
from suiren.ops.pointwise import add, div, mul, neg, sub
from suiren.ops.reduce import sum, sum_dtype
from suiren.trace.op import INTERPRETER_ONLY, opaque, shifted
from suiren.trace.spec import Spec, spec


def _infer(x: Spec, *, dim: int):
    return spec(x.shape, sum_dtype(x.dtype))


def _running(rule):
    def numpy(x, *, dim):
        return rule(x, axis=dim, dtype=np.int64 if x.dtype.kind in "iub" else x.dtype)

    return numpy


def _from_the_end(g, dim):
    return flip(cumsum(flip(g, dims=(dim,)), dim=dim), dims=(dim,))


cumsum = opaque(
    "cumsum",
    inputs=("x",),
    params=("dim",),
    lower=INTERPRETER_ONLY,
    lead=shifted,
    infer=_infer,
    numpy=_running(np.cumsum),
    grad=lambda g, dim: (_from_the_end(g, dim),),
)


def _cumprod_grad(g, out, x, x_spec, dim):
    """Before the first zero, sum(g out) from here on / x. At the first zero z, the same with 1 in its place. Past it every product is 0."""
    zero = eq(x, 0)
    zeros_so_far = cumsum(cast(zero, dtype=int64), dim=dim)
    first = logical_and(zero, eq(zeros_so_far, 1))
    before = div(_from_the_end(mul(g, out), dim), where(zero, 1, x))
    without = where(eq(zeros_so_far, 1), mul(g, cumprod(where(first, 1, x), dim=dim)), 0)
    at_first = expand(sum(without, dims=(dim,), keepdim=True), shape=x_spec.shape)
    return (where(eq(zeros_so_far, 0), before, where(first, at_first, 0)),)


cumprod = opaque(
    "cumprod",
    inputs=("x",),
    params=("dim",),
    lower=INTERPRETER_ONLY,
    lead=shifted,
    infer=_infer,
    numpy=_running(np.cumprod),
    grad=holomorphic(_cumprod_grad),
)


def _logcumsumexp_grad(g, x, out, dim):
    """The sum of g[j] exp(x[i] - out[j]) over j >= i: what is positive of it and what is negative, each by its logarithm."""

    if g._spec.dtype.is_complex:  # a logarithm says all of a complex number
        share = flip(sub(log(g), conjugate(out)), dims=(dim,))
        return (exp(add(flip(logcumsumexp(share, dim=dim), dims=(dim,)), conjugate(x))),)

    def part(size):
        there = gt(size, 0)
        share = where(there, sub(log(where(there, size, 1)), out), float("-inf"))
        later = flip(logcumsumexp(flip(share, dims=(dim,)), dim=dim), dims=(dim,))
        return exp(add(later, x))

    return (sub(part(g), part(neg(g))),)


def _logcumsumexp(x, *, dim):
    if not x.shape[dim]:
        return x
    if x.dtype.kind != "c":
        return np.logaddexp.accumulate(x.astype(np.float64), axis=dim)
    rows = np.moveaxis(x.astype(np.complex128), dim, -1).copy()
    for i in range(1, rows.shape[-1]):
        before, now = rows[..., i - 1].copy(), rows[..., i].copy()
        swap = before.real < now.real
        high, low = np.where(swap, now, before), np.where(swap, before, now)
        rows[..., i] = np.where(np.isneginf(high.real), high, high + np.log1p(np.exp(low - high)))
    return np.moveaxis(rows, -1, dim)


logcumsumexp = opaque(
    "logcumsumexp",
    inputs=("x",),
    params=("dim",),
    lower=INTERPRETER_ONLY,
    lead=shifted,
    infer=lambda x, *, dim: spec(x.shape, x.dtype),
    numpy=_logcumsumexp,
    grad=_logcumsumexp_grad,
    doc="log of the running sums of exp(x), without overflow.",
)


def _running_extreme(better):
    """(values, indices) of the best so far; of equal ones the last, and a NaN stays, as in PyTorch."""

    def numpy(x, *, dim):
        rows = np.moveaxis(x, dim, -1)
        values, places = np.empty_like(rows), np.empty(rows.shape, np.int64)
        best = rows[..., 0] if rows.shape[-1] else None
        at = np.zeros(rows.shape[:-1], np.int64)
        for i in range(rows.shape[-1]):
            now = rows[..., i]
            takes = better(now, best) | np.isnan(now) if x.dtype.kind == "f" else better(now, best)
            if x.dtype.kind == "f":
                takes &= ~(np.isnan(best) & ~np.isnan(now))
            best, at = np.where(takes, now, best), np.where(takes, i, at)
            values[..., i], places[..., i] = best, at
        return np.moveaxis(values, -1, dim), np.moveaxis(places, -1, dim)

    return numpy


def _running_extreme_grad(g0, out1, x_spec, dim):
    from suiren.ops.creation import zeros_like
    from suiren.ops.indexing import scatter_add

    return (None if g0 is None else scatter_add(zeros_like(x_spec), out1, g0, dim=dim),)


def _extreme_op(name: str, better):
    return opaque(
        name,
        inputs=("x",),
        params=("dim",),
        outputs=2,
        lower=INTERPRETER_ONLY,
        lead=shifted,
        infer=lambda x, *, dim: (spec(x.shape, x.dtype), spec(x.shape, int64)),
        numpy=_running_extreme(better),
        grad=_running_extreme_grad,
    )


cummax = _extreme_op("cummax", np.greater_equal)
cummin = _extreme_op("cummin", np.less_equal)


def _sort(x, *, dim, descending):
    if descending:
        # stable, and NaN first: sorted from the end in ascending order, then turned round
        mirrored = np.flip(x, dim)
        index = x.shape[dim] - 1 - np.flip(np.argsort(mirrored, axis=dim, kind="stable"), dim)
    else:
        index = np.argsort(x, axis=dim, kind="stable")
    return np.take_along_axis(x, index, dim), index


def _sort_grad(g0, out1, x_spec, dim):
    from suiren.ops.creation import zeros_like
    from suiren.ops.indexing import scatter

    return (None if g0 is None else scatter(zeros_like(x_spec), out1, g0, dim=dim),)


sort = opaque(
    "sort",
    inputs=("x",),
    params=("dim", "descending"),
    outputs=2,
    lower=INTERPRETER_ONLY,
    lead=shifted,
    infer=lambda x, *, dim, descending: (spec(x.shape, x.dtype), spec(x.shape, int64)),
    numpy=_sort,
    grad=_sort_grad,
    doc="(values in order along a dim, their places); equal ones keep their order, NaN counts as the largest.",
)

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "logcumsumexp", "sort"]

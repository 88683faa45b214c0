"""Values that meet at one place are multiplied, or the largest or smallest is kept: `scatter_reduce` beyond its sums; and the most frequent value of a row."""

from __future__ import annotations

import numpy as np

from suiren.dtypes import int64
from suiren.ops.compare import eq, logical_and, where
from suiren.ops.creation import cast, wanted, zeros_like
from suiren.ops.indexing import gather, grid, scatter_add
from suiren.ops.pointwise import div, mul
from suiren.trace.op import INTERPRETER_ONLY, NOT_DIFFERENTIABLE, opaque
from suiren.trace.spec import spec


def _combining(name: str, ufunc, grad):
    def numpy(x, index, value, *, dim):
        out = x.copy()
        if index.size:
            ufunc.at(out, grid(index, dim), value)
        return out

    return opaque(
        name,
        inputs=("x", "index", "value"),
        params=("dim",),
        lower=INTERPRETER_ONLY,
        infer=lambda x, index, value, *, dim: spec(x.shape, x.dtype),
        numpy=numpy,
        grad=grad,
        grad_name="ScatterReduceBackward0",
        doc=f"x with value[i][j] combined with what is at [index[i][j]][j] (dim 0) by NumPy's {ufunc.__name__}, and so on.",
    )


def _prod_grad(g, out, x, x_spec, index, value, value_spec, dim):
    """The product of the others: out divided by the factor, and where the factor is 0 and the only one, the product without it."""
    grad_x = grad_value = None
    if wanted(x_spec):
        ones = where(eq(x, 0), 1, x)
        grad_x = div(mul(g, scatter_prod(ones, index, value, dim=dim)), ones)
    if wanted(value_spec):
        zero = eq(value, 0)
        zeros = scatter_add(zeros_like(x_spec), index, cast(zero, dtype=x_spec.dtype), dim=dim)
        only = logical_and(zero, eq(gather(zeros, index, dim=dim), 1))
        without = scatter_prod(x, index, where(only, 1, value), dim=dim)
        others = div(gather(mul(g, out), index, dim=dim), where(zero, 1, value))
        grad_value = where(only, gather(mul(g, without), index, dim=dim), others)
    return grad_x, None, grad_value


def _extreme_grad(g, out, x, x_spec, index, value, dim):
    """Equal shares for all that attain it, what was there before included."""
    kept = cast(eq(x, out), dtype=x_spec.dtype)
    taken = cast(eq(value, gather(out, index, dim=dim)), dtype=x_spec.dtype)
    share = div(g, scatter_add(kept, index, taken, dim=dim))
    return mul(kept, share), None, mul(taken, gather(share, index, dim=dim))


scatter_prod = _combining("scatter_prod", np.multiply, _prod_grad)
scatter_amax = _combining("scatter_amax", np.maximum, _extreme_grad)
scatter_amin = _combining("scatter_amin", np.minimum, _extreme_grad)


def _mode(x, *, dim):
    """Of equally frequent values the smallest, of its places the last."""
    rows = np.moveaxis(x, dim, -1)
    places = np.argsort(rows, axis=-1, kind="stable")
    ordered = np.take_along_axis(rows, places, -1)
    n = rows.shape[-1]
    ends = np.concatenate([ordered[..., 1:] != ordered[..., :-1], np.ones((*rows.shape[:-1], 1), bool)], -1)
    at = np.arange(n)
    starts = np.concatenate([np.zeros((*rows.shape[:-1], 1), np.int64), np.maximum.accumulate(np.where(ends, at + 1, 0), -1)[..., :-1]], -1)
    best = np.argmax(np.where(ends, at - starts + 1, 0), -1)
    return np.take_along_axis(places, best[..., None], -1)[..., 0]


mode_place = opaque(
    "mode_place",
    inputs=("x",),
    params=("dim",),
    lower=INTERPRETER_ONLY,
    infer=lambda x, *, dim: spec(x.shape[:dim] + x.shape[dim + 1 :], int64),
    numpy=_mode,
    grad=NOT_DIFFERENTIABLE,
    doc="The place of the most frequent value along a dim: the smallest one of several, where it comes last.",
)

__all__ = ["mode_place", "scatter_amax", "scatter_amin", "scatter_prod"]

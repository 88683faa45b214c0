"""Places that are data: picking elements by an index tensor, and putting or adding values there.

Two families. `take`, `index_copy`, `index_add` move whole slices: the index has any shape and replaces one dim (embedding, index_select, x[i]).
`gather`, `scatter`, `scatter_add` have an index for every element. An index is int64 and lies in 0 … size - 1: the caller wraps negative ones and
puts `check_index` in front, which raises PyTorch's message. Where places repeat, the last value wins, or they add up in row-major order.
"""

from __future__ import annotations

import numpy as np

from suiren.dtypes import int64
from suiren.ops.creation import copy, iota, wanted, zeros_like
from suiren.ops.movement import expand, permute, reshape
from suiren.ops.pointwise import add, scale
from suiren.trace.op import INTERPRETER_ONLY, NOT_DIFFERENTIABLE, Template, opaque, shifted
from suiren.trace.spec import Spec, spec


class _Places(Template):
    """`by_element`: there is an index for every element. `adds`: values that meet are added. What takes a value writes it (`writes`) into a copy of x."""

    def __init__(self, name, *, by_element=False, adds=False, **kw):
        rule = {"lead": shifted} if by_element else {"batch": self._batch_slices}
        super().__init__(name, family="indexing", **rule, **kw)
        self.by_element, self.adds, self.writes = by_element, adds, "value" in self.inputs


    def _batch_slices(self, size, tensors, is_batched, *, dim):
        """One index for the whole batch: the batch is a dim more. One for each place: the rows of all places are rows of one tensor."""
        x, index, *value = tensors
        is_index_batched = is_batched[1]
        x, *value = (
            t if batched else expand(t, shape=(size, *t._spec.shape)) for t, batched in zip((x, *value), (is_batched[0], *is_batched[2:]))
        )
        if not is_index_batched:
            return self(x, index, *value, dim=dim + 1)
        ndim, rows, n = x._spec.ndim, x._spec.shape[dim + 1], index._spec.ndim - 1
        rest = [d for d in range(1, ndim) if d != dim + 1]
        x = permute(x, dims=(0, dim + 1, *rest))
        x = reshape(copy(x), shape=(size * rows, *x._spec.shape[2:]))
        first = reshape(scale(iota(size=size), by=rows), shape=(size, *(1,) * n))
        ahead, index_dims = range(1, dim + 1), range(dim + 1, dim + 1 + n)
        moved = (0, *index_dims, *ahead, *range(dim + 1 + n, ndim - 1 + n))  # (B, *index, *rest) of (B, *ahead, *index, *behind)
        value = [permute(v, dims=moved) for v in value]
        out = self(x, add(index, first), *value, dim=0)
        if not value:
            return permute(out, dims=tuple(moved.index(d) for d in range(len(moved))))
        out = reshape(out, shape=(size, rows, *out._spec.shape[1:]))
        order = (0, dim + 1, *rest)
        return permute(out, dims=tuple(order.index(d) for d in range(ndim)))


# ---------------------------------------------------------------- whole slices


def _infer_take(x: Spec, index: Spec, *, dim: int):
    return spec(x.shape[:dim] + index.shape + x.shape[dim + 1 :], x.dtype)


take = _Places(
    "take",
    inputs=("x", "index"),
    params=("dim",),
    infer=_infer_take,
    numpy=lambda x, index, *, dim: np.take(x, index, axis=dim),
    grad=lambda g, x_spec, index, dim: (index_add(zeros_like(x_spec), index, g, dim=dim), None),
    grad_name="IndexSelectBackward0",
    doc="The slices of dim `dim` at `index`, whose dims take its place.",
)


def _infer_into(x: Spec, index: Spec, value: Spec, *, dim: int):
    return spec(x.shape, x.dtype)


def _rows(x, index, value, dim):
    """(x with dim first, a flat index, value with the index's dims as one first dim)."""
    moved = np.moveaxis(value, tuple(range(dim, dim + index.ndim)), tuple(range(index.ndim)))
    rest = moved.shape[index.ndim :]
    return np.moveaxis(x, dim, 0), index.reshape(-1), moved.reshape(index.size, *rest)


def _index_copy(x, index, value, *, dim):
    out = x.copy()
    rows, places, values = _rows(out, index, value, dim)
    rows[places] = values
    return out


def _index_add(x, index, value, *, dim):
    out = x.copy()
    rows, places, values = _rows(out, index, value, dim)
    np.add.at(rows, places, values)
    return out


def _index_copy_grad(g, index, value_spec, dim):
    return index_copy(g, index, zeros_like(value_spec), dim=dim), None, take(g, index, dim=dim)


index_copy = _Places(
    "index_copy",
    inputs=("x", "index", "value"),
    params=("dim",),
    overwrites=0,
    infer=_infer_into,
    numpy=_index_copy,
    grad=_index_copy_grad,
    grad_name="IndexPutBackward0",
    doc="x with the slices of `value` (shaped like a `take`) at `index`.",
)

index_add = _Places(
    "index_add",
    inputs=("x", "index", "value"),
    params=("dim",),
    overwrites=0, adds=True,
    infer=_infer_into,
    numpy=_index_add,
    grad=lambda g, index, value_spec, dim: (g, None, take(g, index, dim=dim) if wanted(value_spec) else None),
    doc="x with the slices of `value` (shaped like a `take`) added at `index`.",
)

# ---------------------------------------------------------------- element by element


def grid(index, dim):
    """An index for every dim: along `dim` the given one, along the others the element's own place."""
    places = list(np.ogrid[tuple(np.s_[:n] for n in index.shape)])
    places[dim] = index
    return tuple(places)


def _gather(x, index, *, dim):
    return x[grid(index, dim)] if index.size else np.empty(index.shape, x.dtype)


def _infer_gather(x: Spec, index: Spec, *, dim: int):
    return spec(index.shape, x.dtype)


gather = _Places(
    "gather",
    inputs=("x", "index"),
    params=("dim",),
    by_element=True,
    infer=_infer_gather,
    numpy=_gather,
    grad=lambda g, x_spec, index, dim: (scatter_add(zeros_like(x_spec), index, g, dim=dim), None),
    doc="out[i][j] = x[index[i][j]][j] (dim 0), and so on.",
)


def _scatter(x, index, value, *, dim):
    out = x.copy()
    if index.size:
        out[grid(index, dim)] = value
    return out


def _scatter_add(x, index, value, *, dim):
    out = x.copy()
    if index.size:
        np.add.at(out, grid(index, dim), value)
    return out


scatter = _Places(
    "scatter",
    inputs=("x", "index", "value"),
    params=("dim",),
    by_element=True, overwrites=0,
    infer=_infer_into,
    numpy=_scatter,
    grad=lambda g, index, value_spec, dim: (scatter(g, index, zeros_like(value_spec), dim=dim), None, gather(g, index, dim=dim)),
    doc="x with value[i][j] at [index[i][j]][j] (dim 0), and so on. `value` has the shape of the index.",
)

scatter_add = _Places(
    "scatter_add",
    inputs=("x", "index", "value"),
    params=("dim",),
    by_element=True, overwrites=0, adds=True,
    infer=_infer_into,
    numpy=_scatter_add,
    grad=lambda g, index, value_spec, dim: (g, None, gather(g, index, dim=dim) if wanted(value_spec) else None),
    doc="As `scatter`, adding.",
)

# ---------------------------------------------------------------- where a value belongs


def _searchsorted(edges, value, *, right):
    side = "right" if right else "left"
    if edges.ndim == 1:
        return np.searchsorted(edges, value, side)
    flat_edges, flat_values = edges.reshape(-1, edges.shape[-1]), value.reshape(-1, value.shape[-1])
    found = [np.searchsorted(e, v, side) for e, v in zip(flat_edges, flat_values)]
    return np.array(found, np.int64).reshape(value.shape)


searchsorted = opaque(
    "searchsorted",
    inputs=("edges", "value"),
    params=("right",),
    lower=INTERPRETER_ONLY,
    infer=lambda edges, value, *, right: spec(value.shape, int64),
    numpy=_searchsorted,
    grad=NOT_DIFFERENTIABLE,
    doc="Where each value would have to be put into the sorted `edges` (1-dim, or row by row).",
)

__all__ = ["gather", "index_add", "index_copy", "scatter", "scatter_add", "searchsorted", "take"]

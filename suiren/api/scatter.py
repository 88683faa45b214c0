"""Reductions by index: `scatter_reduce`, `index_reduce`, `segment_reduce`. Source: https://docs.pytorch.org/docs/stable/torch.html

What comes to one place is combined: "sum", "mean", "prod", "amax", "amin"; equal largest or smallest elements share the gradient.
"""

from __future__ import annotations

import numpy as np

from suiren.api.arguments import TYPE_WORDS, dim_of
from suiren.api.indexing import element_index, scattered
from suiren.api.surface import public
from suiren.dtypes import FLOAT
from suiren.ops import combining, compare, creation, indexing, movement, pointwise
from suiren.ops.reduce import largest, smallest
from suiren.tensor import Tensor
from suiren.trace.recording import record

_OPS = {
    "sum": indexing.scatter_add, "mean": indexing.scatter_add, "prod": combining.scatter_prod, "amax": combining.scatter_amax,
    "amin": combining.scatter_amin, "max": combining.scatter_amax, "min": combining.scatter_amin,
}  # fmt: skip


def _identity(reduce: str, d):
    return {"sum": 0, "mean": 0, "prod": 1, "amax": smallest(d), "amin": largest(d), "max": smallest(d), "min": largest(d)}[reduce]


def _reduced(input, dim: int, index, src, reduce: str, include_self: bool):
    """What scatter_reduce gives, its arguments checked. Places that nothing comes to keep their element."""
    d, places = element_index("scatter", input, dim, index)
    one = lambda x: x if x._spec.ndim else movement.reshape(x, shape=(1,))
    x, places = one(input), one(places)
    base = x
    if not include_self:
        identity = creation.constant(value=_identity(reduce, x._spec.dtype), shape=places._spec.shape, dtype=x._spec.dtype)
        base = indexing.scatter(x, places, identity, dim=d)
    found = scattered("scatter", base, d, places, one(src), _OPS[reduce])
    if reduce == "mean":
        ones = creation.constant(value=1, shape=places._spec.shape, dtype=x._spec.dtype)
        count = indexing.scatter_add(creation.zeros(x._spec.shape, x._spec.dtype), places, ones, dim=d)
        count = pointwise.add(count, 1) if include_self else pointwise.maximum(count, 1)
        found = pointwise.div(found, count) if x._spec.dtype.category >= FLOAT else pointwise.floor_divide(found, count)
    return found if input._spec.ndim else movement.reshape(found, shape=())


@public(inplace=True, out=True)
def scatter_reduce(input, dim: int, index, src, reduce: str, *, include_self: bool = True):
    """As `scatter`, with what comes to one place combined, and with what is there if `include_self`. RuntimeError for another name."""
    if reduce not in _OPS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    return _reduced(input, dim, index, src, reduce, include_self)


@public(inplace=True, out=True)
def index_reduce(input, dim: int, index, source, reduce: str, *, include_self: bool = True):
    """`input` with the slices of `source` combined ("prod", "mean", "amax", "amin") at a 1-dim index."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    if index._spec.ndim > 1:
        raise IndexError("index_reduce(): Index is supposed to be a vector")
    if source._spec.dtype is not input._spec.dtype:
        raise RuntimeError(
            f"index_reduce_(): self ({TYPE_WORDS[input._spec.dtype.name]}) and source ({TYPE_WORDS[source._spec.dtype.name]}) must have the same scalar type"
        )
    d = dim_of(dim, input._spec.ndim)
    if not input._spec.ndim:
        return _reduced(input, 0, movement.reshape(index, shape=()), movement.reshape(source, shape=()), reduce, include_self)
    n = index._spec.numel
    shape = (*input._spec.shape[:d], n, *input._spec.shape[d + 1 :])
    if source._spec.shape != shape:
        raise RuntimeError(
            f"index_reduce_(): Number of indices ({n}) should be equal to source.size(dim): ({source._spec.shape[d] if source._spec.ndim else 1}), for dim: {d}"
        )
    places = movement.expand(movement.reshape(index, shape=(n, *(1,) * (len(shape) - d - 1))), shape=shape)
    return _reduced(input, d, places, source, reduce, include_self)


@public(method=False)
def segment_reduce(data, reduce: str, *, lengths=None, indices=None, offsets=None, axis: int = 0, unsafe: bool = False, initial=None):
    """The runs of a dim that `lengths` (or `offsets`) cut, each combined by "sum", "mean", "prod", "max" or "min". Runs what is pending.

    `lengths` has the shape of the dims before `axis` and one of runs; an empty run gives `initial`, or the identity (NaN of a mean).
    """
    if reduce not in _OPS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    shape = data._spec.shape
    axis = dim_of(axis, len(shape))
    if offsets is not None:
        lengths = np.diff(offsets.detach().numpy(), axis=-1)
    else:
        lengths = lengths.detach().numpy()
        if (lengths < 0).any():
            raise RuntimeError("lengths contains negative value!")
    runs = lengths.shape[-1]
    flat = np.stack([np.pad(np.repeat(np.arange(runs), row), (0, max(0, shape[axis] - row.sum())), constant_values=runs)[: shape[axis]]
                     for row in lengths.reshape(-1, runs)]) if lengths.size else np.zeros((0, shape[axis]), np.int64)  # fmt: skip
    index = Tensor.from_array(flat.reshape(*shape[: axis + 1]).astype(np.int64), copy=True)
    index = movement.expand(movement.reshape(index, shape=(*shape[: axis + 1], *(1,) * (len(shape) - axis - 1))), shape=shape)
    d = data._spec.dtype
    start = _identity(reduce, d) if initial is None else initial
    # one more run than asked for takes what lies past the last one
    base = creation.constant(value=start, shape=(*shape[:axis], runs + 1, *shape[axis + 1 :]), dtype=d)
    found = record(_OPS[reduce], (base, index, data), (axis,))
    found = movement.slice(found, starts=(0,) * len(shape), sizes=(*shape[:axis], runs, *shape[axis + 1 :]), steps=(1,) * len(shape))
    if reduce == "mean":
        count = Tensor.from_array(lengths.reshape(*lengths.shape, *(1,) * (len(shape) - axis - 1)).astype(d.np), copy=True)
        none = compare.eq(count, 0)
        empty = float("nan") if initial is None else initial
        found = compare.where(none, empty, pointwise.div(found, compare.where(none, 1, count)))
    return found

"""Element by element: `gather`, `scatter`; and reductions by index: `scatter_reduce`, `index_reduce`, `segment_reduce`.

Source: https://docs.pytorch.org/docs/stable/torch.html. What a reduction brings to one place is combined: "sum", "mean", "prod", "amax", "amin"; equal
largest or smallest elements share the gradient.
"""

from __future__ import annotations

import numpy as np

from suiren import dtypes
from suiren.api.arguments import TYPE_WORDS, check_tensor, dim_of, fitting, is_number
from suiren.api.picking import BAD_INDEX, checked
from suiren.api.shapes import reshaped
from suiren.api.surface import public
from suiren.dtypes import FLOAT
from suiren.ops import combining, compare, creation, indexing, movement, pointwise
from suiren.ops.reduce import largest, smallest
from suiren.tensor import Tensor
from suiren.trace.op import broadcast_shapes
from suiren.trace.recording import record
from suiren.warned import warn_once


def _element_index(function: str, input, dim: int, index, wrap: bool = False, src=None):
    """(dim, a checked index), for gather and scatter; 0-dim tensors count as 1-dim."""
    check_tensor(function, index, "index", 3)
    if index._spec.dtype not in (dtypes.int64, dtypes.int32) and index._spec.numel:
        raise RuntimeError(f"{function}(): Expected dtype int32/int64 for index")
    if max(index._spec.ndim, 1) != max(input._spec.ndim, 1) and index._spec.numel:
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {'input' if function == 'gather' else 'self'} tensor")
    d = dim_of(dim, input._spec.ndim)
    for i, (n, m) in enumerate(zip(index._spec.shape, input._spec.shape)):
        if i != d and n > m:
            too_large = f"expected index {list(index._spec.shape)} to be no larger than self {list(input._spec.shape)} apart from dimension {d}"
            if function == "gather":
                raise RuntimeError(f"Size does not match at dimension {i} {too_large}")
            raise RuntimeError(f"{too_large.capitalize()}{'' if src is None else f' and to be no larger size than src {list(src._spec.shape)}'}")
    n = input._spec.shape[d] if input._spec.ndim else 1
    return d, checked(index, n, BAD_INDEX % d, wrap, "RuntimeError")


def _as_1d(x):
    return x if x._spec.ndim else movement.reshape(x, shape=(1,))


@public(out=True)
def gather(input, dim: int, index, *, sparse_grad: bool = False):
    """out[i][j] = input[index[i][j]][j] (dim 0), and so on: the shape of the index."""
    check_tensor("gather", input)
    d, places = _element_index("gather", input, dim, index)
    found = indexing.gather(_as_1d(input), _as_1d(places), dim=d)
    return found if index._spec.ndim else movement.reshape(found, shape=())


def _scattered(function: str, input, dim: int, index, src, op):
    d, places = _element_index(function, input, dim, index, src=None if is_number(src) else src)
    x, places = _as_1d(input), _as_1d(places)
    shape = places._spec.shape
    if is_number(src):
        src = fitting(src, input._spec.dtype)
        src = movement.expand(creation.full(src, shape=(), dtype=input._spec.dtype), shape=shape)
    else:
        src = _as_1d(src)
        if src._spec.dtype is not input._spec.dtype:
            raise RuntimeError(f"{function}(): Expected self.dtype to be equal to src.dtype")
        if src._spec.shape != shape:
            if any(n > m for n, m in zip(shape, src._spec.shape)):
                raise RuntimeError(
                    f"Expected index {list(shape)} to be no larger than self {list(input._spec.shape)} apart from dimension {d} and to be no larger size than src {list(src._spec.shape)}"
                )
            src = movement.slice(src, starts=(0,) * len(shape), sizes=shape, steps=(1,) * len(shape))
    found = op(x, places, src, dim=d)
    return found if input._spec.ndim else movement.reshape(found, shape=())


@public(inplace=True, out=True)
def scatter(input, dim: int, index, src=None, *, value=None, reduce: str | None = None):
    """`input` with src[i][j] (or one number) at [index[i][j]][j] (dim 0), and so on; `reduce="add"` adds."""
    src = value if src is None else src
    if reduce is not None and reduce != "add":
        if reduce == "multiply":
            return _scattered("scatter", input, dim, index, src, combining.scatter_prod)
        raise RuntimeError("reduce argument must be either add or multiply.")
    return _scattered("scatter", input, dim, index, src, indexing.scatter_add if reduce else indexing.scatter)


@public(inplace=True, out=True)
def scatter_add(input, dim: int, index, src):
    """As `scatter`, adding."""
    check_tensor("scatter_add", src, "src", 4)
    return _scattered("scatter", input, dim, index, src, indexing.scatter_add)


@public(out=True)
def take_along_dim(input, indices, dim: int | None = None):
    """`gather` with the other dims broadcast; without a dim, from the flattened elements."""
    if dim is None:
        input, indices, dim = reshaped(input, (input._spec.numel,)), reshaped(indices, (indices._spec.numel,)), 0
    if indices._spec.ndim != input._spec.ndim:
        raise RuntimeError(
            f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got {input._spec.ndim} dimensions for input, and {indices._spec.ndim} dimensions for indices"
        )
    d = dim_of(dim, input._spec.ndim)
    pairs = [(n, m) if i != d else (1, 1) for i, (n, m) in enumerate(zip(input._spec.shape, indices._spec.shape))]
    common = broadcast_shapes(tuple(n for n, _ in pairs), tuple(m for _, m in pairs))
    shape = [*common[:d], input._spec.shape[d], *common[d + 1 :]]
    places = [*common[:d], indices._spec.shape[d], *common[d + 1 :]]
    input, indices = movement.expand(input, shape=tuple(shape)), movement.expand(indices, shape=tuple(places))
    return indexing.gather(input, _element_index("gather", input, d, indices, wrap=True)[1], dim=d)


# ---------------------------------------------------------------- with what comes to one place combined

_OPS = {
    "sum": indexing.scatter_add, "mean": indexing.scatter_add, "prod": combining.scatter_prod, "amax": combining.scatter_amax,
    "amin": combining.scatter_amin, "max": combining.scatter_amax, "min": combining.scatter_amin,
}  # fmt: skip


def _identity(reduce: str, d):
    return {"sum": 0, "mean": 0, "prod": 1, "amax": smallest(d), "amin": largest(d), "max": smallest(d), "min": largest(d)}[reduce]


def _reduced(input, dim: int, index, src, reduce: str, include_self: bool):
    """What scatter_reduce gives, its arguments checked. Places that nothing comes to keep their element."""
    d, places = _element_index("scatter", input, dim, index, src=src)
    x, places = _as_1d(input), _as_1d(places)
    base = x
    if not include_self:
        identity = creation.constant(value=_identity(reduce, x._spec.dtype), shape=places._spec.shape, dtype=x._spec.dtype)
        base = indexing.scatter(x, places, identity, dim=d)
    found = _scattered("scatter", base, d, places, _as_1d(src), _OPS[reduce])
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
    warn_once("index_reduce() is in beta and the API may change at any time.")
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

"""Order, and running results along a dim. Source: https://docs.pytorch.org/docs/stable/torch.html#comparison-ops"""

from __future__ import annotations

import numpy as np

from suiren import dtypes
from suiren.api import return_types
from suiren.api.arguments import TYPE_WORDS, check_tensor, data_of, dim_of
from suiren.api.shapes import part, reshaped
from suiren.api.surface import public
from suiren.dtypes import FLOAT, dtype
from suiren.ops import compare, creation, indexing, movement, pointwise, reduce, scan_sort
from suiren.tensor import Tensor
from suiren.trace.recording import record, record1
from suiren.trace.storage import Stored


def _with_dim(x):
    """A 0-dim tensor as one of 1 element."""
    return x if x._spec.ndim else movement.reshape(x, shape=(1,))


# ---------------------------------------------------------------- in order


@public(out=True)
def sort(input, dim: int = -1, descending: bool = False, stable: bool = False):
    """(values in order along a dim, their indices). Always stable; NaN counts as the largest."""
    check_tensor("sort", input)
    d = dim_of(dim, input._spec.ndim)
    found = record(scan_sort.sort, (_with_dim(input),), (d, bool(descending)))
    if not input._spec.ndim:
        found = tuple(movement.reshape(x, shape=()) for x in found)
    return return_types.sort(*found)


@public()
def argsort(input, dim: int = -1, descending: bool = False, stable: bool = False):
    """The indices that put a dim in order."""
    return sort(input, dim, descending).indices


@public(out=True)
def msort(input):
    """The values in order along the first dim."""
    return sort(input, 0).values


@public(out=True)
def topk(input, k: int, dim: int = -1, largest: bool = True, sorted: bool = True):
    """(the k largest or smallest values along a dim, their indices), in order."""
    check_tensor("topk", input)
    d = dim_of(dim, input._spec.ndim)
    n = input._spec.shape[d] if input._spec.ndim else 1
    if not 0 <= k <= n:
        raise RuntimeError("selected index k out of range")
    values, indices = record(scan_sort.sort, (_with_dim(input),), (d, bool(largest)))
    if not input._spec.ndim:
        return return_types.topk(*(movement.reshape(x, shape=() if k else (0,)) for x in (values, indices)))
    return return_types.topk(part(values, d, 0, k), part(indices, d, 0, k))


@public(out=True)
def kthvalue(input, k: int, dim: int = -1, keepdim: bool = False):
    """(the k-th smallest value along a dim, its index); k counts from 1."""
    d = dim_of(dim, input._spec.ndim)
    n = input._spec.shape[d] if input._spec.ndim else 1
    if not 1 <= k <= n:
        raise RuntimeError("kthvalue(): selected number k out of range for dimension " + str(d))
    return return_types.kthvalue(*_kth(input, k - 1, d, keepdim))


def _kth(input, k: int, d: int, keepdim: bool):
    """The sorted values and indices at one place."""
    found = record(scan_sort.sort, (_with_dim(input),), (d, False))
    if not input._spec.ndim:
        return tuple(movement.reshape(x, shape=()) for x in found)
    return tuple(part(x, d, k, 1) if keepdim else record1(movement.select, x, (d, k)) for x in found)


@public(out=True)
def median(input, dim: int | None = None, keepdim: bool = False):
    """The middle value, the lower one of two; along a dim, (values, indices). NaN if there is a NaN."""
    check_tensor("median", input)
    if dim is None:
        n = input._spec.numel
        if not n:
            return creation.full(float("nan"), shape=(), dtype=input._spec.dtype)
        flat = reshaped(input, (n,))
        values, _ = _median_along(flat, 0, False)
        return values
    d = dim_of(dim, input._spec.ndim)
    if not input._spec.ndim:
        return return_types.median(input, creation.zeros((), dtypes.int64))
    return return_types.median(*_median_along(input, d, keepdim))


def _median_along(x, d: int, keepdim: bool):
    n = x._spec.shape[d]
    values, indices = record(scan_sort.sort, (x,), (d, False))
    middle, last = (n - 1) // 2, n - 1
    at = lambda t, i: part(t, d, i, 1) if keepdim else record1(movement.select, t, (d, i))
    if x._spec.dtype.category < FLOAT:
        return at(values, middle), at(indices, middle)
    # sorting puts NaN last: if the last one is NaN, the first NaN is the answer
    has_nan = compare.isnan(at(values, last))
    first_nan = reduce.argmax(creation.cast(compare.isnan(x), dtype=dtypes.int64), dims=(d,), keepdim=keepdim)
    index = compare.where(has_nan, first_nan, at(indices, middle))
    chosen = index if keepdim else movement.reshape(index, shape=(*x._spec.shape[:d], 1, *x._spec.shape[d + 1 :]))
    found = indexing.gather(x, chosen, dim=d)
    return (found if keepdim else movement.reshape(found, shape=index._spec.shape)), index


@public(method=False, out=True)
def searchsorted(sorted_sequence, input, *, out_int32: bool = False, right: bool = False, side: str | None = None, sorter=None):
    """Where each value would have to be put into a sorted sequence (of each row) to keep it sorted."""
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    right = right or side == "right"
    if sorter is not None:
        sorted_sequence = indexing.gather(sorted_sequence, sorter, dim=sorted_sequence._spec.ndim - 1)
    value = input if isinstance(input, Stored) else creation.full(input, shape=(), dtype=sorted_sequence._spec.dtype)
    found = indexing.searchsorted(sorted_sequence, value, right=right)
    return creation.cast(found, dtype=dtypes.int32) if out_int32 else found


@public(method=False, out=True)
def bucketize(input, boundaries, *, out_int32: bool = False, right: bool = False):
    """The bucket of each value between sorted boundaries."""
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


# ---------------------------------------------------------------- results whose size depends on data


@public()
def unique(input, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None):
    """The different values in order (or slices of a dim), with the place of each element among them and how often each comes, if asked for.

    Runs what is pending: the size of the result is known only then.
    """
    a = data_of(input)
    values, inverse, counts = np.unique(a, return_inverse=True, return_counts=True, axis=dim)
    inverse = inverse.reshape(a.shape if dim is None else -1)
    found = [Tensor.from_array(values, copy=True)]
    if return_inverse:
        found.append(Tensor.from_array(inverse.astype(np.int64), copy=True))
    if return_counts:
        found.append(Tensor.from_array(counts.astype(np.int64), copy=True))
    return found[0] if len(found) == 1 else tuple(found)


@public()
def unique_consecutive(input, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None):
    """The values (or slices of a dim) without immediate repetitions. Runs what is pending."""
    a = data_of(input)
    rows = a.reshape(-1) if dim is None else np.moveaxis(a, dim, 0)
    new = np.ones(len(rows), bool)
    if len(rows) > 1:
        new[1:] = (rows[1:] != rows[:-1]).reshape(len(rows) - 1, -1).any(1)
    group = np.cumsum(new) - 1
    values = rows[new] if dim is None else np.moveaxis(rows[new], 0, dim)
    found = [Tensor.from_array(np.ascontiguousarray(values), copy=True)]
    if return_inverse:
        found.append(Tensor.from_array(group.reshape(a.shape if dim is None else -1).astype(np.int64), copy=True))
    if return_counts:
        found.append(Tensor.from_array(np.bincount(group, minlength=0).astype(np.int64), copy=True))
    return found[0] if len(found) == 1 else tuple(found)


@public()
def bincount(input, weights=None, minlength: int = 0):
    """How often each of 0, 1, 2, … comes, or the sum of its weights. Runs what is pending."""
    a = data_of(input)
    if a.ndim != 1 or (a.size and a.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    w = None if weights is None else weights.detach().numpy()
    counts = np.bincount(a, w, minlength)
    if w is not None and w.dtype == np.float32:
        counts = counts.astype(np.float64 if weights._spec.dtype is dtypes.float64 else np.float32)
    return Tensor.from_array(counts.astype(np.int64) if w is None else counts, copy=True)


@public(out=True)
def histc(input, bins: int = 100, min: float = 0, max: float = 0):
    """How many elements fall into each of `bins` equal intervals from min to max (of the data, if both are 0). Runs what is pending."""
    a = data_of(input)
    low, high = (float(a.min()), float(a.max())) if min == max == 0 and a.size else (min, max)
    if low == high:
        low, high = low - 1, high + 1
    counts, _ = np.histogram(a[(a >= low) & (a <= high)], bins, (low, high))
    return Tensor.from_array(counts.astype(a.dtype), copy=True)


@public()
def repeat_interleave(input, repeats=None, dim: int | None = None, *, output_size: int | None = None):
    """Each element (or slice of a dim) so many times in a row."""
    if repeats is None:  # repeat_interleave(repeats): 0, …, 1, …
        counts = input.detach().numpy()
        return Tensor.from_array(np.repeat(np.arange(len(counts)), counts), copy=True)
    x = reshaped(input, (input._spec.numel,)) if dim is None else input
    d = 0 if dim is None else dim_of(dim, input._spec.ndim)
    x = _with_dim(x)
    n = x._spec.shape[d]
    counts = np.asarray(repeats.detach().numpy() if isinstance(repeats, Stored) else repeats).reshape(-1)
    if counts.size not in (1, n):
        raise RuntimeError(f"repeats must have the same size as input along dim, but got repeats.size(0) = {counts.size} and input.size({d}) = {n}")
    if (counts < 0).any():
        raise RuntimeError("repeats can not be negative")
    if counts.size == 1:  # a view, then a copy: no index needed
        shape, k = x._spec.shape, int(counts[0])
        between = movement.reshape(x, shape=(*shape[: d + 1], 1, *shape[d + 1 :])) if x._parent is None else reshaped(x, (*shape[: d + 1], 1, *shape[d + 1 :]))
        shown = movement.expand(between, shape=(*shape[: d + 1], k, *shape[d + 1 :]))
        return reshaped(record(creation.copy, (shown,), ()), (*shape[:d], n * k, *shape[d + 1 :]))
    places = Tensor.from_array(np.repeat(np.arange(n), counts), copy=True)
    return indexing.take(x, places, dim=d)


# ---------------------------------------------------------------- running results


def _scan(op, input, dim: int, dtype: dtype | None):
    check_tensor(op.name, input)
    if dtype is not None and dtype is not input._spec.dtype:
        input = creation.cast(input, dtype=dtype)
    d = dim_of(dim, input._spec.ndim)
    found = record(op, (_with_dim(input),), (d,))
    if not input._spec.ndim:
        found = movement.reshape(found, shape=())
    return creation.cast(found, dtype=dtype) if dtype is not None and found._spec.dtype is not dtype else found


@public(out=True, inplace=True)
def cumsum(input, dim: int, *, dtype: dtype | None = None):
    """Running sums along a dim; whole numbers are summed as int64."""
    return _scan(scan_sort.cumsum, input, dim, dtype)


@public(out=True, inplace=True)
def cumprod(input, dim: int, *, dtype: dtype | None = None):
    """Running products along a dim; whole numbers are multiplied as int64."""
    return _scan(scan_sort.cumprod, input, dim, dtype)


def _running_extreme(op, kind, input, dim: int):
    d = dim_of(dim, input._spec.ndim)
    found = record(op, (_with_dim(input),), (d,))
    return kind(*(found if input._spec.ndim else (movement.reshape(x, shape=()) for x in found)))


@public(out=True)
def cummax(input, dim: int):
    """(running maxima along a dim, their indices)."""
    return _running_extreme(scan_sort.cummax, return_types.cummax, input, dim)


@public(out=True)
def cummin(input, dim: int):
    """(running minima along a dim, their indices)."""
    return _running_extreme(scan_sort.cummin, return_types.cummin, input, dim)


@public(out=True)
def logcumsumexp(input, dim: int):
    """log of the running sums of exp(input), without overflow."""
    check_tensor("logcumsumexp", input)
    if input._spec.dtype.category < FLOAT:
        raise NotImplementedError(f"\"logcumsumexp_out_cpu\" not implemented for '{TYPE_WORDS[input._spec.dtype.name]}'")
    return _scan(scan_sort.logcumsumexp, input, dim, None)


@public(out=True)
def diff(input, n: int = 1, dim: int = -1, prepend=None, append=None):
    """Each element less the one before it along a dim, n times over."""
    from suiren.api.joining import cat

    if input._spec.ndim < 1:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    d = dim_of(dim, input._spec.ndim)
    if n == 0:
        return record(creation.copy, (input,), ())
    pieces = [x for x in (prepend, input, append) if x is not None]
    x = cat(pieces, d) if len(pieces) > 1 else input
    for _ in range(n):
        size = x._spec.shape[d]
        later, earlier = part(x, d, min(1, size), max(size - 1, 0)), part(x, d, 0, max(size - 1, 0))
        x = compare.ne(later, earlier) if x._spec.dtype is dtypes.bool_ else pointwise.sub(later, earlier)
    return x

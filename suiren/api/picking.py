"""What index tensors name, and where a mask holds: x[tensor], `index_select`, `index_add`, `take`, `nonzero`, `masked_select` and their kin.

Source: the "Indexing" functions of https://docs.pytorch.org/docs/stable/torch.html. An index that is out of range raises when the recording runs; what
depends on where something holds runs what is pending.
"""

from __future__ import annotations

from math import prod

import numpy as np

from suiren import dtypes
from suiren.api import casting
from suiren.api.arguments import TYPE_WORDS, check_tensor, data_of, dim_of, fitting
from suiren.api.shapes import reshaped
from suiren.api.surface import public
from suiren.dtypes import BOOL
from suiren.ops import compare, creation, indexing, movement, pointwise
from suiren.tensor import Tensor
from suiren.trace.op import broadcast_shapes
from suiren.trace.recording import record
from suiren.trace.storage import Stored

BAD_INDEX = "index {value} is out of bounds for dimension %d with size {size}"
_BAD_FROM_END = "index {given} is out of bounds for dimension %d with size {size}"  # where negative ones count from the end
OUT_OF_RANGE = "index out of range in self"
_OUT_OF_ELEMENTS = "out of range: tried to access index {given} on a tensor of {size} elements."


def checked(index, size: int, message: str, wrap: bool = False, error: str = "IndexError"):
    """An index tensor as int64 that lies in 0 … size - 1 when it is used; `wrap` counts negative ones from the end, and `message` names {given}."""
    if index._spec.dtype is not dtypes.int64:
        index = creation.cast(index, dtype=dtypes.int64)
    if wrap:
        index = compare.where(compare.lt(index, 0), pointwise.add(index, size), index)
    return creation.check_index(index, size=size, message=message, error=error)


class Advanced:
    """Index tensors into dims of x, as one index into those dims merged: `take` and its kin do the rest."""

    def __init__(self, x, advanced: dict[int, Stored]):
        self.x = x
        self.dims = tuple(sorted(advanced))
        shape = x._spec.shape
        try:
            self.index_shape = broadcast_shapes(*(advanced[d]._spec.shape for d in self.dims))
        except RuntimeError:
            shapes = ", ".join(str(list(advanced[d]._spec.shape)) for d in self.dims)
            raise IndexError(f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}") from None
        # where the index's dims go: in place of the dims they index if those are neighbours, else in front
        adjacent = self.dims[-1] - self.dims[0] == len(self.dims) - 1
        self.at = self.dims[0] if adjacent else 0
        rest = [d for d in range(len(shape)) if d not in self.dims]
        self.order = (*rest[: self.at], *self.dims, *rest[self.at :])
        self.sizes = tuple(shape[d] for d in self.dims)
        index = None
        for d, n in zip(self.dims, self.sizes):
            place = checked(advanced[d], n, _BAD_FROM_END % d, wrap=True)
            index = place if index is None else pointwise.add(pointwise.mul(index, n), place)
        if index._spec.shape != self.index_shape:
            index = movement.expand(index, shape=self.index_shape)
        self.index = index

    def _merged(self, x):
        """x with the indexed dims as one, at `at`."""
        if self.order != tuple(range(len(self.order))):
            x = record(movement.permute, (x,), (self.order,))
        if len(self.dims) == 1:
            return x
        shape = x._spec.shape
        merged = (*shape[: self.at], prod(self.sizes), *shape[self.at + len(self.dims) :])
        return reshaped(x, merged)

    def read(self):
        return indexing.take(self._merged(self.x), self.index, dim=self.at)

    def written(self, value, accumulate: bool = False):
        """x with `value` at the indexed places."""
        merged = self._merged(self.x)
        shape = merged._spec.shape
        want = (*shape[: self.at], *self.index_shape, *shape[self.at + 1 :])
        if value._spec.dtype is not self.x._spec.dtype:
            value = creation.cast(value, dtype=self.x._spec.dtype)
        have = value._spec.shape
        while len(have) > len(want) and have[0] == 1:
            have = have[1:]
        if have != value._spec.shape:
            value = movement.reshape(value, shape=have)
        if have != want:
            try:
                value = movement.expand(value, shape=want)
            except (RuntimeError, IndexError):
                raise RuntimeError(
                    f"shape mismatch: value tensor of shape {list(have)} cannot be broadcast to indexing result of shape {list(want)}"
                ) from None
        op = indexing.index_add if accumulate else indexing.index_copy
        found = op(merged, self.index, value, dim=self.at)
        if len(self.dims) > 1:
            found = movement.reshape(found, shape=tuple(self.x._spec.shape[d] for d in self.order))
        back = tuple(self.order.index(d) for d in range(len(self.order)))
        return found if back == tuple(range(len(back))) else movement.permute(found, dims=back)


# ---------------------------------------------------------------- whole slices by index


_LONG = (dtypes.int64, dtypes.int32)


@public(out=True)
def index_select(input, dim: int, index):
    """The slices of a dim at a 1-dim index. IndexError for an index out of range."""
    check_tensor("index_select", input)
    check_tensor("index_select", index, "index", 3)
    if index._spec.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if index._spec.dtype not in _LONG:
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    shape = input._spec.shape
    d = dim_of(dim, len(shape))
    places = checked(index, shape[d] if shape else 1, OUT_OF_RANGE)
    if not shape:
        return movement.reshape(indexing.take(movement.reshape(input, shape=(1,)), places, dim=0), shape=())
    if not index._spec.ndim:
        places = movement.reshape(places, shape=(1,))
    return indexing.take(input, places, dim=d)


def _into_slices(op, input, d: int, places, source):
    """What an op puts into the slices of a dim, a 1-dim index and a source of fitting shape given; a 0-dim input has one slice."""
    shape = input._spec.shape
    if not shape:
        input = movement.reshape(input, shape=(1,))
    places = movement.reshape(places, shape=(places._spec.numel,))
    want = (*input._spec.shape[:d], places._spec.numel, *input._spec.shape[d + 1 :])
    found = op(input, places, source if source._spec.shape == want else movement.reshape(source, shape=want), dim=d)
    return found if shape else movement.reshape(found, shape=())


def _slices_of(function: str, input, dim: int, index, source) -> int:
    """The dim, counted from the front. TypeError for what is no tensor."""
    check_tensor(function, index, "index", 3)
    check_tensor(function, source, "source", 4)
    return dim_of(dim, input._spec.ndim)


@public(inplace=True, out=True)
def index_add(input, dim: int, index, source, *, alpha=1):
    """`input` with alpha * source added at the slices that a 1-dim index names."""
    d, s, n = _slices_of("index_add", input, dim, index, source), source._spec, index._spec.numel
    if index._spec.ndim > 1:
        raise IndexError(
            f"index_add_(): Index is supposed to be a vector, but got dim: {index._spec.ndim} with type: {TYPE_WORDS[index._spec.dtype.name]} and "
            f"size: {list(index._spec.shape)}"
        )
    if index._spec.dtype not in _LONG:
        raise RuntimeError(f"index_add_(): Expected dtype int32/int64 for index but got: {TYPE_WORDS[index._spec.dtype.name]}")
    if s.dtype is not input._spec.dtype:
        raise RuntimeError(
            f"index_add_(): self ({TYPE_WORDS[input._spec.dtype.name]}) and source ({TYPE_WORDS[s.dtype.name]}) must have the same scalar type"
        )
    if n != (s.shape[d] if s.ndim else 1):
        raise RuntimeError(f"index_add_(): Number of indices ({n}) should be equal to source.size(dim): ({s.shape[d] if s.ndim else 1}), for dim: {d}")
    if s.shape[:d] + s.shape[d + 1 :] != input._spec.shape[:d] + input._spec.shape[d + 1 :]:
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(input._spec.shape)} source.shape = {list(s.shape)}"
        )
    size = input._spec.shape[d] if input._spec.ndim else 1
    places = checked(index, size, BAD_INDEX % d, error="RuntimeError")
    return _into_slices(indexing.index_add, input, d, places, source if alpha == 1 else pointwise.mul(source, alpha))


@public(inplace=True, out=True)
@casting.promote
def index_copy(input, dim: int, index, source):
    """`input` with the slices of `source` at a 1-dim index."""
    d, s, n = _slices_of("index_copy", input, dim, index, source), source._spec, index._spec.numel
    if index._spec.ndim > 1:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index._spec.ndim})")
    if n != (s.shape[d] if s.ndim else 1):
        raise IndexError(f"index_copy_(): Number of indices ({n}) should be equal to source.size(dim) ({s.shape[d] if s.ndim else 1})")
    if index._spec.dtype is not dtypes.int64:
        raise RuntimeError(f"index_copy_(): Expected a long tensor for index, but got {TYPE_WORDS[index._spec.dtype.name]}")
    if s.dtype is not input._spec.dtype:
        raise RuntimeError(
            f"index_copy_(): self and source expected to have the same dtype, but got (self) {TYPE_WORDS[input._spec.dtype.name]} and (source) "
            f"{TYPE_WORDS[s.dtype.name]}"
        )
    mine, theirs = (x.shape[:d] + x.shape[d + 1 :] for x in (input._spec, s))
    if mine != theirs:
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{' '.join(map(str, mine))} at dimension {d} and source slice shape: {' '.join(map(str, theirs))} at dimension {d}."
        )
    size = input._spec.shape[d] if input._spec.ndim else 1
    return _into_slices(indexing.index_copy, input, d, checked(index, size, f"index_copy_(): {BAD_INDEX % d}"), source)


@public(inplace=True)
def index_fill(input, dim: int, index, value):
    """`input` with one number in the slices that a 1-dim index names."""
    check_tensor("index_fill", index, "index", 3)
    d = dim_of(dim, input._spec.ndim)
    shape = input._spec.shape
    if not isinstance(value, Stored):
        value = fitting(value, input._spec.dtype)
    value = creation.cast(value, dtype=input._spec.dtype) if isinstance(value, Stored) else creation.full(value, shape=(), dtype=input._spec.dtype)
    if index._spec.dtype is not dtypes.int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if index._spec.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    if value._spec.ndim:
        raise RuntimeError(f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value._spec.ndim} dimension(s).")
    n = shape[d] if shape else 1
    places = movement.reshape(checked(index, n, _BAD_FROM_END % d, wrap=True), shape=(index._spec.numel,))
    ones = creation.constant(value=True, shape=(index._spec.numel,), dtype=dtypes.bool_)
    hit = indexing.index_copy(creation.zeros((n,), dtypes.bool_), places, ones, dim=0)  # so a place that is named twice counts once in backward
    return compare.where(movement.reshape(hit, shape=(n, *(1,) * (len(shape) - d - 1)) if shape else ()), value, input)


def _elements(function: str, input, index):
    """An index into the flattened elements. TypeError or RuntimeError for what is no index."""
    check_tensor(function, index, "index", 2)
    if index._spec.dtype is not dtypes.int64:
        raise RuntimeError(f"{function}(): Expected a long tensor for index, but got {TYPE_WORDS[index._spec.dtype.name]}")
    return checked(index, input._spec.numel, _OUT_OF_ELEMENTS, wrap=True)


@public(out=True)
def take(input, index):
    """The elements at places of the flattened tensor."""
    return indexing.take(reshaped(input, (input._spec.numel,)), _elements("take", input, index), dim=0)


@public(inplace=True)
def put(input, index, source, accumulate: bool = False):
    """`input` with the elements of `source` at places of its flattened elements."""
    n, count = input._spec.numel, index._spec.numel
    places = reshaped(_elements("put_", input, index), (count,))
    if source._spec.dtype is not input._spec.dtype:
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {TYPE_WORDS[input._spec.dtype.name]} and source.dtype = "
            f"{TYPE_WORDS[source._spec.dtype.name]}"
        )
    if source._spec.numel != count:
        raise IndexError(
            f"put_(): Expected source and index to have the same number of elements, but got source.numel() = {source._spec.numel}, index.numel() = {count}"
        )
    op = indexing.index_add if accumulate else indexing.index_copy
    found = op(reshaped(input, (n,)), places, reshaped(source, (count,)), dim=0)
    return reshaped(found, input._spec.shape)


# ---------------------------------------------------------------- where something holds


@public(out=True)
def nonzero(input, *, as_tuple: bool = False):
    """The places of elements that are not 0: an (n, ndim) tensor, or a tensor per dim. Runs what is pending."""
    check_tensor("nonzero", input)
    places = np.nonzero(np.atleast_1d(data_of(input)))
    if as_tuple:
        return tuple(Tensor.from_array(p, copy=True) for p in places)
    stacked = np.stack(places, axis=1) if input._spec.ndim else np.zeros((len(places[0]), 0), np.int64)
    return Tensor.from_array(stacked.astype(np.int64), copy=True)


@public()
def argwhere(input):
    """The places of elements that are not 0, as an (n, ndim) tensor."""
    return nonzero(input)


@public(out=True)
def masked_select(input, mask):
    """The elements where the mask is true, as one dim. Runs what is pending."""
    check_tensor("masked_select", mask, "mask", 2)
    if mask._spec.dtype.category != BOOL:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast_shapes(mask._spec.shape, input._spec.shape)
    flags = np.broadcast_to(mask.detach().numpy(), shape)
    places = Tensor.from_array(np.flatnonzero(flags), copy=True)
    whole = movement.expand(input, shape=shape) if input._spec.shape != shape else input
    return indexing.take(reshaped(whole, (prod(shape),)), places, dim=0)


@public(inplace=True)
def masked_scatter(input, mask, source):
    """`input` with the next element of `source` wherever the mask is true."""
    check_tensor("masked_scatter", mask, "mask", 2)
    check_tensor("masked_scatter", source, "source", 3)
    if mask._spec.dtype.category != BOOL:
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {TYPE_WORDS[mask._spec.dtype.name]}")
    if source._spec.dtype is not input._spec.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got{TYPE_WORDS[input._spec.dtype.name]} and {TYPE_WORDS[source._spec.dtype.name]}"
        )
    shape = broadcast_shapes(input._spec.shape, mask._spec.shape)
    flags = np.broadcast_to(mask.detach().numpy(), shape)
    places = np.flatnonzero(flags)
    if places.size > source._spec.numel:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    n = prod(shape)
    values = movement.slice(reshaped(source, (source._spec.numel,)), starts=(0,), sizes=(places.size,), steps=(1,))
    base = movement.expand(input, shape=shape) if input._spec.shape != shape else input
    found = indexing.index_copy(reshaped(base, (n,)), Tensor.from_array(places, copy=True), values, dim=0)
    return movement.reshape(found, shape=shape)

"""Indexing: x[…], and functions that pick or write elements by index tensors.

Source: https://docs.pytorch.org/docs/stable/tensor_view.html and the "Indexing" functions of torch. Slices, integers, None and ... give views.
Index tensors copy; a bool index has to be looked at, which runs what is pending. An index that is out of range raises when the recording runs.
"""

from __future__ import annotations

from math import prod

import numpy as np

from suiren import dtypes
from suiren.api import casting
from suiren.api.arguments import TYPE_WORDS, check_tensor, data_of, dim_of, integer, is_number, known, remember
from suiren.api.shapes import expand, reshaped
from suiren.api.surface import public
from suiren.dtypes import BOOL, FLOAT
from suiren.ops import combining, compare, creation, indexing, movement, pointwise, reduce, views
from suiren.ops.placement import view_write
from suiren.tensor import Tensor
from suiren.trace.op import broadcast_shapes
from suiren.trace.recording import record, record1
from suiren.trace.shown import of_computed, remembered
from suiren.trace.storage import Stored
from suiren.trace.views import write

BAD_INDEX = "index {value} is out of bounds for dimension %d with size {size}"
OUT_OF_RANGE = "index out of range in self"


def checked(index, size: int, message: str, wrap: bool = False, error: str = "IndexError"):
    """An index tensor as int64 that lies in 0 … size - 1 when it is used; `wrap` counts negative ones from the end."""
    if index._spec.dtype is not dtypes.int64:
        index = creation.cast(index, dtype=dtypes.int64)
    if wrap:
        index = compare.where(compare.lt(index, 0), pointwise.add(index, size), index)
    return creation.check_index(index, size=size, message=message, error=error)


# ---------------------------------------------------------------- x[…]


@public(function=False)
def __getitem__(self, index):
    """x[index]: integers, slices, None, ..., bools, and index tensors or lists. IndexError where there is nothing."""
    cls = index.__class__
    if cls is int:
        plain = index
    else:
        plain = _key(index if cls is tuple else (index,))
        if plain is None:
            view, advanced = _basic(self, index)
            if not advanced:
                return view if view is not self else record1(views.alias, self, ())
            return _Advanced(view, advanced).read()
    key = ("[]", self._spec, plain)
    view = of_computed(self, key)
    if view is not None:
        return view
    view = self
    if cls is int:
        shape = self._spec.shape
        if not shape:
            raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number")
        n = shape[0]
        if not -n <= index < n:
            raise IndexError(f"index {index} is out of bounds for dimension 0 with size {n}")
        view = record1(movement.select, self, (0, index + n if index < 0 else index))
    else:
        for op, params in _known_steps(self, plain, index):
            view = record1(op, view, params)
    return view if self._buffer is None else remembered(key, self, view)


def _key(index: tuple) -> tuple | None:
    """What tells one index of integers, slices, None and ... from another; None for an index of anything else."""
    found = []
    for item in index:
        cls = item.__class__
        if cls is int:
            found.append(item)
        elif cls is slice:
            start, stop, step = item.start, item.stop, item.step
            if start.__class__ not in _PLAIN or stop.__class__ not in _PLAIN or step.__class__ not in _PLAIN:
                return None
            found.append((start, stop, step))
        elif item is None or item is Ellipsis:
            found.append(item)
        else:
            return None
    return tuple(found)


_PLAIN = frozenset((int, type(None)))


_NUMBERS = frozenset((bool, int, float))


def _known_steps(x, key: tuple, index) -> tuple:
    """The movement ops, with their parameters, that lead from x to x[index]; `key` says all of the index."""
    steps = known(("[]", x._spec, key))
    if steps is not None:
        return steps
    source = x if x._interpret is None else creation.constant(value=0, shape=x._spec.shape, dtype=x._spec.dtype)
    found, view = [], _basic(source, index)[0]
    while view is not source:
        found.append((view._view_op, view._view_params))
        view = view._parent
    return remember(("[]", x._spec, key), tuple(reversed(found)) or ((views.alias, ()),))


@public(function=False)
def __setitem__(self, index, value) -> None:
    """x[index] = value, broadcast and converted to the dtype of x."""
    if value.__class__ in _NUMBERS:
        key = _key(index if index.__class__ is tuple else (index,))
        if key is not None:
            view = self
            for op, params in _known_steps(self, key, index):
                view = record1(op, view, params)
            write(view, record(creation.full, (value,), (view._spec.shape, view._spec.dtype)))
            return
    if not isinstance(value, Stored):
        if not is_number(value):
            value = Tensor.from_array(np.asarray(value, self._spec.dtype.np), copy=True)
        else:
            value = record(creation.full, (value,), ((), self._spec.dtype))
    mask = _whole_mask(self, index)
    if mask is not None and value._spec.numel == 1:
        write(self, compare.where(mask, creation.cast(movement.reshape(value, shape=()), dtype=self._spec.dtype), self))
        return
    view, advanced = _basic(self, index)
    if advanced:
        write(view, _Advanced(view, advanced).written(value))
    else:
        extra = value._spec.ndim - view._spec.ndim
        if extra > 0 and prod(value._spec.shape[:extra]) == 1:  # leading dims of size 1 may be left out
            value = movement.reshape(value, shape=value._spec.shape[extra:])
        write(view, value if value._spec.shape == view._spec.shape else expand(value, view._spec.shape))


def _whole_mask(x, index):
    """A bool tensor that covers leading dims of x, shaped to broadcast with it; else None."""
    if not isinstance(index, Stored) or index._spec.dtype.category != BOOL or not index._spec.ndim:
        return None
    _check_mask(index._spec.shape, x._spec.shape, 0)
    return movement.reshape(index, shape=index._spec.shape + (1,) * (x._spec.ndim - index._spec.ndim))


def _check_mask(mask: tuple[int, ...], shape: tuple[int, ...], at: int) -> None:
    if len(mask) > len(shape) - at:
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    for i, (have, want) in enumerate(zip(mask, shape[at:])):
        if have != want:
            raise IndexError(
                f"The shape of the mask {list(mask)} at index {i} does not match the shape of the indexed tensor {list(shape)} at index {at + i}"
            )


def _items(index) -> tuple:
    """An index as a tuple, with lists and arrays as tensors."""
    items = index if isinstance(index, tuple) else (index,)
    if isinstance(index, list) and len(index) < 32 and any(isinstance(x, (list, tuple, slice, Stored, np.ndarray)) or x in (None, Ellipsis) for x in index):
        items = tuple(index)  # a list of sequences counts as a tuple, as it did in NumPy
    found = []
    for item in items:
        if isinstance(item, (list, range, np.ndarray)):
            array = np.asarray(item)
            if array.size == 0 and array.dtype.kind == "f":
                array = array.astype(np.int64)
            if array.dtype.kind not in "iub":
                raise IndexError(_wrong_index(item))
            item = Tensor.from_array(array, copy=True)
        found.append(item)
    return tuple(found)


def _wrong_index(item) -> str:
    return (
        f"only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {type(item).__name__})"
    )


def _consumes(item) -> int:
    """How many dims of the tensor an item stands for."""
    if item is None or item is Ellipsis or isinstance(item, (bool, np.bool_)):
        return 0
    if isinstance(item, Stored) and item._spec.dtype.category == BOOL:
        return item._spec.ndim
    return 1


def _basic(x, index):
    """(the view that integers, slices, None and ... give, {dim of the view: index tensor}): at most one slice and one reshape."""
    items = _items(index)
    shape = x._spec.shape
    used = sum(map(_consumes, items))
    if used > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    ellipses = sum(item is Ellipsis for item in items)
    if ellipses > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if not ellipses:
        items = (*items, Ellipsis)
    starts, sizes, steps = [], [], []  # per dim of x
    picked: list[int] = []  # the dims of x that are gone
    result: list[int] = []  # the shape of the view
    advanced: dict[int, Stored] = {}
    for item in items:
        at = len(starts)
        if item is Ellipsis:
            for n in shape[at : at + len(shape) - used]:
                starts.append(0), sizes.append(n), steps.append(1), result.append(n)
        elif item is None:
            result.append(1)
        elif isinstance(item, (bool, np.bool_)):  # x[True] is x[None]; x[False] has none of it
            advanced[len(result)] = Tensor.from_array(np.zeros(int(item), np.int64))
            result.append(1)
        elif isinstance(item, slice):
            start, size, step = bounds_of(item, shape[at])
            starts.append(start), sizes.append(size), steps.append(step), result.append(size)
        elif isinstance(item, Stored) and item._spec.dtype.category == BOOL:
            _check_mask(item._spec.shape, shape, at)
            places = np.nonzero(item.detach().numpy()) if item._spec.ndim else np.nonzero(np.atleast_1d(item.detach().numpy()))
            if not item._spec.ndim:
                result.append(1)
                advanced[len(result) - 1] = Tensor.from_array(places[0], copy=True)
            for p, n in zip(places, item._spec.shape):
                advanced[len(result)] = Tensor.from_array(p, copy=True)
                starts.append(0), sizes.append(n), steps.append(1), result.append(n)
        elif isinstance(item, Stored) and (item._spec.ndim or item._spec.dtype.category >= FLOAT or item._interpret is not None):
            if item._spec.dtype.category >= FLOAT:
                raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
            advanced[len(result)] = item
            starts.append(0), sizes.append(shape[at]), steps.append(1), result.append(shape[at])
        elif hasattr(item, "__index__"):
            i, n = item.__index__(), shape[at]
            if not -n <= i < n:
                raise IndexError(f"index {i} is out of bounds for dimension {at} with size {n}")
            picked.append(at)
            starts.append(i + n if i < 0 else i), sizes.append(1), steps.append(1)
        else:
            if isinstance(item, str):
                raise TypeError("new(): invalid data type 'str'")
            raise IndexError(_wrong_index(item))
    view = x
    if 0 < len(picked) <= 2 and len(result) == len(shape) - len(picked) and all(sizes[d] == n and steps[d] == 1 for d, n in enumerate(shape) if d not in picked):
        for d in reversed(picked):  # nothing but integers: as PyTorch does it
            view = record1(movement.select, view, (d, starts[d]))
        return view, advanced
    if tuple(sizes) != shape or any(s != 1 for s in steps):
        view = record1(movement.slice, view, (tuple(starts), tuple(sizes), tuple(steps)))
    if tuple(result) != view._spec.shape:
        view = record1(movement.reshape, view, (tuple(result),))
    return view, advanced


def bounds_of(item: slice, n: int) -> tuple[int, int, int]:
    """(start, size, step). ValueError for a step that is not positive."""
    start, stop, step = (None if v is None else integer(v) for v in (item.start, item.stop, item.step))
    if step is not None and step <= 0:
        raise ValueError("step must be greater than zero")
    start, stop, step = slice(start, stop, step).indices(n)
    return start, max(0, -((start - stop) // step)), step


class _Advanced:
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
            place = checked(advanced[d], n, BAD_INDEX % d, wrap=True)
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


def _index_1d(function: str, index) -> None:
    if index._spec.ndim > 1:
        raise IndexError(f"{function}(): Index is supposed to be a vector")
    if index._spec.dtype.category != dtypes.INTEGER:
        raise RuntimeError(f"{function}(): Expected dtype int32 or int64 for index")


@public(out=True)
def index_select(input, dim: int, index):
    """The slices of a dim at a 1-dim index. IndexError for an index out of range."""
    check_tensor("index_select", input)
    _index_1d("index_select", index)
    shape = input._spec.shape
    d = dim_of(dim, len(shape))
    places = checked(index, shape[d] if shape else 1, OUT_OF_RANGE)
    if not shape:
        return movement.reshape(indexing.take(movement.reshape(input, shape=(1,)), places, dim=0), shape=())
    if not index._spec.ndim:
        places = movement.reshape(places, shape=(1,))
    return indexing.take(input, places, dim=d)


def _into_slices(op, function: str, input, dim: int, index, source, alpha=1):
    _index_1d(function, index)
    shape = input._spec.shape
    d = dim_of(dim, len(shape))
    if source._spec.dtype is not input._spec.dtype:
        raise RuntimeError(
            f"{function}_(): self ({TYPE_WORDS[input._spec.dtype.name]}) and source ({TYPE_WORDS[source._spec.dtype.name]}) must have the same scalar type"
        )
    if not shape:
        input, source = movement.reshape(input, shape=(1,)), movement.reshape(source, shape=(1,))
    places = movement.reshape(checked(index, input._spec.shape[d], OUT_OF_RANGE), shape=(index._spec.numel,))
    want = (*input._spec.shape[:d], index._spec.numel, *input._spec.shape[d + 1 :])
    if source._spec.shape != want:
        if source._spec.numel != prod(want):
            raise RuntimeError(
                f"{function}_(): Number of indices ({index._spec.numel}) should be equal to source.size(dim): ({source._spec.shape[d] if source._spec.ndim else 1}), for dim: {d}"
            )
        source = movement.reshape(source, shape=want)
    found = op(input, places, source if alpha == 1 else pointwise.mul(source, alpha), dim=d)
    return found if shape else movement.reshape(found, shape=())


@public(inplace=True, out=True)
def index_add(input, dim: int, index, source, *, alpha=1):
    """`input` with alpha * source added at the slices that a 1-dim index names."""
    return _into_slices(indexing.index_add, "index_add", input, dim, index, source, alpha)


@public(inplace=True, out=True)
@casting.promote
def index_copy(input, dim: int, index, source):
    """`input` with the slices of `source` at a 1-dim index."""
    return _into_slices(indexing.index_copy, "index_copy", input, dim, index, source)


@public(inplace=True)
def index_fill(input, dim: int, index, value):
    """`input` with one number in the slices that a 1-dim index names."""
    d = dim_of(dim, input._spec.ndim)
    shape = input._spec.shape
    value = creation.cast(value, dtype=input._spec.dtype) if isinstance(value, Stored) else creation.full(value, shape=(), dtype=input._spec.dtype)
    _index_1d("index_fill", index)
    if value._spec.ndim:
        raise RuntimeError(f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value._spec.ndim} dimension(s).")
    n = shape[d] if shape else 1
    places = movement.reshape(checked(index, n, OUT_OF_RANGE), shape=(index._spec.numel,))
    ones = creation.constant(value=True, shape=(index._spec.numel,), dtype=dtypes.bool_)
    hit = indexing.index_copy(creation.zeros((n,), dtypes.bool_), places, ones, dim=0)  # so a place that is named twice counts once in backward
    return compare.where(movement.reshape(hit, shape=(n, *(1,) * (len(shape) - d - 1)) if shape else ()), value, input)


@public(inplace=True)
def index_put(input, indices, values, accumulate: bool = False):
    """`input` with `values` at a tuple of index tensors, as x[indices] = values; added there if `accumulate`."""
    view, advanced = _basic(input, tuple(indices))
    if values._spec.dtype is not input._spec.dtype:
        raise RuntimeError(
            f"Index put requires the source and destination dtypes match, got {TYPE_WORDS[input._spec.dtype.name]} for the destination and "
            f"{TYPE_WORDS[values._spec.dtype.name]} for the source."
        )
    return _Advanced(view, advanced).written(values, accumulate)


@public(out=True)
def take(input, index):
    """The elements at places of the flattened tensor."""
    n = input._spec.numel
    return indexing.take(reshaped(input, (n,)), checked(index, n, "out of range: tried to access index {value} on a tensor of {size} elements.", wrap=True), dim=0)


@public(inplace=True)
def put(input, index, source, accumulate: bool = False):
    """`input` with the elements of `source` at places of its flattened elements."""
    n = input._spec.numel
    flat_index = reshaped(checked(index, n, "out of range: tried to access index {value} on a tensor of {size} elements.", wrap=True), (index._spec.numel,))
    op = indexing.index_add if accumulate else indexing.index_copy
    found = op(reshaped(input, (n,)), flat_index, reshaped(source, (source._spec.numel,)), dim=0)
    return reshaped(found, input._spec.shape)


# ---------------------------------------------------------------- element by element


def element_index(function: str, input, dim: int, index, wrap: bool = False):
    """(dim, a checked index), for gather and scatter; 0-dim tensors count as 1-dim."""
    if index._spec.dtype not in (dtypes.int64, dtypes.int32) and index._spec.numel:
        raise RuntimeError(f"{function}(): Expected dtype int32/int64 for index")
    if max(index._spec.ndim, 1) != max(input._spec.ndim, 1) and index._spec.numel:
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    d = dim_of(dim, input._spec.ndim)
    for i, (n, m) in enumerate(zip(index._spec.shape, input._spec.shape)):
        if i != d and n > m:
            what = "input" if function == "gather" else "self"
            raise RuntimeError(
                f"Size does not match at dimension {i} expected index {list(index._spec.shape)} to be no larger than {what} {list(input._spec.shape)} apart from dimension {d}"
            )
    n = input._spec.shape[d] if input._spec.ndim else 1
    return d, checked(index, n, BAD_INDEX % d, wrap, "RuntimeError")


def _as_1d(x):
    return x if x._spec.ndim else movement.reshape(x, shape=(1,))


@public(out=True)
def gather(input, dim: int, index, *, sparse_grad: bool = False):
    """out[i][j] = input[index[i][j]][j] (dim 0), and so on: the shape of the index."""
    check_tensor("gather", input)
    d, places = element_index("gather", input, dim, index)
    found = indexing.gather(_as_1d(input), _as_1d(places), dim=d)
    return found if index._spec.ndim else movement.reshape(found, shape=())


def scattered(function: str, input, dim: int, index, src, op):
    d, places = element_index(function, input, dim, index)
    x, places = _as_1d(input), _as_1d(places)
    shape = places._spec.shape
    if is_number(src):
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
            return scattered("scatter", input, dim, index, src, combining.scatter_prod)
        raise RuntimeError("reduce argument must be either add or multiply.")
    return scattered("scatter", input, dim, index, src, indexing.scatter_add if reduce else indexing.scatter)


@public(inplace=True, out=True)
def scatter_add(input, dim: int, index, src):
    """As `scatter`, adding."""
    return scattered("scatter", input, dim, index, src, indexing.scatter_add)


@public()
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
    return indexing.gather(input, element_index("gather", input, d, indices, wrap=True)[1], dim=d)


# ---------------------------------------------------------------- where something holds


@public()
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
    if mask._spec.dtype.category != BOOL:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    shape = broadcast_shapes(input._spec.shape, mask._spec.shape)
    flags = np.broadcast_to(mask.detach().numpy(), shape)
    places = Tensor.from_array(np.flatnonzero(flags), copy=True)
    whole = movement.expand(input, shape=shape) if input._spec.shape != shape else input
    return indexing.take(reshaped(whole, (prod(shape),)), places, dim=0)


@public(inplace=True)
def masked_scatter(input, mask, source):
    """`input` with the next element of `source` wherever the mask is true."""
    shape = broadcast_shapes(input._spec.shape, mask._spec.shape)
    flags = np.broadcast_to(mask.detach().numpy(), shape)
    places = np.flatnonzero(flags)
    if places.size > source._spec.numel:
        raise RuntimeError("masked_scatter: expected self and source to have same dtypes and enough elements in source")
    n = prod(shape)
    values = movement.slice(reshaped(source, (source._spec.numel,)), starts=(0,), sizes=(places.size,), steps=(1,))
    base = movement.expand(input, shape=shape) if input._spec.shape != shape else input
    found = indexing.index_copy(reshaped(base, (n,)), Tensor.from_array(places, copy=True), values, dim=0)
    return movement.reshape(found, shape=shape)


# ---------------------------------------------------------------- triangles and diagonals


def _corner(input, diagonal: int, below: bool):
    shape = input._spec.shape
    if len(shape) < 2:
        raise RuntimeError(f"{'tril' if below else 'triu'}: input tensor must have at least 2 dimensions")
    row = movement.reshape(record(creation.iota, (), (shape[-2],)), shape=(shape[-2], 1))
    column = record(creation.iota, (), (shape[-1],))
    gap = pointwise.sub(column, row)
    kept = (compare.le if below else compare.ge)(gap, diagonal)
    return compare.where(kept, input, creation.constant(value=0, shape=(), dtype=input._spec.dtype))


@public(inplace=True, out=True)
def tril(input, diagonal: int = 0):
    """The matrices with zeros above a diagonal."""
    return _corner(input, diagonal, True)


@public(inplace=True, out=True)
def triu(input, diagonal: int = 0):
    """The matrices with zeros below a diagonal."""
    return _corner(input, diagonal, False)


def _corner_places(find, row: int, col: int, offset: int, dtype):
    places = np.stack(find(row, offset, col)).astype((dtype or dtypes.int64).np)
    return Tensor.from_array(places, copy=True)


@public(method=False)
def tril_indices(row: int, col: int, offset: int = 0, *, dtype=None, device=None):
    """(rows, columns) of the elements below a diagonal, as a (2, n) tensor."""
    return _corner_places(np.tril_indices, row, col, offset, dtype)


@public(method=False)
def triu_indices(row: int, col: int, offset: int = 0, *, dtype=None, device=None):
    """(rows, columns) of the elements above a diagonal, as a (2, n) tensor."""
    return _corner_places(np.triu_indices, row, col, offset, dtype)


@public()
def diag_embed(input, offset: int = 0, dim1: int = -2, dim2: int = -1):
    """The last dim as the diagonal of square matrices of zeros."""
    n = input._spec.shape[-1] + abs(offset)
    ndim = input._spec.ndim + 1
    a, b = dim_of(dim1, ndim), dim_of(dim2, ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    rest = list(input._spec.shape[:-1])
    shape = [n if i in (a, b) else rest.pop(0) for i in range(ndim)]
    target = creation.zeros(tuple(shape), input._spec.dtype)
    return view_write(target, input, op=movement.diagonal, op_params=(offset, a, b))


@public(out=True)
def diag(input, diagonal: int = 0):
    """The diagonal of a matrix, or the matrix with a vector as its diagonal."""
    if input._spec.ndim == 1:
        return diag_embed(input, diagonal)
    if input._spec.ndim != 2:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input._spec.ndim}D")
    return record(creation.copy, (record(movement.diagonal, (input,), (diagonal, 0, 1)),), ())


@public()
def diagflat(input, offset: int = 0):
    """The matrix with the flattened elements as its diagonal."""
    return diag_embed(reshaped(input, (input._spec.numel,)), offset)


@public(out=True)
@casting.wide
def trace(input):
    """The sum of a matrix's diagonal."""
    if input._spec.ndim != 2:
        raise RuntimeError("trace: expected a matrix")
    return reduce.sum(record(movement.diagonal, (input,), (0, 0, 1)), dims=(0,), keepdim=False)


# ---------------------------------------------------------------- writing into a part, out of place


@public()
def select_scatter(input, src, dim: int, index: int):
    """`input` with `src` at one place of a dim."""
    d = dim_of(dim, input._spec.ndim)
    n = input._spec.shape[d]
    return view_write(input, src, op=movement.select, op_params=(d, index + n if index < 0 else index))


@public()
def slice_scatter(input, src, dim: int = 0, start: int | None = None, end: int | None = None, step: int = 1):
    """`input` with `src` in a slice of a dim."""
    shape, d = input._spec.shape, dim_of(dim, input._spec.ndim)
    first, size, step = bounds_of(slice(start, end, step), shape[d])
    params = (
        tuple(first if i == d else 0 for i in range(len(shape))),
        tuple(size if i == d else n for i, n in enumerate(shape)),
        tuple(step if i == d else 1 for i in range(len(shape))),
    )
    return view_write(input, src, op=movement.slice, op_params=params)


@public()
def diagonal_scatter(input, src, offset: int = 0, dim1: int = 0, dim2: int = 1):
    """`input` with `src` on a diagonal."""
    a, b = dim_of(dim1, input._spec.ndim), dim_of(dim2, input._spec.ndim)
    return view_write(input, src, op=movement.diagonal, op_params=(offset, a, b))


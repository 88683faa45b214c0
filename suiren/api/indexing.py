"""Indexing: x[…] and x[…] = y, and functions that say the same by name.

Source: https://docs.pytorch.org/docs/stable/tensor_view.html. Slices, integers, None and ... give views. Index tensors copy (picking.py); a bool index has
to be looked at, which runs what is pending.
"""

from __future__ import annotations

from math import prod

import numpy as np

from suiren.api.arguments import TYPE_WORDS, check_tensor, dim_of, fitting, integer, is_number, known, remember
from suiren.api.picking import Advanced
from suiren.api.shapes import expand
from suiren.api.surface import public
from suiren.dtypes import BOOL, FLOAT, bool_, int32, int64, uint8
from suiren.ops import compare, creation, movement, views
from suiren.ops.placement import view_write
from suiren.tensor import Tensor
from suiren.trace.recording import record, record1
from suiren.trace.shown import of_computed, remembered
from suiren.trace.storage import Stored
from suiren.trace.views import write
from suiren.warned import warn

_PLAIN = frozenset((int, type(None)))
_NUMBERS = frozenset((bool, int, float))
_INDICES = (int64, int32, bool_)  # dtypes of index tensors; bytes are a mask

_NOT_A_TUPLE = (
    "Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use x[tuple(seq)] instead of x[seq]. In "
    "pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], which will result either in an error or a different result"
)


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
            return Advanced(view, advanced).read()
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
            value = fitting(value, view._spec.dtype)
            write(view, record(creation.full, (value,), (view._spec.shape, view._spec.dtype)))
            return
    if not isinstance(value, Stored):
        if not is_number(value):
            value = Tensor.from_array(np.asarray(value, self._spec.dtype.np), copy=True)
        else:
            value = fitting(value, self._spec.dtype)
            value = record(creation.full, (value,), ((), self._spec.dtype))
    index = _mask_of(index) if isinstance(index, Stored) else index
    mask = _whole_mask(self, index)
    if mask is not None and value._spec.numel == 1:
        write(self, compare.where(mask, creation.cast(movement.reshape(value, shape=()), dtype=self._spec.dtype), self))
        return
    view, advanced = _basic(self, index)
    if advanced:
        if value._spec.dtype is not self._spec.dtype:
            raise RuntimeError(_other_dtype(self, value))
        write(view, Advanced(view, advanced).written(value))
    else:
        if value._spec.dtype is not self._spec.dtype:
            value = creation.cast(value, dtype=self._spec.dtype)
        extra = value._spec.ndim - view._spec.ndim
        if extra > 0 and prod(value._spec.shape[:extra]) == 1:  # leading dims of size 1 may be left out
            value = movement.reshape(value, shape=value._spec.shape[extra:])
        write(view, value if value._spec.shape == view._spec.shape else expand(value, view._spec.shape))


@public(inplace=True)
def index_put(input, indices, values, accumulate: bool = False):
    """`input` with `values` at a tuple of index tensors, as x[indices] = values; added there if `accumulate`."""
    for i, index in enumerate(indices):
        if not isinstance(index, Stored):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {type(index).__name__}")
    check_tensor("index_put", values, "values", 3)
    view, advanced = _basic(input, tuple(indices))
    if values._spec.dtype is not input._spec.dtype:
        raise RuntimeError(_other_dtype(input, values))
    return Advanced(view, advanced).written(values, accumulate)


def _other_dtype(x, value) -> str:
    return (
        f"Index put requires the source and destination dtypes match, got {TYPE_WORDS[x._spec.dtype.name]} for the destination and "
        f"{TYPE_WORDS[value._spec.dtype.name]} for the source."
    )


# ---------------------------------------------------------------- what an index says


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


def _mask_of(index):
    """An index tensor of the dtypes that there are indices of: bytes are a mask. IndexError for another dtype."""
    d = index._spec.dtype
    if d is uint8:
        if index._spec.ndim:
            warn("indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.")
        return compare.ne(index, 0)
    if d.category >= FLOAT or (d not in _INDICES and index._spec.ndim):
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return index


def _items(index) -> tuple:
    """An index as a tuple, with lists and arrays as tensors."""
    items = index if isinstance(index, tuple) else (index,)
    if isinstance(index, list) and len(index) < 32 and any(isinstance(x, (list, tuple, slice, Stored, np.ndarray)) or x in (None, Ellipsis) for x in index):
        items = tuple(index)  # a list of sequences counts as a tuple, as it did in NumPy
        warn(_NOT_A_TUPLE)
    found = []
    for item in items:
        if isinstance(item, (list, tuple, range, np.ndarray)):
            array = np.asarray(item)
            if array.size == 0 and array.dtype.kind == "f":
                array = array.astype(np.int64)
            if array.dtype.kind not in "iub":
                raise IndexError(_wrong_index(item))
            item = Tensor.from_array(array if array.dtype.kind == "b" or array.dtype == np.uint8 else array.astype(np.int64), copy=True)
        found.append(_mask_of(item) if isinstance(item, Stored) else item)
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
    if used > len(shape) and (shape or not isinstance(items[0], slice)):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
    if not any(item is Ellipsis for item in items):
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
            if not shape:
                raise IndexError("slice() cannot be applied to a 0-dim tensor.")
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
        elif isinstance(item, Stored) and (item._spec.ndim or item._interpret is not None):
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
    try:
        start, stop, step = (None if v is None else integer(v) for v in (item.start, item.stop, item.step))
    except TypeError:
        raise TypeError("slice indices must be integers or None or have an __index__ method") from None
    if step is not None and step <= 0:
        raise ValueError("step must be greater than zero")
    start, stop, step = slice(start, stop, step).indices(n)
    return start, max(0, -((start - stop) // step)), step


# ---------------------------------------------------------------- writing into a part, out of place


@public()
def select_scatter(input, src, dim: int, index: int):
    """`input` with `src` at one place of a dim."""
    d = dim_of(dim, input._spec.ndim)
    n = input._spec.shape[d]
    return view_write(input, src, op=movement.select, op_params=(d, index + n if index < 0 else index))


@public(out=True)
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

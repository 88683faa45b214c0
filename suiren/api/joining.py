"""Joining tensors and taking them apart. Source: https://docs.pytorch.org/docs/stable/torch.html#indexing-slicing-joining-mutating-ops

Joining copies; the parts that splitting gives are views.
"""

from __future__ import annotations

import functools
from math import prod

from suiren.api import casting
from suiren.api.arguments import dim_of, integer, known, remember
from suiren.api.shapes import part, part_of, reshaped
from suiren.api.surface import public
from suiren.dtypes import promote_types
from suiren.ops import movement, placement
from suiren.ops.creation import cast
from suiren.runtime.buffers import Buffer
from suiren.tensor import Tensor
from suiren.trace.recording import record, record1
from suiren.trace.shown import is_there, viewing
from suiren.trace.spec import Spec, spec
from suiren.trace.storage import Stored, adopt, array_of, memory_of

# ---------------------------------------------------------------- joining


def _tensors(function: str, tensors) -> list:
    if isinstance(tensors, Stored) or not isinstance(tensors, (tuple, list)):
        raise TypeError(f"{function}(): argument 'tensors' (position 1) must be tuple of Tensors, not {'Tensor' if isinstance(tensors, Stored) else type(tensors).__name__}")
    for i, x in enumerate(tensors):
        if not isinstance(x, Stored):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {_name_in_c(type(x))}")
    return list(tensors)


def _name_in_c(cls: type) -> str:
    """What C calls a class: one that is made in C has its module's name before it, if that is not builtins."""
    is_made_in_python = cls.__flags__ & 1 << 9  # Py_TPFLAGS_HEAPTYPE
    return cls.__name__ if is_made_in_python or cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"


# From so many tensors on, those that are there are joined at once: samples that are drawn anew in every step. Which of them are the same memory
# is structure, so every draw would be a program of its own.
_MANY = 8


def _joined(tensors: list, dim: int):
    if len(tensors) < _MANY or not all(map(is_there, tensors)):
        return record(placement.cat, tuple(tensors), (dim,))
    kinds = tuple([x._spec for x in tensors])
    (s,) = placement.cat.infer(kinds, (dim,))
    if prod(s.shape[:dim]) == 1:
        joined = _side_by_side(tensors, s)
        if joined is not None:
            return joined
    (joined,) = placement.cat.interpret([array_of(x) for x in tensors], kinds, (dim,), (s,))
    return Tensor.from_array(joined, copy=not joined.flags.owndata)


def _side_by_side(tensors: list, spec: Spec) -> Tensor | None:
    """The memory of tensors that are there, one after the other; None if one of them has another dtype, gaps or another order."""
    buffer = Buffer(spec.nbytes)
    at = 0
    for x in tensors:
        place = memory_of(x) if x._spec.dtype is spec.dtype else None
        if place is None:
            return None
        memory, offset = place
        buffer.copy_from(memory, x._spec.nbytes, at, offset)
        at += x._spec.nbytes
    return adopt(Tensor, buffer, spec)


@public("cat concat concatenate", method=False, out=True)
def cat(tensors, dim: int = 0):
    """The tensors one after the other along a dim. RuntimeError if they differ in another dim."""
    if casting.on and casting.here.enabled:
        return casting.promoted(cat, tensors, dim)
    given = _tensors("cat", tensors)
    if not given:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, x in enumerate(given):
        if not x._spec.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    # an empty 1-dim tensor goes with anything, as in PyTorch
    useful = [x for x in given if x._spec.shape != (0,)] or given[:1]
    if len(useful) < len(given):  # … but its dtype counts
        d = functools.reduce(promote_types, [x._spec.dtype for x in given])
        useful = [x if x._spec.dtype is d else cast(x, dtype=d) for x in useful]
    return _joined(useful, dim_of(dim, useful[0]._spec.ndim))


@public(method=False, out=True)
def stack(tensors, dim: int = 0):
    """The tensors, all of one shape, along a new dim."""
    if casting.on and casting.here.enabled:
        return casting.promoted(stack, tensors, dim)
    given = _tensors("stack", tensors)
    if not given:
        raise RuntimeError("stack expects a non-empty TensorList")
    shape = given[0]._spec.shape
    for i, x in enumerate(given):
        if x._spec.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and {list(x._spec.shape)} at entry {i}"
            )
    d = dim_of(dim, len(shape) + 1)
    if prod(shape[:d]) == 1 and len(given) >= _MANY and all(map(is_there, given)):
        joined = _side_by_side(given, spec((*shape[:d], len(given), *shape[d:]), given[0]._spec.dtype))
        if joined is not None:
            return joined
    longer = (*shape[:d], 1, *shape[d:])
    return _joined([record1(movement.reshape, x, (longer,)) for x in given], d)


def _at_least(ndim: int, x):
    """x with dims added as hstack, vstack and dstack want them."""
    shape = x._spec.shape
    if len(shape) >= ndim:
        return x
    if ndim == 1:
        return reshaped(x, (1,), False)
    if ndim == 2:
        return reshaped(x, (1, *(shape or (1,))), False)
    return reshaped(x, (1, *(shape or (1,)), 1) if len(shape) < 2 else (*shape, 1), False)


def _all_at_least(ndim: int, tensors):
    if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)):
        return tuple(_at_least(ndim, x) for x in tensors[0])
    found = tuple(_at_least(ndim, x) for x in tensors)
    return found[0] if len(found) == 1 else found


@public(method=False)
def atleast_1d(*tensors):
    """Tensors with at least one dim."""
    return _all_at_least(1, tensors)


@public(method=False)
def atleast_2d(*tensors):
    """Tensors with at least two dims, new ones in front."""
    return _all_at_least(2, tensors)


@public(method=False)
def atleast_3d(*tensors):
    """Tensors with at least three dims."""
    return _all_at_least(3, tensors)


@public(method=False, out=True)
def hstack(tensors):
    """Side by side: along dim 1, or 0 for vectors."""
    given = [_at_least(1, x) for x in _tensors("hstack", tensors)]
    return cat(given, 0 if given[0]._spec.ndim == 1 else 1)


@public("vstack row_stack", method=False, out=True)
def vstack(tensors):
    """One below the other; a vector is a row."""
    return cat([_at_least(2, x) for x in _tensors("vstack", tensors)], 0)


@public(method=False, out=True)
def dstack(tensors):
    """One behind the other, along a third dim."""
    return cat([_at_least(3, x) for x in _tensors("dstack", tensors)], 2)


@public(method=False, out=True)
def column_stack(tensors):
    """Side by side; a vector is a column."""
    given = [reshaped(x, (x._spec.numel, 1), False) if x._spec.ndim <= 1 else x for x in _tensors("column_stack", tensors)]
    return cat(given, 1)


# ---------------------------------------------------------------- parts


@public()
@viewing
def narrow(input, dim: int, start, length: int):
    """`length` elements of a dim from `start` on. RuntimeError past the end, IndexError for a start outside."""
    d = dim_of(dim, input._spec.ndim)
    n, start, length = input._spec.shape[d], integer(start), integer(length)
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if not -n <= start <= n:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start = start + n if start < 0 else start
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return part(input, d, start, length)


@public()
@viewing
def select(input, dim: int, index):
    """One place of a dim, which goes away. IndexError if it is not there."""
    shape = input._spec.shape
    if not shape:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    d, i = dim_of(dim, len(shape)), integer(index)
    if not -shape[d] <= i < shape[d]:
        raise IndexError(f"select(): index {i} out of range for tensor of size {list(shape)} at dimension {d}")
    return record1(movement.select, input, (d, i + shape[d] if i < 0 else i))


@public()
def unbind(input, dim: int = 0):
    """All places of a dim, as a tuple."""
    if not input._spec.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    d = dim_of(dim, input._spec.ndim)
    return tuple([record1(movement.select, input, (d, i)) for i in range(input._spec.shape[d])])


@public(method=False)
def split(tensor, split_size_or_sections, dim: int = 0):
    """Pieces of a size (the last may be smaller), or of the sizes given. RuntimeError if sizes do not add up."""
    key = ("split", tensor._spec, split_size_or_sections, dim)
    try:
        steps = known(key)
    except TypeError:  # a list of sizes
        steps = key = None
    if steps is None:
        steps = _pieces(tensor._spec, split_size_or_sections, dim)
        if key is not None:
            remember(key, steps)
    return tuple([record1(movement.slice, tensor, params) for params in steps])


@public("split", function=False)
def split_method(self, split_size, dim: int = 0):
    """Pieces of a size (the last may be smaller), or of the sizes given: see `split`."""
    return split(self, split_size, dim)


def _pieces(spec: Spec, split_size_or_sections, dim: int) -> tuple:
    """The parameters of the slices that `split` gives."""
    d = dim_of(dim, spec.ndim)
    n = spec.shape[d]
    if isinstance(split_size_or_sections, (tuple, list)):
        pieces = [integer(k) for k in split_size_or_sections]
        if sum(pieces) != n or any(k < 0 for k in pieces):
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {d}), but got split_sizes={pieces}"
            )
    else:
        size = integer(split_size_or_sections)
        if size < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
        if size == 0 and n:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
        pieces = [min(size, n - at) for at in range(0, n, size)] if n else [0]
    found, at = [], 0
    for k in pieces:
        found.append(part_of(spec.shape, d, at, k))
        at += k
    return tuple(found)


@public()
def split_with_sizes(input, split_sizes, dim: int = 0):
    """Pieces of the sizes given."""
    return split(input, list(split_sizes), dim)


@public()
def chunk(input, chunks: int, dim: int = 0):
    """At most so many pieces of equal size (the last may be smaller)."""
    if chunks < 1:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input._spec.shape[dim_of(dim, input._spec.ndim)]
    size = -(-n // chunks)
    return split(input, size, dim) if size else tuple(input for _ in range(chunks))


@public()
def tensor_split(input, indices_or_sections=None, dim: int = 0, *, indices=None, sections=None):
    """Pieces cut at indices, or so many of nearly equal size; which of both may be said by name."""
    indices_or_sections = _cuts("tensor_split", indices_or_sections, indices, sections)
    d = dim_of(dim, input._spec.ndim)
    n = input._spec.shape[d]
    if isinstance(indices_or_sections, Stored):
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, int):
        k = indices_or_sections
        if k <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {k}")
        cuts = [0]
        for i in range(k):
            cuts.append(cuts[-1] + n // k + (1 if i < n % k else 0))
    else:
        cuts = [0, *(max(0, min(n, i + n if i < 0 else i)) for i in indices_or_sections), n]
    return tuple([part(input, d, a, max(0, b - a)) for a, b in zip(cuts, cuts[1:])])


def _cuts(function: str, *given):
    """The one argument that says where to cut. TypeError if there is none, or more than one."""
    found = [x for x in given if x is not None]
    if len(found) != 1:
        raise TypeError(f"{function}() received an invalid combination of arguments: it takes either indices or sections")
    return found[0]


def _split_along(name: str, dim_of_ndim, doc: str):
    def f(input, indices_or_sections=None, *, indices=None, sections=None):
        indices_or_sections = _cuts(name, indices_or_sections, indices, sections)
        if isinstance(indices_or_sections, int) and input._spec.shape[dim_of_ndim(input._spec.ndim)] % indices_or_sections:
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim_of_ndim(input._spec.ndim)}, but the size of the dimension "
                f"{input._spec.shape[dim_of_ndim(input._spec.ndim)]} is not divisible by the split_size {indices_or_sections}!"
            )
        return tensor_split(input, indices_or_sections, dim_of_ndim(input._spec.ndim))

    f.__name__, f.__doc__ = name, doc
    return public()(f)


hsplit = _split_along("hsplit", lambda ndim: 0 if ndim == 1 else 1, "Pieces side by side.")
vsplit = _split_along("vsplit", lambda ndim: 0, "Pieces one below the other.")
dsplit = _split_along("dsplit", lambda ndim: 2, "Pieces one behind the other.")

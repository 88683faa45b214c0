"""Tensors put together from several, and odds and ends of shapes. Source: https://docs.pytorch.org/docs/stable/torch.html#other-operations"""

from __future__ import annotations

import itertools
from math import prod

import numpy as np

from suiren import dtypes
from suiren.api.arguments import ALL_DIMS, check_tensor, dim_of, sizes
from suiren.api.creation import empty, uninitialised
from suiren.api.picking import nonzero
from suiren.api.reductions import vector_norm
from suiren.api.shapes import as_strided, permute, reshaped
from suiren.api.surface import public
from suiren.dtypes import FLOAT, promote_types
from suiren.ops import compare, creation, indexing, movement, pointwise, reduce
from suiren.ops.placement import cat, view_write
from suiren.tensor import Tensor
from suiren.trace.recording import record
from suiren.trace.storage import Stored

# ---------------------------------------------------------------- of several tensors


@public(method=False)
def block_diag(*tensors):
    """A matrix of zeros with the tensors (of at most 2 dims; a vector is a row) as its diagonal blocks."""
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    blocks = []
    for i, x in enumerate(tensors):
        if x._spec.ndim > 2:
            raise RuntimeError(
                f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {x._spec.ndim} dimensions"
            )
        blocks.append(x if x._spec.ndim == 2 else reshaped(x, (1, x._spec.numel)))
    if not blocks:
        return empty(1, 0)
    d = blocks[0]._spec.dtype
    for x in blocks[1:]:
        d = promote_types(d, x._spec.dtype)
    width = sum(x._spec.shape[1] for x in blocks)
    rows, at = [], 0
    for x in blocks:
        m, n = x._spec.shape
        x = x if x._spec.dtype is d else creation.cast(x, dtype=d)
        rows.append(cat(creation.zeros((m, at), d), x, creation.zeros((m, width - at - n), d), dim=1))
        at += n
    return record(cat, tuple(rows), (0,))


@public(method=False)
def cartesian_prod(*tensors):
    """All choices of one element from each of 1-dim tensors, a row each; of one tensor, itself."""
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    for x in tensors:
        if x._spec.ndim != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(x._spec.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    shape = tuple(x._spec.numel for x in tensors)
    columns = []
    for i, x in enumerate(tensors):
        x = movement.reshape(x, shape=tuple(x._spec.numel if j == i else 1 for j in range(len(shape))))
        columns.append(reshaped(movement.expand(x, shape=shape), (prod(shape), 1)))
    return record(cat, tuple(columns), (1,))


@public()
def combinations(input, r: int = 2, with_replacement: bool = False):
    """All choices of r elements of a 1-dim tensor, in order, a row each."""
    if input._spec.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input._spec.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return empty(0, dtype=input._spec.dtype)
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(input._spec.numel), r)), np.int64).reshape(-1, r)
    return indexing.take(input, Tensor.from_array(places, copy=True), dim=0)


@public(out=True)
def vdot(input, other):
    """The sum of conj(input) * other, of 1-dim tensors. RuntimeError for other shapes and different dtypes."""
    from suiren.api.linalg import dot

    return dot(input.conj() if input._spec.dtype.is_complex else input, other)


# ---------------------------------------------------------------- sizes and places


@public(function=False)
def sum_to_size(self, *args, size=None):
    """Summed over the dims that broadcasting from `size` to this shape would make. RuntimeError if it does not."""
    size = sizes(args if size is None else (size,))
    shape = self._spec.shape
    new = len(shape) - len(size)
    if new < 0 or any(m not in (1, n) for m, n in zip(size, shape[new:])):
        raise RuntimeError(f"size {{{list(size)}}} is not expandable to size {{{list(shape)}}}.")
    dims = tuple(i for i, n in enumerate(shape) if i < new or size[i - new] == 1 != n)
    return movement.reshape(reduce.sum(self, dims=dims, keepdim=True), shape=size) if dims or not size else self


@public(method=False)
def unravel_index(indices, shape):
    """The places, a tensor per dim, of flat indices in a shape. ValueError for a negative size, TypeError for floats."""
    check_tensor("unravel_index", indices, "indices")
    d = indices._spec.dtype
    if d.category >= FLOAT or d is dtypes.bool_:
        raise TypeError(f"expected 'indices' to be integer dtype, but got {d}")
    if isinstance(shape, Stored):
        shape = shape.tolist()
    shape = sizes((shape,)) if isinstance(shape, (tuple, list)) else (int(shape),)
    if any(n < 0 for n in shape):
        raise ValueError(f"'shape' cannot have negative values, got {shape}")
    found, rest = [], prod(shape)
    for n in shape:
        rest = rest // n if n else 0
        found.append(pointwise.remainder(pointwise.floor_divide(indices, rest), n))
    return tuple(found)


@public(out=True)
def nonzero_static(input, *, size: int, fill_value: int = -1):
    """The first `size` places of elements that are not 0, a row each, filled up with `fill_value`."""
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    places = nonzero(input).numpy()
    found = np.full((size, input._spec.ndim), fill_value, np.int64)
    found[: min(size, len(places))] = places[:size]
    return Tensor.from_array(found, copy=True)


@public(inplace=True, out=True)
def renorm(input, p: float, dim: int, maxnorm: float):
    """The slices of a dim scaled down to the p-norm `maxnorm` where theirs is larger."""
    check_tensor("renorm", input)
    if not p > 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    ndim = input._spec.ndim
    if ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {ndim} dimensions")
    d = dim_of(dim, ndim)
    dims = tuple(i for i in ALL_DIMS[ndim] if i != d)
    size = vector_norm(input, float(p), dims, True)
    factor = compare.where(compare.gt(size, maxnorm), pointwise.div(float(maxnorm), pointwise.add(size, 1e-7)), 1.0)
    return pointwise.mul(input, factor)


@public(method=False)
def vander(x, N: int | None = None, increasing: bool = False):
    """The powers of a vector's elements, N (as many as elements, unless given) columns from the highest down, or up. RuntimeError for other shapes."""
    if x._spec.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    n = x._spec.numel if N is None else N
    if n < 0:
        raise RuntimeError("N must be non-negative.")
    d = x._spec.dtype if x._spec.dtype.category > dtypes.BOOL else dtypes.int64
    column = movement.reshape(x if x._spec.dtype is d else creation.cast(x, dtype=d), shape=(x._spec.numel, 1))
    if not n:
        return creation.zeros((x._spec.numel, 0), d)
    columns = [creation.constant(value=1, shape=(x._spec.numel, 1), dtype=d)]
    while len(columns) < n:
        columns.append(pointwise.mul(columns[-1], column))
    return record(cat, tuple(columns if increasing else columns[::-1]), (1,))


@public(function=False)
def fill_diagonal_(self, fill_value, wrap: bool = False):
    """One number on the main diagonal, in place; `wrap`: of a tall matrix, on again after each square block. RuntimeError for less than 2 dims."""
    shape = self._spec.shape
    if len(shape) < 2:
        raise RuntimeError("dimensions must larger than 1")
    if len(shape) > 2 and len(set(shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    size = min(shape)
    if len(shape) == 2 and wrap and shape[0] > shape[1]:
        rows = [i for i in range(shape[0]) if i % (shape[1] + 1) < shape[1]]
        places = (rows, [i % (shape[1] + 1) for i in rows])
    else:
        places = (list(range(size)),) * len(shape)
    self[tuple(Tensor.from_array(np.array(p, np.int64), copy=True) for p in places)] = fill_value
    return self


# ---------------------------------------------------------------- strides


@public(method=False)
def empty_strided(size, stride, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """Memory as it comes, of a shape and strides."""
    size, stride = sizes((tuple(size),)), sizes((tuple(stride),))
    if len(size) != len(stride):
        raise RuntimeError(f"dimensionality of sizes ({len(size)}) must match dimensionality of strides ({len(stride)})")
    room = 1 + sum((n - 1) * s for n, s in zip(size, stride)) if 0 not in size else 0
    found = as_strided(uninitialised((room,), dtype or dtypes.get_default_dtype()), size, stride)
    return found.requires_grad_() if requires_grad else found


@public(function=False)
def new_empty_strided(self, size, stride, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """Memory as it comes, of a shape and strides and this tensor's dtype."""
    return empty_strided(size, stride, dtype=dtype or self._spec.dtype, requires_grad=requires_grad)


@public(method=False)
def empty_permuted(size, physical_layout, *, dtype=None, layout=None, device=None, requires_grad: bool = False, pin_memory: bool = False):
    """Memory as it comes, of a shape whose dims lie in memory in the order of `physical_layout`."""
    size, order = sizes((tuple(size),)), sizes((tuple(physical_layout),))
    if len(size) != len(order):
        raise RuntimeError(f"Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = {len(size)} is not equal to len(physical_layout) = {len(order)}")
    if sorted(order) != list(range(len(size))):
        raise RuntimeError("Duplicate dim not allowed in physical_layout")
    inner = empty(tuple(size[d] for d in order), dtype=dtype)
    found = permute(inner, tuple(order.index(d) for d in range(len(order))))
    return found.requires_grad_() if requires_grad else found


@public()
def as_strided_scatter(input, src, size, stride, storage_offset: int | None = None):
    """`input` with `src` at the places that `as_strided` shows."""
    size, stride = sizes((tuple(size),)), sizes((tuple(stride),))
    flat = reshaped(input, (input._spec.numel,))
    found = view_write(flat, src, op=movement.as_strided, op_params=(size, stride, storage_offset or 0))
    return movement.reshape(found, shape=input._spec.shape)

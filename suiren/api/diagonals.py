"""Triangles and diagonals of matrices: `tril`, `triu`, their indices, `diag`, `trace`. Source: https://docs.pytorch.org/docs/stable/torch.html"""

from __future__ import annotations

import numpy as np

from suiren import dtypes
from suiren.api import casting
from suiren.api.arguments import dim_of
from suiren.api.shapes import reshaped
from suiren.api.surface import public
from suiren.ops import compare, creation, movement, pointwise, reduce
from suiren.ops.placement import view_write
from suiren.tensor import Tensor
from suiren.trace.recording import record


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
def tril_indices(row: int, col: int, offset: int = 0, *, dtype=None, layout=None, device=None, pin_memory: bool = False):
    """(rows, columns) of the elements below a diagonal, as a (2, n) tensor."""
    return _corner_places(np.tril_indices, row, col, offset, dtype)


@public(method=False)
def triu_indices(row: int, col: int, offset: int = 0, *, dtype=None, layout=None, device=None, pin_memory: bool = False):
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


@public()
def diagonal_scatter(input, src, offset: int = 0, dim1: int = 0, dim2: int = 1):
    """`input` with `src` on a diagonal."""
    a, b = dim_of(dim1, input._spec.ndim), dim_of(dim2, input._spec.ndim)
    return view_write(input, src, op=movement.diagonal, op_params=(offset, a, b))


@public(out=True)
@casting.wide
def trace(input):
    """The sum of a matrix's diagonal."""
    if input._spec.ndim != 2:
        raise RuntimeError("trace: expected a matrix")
    return reduce.sum(record(movement.diagonal, (input,), (0, 0, 1)), dims=(0,), keepdim=False)

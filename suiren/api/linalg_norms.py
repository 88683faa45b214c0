"""Norms, condition numbers, ranks: `suiren.linalg`. Source: https://docs.pytorch.org/docs/stable/linalg.html#matrix-properties"""

from __future__ import annotations

import math

from suiren.api import casting, reductions
from suiren.api.arguments import TYPE_WORDS, check_tensor, dim_of, dims_of, is_number
from suiren.api.linalg_checks import check_float, check_matrices, check_square
from suiren.api.linalg_factors import svdvals
from suiren.api.linalg_solving import inv_ex, magnitudes, tolerance
from suiren.api.shapes import reshaped
from suiren.api.surface import public_in
from suiren.dtypes import FLOAT, dtype, int64
from suiren.ops import compare, creation, movement, pointwise, reduce
from suiren.trace.recording import record


def _prepared(function: str, x, dtype: dtype | None):
    """x in the dtype that the norm is asked to be computed in. RuntimeError if that is not floating, or narrower."""
    if dtype is None:
        return x
    if dtype.category < FLOAT:
        raise RuntimeError(f"{function}: dtype should be floating point or complex. Got {dtype}")
    if x._spec.dtype.is_complex != dtype.is_complex:
        kind = "complex" if x._spec.dtype.is_complex else "real"
        raise RuntimeError(f"{function}: dtype should be {kind} for {kind} inputs, but got {TYPE_WORDS[dtype.name]}")
    return x if x._spec.dtype is dtype else creation.cast(x, dtype=dtype)


@public_in("linalg", out=True)
def vector_norm(x, ord=2, dim=None, keepdim: bool = False, *, dtype: dtype | None = None):
    """The `ord`-norm of the elements along dims (all of them for None): any number, ±inf, or 0, which counts what is not 0."""
    check_tensor("linalg_vector_norm", x, "x")
    if not is_number(ord):
        raise TypeError(f"linalg_vector_norm(): argument 'ord' (position 2) must be Number, not {type(ord).__name__}")
    d = x._spec.dtype
    if d.category < FLOAT:
        raise RuntimeError(f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {TYPE_WORDS[d.name]}")
    x = _prepared("linalg.vector_norm", x, dtype)
    dims = dims_of(dim, x._spec.ndim)
    if (ord < 0 or ord == math.inf) and any(x._spec.shape[i] == 0 for i in dims):
        which = "" if dim is None else f" along the dimension {dims[0]}"
        raise RuntimeError(f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor{which} because the operation does not have an identity")
    return reductions.vector_norm(x, float(ord), dims, keepdim)


def _pair(function: str, dim, ndim: int) -> tuple[int, int]:
    if not isinstance(dim, (tuple, list)) or len(dim) != 2:
        raise RuntimeError(f"{function}: dim must be a 2-tuple. Got {dim if isinstance(dim, int) else ' '.join(map(str, dim))}")
    first, second = dim_of(dim[0], ndim), dim_of(dim[1], ndim)
    if first == second:
        raise RuntimeError(f"{function}: dims must be different. Got ({dim[0]}, {dim[1]})")
    return first, second


@public_in("linalg", out=True)
def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim: bool = False, *, dtype: dtype | None = None):
    """The norm of matrices in two dims: "fro", "nuc", ±1, ±2 or ±inf. RuntimeError for another."""
    check_tensor("linalg_matrix_norm", A, "A")
    if A._spec.ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if A._spec.dtype.category < FLOAT:
        check_float("linalg.matrix_norm", A)
    first, second = _pair("linalg.matrix_norm", dim, A._spec.ndim)
    known = ord in ("fro", "nuc") if isinstance(ord, str) else abs(ord) in (1, 2, math.inf)
    if not known:
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    A = _prepared("linalg.matrix_norm", A, dtype)
    dims = tuple(sorted((first, second)))
    if ord == "fro":
        return reductions.vector_norm(A, 2.0, dims, keepdim)
    if ord == "nuc" or abs(ord) == 2:
        order = (*(d for d in range(A._spec.ndim) if d not in dims), first, second)
        values = svdvals(movement.permute(A, dims=order))
        last = (values._spec.ndim - 1,)
        found = record(reduce.sum if ord == "nuc" else reduce.amax if ord > 0 else reduce.amin, (values,), (last, False))
        return reshaped(found, tuple(1 if i in dims else n for i, n in enumerate(A._spec.shape))) if keepdim else found
    along, across = (first, second) if abs(ord) == 1 else (second, first)  # summed, then the largest of the sums
    sums = record(reduce.sum, (pointwise.abs(A),), ((along,), True))
    found = record(reduce.amax if ord > 0 else reduce.amin, (sums,), ((across,), True))
    return found if keepdim else reshaped(found, tuple(n for i, n in enumerate(found._spec.shape) if i not in dims))


@public_in("linalg", out=True)
def norm(input, ord=None, dim=None, keepdim: bool = False, *, dtype: dtype | None = None):
    """A vector norm along one dim, a matrix norm along two; without `ord`, the 2-norm of all elements along any dims."""
    check_tensor("linalg_norm", input)
    ndim = input._spec.ndim
    if isinstance(dim, int):
        dim = (dim,)
    if dim is not None:
        if len(dim) not in (1, 2):
            raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}")
    elif ord is not None and ndim not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {ndim}D.")
    if ord is None:
        return vector_norm(input, 2, dim, keepdim, dtype=dtype)
    if isinstance(ord, str) or (len(dim) if dim is not None else ndim) == 2:
        return matrix_norm(input, ord, dim if dim is not None else (-2, -1), keepdim, dtype=dtype)
    return vector_norm(input, ord, dim, keepdim, dtype=dtype)


@public_in("linalg", out=True)
@casting.wide
def cond(A, p=None):
    """The norm of A times that of its inverse: by singular values for p None, 2 and -2, else "fro", "nuc", ±1 or ±inf. Infinite if A is singular."""
    check_tensor("linalg_cond", A, "A")
    if A._spec.ndim < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    if p is None or (is_number(p) and abs(p) == 2):
        values = svdvals(A)
        n, last = values._spec.shape[-1], values._spec.ndim - 1
        if not n:
            return record(reduce.sum, (values,), ((last,), False))
        largest, smallest = (movement.select(values, dim=last, index=i) for i in (0, n - 1))
        return pointwise.div(smallest, largest) if p == -2 else pointwise.div(largest, smallest)
    shown = p if isinstance(p, str) else f"{p:g}"
    check_square(f"linalg.cond(ord={shown})", A)
    if isinstance(p, str) and p not in ("fro", "nuc") or is_number(p) and abs(p) not in (1, math.inf):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {float(p) if is_number(p) else p}")
    if not A._spec.numel:
        return creation.zeros(A._spec.shape[:-2], A._spec.dtype.to_real())
    found, info = inv_ex(A)
    size = compare.where(compare.eq(info, 0), matrix_norm(found, p), math.inf)
    return pointwise.mul(matrix_norm(A, p), size)


@public_in("linalg", out=True)
@casting.wide
def matrix_rank(A, tol=None, hermitian: bool = False, *, atol=None, rtol=None):
    """How many singular values exceed max(atol, rtol * the largest); `hermitian`: magnitudes of eigenvalues. int64."""
    check_matrices("torch.linalg.matrix_rank", A, "input")
    if tol is not None:
        atol, rtol = tol, 0.0
    A = creation.stop_gradient(A)
    values = magnitudes("linalg.matrix_rank", A, hermitian)
    last = values._spec.ndim - 1
    if not A._spec.numel:
        return creation.zeros(A._spec.shape[:-2], int64)
    bound = tolerance("torch.linalg.matrix_rank", A, atol, rtol, reduce.amax(values, dims=(last,), keepdim=False))
    large = compare.gt(values, reshaped(bound, (*bound._spec.shape, 1)))
    return record(reduce.sum, (large,), ((large._spec.ndim - 1,), False))

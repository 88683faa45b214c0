"""Inverses, systems of equations, determinants, products: `suiren.linalg`. Source: https://docs.pytorch.org/docs/stable/linalg.html

Matrices are the last two dims, all others a batch that broadcasts. What fails because of its data raises LinAlgError.
"""

from __future__ import annotations

from math import prod

import numpy as np

from suiren.api import casting, return_types, shapes
from suiren.api.arguments import TYPE_WORDS, check_tensor, dim_of
from suiren.api.complex import conj
from suiren.api.creation import empty, eye, ones
from suiren.api.joining import cat
from suiren.api.linalg import cross as old_cross
from suiren.api.linalg import matmul
from suiren.api.linalg_checks import (
    certain,
    check_fits,
    check_float,
    check_matrices,
    check_same,
    check_square,
    expanded,
    of_one_batch,
)
from suiren.api.linalg_factors import eigvalsh, svdvals
from suiren.api.shapes import reshaped
from suiren.api.surface import public_in
from suiren.dtypes import FLOAT
from suiren.ops import compare, creation, movement, pointwise, powers, reduce, scan_sort, solving
from suiren.trace.recording import record, record1
from suiren.trace.storage import Stored

LinAlgError = solving.LinAlgError

# ---------------------------------------------------------------- systems of equations


def is_vector(a, b) -> bool:
    """Whether B stands for vectors: (N) or exactly A without its last dim."""
    return b._spec.ndim == 1 or (a._spec.ndim - 1 == b._spec.ndim and b._spec.shape == a._spec.shape[:-1])


def _solved(A, B, left: bool, check: str):
    check_square("linalg.solve", A)
    check_tensor("linalg_solve", B, "B", 2)
    check_same("linalg.solve", A, B)
    vector = is_vector(A, B)
    if vector:
        B = reshaped(B, (*B._spec.shape, 1))
    if B._spec.ndim < 2:
        raise RuntimeError("linalg.solve: The input tensor B must have at least 2 dimensions.")
    check_fits("linalg.solve", A, B, left or vector)
    if not left and not vector:
        A, B = solving.transposed(A), solving.transposed(B)
    if not left and vector:
        raise RuntimeError("linalg.solve: Vector broadcasting of the left hand side is not supported for left=False. In this case linalg.solve is equivalent to B / A.squeeze(-1)")
    A, B = of_one_batch(A, B)
    found, info = certain(solving.solve, (A, B), (), check)
    if not left:
        found = solving.transposed(found)
    return reshaped(found, found._spec.shape[:-1]) if vector else found, info


@public_in("linalg", out=True)
@casting.wide
def solve(A, B, *, left: bool = True):
    """X of A X = B (X A = B unless `left`); B may be vectors. LinAlgError if A is singular."""
    return _solved(A, B, left, "torch.linalg.solve")[0]


@public_in("linalg", out=True)
def solve_ex(A, B, *, left: bool = True, check_errors: bool = False):
    """(X, info): info is not 0 where A is singular, and X not finite. Raises only if `check_errors`."""
    return return_types.linalg_solve_ex(*_solved(A, B, left, "torch.linalg.solve_ex" if check_errors else ""))


@public_in("linalg", out=True)
def solve_triangular(A, B, *, upper: bool, left: bool = True, unitriangular: bool = False):
    """X of A X = B (X A = B unless `left`) for triangular A, whose other triangle is not read; `unitriangular`: nor is its diagonal of ones."""
    check_same("linalg.solve_triangular", A, B)
    check_square("linalg.solve_triangular", A)
    check_matrices("linalg.solve_triangular", B, "B")
    check_fits("linalg.solve_triangular", A, B, left)
    A, B = of_one_batch(A, B)
    if left:
        return record(solving.solve_triangular, (A, B), (bool(upper), bool(unitriangular)))
    found = record(solving.solve_triangular, (solving.transposed(A), solving.transposed(B)), (not upper, bool(unitriangular)))
    return solving.transposed(found)


@public_in("linalg", out=True)
@casting.wide
def inv(A):
    """The inverse. LinAlgError if A is singular."""
    check_square("linalg.inv", A)
    return certain(solving.inv, (A,), (), "linalg.inv")[0]


@public_in("linalg", out=True)
@casting.wide
def inv_ex(A, *, check_errors: bool = False):
    """(inverse, info): info is 0, or where elimination met a zero first. Raises only if `check_errors`."""
    check_square("linalg.inv", A)
    return return_types.linalg_inv_ex(*certain(solving.inv, (A,), (), "linalg.inv_ex" if check_errors else ""))


# ---------------------------------------------------------------- determinants


@public_in("linalg", out=True)
def det(A):
    """The determinant."""
    check_square("linalg.det", A, kernel="lu_cpu")
    return record(solving.det, (A,), ())


@public_in("linalg", out=True)
def slogdet(A):
    """(sign, log of the magnitude) of the determinant; a complex sign is on the unit circle. Of a singular matrix (0, -inf)."""
    check_square("linalg.slogdet", A, kernel="lu_cpu")
    return return_types.linalg_slogdet(*record(solving.slogdet, (A,), ()))


# ---------------------------------------------------------------- powers, exponentials


@public_in("linalg")
def matrix_exp(A):
    """e to the power of a square matrix."""
    check_square("linalg.matrix_exp", A)
    return record(solving.matrix_exp, (A,), ())


@public_in("linalg", out=True)
def matrix_power(A, n: int):
    """The product of n times A; of its inverse for n below 0. LinAlgError if that does not exist."""
    check_tensor("matrix_power", A, "A")
    if A._spec.ndim < 2:
        raise RuntimeError("linalg.matrix_power: The input tensor A must have at least 2 dimensions.")
    rows, columns = A._spec.shape[-2:]
    if rows != columns:
        raise RuntimeError(f"linalg.matrix_power: A must be batches of square matrices, but they are {rows} by {columns} matrices")
    if n == 0:
        return pointwise.mul(powers.pow_const(A, exponent=0), eye(rows, dtype=A._spec.dtype))
    base = inv(A) if n < 0 else A
    n, found = abs(n), None
    while n:
        if n & 1:
            found = base if found is None else matmul(found, base)
        n >>= 1
        if n:
            base = matmul(base, base)
    return found


# ---------------------------------------------------------------- pseudoinverse, least squares


def tolerance(function: str, A, atol, rtol, largest):
    """max(atol, rtol * largest), one per matrix: rtol is eps * max(M, N) unless it or a positive atol is given."""
    for name, x in (("atol", atol), ("rtol", rtol)):
        if isinstance(x, Stored) and x._spec.dtype.is_complex:
            raise RuntimeError(f"{function}: {name} tensor of complex type is not supported. Got {TYPE_WORDS[x._spec.dtype.name]}")
    d = A._spec.dtype.to_real()
    default = float(np.finfo(d.np).eps) * max(A._spec.shape[-2:])
    if rtol is None:
        if isinstance(atol, Stored):
            rtol = compare.where(compare.gt(atol, 0), 0.0, default)
        else:
            rtol = 0.0 if atol is not None and atol > 0 else default
    bound = pointwise.mul(largest, rtol)
    if atol is not None:
        bound = pointwise.maximum(bound, atol) if isinstance(atol, Stored) else pointwise.clamp_min(bound, float(atol))
    return bound if bound._spec.dtype is d else creation.cast(bound, dtype=d)


def magnitudes(function: str, A, hermitian: bool):
    """Singular values, the largest first; of Hermitian matrices the magnitudes of eigenvalues."""
    return pointwise.abs(eigvalsh(A)) if hermitian else svdvals(A)


@public_in("linalg", out=True)
def pinv(A, rcond=None, hermitian: bool = False, *, atol=None, rtol=None):
    """The pseudoinverse. Singular values up to max(atol, rtol * the largest) count as 0; `hermitian`: by eigenvalues of the lower triangle."""
    check_tensor("linalg_pinv", A, "A")
    if A._spec.ndim < 2 or A._spec.dtype.category < FLOAT:
        shown = f"{TYPE_WORDS[A._spec.dtype.name]}{{[{', '.join(map(str, A._spec.shape))}]}}"
        raise RuntimeError(f"linalg.pinv({shown}): expected a tensor with 2 or more dimensions of float, double, cfloat or cdouble types")
    check_float("linalg.pinv", A, "linalg_svd_cpu")
    if hermitian:
        check_square("linalg.pinv", A)
    shape = A._spec.shape
    if 0 in shape:
        return solving.transposed(pointwise.mul(conj(A), 1))
    rtol = rcond if rcond is not None else rtol
    values = magnitudes("linalg.pinv", creation.stop_gradient(A), hermitian)
    bound = tolerance("torch.linalg.pinv", A, atol, rtol, reduce.amax(values, dims=(values._spec.ndim - 1,), keepdim=False))
    if bound._spec.shape != shape[:-2]:
        A, bound = expanded(A, bound._spec.shape), bound
    found = record(solving.pinv, (A, creation.stop_gradient(bound)), (bool(hermitian),))
    # its last step in PyTorch is a product, which is on the list
    return casting.converted(found, casting.here.dtype) if casting.on and casting.here.enabled else found


_DRIVERS = ("gels", "gelsy", "gelsd", "gelss")


@public_in("linalg")
@casting.wide
def lstsq(A, B, rcond: float | None = None, *, driver: str | None = None):
    """(X with the least ‖A X - B‖, residuals, rank, singular values). Residuals only of overdetermined systems of full rank, and not with
    the driver "gelsy" (the default); no rank with "gels", singular values only with "gelsd" and "gelss"; what is not there is empty."""
    function = "torch.linalg.lstsq"
    check_tensor("linalg_lstsq", A, "A")
    if A._spec.ndim < 2:
        raise RuntimeError(f"{function}: input must have at least 2 dimensions.")
    if B._spec.ndim < 1:
        raise RuntimeError(f"{function}: other must have at least 1 dimension.")
    if not 0 <= A._spec.ndim - B._spec.ndim <= 1:
        raise RuntimeError(f"{function}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1")
    if A._spec.dtype is not B._spec.dtype:
        raise RuntimeError(f"{function}: input and other must have the same dtype")
    check_float(function, A)
    if driver is not None and driver not in _DRIVERS:
        raise RuntimeError(f"{function}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    driver = driver or "gelsy"
    vector = is_vector(A, B)
    if B._spec.shape[-1 if vector else -2] != A._spec.shape[-2]:
        raise RuntimeError(
            f"{function}: input.size(-2) should match other.size(-{1 if vector else 2})"
        )
    if vector:
        B = reshaped(B, (*B._spec.shape, 1))
    A, B = of_one_batch(A, B)
    m, n = A._spec.shape[-2:]
    d = A._spec.dtype
    limit = float(rcond) if rcond is not None else float(np.finfo(d.np).eps) * max(m, n, 1)
    found, rank, values = record(solving.lstsq, (A, B), (0.0 if driver == "gels" else limit,))
    residuals = empty(0, dtype=d.to_real())
    if m > n > 0 and (driver == "gels" or driver != "gelsy" and bool((rank == n).all())):
        gap = pointwise.sub(matmul(A, found), B)
        size = pointwise.abs(gap)
        residuals = reduce.sum(pointwise.mul(size, size), dims=(gap._spec.ndim - 2,), keepdim=False)
    if vector:
        found = reshaped(found, found._spec.shape[:-1])
    if driver == "gels":
        rank = empty(0, dtype=rank._spec.dtype)
    if driver in ("gels", "gelsy"):
        values = empty(0, dtype=values._spec.dtype)
    return return_types.linalg_lstsq(found, residuals, rank, values)


# ---------------------------------------------------------------- tensors as matrices


@public_in("linalg", out=True)
@casting.wide
def tensorinv(A, ind: int = 2):
    """The inverse of A seen as the matrix (first `ind` dims) x (the others), in the shape of the others before the first."""
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    first, last = A._spec.shape[:ind], A._spec.shape[ind:]
    if prod(first) != prod(last):
        raise RuntimeError(f"Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got {prod(last)} != {prod(first)}")
    found, info = inv_ex(reshaped(A, (prod(last), prod(first))))
    if info._interpret is None and bool(info):
        raise RuntimeError("Failed to invert the input tensor, because it is singular.")
    return reshaped(found, (*last, *first))


@public_in("linalg", out=True)
@casting.wide
def tensorsolve(A, B, dims=None):
    """X with tensordot(A, X, X's number of dims) = B; `dims` of A are moved to its end first."""
    if dims is not None:
        moved = [dim_of(d, A._spec.ndim) for d in dims]
        order = (*(d for d in range(A._spec.ndim) if d not in moved), *moved)
        A = movement.permute(A, dims=order)
    shape = A._spec.shape[B._spec.ndim :]
    if prod(shape) != prod(B._spec.shape):
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but got {prod(shape)} != {prod(B._spec.shape)}"
        )
    n = prod(shape)
    return reshaped(solve(reshaped(A, (n, n)), reshaped(B, (n,))), shape)


# ---------------------------------------------------------------- products and vectors


@public_in("linalg", out=True)
def multi_dot(tensors):
    """The product of matrices in the order that takes the fewest multiplications; the first and the last may be vectors."""
    tensors = list(tensors)
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    first, last = tensors[0], tensors[-1]
    for x, word in ((first, "first"), (last, "last")):
        if x._spec.ndim not in (1, 2):
            raise RuntimeError(f"multi_dot(): the {word} tensor must be 1D or 2D but got {x._spec.ndim}D")
    ends = (first._spec.ndim == 1, last._spec.ndim == 1)
    if ends[0]:
        tensors[0] = reshaped(first, (1, first._spec.numel))
    if ends[1]:
        tensors[-1] = reshaped(last, (last._spec.numel, 1))
    for i, x in enumerate(tensors):
        if x._spec.ndim != 2:
            raise RuntimeError(f"multi_dot(): tensor {i} must be 2D but got {x._spec.ndim}D")
        if x._spec.dtype is not first._spec.dtype:
            raise RuntimeError(f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {first._spec.dtype} and tensor {i} {x._spec.dtype}")
        if i and tensors[i - 1]._spec.shape[1] != x._spec.shape[0]:
            shapes = f"{list(tensors[i - 1]._spec.shape)} and {list(x._spec.shape)}"
            raise RuntimeError(f"multi_dot(): tensors {i - 1} and {i} with shapes {shapes} cannot be multiplied")
    found = _chained(tensors)
    (m, n) = found._spec.shape
    shape = (*(() if ends[0] else (m,)), *(() if ends[1] else (n,)))
    return found if shape == (m, n) else reshaped(found, shape)


def _chained(tensors: list):
    """Cormen et al., "Introduction to algorithms", 15.2: the cheapest way to bracket every run of factors."""
    sizes = [tensors[0]._spec.shape[0], *(x._spec.shape[1] for x in tensors)]
    n = len(tensors)
    cost, split = [[0] * n for _ in range(n)], [[0] * n for _ in range(n)]
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            cost[i][j], split[i][j] = min((cost[i][k] + cost[k + 1][j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j))

    def product(i: int, j: int):
        return tensors[i] if i == j else matmul(product(i, split[i][j]), product(split[i][j] + 1, j))

    return product(0, n - 1)


@public_in("linalg", out=True)
def cross(input, other, *, dim: int = -1):
    """The cross product of vectors of 3 along a dim."""
    if input._spec.ndim != other._spec.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    d = dim_of(dim, input._spec.ndim)
    if input._spec.shape[d] != 3 or other._spec.shape[d] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input._spec.shape[d]} and {other._spec.shape[d]}"
        )
    return old_cross(input, other, d)


@public_in("linalg", out=True)
@casting.lower
def vecdot(x, y, *, dim: int = -1):
    """The sum of conj(x) * y along a dim."""
    if x._spec.dtype.category < FLOAT:
        raise RuntimeError(f"linalg.vecdot: Expected a floating point or complex tensor as input. Got {TYPE_WORDS[x._spec.dtype.name]}")
    found = pointwise.mul(conj(x), y)
    return record1(reduce.sum, found, ((dim_of(dim, found._spec.ndim),), False))


@public_in("linalg")
def diagonal(A, *, offset: int = 0, dim1: int = -2, dim2: int = -1):
    """The diagonal of two dims, the last two unless given, as a last dim: a view."""
    return shapes.diagonal(A, offset, dim1, dim2)


@public_in("linalg")
def vander(x, N: int | None = None):
    """Vandermonde's matrix: 1, x, x², … as a last dim of N (as many as x's last dim, unless given)."""
    check_tensor("linalg_vander", x, "x")
    if not x._spec.ndim:
        x = reshaped(x, (1,))
    d, shape = x._spec.dtype, x._spec.shape
    if d.category < FLOAT:
        d = reduce.sum_dtype(d)
        x = creation.cast(x, dtype=d)
    n = shape[-1] if N is None else N
    if n <= 1 and N is not None:
        raise RuntimeError("N must be greater than 1.")
    powers = scan_sort.cumprod(movement.expand(reshaped(x, (*shape, 1)), shape=(*shape, max(n - 1, 0))), dim=len(shape))
    return cat([ones((*shape, 1), dtype=d), powers], -1)


public_in("linalg", "matmul", out=True)(matmul)

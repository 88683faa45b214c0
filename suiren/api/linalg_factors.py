"""Factorisations of matrices: `suiren.linalg`. Source: https://docs.pytorch.org/docs/stable/linalg.html#matrix-decompositions

Matrices are the last two dims, all others a batch; dtypes are float32, float64 and complex ones. What fails because of its data raises LinAlgError.
"""

from __future__ import annotations

from suiren.api import casting, return_types
from suiren.api.arguments import TYPE_WORDS, check_tensor
from suiren.api.complex import conjugate_transpose
from suiren.api.creation import arange, empty, eye
from suiren.api.linalg_checks import NARROW, certain, check_fits, check_matrices, check_same, check_square, of_one_batch
from suiren.api.surface import public, public_in
from suiren.dtypes import FLOAT
from suiren.ops import linalg as ops
from suiren.ops import movement, solving
from suiren.trace.recording import record

# ---------------------------------------------------------------- Cholesky


def triangle(A, upper: bool, check: str):
    """(L or U, info)."""
    return certain(ops.cholesky, (A,), (bool(upper),), check)


@public_in("linalg", out=True)
@casting.wide
def cholesky(A, *, upper: bool = False):
    """L of A = L L^H, lower triangular (U of A = U^H U if `upper`). LinAlgError unless A is positive-definite."""
    check_square("linalg.cholesky", A, kernel="cholesky_cpu")
    return triangle(A, upper, "linalg.cholesky")[0]


@public_in("linalg", out=True)
@casting.wide
def cholesky_ex(A, *, upper: bool = False, check_errors: bool = False):
    """(L, info): info is 0, or the order of the first leading minor that is not positive-definite. Raises only if `check_errors`."""
    check_square("linalg.cholesky", A, kernel="cholesky_cpu")
    return return_types.linalg_cholesky_ex(*triangle(A, upper, "linalg.cholesky_ex" if check_errors else ""))


# ---------------------------------------------------------------- LU


def check_lu(A, pivot: bool) -> None:
    if A._spec.ndim < 2:
        raise RuntimeError(f"torch.lu_factor: Expected tensor with 2 or more dimensions. Got size: {list(A._spec.shape)} instead")
    d = A._spec.dtype
    if d.category < FLOAT or d in NARROW:
        raise NotImplementedError(f"\"lu_cpu\" not implemented for '{TYPE_WORDS[d.name]}'")
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")


def factored(A, pivot: bool, check: str):
    """(LU, pivots, info)."""
    check_tensor("lu_factor", A, "A")
    check_lu(A, pivot)
    return certain(ops.lu_factor, (A,), (), check)


@public_in("linalg", out=True)
def lu_factor(A, *, pivot: bool = True):
    """(LU, pivots): L, without its diagonal of ones, and U in one matrix. RuntimeError if U has a zero on its diagonal."""
    return return_types.linalg_lu_factor(*factored(A, pivot, "torch.linalg.lu_factor")[:2])


@public_in("linalg", out=True)
def lu_factor_ex(A, *, pivot: bool = True, check_errors: bool = False):
    """(LU, pivots, info): info is 0, or which element of U's diagonal is the first zero. Raises only if `check_errors`."""
    return return_types.linalg_lu_factor_ex(*factored(A, pivot, "torch.linalg.lu_factor_ex" if check_errors else ""))


def unpacked(factors, pivots, data: bool = True, with_pivots: bool = True):
    """(P, L, U) of what `lu_factor` gives; empty tensors for what is not asked for."""
    m, n = factors._spec.shape[-2:]
    k = min(m, n)
    d = factors._spec.dtype
    P = L = U = None
    if data:
        low = solving.tril(solving.columns(factors, 0, k), -1)
        one = eye(m, k, dtype=d)
        L = low + one
        U = solving.triu(solving.rows(factors, 0, k))
    if with_pivots:
        order = ops.permutation(pivots, size=m, back=True)
        P = (order.unsqueeze(-1) == arange(m)).to(d)
    none = empty(0, dtype=d)
    return tuple(none if x is None else x for x in (P, L, U))


@public_in("linalg", out=True)
def lu(A, *, pivot: bool = True):
    """(P, L, U) of A = P L U."""
    factors, pivots, _ = factored(A, pivot, "")
    return return_types.linalg_lu(*unpacked(factors, pivots))


@public_in("linalg", out=True)
def lu_solve(LU, pivots, B, *, left: bool = True, adjoint: bool = False):
    """X of A X = B (X A = B unless `left`) from the factors of A; `adjoint`: of A^H instead of A."""
    check_square("torch.linalg.lu_solve", LU, "LU")
    check_same("linalg.lu_solve", LU, B)
    check_fits("linalg.lu_solve", LU, B, left)
    if not left:
        return conjugate_transpose(lu_solve(LU, pivots, conjugate_transpose(B), adjoint=not adjoint))
    LU, B = of_one_batch(LU, B)
    lead = LU._spec.shape[:-2]
    if pivots._spec.shape[:-1] != lead:
        pivots = movement.expand(pivots, shape=(*lead, pivots._spec.shape[-1]))
    if adjoint:
        turned = conjugate_transpose(LU)
        y = solving.solve_triangular(turned, B, upper=False, unit=False)
        return ops.permuted(solving.solve_triangular(turned, y, upper=True, unit=True), pivots, back=True)
    y = solving.solve_triangular(LU, ops.permuted(B, pivots, back=False), upper=False, unit=True)
    return solving.solve_triangular(LU, y, upper=True, unit=False)


# ---------------------------------------------------------------- LDL


def _ldl(A, hermitian: bool, check: str):
    check_square("torch.linalg.ldl_factor_ex", A, kernel="ldl_factor_kernel_cpu")
    return certain(ops.ldl_factor, (A,), (bool(hermitian),), check)


@public_in("linalg", out=True)
def ldl_factor(A, *, hermitian: bool = False):
    """(LD, pivots) of a symmetric (Hermitian) matrix A = L D L^T, in LAPACK's format. RuntimeError if D is singular. It has no gradient."""
    return return_types.linalg_ldl_factor(*_ldl(A, hermitian, "torch.linalg.ldl_factor")[:2])


@public_in("linalg", out=True)
def ldl_factor_ex(A, *, hermitian: bool = False, check_errors: bool = False):
    """(LD, pivots, info): info is 0, or where D is singular first. Raises only if `check_errors`."""
    return return_types.linalg_ldl_factor_ex(*_ldl(A, hermitian, "torch.linalg.ldl_factor_ex" if check_errors else ""))


@public_in("linalg", out=True)
def ldl_solve(LD, pivots, B, *, hermitian: bool = False):
    """X of A X = B from what `ldl_factor` gives."""
    check_square("torch.linalg.ldl_solve", LD, "LD")
    if B._spec.ndim < 2:
        raise RuntimeError(f"torch.linalg.ldl_solve: Expected B to have at least 2 dimensions, but it has {B._spec.ndim} dimensions instead")
    LD, B = of_one_batch(LD, B)
    lead = LD._spec.shape[:-2]
    if pivots._spec.shape[:-1] != lead:
        pivots = movement.expand(pivots, shape=(*lead, pivots._spec.shape[-1]))
    return record(ops.ldl_solve, (LD, pivots, B), (bool(hermitian),))


# ---------------------------------------------------------------- QR


@public_in("linalg", out=True)
@casting.wide
def qr(A, mode: str = "reduced"):
    """(Q, R) of A = Q R: Q has orthonormal columns, R is upper triangular. `mode`: "reduced", "complete" (Q square), "r" (Q empty)."""
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'")
    check_matrices("linalg.qr", A, kernel="linalg_qr_cpu")
    return return_types.linalg_qr(*record(ops.qr, (A,), (mode,)))


def _reflections(input, tau):
    """(V, T) of H1 H2 … = 1 - V T V^H: T = (1 + D S)^-1 D, where D = diag(tau) and S is V^H V above its diagonal."""
    k = tau._spec.shape[-1]
    v = solving.tril(solving.columns(input, 0, k), -1) + eye(input._spec.shape[-2], k, dtype=input._spec.dtype)
    across = tau.unsqueeze(-1) * solving.triu(solving.product(conjugate_transpose(v), v), 1)
    return v, solving.solve_triangular(across, solving.diagonal_matrix(tau), upper=True, unit=True)


@public_in("linalg", out=True)
@casting.wide
def householder_product(input, tau):
    """The first N columns of the product of reflections 1 - tau v v^H, v the columns of `input` below its diagonal of ones: Q of `geqrf`."""
    A = input
    if A._spec.ndim < 2:
        raise RuntimeError("torch.linalg.householder_product: input must have at least 2 dimensions.")
    m, n = A._spec.shape[-2:]
    if m < n:
        raise RuntimeError("torch.linalg.householder_product: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if n < tau._spec.shape[-1]:
        raise RuntimeError("torch.linalg.householder_product: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if tau._spec.dtype is not A._spec.dtype:
        raise RuntimeError(
            f"torch.linalg.householder_product: tau dtype {TYPE_WORDS[tau._spec.dtype.name]} does not match input dtype {TYPE_WORDS[A._spec.dtype.name]}"
        )
    v, t = _reflections(A, tau)
    return eye(m, n, dtype=A._spec.dtype) - solving.product(v, t, conjugate_transpose(solving.rows(v, 0, n)))


@public(out=True)
@casting.wide
def orgqr(input, input2):
    """See `linalg.householder_product`."""
    return householder_product(input, input2)


@public(out=True)
@casting.wide
def ormqr(input, input2, input3, left: bool = True, transpose: bool = False):
    """Q times input3 (input3 times Q unless `left`), Q the whole product of reflections that `geqrf` gives; `transpose`: Q^H instead."""
    check_matrices("torch.ormqr", input, "input", kernel="ormqr_cpu")
    v, t = _reflections(input, input2)
    if transpose:
        t = conjugate_transpose(t)
    if left:
        return input3 - solving.product(v, t, solving.product(conjugate_transpose(v), input3))
    return input3 - solving.product(solving.product(input3, v), t, conjugate_transpose(v))


@public(out=True)
@casting.wide
def geqrf(input):
    """(a, tau): R, below it the vectors of the reflections that make Q, and their factors."""
    check_matrices("torch.geqrf", input, "input", kernel="geqrf_cpu")
    return return_types.geqrf(*record(ops.geqrf, (input,), ()))


# ---------------------------------------------------------------- eigenvalues and singular values


@public_in("linalg", out=True)
@casting.wide
def eigh(A, UPLO: str = "L"):
    """(eigenvalues in ascending order, eigenvectors) of a symmetric or Hermitian matrix, of which the lower ("U": upper) triangle is read."""
    _check_hermitian("linalg.eigh", A)
    return return_types.linalg_eigh(*certain(ops.eigh, (A,), (_is_lower(UPLO),), "linalg.eigh"))


def _check_hermitian(function: str, A) -> None:
    d = A._spec.dtype
    if A._spec.ndim >= 2 and A._spec.shape[-2] == A._spec.shape[-1] and d.category < FLOAT:
        raise NotImplementedError(f"\"linalg_eigh_cpu\" not implemented for '{TYPE_WORDS[d.name]}'")
    check_square(function, A, kernel="linalg_eigh_cpu")


def _is_lower(UPLO: str) -> bool:
    if str(UPLO).upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return UPLO.upper() == "L"


@public_in("linalg", out=True)
@casting.wide
def eigvalsh(A, UPLO: str = "L"):
    """The eigenvalues, in ascending order, of a symmetric or Hermitian matrix."""
    _check_hermitian("linalg.eigvalsh", A)
    return certain(ops.eigh, (A,), (_is_lower(UPLO),), "linalg.eigh")[0]


@public_in("linalg", out=True)
@casting.wide
def eig(A):
    """(eigenvalues, eigenvectors), complex, in no order. RuntimeError for infinities and NaN."""
    check_square("linalg.eig", A, kernel="linalg_eig_out_cpu")
    return return_types.linalg_eig(*certain(ops.eig, (A,), (), "torch.linalg.eig"))


@public_in("linalg", out=True)
@casting.wide
def eigvals(A):
    """The eigenvalues, complex, in no order. RuntimeError for infinities and NaN."""
    check_square("linalg.eigvals", A, kernel="linalg_eig_out_cpu")
    return certain(ops.eig, (A,), (), "torch.linalg.eig")[0]


def _check_driver(function: str, driver: str | None) -> None:
    if driver is not None:
        raise RuntimeError(f"{function}: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend.")


@public_in("linalg", out=True)
@casting.wide
def svd(A, full_matrices: bool = True, *, driver: str | None = None):
    """(U, S, Vh) of A = U diag(S) Vh, S in descending order; U and Vh are square if `full_matrices`. LinAlgError for infinities and NaN."""
    check_matrices("linalg.svd", A, kernel="linalg_svd_cpu")
    _check_driver("torch.linalg.svd", driver)
    return return_types.linalg_svd(*certain(ops.svd, (A,), (bool(full_matrices),), "linalg.svd"))


@public_in("linalg", out=True)
@casting.wide
def svdvals(A, *, driver: str | None = None):
    """The singular values in descending order. LinAlgError for infinities and NaN."""
    check_matrices("linalg.svd", A, kernel="linalg_svd_cpu")
    _check_driver("torch.linalg.svdvals", driver)
    return certain(ops.svd, (A,), (False,), "linalg.svd")[1]

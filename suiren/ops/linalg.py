"""Factorisations of matrices: Cholesky, LU, QR, LDL, eigenvalues, singular values. Matrices are the last two dims; all dims before them are a batch.

Gradients are those of PyTorch's FunctionsManual.cpp, where they are derived. Source: https://docs.pytorch.org/docs/stable/linalg.html
"""

from __future__ import annotations

import numpy as np

from suiren import dtypes
from suiren.ops import linalg_arrays as arrays
from suiren.ops.compare import eq, where
from suiren.ops.complex import conjugate, imag, is_complex, real_part
from suiren.ops.creation import iota, zeros
from suiren.ops.indexing import gather
from suiren.ops.matmul import matmul
from suiren.ops.movement import expand, reshape
from suiren.ops.placement import cat
from suiren.ops.pointwise import add, div, mul, scale, sub
from suiren.ops.solving import (
    LinAlgError,
    adjoint,
    as_column,
    as_row,
    columns,
    diagonal_matrix,
    diagonal_of,
    of_matrices,
    product,
    rows,
    shape_of,
    solution,
    solve_triangular,
    tril,
    triu,
)  # fmt: skip
from suiren.trace.op import NOT_DIFFERENTIABLE
from suiren.trace.spec import Spec, spec

# ---------------------------------------------------------------- Cholesky


def _not_positive(start: str, order: int):
    return LinAlgError(
        f"{start}The factorization could not be completed because the input is not positive-definite "
        f"(the leading minor of order {order} is not positive-definite)."
    )


def _turned(a):
    return np.conj(np.swapaxes(a, -1, -2))


def _cholesky(a, *, upper, check):
    try:
        if not np.isfinite(a).all():
            raise np.linalg.LinAlgError
        return np.linalg.cholesky(a, upper=upper), np.zeros(a.shape[:-2], np.int32)
    except np.linalg.LinAlgError:
        factors, info = _cholesky_to_the_end(_turned(a) if upper else a)
        return _turned(factors) if upper else factors, info


def _cholesky_to_the_end(a):
    """Row by row, as far as each matrix of the batch goes: the rest is left as it was."""
    lead, n = a.shape[:-2], a.shape[-1]
    a = np.tril(arrays.stacked(a))
    info = np.zeros(len(a), np.int32)
    for i, x in enumerate(a):
        for j in range(n):
            d = (x[j, j] - x[j, :j] @ np.conj(x[j, :j])).real
            if not d > 0:
                info[i], x[j, j] = j + 1, d
                break
            x[j, j] = np.sqrt(d)
            x[j + 1 :, j] = (x[j + 1 :, j] - x[j + 1 :, :j] @ np.conj(x[j, :j])) / x[j, j]
    return a.reshape(*lead, n, n), info.reshape(lead)


def _cholesky_grad(g0, out0, upper):
    if g0 is None:
        return (None,)
    low, g = (adjoint(out0), adjoint(g0)) if upper else (out0, g0)
    turned = adjoint(low)
    inner = tril(matmul(turned, g))
    left = solve_triangular(turned, scale(add(inner, adjoint(tril(inner, -1))), by=0.5), upper=True, unit=False)
    # (L^-H X) L^-1: from the right by the adjoint
    return (adjoint(solve_triangular(turned, adjoint(left), upper=True, unit=False)),)


cholesky = of_matrices(
    "linalg_cholesky_ex",
    inputs=("a",),
    params=("upper", "check"),
    outputs=2,
    infer=lambda a, *, upper, check: (spec(a.shape, a.dtype), spec(a.shape[:-2], dtypes.int32)),
    numpy=_cholesky,
    fails=(1, _not_positive),
    grad=_cholesky_grad,
    doc="(L of A = L L^H, or U of A = U^H U; 0 or the order of the first minor that is not positive). Reads one triangle. LinAlgError in the name of `check`.",
)

# ---------------------------------------------------------------- LU


def _zero_pivot(start: str, place: int):
    return RuntimeError(
        f"{start}U[{place},{place}] is zero and using it on lu_solve would result in a division by zero. "
        "If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
    )


def permuted(x, pivots, back: bool):
    """The rows of x in the order of the pivots, or back from it."""
    order = permutation(pivots, size=shape_of(x)[-2], back=back)
    return gather(x, expand(as_column(order), shape=shape_of(x)), dim=x._spec.ndim - 2)


def _lu_factor_grad(g0, out0, out1, a_spec):
    if g0 is None:
        return (None,)
    m, n = a_spec.shape[-2:]
    k = min(m, n)
    low, up = tril(columns(rows(out0, 0, k), 0, k), -1), triu(columns(rows(out0, 0, k), 0, k))
    grad_low, grad_up = tril(columns(rows(g0, 0, k), 0, k), -1), triu(columns(rows(g0, 0, k), 0, k))
    lh, uh = adjoint(low), adjoint(up)

    def by_low(x):  # L^-H x
        return solve_triangular(lh, x, upper=True, unit=True)

    def by_up(x):  # x U^-H
        return adjoint(solve_triangular(up, adjoint(x), upper=True, unit=False))

    beside = below = None
    if n > k:  # A = [A1 A2]: U2 = L⁻¹ A2
        beside = by_low(columns(g0, k, n))
        grad_low = sub(grad_low, tril(matmul(beside, adjoint(columns(out0, k, n))), -1))
    if m > k:  # A = [A1; A2]: L2 = A2 U⁻¹
        below = by_up(rows(g0, k, m))
        grad_up = sub(grad_up, triu(matmul(adjoint(rows(out0, k, m)), below)))
    one = diagonal_matrix(add(zeros(shape_of(low)[:-1], low._spec.dtype), 1))
    inner = add(tril(matmul(add(lh, one), grad_low), -1), triu(matmul(grad_up, uh)))
    found = by_up(by_low(inner))
    if beside is not None:
        found = cat(found, beside, dim=a_spec.ndim - 1)
    if below is not None:
        found = cat(found, below, dim=a_spec.ndim - 2)
    return (permuted(found, out1, back=True),)


lu_factor = of_matrices(
    "linalg_lu_factor_ex",
    inputs=("a",),
    params=("check",),
    outputs=3,
    infer=lambda a, *, check: (
        spec(a.shape, a.dtype),
        spec((*a.shape[:-2], min(a.shape[-2:])), dtypes.int32),
        spec(a.shape[:-2], dtypes.int32),
    ),
    numpy=lambda a, *, check: arrays.lu(a),
    fails=(2, _zero_pivot),
    grad=_lu_factor_grad,
    doc="(L below the diagonal and U, pivots counted from 1, 0 or the first zero pivot). RuntimeError in the name of `check` for a zero pivot.",
)


def _permutation(pivots, *, size, back):
    order = arrays.permutation(pivots, size)
    return np.argsort(order, -1) if back else order


permutation = of_matrices(
    "permutation_of_pivots",
    inputs=("pivots",),
    params=("size", "back"),
    infer=lambda pivots, *, size, back: spec((*pivots.shape[:-1], size), dtypes.int64),
    numpy=_permutation,
    grad=NOT_DIFFERENTIABLE,
    doc="Which row of the matrix each row of the factors comes from; `back`: the other way round.",
)

# ---------------------------------------------------------------- LDL


def _unknown_code(start: str, code: int):
    return RuntimeError(f"{start}the block of D at row {code} is zero: A is singular.")


def _ldl(a, *, hermitian, check):
    factors, pivots, info = arrays.ldl(a, hermitian)
    return np.tril(factors), pivots, info


ldl_factor = of_matrices(
    "linalg_ldl_factor_ex",
    inputs=("a",),
    params=("hermitian", "check"),
    outputs=3,
    infer=lambda a, *, hermitian, check: (spec(a.shape, a.dtype), spec(a.shape[:-1], dtypes.int32), spec(a.shape[:-2], dtypes.int32)),
    numpy=_ldl,
    fails=(2, _unknown_code),
    grad=NOT_DIFFERENTIABLE,
    doc="(L and D, pivots, 0 or the first zero block) in the format of LAPACK's sytrf, or hetrf if `hermitian`; reads the lower triangle.",
)

ldl_solve = of_matrices(
    "linalg_ldl_solve",
    inputs=("factors", "pivots", "b"),
    params=("hermitian",),
    infer=lambda factors, pivots, b, *, hermitian: spec(b.shape, b.dtype),
    numpy=lambda factors, pivots, b, *, hermitian: arrays.ldl_solve(factors, pivots, b, hermitian),
    grad=NOT_DIFFERENTIABLE,
    doc="X of L D L^T X = B, from what `ldl_factor` gives.",
)

# ---------------------------------------------------------------- QR


def _infer_qr(a: Spec, *, mode):
    (*lead, m, n), k = a.shape, min(a.shape[-2:])
    q = {"reduced": (*lead, m, k), "complete": (*lead, m, m), "r": (0,)}[mode]
    r = (*lead, m if mode == "complete" else k, n)
    return spec(q, a.dtype), spec(r, a.dtype)


def _qr(a, *, mode):
    if mode == "r":
        return np.empty((0,), a.dtype), np.linalg.qr(a, mode="r")
    return tuple(np.linalg.qr(a, mode=mode))


def _qr_grad(g0, g1, out0, out1, a_spec, mode):
    m, n = a_spec.shape[-2:]
    if mode == "r":
        raise RuntimeError(
            "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. "
            "Please use linalg.qr(A, mode='reduced') if you are going to differentiate through linalg.qr."
        )
    if mode == "complete" and m > n:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
    if g0 is None and g1 is None:
        return (None,)
    grad_q = zeros(shape_of(out0), out0._spec.dtype) if g0 is None else g0
    grad_r = zeros(shape_of(out1), out1._spec.dtype) if g1 is None else g1
    beside = None
    if m < n:  # A = [A1 A2] = Q [R1 R2], R2 = Q^H A2
        right = columns(grad_r, m, n)
        beside = matmul(out0, right)
        grad_q = add(grad_q, product(out0, columns(out1, m, n), adjoint(right)))
        out1, grad_r = columns(out1, 0, m), columns(grad_r, 0, m)
    inner = triu(sub(matmul(grad_r, adjoint(out1)), matmul(adjoint(out0), grad_q)))
    hermitian = sub(add(inner, adjoint(inner)), diagonal_matrix(real_part(diagonal_of(inner))))
    left = add(matmul(out0, hermitian), grad_q)
    found = adjoint(solve_triangular(out1, adjoint(left), upper=True, unit=False))
    return (found if beside is None else cat(found, beside, dim=a_spec.ndim - 1),)


qr = of_matrices(
    "linalg_qr",
    inputs=("a",),
    params=("mode",),
    outputs=2,
    infer=_infer_qr,
    numpy=_qr,
    grad=_qr_grad,
    doc="(Q, R): 'reduced', 'complete', or 'r' alone.",
)


def _geqrf(a):
    h, tau = np.linalg.qr(a, mode="raw")
    return np.swapaxes(h, -1, -2), tau


geqrf = of_matrices(
    "geqrf",
    inputs=("a",),
    outputs=2,
    infer=lambda a: (spec(a.shape, a.dtype), spec((*a.shape[:-2], min(a.shape[-2:])), a.dtype)),
    numpy=_geqrf,
    grad=NOT_DIFFERENTIABLE,
    doc="(R, and below it the vectors of the reflections that make Q; their factors): LAPACK's geqrf.",
)

# ---------------------------------------------------------------- phases


def _words(function: str, vectors: str, what: str) -> str:
    return (
        f"{function}_backward: The {vectors} in the complex case are specified up to multiplication by e^{{i phi}}. "
        f"The specified loss function depends on this {what}, {'making it' if what == 'phase term' else 'so it is'} ill-defined."
    )


def _phase_free(x, phases, *, words):
    if not np.allclose(phases, 0, rtol=1e-2, atol=1e-2):  # PyTorch's tolerance
        raise RuntimeError(words)
    return x


phase_free = of_matrices(
    "phase_free",
    inputs=("x", "phases"),
    params=("words",),
    infer=lambda x, phases, *, words: spec(x.shape, x.dtype),
    numpy=_phase_free,
    grad=lambda g: (g, None),
    doc="x, unless `phases` are not 0: complex eigenvectors and singular vectors have a phase that no loss may depend on.",
)

# ---------------------------------------------------------------- singular values


def _each(rule, a: np.ndarray) -> tuple:
    """The results of a rule on a batch of matrices; of those on which it fails, NaN."""
    try:
        if np.isfinite(a).all():
            return tuple(rule(a))
    except np.linalg.LinAlgError:
        pass
    lead, a = a.shape[:-2], arrays.stacked(a)
    found = None
    for i, x in enumerate(a):
        try:
            parts = tuple(rule(x if np.isfinite(x).all() else np.eye(*x.shape, dtype=x.dtype)))
            failed = not np.isfinite(x).all()
        except np.linalg.LinAlgError:
            parts, failed = tuple(rule(np.eye(*x.shape, dtype=x.dtype))), True
        if found is None:
            found = tuple(np.empty((len(a), *part.shape), part.dtype) for part in parts)
        for whole, part in zip(found, parts):
            whole[i] = np.nan if failed else part
    return tuple(whole.reshape(*lead, *whole.shape[1:]) for whole in found)


def _svd_failed(start: str, code: int):
    return LinAlgError(f"{start}The algorithm failed to converge because the input matrix contained non-finite values.")


def _infer_svd(a: Spec, *, full, check):
    (*lead, m, n), k = a.shape, min(a.shape[-2:])
    return spec((*lead, m, m if full else k), a.dtype), spec((*lead, k), a.dtype.to_real()), spec((*lead, n if full else k, n), a.dtype)


def _skew(x):
    return sub(x, adjoint(x))


def _phases(vectors, g):
    """How far a gradient asks for other phases of the vectors: Im diag(V^H g)."""
    if g is None:
        return zeros((*shape_of(vectors)[:-2], shape_of(vectors)[-1]), vectors._spec.dtype.to_real())
    return imag(diagonal_of(matmul(adjoint(vectors), g)))


def _off_diagonal(n: int):
    """(N, N) bool: true off the diagonal."""
    return eq(eq(reshape(iota(size=n), shape=(n, 1)), iota(size=n)), 0)


def _svd_grad(g0, g1, g2, out0, out1, out2, a_spec):
    m, n = a_spec.shape[-2:]
    k = min(m, n)
    u, s, vh = columns(out0, 0, k), out1, rows(out2, 0, k)
    grad_u = None if g0 is None else columns(g0, 0, k)
    grad_vh = None if g2 is None else rows(g2, 0, k)
    if grad_u is None and grad_vh is None:
        return (None if g1 is None else product(mul(u, as_row(g1)), vh),)
    squares = mul(s, s)
    gap = where(_off_diagonal(k), sub(as_row(squares), as_column(squares)), 1)
    inner = None
    if grad_u is not None:
        turn_u = _skew(matmul(adjoint(u), grad_u))
        inner = mul(turn_u, as_row(s))
    if grad_vh is not None:
        turn_v = mul(as_column(s), _skew(matmul(vh, adjoint(grad_vh))))
        inner = turn_v if inner is None else add(inner, turn_v)
    if is_complex(a_spec):
        free = add(_phases(u, grad_u), _phases(adjoint(vh), None if grad_vh is None else adjoint(grad_vh)))
        inner = phase_free(inner, free, words=_words("svd", "singular vectors", "phase term"))
    inner = div(inner, gap)
    # where there are two singular vectors of one phase, the diagonal has a part of it
    inner = where(_off_diagonal(k), inner, 0)
    if g1 is not None:
        inner = add(inner, diagonal_matrix(g1))
    if is_complex(a_spec) and grad_u is not None and grad_vh is not None:
        inner = add(inner, diagonal_matrix(div(diagonal_of(turn_u), scale(s, by=2.0))))
    if m > k and grad_u is not None:
        over = div(grad_u, as_row(s))
        left = add(matmul(u, inner), sub(over, product(u, matmul(adjoint(u), over))))
        return (matmul(left, vh),)
    if n > k and grad_vh is not None:
        over = div(grad_vh, as_column(s))
        right = add(matmul(inner, vh), sub(over, product(matmul(over, adjoint(vh)), vh)))
        return (matmul(u, right),)
    return (product(u, inner, vh),)


svd = of_matrices(
    "linalg_svd",
    inputs=("a",),
    params=("full", "check"),
    outputs=3,
    infer=_infer_svd,
    numpy=lambda a, *, full, check: _each(lambda x: np.linalg.svd(x, full_matrices=full), a),
    fails=(1, _svd_failed),
    grad=_svd_grad,
    doc="(U, S, V^H) of A = U diag(S) V^H; `full`: U and V are square.",
)

# ---------------------------------------------------------------- eigenvalues


def _eigh_failed(start: str, code: int):
    return LinAlgError(f"{start}The algorithm failed to converge because the input matrix is ill-conditioned or has too many repeated eigenvalues.")


def _eigh_grad(g0, g1, out0, out1, a_spec):
    if g1 is None:
        return (None if g0 is None else product(mul(out1, as_row(g0)), adjoint(out1)),)
    n = a_spec.shape[-1]
    if is_complex(a_spec):
        g1 = phase_free(g1, _phases(out1, g1), words=_words("linalg_eigh", "eigenvectors", "quantity"))
    gap = where(_off_diagonal(n), sub(as_row(out0), as_column(out0)), 1)
    # only what turns the eigenvectors without stretching them counts
    inner = where(_off_diagonal(n), div(scale(_skew(matmul(adjoint(out1), g1)), by=0.5), gap), 0)
    if g0 is not None:
        inner = add(inner, diagonal_matrix(g0))
    return (product(out1, inner, adjoint(out1)),)


eigh = of_matrices(
    "linalg_eigh",
    inputs=("a",),
    params=("lower", "check"),
    outputs=2,
    infer=lambda a, *, lower, check: (spec(a.shape[:-1], a.dtype.to_real()), spec(a.shape, a.dtype)),
    numpy=lambda a, *, lower, check: _each(lambda x: np.linalg.eigh(x, "L" if lower else "U"), a),
    fails=(0, _eigh_failed),
    grad=_eigh_grad,
    doc="(eigenvalues in ascending order, eigenvectors) of Hermitian matrices, of which one triangle is read.",
)


def _eig(a):
    """Complex also where all eigenvalues are real."""
    return tuple(x.astype(np.complex128) for x in np.linalg.eig(a))


def _eig_failed(start: str, code: int):
    return RuntimeError("torch.linalg.eig: input tensor should not contain infs or NaNs.")


def _eig_grad(g0, g1, out0, out1, a_spec):
    """V^-H (diag(gL) + (V^H gV - V^H V Re(diag(V^H gV))) / E^*) V^H with E the differences of eigenvalues."""
    vh, n = adjoint(out1), a_spec.shape[-1]
    if g1 is None:
        return (None if g0 is None else solution(vh, mul(as_column(g0), vh)),)
    g1 = phase_free(g1, _phases(out1, g1), words=_words("linalg_eig", "eigenvectors", "quantity"))
    inner = matmul(vh, g1)
    inner = sub(inner, mul(matmul(vh, out1), as_row(real_part(diagonal_of(inner)))))
    gap = where(_off_diagonal(n), sub(as_row(out0), as_column(out0)), 1)
    inner = where(_off_diagonal(n), div(inner, conjugate(gap)), 0)
    if g0 is not None:
        inner = add(inner, diagonal_matrix(g0))
    return (solution(vh, matmul(inner, vh)),)


eig = of_matrices(
    "linalg_eig",
    inputs=("a",),
    params=("check",),
    outputs=2,
    infer=lambda a, *, check: (spec(a.shape[:-1], a.dtype.to_complex()), spec(a.shape, a.dtype.to_complex())),
    numpy=lambda a, *, check: _each(_eig, a),
    fails=(0, _eig_failed),
    grad=_eig_grad,
    doc="(eigenvalues, eigenvectors), complex.",
)

__all__ = ["cholesky", "eig", "eigh", "geqrf", "ldl_factor", "ldl_solve", "lu_factor", "permutation", "permuted", "qr", "svd"]

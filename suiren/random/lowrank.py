"""Approximate singular value decompositions and a few eigenvalues, from random vectors. Source: Halko, Martinsson and Tropp, arXiv:0909.4061."""

from __future__ import annotations

from suiren.api.arguments import check_tensor
from suiren.api.creation import eye
from suiren.api.linalg import matmul
from suiren.api.linalg_factors import qr, svd
from suiren.api.surface import public
from suiren.dtypes import FLOAT, finfo, float32
from suiren.ops.lobpcg import lobpcg as op
from suiren.random.draws import randn
from suiren.trace.recording import record


def _basis(A, q: int, niter: int):
    """Q with orthonormal columns whose span nearly holds that of A: algorithm 4.4, the power method with a QR after every product."""
    d = A._spec.dtype
    draw = randn(A._spec.shape[-1], q, dtype=d if d.category >= FLOAT else float32)
    Q = qr(matmul(A, draw))[0]
    for _ in range(niter):
        Q = qr(matmul(A.mH, Q))[0]
        Q = qr(matmul(A, Q))[0]
    return Q


@public(method=False)
def svd_lowrank(A, q: int | None = 6, niter: int | None = 2, M=None):
    """(U, S, V) of the q largest singular values of A - M, nearly: algorithm 5.1, with `niter` steps of the power method. Draws random numbers."""
    check_tensor("svd_lowrank", A, "A")
    q, niter = (6 if q is None else q), (2 if niter is None else niter)
    if M is not None:
        A = A - M
    m, n = A._spec.shape[-2:]
    if m < n:
        A = A.mH
    Q = _basis(A, q, niter)
    U, S, Vh = svd(matmul(Q.mH, A), False)
    U, V = matmul(Q, U), Vh.mH
    return (V, S, U) if m < n else (U, S, V)


@public(method=False)
def pca_lowrank(A, q: int | None = None, center: bool = True, niter: int = 2):
    """(U, S, V) of the q (at most 6 unless given) largest singular values of A, less the mean of its rows if `center`: V's columns are the
    principal directions. ValueError for a q or niter that has no meaning."""
    check_tensor("pca_lowrank", A, "A")
    m, n = A._spec.shape[-2:]
    if q is None:
        q = min(6, m, n)
    elif not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, True) if center else A, q, niter)


@public(method=False)
def lobpcg(
    A, k: int | None = None, B=None, X=None, n: int | None = None, iK=None, niter: int | None = None, tol: float | None = None,
    largest: bool | None = None, method: str | None = None, tracker=None, ortho_iparams=None, ortho_fparams=None, ortho_bparams=None,
):  # fmt: skip
    """(the k largest, or smallest, eigenvalues, their vectors) of symmetric A X = B X E by conjugate gradients, from X (random: n columns) on.

    `iK`: nearly the inverse of A. `niter`: at most so many steps (1000; -1: any number), until residuals are below `tol`. Both methods are one
    here, whose basis is orthogonal at every step, so parameters of "ortho" have no effect. Differentiable for A, without B.
    ValueError if A has fewer than 3 n rows, or for a gradient with B; NotImplementedError for a tracker.
    """
    check_tensor("lobpcg", A, "A")
    shape = A._spec.shape
    if shape[-2] != shape[-1]:
        raise AssertionError(f"A must be square, got shape {A._spec.size}")
    if B is not None and B._spec.shape != shape:
        raise AssertionError(f"A and B must have same shape, got {A._spec.size} vs {B._spec.size}")
    if tracker is not None:
        raise NotImplementedError("lobpcg: a tracker sees the state of PyTorch's implementation, which is not that of this one")
    if B is not None and (A.requires_grad or B.requires_grad):
        raise ValueError("lobpcg.backward does not support backward with B != I yet.")
    d = A._spec.dtype if A._spec.dtype.category == FLOAT else float32
    A = A if A._spec.dtype is d else A.to(d)
    m, k = shape[-1], (1 if X is None else X._spec.shape[-1]) if k is None else k
    n = (k if n is None else n) if X is None else X._spec.shape[-1]
    if m < 3 * n:
        raise ValueError(
            f"LOBPCG algorithm is not applicable when the number of A rows (={m}) is smaller than 3 x the number of requested eigenpairs (={n})"
        )
    X = randn(*shape[:-2], m, n, dtype=d) if X is None else X
    if X._spec.shape != (*shape[:-2], m, n):
        raise AssertionError(f"X shape mismatch: got {X._spec.size}, expected {(m, n)}")
    if A.requires_grad:
        A = (A + A.mT) / 2
    one = eye(m, dtype=d).expand(shape)
    tol = finfo(d).eps ** 0.5 if tol is None else tol
    parts = (A, one if B is None else B, one if iK is None else iK.expand(shape), X.detach())
    return record(op, parts, (k, 1000 if niter is None else niter, float(tol), largest is None or bool(largest)))

"""Approximate singular value decompositions by random projections. Source: Halko, Martinsson and Tropp, arXiv:0909.4061."""

from __future__ import annotations

from suiren.api.arguments import check_tensor
from suiren.api.linalg import matmul
from suiren.api.linalg_factors import qr, svd
from suiren.api.surface import public
from suiren.dtypes import FLOAT, float32
from suiren.random.draws import randn


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

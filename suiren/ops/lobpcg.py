"""A few extreme eigenvalues of large symmetric matrices. Source: Knyazev, "Toward the optimal preconditioned eigensolver: locally optimal block
preconditioned conjugate gradient method", SIAM J. Sci. Comput. 23 (2001)."""

from __future__ import annotations

import numpy as np

from suiren.ops import linalg_arrays as arrays
from suiren.ops.compare import gt, where
from suiren.ops.linalg import eigh
from suiren.ops.matmul import matmul
from suiren.ops.pointwise import abs, add, div, mul, sub
from suiren.ops.reduce import amax
from suiren.ops.solving import adjoint, as_column, as_row, of_matrices, product, shape_of
from suiren.trace.spec import Spec, spec


def _orthonormal(s: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Columns with the span of s and S^T B S = 1; what is nearly in the span of the others is left out."""
    gram = s.T @ b @ s
    size = np.sqrt(np.maximum(np.diagonal(gram), 0))
    s = s[:, size > 0] / size[size > 0]
    values, vectors = np.linalg.eigh(s.T @ b @ s)
    keep = values > np.finfo(s.dtype).eps * len(values) * values.max(initial=0)
    return s @ (vectors[:, keep] / np.sqrt(values[keep]))


def _best(s: np.ndarray, a: np.ndarray, n: int, largest: bool) -> tuple[np.ndarray, np.ndarray]:
    """(eigenvalues, vectors) of A within the span of orthonormal s, the n wanted ones."""
    values, vectors = np.linalg.eigh(s.T @ a @ s)
    if largest:
        values, vectors = values[::-1], vectors[:, ::-1]
    return values[:n], s @ vectors[:, :n]


def _search(a, b, inverse, x, k: int, niter: int, tol: float, largest: bool):
    n = x.shape[1]
    norm_a, norm_b = (np.linalg.norm(m @ x) / np.linalg.norm(x) for m in (a, b))
    e, x = _best(_orthonormal(x, b), a, n, largest)
    moved, step = np.empty((len(a), 0), a.dtype), 0
    while niter < 0 or step < niter:
        rest = a @ x - b @ x * e
        error = np.linalg.norm(rest, axis=0) / (np.linalg.norm(x, axis=0) * (norm_a + np.abs(e) * norm_b))
        if (error[:k] <= tol).all():
            break
        e, found = _best(_orthonormal(np.concatenate([x, inverse @ rest, moved], 1), b), a, n, largest)
        moved, x, step = found - x @ (x.T @ b @ found), found, step + 1
    return e[:k], x[:, :k]


def _lobpcg(a, b, inverse, x, *, k, niter, tol, largest):
    lead = a.shape[:-2]
    batches = [arrays.stacked(m) for m in (a, b, inverse, x)]
    e, vectors = np.empty((len(batches[0]), k), a.dtype), np.empty((len(batches[0]), a.shape[-1], k), a.dtype)
    for i, parts in enumerate(zip(*batches)):
        e[i], vectors[i] = _search(*parts, k, niter, tol, largest)
    return e.reshape(*lead, k), vectors.reshape(*lead, a.shape[-1], k)


def _infer_lobpcg(a: Spec, b: Spec, inverse: Spec, x: Spec, *, k, niter, tol, largest):
    return spec((*a.shape[:-2], k), a.dtype), spec((*a.shape[:-1], k), a.dtype)


def _lobpcg_grad(g0, g1, out0, out1, a, a_spec):
    """Eigenvalue j moves with x_j dA x_j, its vector x_j by q_i (q_i dA x_j) / (e_j - l_i), over all eigenpairs (l, q) but its own."""
    found = None
    if g0 is not None:
        found = product(mul(out1, as_row(g0)), adjoint(out1))
    if g1 is not None:
        values, vectors = eigh(a, lower=True, check="")
        gap = sub(as_row(out0), as_column(values))
        size = amax(abs(values), dims=(len(shape_of(values)) - 1,), keepdim=True)
        own = gt(mul(as_column(size), float(np.finfo(a_spec.dtype.np).eps) ** 0.5), abs(gap))
        turned = where(own, 0, div(matmul(adjoint(vectors), g1), where(own, 1, gap)))
        part = product(vectors, turned, adjoint(out1))
        found = part if found is None else add(found, part)
    return found, None, None, None


lobpcg = of_matrices(
    "lobpcg",
    inputs=("a", "b", "inverse", "x"),
    params=("k", "niter", "tol", "largest"),
    outputs=2,
    infer=_infer_lobpcg,
    numpy=_lobpcg,
    grad=_lobpcg_grad,
    grad_name="LOBPCGAutogradFunctionBackward",
    doc="(the k extreme eigenvalues, vectors) of A X = B X E, from the vectors x on; `inverse` is nearly that of A. The gradient is for B = 1.",
)

__all__ = ["lobpcg"]

"""Algorithms of linear algebra that NumPy does not have, on stacks of matrices. Each does in one step the same thing to all matrices of the stack."""

from __future__ import annotations

from math import prod

import numpy as np

BLOCK = 32  # columns that are eliminated one by one before the rest is updated by one product


def stacked(a: np.ndarray) -> np.ndarray:
    """(…, M, N) -> (B, M, N), a copy."""
    return np.array(a, order="C").reshape(prod(a.shape[:-2]), *a.shape[-2:])


def magnitude(a: np.ndarray) -> np.ndarray:
    """By what LAPACK chooses a pivot: |x|, of complex numbers the sum of both parts."""
    return np.abs(a.real) + np.abs(a.imag) if a.dtype.kind == "c" else np.abs(a)


def lu(a: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(L below the diagonal and U, pivots counted from 1, 0 or the first zero pivot): Gauss's elimination with the largest pivot of each column."""
    lead, m, n = a.shape[:-2], *a.shape[-2:]
    a, k = stacked(a), min(m, n)
    every = np.arange(len(a))
    pivots, info = np.zeros((len(a), k), np.int32), np.zeros(len(a), np.int32)
    for first in range(0, k, BLOCK):
        last = min(first + BLOCK, k)
        for j in range(first, last):
            p = j + np.argmax(magnitude(a[:, j:, j]), axis=1)
            pivots[:, j] = p + 1
            row = a[every, p].copy()
            a[every, p] = a[:, j]
            a[:, j] = row
            d = a[:, j, j]
            info[(d == 0) & (info == 0)] = j + 1
            a[:, j + 1 :, j] /= np.where(d == 0, 1, d)[:, None]
            a[:, j + 1 :, j + 1 : last] -= a[:, j + 1 :, j, None] * a[:, j, None, j + 1 : last]
        for j in range(first + 1, last):
            a[:, j, last:] -= np.squeeze(a[:, j, None, first:j] @ a[:, first:j, last:], 1)
        a[:, last:, last:] -= a[:, last:, first:last] @ a[:, first:last, last:]
    return a.reshape(*lead, m, n), pivots.reshape(*lead, k), info.reshape(lead)


def permutation(pivots: np.ndarray, size: int) -> np.ndarray:
    """Row i of the permuted matrix is row order[i] of the original, for pivots counted from 1."""
    lead = pivots.shape[:-1]
    pivots = pivots.reshape(prod(lead), pivots.shape[-1])
    order = np.tile(np.arange(size), (len(pivots), 1))
    every = np.arange(len(pivots))
    for j in range(pivots.shape[1]):
        p = pivots[:, j] - 1
        other = order[every, p].copy()
        order[every, p] = order[:, j]
        order[:, j] = other
    return order.reshape(*lead, size)


def substitute(a: np.ndarray, b: np.ndarray, upper: bool, unit: bool) -> np.ndarray:
    """X of A X = B for triangular A, row by row; a zero on the diagonal gives infinities."""
    if upper:
        return substitute(a[..., ::-1, ::-1], b[..., ::-1, :], False, unit)[..., ::-1, :]
    x, n = np.array(b), a.shape[-1]
    for first in range(0, n, BLOCK):
        last = min(first + BLOCK, n)
        for i in range(first, last):
            x[..., i, :] -= np.squeeze(a[..., i : i + 1, first:i] @ x[..., first:i, :], -2)
            if not unit:
                x[..., i, :] /= a[..., i, i, None]
        x[..., last:, :] -= a[..., last:, first:last] @ x[..., first:last, :]
    return x


def solve(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """X of A X = B, infinities and NaN where A is singular."""
    try:
        return np.linalg.solve(a, b)
    except np.linalg.LinAlgError:  # one of the stack is singular: NumPy does not say which
        factors, pivots, _ = lu(a)
        b = np.take_along_axis(b, permutation(pivots, a.shape[-1])[..., None], -2)
        return substitute(factors, substitute(factors, b, False, True), True, False)


def cofactors(a: np.ndarray) -> np.ndarray:
    """The derivative of the determinant: det(A) A⁻ᵀ, of singular matrices too. From A = U S V: the same of U and V, and products of S without one."""
    u, s, vh = np.linalg.svd(a)
    n = s.shape[-1]
    others = np.ones_like(s)
    for i in range(n):
        others[..., i] = np.prod(np.delete(s, i, -1), -1)
    phase = (np.linalg.det(u) * np.linalg.det(vh))[..., None, None]
    return phase * (np.conj(u) * others[..., None, :]) @ np.conj(vh)


# Coefficients and reach of the approximant of degree 13 (Higham, "The scaling and squaring method for the matrix exponential revisited", 2005).
_PADE = (64764752532480000, 32382376266240000, 7771770303897600, 1187353796428800, 129060195264000, 10559470521600, 670442572800, 33522128640, 1323241920, 40840800, 960960, 16380, 182, 1)
_REACH = 5.371920351148152


def matrix_exp(a: np.ndarray) -> np.ndarray:
    """e to the power of square matrices, in float64: scaled down by a power of two, approximated, squared as often."""
    if not a.size:
        return a.copy()
    kind = a.dtype
    lead, a = a.shape[:-2], stacked(a.astype(np.complex128 if kind.kind == "c" else np.float64))
    size = np.abs(a).sum(-2).max(-1)
    bits = np.maximum(0, np.ceil(np.log2(np.maximum(size, 1e-300) / _REACH)))
    bits = np.where(np.isfinite(bits), bits, 0).astype(int)
    a = a / (2.0**bits)[:, None, None]
    one = np.eye(a.shape[-1])
    a2 = a @ a
    a4, b = a2 @ a2, _PADE
    a6 = a4 @ a2
    odd = a @ (a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2) + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * one)
    even = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2) + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * one
    e = solve(even - odd, even + odd)
    for i in range(bits.max(initial=0)):
        more = bits > i
        e[more] = e[more] @ e[more]
    return e.reshape(*lead, *e.shape[-2:]).astype(kind)


# ---------------------------------------------------------------- L D Lᵀ, by Bunch and Kaufman


def ldl(a: np.ndarray, hermitian: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(L below the diagonal and D, pivots, 0 or the first zero block), of the lower triangles: the steps and the format of LAPACK's sytf2 and hetf2."""
    lead, n = a.shape[:-2], a.shape[-1]
    a = stacked(a)
    pivots, info = np.zeros((len(a), n), np.int32), np.zeros(len(a), np.int32)
    for i in range(len(a)):
        info[i] = _ldl_one(a[i], pivots[i], hermitian and a.dtype.kind == "c")
    return a.reshape(*lead, n, n), pivots.reshape(*lead, n), info.reshape(lead)


_ALPHA = (1 + 17**0.5) / 8  # the bound of growth that decides between a pivot of one row and one of two


def _ldl_one(a: np.ndarray, pivots: np.ndarray, hermitian: bool) -> int:
    n, k, info = len(a), 0, 0
    turned = np.conj if hermitian else lambda x: x
    while k < n:
        step, at, two = 1, k, False
        own = abs(a[k, k].real) if hermitian else magnitude(a[k, k])
        below = magnitude(a[k + 1 :, k])
        largest = below.max(initial=0)
        if max(own, largest) == 0 or np.isnan(own):
            info = info or k + 1
        else:
            if own < _ALPHA * largest:
                i = k + 1 + int(below.argmax())
                row = max(magnitude(a[i, k:i]).max(initial=0), magnitude(a[i + 1 :, i]).max(initial=0))
                if own < _ALPHA * largest * (largest / row):
                    at, two = i, (abs(a[i, i].real) if hermitian else magnitude(a[i, i])) < _ALPHA * row
            step = 2 if two else 1
            _exchange(a, k, k + step - 1, at, turned)
            if hermitian:
                a[k, k], a[at, at] = a[k, k].real, a[at, at].real
            rest = slice(k + step, n)
            columns = a[rest, k : k + step].copy()
            if step == 1:
                a[rest, k : k + 1] /= a[k, k]
            else:
                d = np.array([[a[k, k], turned(a[k + 1, k])], [a[k + 1, k], a[k + 1, k + 1]]])
                a[rest, k : k + 2] = np.linalg.solve(d.T, columns.T).T
            a[rest, rest] -= np.tril(columns @ turned(a[rest, k : k + step]).T)
            if hermitian:
                places = np.arange(k + step, n)
                a[places, places] = a[places, places].real
        pivots[k : k + step] = at + 1 if step == 1 else -(at + 1)
        k += step
    return info


def _exchange(a: np.ndarray, k: int, i: int, j: int, turned) -> None:
    """Rows and columns i and j > i of what is left from k on, in the lower triangle."""
    if i == j:
        return
    a[j + 1 :, [i, j]] = a[j + 1 :, [j, i]]
    between = a[i + 1 : j, i].copy()
    a[i + 1 : j, i] = turned(a[j, i + 1 : j])
    a[j, i + 1 : j] = turned(between)
    a[j, i] = turned(a[j, i])
    a[i, i], a[j, j] = a[j, j], a[i, i]
    if i > k:
        a[i, k], a[j, k] = a[j, k], a[i, k]


def ldl_solve(factors: np.ndarray, pivots: np.ndarray, b: np.ndarray, hermitian: bool) -> np.ndarray:
    """X of L D Lᵀ X = B."""
    shape, factors, x = b.shape, stacked(factors), stacked(b)
    pivots = pivots.reshape(len(factors), factors.shape[-1])
    for i in range(len(factors)):
        _ldl_solve_one(factors[i], pivots[i], x[i], hermitian and factors.dtype.kind == "c")
    return x.reshape(shape)


def _ldl_solve_one(a: np.ndarray, pivots: np.ndarray, x: np.ndarray, hermitian: bool) -> None:
    n, turned, steps, k = len(a), np.conj if hermitian else lambda v: v, [], 0
    while k < n:
        step, at = (1 if pivots[k] > 0 else 2), abs(int(pivots[k])) - 1
        steps.append((k, step, at))
        x[[k + step - 1, at]] = x[[at, k + step - 1]]
        x[k + step :] -= a[k + step :, k : k + step] @ x[k : k + step]
        if step == 1:
            x[k] /= a[k, k]
        else:
            x[k : k + 2] = solve(np.array([[a[k, k], turned(a[k + 1, k])], [a[k + 1, k], a[k + 1, k + 1]]]), x[k : k + 2])
        k += step
    for k, step, at in reversed(steps):
        x[k : k + step] -= turned(a[k + step :, k : k + step]).T @ x[k + step :]
        x[[k + step - 1, at]] = x[[at, k + step - 1]]

"""Bessel and Airy functions and orthogonal polynomials. PyTorch differentiates none of them, and they are left to the interpreter.

Source: the Cephes Math Library, as PyTorch has it in ATen/native/Math.h.
"""

from __future__ import annotations

import numpy as np

from suiren.ops import special_tables as tables
from suiren.ops.special import wide
from suiren.ops.special_rules import chebyshev, i0, i1, polynomial
from suiren.trace.op import INTERPRETER_ONLY, NOT_DIFFERENTIABLE, pointwise

_ROOT_2_OVER_PI = 0.797884560802865355879892119868763737


def _function(name: str, rule, doc: str):
    return pointwise(name, inputs=("x",), promote="float", numpy=wide(rule), lower=INTERPRETER_ONLY, grad=NOT_DIFFERENTIABLE, doc=doc)


def _ratio(top: tuple, bottom: tuple, x):
    return polynomial(top, x) / polynomial(bottom, x)


# ---------------------------------------------------------------- of the first and second kind


def _wave(order: int, x):
    """(p, q, angle): J is p cos(angle) - q sin(angle) for x > 5, Y is p sin(angle) + q cos(angle)."""
    table = lambda name: getattr(tables, f"{name}_{order}")
    far = np.maximum(x, 5)
    square = 25 / (far * far)
    size = _ROOT_2_OVER_PI / np.sqrt(far)
    p = _ratio(table("P_TOP"), table("P_BOTTOM"), square) * size
    q = 5 / far * _ratio(table("Q_TOP"), table("Q_BOTTOM"), square) * size
    return p, q, far - (0.25 + 0.5 * order) * np.pi


def _j0(x):
    a = np.abs(x)
    square = np.minimum(a, 5) ** 2
    near = (square - 5.78318596294678452118) * (square - 30.4712623436620863991) * _ratio(tables.J_TOP_0, tables.J_BOTTOM_0, square)
    p, q, angle = _wave(0, a)
    return np.where(a < 1e-5, 1 - square / 4, np.where(a <= 5, near, p * np.cos(angle) - q * np.sin(angle)))


def _j1(x):
    a = np.abs(x)
    low = np.minimum(a, 5)
    square = low * low
    near = _ratio(tables.J_TOP_1, tables.J_BOTTOM_1, square) * low * (square - 14.6819706421238932572) * (square - 49.2184563216946036702)
    p, q, angle = _wave(1, a)
    found = np.where(a <= 5, near, p * np.cos(angle) - q * np.sin(angle))
    return np.where(x < 0, -found, found)


def _second_kind(order: int, near):
    """Y of an order; `near` gives it on (0, 5]. -inf at 0, NaN below."""

    def rule(x):
        p, q, angle = _wave(order, x)
        found = np.where(x <= 5, near(np.clip(x, 1e-300, 5)), p * np.sin(angle) + q * np.cos(angle))
        return np.where(x == 0, -np.inf, np.where(x < 0, np.nan, found))

    return rule


def _y0(x):
    return _ratio(tables.Y_TOP_0, tables.Y_BOTTOM_0, x * x) + 2 / np.pi * np.log(x) * _j0(x)


def _y1(x):
    return x * _ratio(tables.Y_TOP_1, tables.Y_BOTTOM_1, x * x) + 2 / np.pi * (_j1(x) * np.log(x) - 1 / x)


bessel_j0 = _function("bessel_j0", _j0, "The Bessel function of the first kind of order 0.")
bessel_j1 = _function("bessel_j1", _j1, "The Bessel function of the first kind of order 1.")
bessel_y0 = _function("bessel_y0", _second_kind(0, _y0), "The Bessel function of the second kind of order 0.")
bessel_y1 = _function("bessel_y1", _second_kind(1, _y1), "The Bessel function of the second kind of order 1.")

# ---------------------------------------------------------------- modified, of the second kind


def _k0(x):
    return chebyshev(tables.K0_NEAR, x * x - 2) - np.log(0.5 * x) * i0(x)


def _k1(x):
    return np.log(0.5 * x) * i1(x) + chebyshev(tables.K1_NEAR, x * x - 2) / x


def _modified(near, far_table: tuple, scaled: bool):
    """K of an order, times exp(x) if `scaled`: infinite at 0, NaN below."""

    def rule(x):
        low, high = np.clip(x, 1e-300, 2), np.maximum(x, 2)
        below, above = near(low), chebyshev(far_table, 8 / high - 2) / np.sqrt(high)
        found = np.where(x <= 2, below * np.exp(low), above) if scaled else np.where(x <= 2, below, np.exp(-high) * above)
        return np.where(x == 0, np.inf, np.where(x < 0, np.nan, found))

    return rule


modified_bessel_k0 = _function("modified_bessel_k0", _modified(_k0, tables.K0_FAR, False), "The modified Bessel function of the second kind of order 0.")
modified_bessel_k1 = _function("modified_bessel_k1", _modified(_k1, tables.K1_FAR, False), "The modified Bessel function of the second kind of order 1.")
scaled_modified_bessel_k0 = _function("scaled_modified_bessel_k0", _modified(_k0, tables.K0_FAR, True), "exp(x) modified_bessel_k0(x).")
scaled_modified_bessel_k1 = _function("scaled_modified_bessel_k1", _modified(_k1, tables.K1_FAR, True), "exp(x) modified_bessel_k1(x).")

# ---------------------------------------------------------------- others


def _spherical_j0(x):
    square = np.minimum(x * x, 1)
    series = 1 + square * polynomial((1 / 6227020800, -1 / 39916800, 1 / 362880, -1 / 5040, 1 / 120, -1 / 6), square)
    return np.where(np.isinf(x), 0, np.where(np.abs(x) < 0.5, series, np.sin(x) / x))


spherical_bessel_j0 = _function("spherical_bessel_j0", _spherical_j0, "sin(x) / x, 1 at 0.")


def _airy_series(x):
    """Ai by its power series."""
    f, g, m, n, k, cube = np.ones_like(x), x.copy(), np.ones_like(x), x.copy(), 1.0, x**3
    while (np.abs(m) > 2e-16 * np.abs(f)).any():
        m, n = m * cube / ((k + 1) * (k + 2)), n * cube / ((k + 2) * (k + 3))
        f, g, k = f + m, g + n, k + 3
    return 0.355028053887817239260 * f - 0.258819403792806798405 * g


def _airy(x):
    root_pi = 5.64189583547756286948e-01
    low = np.minimum(x, -2.09)
    size = np.sqrt(-low)
    angle = -2 * low * size / 3
    z = 1 / angle
    f, g = 1 + z * z * _ratio(tables.AIRY_F_TOP, tables.AIRY_F_BOTTOM, z * z), z * _ratio(tables.AIRY_G_TOP, tables.AIRY_G_BOTTOM, z * z)
    angle = angle + np.pi / 4
    below = root_pi / np.sqrt(size) * (np.sin(angle) * f - np.cos(angle) * g)
    high = np.maximum(x, 2.09)
    decay = 2 * high * np.sqrt(high) / 3
    above = root_pi * _ratio(tables.AIRY_TOP, tables.AIRY_BOTTOM, 1 / decay) / (2 * np.sqrt(np.sqrt(high)) * np.exp(decay))
    middle = _airy_series(np.clip(x, -2.09, 2.09))
    found = np.where(x < -2.09, below, np.where(x >= 2.09, above, middle))
    return np.where(np.isinf(x), np.nan, np.where(x > 103.892, 0, found))


airy_ai = _function("airy_ai", _airy, "The Airy function Ai.")

# ---------------------------------------------------------------- orthogonal polynomials


def _recurrence(x, n, first, step):
    """The n-th of 1, first, step(1, q, p), …, each with its own n. 0 for a negative n."""
    p, q = np.ones_like(x), first
    found = np.where(n < 0, 0, np.where(n == 0, p, q))
    k = 1
    active = n > 1
    while active.any():
        p, q = q, step(k, q, p)
        found = np.where(active, q, found)
        k += 1
        active = active & (n > k) & ~np.isnan(q)
    return found.astype(x.dtype)


def _polynomial(name: str, rule, doc: str):
    def numpy(x, n):
        whole = np.where(np.isfinite(n), n, -1).astype(np.int64)  # of the order only its whole part counts
        x, whole = np.broadcast_arrays(x, whole)
        return rule(x, whole)

    return pointwise(name, inputs=("x", "n"), promote="float", numpy=numpy, lower=INTERPRETER_ONLY, grad=NOT_DIFFERENTIABLE, doc=doc)


def _chebyshev(kind: str, trigonometric: int):
    """Inside (-1, 1) and above the order `trigonometric` by sines and cosines of the angle, at -1 and 1 exactly, by the recurrence else."""

    def rule(x, n):
        two, one = x + x, x.dtype.type(1)
        first = {"t": x, "u": two, "v": two - one, "w": two + one}[kind]
        by_angle = (n > trigonometric) & (np.abs(x) < 1)
        at_end = np.abs(x) == 1
        found = _recurrence(x, np.where(by_angle | at_end, np.minimum(n, 0), n), first, lambda k, q, p: two * q - p)
        angle = np.arccos(np.clip(x, -1, 1))
        half = (n + 0.5).astype(x.dtype)
        order = n.astype(x.dtype)
        wave = {
            "t": lambda: np.cos(order * angle),
            "u": lambda: np.sin((order + 1) * angle) / np.sin(angle),
            "v": lambda: np.cos(half * angle) / np.cos(angle / 2),
            "w": lambda: np.sin(half * angle) / np.sin(angle / 2),
        }[kind]()
        sign = np.where(n % 2 == 0, 1, -1)
        right = {"t": 1, "u": n + 1, "v": 1, "w": n + n + 1}[kind]
        left = sign * {"t": 1, "u": n + 1, "v": n + n + 1, "w": 1}[kind]
        found = np.where(by_angle, wave, np.where(at_end & (n >= 0), np.where(x > 0, right, left), found))
        return found.astype(x.dtype)

    return rule


def _shifted(rule):
    return lambda x, n: rule(x + x - x.dtype.type(1), n)


def _hermite(first, step):
    def rule(x, n):
        limit = 128 if x.dtype.itemsize <= 4 else 512  # above, PyTorch gives NaN
        found = _recurrence(x, np.where(n > limit, 0, n), first(x), lambda k, q, p: step(x, k, q, p))
        return np.where(n > limit, np.nan, found).astype(x.dtype)

    return rule


def _laguerre(x, n):
    found = _recurrence(x, n, 1 - x, lambda k, q, p: ((2 * k + (1 - x)) * q - k * p) / (k + 1))
    return np.where((x == 0) & (n >= 0), 1, found)


def _legendre(x, n):
    found = _recurrence(x, n, x, lambda k, q, p: ((2 * k + 1) * x * q - k * p) / (k + 1))
    return np.where((np.abs(x) == 1) & (n >= 0), np.where((x > 0) | (n % 2 == 0), 1, -1), found)


chebyshev_polynomial_t = _polynomial("chebyshev_polynomial_t", _chebyshev("t", 6), "Chebyshev's polynomial of the first kind of order n.")
chebyshev_polynomial_u = _polynomial("chebyshev_polynomial_u", _chebyshev("u", 8), "Chebyshev's polynomial of the second kind of order n.")
chebyshev_polynomial_v = _polynomial("chebyshev_polynomial_v", _chebyshev("v", 8), "Chebyshev's polynomial of the third kind of order n.")
chebyshev_polynomial_w = _polynomial("chebyshev_polynomial_w", _chebyshev("w", 8), "Chebyshev's polynomial of the fourth kind of order n.")
shifted_chebyshev_polynomial_t = _polynomial(
    "shifted_chebyshev_polynomial_t", _shifted(_chebyshev("t", 6)), "chebyshev_polynomial_t(2x - 1, n)."
)
shifted_chebyshev_polynomial_u = _polynomial(
    "shifted_chebyshev_polynomial_u", _shifted(_chebyshev("u", 6)), "chebyshev_polynomial_u(2x - 1, n)."
)
shifted_chebyshev_polynomial_v = _polynomial(
    "shifted_chebyshev_polynomial_v", _shifted(_chebyshev("v", 6)), "chebyshev_polynomial_v(2x - 1, n)."
)
shifted_chebyshev_polynomial_w = _polynomial(
    "shifted_chebyshev_polynomial_w", _shifted(_chebyshev("w", 4)), "chebyshev_polynomial_w(2x - 1, n)."
)
hermite_polynomial_h = _polynomial(
    "hermite_polynomial_h", _hermite(lambda x: x + x, lambda x, k, q, p: 2 * x * q - 2 * k * p), "The physicists' Hermite polynomial of order n."
)
hermite_polynomial_he = _polynomial(
    "hermite_polynomial_he", _hermite(lambda x: x, lambda x, k, q, p: x * q - k * p), "The probabilists' Hermite polynomial of order n."
)
laguerre_polynomial_l = _polynomial("laguerre_polynomial_l", _laguerre, "Laguerre's polynomial of order n.")
legendre_polynomial_p = _polynomial("legendre_polynomial_p", _legendre, "Legendre's polynomial of order n.")

__all__ = [
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "chebyshev_polynomial_t", "chebyshev_polynomial_u",
    "chebyshev_polynomial_v", "chebyshev_polynomial_w", "hermite_polynomial_h", "hermite_polynomial_he", "laguerre_polynomial_l",
    "legendre_polynomial_p", "modified_bessel_k0", "modified_bessel_k1", "scaled_modified_bessel_k0", "scaled_modified_bessel_k1",
    "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u", "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w",
    "spherical_bessel_j0",
]  # fmt: skip

"""Gamma, zeta and Bessel functions and the tails of the normal distribution on float64 arrays, as NumPy computes them.

Sources: the Cephes Math Library, as PyTorch has it in ATen/native/Math.h; where another one is used, the function says so.
"""

from __future__ import annotations

import numpy as np

from suiren.ops import special_tables as tables
from suiren.ops.approximations import erfc, normal_tail


def polynomial(coefficients: tuple, x: np.ndarray) -> np.ndarray:
    """Highest power first."""
    total = np.full_like(x, coefficients[0])
    for c in coefficients[1:]:
        total = total * x + c
    return total


def chebyshev(coefficients: tuple, x: np.ndarray) -> np.ndarray:
    """The series at x/2 by Clenshaw's recurrence; the last coefficient is halved."""
    b0, b1, b2 = np.full_like(x, coefficients[0]), np.zeros_like(x), np.zeros_like(x)
    for c in coefficients[1:]:
        b2, b1 = b1, b0
        b0 = x * b1 - b2 + c
    return 0.5 * (b0 - b2)


# ---------------------------------------------------------------- gamma


def lgamma(x: np.ndarray) -> np.ndarray:
    """log|gamma(x)|; infinite at 0 and the negative integers."""
    a = np.abs(x)
    z, p = np.ones_like(a), a.copy()  # gamma(a) = z * gamma(p), p in [2, 3)
    for _ in range(11):
        large = (p >= 3) & (a < 13)
        p = np.where(large, p - 1, p)
        z = np.where(large, z * p, z)
    for _ in range(2):
        small = p < 2
        z = np.where(small, z / np.where(p == 0, 1, p), z)
        p = np.where(small, p + 1, p)
    near = np.clip(p, 2, 3) - 2
    below = np.log(z) + near * polynomial(tables.GAMMA_TOP, near) / polynomial(tables.GAMMA_BOTTOM, near)
    big = np.clip(a, 13, 1e305)
    above = (big - 0.5) * np.log(big) - big + 0.91893853320467274178 + polynomial(tables.STIRLING, 1 / (big * big)) / big
    positive = np.where(a < 13, below, np.where(a > 1e305, np.inf, above))
    # gamma(-a) gamma(a) a sin(pi a) = -pi
    part = np.abs(a - np.rint(a))
    negative = np.log(np.pi / np.where(a == 0, 1, a * np.sin(np.pi * part))) - positive
    found = np.where(x > 0, positive, np.where(part == 0, np.inf, negative))
    return np.where(np.isnan(x), x, np.where(np.isinf(x), np.inf, found))


def digamma(x: np.ndarray) -> np.ndarray:
    """The derivative of lgamma: NaN at negative integers, infinite at 0."""
    y = np.where(x <= 0, 1 - x, x)
    shift, z = np.zeros_like(y), y.copy()
    for _ in range(10):
        small = z < 10
        shift = np.where(small, shift - 1 / z, shift)
        z = np.where(small, z + 1, z)
    square = 1 / (z * z)
    found = shift + np.log(z) - 0.5 / z - np.where(z < 1e17, square * polynomial(tables.DIGAMMA, square), 0)
    reflected = found - np.pi / np.tan(np.pi * np.fmod(x, 1))
    found = np.where(x < 0, np.where(x == np.trunc(x), np.nan, reflected), found)
    return np.where(x == 0, np.copysign(np.inf, -x), found)


def zeta(x: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Hurwitz' zeta function, the sum of (q + k) ** -x, by Euler and Maclaurin's formula."""
    a, total = q.copy(), np.power(q, -x)
    last = np.zeros_like(total)
    i, active = 0, np.isfinite(total)
    while True:  # until it has 9 terms and has passed 9
        going = active & ((i < 9) | (a <= 9))
        if not going.any():
            break
        i += 1
        a = np.where(going, a + 1, a)
        last = np.where(going, np.power(a, -x), last)
        total = np.where(going, total + last, total)
        active = active & ~(going & (np.abs(last) < 1.2e-16 * np.abs(total)))
    rest = last * a / (x - 1) - 0.5 * last
    factor, power = np.ones_like(a), last
    for k, denominator in enumerate(tables.ZETA):
        factor, power = factor * (x + 2 * k), power / a
        rest = rest + factor * power / denominator
        factor, power = factor * (x + 2 * k + 1), power / a
    found = np.where(active, total + rest, total)
    at_pole = (q <= 0) & (q == np.floor(q))
    found = np.where((q <= 0) & ~at_pole & (x != np.floor(x)), np.nan, np.where(at_pole, np.inf, found))
    found = np.where(x == 1, np.inf, np.where(x < 1, np.nan, found))
    found = np.where(np.isinf(q) & (q > 0) & (x > 1), 0, found)
    return np.where(np.isnan(x) | np.isnan(q), np.nan, found)


def polygamma(x: np.ndarray, n: int) -> np.ndarray:
    """The n-th derivative of digamma."""
    if n == 0:
        return digamma(x)
    if n == 1:  # reflected, so that a far negative x costs no more terms
        low = x < 0.5
        found = zeta(np.full_like(x, 2.0), np.where(low, 1 - x, x))
        return np.where(low, (np.pi / np.sin(np.pi * x)) ** 2 - found, found)
    size = np.exp(lgamma(np.float64(n + 1)))
    return (1 if n % 2 else -1) * size * zeta(np.full_like(x, n + 1.0), x)


def _power_over_gamma(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """x**a exp(-x) / gamma(a + 1), without overflow: for a large a by Stirling's formula around x = a."""
    small = np.exp(a * np.log(x) - x - lgamma(a + 1))
    big = np.maximum(a, 10)
    u = (x - big) / big
    near = np.clip(u, -0.5, 0.5)
    series, power = np.zeros_like(u), near * near  # log(1 + u) - u
    for k in range(2, 60):
        series = series - power / k if k % 2 == 0 else series + power / k
        power = power * near
    gap = np.where(np.abs(u) < 0.5, series, np.log(x / big) - u)
    correction = polynomial(tables.STIRLING, 1 / (big * big)) / big
    return np.where(a < 10, small, np.exp(big * gap - correction) / np.sqrt(2 * np.pi * big))


def _gamma_tails(a: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(P, Q), the regularised lower and upper incomplete gamma functions, for finite a > 0, x > 0.

    The power series below a + 1 and Legendre's continued fraction above, until no element changes (DLMF 8.11.4 and 8.9.2).
    """
    front = _power_over_gamma(a, x)
    below = x < a + 1
    u = np.where(below, x, 0.5)
    term = total = np.ones_like(a)
    r = a.copy()
    while True:
        r = r + 1
        term = term * (u / r)
        if not (term > total * 1e-17).any():
            break
        total = total + term
    lower = front * total
    # Lentz' method on 1/(x + 1 - a - 1 (1 - a)/(x + 3 - a - …)
    v = np.where(below, a + 2, x)
    b = v + 1 - a
    c, d = np.full_like(b, 1e300), 1 / b
    h, i, going = d, 0, ~below
    while going.any():
        i += 1
        top = -i * (i - a)
        b = b + 2
        d = top * d + b
        d = 1 / np.where(np.abs(d) < 1e-300, 1e-300, d)
        c = b + top / c
        c = np.where(np.abs(c) < 1e-300, 1e-300, c)
        step = d * c
        h = np.where(going, h * step, h)
        going = going & (np.abs(step - 1) > 4.5e-16)
    upper = front * a * h
    return np.where(below, lower, 1 - upper), np.where(below, 1 - lower, upper)


def _incomplete(which: int):
    def rule(a: np.ndarray, x: np.ndarray) -> np.ndarray:
        plain = (a > 0) & (x > 0) & np.isfinite(a) & np.isfinite(x)
        found = _gamma_tails(np.where(plain, a, 1.0), np.where(plain, x, 1.0))[which]
        at_0, at_infinity = (0.0, 1.0) if which == 0 else (1.0, 0.0)
        found = np.where(plain, found, np.nan)
        found = np.where((a == 0) & (x > 0), at_infinity, found)  # all of it lies below
        found = np.where((x == 0) & (a > 0), at_0, found)
        found = np.where(np.isinf(a) & (a > 0) & (x >= 0) & np.isfinite(x), at_0, found)
        return np.where(np.isinf(x) & (x > 0) & (a >= 0) & np.isfinite(a), at_infinity, found)

    return rule


igamma, igammac = _incomplete(0), _incomplete(1)

# ---------------------------------------------------------------- tails of the normal distribution


def erfcx(x: np.ndarray) -> np.ndarray:
    """exp(x²) erfc(x)."""
    a = np.abs(x)
    near = np.exp(np.minimum(a, 1.25) ** 2) * erfc(np.minimum(a, 1.25))
    positive = np.where(a < 1.25, near, normal_tail(np.maximum(a, 1.25)))
    return np.where(x < 0, 2 * np.exp(x * x) - positive, positive)


def log_ndtr(x: np.ndarray) -> np.ndarray:
    """log of the normal distribution function."""
    t = x * np.sqrt(0.5)
    low = np.minimum(t, -np.sqrt(0.5))
    return np.where(x < -1, np.log(erfcx(-low) / 2) - low * low, np.log1p(-erfc(np.maximum(t, -1)) / 2))


def ndtri(p: np.ndarray) -> np.ndarray:
    """The normal quantile."""
    edge = 0.13533528323661269189  # exp(-2)
    high = p > 1 - edge
    y = np.where(high, 1 - p, p)
    middle = y - 0.5
    square = middle * middle
    inner = middle + middle * (square * polynomial(tables.QUANTILE_TOP_0, square) / polynomial(tables.QUANTILE_BOTTOM_0, square))
    x = np.sqrt(-2 * np.log(np.clip(y, 1e-320, edge)))
    z = 1 / x
    near = z * polynomial(tables.QUANTILE_TOP_1, z) / polynomial(tables.QUANTILE_BOTTOM_1, z)
    far = z * polynomial(tables.QUANTILE_TOP_2, z) / polynomial(tables.QUANTILE_BOTTOM_2, z)
    outer = x - np.log(x) / x - np.where(x < 8, near, far)
    found = np.where(y > edge, inner * 2.50662827463100050242, np.where(high, outer, -outer))
    found = np.where(p == 0, -np.inf, np.where(p == 1, np.inf, found))
    return np.where((p < 0) | (p > 1) | np.isnan(p), np.nan, found)


# ---------------------------------------------------------------- modified Bessel functions of the first kind


def i0e(x: np.ndarray) -> np.ndarray:
    """exp(-|x|) I0(x)."""
    a = np.abs(x)
    far = np.maximum(a, 8)
    return np.where(a <= 8, chebyshev(tables.I0_NEAR, np.minimum(a, 8) / 2 - 2), chebyshev(tables.I0_FAR, 32 / far - 2) / np.sqrt(far))


def i1e(x: np.ndarray) -> np.ndarray:
    """exp(-|x|) I1(x)."""
    a = np.abs(x)
    far = np.maximum(a, 8)
    near = chebyshev(tables.I1_NEAR, np.minimum(a, 8) / 2 - 2) * a
    return np.copysign(np.where(a <= 8, near, chebyshev(tables.I1_FAR, 32 / far - 2) / np.sqrt(far)), x)


def i0(x: np.ndarray) -> np.ndarray:
    return np.exp(np.abs(x)) * i0e(x)


def i1(x: np.ndarray) -> np.ndarray:
    return np.exp(np.abs(x)) * i1e(x)


__all__ = [
    "chebyshev", "digamma", "erfcx", "i0", "i0e", "i1", "i1e", "igamma", "igammac", "lgamma", "log_ndtr", "ndtri", "polygamma", "polynomial", "zeta",
]  # fmt: skip

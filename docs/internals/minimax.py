"""How the polynomials of suiren/compiler/emit were found: run it (it needs mpmath) to find them again and compare.

A fit minimises the largest weighted error over an interval. Lawson's algorithm gets there by weighted least squares:
where the error is large the weight grows. The coefficients are then rounded to the format one after another, lowest power
first, and after each rounding those that are left are fitted again, so they make up for it.
"""

import mpmath as mp
import numpy as np

from suiren.compiler.emit import power, trigonometry, vecmath
from suiren.dtypes import float32, float64

mp.mp.dps = 60


def least_squares(rows, target, rounds):
    """Coefficients c with rows · c near target in the sense of the largest error."""
    n = len(rows[0])
    weights = [mp.mpf(1)] * len(rows)
    best = None
    for _ in range(rounds):
        matrix, right = mp.matrix(n, n), mp.matrix(n, 1)
        for row, y, w in zip(rows, target, weights):
            for i in range(n):
                right[i] += w * row[i] * y
                for j in range(n):
                    matrix[i, j] += w * row[i] * row[j]
        c = list(mp.lu_solve(matrix, right))
        errors = [abs(sum(a * r for a, r in zip(c, row)) - y) for row, y in zip(rows, target)]
        if best is None or max(errors) < best[1]:
            best = c, max(errors)
        weights = [w * e for w, e in zip(weights, errors)]
        scale = sum(weights) / len(weights)
        weights = [w / scale for w in weights]
    return best[0]


def fit(f, weight, powers, interval, d, known=(), rounds=8):
    """(coefficients of x^p for p in powers, largest weighted error); `known` are (power, coefficient) that are given."""
    a, b = (mp.mpf(x) for x in interval)
    count = max(60, 8 * len(powers))
    xs = [(a + b) / 2 - (b - a) / 2 * mp.cos(mp.pi * (i + mp.mpf(1) / 2) / count) for i in range(count)]
    ws = [weight(x) for x in xs]
    left = [f(x) - sum(c * x**p for p, c in known) for x in xs]
    found = []
    for k, p in enumerate(powers):
        rows = [[x**q * w for q in powers[k:]] for x, w in zip(xs, ws)]
        c = float(least_squares(rows, [y * w for y, w in zip(left, ws)], rounds)[0])
        c = mp.mpf(float(np.float32(c)) if d is float32 else c)
        left = [y - c * x**p for x, y in zip(xs, left)]
        found.append(float(c))
    return tuple(found), max(abs(y * w) for y, w in zip(left, ws))


def relative(f):
    return lambda x: 1 / abs(f(x))


LN2 = mp.log(2)
ODD = lambda n: [3 + 2 * i for i in range(n)]
EVEN = lambda n: [4 + 2 * i for i in range(n)]
LONG = (float32, float64)


def exp_rest(x):
    """(e^x - 1 - x) / x²"""
    return sum(x**k / mp.factorial(k + 2) for k in range(28))


def log_rest(z):
    s = mp.sqrt(z)
    return (mp.log((1 + s) / (1 - s)) - 2 * s) / s


def atanh_rest(z):
    return (mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z - mp.mpf(1) / 3


def fits():
    """(name, coefficients in use, arguments of `fit`)"""
    for d in LONG:
        k = LONG.index(d)
        whole, half = LN2 * mp.mpf("1.002"), LN2 / 2 * mp.mpf("1.004")
        expm1_half = LN2 / 2 * mp.mpf("1.002")
        e = [(0, 1), (1, 1)]
        yield "exp", vecmath._EXP[d][2:], (mp.exp, relative(mp.exp), list(range(2, (8, 14)[k])), (-whole, whole), d, e)
        yield (
            "exp, fine",
            vecmath._EXP_FINE[d][2:],
            (mp.exp, relative(mp.exp), list(range(2, (7, 12)[k])), (-half, half), d, e),
        )
        two = lambda x: mp.mpf(2) ** x
        yield (
            "exp2",
            vecmath._EXP2[d][1:],
            (two, relative(two), list(range(1, (8, 14)[k])), (-1.002, 1.002), d, [(0, 1)]),
        )
        near = (abs, lambda x: abs(x) + mp.mpf(1e-12))[k]
        yield "expm1", vecmath._EXPM1[d], (exp_rest, near, list(range((5, 11)[k])), (-expm1_half, expm1_half), d)
        yield "tanh", vecmath._TANH[d], (mp.tanh, relative(mp.tanh), ODD((5, 12)[k]), (0, mp.mpf("0.626")), d, [(1, 1)])
        rest = lambda x: mp.erf(x) - x
        powers = [1 + 2 * i for i in range((7, 12)[k])]
        yield "erf", vecmath._ERF[d], (rest, relative(mp.erf), powers, (0, 1), d)
        log_erfc, w = lambda t: mp.log(mp.erfc(t)), lambda t: mp.erfc(t) / mp.erf(t)
        yield "log erfc", vecmath._LOG_ERFC[d], (log_erfc, w, list(range((7, 19)[k])), (1, (4, 6)[k]), d, (), (8, 4)[k])
        quarter = (0, mp.pi / 4 * mp.mpf("1.001"))
        yield "sin", trigonometry._SIN[d], (mp.sin, relative(mp.sin), ODD((3, 6)[k]), quarter, d, [(1, 1)])
        yield "cos", trigonometry._COS[d], (mp.cos, relative(mp.cos), EVEN((3, 6)[k]), quarter, d, [(0, 1), (2, -0.5)])
        yield "tan", trigonometry._TAN[d], (mp.tan, relative(mp.tan), ODD((7, 16)[k]), quarter, d, [(1, 1)], (8, 5)[k])
        eighth = (0, mp.tan(mp.pi / 8) * mp.mpf("1.0005"))
        yield "atan", trigonometry._ATAN[d], (mp.atan, relative(mp.atan), ODD((5, 11)[k]), eighth, d, [(1, 1)])
    third = mp.mpf("0.3335")
    powers = list(range(3, 11))
    yield (
        "log",
        vecmath._LOG_FLOAT,
        (mp.log1p, relative(mp.log1p), powers, (-third, third), float32, [(1, 1), (2, -0.5)]),
    )
    z = mp.mpf("0.0403")
    weight = lambda z: mp.sqrt(z) / mp.log((1 + mp.sqrt(z)) / (1 - mp.sqrt(z)))
    yield "log", vecmath._LOG_DOUBLE[1:], (log_rest, weight, list(range(1, 8)), (0, z), float64)
    yield "pow", power._ATANH, (atanh_rest, lambda z: z, list(range(1, 9)), (0, z), float64)


if __name__ == "__main__":
    for name, used, arguments in fits():
        coefficients, error = fit(*arguments)
        same = "as in use" if coefficients == used else f"in use: {used}"
        print(f"{name} {arguments[4].name}: error 2^{float(mp.log(error, 2)):.1f}, {same}\n    {coefficients}")

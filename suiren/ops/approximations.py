"""Functions that NumPy does not have, on arrays, in float64."""

from __future__ import annotations

import numpy as np

# Coefficients of erf and erfc on |x| < 0.84375, < 1.25, < 1/0.35, and above, highest power last; error below 1 ulp.
# Source: FreeBSD's msun/src/s_erf.c (Sun Microsystems, 1993).
_ERX = 8.45062911510467529297e-01  # erf(1), rounded to float32, on which the second interval is centred
_PP = (1.28379167095512558561e-01, -3.25042107247001499370e-01, -2.84817495755985104766e-02, -5.77027029648944159157e-03, -2.37630166566501626084e-05)
_QQ = (1.0, 3.97917223959155352819e-01, 6.50222499887672944485e-02, 5.08130628187576562776e-03, 1.32494738004321644526e-04, -3.96022827877536812320e-06)
_PA = (-2.36211856075265944077e-03, 4.14856118683748331666e-01, -3.72207876035701323847e-01, 3.18346619901161753674e-01, -1.10894694282396677476e-01, 3.54783043256182359371e-02, -2.16637559486879084300e-03)
_QA = (1.0, 1.06420880400844228286e-01, 5.40397917702171048937e-01, 7.18286544141962662868e-02, 1.26171219808761642112e-01, 1.36370839120290507362e-02, 1.19844998467991074170e-02)
_RA = (-9.86494403484714822705e-03, -6.93858572707181764372e-01, -1.05586262253232909814e01, -6.23753324503260060396e01, -1.62396669462573470355e02, -1.84605092906711035994e02, -8.12874355063065934246e01, -9.81432934416914548592e00)
_SA = (1.0, 1.96512716674392571292e01, 1.37657754143519042600e02, 4.34565877475229228821e02, 6.45387271733267880336e02, 4.29008140027567833386e02, 1.08635005541779435134e02, 6.57024977031928170135e00, -6.04244152148580987438e-02)
_RB = (-9.86494292470009928597e-03, -7.99283237680523006574e-01, -1.77579549177547519889e01, -1.60636384855821916062e02, -6.37566443368389627722e02, -1.02509513161107724954e03, -4.83519191608651397019e02)
_SB = (1.0, 3.03380607434824582924e01, 3.25792512996573918826e02, 1.53672958608443695994e03, 3.19985821950859553908e03, 2.55305040643316442583e03, 4.74528541206955367215e02, -2.24409524465858183362e01)


def _ratio(p: tuple, q: tuple, x: np.ndarray) -> np.ndarray:
    top, bottom = np.full_like(x, p[-1]), np.full_like(x, q[-1])
    for c in p[-2::-1]:
        top = top * x + c
    for c in q[-2::-1]:
        bottom = bottom * x + c
    return top / bottom


def _erf_parts(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(erf, erfc) of |x|, each accurate where it is small."""
    a = np.abs(x)
    near = np.minimum(a, 0.84375)
    small = near + near * _ratio(_PP, _QQ, near * near)
    middle = _ratio(_PA, _QA, np.clip(a, 0.84375, 1.25) - 1)
    far = np.clip(a, 1.25, 28.0)  # erfc(28) is 0
    s = 1 / (far * far)
    ratio = np.where(far < 1 / 0.35, _ratio(_RA, _SA, s), _ratio(_RB, _SB, s))
    # exp(-far**2) with far split into 27 bits and the rest, so that the square of the first part is exact
    high = (far.view(np.uint64) & np.uint64(0xFFFFFFFF00000000)).view(np.float64)
    tail = np.exp(-high * high - 0.5625) * np.exp((high - far) * (high + far) + ratio) / far
    cases = [a < 0.84375, a < 1.25, np.isnan(a)]
    return np.select(cases, [small, _ERX + middle, a], 1 - tail), np.select(cases, [1 - small, 1 - _ERX - middle, a], tail)


def erf(x: np.ndarray) -> np.ndarray:
    """The error function."""
    wide = np.asarray(x, np.float64)
    return np.copysign(_erf_parts(wide)[0], wide).astype(x.dtype)


def erfc(x: np.ndarray) -> np.ndarray:
    """1 - erf(x), accurate where that is small."""
    wide = np.asarray(x, np.float64)
    e, c = _erf_parts(wide)
    return np.where(wide < 0, 1 + e, c).astype(x.dtype)


def normal_tail(x: np.ndarray) -> np.ndarray:
    """exp(x²) erfc(x) for x >= 1.25."""
    s = 1 / (x * x)
    return np.exp(np.where(x < 1 / 0.35, _ratio(_RA, _SA, s), _ratio(_RB, _SB, s)) - 0.5625) / x


def erfinv(x: np.ndarray) -> np.ndarray:
    """The inverse of erf on (-1, 1); infinite at its ends and NaN outside.

    Giles' starting value ("Approximating the erfinv function", GPU Computing Gems 2, 2011), then two steps of Halley's method on erfc.
    """
    wide = np.asarray(x, np.float64)
    with np.errstate(all="ignore"):
        w = -np.log((1 - wide) * (1 + wide))
        near, far = w - 2.5, np.sqrt(w) - 3
        p, q = np.full_like(wide, 2.81022636e-08), np.full_like(wide, -0.000200214257)
        for c in (3.43273939e-07, -3.5233877e-06, -4.39150654e-06, 0.00021858087, -0.00125372503, -0.00417768164, 0.246640727, 1.50140941):
            p = p * near + c
        for c in (0.000100950558, 0.00134934322, -0.00367342844, 0.00573950773, -0.0076224613, 0.00943887047, 1.00167406, 2.83297682):
            q = q * far + c
        y = np.abs(np.where(w < 5, p, q) * wide)
        target = 1 - np.abs(wide)
        for _ in range(2):
            error = (target - erfc(y)) * (np.sqrt(np.pi) / 2) * np.exp(y * y)
            y = y - error / (1 - y * error)
        found = np.where(np.abs(wide) < 1, np.copysign(y, wide), np.where(np.abs(wide) == 1, np.copysign(np.inf, wide), np.nan))
    return np.where(wide == 0, wide, found).astype(x.dtype)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)) without overflow on either side."""
    e = np.exp(-np.abs(x))
    one = x.dtype.type(1)
    return np.where(x >= 0, one, e) / (one + e)


__all__ = ["erf", "erfc", "erfinv", "normal_tail", "sigmoid"]

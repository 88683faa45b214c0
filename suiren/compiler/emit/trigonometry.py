"""sin, cos, tan and their inverses for floats (the conventions of vecmath.py)."""

from __future__ import annotations

import math

from suiren.compiler.emit.values import Value
from suiren.compiler.emit.vecmath import FORMATS, elementary, inf, nan, nearest_whole, polynomial
from suiren.dtypes import float32, float64, int32, int64

_TWO_OVER_PI = 0.6366197723675814

# pi/2 as a sum of numbers of the format. With fma the product with n loses nothing, and n < 2^17 (2^20) leaves room to
# subtract exactly.
_HALF_PI = {
    float32: (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
    float64: (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
}
# Without fma: parts of 33 bits, whose products with n < 2^20 are exact (Cody & Waite).
_HALF_PI_33 = (1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21)
# Beyond this, n pi/2 needs more bits than these have.
_NEAR = {float32: 1e5, float64: 1e6}

# 2/pi in words of 32 bits behind 64 zero bits; enough for the largest double.
_TWO_OVER_PI_WORDS = (
    0, 0, 0xA2F9836E, 0x4E441529, 0xFC2757D1, 0xF534DDC0, 0xDB629599, 0x3C439041, 0xFE5163AB, 0xDEBBC561, 0xB7246E3A,
    0x424DD2E0, 0x06492EEA, 0x09D1921C, 0xFE1DEB1C, 0xB129A73E, 0xE88235F5, 0x2EBB4484, 0xE99C7026, 0xB45F7E41,
    0x3991D639, 0x835339F4, 0x9C845F8B, 0xBDF9283B, 0x1FF897FF, 0xDE05980F, 0xEF2F118B, 0x5A0A6D1F, 0x6D367ECF,
    0x27CB09B7, 0x4F463F66, 0x9E5FEA2D, 0x7527BAC7, 0xEBE5F17B, 0x3D0739F7, 0x8A5292EA, 0x6BFB5FB1, 0x1F8D5D08,
    0x56033046, 0xFC7B6BAB, 0xF0CFBC20, 0x9AF4361D, 0xA9E39161, 0x5EE61B08,
)  # fmt: skip
_LOW_32 = 0xFFFFFFFF


def _reduce(b, x: Value) -> tuple[Value, Value]:
    """x = q pi/2 + r, |r| <= pi/4: (q, of which the two lowest bits are right, as int32; r). r is NaN for x infinite or
    NaN."""
    q, r = _reduce_near(b, x)
    far = b.gt(b.abs(x), _NEAR[x.dtype])  # false for NaN, which goes through
    return tuple(
        b.choose(
            b.any(far),
            lambda: [b.select(far, y, z) for y, z in zip(_reduce_far(b, x), (q, r))],
            lambda: [q, r],
            likely=False,
        )
    )


def _reduce_near(b, x: Value) -> tuple[Value, Value]:
    if not b.target.has_fma and x.dtype is float32:
        q, r = _reduce_near(b, b.convert(x, float64))
        return q, b.convert(r, float32)
    n, low_bits = nearest_whole(b, x, _TWO_OVER_PI)
    r = x
    for part in _HALF_PI[x.dtype] if b.target.has_fma else _HALF_PI_33:
        r = b.mul_add(n, b.like(-part, x), r)
    return b.convert(low_bits, int32), r


def _reduce_far(b, x: Value) -> tuple[Value, Value]:
    """Payne & Hanek, Radian reduction for trigonometric functions, 1983: with |x| = m 2^e, of 2/pi only those bits
    matter whose product with m 2^e is below 4 (the bits before give whole turns) and not too far below 2^-62. They are
    a window into 2/pi that starts at bit e - 1."""
    f = FORMATS[x.dtype]
    bits = b.and_(b.convert(b.bitcast(x, f.int), int64), (1 << (f.mantissa + f.bias.bit_length() + 1)) - 1)
    exponent = b.and_(b.shr_logical(bits, f.mantissa), 2 * f.bias + 1)
    m = b.or_(b.and_(bits, (1 << f.mantissa) - 1), 1 << f.mantissa)
    start = b.maximum(b.add(exponent, 62 - f.bias - f.mantissa), 0)  # bit e - 1 is number e - 2 behind 64 zeros
    words = b.table(_TWO_OVER_PI_WORDS, int64)
    first, shift = b.shr_logical(start, 5), b.and_(start, 31)
    limbs = 3 if x.dtype is float32 else 6
    raw = [b.gather(words, int64, b.add(first, i)) for i in range(limbs + 1)]
    window = [b.shr_logical(b.shl(b.or_(b.shl(high, 32), low), shift), 32) for high, low in zip(raw, raw[1:])]
    # m times the window, in limbs of 32 bits from the last one on, without what goes beyond the first one
    m_parts = [m] if x.dtype is float32 else [b.and_(m, _LOW_32), b.shr_logical(m, 32)]
    product, carry = [], None
    for column in range(limbs):
        terms = [b.mul(window[limbs - 1 - column + i], part) for i, part in enumerate(m_parts) if column - i >= 0]
        total = carry
        for term in terms:
            low = b.and_(term, _LOW_32)
            total = low if total is None else b.add(total, low)
        carry = b.shr_logical(total, 32)
        for term in terms:
            carry = b.add(carry, b.shr_logical(term, 32))
        product.append(b.and_(total, _LOW_32))
    product.reverse()
    turns = b.or_(b.shl(product[0], 32), product[1])  # two bits before the point, 62 behind it
    q = b.shr_logical(b.add(turns, 1 << 61), 62)
    fraction = b.convert(b.sub(turns, b.shl(q, 62)), float64)
    if x.dtype is float64:
        fraction = b.fma(b.convert(product[2], float64), 2.0**-32, fraction)
    r = b.convert(b.mul(fraction, math.pi / 2 * 2.0**-62), x.dtype)
    negative = b.lt(x, 0.0)
    q = b.convert(b.select(negative, b.neg(q), q), int32)
    r = b.select(negative, b.neg(r), r)
    return q, b.select(b.lt(b.abs(x), inf), r, b.like(nan, x))


# sin r = r + r³ P(r²), cos r = 1 - r²/2 + r⁴ P(r²), tan r = r + r³ P(r²), |r| <= 1.001 pi/4: 2^-27.9, 2^-33.0, 2^-29.5
# and 2^-57.9, 2^-63.9, 2^-63.7
_SIN = {
    float32: (-0.16666655242443085, 0.008332188241183758, -0.00019518073531799018),
    float64: (
        -0.1666666666666663,
        0.008333333333321888,
        -0.0001984126982942129,
        2.7557313566580154e-06,
        -2.5050739533292023e-08,
        1.5895766091921012e-10,
    ),
}
_COS = {
    float32: (0.04166664555668831, -0.0013887310633435845, 2.4432538339169696e-05),
    float64: (
        0.041666666666666595, -0.0013888888888873318, 2.480158728897545e-05, -2.755731420657436e-07,
        2.0875703655776607e-09, -1.1358644899905407e-11,
    ),
}  # fmt: skip
_TAN = {
    float32: (
        0.33333349227905273, 0.13332673907279968, 0.05405920371413231, 0.02128421515226364, 0.010833662003278732,
        8.922451524995267e-05, 0.0043776389211416245,
    ),
    float64: (
        0.3333333333333333, 0.13333333333333802, 0.05396825396790149, 0.021869488548854767, 0.008863235264130935,
        0.0035921316143401514, 0.00145580145113922, 0.0005902429005169842, 0.00023810353028750044,
        0.00010051239822611375, 2.995670075587388e-05, 3.363325129682563e-05, -1.7720177759406888e-05,
        2.5312028245173464e-05, -1.2395194138683701e-05, 4.499341196788476e-06,
    ),
}  # fmt: skip


def _odd(b, r: Value, z: Value, coefficients) -> Value:
    return b.mul_add(b.mul(r, z), polynomial(b, z, coefficients), r)


def _sin_cos(b, r: Value) -> tuple[Value, Value]:
    z = b.mul(r, r)
    cosine = b.mul_add(z, b.mul_add(z, polynomial(b, z, _COS[r.dtype]), b.like(-0.5, r)), b.one(r))
    return _odd(b, r, z, _SIN[r.dtype]), cosine


def _in_quadrant(b, q: Value, even: Value, odd: Value) -> Value:
    y = b.select(b.ne(b.and_(q, 1), 0), odd, even)
    return b.select(b.ne(b.and_(q, 2), 0), b.neg(y), y)


@elementary
def sin(b, x: Value) -> Value:
    """Sine of an angle in radians, of any size."""
    q, r = _reduce(b, x)
    y = _in_quadrant(b, q, *_sin_cos(b, r))
    return b.select(b.lt(b.abs(x), FORMATS[x.dtype].epsilon), x, y)  # keeps the sign of zero


@elementary
def cos(b, x: Value) -> Value:
    """Cosine of an angle in radians, of any size."""
    q, r = _reduce(b, x)
    sine, cosine = _sin_cos(b, r)
    return _in_quadrant(b, q, cosine, b.neg(sine))


@elementary
def tan(b, x: Value) -> Value:
    """Tangent of an angle in radians, of any size."""
    q, r = _reduce(b, x)
    t = _odd(b, r, b.mul(r, r), _TAN[x.dtype])
    y = b.select(b.ne(b.and_(q, 1), 0), b.div(b.like(-1.0, x), t), t)
    return b.select(b.lt(b.abs(x), FORMATS[x.dtype].epsilon), x, y)


# atan t = t + t³ P(t²), |t| <= tan(pi/8): 2^-30.4 and 2^-59.4
_ATAN = {
    float32: (
        -0.33333316445350647, 0.19998528063297272, -0.14244382083415985, 0.10599026083946228,
        -0.06089504063129425,
    ),
    float64: (
        -0.3333333333333319, 0.19999999999952364, -0.1428571428008541, 0.11111110778343614, -0.0909089762015007,
        0.07692057899060757, -0.06663078903441788, 0.058477132142693296, -0.05038536545014789, 0.03804557735989843,
        -0.01788691263181284,
    ),
}  # fmt: skip
_TAN_PI_8 = 0.41421356237309503


def _angle(b, y: Value, x: Value) -> Value:
    """The angle of the point (x, y) with x >= 0, y >= 0, in [0, pi/2]: of t = y/x below tan(pi/8) itself, above tan(3
    pi/8) of -x/y from pi/2 on, between them of (y - x)/(y + x) from pi/4 on."""
    d = x.dtype
    low, high = b.le(y, b.mul(x, _TAN_PI_8)), b.gt(b.mul(y, _TAN_PI_8), x)
    numerator = b.select(low, y, b.select(high, b.neg(x), b.sub(y, x)))
    denominator = b.select(low, x, b.select(high, y, b.add(y, x)))
    t = b.div(numerator, denominator)
    t = b.select(b.eq(numerator, 0.0), numerator, t)  # 0/0 as well
    base, rest = (b.select(low, b.zero(x), b.select(high, b.like(p, x), b.like(p / 2, x))) for p in _HALF_PI[d][:2])
    return b.add(base, b.add(_odd(b, t, b.mul(t, t), _ATAN[d]), rest))


@elementary
def atan(b, x: Value) -> Value:
    """Inverse tangent, in [-pi/2, pi/2]."""
    return b.copysign(_angle(b, b.abs(x), b.one(x)), x)


@elementary
def atan2(b, y: Value, x: Value) -> Value:
    """The angle of the point (x, y), in [-pi, pi], with C's special cases."""
    d = x.dtype
    ay, ax = b.abs(y), b.abs(x)
    both = b.and_(b.eq(ay, inf), b.eq(ax, inf))
    ay, ax = b.select(both, b.one(y), ay), b.select(both, b.one(x), ax)
    # A sum of the two largest numbers must not overflow, and comparing y with a multiple of x needs more digits than
    # denormals have.
    f = FORMATS[d]
    large = b.or_(b.gt(ay, 1 / f.tiny), b.gt(ax, 1 / f.tiny))
    small = b.and_(b.lt(ay, 4 * f.tiny), b.lt(ax, 4 * f.tiny))
    scale = b.select(large, b.like(0.25, x), b.select(small, b.like(2.0**f.mantissa, x), b.one(x)))
    ay, ax = b.mul(ay, scale), b.mul(ax, scale)
    angle = _angle(b, ay, ax)
    pi_high, pi_low = (2 * p for p in _HALF_PI[d][:2])
    turned = b.sub(pi_high, b.sub(angle, pi_low))
    left = b.lt(b.bitcast(x, f.int), 0)  # -0.0 as well
    out = b.copysign(b.select(left, turned, angle), y)
    return b.select(b.or_(b.isnan(x), b.isnan(y)), b.add(x, y), out)


FUNCTIONS = (sin, cos, tan, atan, atan2)

__all__ = ["FUNCTIONS", "atan", "atan2", "cos", "sin", "tan"]

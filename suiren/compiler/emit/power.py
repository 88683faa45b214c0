"""x to the power of y for floats (the conventions of vecmath.py)."""

from __future__ import annotations

from suiren.compiler.emit import vecmath
from suiren.compiler.emit.values import Value
from suiren.compiler.emit.vecmath import elementary, inf, nan, polynomial
from suiren.dtypes import float32, float64


@elementary
def pow(b, x: Value, y: Value) -> Value:
    """x^y with the special cases of IEEE 754 (C's Annex F): pow(x, 0) = pow(1, y) = 1 for NaN too, NaN for x < 0 with a
    fractional y."""
    a = b.abs(x)
    magnitude = _float_power(b, a, y) if x.dtype is float32 else _double_power(b, a, y)
    magnitude = b.select(b.eq(a, 1.0), a, magnitude)  # infinite y included
    whole = b.eq(b.floor(y), y)
    half = b.mul(y, 0.5)
    odd = b.and_(whole, b.ne(b.floor(half), half))
    signed = b.select(odd, b.copysign(magnitude, x), magnitude)
    undefined = b.and_(b.and_(b.lt(x, 0.0), b.gt(x, -inf)), b.not_(whole))
    out = b.select(undefined, b.like(nan, x), signed)
    return b.select(b.or_(b.eq(y, 0.0), b.eq(x, 1.0)), b.one(x), out)


def _float_power(b, a: Value, y: Value) -> Value:
    """a^y for a >= 0, as 2^(y log2 a) in double, whose errors the rounding to float hides."""
    log = vecmath.log2(b, b.convert(a, float64))
    return b.convert(vecmath.exp2(b, b.mul(log, b.convert(y, float64))), float32)


# (atanh(s)/s - 1)/s² - 1/3 in powers of z = s², for z <= 0.0403: 2^-68.9 relative to 1/3
_ATANH = (
    0.19999999999999854, 0.14285714285792597, 0.11111111094920381, 0.09090910826470931, 0.07692200140577206,
    0.06670662391004101, 0.057948322507788856, 0.06293972677203448,
)  # fmt: skip
_THIRD = (0.3333333333333333, 1.850371707708594e-17)
_TWO_LOG2E = (2.8853900817779268, 4.0710547481862066e-17)


def _product(b, x, y) -> tuple[Value, Value]:
    """x y as an unevaluated sum of two doubles (Dekker); x and y are such sums."""
    high = b.mul(x[0], y[0])
    low = b.fma(x[0], y[0], b.neg(high))
    return high, b.add(low, b.fma(x[0], y[1], b.mul(x[1], y[0])))


def _sum(b, x: Value, y: Value) -> tuple[Value, Value]:
    """x + y exactly, for |x| >= |y| or x = 0."""
    high = b.add(x, y)
    return high, b.add(b.sub(x, high), y)


def _double_power(b, a: Value, y: Value) -> Value:
    """a^y for a >= 0. The exponent y log2(a) may be 1024 and must be right to 2^-54, so log2(a) is computed to about
    2^-66 as a sum of two doubles: a = (1 + f) 2^e, s = f / (2 + f), log2(1 + f) = 2 log2(e) (s + s³ (1/3 + s²/5 + …)),
    where the part behind 1/3 is small enough for one double."""
    finite = b.and_(b.gt(a, 0.0), b.lt(a, inf))
    e, f = vecmath.exponent_and_fraction(b, b.select(finite, a, b.one(a)))
    d = b.add(f, 2.0)
    d_low = b.sub(f, b.sub(d, 2.0))
    s = b.div(f, d)
    s_low = b.div(b.fma(b.neg(s), d_low, b.fma(b.neg(s), d, f)), d)
    z = _product(b, (s, s_low), (s, s_low))
    inner = _sum(b, b.like(_THIRD[0], a), b.mul(z[0], polynomial(b, z[0], _ATANH)))
    cube = _product(b, (s, s_low), _product(b, z, (inner[0], b.add(inner[1], _THIRD[1]))))
    log = _sum(b, s, cube[0])
    log = _sum(b, log[0], b.add(log[1], b.add(cube[1], s_low)))
    log = _product(b, log, (b.like(_TWO_LOG2E[0], a), b.like(_TWO_LOG2E[1], a)))
    whole = _sum(b, e, log[0])
    log, log_low = _sum(b, whole[0], b.add(whole[1], log[1]))
    # log2 of 0, infinity and NaN
    log = b.select(finite, log, b.select(b.eq(a, 0.0), b.like(-inf, a), a))
    high = b.mul(y, log)
    low = b.fma(y, log_low, b.fma(y, log, b.neg(high)))
    low = b.select(b.and_(finite, b.lt(b.abs(high), 2000.0)), low, b.zero(a))
    return vecmath.exp2_of_sum(b, high, low)


FUNCTIONS = (pow,)

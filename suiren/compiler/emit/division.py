"""Whole numbers and remainders of floats, exactly, with the Builder's own operations (the conventions of
vecmath.py)."""

from __future__ import annotations

from suiren.compiler.emit.values import Value
from suiren.compiler.emit.vecmath import FORMATS, elementary, power_of_two


def _exponent_of(b, x: Value) -> Value:
    """floor(log2(x)) + bias of a positive number, as an integer; right for denormals, where it is not positive."""
    f = FORMATS[x.dtype]
    denormal = b.lt(x, f.tiny)
    bits = b.bitcast(b.select(denormal, b.mul(x, 2.0**f.mantissa), x), f.int)
    e = b.shr_logical(bits, f.mantissa)
    return b.sub(e, b.select(denormal, b.like(f.mantissa, e), b.zero(e)))


@elementary
def fmod(b, x: Value, y: Value) -> Value:
    """x - y n for the whole number n that is x / y cut towards zero: exact, with the sign of x. NaN for y = 0 and x
    infinite.

    A round takes a multiple of y 2^k away, as large a one as division finds without error: fma(-n, y 2^k, r) is exact,
    because all its parts are multiples of y's last place and the result is smaller than y 2^k. One round does for
    quotients below 2^(mantissa - 1)."""
    f = FORMATS[x.dtype]
    a, d = b.abs(x), b.abs(y)
    valid = b.and_(b.lt(a, float("inf")), b.gt(d, 0.0))
    rest = b.var(b.select(valid, a, b.zero(x)))
    d = b.select(valid, d, b.one(x))
    with b.while_(lambda: b.any(b.ge(rest.get(), d))):
        r = rest.get()
        k = b.maximum(b.sub(b.sub(_exponent_of(b, r), _exponent_of(b, d)), f.mantissa - 2), 0)
        half = b.shr_logical(k, 1)  # 2^k may be beyond the range, its two halves are not
        step = b.mul(b.mul(d, power_of_two(b, half, x.dtype)), power_of_two(b, b.sub(k, half), x.dtype))
        n = b.trunc(b.div(r, step))
        left = b.fma(b.neg(n), step, r)
        left = b.select(b.lt(left, 0.0), b.add(left, step), left)
        rest.set(b.select(b.ge(r, d), left, r))
    out = b.copysign(rest.get(), x)
    return b.select(b.and_(valid, b.eq(d, d)), out, b.like(float("nan"), x))


@elementary
def remainder(b, x: Value, y: Value) -> Value:
    """`fmod` brought to the sign of y (torch.remainder)."""
    r = fmod(b, x, y)
    wrong = b.and_(b.ne(r, 0.0), b.ne(b.lt(r, 0.0), b.lt(y, 0.0)))
    return b.select(wrong, b.add(r, y), r)


@elementary
def floordiv(b, x: Value, y: Value) -> Value:
    """The whole number that `remainder` leaves out, as numpy.floor_divide and torch.floor_divide have it; x / y where y
    is 0."""
    r = fmod(b, x, y)
    quotient = b.div(b.sub(x, r), y)
    wrong = b.and_(b.ne(r, 0.0), b.ne(b.lt(r, 0.0), b.lt(y, 0.0)))
    quotient = b.select(wrong, b.sub(quotient, 1.0), quotient)
    n = b.floor(quotient)  # the quotient is a whole number but for its rounding
    n = b.select(b.gt(b.sub(quotient, n), 0.5), b.add(n, 1.0), n)
    plain = b.div(x, y)
    n = b.select(b.eq(quotient, 0.0), b.copysign(b.zero(x), plain), n)
    return b.select(b.eq(y, 0.0), plain, n)


def whole_number(b, kind: str, x: Value) -> Value:
    """floor, ceil, trunc or rint (ties to even) for targets that have no instruction for them.

    Below 2^mantissa, adding and taking away 2^mantissa rounds; from there on every number is whole.
    """
    big = 2.0 ** FORMATS[x.dtype].mantissa
    a = b.abs(x)
    near = b.sub(b.add(a, big), big)
    if kind == "trunc":
        near = b.select(b.gt(near, a), b.sub(near, 1.0), near)
    out = b.copysign(near, x)
    if kind == "floor":
        out = b.select(b.gt(out, x), b.sub(out, 1.0), out)
    elif kind == "ceil":
        out = b.copysign(b.select(b.lt(out, x), b.add(out, 1.0), out), x)
    return b.select(b.lt(a, big), out, x)

"""Floats taken apart, neighbours, divisors. Source: https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops"""

from __future__ import annotations

from suiren.api import return_types
from suiren.api.arguments import TYPE_WORDS, check_tensor
from suiren.api.surface import public
from suiren.dtypes import FLOAT
from suiren.ops import bits, compare, pointwise, powers
from suiren.trace.recording import record
from suiren.trace.storage import Stored


@public(out=True)
def frexp(input):
    """(mantissa, exponent) with input = mantissa * 2**exponent and 1/2 <= |mantissa| < 1; int32 exponents. RuntimeError for integers."""
    check_tensor("frexp", input)
    if input._spec.dtype.category < FLOAT:
        raise RuntimeError(f"torch.frexp() only supports floating-point dtypes, got {TYPE_WORDS[input._spec.dtype.name]}")
    return return_types.frexp(record(bits.frexp_mantissa, (input,), ()), record(bits.frexp_exponent, (input,), ()))


@public(out=True, inplace=True)
def ldexp(input, other):
    """input * 2**other."""
    check_tensor("ldexp", input)
    return pointwise.mul(input, powers.pow(2.0, other) if isinstance(other, Stored) else 2.0**other)


@public(out=True, inplace=True)
def nextafter(input, other):
    """The next float from `input` towards `other`."""
    return record(bits.nextafter, (input, other), ())


@public(out=True, inplace=True)
def gcd(input, other):
    """The greatest common divisor. NotImplementedError for floats."""
    return record(bits.gcd, (input, other), ())


@public(out=True, inplace=True)
def lcm(input, other):
    """The least common multiple, not negative. NotImplementedError for floats."""
    divisor = record(bits.gcd, (input, other), ())
    none = compare.eq(divisor, 0)
    return pointwise.abs(pointwise.mul(compare.where(none, 0, pointwise.floor_divide(input, compare.where(none, 1, divisor))), other))

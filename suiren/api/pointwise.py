"""Functions of every element. Source: https://docs.pytorch.org/docs/stable/torch.html#pointwise-ops

Shapes broadcast; dtypes are promoted as in PyTorch; a shape that does not fit is a RuntimeError.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suiren import dtypes
from suiren.api.arguments import C_WORDS, TYPE_WORDS, check_tensor, is_number, must_be
from suiren.api.surface import public
from suiren.dtypes import FLOAT, INTEGER
from suiren.ops import activation, compare, creation, elementary, powers
from suiren.ops import pointwise as ops
from suiren.ops.complex import real_part
from suiren.ops.views import original
from suiren.tensor import Tensor
from suiren.trace.recording import binary, record, unary
from suiren.trace.storage import Stored
from suiren.trace.views import write


def _unary(op, doc: str, names: str = "", out: bool = True, inplace: bool = True) -> Callable[[Tensor], Tensor]:
    f = unary(op)
    f.__doc__ = doc
    return public(names, out=out, inplace=inplace)(f)


def _binary(op, doc: str, names: str = "", inplace: bool = True) -> Callable[[Tensor, Any], Tensor]:
    f = binary(op, strict=True)
    f.__doc__ = doc
    return public(names, out=True, inplace=inplace)(f)


# ---------------------------------------------------------------- exponentials, roots, trigonometry

exp = _unary(elementary.exp, "e to the power of each element.")
exp2 = _unary(elementary.exp2, "2 to the power of each element.", "exp2")
expm1 = _unary(elementary.expm1, "exp(x) - 1, accurate near 0.")
log = _unary(elementary.log, "The natural logarithm; NaN below 0.")
log2 = _unary(elementary.log2, "The logarithm to base 2.")
log10 = _unary(elementary.log10, "The logarithm to base 10.")
log1p = _unary(elementary.log1p, "log(1 + x), accurate near 0.")
sqrt = _unary(elementary.sqrt, "The square root; NaN below 0.")
rsqrt = _unary(elementary.rsqrt, "One over the square root.")
sin = _unary(elementary.sin, "The sine, of radians.")
cos = _unary(elementary.cos, "The cosine, of radians.")
tan = _unary(elementary.tan, "The tangent, of radians.")
asin = _unary(elementary.asin, "The inverse sine.", "asin arcsin")
acos = _unary(elementary.acos, "The inverse cosine.", "acos arccos")
atan = _unary(elementary.atan, "The inverse tangent.", "atan arctan")
sinh = _unary(elementary.sinh, "The hyperbolic sine.")
cosh = _unary(elementary.cosh, "The hyperbolic cosine.")
tanh = _unary(elementary.tanh, "The hyperbolic tangent.")
asinh = _unary(elementary.asinh, "The inverse hyperbolic sine.", "asinh arcsinh")
acosh = _unary(elementary.acosh, "The inverse hyperbolic cosine.", "acosh arccosh")
atanh = _unary(elementary.atanh, "The inverse hyperbolic tangent.", "atanh arctanh")
sigmoid = _unary(elementary.sigmoid, "1 / (1 + exp(-x)).")
erf = _unary(elementary.erf, "The error function.")
erfc = _unary(elementary.erfc, "1 - erf(x), accurate where that is small.")
erfinv = _unary(elementary.erfinv, "The inverse of erf; infinite at -1 and 1, NaN outside.")

# ---------------------------------------------------------------- signs and whole numbers

abs = _unary(ops.abs, "The absolute value.", "abs absolute")
neg = _unary(ops.neg, "Each element with the other sign. RuntimeError for bools.", "neg negative")
sign = _unary(ops.sign, "-1, 0 or 1; 0 for NaN.")
reciprocal = _unary(ops.reciprocal, "One over each element.")
floor = _unary(ops.floor, "The largest whole number not above.")
ceil = _unary(ops.ceil, "The smallest whole number not below.")
trunc = _unary(ops.trunc, "Each element without its fraction.", "trunc fix")
relu = _unary(activation.relu, "max(x, 0); its gradient at 0 is 0.", out=False)

_round, _mul = unary(ops.round), binary(ops.mul, strict=True)


@public(out=True, inplace=True)
def round(input, *, decimals: int = 0):
    """The nearest whole number (or multiple of 10**-decimals), halves to even."""
    if decimals == 0:
        return _round(input)
    power = 10.0 ** (decimals if decimals > 0 else -decimals)
    if decimals > 0:
        return div(_round(_mul(input, power)), power)
    return _mul(_round(div(input, power)), power)


@public(out=True, inplace=True)
def frac(input):
    """What `trunc` leaves."""
    return sub(input, trunc(input))


@public(function=False)
def __pos__(input):
    """Itself."""
    return input


public("__abs__", function=False)(abs)


@public()
def positive(input):
    """Itself. RuntimeError for bools."""
    if input._spec.dtype is dtypes.bool_:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


@public(out=True)
def signbit(input):
    """Whether the sign bit is set, as bool."""
    if input._spec.dtype.category < FLOAT:
        return compare.lt(input, 0)
    # -0.0 has a sign that no comparison with 0 sees; one over it does
    return compare.where(compare.eq(input, 0), compare.lt(ops.reciprocal(input), 0), compare.lt(input, 0))


# ---------------------------------------------------------------- arithmetic

_add, _sub = binary(ops.add, strict=True), binary(ops.sub, strict=True)
_div, _floor_divide = binary(ops.div, strict=True), binary(ops.floor_divide, strict=True)


def _scaled(input, other, alpha):
    """alpha * other, for add and sub."""
    whole = all(x._spec.dtype.category < FLOAT if isinstance(x, Stored) else isinstance(x, int) for x in (input, other))
    if whole and isinstance(alpha, float):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if all(x._spec.dtype is dtypes.bool_ if isinstance(x, Stored) else isinstance(x, bool) for x in (input, other)):
        alpha = bool(alpha)
    return ops.mul(other, alpha) if isinstance(other, Stored) else other * alpha


@public(out=True, inplace=True)
def add(input, other, *, alpha=1):
    """input + alpha * other."""
    return _add(input, other if alpha == 1 else _scaled(input, other, alpha))


@public("sub subtract", out=True, inplace=True)
def sub(input, other, *, alpha=1):
    """input - alpha * other. RuntimeError for bools."""
    return _sub(input, other if alpha == 1 else _scaled(input, other, alpha))


@public()
def rsub(input, other, *, alpha=1):
    """other - alpha * input."""
    return _sub(other, input if alpha == 1 else _scaled(other, input, alpha))


mul = public("mul multiply", out=True, inplace=True)(_mul)
mul.__doc__ = "input * other."


@public("div divide", out=True, inplace=True)
def div(input, other, *, rounding_mode: str | None = None):
    """input / other, of integers too; `rounding_mode` "trunc" or "floor" makes the quotient whole. RuntimeError for another mode."""
    if rounding_mode is None:
        return _div(input, other)
    if rounding_mode == "floor":
        return _floor_divide(input, other)
    if rounding_mode == "trunc":
        return ops.trunc_divide(input, other)
    raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")


@public(out=True, inplace=True)
def true_divide(input, other):
    """input / other, of integers too."""
    return _div(input, other)


floor_divide = public(out=True, inplace=True)(_floor_divide)
floor_divide.__doc__ = "The quotient cut towards minus infinity. RuntimeError where an integer is divided by 0."
remainder = _binary(ops.remainder, "What floor_divide leaves, with the sign of `other`.")
fmod = _binary(ops.fmod, "What a division cut towards 0 leaves, with the sign of `input`.")


@public(out=True, inplace=True)
def addcmul(input, tensor1, tensor2, *, value=1):
    """input + value * tensor1 * tensor2."""
    product = ops.mul(tensor1, tensor2)
    if isinstance(value, float) and input._spec.dtype.category < FLOAT and product._spec.dtype.category < FLOAT:
        value = int(value)
    return ops.add(input, product if value == 1 else ops.mul(product, value))


@public(out=True, inplace=True)
def addcdiv(input, tensor1, tensor2, *, value=1):
    """input + value * tensor1 / tensor2. RuntimeError for integers."""
    if tensor1._spec.dtype.category < FLOAT and tensor2._spec.dtype.category < FLOAT:
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of tensor1 and "
            "tensor2. The historic addcdiv behavior can be implemented as (input + value * torch.trunc(tensor1 / tensor2)).to(input.dtype) for "
            "integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv behavior is "
            "just the latter implementation: (input + value * tensor1 / tensor2), for all dtypes."
        )
    return ops.add(input, ops.div(tensor1 if value == 1 else ops.mul(tensor1, value), tensor2))


@public(out=True, inplace=True)
def lerp(input, end, weight):
    """input + weight * (end - input), from the nearer end, as PyTorch computes it. RuntimeError if the dtypes differ."""
    if input._spec.dtype is not end._spec.dtype:
        raise RuntimeError(f"expected dtype {C_WORDS[input._spec.dtype.name]} for `end` but got dtype {C_WORDS[end._spec.dtype.name]}")
    step = ops.sub(end, input)
    if is_number(weight):
        if -0.5 < weight < 0.5:
            return ops.add(input, ops.mul(step, weight))
        return ops.sub(end, ops.mul(step, 1 - weight))
    near = ops.add(input, ops.mul(weight, step))
    far = ops.sub(end, ops.mul(step, ops.sub(1, weight)))
    return compare.where(compare.lt(ops.abs(weight), 0.5), near, far)


# ---------------------------------------------------------------- powers


@public(out=True, inplace=True)
def pow(input, exponent):
    """input ** exponent; one of them may be a number. RuntimeError for an integer to a negative whole number."""
    if isinstance(input, Stored):
        if isinstance(exponent, Stored):
            return record(powers.pow, (input, exponent), ())
        if not is_number(exponent):
            raise must_be("pow", "exponent", 2, "Tensor", exponent)
        if input._spec.dtype.category <= INTEGER:
            if isinstance(exponent, float):
                return record(powers.pow, (input, exponent), ())
            if exponent < 0:
                raise RuntimeError("Integers to negative integer powers are not allowed.")
        if exponent in powers.EXACT_EXPONENTS:
            return record(powers.pow_const, (input,), (exponent,))
        return record(powers.pow, (input, exponent), ())
    if not isinstance(exponent, Stored):
        raise must_be("pow", "input", 1, "Tensor", input)
    return record(powers.pow, (input, exponent), ())


@public(function=False)
def __pow__(input, exponent):
    """input ** exponent."""
    return pow(input, exponent) if isinstance(exponent, Stored) or is_number(exponent) else NotImplemented


@public(function=False)
def __ipow__(self, exponent):
    """In place: see `pow`."""
    value = __pow__(original(self), exponent)
    return value if value is NotImplemented else write(self, value)


@public(function=False)
def __rpow__(input, base):
    """base ** input."""
    return pow(base, input) if is_number(base) or isinstance(base, Stored) else NotImplemented


@public("__rdiv__", function=False)
def _reflected_division(input, other):
    """other / input."""
    return _div(other, input)


@public(out=True)
def float_power(input, exponent):
    """input ** exponent in float64, or complex128 if one is complex."""
    given = [x._spec.dtype.is_complex if isinstance(x, Stored) else isinstance(x, complex) for x in (input, exponent)]
    d = dtypes.complex128 if any(given) else dtypes.float64
    wide = [creation.cast(x, dtype=d) if isinstance(x, Stored) else x for x in (input, exponent)]
    return pow(*wide)


@public(function=False)
def float_power_(self, exponent):
    """In place: see `float_power`. RuntimeError unless it is float64."""
    if self._spec.dtype is not dtypes.float64:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {TYPE_WORDS[self._spec.dtype.name]} but the operation's result requires dtype Double"
        )
    return write(self, float_power(original(self), exponent))


@public(out=True, inplace=True)
def square(input):
    """input * input."""
    check_tensor("square", input)
    return record(powers.pow_const, (input,), (2,))


# ---------------------------------------------------------------- of two tensors

atan2 = public("atan2 arctan2", out=True, inplace=True)(binary(elementary.atan2, strict=True))
atan2.__doc__ = "The angle of the point (other, input), in radians."
fmax = _binary(ops.fmax, "The larger one; the other one where one is NaN.", inplace=False)
fmin = _binary(ops.fmin, "The smaller one; the other one where one is NaN.", inplace=False)
maximum = _binary(ops.maximum, "The larger one; NaN where either is.", inplace=False)
minimum = _binary(ops.minimum, "The smaller one; NaN where either is.", inplace=False)
xlogy = _binary(activation.xlogy, "input * log(other), 0 where input is 0.")


@public(out=True, inplace=True)
def hypot(input, other):
    """sqrt(input² + other²)."""
    return elementary.sqrt(ops.add(powers.pow_const(input, exponent=2), powers.pow_const(other, exponent=2)))


@public(out=True, inplace=True)
def copysign(input, other):
    """The magnitude of `input` with the sign of `other`."""
    size = ops.abs(input if input._spec.dtype.category >= FLOAT else creation.cast(input, dtype=dtypes.get_default_dtype()))
    negative = signbit(other) if isinstance(other, Stored) else str(float(other)).startswith("-")
    if isinstance(negative, bool):
        return ops.neg(size) if negative else size
    return compare.where(negative, ops.neg(size), size)


@public(out=True)
def logaddexp(input, other):
    """log(exp(input) + exp(other)) without overflow."""
    if any(isinstance(x, Stored) and x._spec.dtype.is_complex for x in (input, other)):
        first = compare.ge(real_part(input), real_part(other))
        low, high = compare.where(first, other, input), compare.where(first, input, other)
    else:
        low, high = ops.minimum(input, other), ops.maximum(input, other)
    gap = compare.where(compare.eq(low, high), 0, ops.sub(low, high))  # of equal infinities the difference would be NaN
    return ops.add(high, elementary.log1p(elementary.exp(gap)))


@public(out=True)
def logaddexp2(input, other):
    """log2(2**input + 2**other) without overflow."""
    low, high = ops.minimum(input, other), ops.maximum(input, other)
    gap = compare.where(compare.eq(low, high), 0, ops.sub(low, high))
    return ops.add(high, ops.scale(elementary.log1p(elementary.exp2(gap)), by=1 / elementary.LN2))


@public(out=True, inplace=True)
def heaviside(input, values):
    """0 below 0, 1 above, `values` at 0. RuntimeError if the dtypes differ."""
    if input._spec.dtype is not values._spec.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    step = creation.cast(compare.gt(input, 0), dtype=input._spec.dtype)
    return compare.where(compare.eq(input, 0), values, step)


@public(out=True, inplace=True)
def logit(input, eps: float | None = None):
    """log(x / (1 - x)), of x clamped to [eps, 1 - eps]."""
    x = input if eps is None else ops.clamp(input, eps, 1 - eps)
    return elementary.log(ops.div(x, ops.sub(1, x)))


@public(out=True, inplace=True)
def sinc(input):
    """sin(πx) / (πx), 1 at 0."""
    import math

    zero = compare.eq(input, 0)
    angle = ops.scale(compare.where(zero, 1.0, input), by=math.pi)
    return compare.where(zero, 1.0, ops.div(elementary.sin(angle), angle))


@public(out=True, inplace=True)
def deg2rad(input):
    """Degrees as radians."""
    return ops.mul(input, 0.017453292519943295)


@public(out=True, inplace=True)
def rad2deg(input):
    """Radians as degrees."""
    return ops.mul(input, 57.29577951308232)


# ---------------------------------------------------------------- bounds


@public("clamp clip", out=True, inplace=True)
def clamp(input, min=None, max=None):
    """Each element, but not below `min` and not above `max` (numbers or tensors; one may be None). RuntimeError if both are None."""
    check_tensor("clamp", input)
    if min is None:
        if max is None:
            raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
        return record(ops.clamp_max, (input, max), ())
    if max is None:
        return record(ops.clamp_min, (input, min), ())
    return record(ops.clamp, (input, min, max), ())


@public(out=True, inplace=True)
def clamp_min(input, min):
    """Each element, but not below `min`."""
    return record(ops.clamp_min, (input, min), ())


@public(out=True, inplace=True)
def clamp_max(input, max):
    """Each element, but not above `max`."""
    return record(ops.clamp_max, (input, max), ())


@public(out=True, inplace=True)
def nan_to_num(input, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None):
    """NaN and the infinities replaced by numbers: 0 and the dtype's largest and smallest value, if none are given."""
    check_tensor("nan_to_num", input)
    d = input._spec.dtype
    if d.category < FLOAT:
        return record(creation.copy, (input,), ())
    most = dtypes.finfo(d).max
    x = compare.where(compare.isnan(input), 0.0 if nan is None else nan, input)
    x = compare.where(compare.eq(x, float("inf")), most if posinf is None else posinf, x)
    return compare.where(compare.eq(x, float("-inf")), -most if neginf is None else neginf, x)



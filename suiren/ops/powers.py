"""Powers."""

from __future__ import annotations

import numpy as np

from suiren import dtypes
from suiren.dtypes import FLOAT
from suiren.ops.compare import eq, ge, logical_and, where
from suiren.ops.complex import holomorphic, real_part
from suiren.ops.creation import as_tensor, wanted, zeros_like
from suiren.ops.elementary import log
from suiren.ops.pointwise import mul, scale, sub
from suiren.trace.op import pointwise


def _pow(x, y):
    if x.dtype.kind in "fc" or not (y < 0).any():
        return np.power(x, y)
    # As in PyTorch, x ** -n of integers is 1/x**n cut to a whole number: 0 except where x is 1 or -1.
    inverse = np.where(np.abs(x) == 1, np.where(y % 2 != 0, x, 1), 0)
    return np.where(y < 0, inverse, np.power(x, np.maximum(y, 0)))


def _pow_lower(b, x, y):
    return b.pow(x, y) if x.dtype.category == FLOAT else _int_pow(b, x, y)


def _int_pow(b, x, y):
    """Repeated squaring over all bits of the exponent, wrapping around as NumPy does."""
    zero, one = b.zero(x), b.one(x)
    result, square, rest = one, x, y
    for _ in range(8 * x.dtype.itemsize):
        result = b.select(b.ne(b.and_(rest, 1), 0), b.mul(result, square), result)
        square, rest = b.mul(square, square), b.shr(rest, 1)
    if not y.dtype.is_signed:
        return result
    odd = b.ne(b.and_(y, 1), 0)
    inverse = b.select(b.eq(x, 1), one, b.select(b.eq(x, -1), b.select(odd, x, one), zero))
    return b.select(b.lt(y, 0), inverse, result)


def _pow_grad(g, out, x, y, x_spec, y_spec):
    grad_x = grad_y = None
    if wanted(x_spec):
        power = as_tensor(y, y_spec, x_spec.dtype)
        slope = mul(g, mul(power, pow(x, sub(power, 1))))
        grad_x = where(eq(power, 0), 0, slope)  # 0 * x ** -1 is NaN where x is 0
    if wanted(y_spec):
        base = as_tensor(x, x_spec, y_spec.dtype)
        grad_y = where(logical_and(eq(base, 0), ge(real_part(y), 0)), 0, mul(g, mul(out, log(base))))
    return grad_x, grad_y


pow = pointwise("pow", numpy=_pow, lower=_pow_lower, grad=holomorphic(_pow_grad), inputs=("x", "y"))

# The exponents that a few multiplications or a root do, exactly; PyTorch singles out the same ones.
EXACT_EXPONENTS = frozenset((0, 1, 2, 3, -1, -2, 0.5, -0.5))


def _pow_const(x, *, exponent):
    if exponent in (0.5, -0.5):
        return np.sqrt(x) if exponent > 0 else 1 / np.sqrt(x)
    power = np.ones_like(x) if exponent == 0 else x
    for _ in range(int(abs(exponent)) - 1):
        power = power * x
    return power if exponent >= 0 else 1 / power


def _pow_const_lower(b, x, exponent):
    if exponent in (0.5, -0.5):
        return b.sqrt(x) if exponent > 0 else b.div(b.one(x), b.sqrt(x))
    power = b.one(x) if exponent == 0 else x
    for _ in range(int(abs(exponent)) - 1):
        power = b.mul(power, x)
    return power if exponent >= 0 else b.div(b.one(x), power)


def _pow_const_grad(g, x, x_spec, exponent):
    if exponent == 0:
        return (zeros_like(x_spec),)
    if exponent == 1:
        return (g,)
    return (mul(g, scale(pow_const_of(x, exponent - 1), by=exponent)),)


def _pow_const_types(inputs, params):
    """A bool counts as an integer; a root, or one over an integer, is a float."""
    d, exponent = inputs[0].dtype, params[0]
    if d.category < FLOAT and exponent not in (0, 1, 2, 3):
        d = dtypes.get_default_dtype()
    return (dtypes.int64, dtypes.int64) if d is dtypes.bool_ else (d, d)


pow_const = pointwise(
    "pow_const",
    inputs=("x",),
    params=("exponent",),
    promote=_pow_const_types,
    numpy=_pow_const,
    lower=_pow_const_lower,
    grad=holomorphic(_pow_const_grad),
    grad_name="PowBackward0",
    doc="x ** exponent for one of EXACT_EXPONENTS.",
)


def pow_const_of(x, exponent: float):
    """x ** exponent by the better op for it."""
    return pow_const(x, exponent=exponent) if exponent in EXACT_EXPONENTS else pow(x, exponent)


__all__ = ["EXACT_EXPONENTS", "pow", "pow_const", "pow_const_of"]

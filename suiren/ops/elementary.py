"""Exponentials, logarithms, trigonometric and hyperbolic functions, erf. Integers become the default float dtype."""

from __future__ import annotations

import math

import numpy as np

from suiren.ops import approximations
from suiren.ops.complex import holomorphic
from suiren.ops.pointwise import add, div, mul, neg, scale, sub
from suiren.trace.op import INTERPRETER_ONLY, pointwise


def _function(name: str, numpy, grad, lower=None, doc: str = ""):
    return pointwise(
        name,
        inputs=("x",),
        promote="float",
        numpy=numpy,
        lower=lower or (lambda b, x: getattr(b, name)(x)),
        grad=holomorphic(grad),
        doc=doc,
    )


LN2, LN10 = math.log(2.0), math.log(10.0)

exp = _function("exp", np.exp, lambda g, out: (mul(g, out),))
exp2 = _function("exp2", np.exp2, lambda g, out: (scale(mul(g, out), by=LN2),))
expm1 = _function("expm1", np.expm1, lambda g, out: (mul(g, add(out, 1)),))
log = _function("log", np.log, lambda g, x: (div(g, x),))
log2 = _function("log2", np.log2, lambda g, x: (div(g, scale(x, by=LN2)),))
log10 = _function("log10", np.log10, lambda g, x: (div(g, scale(x, by=LN10)),), lambda b, x: b.mul(b.log(x), 1 / LN10))
log1p = _function("log1p", np.log1p, lambda g, x: (div(g, add(x, 1)),))

sqrt = _function("sqrt", np.sqrt, lambda g, out: (div(g, scale(out, by=2)),))
rsqrt = _function(
    "rsqrt",
    lambda x: 1 / np.sqrt(x),
    lambda g, out: (scale(mul(g, mul(out, mul(out, out))), by=-0.5),),
    lambda b, x: b.div(b.one(x), b.sqrt(x)),
)


def _over_root(g, x):
    return mul(g, rsqrt(x))


sin = _function("sin", np.sin, lambda g, x: (mul(g, cos(x)),))
cos = _function("cos", np.cos, lambda g, x: (neg(mul(g, sin(x))),))
tan = _function("tan", np.tan, lambda g, out: (mul(g, add(mul(out, out), 1)),))
atan = _function("atan", np.arctan, lambda g, x: (div(g, add(mul(x, x), 1)),))


def _sqrt_of_1_minus_square(b, x):
    return b.sqrt(b.mul(b.sub(b.one(x), x), b.add(x, 1)))


asin = _function(
    "asin",
    np.arcsin,
    lambda g, x: (_over_root(g, sub(1, mul(x, x))),),
    lambda b, x: b.atan2(x, _sqrt_of_1_minus_square(b, x)),
)
acos = _function(
    "acos",
    np.arccos,
    lambda g, x: (neg(_over_root(g, sub(1, mul(x, x)))),),
    lambda b, x: b.atan2(_sqrt_of_1_minus_square(b, x), x),
)


def _atan2_grad(g, y, x):
    # (d/dy, d/dx) = (x, -y) / (x² + y²)
    r = div(g, add(mul(x, x), mul(y, y)))
    return mul(r, x), neg(mul(r, y))


atan2 = pointwise(
    "atan2", inputs=("y", "x"), promote="float", numpy=np.arctan2, lower=lambda b, y, x: b.atan2(y, x), grad=_atan2_grad
)

tanh = _function("tanh", np.tanh, lambda g, out: (mul(g, sub(1, mul(out, out))),))
sigmoid = _function("sigmoid", lambda x: 1 / (1 + np.exp(-x)) if x.dtype.kind == "c" else approximations.sigmoid(x), lambda g, out: (mul(mul(g, sub(1, out)), out),))


def _sinh_lower(b, x):
    # expm1 keeps the small values exact: sinh = (t + t / (t + 1)) / 2 with t = exp|x| - 1
    t = b.expm1(b.abs(x))
    half = b.mul(b.add(t, b.div(t, b.add(t, 1))), 0.5)
    big = b.exp(b.sub(b.abs(x), LN2))  # where t overflows and the half of it does not
    return b.copysign(b.select(b.isinf(t), big, half), x)


def _cosh_lower(b, x):
    e = b.exp(b.sub(b.abs(x), LN2))  # half of exp|x|, which overflows no earlier than the result
    return b.add(e, b.div(b.like(0.25, x), e))


def _asinh_lower(b, x):
    a = b.abs(x)
    small = b.log1p(b.add(a, b.div(b.mul(a, a), b.add(b.sqrt(b.add(b.mul(a, a), 1)), 1))))
    large = b.add(b.log(a), LN2)  # where the square overflows, or is so large that 1 is lost in it
    return b.copysign(b.select(b.gt(a, 1e8), large, small), x)


def _acosh_lower(b, x):
    t = b.sub(x, 1)
    small = b.log1p(b.add(t, b.sqrt(b.mul(t, b.add(t, 2)))))
    return b.select(b.gt(x, 1e8), b.add(b.log(x), LN2), small)


def _atanh_lower(b, x):
    a = b.abs(x)
    return b.copysign(b.mul(b.log1p(b.div(b.mul(a, 2), b.sub(b.one(x), a))), 0.5), x)


def _acosh_grad(g, x, x_spec):
    if x_spec.dtype.is_complex:  # the root of the product lies on another branch than the product of the roots
        return mul(_over_root(g, sub(x, 1)), rsqrt(add(x, 1)))
    return _over_root(g, sub(mul(x, x), 1))


sinh = _function("sinh", np.sinh, lambda g, x: (mul(g, cosh(x)),), _sinh_lower)
cosh = _function("cosh", np.cosh, lambda g, x: (mul(g, sinh(x)),), _cosh_lower)
asinh = _function("asinh", np.arcsinh, lambda g, x: (_over_root(g, add(mul(x, x), 1)),), _asinh_lower)
acosh = _function("acosh", np.arccosh, lambda g, x, x_spec: (_acosh_grad(g, x, x_spec),), _acosh_lower)
atanh = _function("atanh", np.arctanh, lambda g, x: (div(g, sub(1, mul(x, x))),), _atanh_lower)

_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)

erf = _function("erf", approximations.erf, lambda g, x: (scale(mul(g, exp(neg(mul(x, x)))), by=_TWO_OVER_ROOT_PI),))

# Tails of the normal distribution: rare enough in a training step to be left to the interpreter.
erfc = pointwise(
    "erfc",
    promote="float",
    numpy=approximations.erfc,
    lower=INTERPRETER_ONLY,
    inputs=("x",),
    grad=lambda g, x: (scale(mul(g, exp(neg(mul(x, x)))), by=-_TWO_OVER_ROOT_PI),),
)
erfinv = pointwise(
    "erfinv",
    promote="float",
    numpy=approximations.erfinv,
    lower=INTERPRETER_ONLY,
    inputs=("x",),
    grad=lambda g, out: (scale(mul(g, exp(mul(out, out))), by=1 / _TWO_OVER_ROOT_PI),),
)

__all__ = [
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cos", "cosh", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "log",
    "log10", "log1p", "log2", "rsqrt", "sigmoid", "sin", "sinh", "sqrt", "tan", "tanh",
]  # fmt: skip

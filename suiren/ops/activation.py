"""Activations that are worth an op of their own: their gradient, or their range, would suffer from being composed; or every step has many of them.

The rest (silu, mish, glu, hardswish, selu, …) is composed in `suiren/api/activation.py`.
"""

from __future__ import annotations

import math

import numpy as np

from suiren.ops import approximations
from suiren.ops.compare import eq, ge, gt, le, logical_and, logical_or, where
from suiren.ops.creation import wanted
from suiren.ops.elementary import erf, exp, log, log1p, sigmoid
from suiren.ops.pointwise import add, div, mul, neg, scale
from suiren.trace.op import pointwise

relu = pointwise(
    "relu",
    numpy=lambda x: np.where(x <= 0, x.dtype.type(0), x),  # NaN passes
    lower=lambda b, x: b.select(b.le(x, 0), b.zero(x), x),
    grad=lambda g, out: (where(le(out, 0), 0, g),),
)

leaky_relu = pointwise(
    "leaky_relu",
    numpy=lambda x, slope: np.where(x > 0, x, x * slope),
    lower=lambda b, x, slope: b.select(b.gt(x, 0), x, b.mul(x, slope)),
    grad=lambda g, x, slope: (where(gt(x, 0), g, mul(g, slope)), None),
)

hardtanh = pointwise(
    "hardtanh",
    numpy=lambda x, low, high: np.minimum(np.maximum(x, low), high),
    lower=lambda b, x, low, high: b.minimum(b.maximum(x, low), high),
    grad=lambda g, x, low, high: (where(logical_or(le(x, low), ge(x, high)), 0, g), None, None),
    doc="As clamp, but the gradient at both ends is 0.",
)

_ROOT_HALF = math.sqrt(0.5)
_PDF_0 = 1 / math.sqrt(2 * math.pi)


def _gelu(x):
    return x * (x.dtype.type(0.5) * (1 + approximations.erf(x * x.dtype.type(_ROOT_HALF))))


def _gelu_grad(g, x):
    # d/dx x Φ(x) = Φ(x) + x φ(x)
    cdf = scale(add(erf(scale(x, by=_ROOT_HALF)), 1), by=0.5)
    pdf = scale(exp(scale(mul(x, x), by=-0.5)), by=_PDF_0)
    return (mul(g, add(cdf, mul(x, pdf))),)


gelu = pointwise(
    "gelu",
    numpy=_gelu,
    lower=lambda b, x: b.mul(x, b.mul(b.add(b.erf(b.mul(x, _ROOT_HALF)), 1), 0.5)),
    grad=_gelu_grad,
    doc="x Φ(x), with erf.",
)


def _softplus(x, beta, threshold):
    z = x * beta
    return np.where(z > threshold, x, np.log1p(np.exp(np.minimum(z, threshold))) / beta)


def _softplus_grad(g, x, beta, threshold):
    z = mul(x, beta)
    return where(gt(z, threshold), g, mul(g, sigmoid(z))), None, None


softplus = pointwise(
    "softplus",
    numpy=_softplus,
    lower=lambda b, x, beta, threshold: _softplus_lower(b, x, b.mul(x, beta), beta, threshold),
    grad=_softplus_grad,
    doc="log(1 + exp(beta x)) / beta; x itself where beta x > threshold.",
)


def _softplus_lower(b, x, z, beta, threshold):
    return b.select(b.gt(z, threshold), x, b.div(b.log1p(b.exp(b.minimum(z, threshold))), beta))


logsigmoid = pointwise(
    "logsigmoid",
    numpy=lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))),
    lower=lambda b, x: b.sub(b.minimum(x, 0), b.log1p(b.exp(b.neg(b.abs(x))))),
    grad=lambda g, x: (mul(g, sigmoid(neg(x))),),
    grad_name="LogSigmoidBackward0",
)


def _elu(x, alpha, scale, input_scale):
    return np.where(x > 0, x * scale, np.expm1(np.minimum(x, 0) * input_scale) * alpha * scale)


def _elu_lower(b, x, alpha, scale, input_scale):
    below = b.mul(b.mul(b.expm1(b.mul(b.minimum(x, 0), input_scale)), alpha), scale)
    return b.select(b.gt(x, 0), b.mul(x, scale), below)


def _elu_grad(g, x, alpha, scale, input_scale):
    # exp only of what is not positive: past 88 it would be infinite, and infinity times 0 is NaN in the second derivative
    below = where(gt(x, 0), 0, x)
    slope = mul(mul(mul(exp(mul(below, input_scale)), alpha), scale), input_scale)
    return mul(g, where(gt(x, 0), scale, slope)), None, None, None


elu = pointwise(
    "elu",
    numpy=_elu,
    lower=_elu_lower,
    grad=_elu_grad,
    doc="x where positive, alpha (exp(input_scale x) - 1) elsewhere; all of it times scale (celu and selu are other scales).",
)


def _threshold_grad(g, x, threshold):
    return where(le(x, threshold), 0, g), None, None


threshold = pointwise(
    "threshold",
    numpy=lambda x, threshold, value: np.where(x <= threshold, value, x),
    lower=lambda b, x, threshold, value: b.select(b.le(x, threshold), value, x),
    grad=_threshold_grad,
    doc="x where above the threshold, `value` elsewhere.",
)


def _xlogy_grad(g, x, y, x_spec, y_spec):
    grad_x = grad_y = None
    if wanted(x_spec):
        grad_x = where(logical_and(eq(x, 0), le(y, 0)), 0, mul(g, log(y)))
    if wanted(y_spec):
        grad_y = mul(g, div(x, y))
    return grad_x, grad_y


xlogy = pointwise(
    "xlogy",
    promote="float",
    numpy=lambda x, y: np.where(np.isnan(y), np.nan, np.where(x == 0, 0, x * np.log(y))),
    lower=lambda b, x, y: b.select(b.isnan(y), y, b.select(b.eq(x, 0), b.zero(x), b.mul(x, b.log(y)))),
    grad=_xlogy_grad,
    doc="x log(y), 0 where x is 0.",
)



def _xlog1py_grad(g, x, y, x_spec, y_spec):
    grad_x = grad_y = None
    if wanted(x_spec):
        grad_x = where(logical_and(eq(x, 0), le(y, -1)), 0, mul(g, log1p(y)))
    if wanted(y_spec):
        grad_y = mul(g, div(x, add(y, 1)))
    return grad_x, grad_y


xlog1py = pointwise(
    "xlog1py",
    promote="float",
    numpy=lambda x, y: np.where(np.isnan(y), np.nan, np.where(x == 0, 0, x * np.log1p(y))),
    lower=lambda b, x, y: b.select(b.isnan(y), y, b.select(b.eq(x, 0), b.zero(x), b.mul(x, b.log1p(y)))),
    grad=_xlog1py_grad,
    doc="x log1p(y), 0 where x is 0.",
)

__all__ = ["elu", "gelu", "hardtanh", "leaky_relu", "logsigmoid", "relu", "softplus", "threshold", "xlog1py", "xlogy"]

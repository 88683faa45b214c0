"""Losses whose gradient is not that of their formula: PyTorch keeps it finite where a logarithm is not. And checks of what they are given."""

from __future__ import annotations

import numpy as np

from suiren.ops.creation import wanted
from suiren.ops.elementary import log, log1p
from suiren.ops.pointwise import clamp_min, div, mul, neg, sub
from suiren.trace.op import pointwise


def _binary_cross_entropy(x, target):
    with_floor, other = np.maximum(np.log(x), -100), np.maximum(np.log1p(-x), -100)
    return ((target - 1) * other - target * with_floor).astype(x.dtype)


def _binary_cross_entropy_lower(b, x, target):
    with_floor, other = b.maximum(b.log(x), -100.0), b.maximum(b.log1p(b.neg(x)), -100.0)
    return b.sub(b.mul(b.sub(target, 1.0), other), b.mul(target, with_floor))


def _binary_cross_entropy_grad(g, x, x_spec, target, target_spec):
    grad_x = grad_target = None
    if wanted(x_spec):
        grad_x = mul(g, div(sub(x, target), clamp_min(mul(sub(1.0, x), x), 1e-12)))
    if wanted(target_spec):
        grad_target = mul(g, sub(clamp_min(log1p(neg(x)), -100.0), clamp_min(log(x), -100.0)))
    return grad_x, grad_target


binary_cross_entropy = pointwise(
    "binary_cross_entropy",
    numpy=_binary_cross_entropy,
    lower=_binary_cross_entropy_lower,
    inputs=("x", "target"),
    grad=_binary_cross_entropy_grad,
    doc="-(target log x + (1 - target) log(1 - x)), the logarithms not below -100. Source: aten/src/ATen/native/Loss.cpp",
)


def _out_of_range(value, *, low, high, message):
    return RuntimeError(message)


def _check_range(x, *, low, high, message):
    if not ((x >= low) & (x <= high)).all():
        raise _out_of_range(None, low=low, high=high, message=message)
    return x


def _check_range_lower(b, x, low, high, check):
    b.check(b.and_(b.ge(x, low), b.le(x, high)), b.zero(x), check)
    return x


check_range = pointwise(
    "check_range",
    inputs=("x",),
    params=("low", "high", "message"),
    promote=lambda inputs, params: (inputs[0].dtype, inputs[0].dtype),
    numpy=_check_range,
    lower=_check_range_lower,
    failure=_out_of_range,
    grad=lambda g: (g,),
    doc="Passes x on; RuntimeError with `message` unless low <= x <= high everywhere.",
)

__all__ = ["binary_cross_entropy", "check_range"]

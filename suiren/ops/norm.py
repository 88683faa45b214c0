"""The step that all normalisations share: subtract a mean, scale by an inverse standard deviation, then by a weight, add a bias.

The mean and the inverse deviation are computed from x by the caller (nn/functional/normalization.py). Their part in the gradient of x is in this
op's rule, in closed form: two sums over x where differentiating the sums themselves would need four.
"""

from __future__ import annotations

from math import prod

from suiren.ops.creation import stop_gradient, wanted
from suiren.ops.elementary import rsqrt
from suiren.ops.pointwise import add, mul, scale, sub
from suiren.ops.reduce import sum
from suiren.trace.op import pointwise
from suiren.trace.pending import local
from suiren.trace.spec import Spec


def statistics(x, dims: tuple[int, ...], count: int, eps: float, constant: bool = True):
    """(mean, biased variance, 1 / sqrt(variance + eps)) over `dims` (kept, of size 1), which have `count` elements; in two passes.

    `constant`: they are constants to backward, as `normalize` wants them.
    """
    held = stop_gradient if constant and x._spec.requires_grad else _as_it_is
    mean = held(scale(sum(x, dims=dims, keepdim=True), by=1 / count))
    distance = sub(x, mean)
    variance = held(scale(sum(mul(distance, distance), dims=dims, keepdim=True), by=1 / count))
    return mean, variance, rsqrt(add(variance, eps))


def _as_it_is(x):
    return x


def _is_same_over(s: Spec | type, dims: tuple[int, ...]) -> bool:
    return not isinstance(s, Spec) or all(s.shape[d] == 1 for d in dims)


def _normalize_grad(g, x, x_spec, mean, inverse, weight, weight_spec, bias_spec, dims, eps):
    count = prod(x_spec.shape[d] for d in dims)
    if local.rec.grad:  # to be differentiated again: the statistics as functions of x
        mean, _, inverse = statistics(x, dims, count, eps, constant=False)
    normal = mul(sub(x, mean), inverse)
    grad_x = grad_weight = grad_bias = None
    if _is_same_over(weight_spec, dims):
        total, along = sum(g, dims=dims, keepdim=True), sum(mul(g, normal), dims=dims, keepdim=True)
        if wanted(x_spec):
            left = sub(sub(g, scale(total, by=1 / count)), mul(normal, scale(along, by=1 / count)))
            grad_x = mul(left, mul(inverse, weight))
        grad_weight, grad_bias = along, total if _is_same_over(bias_spec, dims) else g
    else:
        weighted = mul(g, weight)
        if wanted(x_spec):
            total, along = sum(weighted, dims=dims, keepdim=True), sum(mul(weighted, normal), dims=dims, keepdim=True)
            left = sub(sub(weighted, scale(total, by=1 / count)), mul(normal, scale(along, by=1 / count)))
            grad_x = mul(left, inverse)
        grad_weight, grad_bias = mul(g, normal), g
    return grad_x, None, None, grad_weight if wanted(weight_spec) else None, grad_bias if wanted(bias_spec) else None


normalize = pointwise(
    "normalize",
    inputs=("x", "mean", "inverse", "weight", "bias"),
    params=("dims", "eps"),
    numpy=lambda x, mean, inverse, weight, bias, **_: (x - mean) * inverse * weight + bias,
    lower=lambda b, x, mean, inverse, weight, bias: b.add(b.mul(b.mul(b.sub(x, mean), inverse), weight), bias),
    grad=_normalize_grad,
    grad_name="NativeBatchNormBackward0",
    doc="(x - mean) * inverse * weight + bias, where `mean` and `inverse` are x's own `statistics` over `dims`; the last two may be numbers.",
)

__all__ = ["normalize", "statistics"]

"""Activations and softmax: `torch.f`, and what `nn.functional` offers beyond it.

Source: https://docs.pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions
"""

from __future__ import annotations

import math

from suiren.api import casting
from suiren.api.arguments import TYPE_WORDS, check_tensor, dim_of
from suiren.api.pointwise import relu, sigmoid, tanh
from suiren.api.shapes import part
from suiren.api.surface import public
from suiren.dtypes import FLOAT, NARROW, dtype, float32
from suiren.ops import activation, compare, creation, elementary, movement, pointwise, reduce
from suiren.tensor import Tensor
from suiren.trace.recording import record, unary
from suiren.trace.storage import Stored

_logsigmoid, _gelu = unary(activation.logsigmoid), unary(activation.gelu)


def leaky_relu(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """x where positive, negative_slope * x elsewhere."""
    return record(activation.leaky_relu, (input, negative_slope), ())


@public()
@casting.lower
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where positive, weight * x elsewhere; a weight per channel (dim 1), or one for all."""
    if weight._spec.numel != 1:
        channels = input._spec.shape[1] if input._spec.ndim > 1 else input._spec.numel
        if weight._spec.numel != channels:
            raise RuntimeError(
                f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {weight._spec.numel} and channel size = {channels}."
            )
        if input._spec.ndim > 1:
            weight = movement.reshape(weight, shape=(1, channels) + (1,) * (input._spec.ndim - 2))
    elif weight._spec.ndim:
        weight = movement.reshape(weight, shape=())
    return compare.where(compare.gt(input, 0), input, pointwise.mul(weight, input))


def elu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """x where positive, alpha * (exp(x) - 1) elsewhere."""
    return record(activation.elu, (input, alpha, 1.0, 1.0), ())


@public(method=False, inplace=False)
def selu(input: Tensor) -> Tensor:
    """`elu` with the scales that keep mean 0 and variance 1."""
    return record(activation.elu, (input, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946, 1.0), ())


@public(method=False)
def celu(input: Tensor, alpha: float = 1.0) -> Tensor:
    """x where positive, alpha * (exp(x / alpha) - 1) elsewhere."""
    return record(activation.elu, (input, alpha, 1.0, 1.0 / alpha), ())


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """x cut to [min_val, max_val]; the gradient at both ends is 0."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    if input._spec.dtype.category < FLOAT:
        min_val, max_val = int(min_val), int(max_val)
    return record(activation.hardtanh, (input, min_val, max_val), ())


def relu6(input: Tensor) -> Tensor:
    """min(max(x, 0), 6)."""
    return hardtanh(input, 0.0, 6.0)


def hardsigmoid(input: Tensor) -> Tensor:
    """min(max(x + 3, 0), 6) / 6."""
    return pointwise.div(record(activation.hardtanh, (pointwise.add(input, 3.0), 0.0, 6.0), ()), 6.0)


def hardswish(input: Tensor) -> Tensor:
    """x * hardsigmoid(x)."""
    return pointwise.div(pointwise.mul(input, record(activation.hardtanh, (pointwise.add(input, 3.0), 0.0, 6.0), ())), 6.0)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x times the normal distribution function of x: with erf, or, with approximate="tanh", 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))."""
    if approximate == "none":
        return _gelu(input)
    if approximate != "tanh":
        raise RuntimeError("approximate argument must be either none or tanh.")
    cube = pointwise.mul(pointwise.mul(input, input), input)
    inner = pointwise.scale(pointwise.add(input, pointwise.scale(cube, by=0.044715)), by=math.sqrt(2 / math.pi))
    return pointwise.mul(pointwise.scale(input, by=0.5), pointwise.add(elementary.tanh(inner), 1))


def silu(input: Tensor) -> Tensor:
    """x * sigmoid(x)."""
    return pointwise.mul(input, elementary.sigmoid(input))


def mish(input: Tensor) -> Tensor:
    """x * tanh(softplus(x))."""
    return pointwise.mul(input, elementary.tanh(softplus(input)))


def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta x)) / beta; x itself where beta * x > threshold."""
    return record(activation.softplus, (input, beta, threshold), ())


def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return pointwise.div(input, pointwise.add(pointwise.abs(input), 1))


def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x)."""
    return pointwise.sub(input, elementary.tanh(input))


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved towards 0 by lambd, 0 where it would pass it."""
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    above, below = compare.gt(input, lambd), compare.lt(input, -lambd)
    return compare.where(above, pointwise.sub(input, lambd), compare.where(below, pointwise.add(input, lambd), 0))


@public(out=True)
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """x, but 0 where |x| <= lambd."""
    kept = compare.logical_or(compare.gt(input, lambd), compare.lt(input, -lambd))
    return compare.where(kept, input, 0)


@public(method=False, inplace=False, out=True)
def threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    """x where above the threshold, `value` elsewhere."""
    return record(activation.threshold, (input, threshold, value), ())


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(x)) without overflow."""
    return _logsigmoid(input)


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """The first half of a dim times the sigmoid of the second half. RuntimeError for an odd size."""
    d = dim_of(dim, input._spec.ndim)
    n = input._spec.shape[d]
    if n % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {d} is size {n}")
    return pointwise.mul(part(input, d, 0, n // 2), elementary.sigmoid(part(input, d, n // 2, n // 2)))


# ---------------------------------------------------------------- softmax


def _shifted(function: str, input, dim: int | None, dtype: dtype | None):
    """(input less its maximum along the dim, the dim). The shift cancels out, so it is a constant to backward."""
    check_tensor(function, input)
    if dtype is not None and input._spec.dtype is not dtype:
        input = creation.cast(input, dtype=dtype)
    if input._spec.dtype.category < FLOAT:
        kernel = "softmax_kernel_impl" if function == "softmax" else "log_softmax_lastdim_kernel_impl"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{TYPE_WORDS[input._spec.dtype.name]}'")
    ndim = input._spec.ndim
    if dim is None:
        dim = 0 if ndim in (0, 1, 3) else 1  # PyTorch's choice where none is given
    d = dim_of(dim, ndim)
    dims = (d,) if ndim else ()
    if not input._spec.numel:
        return input, dims
    top = creation.stop_gradient(reduce.amax(input, dims=dims, keepdim=True))
    return pointwise.sub(input, top), dims


def _is_narrow(input) -> bool:
    return isinstance(input, Stored) and input._spec.dtype in NARROW


@public(out=True)
def softmax(input: Tensor, dim: int | None = None, dtype: dtype | None = None) -> Tensor:
    """exp(x) / sum(exp(x)) along a dim, without overflow. Narrow floats are computed in float32."""
    if dtype is None and _is_narrow(input):
        return creation.cast(softmax(input, dim, float32), dtype=input._spec.dtype)
    shifted, dims = _shifted("softmax", input, dim, dtype)
    e = elementary.exp(shifted)
    return pointwise.div(e, reduce.sum(e, dims=dims, keepdim=True))


@public(out=True)
def log_softmax(input: Tensor, dim: int | None = None, dtype: dtype | None = None) -> Tensor:
    """log(softmax(x)) along a dim, without loss of digits. Narrow floats are computed in float32."""
    if dtype is None and _is_narrow(input):
        return creation.cast(log_softmax(input, dim, float32), dtype=input._spec.dtype)
    shifted, dims = _shifted("log_softmax", input, dim, dtype)
    return pointwise.sub(shifted, elementary.log(reduce.sum(elementary.exp(shifted), dims=dims, keepdim=True)))


def softmin(input: Tensor, dim: int | None = None, dtype: dtype | None = None) -> Tensor:
    """softmax(-x)."""
    return softmax(pointwise.neg(input), dim, dtype)


# ---------------------------------------------------------------- one-hot choices


def one_hot_mask(target, size: int, dim: int, message: str = "Target {value} is out of bounds."):
    """Whether place i of a new dim `dim` of that size is the target (int64): bool, never stored by a compiled program.

    IndexError with `message` when a target is out of range.
    """
    shape = target._spec.shape
    checked = creation.check_index(target, size=size, message=message)
    checked = movement.reshape(checked, shape=(*shape[:dim], 1, *shape[dim:]))
    places = creation.iota(size=size)
    if dim < len(shape):
        places = movement.reshape(places, shape=(size, *(1,) * (len(shape) - dim)))
    return compare.eq(places, checked)


__all__ = [
    "celu", "elu", "gelu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log_softmax", "logsigmoid",
    "mish", "one_hot_mask", "prelu", "relu", "relu6", "selu", "sigmoid", "silu", "softmax", "softmin", "softplus", "softshrink", "softsign",
    "tanh", "tanhshrink", "threshold",
]  # fmt: skip

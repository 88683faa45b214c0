"""Normalisations. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions

The statistics are taken in two passes, mean first, so that a large mean costs no digits. Narrow floats are computed in float32.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any

from suiren.api import casting
from suiren.api.arguments import TYPE_WORDS, check_tensor
from suiren.api.composites import composite
from suiren.dtypes import FLOAT, NARROW, dtype, float32
from suiren.ops.creation import cast
from suiren.ops.elementary import rsqrt
from suiren.ops.movement import reshape
from suiren.ops.norm import normalize as normalize_op
from suiren.ops.norm import statistics
from suiren.ops.pointwise import add, clamp_min, div, mul, scale, sub
from suiren.ops.reduce import sum as sum_op
from suiren.tensor import Tensor
from suiren.trace.recording import record
from suiren.trace.views import write


def _check_float(name: str, d: dtype) -> None:
    if d.category < FLOAT:
        raise NotImplementedError(f"\"{name}\" not implemented for '{TYPE_WORDS[d.name]}'")


def _normalized(x: Tensor, mean: Tensor, inverse: Tensor, weight: Any, bias: Any, dims: tuple[int, ...], eps: float) -> Tensor:
    weight = 1.0 if weight is None else weight
    bias = 0.0 if bias is None else bias
    return record(normalize_op, (x, mean, inverse, weight, bias), (dims, eps))


@lru_cache(maxsize=4096)
def _channel_shapes(shape: tuple[int, ...]) -> tuple:
    """(dims other than the channel's, how many elements they have, the shape of one number a channel)."""
    dims = (0, *range(2, len(shape)))
    return dims, prod(shape[d] for d in dims), (1, shape[1], *(1,) * (len(shape) - 2))


def _check_channels(channels: int, **given: Tensor | None) -> None:
    for name, t in given.items():
        if t is not None and t._spec.numel != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {t._spec.numel}")


def batch_norm(
    input: Tensor, running_mean: Tensor | None, running_var: Tensor | None, weight: Tensor | None = None, bias: Tensor | None = None,
    training: bool = False, momentum: Any = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """(N, C, …): every channel normalised over the batch, or, unless `training`, with the running statistics.

    In training the running statistics, if given, move by `momentum` towards those of the batch, with the unbiased variance. `momentum` may be a
    0-dim tensor. ValueError for one value per channel in training; RuntimeError for sizes that do not fit.
    """
    check_tensor("batch_norm", input)
    s = input._spec
    _check_float("batch_norm", s.dtype)
    if s.ndim == 1 and not s.numel:
        return input.clone()
    if s.ndim < 2:
        raise RuntimeError(f"Expected 2D or higher dimensional input to batch_norm (got {s.ndim} dimensions)")
    dims, count, per_channel = _channel_shapes(s.shape)
    if training and count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.size()}")
    _check_channels(s.shape[1], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    for t in (running_mean, running_var, weight, bias):
        if t is not None and t._spec.dtype is not s.dtype and not (s.dtype in NARROW and t._spec.dtype is float32):
            raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")
    x = cast(input, dtype=float32) if s.dtype in NARROW else input
    if weight is not None:
        weight = reshape(weight, shape=per_channel)
    if bias is not None:
        bias = reshape(bias, shape=per_channel)
    if not s.numel:  # no statistics, but the weights have gradients
        y = input.clone() if weight is None else mul(input, weight)
        return y if bias is None else add(y, bias)
    if not training:
        for name, t in (("running_mean", running_mean), ("running_var", running_var)):
            if t is None:
                raise RuntimeError(f"{name} must be defined in evaluation mode")
        inverse = rsqrt(add(reshape(running_var, shape=per_channel), eps))
        factor = inverse if weight is None else mul(inverse, weight)
        shift = mul(reshape(running_mean, shape=per_channel), factor)
        y = sub(mul(x, factor), shift) if bias is None else add(mul(x, factor), sub(bias, shift))
    else:
        mean, variance, inverse = statistics(x, dims, count, eps)
        y = _normalized(x, mean, inverse, weight, bias, dims, eps)
        if running_mean is not None or running_var is not None:
            _move(running_mean, mean, momentum)
            _move(running_var, scale(variance, by=count / (count - 1)), momentum)
    return cast(y, dtype=s.dtype) if s.dtype in NARROW else y


def _move(running: Tensor | None, value: Tensor, momentum: Any) -> None:
    if running is not None:
        value = reshape(value, shape=running._spec.shape)
        rest = sub(1.0, momentum) if isinstance(momentum, Tensor) else 1.0 - momentum
        write(running, add(mul(value, momentum), mul(running, rest)))


def instance_norm(
    input: Tensor, running_mean: Tensor | None = None, running_var: Tensor | None = None, weight: Tensor | None = None,
    bias: Tensor | None = None, use_input_stats: bool = True, momentum: float = 0.1, eps: float = 1e-5,
) -> Tensor:  # fmt: skip
    """(N, C, …): every channel of every sample normalised; the running statistics move towards the mean over the batch.

    ValueError where a channel of a sample has one value; RuntimeError for sizes that do not fit.
    """
    check_tensor("instance_norm", input)
    s = input._spec
    _check_float("batch_norm", s.dtype)
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    dims = tuple(range(2, s.ndim))
    count = prod(s.shape[2:])
    if count == 1 or s.ndim < 3:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.size()}")
    _check_channels(s.shape[1], running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    per_channel = (1, s.shape[1], *(1,) * (s.ndim - 2))
    weight = None if weight is None else reshape(weight, shape=per_channel)
    bias = None if bias is None else reshape(bias, shape=per_channel)
    x = cast(input, dtype=float32) if s.dtype in NARROW else input
    mean, variance, inverse = statistics(x, dims, count, eps)
    y = _normalized(x, mean, inverse, weight, bias, dims, eps)
    if running_mean is not None or running_var is not None:
        over_batch = 1 / s.shape[0]
        _move(running_mean, scale(sum_op(mean, dims=(0,), keepdim=True), by=over_batch), momentum)
        _move(running_var, scale(sum_op(variance, dims=(0,), keepdim=True), by=over_batch * count / (count - 1)), momentum)
    return cast(y, dtype=s.dtype) if s.dtype in NARROW else y


@composite
def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalised over the last dims, whose sizes are `normalized_shape`; weight and bias have that shape. RuntimeError for others."""
    check_tensor("layer_norm", input)
    s, shape = input._spec, tuple(normalized_shape)
    _check_last_dims(s.shape, shape, weight=weight, bias=bias)
    _check_float("LayerNormKernelImpl", s.dtype)
    dims = tuple(range(s.ndim - len(shape), s.ndim))
    x = cast(input, dtype=float32) if s.dtype in NARROW else input
    full = (1,) * (s.ndim - len(shape)) + shape
    weight = None if weight is None else reshape(weight, shape=full)
    bias = None if bias is None else reshape(bias, shape=full)
    mean, _, inverse = statistics(x, dims, prod(shape), eps)
    y = _normalized(x, mean, inverse, weight, bias, dims, eps)
    return cast(y, dtype=s.dtype) if s.dtype in NARROW else y


def _check_last_dims(have: tuple[int, ...], shape: tuple[int, ...], **given: Tensor | None) -> None:
    if not shape:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, "
            "but got normalized_shape = []"
        )
    for name, t in given.items():
        if t is not None and t._spec.shape != shape:
            raise RuntimeError(
                f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(t._spec.shape)} "
                f"and normalized_shape = {list(shape)}"
            )
    if have[len(have) - len(shape) :] != shape or len(have) < len(shape):
        wanted = "".join(f", {n}" for n in shape)
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape [*{wanted}], but got input of size{list(have)}"
        )


@composite
def rms_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None = None, eps: float | None = None) -> Tensor:
    """Divided by the root of the mean square over the last dims, whose sizes are `normalized_shape`. RuntimeError for others."""
    check_tensor("rms_norm", input)
    s, shape = input._spec, tuple(normalized_shape)
    _check_last_dims(s.shape, shape, weight=weight)
    _check_float("rms_norm", s.dtype)
    if eps is None:
        eps = {"float64": 2.0**-52, "float16": 2.0**-10, "bfloat16": 2.0**-7}.get(s.dtype.name, 2.0**-23)
    dims = tuple(range(s.ndim - len(shape), s.ndim))
    x = cast(input, dtype=float32) if s.dtype in NARROW else input
    square = scale(sum_op(mul(x, x), dims=dims, keepdim=True), by=1 / prod(shape))
    y = mul(x, rsqrt(add(square, eps)))
    if weight is not None:
        y = mul(y, weight)
    return cast(y, dtype=s.dtype) if s.dtype in NARROW else y


def group_norm(input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5) -> Tensor:
    """(N, C, …): every group of C / num_groups channels of every sample normalised. RuntimeError or ValueError for sizes that do not fit."""
    check_tensor("group_norm", input)
    s = input._spec
    if s.ndim < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {s.ndim}")
    n, channels = s.shape[:2]
    if prod([n * channels // num_groups, num_groups, *s.shape[2:]]) // num_groups == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(s.shape)}")
    if channels % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of shape {list(s.shape)} "
            f"and num_groups={num_groups}"
        )
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and t._spec.shape != (channels,):
            raise RuntimeError(
                f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of shape "
                f"{list(t._spec.shape)} and input of shape {list(s.shape)}"
            )
    _check_float("GroupNormKernelImpl", s.dtype)
    x = cast(input, dtype=float32) if s.dtype in NARROW else input
    # (N, C, …) -> (N, groups, C / groups, …)
    x = reshape(x, shape=(n, num_groups, channels // num_groups, *s.shape[2:]))
    per_channel = (1, num_groups, channels // num_groups, *(1,) * (s.ndim - 2))
    weight = None if weight is None else reshape(weight, shape=per_channel)
    bias = None if bias is None else reshape(bias, shape=per_channel)
    dims = tuple(range(2, s.ndim + 1))
    mean, _, inverse = statistics(x, dims, prod(s.shape[1:]) // num_groups, eps)
    y = reshape(_normalized(x, mean, inverse, weight, bias, dims, eps), shape=s.shape)
    return cast(y, dtype=s.dtype) if s.dtype in NARROW else y


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """(N, C, …): divided by (k + alpha * mean square over `size` neighbouring channels) ** beta. ValueError below 3 dims."""
    from suiren.nn.functional.padding import pad

    s = input._spec
    if s.ndim < 3:
        raise ValueError(f"Expected 3D or higher dimensionality                          input (got {s.ndim} dimensions)")
    if s.numel == 0:
        return input
    squares = mul(input, input)
    if s.ndim > 3 and casting.on and casting.here.enabled:  # averaged by `avg_pool3d`, which is on a list
        squares = casting.converted(squares, float32)
    squares = pad(squares, (0, 0) * (s.ndim - 2) + (size // 2, (size - 1) // 2))
    total = squares.unfold(1, size, 1).sum(-1)
    return div(input, (total.mul(alpha / size).add(k)).pow(beta))


def normalize(input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None) -> Tensor:
    """Divided by the p-norm along a dim, or by `eps` where that is larger."""
    length = input.norm(p, dim, keepdim=True)
    found = div(input, clamp_min(length, eps))
    if out is None:
        return found
    from suiren.api.surface import fill

    return fill(out, found)


__all__ = [
    "batch_norm", "group_norm", "instance_norm", "layer_norm", "local_response_norm", "normalize", "rms_norm",
]  # fmt: skip

"""Activations. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#non-linear-activation-functions

`inplace` writes the result into the input, which PyTorch programs ask for to save memory; a compiled program saves it anyway.
"""

from __future__ import annotations

import warnings
from typing import Any

from suiren.api import activation as api
from suiren.api.activation import glu as glu
from suiren.api.activation import hardshrink as hardshrink
from suiren.api.activation import logsigmoid as logsigmoid
from suiren.api.activation import prelu as prelu
from suiren.api.activation import softplus as softplus
from suiren.api.activation import softshrink as softshrink
from suiren.api.activation import softsign as softsign
from suiren.api.activation import tanhshrink as tanhshrink
from suiren.api.arguments import check_tensor
from suiren.api.pointwise import sigmoid as sigmoid
from suiren.api.pointwise import tanh as tanh
from suiren.dtypes import dtype, float64
from suiren.ops import activation as ops
from suiren.ops.compare import le
from suiren.ops.creation import cast
from suiren.ops.pointwise import div, mul
from suiren.ops.rng import rng_exponential, rng_uniform
from suiren.ops.views import original
from suiren.random.generator import draw
from suiren.tensor import Tensor
from suiren.trace.recording import unary
from suiren.trace.views import write

_relu, _gelu = unary(ops.relu), unary(ops.gelu)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)."""
    if inplace:
        return write(input, _relu(input))
    try:
        return _relu(input)
    except AttributeError:
        check_tensor("relu", input)
        raise


def relu_(input: Tensor) -> Tensor:
    """`relu` in place."""
    return write(input, _relu(input))


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x where positive, negative_slope * x elsewhere."""
    return _done(api.leaky_relu, input, inplace, negative_slope)


def _done(function: Any, input: Tensor, inplace: bool, *args: Any) -> Tensor:
    return write(input, function(original(input), *args)) if inplace else function(input, *args)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, alpha * (exp(x) - 1) elsewhere."""
    return _done(api.elu, input, inplace, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """`elu` with the scales that keep mean 0 and variance 1."""
    return _done(api.selu, input, inplace)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """x where positive, alpha * (exp(x / alpha) - 1) elsewhere."""
    return _done(api.celu, input, inplace, alpha)


def hardtanh(input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Tensor:
    """x cut to [min_val, max_val]."""
    return _done(api.hardtanh, input, inplace, min_val, max_val)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x, 0), 6)."""
    return _done(api.relu6, input, inplace)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(x + 3, 0), 6) / 6."""
    return _done(api.hardsigmoid, input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * hardsigmoid(x)."""
    return _done(api.hardswish, input, inplace)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x)."""
    return _done(api.silu, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """x * tanh(softplus(x))."""
    return _done(api.mish, input, inplace)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """x where above the threshold, `value` elsewhere."""
    return _done(api.threshold, input, inplace, threshold, value)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x times the normal distribution function of x, with erf or, with approximate="tanh", nearly."""
    return _gelu(input) if approximate == "none" else api.gelu(input, approximate)


def rrelu(
    input: Tensor, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False, inplace: bool = False
) -> Tensor:
    """`leaky_relu` with a random slope for each element in training, the middle one else.

    As PyTorch does, a slope is drawn for each element that is not positive, so the program looks how many there are.
    """
    if not training:
        return _done(api.leaky_relu, input, inplace, (lower + upper) / 2)
    below = le(input.detach(), 0)
    slopes = draw(rng_uniform, None, (float(lower), float(upper)), ((int(below.sum()),), float64))
    noise = input.new_ones(input._spec.shape).masked_scatter(below, cast(slopes, dtype=input._spec.dtype))
    return _done(mul, input, inplace, noise)


def _in_place(f: Any) -> Any:
    def g(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return f(input, *args, inplace=True, **kwargs)

    g.__name__ = g.__qualname__ = f.__name__ + "_"
    g.__doc__ = f"`{f.__name__}` in place."
    return g


elu_, selu_, celu_, hardtanh_ = _in_place(elu), _in_place(selu), _in_place(celu), _in_place(hardtanh)
leaky_relu_, threshold_, rrelu_ = _in_place(leaky_relu), _in_place(threshold), _in_place(rrelu)


# ---------------------------------------------------------------- softmax


def _dim(name: str, input: Tensor, dim: int | None, stacklevel: int) -> int:
    if dim is None:
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.",
            stacklevel=stacklevel,
        )
        dim = 0 if input._spec.ndim in (0, 1, 3) else 1
    return dim


def softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype | None = None) -> Tensor:
    """exp(x) / sum(exp(x)) along a dim."""
    return api.softmax(input, _dim("softmax", input, dim, _stacklevel), dtype)


def log_softmax(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype | None = None) -> Tensor:
    """log(softmax(x)) along a dim."""
    return api.log_softmax(input, _dim("log_softmax", input, dim, _stacklevel), dtype)


def softmin(input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: dtype | None = None) -> Tensor:
    """softmax(-x) along a dim."""
    return api.softmin(input, _dim("softmin", input, dim, _stacklevel), dtype)


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Tensor:
    """A sample of the Gumbel-softmax distribution; `hard`: one-hot, with the gradient of the soft one."""
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=2)
    noise = -draw(rng_exponential, None, (1.0,), (logits._spec.shape, logits._spec.dtype)).log()
    soft = api.softmax(div(logits + noise, tau), dim)
    if not hard:
        return soft
    chosen = logits.new_zeros(logits._spec.shape).scatter(dim, soft.argmax(dim, keepdim=True), 1.0)
    return chosen - soft.detach() + soft


__all__ = [
    "celu", "elu", "gelu", "glu", "gumbel_softmax", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "leaky_relu", "log_softmax",
    "logsigmoid", "mish", "prelu", "relu", "relu6", "rrelu", "selu", "sigmoid", "silu", "softmax", "softmin", "softplus", "softshrink",
    "softsign", "tanh", "tanhshrink", "threshold",
]  # fmt: skip

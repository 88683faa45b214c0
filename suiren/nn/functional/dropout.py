"""Dropout: PyTorch's draws, so the same elements go. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#dropout-functions"""

from __future__ import annotations

import warnings

from suiren.api.arguments import check_tensor
from suiren.formats import order_like
from suiren.ops.pointwise import add, div, mul
from suiren.ops.rng import rng_bernoulli
from suiren.random.generator import draw
from suiren.random.order import in_order
from suiren.tensor import Tensor
from suiren.trace.views import write


def _check(p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _kept(input: Tensor, p: float, shape: tuple[int, ...]) -> Tensor:
    """1 with probability 1 - p, else 0. PyTorch draws in the order in which the input lies in memory: of a transposed view that is another one."""
    d = input._spec.dtype
    order = order_like(input) if shape == input._spec.shape else None
    return in_order(shape, order, lambda shape: draw(rng_bernoulli, None, (1.0 - p,), (shape, d)))


def _dropped(input: Tensor, p: float, training: bool, inplace: bool, shape: tuple[int, ...]) -> Tensor:
    if p == 0 or not training or not input._spec.numel:
        return input
    if p == 1:
        found = mul(input, 0.0)
    else:
        found = mul(input, div(_kept(input, p, shape), 1.0 - p))
    return write(input, found) if inplace else found


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, each element is 0 with probability `p`, and divided by 1 - p otherwise. ValueError for p outside of [0, 1]."""
    _check(p)
    check_tensor("dropout", input)
    return _dropped(input, p, training, inplace, input._spec.shape)


def _channels(input: Tensor, p: float, training: bool, inplace: bool, unbatched: bool) -> Tensor:
    """Whole channels at once: (N, C, …), or (C, …) if `unbatched`."""
    s = input._spec.shape
    if unbatched:
        shape = (s[0], *(1,) * (len(s) - 1))
    elif len(s) < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    else:
        shape = (s[0], s[1], *(1,) * (len(s) - 2))
    return _dropped(input, p, training, inplace, shape)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, L) or (C, L)."""
    _check(p)
    ndim = input._spec.ndim
    if ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {ndim}D input. Note that dropout1d exists to provide channel-wise "
            "dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )
    return _channels(input, p, training, inplace, ndim == 2)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, H, W)."""
    _check(p)
    ndim = input._spec.ndim
    if ndim not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {ndim}-D input to dropout2d, which is deprecated and will result in an error in a future release. To "
            "retain the behavior and silence this warning, please use dropout instead. Note that dropout2d exists to provide channel-wise "
            "dropout on inputs with 2 spatial dimensions, a channel dimension, and an optional batch dimension (i.e. 3D or 4D inputs).",
            stacklevel=2,
        )
    if ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - input is "
            "interpreted as shape (N, C, L), where C is the channel dim. This behavior will change in a future release to interpret the "
            "input as one without a batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise dropout behavior, please "
            "switch to using dropout1d instead.",
            stacklevel=2,
        )
    return _channels(input, p, training, inplace, False)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Whole channels of (N, C, D, H, W) or (C, D, H, W)."""
    _check(p)
    ndim = input._spec.ndim
    if ndim not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {ndim}-D input to dropout3d, which is deprecated and will result in an error in a future release. To "
            "retain the behavior and silence this warning, please use dropout instead. Note that dropout3d exists to provide channel-wise "
            "dropout on inputs with 3 spatial dimensions, a channel dimension, and an optional batch dimension (i.e. 4D or 5D inputs).",
            stacklevel=2,
        )
    return _channels(input, p, training, inplace, ndim == 4)


_ALPHA = 1.7580993408473766  # of selu: its scale times its alpha


def _alpha(input: Tensor, p: float, training: bool, inplace: bool, shape: tuple[int, ...]) -> Tensor:
    if p == 0 or not training or not input._spec.numel:
        return input
    if p == 1:
        found = mul(input, 0.0)
    else:
        kept = _kept(input, p, shape)
        a = 1.0 / ((_ALPHA * _ALPHA * p + 1) * (1 - p)) ** 0.5
        shift = add(mul(add(kept, -1.0), _ALPHA * a), _ALPHA * a * p)
        found = add(mul(input, mul(kept, a)), shift)
    return write(input, found) if inplace else found


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """Dropout that keeps mean 0 and variance 1 of inputs that have it: what goes becomes selu's lowest value."""
    _check(p)
    return _alpha(input, p, training, inplace, input._spec.shape)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False) -> Tensor:
    """`alpha_dropout` of whole channels (N, C, …)."""
    _check(p)
    s = input._spec.shape
    return _alpha(input, p, training, inplace, (*s[:2], *(1,) * (len(s) - 2)))


__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"]

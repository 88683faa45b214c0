"""Batch normalisation, as it is in evaluation, put into the weights of the layer before it. Source: torch/nn/utils/fusion.py"""

from __future__ import annotations

import copy

from suiren.nn.modules.batchnorm import _BatchNorm
from suiren.nn.modules.conv import _ConvNd
from suiren.nn.modules.linear import Linear
from suiren.nn.parameter import Parameter
from suiren.tensor import Tensor


def _check(layer: _ConvNd | Linear, bn: _BatchNorm) -> None:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")


def fuse_conv_bn_eval(conv: _ConvNd, bn: _BatchNorm, transpose: bool = False) -> _ConvNd:
    """A copy of `conv` that does what `conv` and then `bn` do; `transpose`: a transposed convolution. AssertionError in training."""
    _check(conv, bn)
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor | None, bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:  # fmt: skip
    """The weight and bias of the convolution that has the normalisation in it."""
    inverse = (bn_rv + bn_eps).rsqrt()
    factor = inverse if bn_w is None else bn_w * inverse
    per_channel = ([1, -1] if transpose else [-1, 1]) + [1] * (conv_w.dim() - 2)
    bias = (bn_rm.new_zeros(bn_rm.shape) if conv_b is None else conv_b) - bn_rm
    bias = bias * inverse if bn_w is None else bias * inverse * bn_w
    bias = bias if bn_b is None else bias + bn_b
    return (
        Parameter((conv_w * factor.reshape(per_channel)).to(conv_w.dtype).detach(), conv_w.requires_grad),
        Parameter(bias.to(conv_w.dtype if conv_b is None else conv_b.dtype).detach(), conv_b is not None and conv_b.requires_grad),
    )


def fuse_linear_bn_eval(linear: Linear, bn: _BatchNorm) -> Linear:
    """A copy of `linear` that does what `linear` and then `bn` do. AssertionError in training, and for other numbers of features."""
    if linear.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}"
        )
    _check(linear, bn)
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(
        fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias
    )
    return fused


def fuse_linear_bn_weights(
    linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor, bn_eps: float, bn_w: Tensor, bn_b: Tensor
) -> tuple[Parameter, Parameter]:
    """The weight and bias of the linear layer that has the normalisation in it."""
    factor = bn_w * (bn_rv + bn_eps).rsqrt()
    bias = ((bn_rm.new_zeros(bn_rm.shape) if linear_b is None else linear_b) - bn_rm) * factor + bn_b
    return (
        Parameter((linear_w * factor.unsqueeze(-1)).to(linear_w.dtype).detach(), linear_w.requires_grad),
        Parameter(bias.to(linear_w.dtype if linear_b is None else linear_b.dtype).detach(), linear_b is not None and linear_b.requires_grad),
    )


__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval", "fuse_linear_bn_weights"]

"""Gradients of convolutions as functions of their own. Source: torch/nn/grad.py"""

from __future__ import annotations

from typing import Any

from suiren.nn.functional.conv import conv_params
from suiren.ops.conv import conv_input_grad, conv_weight_grad
from suiren.tensor import Tensor


def _input_gradient(input_size: Any, weight: Tensor, grad_output: Tensor, stride: Any, padding: Any, dilation: Any, groups: int) -> Tensor:
    kernel = weight._spec.shape[2:]
    strides, pairs, dilations, _ = conv_params(stride, padding, dilation, groups, kernel)
    size = tuple(input_size)[-len(kernel) :]
    return conv_input_grad(grad_output, weight, size=size, stride=strides, padding=pairs, dilation=dilations, groups=groups)


def _weight_gradient(input: Tensor, weight_size: Any, grad_output: Tensor, stride: Any, padding: Any, dilation: Any, groups: int) -> Tensor:
    kernel = tuple(weight_size)[2:]
    strides, pairs, dilations, _ = conv_params(stride, padding, dilation, groups, kernel)
    return conv_weight_grad(input, grad_output, kernel_size=kernel, stride=strides, padding=pairs, dilation=dilations, groups=groups)


def conv1d_input(input_size: Any, weight: Tensor, grad_output: Tensor, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """The gradient of `conv1d` for its input of this size."""
    return _input_gradient(input_size, weight, grad_output, stride, padding, dilation, groups)


def conv1d_weight(input: Tensor, weight_size: Any, grad_output: Tensor, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """The gradient of `conv1d` for its weight of this size."""
    return _weight_gradient(input, weight_size, grad_output, stride, padding, dilation, groups)


def conv2d_input(input_size: Any, weight: Tensor, grad_output: Tensor, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """The gradient of `conv2d` for its input of this size."""
    return _input_gradient(input_size, weight, grad_output, stride, padding, dilation, groups)


def conv2d_weight(input: Tensor, weight_size: Any, grad_output: Tensor, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """The gradient of `conv2d` for its weight of this size."""
    return _weight_gradient(input, weight_size, grad_output, stride, padding, dilation, groups)


def conv3d_input(input_size: Any, weight: Tensor, grad_output: Tensor, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """The gradient of `conv3d` for its input of this size."""
    return _input_gradient(input_size, weight, grad_output, stride, padding, dilation, groups)


def conv3d_weight(input: Tensor, weight_size: Any, grad_output: Tensor, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Tensor:
    """The gradient of `conv3d` for its weight of this size."""
    return _weight_gradient(input, weight_size, grad_output, stride, padding, dilation, groups)


__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input", "conv3d_weight"]

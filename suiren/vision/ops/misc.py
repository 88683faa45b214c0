"""Blocks that the models are made of. Source: torchvision/ops/misc.py of 0.28"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from suiren import Tensor, ones, zeros
from suiren.nn.functional import interpolate as interpolate
from suiren.nn.modules.activation import ReLU, Sigmoid
from suiren.nn.modules.batchnorm import BatchNorm2d, BatchNorm3d
from suiren.nn.modules.container import Sequential
from suiren.nn.modules.conv import Conv2d, Conv3d
from suiren.nn.modules.dropout import Dropout
from suiren.nn.modules.linear import Linear
from suiren.nn.modules.module import Module
from suiren.nn.modules.pooling import AdaptiveAvgPool2d

Layer = Callable[..., Module]


class FrozenBatchNorm2d(Module):
    """Batch normalisation of (N, C, H, W) whose statistics and weights are buffers: it never changes and has nothing to train."""

    def __init__(self, num_features: int, eps: float = 1e-5):
        super().__init__()
        self.eps = eps
        self.register_buffer("weight", ones(num_features))
        self.register_buffer("bias", zeros(num_features))
        self.register_buffer("running_mean", zeros(num_features))
        self.register_buffer("running_var", ones(num_features))

    def _load_from_state_dict(self, state_dict: dict, prefix: str, *args: Any) -> None:
        state_dict.pop(prefix + "num_batches_tracked", None)  # an ordinary BatchNorm2d has it
        super()._load_from_state_dict(state_dict, prefix, *args)

    def forward(self, x: Tensor) -> Tensor:
        weight, bias, mean, var = (t.reshape(1, -1, 1, 1) for t in (self.weight, self.bias, self.running_mean, self.running_var))
        scale = weight * (var + self.eps).rsqrt()
        return x * scale + (bias - mean * scale)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.weight.shape[0]}, eps={self.eps})"


def _for_each_dim(x: Any, dims: int) -> tuple:
    return tuple(x) if isinstance(x, Sequence) else (x,) * dims


class ConvNormActivation(Sequential):
    """A convolution, a normalisation and an activation, the last two where they are given. The padding keeps the size unless it is given."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, ...] = 3,
        stride: int | tuple[int, ...] = 1,
        padding: int | tuple[int, ...] | str | None = None,
        groups: int = 1,
        norm_layer: Layer | None = BatchNorm2d,
        activation_layer: Layer | None = ReLU,
        dilation: int | tuple[int, ...] = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
        conv_layer: Layer = Conv2d,
    ):
        if padding is None:
            if isinstance(kernel_size, int) and isinstance(dilation, int):
                padding = (kernel_size - 1) // 2 * dilation
            else:
                dims = len(kernel_size) if isinstance(kernel_size, Sequence) else len(dilation)
                kernel_size, dilation = _for_each_dim(kernel_size, dims), _for_each_dim(dilation, dims)
                padding = tuple((k - 1) // 2 * d for k, d in zip(kernel_size, dilation))
        bias = norm_layer is None if bias is None else bias
        layers = [conv_layer(in_channels, out_channels, kernel_size, stride, padding, dilation=dilation, groups=groups, bias=bias)]
        if norm_layer is not None:
            layers.append(norm_layer(out_channels))
        if activation_layer is not None:
            layers.append(activation_layer(**({} if inplace is None else {"inplace": inplace})))
        super().__init__(*layers)
        self.out_channels = out_channels
        if type(self) is ConvNormActivation:
            warnings.warn(
                "Don't use ConvNormActivation directly, please use Conv2dNormActivation and Conv3dNormActivation instead.", stacklevel=2
            )


class Conv2dNormActivation(ConvNormActivation):
    """`Conv2d`, then `norm_layer`, then `activation_layer`; a bias only where there is no normalisation."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int] = 3,
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] | str | None = None,
        groups: int = 1,
        norm_layer: Layer | None = BatchNorm2d,
        activation_layer: Layer | None = ReLU,
        dilation: int | tuple[int, int] = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
    ):
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, groups, norm_layer, activation_layer, dilation, inplace, bias, Conv2d
        )


class Conv3dNormActivation(ConvNormActivation):
    """The same with `Conv3d` and `BatchNorm3d`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int, int] = 3,
        stride: int | tuple[int, int, int] = 1,
        padding: int | tuple[int, int, int] | str | None = None,
        groups: int = 1,
        norm_layer: Layer | None = BatchNorm3d,
        activation_layer: Layer | None = ReLU,
        dilation: int | tuple[int, int, int] = 1,
        inplace: bool | None = True,
        bias: bool | None = None,
    ):
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, groups, norm_layer, activation_layer, dilation, inplace, bias, Conv3d
        )


class SqueezeExcitation(Module):
    """Channels scaled by what two 1×1 convolutions make of their means. Source: https://arxiv.org/abs/1709.01507, figure 1"""

    def __init__(self, input_channels: int, squeeze_channels: int, activation: Layer = ReLU, scale_activation: Layer = Sigmoid):
        super().__init__()
        self.avgpool = AdaptiveAvgPool2d(1)
        self.fc1 = Conv2d(input_channels, squeeze_channels, 1)
        self.fc2 = Conv2d(squeeze_channels, input_channels, 1)
        self.activation = activation()
        self.scale_activation = scale_activation()

    def _scale(self, input: Tensor) -> Tensor:
        return self.scale_activation(self.fc2(self.activation(self.fc1(self.avgpool(input)))))

    def forward(self, input: Tensor) -> Tensor:
        return self._scale(input) * input


class MLP(Sequential):
    """Linear layers of `hidden_channels` outputs, with normalisation, activation and dropout between them, and dropout at the end."""

    def __init__(
        self,
        in_channels: int,
        hidden_channels: list[int],
        norm_layer: Layer | None = None,
        activation_layer: Layer | None = ReLU,
        inplace: bool | None = None,
        bias: bool = True,
        dropout: float = 0.0,
    ):
        params = {} if inplace is None else {"inplace": inplace}
        layers = []
        width = in_channels
        for hidden in hidden_channels[:-1]:
            layers.append(Linear(width, hidden, bias=bias))
            if norm_layer is not None:
                layers.append(norm_layer(hidden))
            layers += [activation_layer(**params), Dropout(dropout, **params)]
            width = hidden
        layers += [Linear(width, hidden_channels[-1], bias=bias), Dropout(dropout, **params)]
        super().__init__(*layers)


class Permute(Module):
    """A view with the dims in another order."""

    def __init__(self, dims: list[int]):
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.dims)

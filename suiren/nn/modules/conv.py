"""Convolutions as modules. Source: torch/nn/modules/conv.py"""

from __future__ import annotations

import math
from typing import Any

from suiren.api.creation import empty
from suiren.nn import functional as F
from suiren.nn import init
from suiren.nn.modules.module import Module
from suiren.nn.parameter import Parameter
from suiren.tensor import Tensor

_PADDINGS = ("same", "valid")
_MODES = ("zeros", "reflect", "replicate", "circular")


def repeated(value: Any, count: int) -> tuple:
    """A setting for each of `count` dims."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * count


class _ConvNd(Module):
    dims: int  # spatial ones
    transposed = False

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, transposed: bool,
        output_padding: Any, groups: int, bias: bool, padding_mode: str, device: Any = None, dtype: Any = None,
    ):  # fmt: skip
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups != 0:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups != 0:
            raise ValueError("out_channels must be divisible by groups")
        dims = self.dims
        stride, dilation = repeated(stride, dims), repeated(dilation, dims)
        if isinstance(padding, str):
            if padding not in _PADDINGS:
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {set(_PADDINGS)}")
            if padding == "same" and any(s != 1 for s in stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        else:
            padding = repeated(padding, dims)
        if padding_mode not in _MODES:
            raise ValueError(f"padding_mode must be one of {set(_MODES)}, but got padding_mode='{padding_mode}'")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.padding, self.dilation = repeated(kernel_size, dims), stride, padding, dilation
        self.transposed, self.output_padding = transposed, repeated(output_padding, dims)
        self.groups, self.padding_mode = groups, padding_mode
        self._reversed_padding_repeated_twice = self._as_pad()
        channels = (in_channels, out_channels // groups) if transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(empty((*channels, *self.kernel_size), device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _as_pad(self) -> list[int]:
        """The padding as `nn.functional.pad` takes it: (before, after) of the last dim first."""
        pairs = []
        for i, (d, k) in enumerate(zip(self.dilation, self.kernel_size)):
            if isinstance(self.padding, str):
                total = d * (k - 1) if self.padding == "same" else 0
                pairs.append((total // 2, total - total // 2))
            else:
                pairs.append((self.padding[i], self.padding[i]))
        return [n for pair in reversed(pairs) for n in pair]

    def reset_parameters(self) -> None:
        """Weights and biases drawn uniformly from ±1 / sqrt(fan in)."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in != 0:
                bound = 1 / math.sqrt(fan_in)
                init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        if self.padding != (0,) * len(self.padding):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * len(self.dilation):
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * len(self.output_padding):
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text

    def __setstate__(self, state: dict) -> None:
        super().__setstate__(state)
        self.__dict__.setdefault("padding_mode", "zeros")


class Convolution(_ConvNd):
    """What Conv1d, Conv2d and Conv3d have in common; `function` is the one of nn.functional."""

    function: Any

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
        groups: int = 1, bias: bool = True, padding_mode: str = "zeros", device: Any = None, dtype: Any = None,
    ):  # fmt: skip
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, False, 0, groups, bias, padding_mode, device, dtype
        )

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, self.padding_mode)
            return self.function(input, weight, bias, self.stride, 0, self.dilation, self.groups)
        return self.function(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)


class Conv1d(Convolution):
    """A convolution of (N, C, L) or (C, L). Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv1d.html"""

    dims, function = 1, staticmethod(F.conv1d)


class Conv2d(Convolution):
    """A convolution of (N, C, H, W) or (C, H, W). Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html"""

    dims, function = 2, staticmethod(F.conv2d)


class Conv3d(Convolution):
    """A convolution of (N, C, D, H, W) or (C, D, H, W). Source: https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv3d.html"""

    dims, function = 3, staticmethod(F.conv3d)


class _ConvTransposeNd(_ConvNd):
    function: Any

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: Any, stride: Any = 1, padding: Any = 0, output_padding: Any = 0,
        groups: int = 1, bias: bool = True, dilation: Any = 1, padding_mode: str = "zeros", device: Any = None, dtype: Any = None,
    ):  # fmt: skip
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, True, output_padding, groups, bias, padding_mode,
            device, dtype,
        )  # fmt: skip

    def _output_padding(self, input: Tensor, output_size: Any) -> tuple[int, ...]:
        """The output padding that gives `output_size`, or the module's own. ValueError for a size that no output padding gives."""
        if output_size is None:
            return self.output_padding
        dims, wanted = self.dims, list(output_size)
        leading = input.dim() - dims
        if len(wanted) == leading + dims:
            wanted = wanted[leading:]
        if len(wanted) != dims:
            raise ValueError(
                f"ConvTranspose{dims}D: for {input.dim()}D input, output_size must have {dims} or {leading + dims} elements "
                f"(got {len(output_size)})"
            )
        smallest = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(input.shape[leading:], self.stride, self.padding, self.dilation, self.kernel_size)
        ]
        largest = [low + s - 1 for low, s in zip(smallest, self.stride)]
        if any(not low <= n <= high for low, n, high in zip(smallest, wanted, largest)):
            raise ValueError(
                f"requested an output size of {wanted}, but valid sizes range from {smallest} to {largest} "
                f"(for an input of {input.size()[2:]})"
            )
        return tuple(n - low for n, low in zip(wanted, smallest))

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        extra = self._output_padding(input, output_size)
        return self.function(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)


class ConvTranspose1d(_ConvTransposeNd):
    """A transposed convolution of (N, C, L) or (C, L)."""

    dims, function = 1, staticmethod(F.conv_transpose1d)


class ConvTranspose2d(_ConvTransposeNd):
    """A transposed convolution of (N, C, H, W) or (C, H, W)."""

    dims, function = 2, staticmethod(F.conv_transpose2d)


class ConvTranspose3d(_ConvTransposeNd):
    """A transposed convolution of (N, C, D, H, W) or (C, D, H, W)."""

    dims, function = 3, staticmethod(F.conv_transpose3d)

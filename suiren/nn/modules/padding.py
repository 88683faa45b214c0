"""Padding as modules. Source: torch/nn/modules/padding.py"""

from __future__ import annotations

from typing import Any

from suiren.nn import functional as F
from suiren.nn.modules.module import Module
from suiren.tensor import Tensor


class _Pad(Module):
    """Padding of the last `dims` dims; `padding` is one number or (before, after) of each, the last dim first."""

    dims: int
    mode: str

    def __init__(self, padding: Any):
        super().__init__()
        self.padding = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * (2 * self.dims)

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding: Any, value: float):
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """`value` around the last dim."""

    dims = 1


class ConstantPad2d(_ConstantPad):
    """`value` around the last 2 dims."""

    dims = 2


class ConstantPad3d(_ConstantPad):
    """`value` around the last 3 dims."""

    dims = 3


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Any):
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class ZeroPad1d(_ZeroPad):
    """Zeros around the last dim."""

    dims = 1


class ZeroPad2d(_ZeroPad):
    """Zeros around the last 2 dims."""

    dims = 2


class ZeroPad3d(_ZeroPad):
    """Zeros around the last 3 dims."""

    dims = 3


class ReflectionPad1d(_Pad):
    """The elements next to the edge, mirrored, around the last dim."""

    dims, mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """The elements next to the edge, mirrored, around the last 2 dims."""

    dims, mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """The elements next to the edge, mirrored, around the last 3 dims."""

    dims, mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """The edge's elements around the last dim."""

    dims, mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """The edge's elements around the last 2 dims."""

    dims, mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """The edge's elements around the last 3 dims."""

    dims, mode = 3, "replicate"


class _CircularPad(_Pad):
    mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.dim() not in (self.dims + 1, self.dims + 2):
            raise ValueError(f"expected {self.dims + 1}D or {self.dims + 2}D input (got {input.dim()}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPad):
    """The elements of the other end around the last dim."""

    dims = 1


class CircularPad2d(_CircularPad):
    """The elements of the other end around the last 2 dims."""

    dims = 2


class CircularPad3d(_CircularPad):
    """The elements of the other end around the last 3 dims."""

    dims = 3

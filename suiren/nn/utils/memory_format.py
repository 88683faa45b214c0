"""Weights of convolutions in another memory format. Source: torch/nn/utils/memory_format.py"""

from __future__ import annotations

from typing import Any

from suiren.nn.modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from suiren.nn.modules.module import Module


def _convert(module: Module, classes: tuple[type, ...], memory_format: Any) -> Module:
    for m in module.modules():
        if isinstance(m, classes):
            m.weight.data = m.weight.detach().clone(memory_format=memory_format)
    return module


def convert_conv2d_weight_memory_format(module: Module, memory_format: Any) -> Module:
    """The weights of every two-dimensional convolution in `memory_format`; returns the module."""
    return _convert(module, (Conv2d, ConvTranspose2d), memory_format)


def convert_conv3d_weight_memory_format(module: Module, memory_format: Any) -> Module:
    """The weights of every three-dimensional convolution in `memory_format`; returns the module."""
    return _convert(module, (Conv3d, ConvTranspose3d), memory_format)


__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]

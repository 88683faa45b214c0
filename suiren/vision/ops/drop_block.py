"""DropBlock: whole blocks of a feature map dropped. Source: https://arxiv.org/abs/1810.12890, torchvision/ops/drop_block.py"""

from __future__ import annotations

from math import prod

from suiren import Tensor, empty
from suiren.nn import functional as F
from suiren.nn.modules.module import Module


def _drop_block(input: Tensor, p: float, block_size: int, inplace: bool, eps: float, training: bool, dims: int) -> Tensor:
    if p < 0.0 or p > 1.0:
        raise ValueError(f"drop probability has to be between 0 and 1, but got {p}.")
    if input.ndim != dims + 2:
        raise ValueError(f"input should be {dims + 2} dimensional. Got {input.ndim} dimensions.")
    if not training or p == 0.0:
        return input
    outer, sizes = tuple(input.shape[:2]), tuple(input.shape[2:])
    block_size = min(block_size, *sizes)
    if block_size % 2 == 0:
        raise ValueError(f"block size should be odd. Got {block_size} which is even.")
    centers = tuple(n - block_size + 1 for n in sizes)  # where a block fits
    gamma = p * prod(sizes) / (block_size**dims * prod(centers))
    noise = empty((*outer, *centers), dtype=input.dtype).bernoulli_(gamma)
    half = block_size // 2
    noise = F.pad(noise, [half] * 2 * dims, value=0)
    pool = F.max_pool2d if dims == 2 else F.max_pool3d
    kept = 1 - pool(noise, stride=(1,) * dims, kernel_size=(block_size,) * dims, padding=half)
    scale = kept.numel() / (eps + kept.sum())
    return input.mul_(kept).mul_(scale) if inplace else input * kept * scale


def drop_block2d(input: Tensor, p: float, block_size: int, inplace: bool = False, eps: float = 1e-06, training: bool = True) -> Tensor:
    """(N, C, H, W) with blocks of `block_size`² set to 0, about a part `p` of each map, and the rest scaled up. ValueError for an even size."""
    return _drop_block(input, p, block_size, inplace, eps, training, 2)


def drop_block3d(input: Tensor, p: float, block_size: int, inplace: bool = False, eps: float = 1e-06, training: bool = True) -> Tensor:
    """The same of (N, C, D, H, W), with cubes."""
    return _drop_block(input, p, block_size, inplace, eps, training, 3)


class DropBlock2d(Module):
    """See `drop_block2d`."""

    def __init__(self, p: float, block_size: int, inplace: bool = False, eps: float = 1e-06):
        super().__init__()
        self.p, self.block_size, self.inplace, self.eps = p, block_size, inplace, eps

    def forward(self, input: Tensor) -> Tensor:
        return drop_block2d(input, self.p, self.block_size, self.inplace, self.eps, self.training)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, block_size={self.block_size}, inplace={self.inplace})"


class DropBlock3d(DropBlock2d):
    """See `drop_block3d`."""

    def forward(self, input: Tensor) -> Tensor:
        return drop_block3d(input, self.p, self.block_size, self.inplace, self.eps, self.training)

"""RoIAlign over a pyramid of feature maps. Source: https://arxiv.org/abs/1612.03144, torchvision/ops/poolers.py"""

from __future__ import annotations

import math

import numpy as np

from suiren import Tensor, cat, from_numpy, full_like
from suiren.nn.modules.module import Module
from suiren.utils.data.memory import array_of_tensor
from suiren.vision.ops.boxes import box_area
from suiren.vision.ops.roi import roi_align


class LevelMapper:
    """The level of the pyramid for each box: the larger the box, the coarser; equation 1 of the paper."""

    def __init__(self, k_min: int, k_max: int, canonical_scale: int = 224, canonical_level: int = 4, eps: float = 1e-6):
        self.k_min, self.k_max, self.s0, self.lvl0, self.eps = k_min, k_max, canonical_scale, canonical_level, eps

    def __call__(self, boxlists: list[Tensor]) -> Tensor:
        side = array_of_tensor(cat([box_area(boxes) for boxes in boxlists]).detach().sqrt())
        with np.errstate(divide="ignore"):
            levels = np.floor(self.lvl0 + np.log2(side / side.dtype.type(self.s0)) + side.dtype.type(self.eps))
        return from_numpy(levels.clip(self.k_min, self.k_max).astype(np.int64) - self.k_min)


def _scale(feature: Tensor, size: tuple[int, int]) -> float:
    """How much smaller a map is than the image: a power of two."""
    return 2.0 ** round(math.log2(float(feature.shape[-2]) / float(size[0])))


class MultiScaleRoIAlign(Module):
    """Boxes (L, 4) of each image as (K, C, *output_size), each from the level that fits its size.

    The levels are those of `featmap_names`; their scales are found at the first call, from `image_shapes`. ValueError if these are empty.
    """

    def __init__(
        self,
        featmap_names: list[str],
        output_size: int | tuple[int, int] | list[int],
        sampling_ratio: int,
        *,
        canonical_scale: int = 224,
        canonical_level: int = 4,
    ):
        super().__init__()
        self.featmap_names, self.sampling_ratio = featmap_names, sampling_ratio
        self.output_size = (output_size, output_size) if isinstance(output_size, int) else tuple(output_size)
        self.scales: list[float] | None = None
        self.map_levels: LevelMapper | None = None
        self.canonical_scale, self.canonical_level = canonical_scale, canonical_level

    def _set_up(self, maps: list[Tensor], image_shapes: list[tuple[int, int]]) -> None:
        if not image_shapes:
            raise ValueError("images list should not be empty")
        size = tuple(max(shape[i] for shape in image_shapes) for i in (0, 1))
        self.scales = [_scale(m, size) for m in maps]
        lowest, highest = (int(-math.log2(s)) for s in (self.scales[0], self.scales[-1]))
        self.map_levels = LevelMapper(lowest, highest, self.canonical_scale, self.canonical_level)

    def forward(self, x: dict[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        maps = [m for name, m in x.items() if name in self.featmap_names]
        if self.scales is None or self.map_levels is None:
            self._set_up(maps, image_shapes)
        regions = cat([cat([full_like(b[:, :1], i), b], dim=1) for i, b in enumerate(boxes)])
        if len(maps) == 1:
            return roi_align(maps[0], regions, self.output_size, self.scales[0], self.sampling_ratio)
        levels = array_of_tensor(self.map_levels(boxes))
        places = [np.flatnonzero(levels == i) for i in range(len(maps))]
        found = [
            roi_align(m, regions[from_numpy(at)], self.output_size, scale, self.sampling_ratio).to(maps[0].dtype)
            for m, scale, at in zip(maps, self.scales, places)
        ]
        order = np.argsort(np.concatenate(places), kind="stable")  # where each box has gone
        return cat(found)[from_numpy(order)]

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(featmap_names={self.featmap_names}, "
            f"output_size={self.output_size}, sampling_ratio={self.sampling_ratio})"
        )

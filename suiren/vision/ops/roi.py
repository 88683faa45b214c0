"""Regions of feature maps brought to one size: RoIAlign, RoIPool, and their position-sensitive forms.

Where a region's samples lie is worked out at once, with NumPy: it is data, and has no gradient. What is read there is recorded, and has one.
Source: torchvision/csrc/ops/cpu/{roi_align,roi_pool,ps_roi_align,ps_roi_pool}_kernel.cpp
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from suiren import Tensor, cat, from_numpy, full_like, where
from suiren.nn.modules.module import Module
from suiren.nn.modules.utils import _pair
from suiren.utils.data.memory import array_of_tensor

Boxes = Tensor | Sequence[Tensor]


def _regions(boxes: Boxes) -> np.ndarray:
    """(K, 5): the image's number and the box. AssertionError for other shapes."""
    if isinstance(boxes, (list, tuple)):
        for b in boxes:
            assert b.size(1) == 4, "The shape of the tensor in the boxes list is not correct as List[Tensor[L, 4]]"
        boxes = cat([cat([full_like(b[:, :1], i), b], dim=1) for i, b in enumerate(boxes)])
    elif isinstance(boxes, Tensor):
        assert boxes.size(1) == 5, "The boxes tensor shape is not correct as Tensor[K, 5]"
    else:
        raise AssertionError("boxes is expected to be a Tensor[L, 5] or a List[Tensor[K, 4]]")
    return array_of_tensor(boxes.detach())


def _read(input: Tensor, image: np.ndarray, channel: np.ndarray | None, y: np.ndarray, x: np.ndarray) -> Tensor:
    """Elements of (N, C, H, W) at places of one shape (…): all channels, (C, …), or one of them for each place, (…)."""
    if channel is None:
        return input.permute(1, 0, 2, 3)[:, from_numpy(image), from_numpy(y), from_numpy(x)]
    return input[from_numpy(image), from_numpy(channel), from_numpy(y), from_numpy(x)]


# ---------------------------------------------------------------- averages of interpolated samples


def _samples(start: np.ndarray, bin_size: np.ndarray, bins: int, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the samples of K regions lie along one dim, (K, bins, most), and which of them count, (K, 1, most)."""
    most = max(int(counts.max(initial=0)), 1)
    number = np.arange(most, dtype=start.dtype)
    kind = start.dtype.type
    with np.errstate(all="ignore"):
        step = bin_size / counts.astype(start.dtype)
        places = start[:, None, None] + np.arange(bins, dtype=start.dtype)[:, None] * bin_size[:, None, None] + (number + kind(0.5)) * step[:, None, None]
    counted = number < counts[:, None, None]
    return np.where(counted, places, 0), counted


def _neighbours(places: np.ndarray, n: int) -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """The pixels before and after each place, each with its weight; no weight where the place is out of the map."""
    inside = (places >= -1.0) & (places <= n)
    places = np.maximum(places, 0)
    low = places.astype(np.int64)
    at_edge = low >= n - 1
    low = np.where(at_edge, n - 1, low)
    high = np.where(at_edge, n - 1, low + 1)
    after = np.where(at_edge, 0, places - low).astype(places.dtype)
    return (low, np.where(inside, 1 - after, 0)), (high, np.where(inside, after, 0))


def _aligned(input: Tensor, boxes: Boxes, size: tuple[int, int], scale: float, ratio: int, offset: float, least: float | None, by_place: bool) -> Tensor:
    """(K, C, *size); with `by_place`, every bin reads a channel of its own, (K, C / bins, *size)."""
    regions = _regions(boxes).astype(input.dtype.np)
    n, c, height, width = input.shape
    kind = regions.dtype.type
    images = regions[:, 0].astype(np.int64)
    starts, ends = regions[:, [2, 1]] * kind(scale) - kind(offset), regions[:, [4, 3]] * kind(scale) - kind(offset)  # y, x
    extents = ends - starts if least is None else np.maximum(ends - starts, kind(least))
    bin_sizes = extents / np.array(size, kind)
    counts = np.full(extents.shape, ratio) if ratio > 0 else np.maximum(np.ceil(bin_sizes), 0).astype(np.int64)
    axes = []
    for dim, (bins, limit) in enumerate(zip(size, (height, width))):
        places, counted = _samples(starts[:, dim], bin_sizes[:, dim], bins, counts[:, dim])
        axes.append([(at, np.where(counted, w, 0)) for at, w in _neighbours(places, limit)])
    k = len(regions)
    most_y, most_x = axes[0][0][0].shape[-1], axes[1][0][0].shape[-1]
    shape = (k, *size, most_y, most_x)
    share = np.maximum(counts.prod(axis=1), 1).reshape(k, 1, 1, 1, 1).astype(regions.dtype)
    channel = None
    if by_place:
        bins = size[0] * size[1]
        out = c // bins
        channel = np.arange(out)[:, None, None, None, None, None] * bins + np.arange(bins).reshape(size)[:, :, None, None]
        shape = (out, *shape)
    total = None
    for y, wy in axes[0]:
        for x, wx in axes[1]:
            at = [np.ascontiguousarray(np.broadcast_to(a, shape)) for a in
                  (images[:, None, None, None, None], y[:, :, None, :, None], x[:, None, :, None, :])]  # fmt: skip
            weight = wy[:, :, None, :, None] * wx[:, None, :, None, :]
            read = _read(input, at[0], None if channel is None else np.ascontiguousarray(np.broadcast_to(channel, shape)), at[1], at[2])
            part = read * from_numpy(np.ascontiguousarray(weight))
            total = part if total is None else total + part
    return (total.sum((-1, -2)) / from_numpy(share[..., 0, 0])).transpose(0, 1)


def roi_align(
    input: Tensor, boxes: Boxes, output_size: int | tuple[int, int], spatial_scale: float = 1.0, sampling_ratio: int = -1, aligned: bool = False
) -> Tensor:
    """Boxes of (N, C, H, W) as (K, C, *output_size): each bin the mean of `sampling_ratio`² interpolated samples (−1: as many as it has pixels).

    `boxes`: (K, 5) of image number and box, or a list of (L, 4), one for each image; times `spatial_scale` they are places in the map.
    `aligned` moves them by half a pixel, as is right; without it they are at least one pixel large. Source: https://arxiv.org/abs/1703.06870
    """
    least, offset = (None, 0.5) if aligned else (1.0, 0.0)
    return _aligned(input, boxes, _pair(output_size), spatial_scale, sampling_ratio, offset, least, by_place=False)


def ps_roi_align(
    input: Tensor, boxes: Boxes, output_size: int | tuple[int, int], spatial_scale: float = 1.0, sampling_ratio: int = -1
) -> Tensor:
    """`roi_align` where every bin reads channels of its own: (N, C · bins, H, W) -> (K, C, *output_size). Source: https://arxiv.org/abs/1711.07264"""
    size = _pair(output_size)
    _check_bins(input, size)
    return _aligned(input, boxes, size, spatial_scale, sampling_ratio, 0.5, None, by_place=True)


def _check_bins(input: Tensor, size: tuple[int, int]) -> None:
    if input.shape[1] % (size[0] * size[1]) != 0:
        raise RuntimeError("input channels must be a multiple of pooling height * pooling width")


# ---------------------------------------------------------------- whole pixels


def _windows(starts: np.ndarray, ends: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of each bin from `starts` to before `ends`, within the map, and which of them count: (K, bins, most)."""
    starts, ends = np.clip(starts, 0, limit), np.clip(ends, 0, limit)
    places = starts[..., None] + np.arange(max(int((ends - starts).max(initial=0)), 1))
    counted = places < ends[..., None]
    return np.where(counted, places, 0), counted


def _bins(regions: np.ndarray, size: tuple[int, int], limits: tuple[int, int], starts: np.ndarray, extents: np.ndarray, shift: np.ndarray) -> list:
    kind = regions.dtype.type
    found = []
    for dim in (0, 1):
        step = (extents[:, dim] / kind(size[dim])).astype(regions.dtype)
        number = np.arange(size[dim], dtype=regions.dtype)
        first = np.floor(number * step[:, None] + shift[:, dim, None]).astype(np.int64)
        last = np.ceil((number + 1) * step[:, None] + shift[:, dim, None]).astype(np.int64)
        found.append(_windows(first + starts[:, dim, None], last + starts[:, dim, None], limits[dim]))
    return found


def _pooled(input: Tensor, regions: np.ndarray, axes: list, size: tuple[int, int], channel: np.ndarray | None) -> tuple[Tensor, np.ndarray]:
    """What is read, (…, K, *size, pixels of a bin), and which of it counts."""
    (y, in_y), (x, in_x) = axes
    k = len(regions)
    shape = (k, *size, y.shape[-1], x.shape[-1])
    flat = (k, *size, y.shape[-1] * x.shape[-1])
    images = regions[:, 0].astype(np.int64)[:, None, None, None, None]
    at = [np.broadcast_to(a, shape).reshape(flat) for a in (images, y[:, :, None, :, None], x[:, None, :, None, :])]
    counted = (in_y[:, :, None, :, None] & in_x[:, None, :, None, :]).reshape(flat)
    if channel is not None:
        whole = (len(channel), *flat)
        at = [np.ascontiguousarray(np.broadcast_to(a, whole)) for a in at]
        return _read(input, at[0], np.ascontiguousarray(np.broadcast_to(channel, whole)), at[1], at[2]), counted
    return _read(input, at[0], None, at[1], at[2]), counted


def _rounded(x: np.ndarray) -> np.ndarray:
    """To the nearest, halves away from zero, as C's round()."""
    return np.copysign(np.floor(np.abs(x) + 0.5), x)


def roi_pool(input: Tensor, boxes: Boxes, output_size: int | tuple[int, int], spatial_scale: float = 1.0) -> Tensor:
    """Boxes of (N, C, H, W) as (K, C, *output_size): each bin the largest of its pixels, 0 for none. `boxes` as for `roi_align`."""
    size = _pair(output_size)
    regions = _regions(boxes).astype(input.dtype.np)
    kind = regions.dtype.type
    starts = _rounded(regions[:, [2, 1]] * kind(spatial_scale)).astype(np.int64)
    ends = _rounded(regions[:, [4, 3]] * kind(spatial_scale)).astype(np.int64)
    extents = np.maximum(ends - starts + 1, 1)
    axes = _bins(regions, size, tuple(input.shape[2:]), starts, extents, np.zeros(extents.shape, kind))
    read, counted = _pooled(input, regions, axes, size, None)
    mask = from_numpy(counted)
    largest = where(mask, read, float("-inf")).max(-1)[0]
    return where(mask.any(-1), largest, 0.0).transpose(0, 1)


def ps_roi_pool(input: Tensor, boxes: Boxes, output_size: int | tuple[int, int], spatial_scale: float = 1.0) -> Tensor:
    """Means of the pixels of each bin, every bin from channels of its own: (N, C · bins, H, W) -> (K, C, *output_size). https://arxiv.org/abs/1605.06409"""
    size = _pair(output_size)
    _check_bins(input, size)
    regions = _regions(boxes).astype(input.dtype.np)
    kind = regions.dtype.type
    starts, ends = _rounded(regions[:, [2, 1]] * kind(spatial_scale)), _rounded(regions[:, [4, 3]] * kind(spatial_scale))
    extents = np.maximum(ends - starts, kind(0.1))
    axes = _bins(regions, size, tuple(input.shape[2:]), np.zeros(starts.shape, np.int64), extents, starts)
    bins = size[0] * size[1]
    channel = np.arange(input.shape[1] // bins)[:, None, None, None, None] * bins + np.arange(bins).reshape(*size, 1)
    read, counted = _pooled(input, regions, axes, size, channel)
    share = np.maximum(counted.sum(-1), 1).astype(regions.dtype)
    return (where(from_numpy(counted), read, 0.0).sum(-1) / from_numpy(share)).transpose(0, 1)


# ---------------------------------------------------------------- as modules


class RoIAlign(Module):
    """See `roi_align`."""

    def __init__(self, output_size: int | tuple[int, int], spatial_scale: float, sampling_ratio: int, aligned: bool = False):
        super().__init__()
        self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned = output_size, spatial_scale, sampling_ratio, aligned

    def forward(self, input: Tensor, rois: Boxes) -> Tensor:
        return roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(output_size={self.output_size}, spatial_scale={self.spatial_scale}, "
            f"sampling_ratio={self.sampling_ratio}, aligned={self.aligned})"
        )


class PSRoIAlign(Module):
    """See `ps_roi_align`."""

    def __init__(self, output_size: int | tuple[int, int], spatial_scale: float, sampling_ratio: int):
        super().__init__()
        self.output_size, self.spatial_scale, self.sampling_ratio = output_size, spatial_scale, sampling_ratio

    def forward(self, input: Tensor, rois: Boxes) -> Tensor:
        return ps_roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(output_size={self.output_size}, spatial_scale={self.spatial_scale}, "
            f"sampling_ratio={self.sampling_ratio})"
        )


class RoIPool(Module):
    """See `roi_pool`."""

    pool = staticmethod(roi_pool)

    def __init__(self, output_size: int | tuple[int, int], spatial_scale: float):
        super().__init__()
        self.output_size, self.spatial_scale = output_size, spatial_scale

    def forward(self, input: Tensor, rois: Boxes) -> Tensor:
        return self.pool(input, rois, self.output_size, self.spatial_scale)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(output_size={self.output_size}, spatial_scale={self.spatial_scale})"


class PSRoIPool(RoIPool):
    """See `ps_roi_pool`."""

    pool = staticmethod(ps_roi_pool)

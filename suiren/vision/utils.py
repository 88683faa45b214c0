"""Looking at images: `make_grid`, `save_image`. Source: torchvision/utils.py"""

from __future__ import annotations

import os
from typing import IO, Any

import numpy as np

from suiren.tensor import Tensor
from suiren.utils.data.memory import array_of_tensor, own


def make_grid(
    tensor: Tensor | list[Tensor],
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Images (B, C, H, W), or a list of (C, H, W), as one picture (C, rows, columns) with `nrow` images in a row, `padding` pixels between them.

    Single channels become three. `normalize` brings `value_range`, or the values that occur (of each image with `scale_each`), to 0 … 1.
    """
    if isinstance(tensor, list):
        for t in tensor:
            if not isinstance(t, Tensor):
                raise TypeError(f"tensor or list of tensors expected, got a list containing {type(t)}")
        images = np.stack([array_of_tensor(t) for t in tensor])
    elif isinstance(tensor, Tensor):
        images = array_of_tensor(tensor)
    else:
        raise TypeError(f"tensor or list of tensors expected, got {type(tensor)}")
    if value_range is not None and not isinstance(value_range, tuple):
        raise TypeError("value_range has to be a tuple (min, max) if specified. min and max are numbers")
    images = images.reshape((1,) * (4 - images.ndim) + images.shape)  # (B, C, H, W)
    if images.shape[1] == 1:
        images = np.repeat(images, 3, axis=1)
    if normalize:
        parts = images if scale_each else [images]
        scaled = [_scaled(part, *(value_range or (float(part.min()), float(part.max())))) for part in parts]
        images = np.stack(scaled) if scale_each else scaled[0]
    count, channels, h, w = images.shape
    if count == 1:
        return own(images[0])
    across = min(nrow, count)
    down = -(-count // across)
    grid = np.full((channels, (h + padding) * down + padding, (w + padding) * across + padding), pad_value, images.dtype)
    for i, image in enumerate(images):
        y, x = i // across * (h + padding) + padding, i % across * (w + padding) + padding
        grid[:, y : y + h, x : x + w] = image
    return own(grid)


def _scaled(images: np.ndarray, low: float, high: float) -> np.ndarray:
    kind = images.dtype.type
    return (images.clip(kind(low), kind(high)) - kind(low)) / kind(max(high - low, 1e-5))


def save_image(tensor: Tensor | list[Tensor], fp: str | os.PathLike | IO[bytes], format: str | None = None, **kwargs: Any) -> None:
    """Writes images from 0 to 1 as a picture, several of them as a grid (`make_grid` takes the other arguments)."""
    from PIL import Image

    grid = array_of_tensor(make_grid(tensor, **kwargs))
    pixels = (grid * grid.dtype.type(255) + grid.dtype.type(0.5)).clip(0, 255).astype(np.uint8)
    Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).save(fp, format=format)

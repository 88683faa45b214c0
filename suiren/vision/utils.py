"""Looking at images: grids of them, and boxes, masks, points and flows drawn. Source: torchvision/utils.py"""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Sequence
from typing import IO, Any

import numpy as np

from suiren import dtypes
from suiren.tensor import Tensor
from suiren.utils.data.memory import array_of_tensor, own
from suiren.vision.transforms.arrays import converted


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


# ---------------------------------------------------------------- drawing

Color = str | tuple[int, int, int]
_STRIDES = np.array([2**25 - 1, 2**15 - 1, 2**21 - 1])  # torchvision's: multiples of them, modulo 255, are unlike each other


def _rgb(colors: None | Color | list[Color], count: int) -> list[tuple[int, int, int]]:
    """A colour for each of `count` things: given ones, one for all, or made ones."""
    from PIL import ImageColor

    if colors is None:
        return [tuple((i * _STRIDES % 255).tolist()) for i in range(count)]
    if isinstance(colors, list):
        if len(colors) < count:
            raise ValueError(f"Number of colors must be equal or larger than the number of objects, but got {len(colors)} < {count}.")
    elif not isinstance(colors, (tuple, str)):
        raise ValueError(f"colors must be a tuple or a string, or a list thereof, but got {colors}.")
    elif isinstance(colors, tuple) and len(colors) != 3:
        raise ValueError(f"If passed as tuple, colors should be an RGB triplet, but got {colors}.")
    else:
        colors = [colors] * count
    return [ImageColor.getrgb(c) if isinstance(c, str) else c for c in colors]


def _check_image(image: Any, channels: tuple[int, ...], what: str, text: str) -> None:
    if not isinstance(image, Tensor):
        raise TypeError(f"{what}, got {type(image)}")
    if not (image.dtype is dtypes.uint8 or image.is_floating_point()):
        raise ValueError(f"The image dtype must be uint8 or float, got {image.dtype}")
    if image.dim() != 3:
        raise ValueError("Pass individual images, not batches")
    if image.size(0) not in channels:
        raise ValueError(text)


def _canvas(image: Tensor) -> Any:
    """A tensor (C, H, W) of bytes, or of floats from 0 to 1, as a PIL image in RGB."""
    from PIL import Image

    pixels = converted(array_of_tensor(image.detach()), np.dtype(np.uint8))
    pixels = np.repeat(pixels, 3, axis=0) if len(pixels) == 1 else pixels
    return Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0)))


def _tensor(canvas: Any, like: Tensor) -> Tensor:
    return own(converted(np.asarray(canvas).transpose(2, 0, 1), like.dtype.np))


def _dashed(draw: Any, start: Sequence[int], end: Sequence[int], color: Any, width: int, length: float = 5) -> None:
    total = math.hypot(end[0] - start[0], end[1] - start[1])
    angle = math.atan2(end[1] - start[1], end[0] - start[0])
    places = [(start[0] + math.cos(angle) * d, start[1] + math.sin(angle) * d) for d in [*np.arange(0, total, length), total]]
    for a, b in list(zip(places, places[1:]))[::2]:
        draw.line([a, b], color, width)


def _box(draw: Any, box: list[int], color: Any, fill: Any, width: int) -> None:
    if len(box) == 4:
        draw.rectangle(box, width=width, outline=color, fill=fill)
        return
    corners = [(box[i], box[i + 1]) for i in range(0, 8, 2)]  # the upper side is dashed
    _dashed(draw, corners[0], corners[1], color, width)
    for i in range(1, 4):
        draw.line((corners[i], corners[(i + 1) % 4]), width=width, fill=color)
    draw.polygon(box, fill=fill, outline=None, width=0)


def draw_bounding_boxes(
    image: Tensor,
    boxes: Tensor,
    labels: list[str | None] | None = None,
    colors: None | Color | list[Color] = None,
    fill: bool | None = False,
    width: int = 1,
    font: str | None = None,
    font_size: int | None = None,
    label_colors: None | Color | list[Color] = None,
    label_background_colors: None | Color | list[Color] = None,
    fill_labels: bool = False,
) -> Tensor:
    """The image, (3 or 1, H, W) of bytes or of floats from 0 to 1, with boxes (N, 4), or turned ones (N, 8), drawn on it: (3, H, W).

    `colors`: one, a list, or None for made ones; `fill` fills the boxes half transparently; `labels` are written in them, with `fill_labels` on
    a background. ValueError for boxes that are not (xmin, ymin, xmax, ymax).
    """
    from PIL import ImageDraw, ImageFont

    _check_image(image, (1, 3), "Tensor expected", "Only grayscale and RGB images are supported")
    if boxes.shape[-1] == 4 and ((boxes[:, 0] > boxes[:, 2]).any() or (boxes[:, 1] > boxes[:, 3]).any()):
        raise ValueError("Boxes need to be in (xmin, ymin, xmax, ymax) format. Use torchvision.ops.box_convert to convert them")
    count = boxes.shape[0]
    if count == 0:
        warnings.warn("boxes doesn't contain any box. No box was drawn", stacklevel=2)
        return image
    if labels is None:
        labels = [None] * count
    elif len(labels) != count:
        raise ValueError(f"Number of boxes ({count}) and labels ({len(labels)}) mismatch. Please specify labels for each box.")
    box_colors = _rgb(colors, count)
    text_colors = _rgb(label_colors or "black", count) if label_colors or fill_labels else box_colors
    backgrounds = _rgb(label_background_colors, count) if fill_labels and label_background_colors else box_colors
    if font is None:
        if font_size is not None:
            warnings.warn("Argument 'font_size' will be ignored since 'font' is not set.", stacklevel=2)
        letters = ImageFont.load_default()
    else:
        letters = ImageFont.truetype(font=font, size=font_size or 10)
    canvas = _canvas(image)
    draw = ImageDraw.Draw(canvas, "RGBA" if fill else None)
    given = boxes.to(dtypes.int64).tolist()
    for box, color, label, text_color, background in zip(given, box_colors, labels, text_colors, backgrounds):
        _box(draw, box, color, (*color, 100) if fill else None, width)
        if label is not None:
            place = (box[0] + width + 1, box[1] + width + 1)
            if fill_labels:
                left, top, right, bottom = draw.textbbox(place, label, font=letters)
                draw.rectangle((left - 1, top - 1, right + 1, bottom + 1), fill=background)
            draw.text(place, label, fill=text_color, font=letters)
    return _tensor(canvas, image)


def draw_segmentation_masks(image: Tensor, masks: Tensor, alpha: float = 0.8, colors: None | Color | list[Color] = None) -> Tensor:
    """The image (3, H, W) with bool masks (H, W) or (N, H, W) laid over it, `alpha` opaque; where two overlap it is darkened."""
    _check_image(image, (3,), "The image must be a tensor", "Pass an RGB image. Other Image formats are not supported")
    masks = masks[None] if masks.ndim == 2 else masks
    if masks.ndim != 3:
        raise ValueError("masks must be of shape (H, W) or (batch_size, H, W)")
    if masks.dtype is not dtypes.bool_:
        raise ValueError(f"The masks must be of dtype bool. Got {masks.dtype}")
    if masks.shape[-2:] != image.shape[-2:]:
        raise ValueError("The image and the masks must have the same height and width")
    if masks.size(0) == 0:
        warnings.warn("masks doesn't contain any mask. No mask was drawn", stacklevel=2)
        return image
    pixels, places = array_of_tensor(image.detach()), array_of_tensor(masks)
    kind = pixels.dtype.type if pixels.dtype.kind == "f" else np.float32
    painted = pixels.copy()
    for place, color in zip(places, _rgb(colors, len(places))):
        painted[:, place] = np.array([v / 255 for v in color] if pixels.dtype.kind == "f" else color, pixels.dtype)[:, None]
    painted[:, places.sum(0) > 1] = 0
    return own((pixels.astype(kind) * kind(1 - alpha) + painted.astype(kind) * kind(alpha)).astype(pixels.dtype))


def draw_keypoints(
    image: Tensor,
    keypoints: Tensor,
    connectivity: list[tuple[int, int]] | None = None,
    colors: Color | None = None,
    radius: int = 2,
    width: int = 3,
    visibility: Tensor | None = None,
) -> Tensor:
    """The image (3, H, W) with points (N, K, 2), x and y, as discs, those of a pair in `connectivity` joined; only where `visibility` (N, K) says so."""
    from PIL import ImageDraw

    _check_image(image, (3,), "The image must be a tensor", "Pass an RGB image. Other Image formats are not supported")
    if keypoints.ndim != 3:
        raise ValueError("keypoints must be of shape (num_instances, K, 2)")
    if visibility is not None and visibility.ndim == 3:
        visibility = visibility.squeeze(-1)
    if visibility is not None and visibility.ndim != 2:
        raise ValueError(f"visibility must be of shape (num_instances, K). Got ndim={visibility.ndim}")
    if visibility is not None and visibility.shape != keypoints.shape[:-1]:
        raise ValueError(
            "keypoints and visibility must have the same dimensionality for num_instances and K. "
            f"Got {visibility.shape=} and {keypoints.shape=}"
        )
    seen = np.ones(tuple(keypoints.shape[:-1]), bool) if visibility is None else array_of_tensor(visibility).astype(bool)
    canvas = _canvas(image)
    draw = ImageDraw.Draw(canvas)
    for points, shown in zip(keypoints.to(dtypes.int64).tolist(), seen.tolist()):
        for (x, y), is_shown in zip(points, shown):
            if is_shown:
                draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colors, outline=None, width=0)
        for a, b in connectivity or ():
            if shown[a] and shown[b]:
                draw.line((tuple(points[a]), tuple(points[b])), width=width)
    return _tensor(canvas, image)


# ---------------------------------------------------------------- optical flow


def _color_wheel() -> np.ndarray:
    """(55, 3): red to yellow to green to cyan to blue to magenta to red, in steps of these numbers. Source: https://people.csail.mit.edu/celiu/OpticalFlow"""
    wheel = []
    for steps, full, changing, rises in ((15, 0, 1, True), (6, 1, 0, False), (4, 1, 2, True), (11, 2, 1, False), (13, 2, 0, True), (6, 0, 2, False)):
        for i in range(steps):
            color = [0.0, 0.0, 0.0]
            color[full] = 255.0
            color[changing] = float(255 * i // steps) if rises else 255.0 - 255 * i // steps
            wheel.append(color)
    return np.array(wheel, np.float32)


def flow_to_image(flow: Tensor) -> Tensor:
    """A flow, float32 (2, H, W) or (N, 2, H, W), as images of bytes: the colour is the direction, the strength how far it is from white."""
    if flow.dtype is not dtypes.float32:
        raise ValueError(f"Flow should be of dtype torch.float, got {flow.dtype}.")
    a = array_of_tensor(flow.detach())
    a = a[None] if a.ndim == 3 else a
    if a.ndim != 4 or a.shape[1] != 2:
        raise ValueError(f"Input flow should have shape (2, H, W) or (N, 2, H, W), got {flow.shape}.")
    one = np.float32
    longest = np.sqrt((a**2).sum(1)).max()
    a = a / (longest + np.finfo(one).eps)
    wheel = _color_wheel()
    norm = np.sqrt((a**2).sum(1))
    turn = np.arctan2(-a[:, 1], -a[:, 0]) / one(math.pi)
    at = (turn + one(1)) / one(2) * one(len(wheel) - 1)
    low = np.floor(at).astype(np.int64)
    part = (at - low.astype(one))[..., None]
    mixed = (one(1) - part) * (wheel[low] / one(255)) + part * (wheel[(low + 1) % len(wheel)] / one(255))
    found = np.floor(one(255) * (one(1) - norm[..., None] * (one(1) - mixed))).astype(np.uint8).transpose(0, 3, 1, 2)
    return own(found[0] if flow.ndim == 3 else found)

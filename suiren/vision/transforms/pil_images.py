"""Image arithmetic on PIL images: what the transforms do to them. Source: torchvision/transforms/_functional_pil.py"""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageOps


def check(image: Any) -> None:
    if not isinstance(image, Image.Image):
        raise TypeError(f"img should be PIL Image. Got {type(image)}")


def channels(image: Image.Image) -> int:
    return len(image.getbands())


def from_array(a: np.ndarray, mode: str | None = None) -> Image.Image:
    """(H, W) or (H, W, C) -> an image; `mode` where it is not what the dtype and the channels say by themselves."""
    if mode in (None, "L", "I", "F", "I;16", "I;16B", "RGB", "RGBA", "LA"):
        return Image.fromarray(a)
    return Image.frombytes(mode, (a.shape[1], a.shape[0]), np.ascontiguousarray(a).tobytes())


def sides_of(padding: int | tuple | list) -> tuple[int, int, int, int]:
    """left, top, right, bottom of a padding of one, two (x, y) or four numbers."""
    if isinstance(padding, numbers.Number):
        padding = (padding,)
    if len(padding) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple, not a {len(padding)} element tuple")
    left, top, right, bottom = tuple(padding) * (4 // len(padding))
    return int(left), int(top), int(right), int(bottom)


def fill_for(image: Image.Image, fill: Any) -> Any:
    """The fill colour as PIL wants it: a number, or one for each channel. ValueError for another count."""
    n = channels(image)
    fill = 0 if fill is None else fill
    if isinstance(fill, (int, float)) and n > 1:
        fill = (fill,) * n
    if isinstance(fill, (list, tuple)):
        if len(fill) == 1:
            fill = tuple(fill) * n
        elif len(fill) != n:
            raise ValueError(
                f"The number of elements in 'fill' does not match the number of channels of the image ({len(fill)} != {n})"
            )
        return tuple(fill) if image.mode == "F" else tuple(int(x) for x in fill)
    return fill if image.mode == "F" else int(fill)


def padded(image: Image.Image, padding: Any, fill: Any, mode: str) -> Image.Image:
    left, top, right, bottom = sides_of(padding)
    if mode == "constant":
        out = ImageOps.expand(image, (left, top, right, bottom), fill_for(image, fill))
    else:
        crops = [max(-n, 0) for n in (left, top, right, bottom)]
        if any(crops):
            image = image.crop((crops[0], crops[1], image.width - crops[2], image.height - crops[3]))
        a = np.asarray(image)
        widths = [(max(top, 0), max(bottom, 0)), (max(left, 0), max(right, 0))] + [(0, 0)] * (a.ndim - 2)
        out = Image.fromarray(np.pad(a, widths, mode))
    if image.mode == "P":
        out.putpalette(image.getpalette())
    return out


def flipped(image: Image.Image, horizontally: bool) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT if horizontally else Image.Transpose.FLIP_TOP_BOTTOM)


def gray(image: Image.Image, copies: int) -> Image.Image:
    if copies not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    one = image.convert("L")
    return one if copies == 1 else Image.merge("RGB", (one, one, one))


def enhanced(image: Image.Image, what: str, factor: float) -> Image.Image:
    """`what`: Brightness, Contrast, Color or Sharpness."""
    return getattr(ImageEnhance, what)(image).enhance(factor)


def hue_shifted(image: Image.Image, shift: float) -> Image.Image:
    if image.mode in ("L", "1", "I", "F"):
        return image
    h, s, v = image.convert("HSV").split()
    turned = (np.asarray(h, np.uint8).astype(np.int32) + int(shift * 255)).astype(np.uint8)  # wraps around, as the circle does
    return Image.merge("HSV", (Image.fromarray(turned), s, v)).convert(image.mode)


def gamma_adjusted(image: Image.Image, gamma: float, gain: float) -> Image.Image:
    table = [int((255 + 1 - 1e-3) * gain * pow(x / 255.0, gamma)) for x in range(256)] * 3
    return image.convert("RGB").point(table).convert(image.mode)

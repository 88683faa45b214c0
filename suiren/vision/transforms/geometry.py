"""Turning, shearing, bending: functions of PIL images and tensors (…, C, H, W). Source: torchvision/transforms/functional.py"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from suiren.tensor import Tensor
from suiren.utils.data.memory import array_of_tensor
from suiren.vision.transforms import arrays, pil_images, warps
from suiren.vision.transforms.images import (
    InterpolationMode,
    either,
    get_dimensions,
    interpolation_mode,
    pil_modes_mapping,
    tensor_of,
)


def _about_the_middle(img: Any, center: Sequence[float] | None) -> list[float]:
    if center is None:
        return [0.0, 0.0]
    _, height, width = get_dimensions(img)
    return [c - s * 0.5 for c, s in zip(center, (width, height))]


def inverse_affine(center: Sequence[float], angle: float, move: Sequence[float], scale: float, shear: Sequence[float]) -> list[float]:
    """Where in the image a pixel of the result comes from: the inverse of move · rotate and scale · shear, about `center`."""
    rot, sx, sy = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    a = math.cos(rot - sy) / math.cos(sy)
    b = -math.cos(rot - sy) * math.tan(sx) / math.cos(sy) - math.sin(rot)
    c = math.sin(rot - sy) / math.cos(sy)
    d = -math.sin(rot - sy) * math.tan(sx) / math.cos(sy) + math.cos(rot)
    x, y = center[0] + move[0], center[1] + move[1]
    m = [d / scale, -b / scale, 0.0, -c / scale, a / scale, 0.0]
    m[2] = -m[0] * x - m[1] * y + center[0]
    m[5] = -m[3] * x - m[4] * y + center[1]
    return m


def inverse_affine_2(center: Sequence[float], angle: float, move: Sequence[float], scale: float, shear: Sequence[float]) -> list[float]:
    """The same, rounded as the second version of the transforms computes it: torchvision/transforms/v2/functional/_geometry.py"""
    rot, sx, sy = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    a = math.cos(rot - sy) / math.cos(sy)
    b = -(a * math.tan(sx) + math.sin(rot))
    c = math.sin(rot - sy) / math.cos(sy)
    d = math.cos(rot) - c * math.tan(sx)
    x, y = center[0] + move[0], center[1] + move[1]
    m = [d / scale, -b / scale, 0.0, -c / scale, a / scale, 0.0]
    m[2] = center[0] - m[0] * x - m[1] * y
    m[5] = center[1] - m[3] * x - m[4] * y
    return m


class Rounding(NamedTuple):
    """What the two versions of the transforms compute in another order."""

    inverse_affine: Callable
    fade: Callable


FIRST, SECOND = Rounding(inverse_affine, warps.faded), Rounding(inverse_affine_2, warps.faded_2)


def _turned(a: np.ndarray, matrix: Sequence[float], mode: str, fill: Any, fade: Callable, expand: bool = False) -> np.ndarray:
    warps.check(a, mode, fill)
    h, w = a.shape[-2:]
    size = warps.enclosing_size(matrix, h, w) if expand else (h, w)
    return warps.read(a, warps.affine_places(matrix, h, w, *size, arrays.float_of(a.dtype)), mode, fill, fade)


def rotate(
    img: Any,
    angle: float,
    interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
    expand: bool = False,
    center: Sequence[int] | None = None,
    fill: Any = None,
) -> Any:
    """Turned counter-clockwise by `angle` degrees; with `expand` the result is as large as the turned image."""
    return rotated(img, angle, interpolation, expand, center, fill, FIRST)


def rotated(img: Any, angle: float, interpolation: Any, expand: bool, center: Sequence[int] | None, fill: Any, version: Rounding) -> Any:
    """`rotate`; `version` says how it is rounded."""
    mode = interpolation_mode(interpolation)
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")
    return either(
        img,
        lambda image: image.rotate(
            angle, pil_modes_mapping[mode], expand, tuple(center) if center else None, fillcolor=pil_images.fill_for(image, fill)
        ),
        lambda a: _turned(a, version.inverse_affine(_about_the_middle(img, center), -angle, (0.0, 0.0), 1.0, (0.0, 0.0)), mode.value, fill, version.fade, expand),
    )


def two_shears(shear: Any) -> list[float]:
    if not isinstance(shear, (numbers.Number, list, tuple)):
        raise TypeError("Shear should be either a single value or a sequence of two values")
    shears = [shear, 0.0] if isinstance(shear, numbers.Number) else list(shear)
    shears = shears * 2 if len(shears) == 1 else shears
    if len(shears) != 2:
        raise ValueError(f"Shear should be a sequence containing two values. Got {shears}")
    return [float(s) for s in shears]


def affine(
    img: Any,
    angle: float,
    translate: Sequence[int],
    scale: float,
    shear: float | Sequence[float],
    interpolation: InterpolationMode | int = InterpolationMode.NEAREST,
    fill: Any = None,
    center: Sequence[int] | None = None,
) -> Any:
    """Turned clockwise, moved, scaled and sheared about `center` (the middle); the size stays."""
    return moved(img, angle, translate, scale, shear, interpolation, fill, center, FIRST)


def moved(img: Any, angle: float, translate: Any, scale: float, shear: Any, interpolation: Any, fill: Any, center: Any, version: Rounding) -> Any:
    """`affine`; `version` says how it is rounded."""
    mode = interpolation_mode(interpolation)
    if not isinstance(angle, (int, float)):
        raise TypeError("Argument angle should be int or float")
    if not isinstance(translate, (list, tuple)):
        raise TypeError("Argument translate should be a sequence")
    if len(translate) != 2:
        raise ValueError("Argument translate should be a sequence of length 2")
    if scale <= 0.0:
        raise ValueError("Argument scale should be positive")
    shears = two_shears(shear)
    if center is not None and not isinstance(center, (list, tuple)):
        raise TypeError("Argument center should be a sequence")

    def on_pil(image: Image.Image) -> Image.Image:
        middle = [image.width * 0.5, image.height * 0.5] if center is None else center
        matrix = version.inverse_affine(middle, angle, translate, scale, shears)
        fillcolor = pil_images.fill_for(image, fill)
        return image.transform(image.size, Image.Transform.AFFINE, matrix, pil_modes_mapping[mode], fillcolor=fillcolor)

    return either(
        img, on_pil, lambda a: _turned(a, version.inverse_affine(_about_the_middle(img, center), angle, translate, scale, shears), mode.value, fill, version.fade)
    )


def perspective_coefficients(startpoints: Sequence[Sequence[int]], endpoints: Sequence[Sequence[int]]) -> list[float]:
    """The eight numbers of the change of perspective that moves four corners from `startpoints` to `endpoints`."""
    if len(startpoints) != 4 or len(endpoints) != 4:
        raise ValueError(f"Please provide exactly four corners, got {len(startpoints)} startpoints and {len(endpoints)} endpoints.")
    rows = []
    for (x, y), (u, v) in zip(endpoints, startpoints):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    found = np.linalg.lstsq(np.array(rows, np.float64), np.array(startpoints, np.float64).reshape(8), rcond=None)[0]
    return found.astype(np.float32).tolist()


def warped_by(img: Any, coefficients: Sequence[float], mode: InterpolationMode, fill: Any, version: Rounding = FIRST) -> Any:
    """The change of perspective with these coefficients."""

    def on_array(a: np.ndarray) -> np.ndarray:
        warps.check(a, mode.value, fill)
        return warps.read(a, warps.perspective_places(coefficients, *a.shape[-2:], arrays.float_of(a.dtype)), mode.value, fill, version.fade)

    def on_pil(image: Image.Image) -> Image.Image:
        fillcolor = pil_images.fill_for(image, fill)
        return image.transform(image.size, Image.Transform.PERSPECTIVE, coefficients, pil_modes_mapping[mode], fillcolor=fillcolor)

    return either(img, on_pil, on_array)


def perspective(
    img: Any,
    startpoints: Sequence[Sequence[int]],
    endpoints: Sequence[Sequence[int]],
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    fill: Any = None,
) -> Any:
    """Four corners moved from `startpoints` to `endpoints`."""
    return warped_by(img, perspective_coefficients(startpoints, endpoints), interpolation_mode(interpolation), fill)


def elastic_transform(
    img: Any, displacement: Tensor, interpolation: InterpolationMode | int = InterpolationMode.BILINEAR, fill: Any = None
) -> Any:
    """Each pixel moved by its displacement, (1, H, W, 2): parts of half the image's width and height. ValueError for another shape."""
    return bent(img, displacement, interpolation, fill, FIRST)


def bent(img: Any, displacement: Tensor, interpolation: Any, fill: Any, version: Rounding) -> Any:
    """`elastic_transform`; `version` says how it is rounded."""
    mode = interpolation_mode(interpolation)
    if not isinstance(displacement, Tensor):
        raise TypeError("Argument displacement should be a Tensor")
    if not isinstance(img, (Tensor, Image.Image)):
        raise TypeError(f"img should be PIL Image or Tensor. Got {type(img)}")
    shape = (1, *get_dimensions(img)[1:], 2)
    if shape != tuple(displacement.shape):
        raise ValueError(f"Argument displacement shape should be {shape}, but given {displacement.shape}")
    places = warps.bent_places(array_of_tensor(displacement))

    def on_array(a: np.ndarray) -> np.ndarray:
        warps.check(a, mode.value, fill)
        return warps.read(a, places, mode.value, fill, version.fade)

    if isinstance(img, Tensor):
        return either(img, None, on_array)
    from suiren.vision.transforms.functional import pil_to_tensor, to_pil_image

    return to_pil_image(tensor_of(on_array(array_of_tensor(pil_to_tensor(img)))), mode=img.mode)

"""What a transform works on: a PIL image, or a tensor (…, C, H, W), which is computed at once."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np
from PIL import Image

from suiren.tensor import Tensor
from suiren.utils.data.memory import array_of_tensor
from suiren.vision.transforms import pil_images


class InterpolationMode(Enum):
    """How pixels are made between pixels."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"  # these three for PIL images only
    HAMMING = "hamming"
    LANCZOS = "lanczos"


# PIL's numbers of them
pil_modes_mapping = {
    InterpolationMode.NEAREST: 0, InterpolationMode.BILINEAR: 2, InterpolationMode.BICUBIC: 3, InterpolationMode.NEAREST_EXACT: 0,
    InterpolationMode.BOX: 4, InterpolationMode.HAMMING: 5, InterpolationMode.LANCZOS: 1,
}  # fmt: skip
_FROM_PIL = {number: mode for mode, number in pil_modes_mapping.items() if mode is not InterpolationMode.NEAREST_EXACT}


def interpolation_mode(mode: InterpolationMode | int) -> InterpolationMode:
    """The mode, given as itself or as PIL's number. TypeError for anything else."""
    if isinstance(mode, int) and mode in _FROM_PIL:
        return _FROM_PIL[mode]
    if not isinstance(mode, InterpolationMode):
        raise TypeError("Argument interpolation should be a InterpolationMode or a corresponding Pillow integer constant")
    return mode


def array_of(image: Tensor) -> np.ndarray:
    if image.dim() < 2:
        raise TypeError("Tensor is not a torch image.")
    if image.requires_grad:
        raise RuntimeError("transforms compute at once and have no gradient: detach() the tensor that requires grad first")
    return array_of_tensor(image)


def tensor_of(a: np.ndarray) -> Tensor:
    return Tensor.from_array(np.ascontiguousarray(a))


def either(image: Any, on_pil: Callable, on_array: Callable) -> Any:
    if isinstance(image, Tensor):
        return tensor_of(on_array(array_of(image)))
    pil_images.check(image)
    return on_pil(image)


def get_dimensions(img: Any) -> list[int]:
    """[channels, height, width]"""
    if isinstance(img, Tensor):
        if img.dim() < 2:
            raise TypeError("Tensor is not a torch image.")
        return [1 if img.dim() == 2 else img.shape[-3], *img.shape[-2:]]
    if not isinstance(img, Image.Image):
        raise TypeError(f"Unexpected type {type(img)}")
    return [pil_images.channels(img), img.height, img.width]


def get_image_size(img: Any) -> list[int]:
    """[width, height]"""
    return get_dimensions(img)[:0:-1]


def get_image_num_channels(img: Any) -> int:
    return get_dimensions(img)[0]

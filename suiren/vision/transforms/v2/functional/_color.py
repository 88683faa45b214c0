"""Colours and sharpness. Source: torchvision/transforms/v2/functional/_color.py"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from suiren.tensor import Tensor
from suiren.vision.transforms import arrays
from suiren.vision.transforms import functional as F
from suiren.vision.transforms.functional import pil_to_tensor, to_pil_image
from suiren.vision.transforms.images import array_of, tensor_of
from suiren.vision.transforms.v2.functional._dispatch import dispatched


@dispatched()
def adjust_brightness(inpt: Any, brightness_factor: float) -> Any:
    """0 gives black, 1 the image."""
    return F.adjust_brightness(inpt, brightness_factor)


@dispatched()
def adjust_contrast(inpt: Any, contrast_factor: float) -> Any:
    """0 gives the mean gray, 1 the image."""
    return F.adjust_contrast(inpt, contrast_factor)


@dispatched()
def adjust_saturation(inpt: Any, saturation_factor: float) -> Any:
    """0 gives grays, 1 the image."""
    return F.adjust_saturation(inpt, saturation_factor)


@dispatched()
def adjust_hue(inpt: Any, hue_factor: float) -> Any:
    """Colours moved round their circle by `hue_factor` turns."""
    return F.adjust_hue(inpt, hue_factor)


@dispatched()
def adjust_gamma(inpt: Any, gamma: float, gain: float = 1) -> Any:
    """gain · x^gamma, with x from 0 to 1."""
    return F.adjust_gamma(inpt, gamma, gain)


@dispatched()
def adjust_sharpness(inpt: Any, sharpness_factor: float) -> Any:
    """0 gives a blurred image, 1 the image."""
    return F.adjust_sharpness(inpt, sharpness_factor)


@dispatched()
def rgb_to_grayscale(inpt: Any, num_output_channels: int = 1) -> Any:
    """In grays, with 1 or 3 channels."""
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels must be 1 or 3, got {num_output_channels}.")
    return F.rgb_to_grayscale(inpt, num_output_channels)


def to_grayscale(inpt: Any, num_output_channels: int = 1) -> Any:
    """As of old."""
    warnings.warn("`to_grayscale` has been deprecated since 0.15. Please use `rgb_to_grayscale` instead.", stacklevel=2)
    return F.to_grayscale(inpt, num_output_channels)


@dispatched()
def grayscale_to_rgb(inpt: Any) -> Any:
    """Grays as three equal channels; colours stay."""
    if isinstance(inpt, Image.Image):
        return inpt.convert("RGB")
    return inpt if inpt.shape[-3] >= 3 else F.rgb_to_grayscale(inpt, 3)


@dispatched()
def invert(inpt: Any) -> Any:
    """Black for white."""
    return F.invert(inpt) if isinstance(inpt, Image.Image) else tensor_of(_inverted(array_of(inpt)))


def _inverted(a: np.ndarray) -> np.ndarray:
    return a.dtype.type(arrays.highest(a.dtype)) - a


@dispatched()
def posterize(inpt: Any, bits: int) -> Any:
    """Only the upper `bits` of each byte kept; floats in as many steps."""
    if isinstance(inpt, Tensor) and inpt.is_floating_point():
        a = array_of(inpt)
        one, steps = a.dtype.type, 1 << bits
        return tensor_of(np.floor(a * one(steps)).clip(0, steps - 1) * one(1.0 / steps))
    return F.posterize(inpt, bits)


@dispatched()
def solarize(inpt: Any, threshold: float) -> Any:
    """What is at least as bright as `threshold` inverted."""
    if isinstance(inpt, Image.Image):
        return F.solarize(inpt, threshold)
    a = array_of(inpt)
    if threshold > arrays.highest(a.dtype):
        raise TypeError(f"Threshold should be less or equal the maximum value of the dtype, but got {threshold}")
    return tensor_of(np.where(arrays.at_least(a, threshold), _inverted(a), a))


@dispatched()
def autocontrast(inpt: Any) -> Any:
    """Each channel stretched from black to white."""
    return F.autocontrast(inpt)


@dispatched()
def equalize(inpt: Any) -> Any:
    """Each channel's histogram made flat; what is not of bytes is brought to bytes and back."""
    if isinstance(inpt, Image.Image):
        return F.equalize(inpt)
    a = array_of(inpt)
    return tensor_of(arrays.converted(arrays.equalized(arrays.converted(a, np.dtype(np.uint8))), a.dtype))


@dispatched()
def permute_channels(inpt: Any, permutation: Sequence[int]) -> Any:
    """The channels in another order."""
    places = [int(i) for i in permutation]
    if isinstance(inpt, Image.Image):
        return to_pil_image(permute_channels(pil_to_tensor(inpt), places))
    if len(places) != inpt.shape[-3]:
        raise ValueError(f"Length of permutation does not match number of channels: {len(places)} != {inpt.shape[-3]}")
    return tensor_of(array_of(inpt)[..., places, :, :])

"""Colours and sharpness. Source: torchvision/transforms/v2/functional/_color.py"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from suiren.vision.transforms import arrays
from suiren.vision.transforms import functional as F
from suiren.vision.transforms.functional import pil_to_tensor, to_pil_image
from suiren.vision.transforms.images import array_of, tensor_of
from suiren.vision.transforms.v2.functional import _arithmetic as A
from suiren.vision.transforms.v2.functional._dispatch import dispatched


def _either(inpt: Any, on_pil: Callable, on_array: Callable, *args: Any) -> Any:
    """A PIL image by the first version's function, a tensor by the second's arithmetic."""
    return on_pil(inpt, *args) if isinstance(inpt, Image.Image) else tensor_of(on_array(array_of(inpt), *args))


def _not_negative(f: Callable, name: str) -> Callable:
    def on_array(a: np.ndarray, factor: float) -> np.ndarray:
        if factor < 0:
            raise ValueError(f"{name} ({factor}) is not non-negative.")
        return f(a, factor)

    return on_array


@dispatched()
def adjust_brightness(inpt: Any, brightness_factor: float) -> Any:
    """0 gives black, 1 the image."""
    return _either(inpt, F.adjust_brightness, _not_negative(A.brightened, "brightness_factor"), brightness_factor)


@dispatched()
def adjust_contrast(inpt: Any, contrast_factor: float) -> Any:
    """0 gives the mean gray, 1 the image."""
    return _either(inpt, F.adjust_contrast, _not_negative(A.contrasted, "contrast_factor"), contrast_factor)


@dispatched()
def adjust_saturation(inpt: Any, saturation_factor: float) -> Any:
    """0 gives grays, 1 the image."""
    return _either(inpt, F.adjust_saturation, _not_negative(A.saturated, "saturation_factor"), saturation_factor)


@dispatched()
def adjust_sharpness(inpt: Any, sharpness_factor: float) -> Any:
    """0 gives a blurred image, 1 the image."""
    return _either(inpt, F.adjust_sharpness, _not_negative(A.sharpened, "sharpness_factor"), sharpness_factor)


@dispatched()
def adjust_hue(inpt: Any, hue_factor: float) -> Any:
    """Colours moved round their circle by `hue_factor` turns."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    return _either(inpt, F.adjust_hue, A.hue_shifted, hue_factor)


@dispatched()
def adjust_gamma(inpt: Any, gamma: float, gain: float = 1) -> Any:
    """gain · x^gamma, with x from 0 to 1."""
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    return _either(inpt, F.adjust_gamma, A.gamma_adjusted, gamma, gain)


def _gray(a: np.ndarray, copies: int) -> np.ndarray:
    one = a if a.shape[-3] == 1 else A.gray(a).astype(a.dtype)
    return np.repeat(one, copies, -3)


@dispatched()
def rgb_to_grayscale(inpt: Any, num_output_channels: int = 1) -> Any:
    """In grays, with 1 or 3 channels."""
    if num_output_channels not in (1, 3):
        raise ValueError(f"num_output_channels must be 1 or 3, got {num_output_channels}.")
    return _either(inpt, F.to_grayscale, _gray, num_output_channels)


to_grayscale = rgb_to_grayscale


@dispatched()
def grayscale_to_rgb(inpt: Any) -> Any:
    """Grays as three equal channels; colours stay."""
    if isinstance(inpt, Image.Image):
        return inpt.convert("RGB")
    return inpt if inpt.shape[-3] >= 3 else rgb_to_grayscale(inpt, 3)


@dispatched()
def invert(inpt: Any) -> Any:
    """Black for white."""
    return _either(inpt, F.invert, A.inverted)


@dispatched()
def posterize(inpt: Any, bits: int) -> Any:
    """Only the upper `bits` of each integer kept; floats in as many steps."""
    return _either(inpt, ImageOps.posterize, A.posterized, bits)


def _solarized(a: np.ndarray, threshold: float) -> np.ndarray:
    if threshold > arrays.highest(a.dtype):
        raise TypeError(f"Threshold should be less or equal the maximum value of the dtype, but got {threshold}")
    return np.where(arrays.at_least(a, threshold), A.inverted(a), a)


@dispatched()
def solarize(inpt: Any, threshold: float) -> Any:
    """What is at least as bright as `threshold` inverted."""
    return _either(inpt, F.solarize, _solarized, threshold)


@dispatched()
def autocontrast(inpt: Any) -> Any:
    """Each channel stretched from black to white."""
    return _either(inpt, F.autocontrast, A.stretched)


@dispatched()
def equalize(inpt: Any) -> Any:
    """Each channel's histogram made flat; what is not of bytes is brought to bytes and back."""
    return _either(inpt, F.equalize, A.equalized)


@dispatched()
def permute_channels(inpt: Any, permutation: Sequence[int]) -> Any:
    """The channels in another order."""
    places = [int(i) for i in permutation]
    if isinstance(inpt, Image.Image):
        return to_pil_image(permute_channels(pil_to_tensor(inpt), places))
    if len(places) != inpt.shape[-3]:
        raise ValueError(f"Length of permutation does not match number of channels: {len(places)} != {inpt.shape[-3]}")
    return tensor_of(array_of(inpt)[..., places, :, :])

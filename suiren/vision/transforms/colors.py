"""The transforms of colours and sharpness, as functions of PIL images and tensors (…, C, H, W). Source: torchvision/transforms/functional.py"""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from suiren.tensor import Tensor
from suiren.vision.transforms import arrays, pil_images
from suiren.vision.transforms.images import either


def _not_negative(name: str, factor: float) -> None:
    if factor < 0:
        raise ValueError(f"{name} ({factor}) is not non-negative.")


def _brightened(a: np.ndarray, factor: float) -> np.ndarray:
    arrays.check_channels(a)
    return arrays.blended(a, np.zeros_like(a), factor)


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """0 gives black, 1 the image."""
    if isinstance(img, Tensor):
        _not_negative("brightness_factor", brightness_factor)
    return either(
        img,
        lambda image: pil_images.enhanced(image, "Brightness", brightness_factor),
        lambda a: _brightened(a, brightness_factor),
    )


def _contrasted(a: np.ndarray, factor: float) -> np.ndarray:
    arrays.check_channels(a)
    return arrays.contrasted(a, factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """0 gives the mean gray, 1 the image."""
    if isinstance(img, Tensor):
        _not_negative("contrast_factor", contrast_factor)
    return either(
        img,
        lambda image: pil_images.enhanced(image, "Contrast", contrast_factor),
        lambda a: _contrasted(a, contrast_factor),
    )


def _saturated(a: np.ndarray, factor: float) -> np.ndarray:
    arrays.check_channels(a)
    return a if arrays.channels(a) == 1 else arrays.blended(a, arrays.gray(a), factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """0 gives grays, 1 the image."""
    if isinstance(img, Tensor):
        _not_negative("saturation_factor", saturation_factor)
    return either(
        img,
        lambda image: pil_images.enhanced(image, "Color", saturation_factor),
        lambda a: _saturated(a, saturation_factor),
    )


def _hue_shifted(a: np.ndarray, shift: float) -> np.ndarray:
    arrays.check_channels(a)
    return a if arrays.channels(a) == 1 else arrays.hue_shifted(a, shift)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """Colours moved round their circle by `hue_factor` turns, −0.5 to 0.5."""
    if not -0.5 <= hue_factor <= 0.5:
        raise ValueError(f"hue_factor ({hue_factor}) is not in [-0.5, 0.5].")
    return either(img, lambda image: pil_images.hue_shifted(image, hue_factor), lambda a: _hue_shifted(a, hue_factor))


def _gamma_adjusted(a: np.ndarray, gamma: float, gain: float) -> np.ndarray:
    arrays.check_channels(a)
    x = arrays.converted(a, a.dtype if a.dtype.kind == "f" else np.dtype(np.float32))
    return arrays.converted((x.dtype.type(gain) * x ** x.dtype.type(gamma)).clip(0, 1), a.dtype)


def adjust_gamma(img: Any, gamma: float, gain: float = 1) -> Any:
    """gain · x^gamma, with x from 0 to 1."""
    if gamma < 0:
        raise ValueError("Gamma should be a non-negative real number")
    return either(img, lambda image: pil_images.gamma_adjusted(image, gamma, gain), lambda a: _gamma_adjusted(a, gamma, gain))


def to_grayscale(img: Image.Image, num_output_channels: int = 1) -> Image.Image:
    """A PIL image in grays, with 1 or 3 channels."""
    if not isinstance(img, Image.Image):
        raise TypeError("Input should be PIL Image")
    return pil_images.gray(img, num_output_channels)


def _gray(a: np.ndarray, copies: int) -> np.ndarray:
    if copies not in (1, 3):
        raise ValueError("num_output_channels should be either 1 or 3")
    return arrays.gray(a, copies)


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """In grays, with 1 or 3 channels."""
    return either(img, lambda image: pil_images.gray(image, num_output_channels), lambda a: _gray(a, num_output_channels))


def _inverted(a: np.ndarray) -> np.ndarray:
    arrays.check_channels(a)
    return a.dtype.type(arrays.highest(a.dtype)) - a


def invert(img: Any) -> Any:
    """Black for white."""
    return either(img, ImageOps.invert, _inverted)


def _posterized(a: np.ndarray, bits: int) -> np.ndarray:
    if a.dtype != np.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found torch.{a.dtype.name}")
    arrays.check_channels(a)
    return a & np.uint8(256 - 2 ** (8 - bits) & 0xFF)


def posterize(img: Any, bits: int) -> Any:
    """Only the upper `bits` of each byte kept."""
    if not 0 <= bits <= 8:
        raise ValueError(f"The number if bits should be between 0 and 8. Got {bits}")
    return either(img, lambda image: ImageOps.posterize(image, bits), lambda a: _posterized(a, bits))


def _solarized(a: np.ndarray, threshold: float) -> np.ndarray:
    arrays.check_channels(a)
    if threshold > arrays.highest(a.dtype):
        raise TypeError("Threshold should be less than bound of img.")
    return np.where(arrays.at_least(a, threshold), _inverted(a), a)


def solarize(img: Any, threshold: float) -> Any:
    """What is at least as bright as `threshold` inverted."""
    return either(img, lambda image: ImageOps.solarize(image, threshold), lambda a: _solarized(a, threshold))


def _sharpened(a: np.ndarray, factor: float) -> np.ndarray:
    arrays.check_channels(a)
    return a if min(a.shape[-2:]) <= 2 else arrays.blended(a, arrays.softened(a), factor)


def adjust_sharpness(img: Any, sharpness_factor: float) -> Any:
    """0 gives a blurred image, 1 the image."""
    if isinstance(img, Tensor):
        _not_negative("sharpness_factor", sharpness_factor)
    return either(
        img,
        lambda image: pil_images.enhanced(image, "Sharpness", sharpness_factor),
        lambda a: _sharpened(a, sharpness_factor),
    )


def _check_dims(a: np.ndarray) -> None:
    if a.ndim < 3:
        raise TypeError(f"Input image tensor should have at least 3 dimensions, but found {a.ndim}")
    arrays.check_channels(a)


def _stretched(a: np.ndarray) -> np.ndarray:
    _check_dims(a)
    return arrays.stretched(a)


def autocontrast(img: Any) -> Any:
    """Each channel stretched from black to white."""
    return either(img, ImageOps.autocontrast, _stretched)


def _equalized(a: np.ndarray) -> np.ndarray:
    if not 3 <= a.ndim <= 4:
        raise TypeError(f"Input image tensor should have 3 or 4 dimensions, but found {a.ndim}")
    if a.dtype != np.uint8:
        raise TypeError(f"Only torch.uint8 image tensors are supported, but found torch.{a.dtype.name}")
    arrays.check_channels(a)
    return arrays.equalized(a)


def equalize(img: Any) -> Any:
    """Each channel's histogram made flat; of tensors, bytes only."""
    return either(img, ImageOps.equalize, _equalized)


def gaussian_blur(img: Any, kernel_size: int | Sequence[int], sigma: float | Sequence[float] | None = None) -> Any:
    """Blurred with a kernel of (width, height), both odd; sigma is 0.15 · size + 0.35 unless given."""
    sizes = [kernel_size, kernel_size] if isinstance(kernel_size, int) else list(kernel_size)
    if len(sizes) != 2:
        raise ValueError(f"If kernel_size is a sequence its length should be 2. Got {len(sizes)}")
    if any(size % 2 == 0 or size < 0 for size in sizes):
        raise ValueError(f"kernel_size should have odd and positive integers. Got {sizes}")
    if sigma is None:
        sigmas = [0.15 * size + 0.35 for size in sizes]
    else:
        sigmas = [float(sigma)] * 2 if isinstance(sigma, numbers.Number) else [float(s) for s in sigma]
        sigmas = sigmas * 2 if len(sigmas) == 1 else sigmas
        if len(sigmas) != 2:
            raise ValueError(f"If sigma is a sequence, its length should be 2. Got {len(sigmas)}")
    if any(s <= 0.0 for s in sigmas):
        raise ValueError(f"sigma should have positive values. Got {sigmas}")

    def on_pil(image: Image.Image) -> Image.Image:
        a = np.asarray(image)
        planes = a.transpose(2, 0, 1) if a.ndim == 3 else a[None]
        out = arrays.blurred(planes, sizes, sigmas)
        return pil_images.from_array(np.ascontiguousarray(out.transpose(1, 2, 0) if a.ndim == 3 else out[0]), image.mode)

    return either(img, on_pil, lambda a: arrays.blurred(a, sizes, sigmas))

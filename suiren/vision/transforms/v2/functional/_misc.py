"""Blur, noise, dtypes and classes. Source: torchvision/transforms/v2/functional/_misc.py, _augment.py, _type_conversion.py, _temporal.py"""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from suiren import as_tensor, dtypes, from_numpy, linspace, randn_like
from suiren.tensor import Tensor
from suiren.vision import tv_tensors
from suiren.vision.transforms import functional as F
from suiren.vision.transforms.functional import pil_to_tensor, to_pil_image
from suiren.vision.transforms.images import array_of, tensor_of
from suiren.vision.transforms.v2.functional import _arithmetic as A
from suiren.vision.transforms.v2.functional._dispatch import dispatched, is_pure_tensor


@dispatched()
def gaussian_blur(inpt: Any, kernel_size: int | Sequence[int], sigma: Any = None) -> Any:
    """Blurred with a kernel of (width, height), both odd."""
    return F.gaussian_blur(inpt, kernel_size, sigma)


@dispatched()
def gaussian_noise(inpt: Tensor, mean: float = 0.0, sigma: float = 0.1, clip: bool = True) -> Tensor:
    """Normal numbers added to a tensor of floats or bytes. ValueError for others, and for PIL images."""
    if isinstance(inpt, Image.Image):
        raise ValueError("Gaussian Noise is not implemented for PIL images.")
    if sigma < 0:
        raise ValueError(f"sigma shouldn't be negative. Got {sigma}")
    if inpt.is_floating_point():
        found = inpt + (mean + randn_like(inpt) * sigma)
        return found.clamp(0, 1) if clip else found
    if inpt.dtype is not dtypes.uint8:
        raise ValueError(f"Input tensor is expected to be in uint8 or float dtype, got dtype={inpt.dtype}")
    noise = (mean * 255 + randn_like(inpt, dtype=dtypes.float32) * (sigma * 255)).to(dtypes.int16)
    found = inpt.to(dtypes.int16) + noise
    return (found.clamp(0, 255) if clip else found).to(dtypes.uint8)


@dispatched()
def erase(inpt: Any, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Any:
    """The box at row i, column j filled with `v`."""
    if isinstance(inpt, Image.Image):
        return to_pil_image(F.erase(pil_to_tensor(inpt), i, j, h, w, v, inplace), mode=inpt.mode)
    return F.erase(inpt, i, j, h, w, v, inplace)


@dispatched()
def jpeg(image: Any, quality: int) -> Any:
    """What JPEG of this quality, 1 to 100, leaves of an image of bytes."""
    if isinstance(image, Image.Image):
        file = io.BytesIO()
        image.save(file, format="JPEG", quality=quality)
        return Image.open(file).copy()
    a = array_of(image)
    flat = a.reshape(-1, *a.shape[-3:])
    done = [np.asarray(jpeg(to_pil_image(from_numpy(np.ascontiguousarray(x))), quality)) for x in flat]
    planes = [x.transpose(2, 0, 1) if x.ndim == 3 else x[None] for x in done]
    return tensor_of(np.stack(planes).reshape(a.shape) if planes else a.copy())


# ---------------------------------------------------------------- dtypes and classes


@dispatched(pil=False)
def normalize(inpt: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Tensor:
    """(x − mean) / std for each channel of a float tensor; gray images become as many channels as there are means."""
    if not inpt.is_floating_point():
        raise TypeError(f"Input tensor should be a float tensor. Got {inpt.dtype}.")
    if inpt.ndim < 3:
        raise ValueError(f"Expected tensor to be a tensor image of size (..., C, H, W). Got {inpt.shape}.")
    if (not all(std)) if isinstance(std, (tuple, list)) else std == 0 if isinstance(std, (int, float)) else False:
        raise ValueError("std evaluated to zero, leading to division by zero.")
    if not inplace and inpt.shape[-3] == _length(mean) == _length(std):
        return F.normalize(inpt, mean, std)
    m, s = (x.view(-1, 1, 1) if x.ndim == 1 else x for x in (as_tensor(numbers, dtype=inpt.dtype) for numbers in (mean, std)))
    return (inpt.sub_(m) if inplace else inpt.sub(m)).div_(s)


def _length(numbers: Any) -> int:
    return len(numbers) if isinstance(numbers, (list, tuple)) else 0


def to_dtype(inpt: Tensor, dtype: dtypes.dtype = dtypes.float32, scale: bool = False) -> Tensor:
    """Another dtype; with `scale`, images and videos keep their white white."""
    if isinstance(inpt, (tv_tensors.Mask, tv_tensors.BoundingBoxes, tv_tensors.KeyPoints)) or not scale or inpt.dtype is dtype:
        return inpt.to(dtype)
    found = tensor_of(A.converted(array_of(tv_tensors.pure(inpt)), dtype.np))
    return found if is_pure_tensor(inpt) else tv_tensors.wrap(found, like=inpt)


def convert_image_dtype(image: Tensor, dtype: dtypes.dtype = dtypes.float32) -> Tensor:
    """`to_dtype` with `scale`."""
    return to_dtype(image, dtype, scale=True)


def to_image(inpt: Tensor | np.ndarray | Image.Image) -> tv_tensors.Image:
    """A PIL image, an ndarray (H, W, C) or a tensor (…, C, H, W) as an `Image`; the values stay."""
    if isinstance(inpt, np.ndarray):
        return tv_tensors.Image(np.ascontiguousarray(np.atleast_3d(inpt).transpose(2, 0, 1)))
    if not isinstance(inpt, (Tensor, Image.Image)):
        raise TypeError(f"Input can either be a pure Tensor, a numpy array, or a PIL image, but got {type(inpt)} instead.")
    return tv_tensors.Image(inpt)


def to_tensor(inpt: Any) -> Tensor:
    """As of old."""
    warnings.warn(
        "The function `to_tensor(...)` is deprecated and will be removed in a future release. "
        "Instead, please use `to_image(...)` followed by `to_dtype(..., dtype=torch.float32, scale=True)`.",
        stacklevel=2,
    )
    return F.to_tensor(inpt)


def uniform_temporal_subsample(inpt: Tensor, num_samples: int) -> Tensor:
    """`num_samples` frames of a video (…, T, C, H, W), evenly spaced."""
    at = linspace(0, inpt.shape[-4] - 1, num_samples).long()
    found = tv_tensors.pure(inpt).index_select(inpt.ndim - 4, at)
    return found if is_pure_tensor(inpt) else tv_tensors.wrap(found, like=inpt)

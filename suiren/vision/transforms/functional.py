"""The transforms as functions, of PIL images and of tensors (…, C, H, W).

Tensors are computed at once, with NumPy: an augmented image is data, not a step of a program. A tensor that requires a gradient is refused,
except by `normalize`, which then records.

Source: https://docs.pytorch.org/vision/stable/transforms.html, torchvision/transforms/functional.py of 0.28
"""

from __future__ import annotations

import functools
import numbers
import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from suiren import dtypes
from suiren.tensor import Tensor
from suiren.utils.data.memory import array_of_tensor, new_tensor, peek
from suiren.vision.transforms import arrays, pil_images
from suiren.vision.transforms.colors import adjust_brightness as adjust_brightness
from suiren.vision.transforms.colors import adjust_contrast as adjust_contrast
from suiren.vision.transforms.colors import adjust_gamma as adjust_gamma
from suiren.vision.transforms.colors import adjust_hue as adjust_hue
from suiren.vision.transforms.colors import adjust_saturation as adjust_saturation
from suiren.vision.transforms.colors import adjust_sharpness as adjust_sharpness
from suiren.vision.transforms.colors import autocontrast as autocontrast
from suiren.vision.transforms.colors import equalize as equalize
from suiren.vision.transforms.colors import gaussian_blur as gaussian_blur
from suiren.vision.transforms.colors import invert as invert
from suiren.vision.transforms.colors import posterize as posterize
from suiren.vision.transforms.colors import rgb_to_grayscale as rgb_to_grayscale
from suiren.vision.transforms.colors import solarize as solarize
from suiren.vision.transforms.colors import to_grayscale as to_grayscale
from suiren.vision.transforms.geometry import affine as affine
from suiren.vision.transforms.geometry import elastic_transform as elastic_transform
from suiren.vision.transforms.geometry import perspective as perspective
from suiren.vision.transforms.geometry import rotate as rotate
from suiren.vision.transforms.images import InterpolationMode as InterpolationMode
from suiren.vision.transforms.images import array_of, either, interpolation_mode, pil_modes_mapping, tensor_of
from suiren.vision.transforms.images import get_dimensions as get_dimensions
from suiren.vision.transforms.images import get_image_num_channels as get_image_num_channels
from suiren.vision.transforms.images import get_image_size as get_image_size

# ---------------------------------------------------------------- conversions

_ARRAY_DTYPES = {"I": np.int32, "I;16": np.int16, "I;16B": np.int16, "F": np.float32}


def _pixels(image: Image.Image, dtype: Any = None) -> np.ndarray:
    """(H, W, C) or (H, W), read-only."""
    if image.mode in ("RGB", "L"):  # without NumPy's detour over the array interface: half the time of a small image
        a = np.frombuffer(image.tobytes(), np.uint8)
        return a.reshape(image.height, image.width, 3) if image.mode == "RGB" else a.reshape(image.height, image.width)
    return np.asarray(image, dtype)


def to_tensor(pic: Image.Image | np.ndarray) -> Tensor:
    """A PIL image or an ndarray (H, W) or (H, W, C) -> (C, H, W); bytes become the default float dtype from 0 to 1, other dtypes stay as they are."""
    if isinstance(pic, np.ndarray):
        if pic.ndim not in (2, 3):
            raise ValueError(f"pic should be 2/3 dimensional. Got {pic.ndim} dimensions.")
        a = pic
    elif isinstance(pic, Image.Image):
        a = _pixels(pic, _ARRAY_DTYPES.get(pic.mode, np.uint8))
        if pic.mode == "1":
            a = 255 * a
    else:
        raise TypeError(f"pic should be PIL Image or ndarray. Got {type(pic)}")
    a = a.transpose(2, 0, 1) if a.ndim == 3 else a[None]
    if a.dtype == np.uint8:
        d = dtypes.get_default_dtype()
        tensor, memory = new_tensor(a.shape, d)
        np.divide(a, d.np.type(255), out=memory)
        return tensor
    return Tensor.from_array(np.array(a, order="C") if isinstance(pic, Image.Image) else np.ascontiguousarray(a))


def pil_to_tensor(pic: Image.Image) -> Tensor:
    """A PIL image -> (C, H, W) of the image's own dtype."""
    if not isinstance(pic, Image.Image):
        raise TypeError(f"pic should be PIL Image. Got {type(pic)}")
    a = np.array(pic)
    return tensor_of(a.transpose(2, 0, 1) if a.ndim == 3 else a[None])


def convert_image_dtype(image: Tensor, dtype: dtypes.dtype = dtypes.float32) -> Tensor:
    """The image in another dtype, white staying white. RuntimeError where the integers are too fine for the floats."""
    if not isinstance(image, Tensor):
        raise TypeError("Input img should be Tensor Image")
    return image if image.dtype is dtype else tensor_of(arrays.converted(array_of(image), dtype.np))


_MODES = {2: ("LA",), 3: ("RGB", "YCbCr", "HSV"), 4: ("RGBA", "CMYK", "RGBX")}


def to_pil_image(pic: Tensor | np.ndarray, mode: str | None = None) -> Image.Image:
    """A tensor (C, H, W), or an ndarray (H, W, C), or either of (H, W), as a PIL image; floats from 0 to 1 become bytes."""
    if isinstance(pic, Tensor):
        a = array_of_tensor(pic)
        a = a.transpose(1, 2, 0) if a.ndim == 3 else a
    elif isinstance(pic, np.ndarray):
        a = pic
    else:
        raise TypeError(f"pic should be Tensor or ndarray. Got {type(pic)}.")
    if a.ndim not in (2, 3):
        raise ValueError(f"pic should be 2/3 dimensional. Got {a.ndim} dimensions.")
    a = a[:, :, None] if a.ndim == 2 else a
    n = a.shape[2]
    if n > 4:
        raise ValueError(f"pic should not have > 4 channels. Got {n} channels.")
    if a.dtype.kind == "f" and mode != "F":
        a = (a * a.dtype.type(255)).astype(np.uint8)
    if n == 1:
        a = a[:, :, 0]
        sixteen = "I;16" if sys.byteorder == "little" else "I;16B"
        expected = {"uint8": "L", "int16": sixteen, "int32": "I", "float32": "F"}.get(a.dtype.name)
        if mode is not None and mode != expected:
            raise ValueError(f"Incorrect mode ({mode}) supplied for input type {a.dtype}. Should be {expected}")
        mode = expected
        if mode == sixteen:
            a = a.view(np.uint16)  # the same bits; PIL knows the unsigned one
    else:
        if mode is not None and mode not in _MODES[n]:
            raise ValueError(f"Only modes {list(_MODES[n])} are supported for {n}D inputs")
        if mode is None and a.dtype == np.uint8:
            mode = _MODES[n][0]
    if mode is None:
        raise TypeError(f"Input type {a.dtype} is not supported")
    return pil_images.from_array(np.ascontiguousarray(a), mode)


@functools.lru_cache(maxsize=256)
def _moments(mean: tuple, std: tuple, dtype: dtypes.dtype) -> tuple[np.ndarray, np.ndarray]:
    m, s = (np.array(values, dtype.np).reshape(-1, 1, 1) for values in (mean, std))
    if (s == 0).any():
        raise ValueError(f"std evaluated to zero after conversion to {dtype}, leading to division by zero.")
    return m, s


def _numbers(values: Any) -> tuple:
    if isinstance(values, (Tensor, np.ndarray)):
        values = values.tolist()
    return tuple(values) if isinstance(values, Sequence) else (values,)


def normalize(tensor: Tensor, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> Tensor:
    """(x − mean) / std for each channel of a float tensor (…, C, H, W). TypeError or ValueError for another tensor, ValueError for a std of 0."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(tensor)}")
    d = tensor.dtype
    if not d.is_floating_point:
        raise TypeError(f"Input tensor should be a float tensor. Got {d}.")
    if tensor.dim() < 3:
        raise ValueError(f"Expected tensor to be a tensor image of size (..., C, H, W). Got tensor.size() = {tensor.size()}")
    m, s = _moments(mean if type(mean) is tuple else _numbers(mean), std if type(std) is tuple else _numbers(std), d)
    if tensor.requires_grad or inplace:
        m, s = Tensor.from_array(m), Tensor.from_array(s)
        return tensor.sub_(m).div_(s) if inplace else (tensor - m) / s
    a = peek(tensor)
    out, memory = new_tensor(a.shape, d)
    try:
        np.subtract(a, m, out=memory)
    except ValueError:
        broadcast = list(np.broadcast_shapes(a.shape, m.shape)) if a.shape[-3] == 1 or len(m) == 1 else None
        if broadcast is None:
            raise RuntimeError(
                f"The size of tensor a ({a.shape[-3]}) must match the size of tensor b ({len(m)}) at non-singleton dimension {a.ndim - 3}"
            ) from None
        raise RuntimeError(f"output with shape {list(a.shape)} doesn't match the broadcast shape {broadcast}") from None
    np.divide(memory, s, out=memory)
    return out


# ---------------------------------------------------------------- places


def resized_size(height: int, width: int, size: int | Sequence[int], max_size: int | None) -> tuple[int, int]:
    """(height, width) after resizing; one number is the shorter edge's."""
    if not isinstance(size, int) and len(size) == 2:
        if max_size is not None:
            raise ValueError(
                "max_size should only be passed if size specifies the length of the smaller edge, "
                "i.e. size should be an int or a sequence of length 1 in torchscript mode."
            )
        return size[0], size[1]
    wanted = size if isinstance(size, int) else size[0]
    short, long = min(height, width), max(height, width)
    new_short, new_long = wanted, int(wanted * long / short)
    if max_size is not None:
        if max_size <= wanted:
            raise ValueError(f"max_size = {max_size} must be strictly greater than the requested size for the smaller edge size = {[wanted]}")
        if new_long > max_size:
            new_short, new_long = int(max_size * new_short / new_long), max_size
    return (new_long, new_short) if width <= height else (new_short, new_long)


def resize(
    img: Any,
    size: int | Sequence[int],
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    max_size: int | None = None,
    antialias: bool | None = True,
) -> Any:
    """To (height, width), or the shorter edge to one number. PIL images are always smoothed when they shrink, tensors with `antialias`."""
    mode = interpolation_mode(interpolation)
    if not isinstance(size, int) and len(size) not in (1, 2):
        raise ValueError(f"Size must be an int or a 1 or 2 element tuple/list, not a {len(size)} element tuple/list")
    _, height, width = get_dimensions(img)
    new = resized_size(height, width, size, max_size)
    if new == (height, width):
        return img
    if antialias is False and not isinstance(img, Tensor):
        warnings.warn("Anti-alias option is always applied for PIL Image input. Argument antialias is ignored.", stacklevel=2)
    return either(
        img,
        lambda image: image.resize((new[1], new[0]), pil_modes_mapping[mode]),
        lambda a: arrays.resized(a, *new, mode.value, bool(antialias) and mode is not InterpolationMode.LANCZOS),
    )


def pad(img: Any, padding: int | Sequence[int], fill: Any = 0, padding_mode: str = "constant") -> Any:
    """`padding`: all sides; left/right, top/bottom; or left, top, right, bottom. `padding_mode`: constant, edge, reflect or symmetric."""
    if not isinstance(padding, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate padding arg")
    if fill is not None and not isinstance(fill, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate fill arg")
    if not isinstance(padding_mode, str):
        raise TypeError("Got inappropriate padding_mode arg")
    if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")
    if isinstance(img, Tensor) and isinstance(fill, (tuple, list)):
        raise TypeError("Got inappropriate fill arg")
    return either(
        img,
        lambda image: pil_images.padded(image, padding, fill, padding_mode),
        lambda a: arrays.padded(a, pil_images.sides_of(padding), fill or 0, padding_mode),
    )


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """The box; what of it lies outside of the image is black."""
    return either(
        img,
        lambda image: image.crop((left, top, left + width, top + height)),
        lambda a: arrays.cropped(a, top, left, height, width),
    )


def height_and_width(size: int | Sequence[int]) -> tuple[int, int]:
    """A size of one number is a square's."""
    if isinstance(size, numbers.Number):
        return int(size), int(size)
    return (size[0], size[0]) if len(size) == 1 else (size[0], size[1])


def center_crop(img: Any, output_size: int | Sequence[int]) -> Any:
    """The middle, of (height, width) or of a square; an image that is smaller is first padded with black."""
    new_h, new_w = height_and_width(output_size)
    _, h, w = get_dimensions(img)
    if new_w > w or new_h > h:
        x, y = max(new_w - w, 0), max(new_h - h, 0)
        img = pad(img, [x // 2, y // 2, (x + 1) // 2, (y + 1) // 2])
        _, h, w = get_dimensions(img)
        if (new_h, new_w) == (h, w):
            return img
    return crop(img, int(round((h - new_h) / 2.0)), int(round((w - new_w) / 2.0)), new_h, new_w)


def resized_crop(
    img: Any,
    top: int,
    left: int,
    height: int,
    width: int,
    size: int | Sequence[int],
    interpolation: InterpolationMode | int = InterpolationMode.BILINEAR,
    antialias: bool | None = True,
) -> Any:
    """The box, resized."""
    return resize(crop(img, top, left, height, width), size, interpolation, antialias=antialias)


def hflip(img: Any) -> Any:
    """Left and right exchanged."""
    return either(img, lambda image: pil_images.flipped(image, True), lambda a: a[..., ::-1])


def vflip(img: Any) -> Any:
    """Top and bottom exchanged."""
    return either(img, lambda image: pil_images.flipped(image, False), lambda a: a[..., ::-1, :])


def five_crop(img: Any, size: int | Sequence[int]) -> tuple:
    """The four corners and the middle."""
    new_h, new_w = height_and_width(size)
    _, h, w = get_dimensions(img)
    if new_w > w or new_h > h:
        raise ValueError(f"Requested crop size {size} is bigger than input size {(h, w)}")
    corners = [(0, 0), (0, w - new_w), (h - new_h, 0), (h - new_h, w - new_w)]
    return (*(crop(img, y, x, new_h, new_w) for y, x in corners), center_crop(img, [new_h, new_w]))


def ten_crop(img: Any, size: int | Sequence[int], vertical_flip: bool = False) -> tuple:
    """`five_crop` of the image, and of its mirror image."""
    return five_crop(img, size) + five_crop(vflip(img) if vertical_flip else hflip(img), size)


def erase(img: Tensor, i: int, j: int, h: int, w: int, v: Any, inplace: bool = False) -> Tensor:
    """The box at row i, column j of a tensor filled with `v`."""
    if not isinstance(img, Tensor):
        raise TypeError(f"img should be Tensor Image. Got {type(img)}")
    if inplace:
        img[..., i : i + h, j : j + w] = v
        return img
    out = array_of(img).copy()
    out[..., i : i + h, j : j + w] = array_of_tensor(v) if isinstance(v, Tensor) else v
    return tensor_of(out)

"""Images as tensors of bytes (C, H, W), from and to files and bytes in memory. Pillow does the coding. Source: torchvision/io/image.py

Gray is PIL's: a unit off libpng's here and there. Pictures of 16 bits a channel are refused: suiren has no uint16.
"""

from __future__ import annotations

import io
import os
from enum import Enum
from typing import Any

import numpy as np

from suiren import dtypes
from suiren.tensor import Tensor
from suiren.utils.data.memory import array_of_tensor, own


class ImageReadMode(Enum):
    """What channels a decoded image is to have."""

    UNCHANGED = 0
    GRAY = 1
    GRAY_ALPHA = 2
    RGB = 3
    RGB_ALPHA = 4
    RGBA = RGB_ALPHA


_PIL_MODES = {ImageReadMode.GRAY: "L", ImageReadMode.GRAY_ALPHA: "LA", ImageReadMode.RGB: "RGB", ImageReadMode.RGB_ALPHA: "RGBA"}
_KEPT = ("L", "LA", "RGB", "RGBA", "CMYK")


def read_file(path: str | os.PathLike) -> Tensor:
    """A file's bytes, uint8 (n,). RuntimeError where it cannot be read."""
    try:
        return own(np.fromfile(path, np.uint8))
    except OSError as error:
        raise RuntimeError(f"[Errno {error.errno}] {error.strerror}: '{os.fspath(path)}'") from error


def write_file(filename: str | os.PathLike, data: Tensor) -> None:
    """Writes bytes, uint8 (n,), to a file. RuntimeError for other tensors."""
    if data.dtype is not dtypes.uint8:
        raise RuntimeError("Input tensor dtype should be uint8")
    if data.dim() != 1:
        raise RuntimeError("Input data should be a 1-dimensional tensor")
    with open(filename, "wb") as file:
        file.write(array_of_tensor(data).tobytes())


# ---------------------------------------------------------------- decoding


def _opened(input: Tensor, formats: tuple[str, ...]) -> Any:
    from PIL import Image, UnidentifiedImageError

    if not isinstance(input, Tensor) or input.dtype is not dtypes.uint8:
        raise RuntimeError(f"Expected a torch.uint8 tensor, got {getattr(input, 'dtype', type(input))}")
    if input.dim() != 1 or input.numel() == 0:
        raise RuntimeError(f"Input tensor must be 1-dimensional and non empty, got {input.dim()} dims  and {input.numel()} numels.")
    try:
        image = Image.open(io.BytesIO(array_of_tensor(input).tobytes()), formats=formats)
        image.load()
    except UnidentifiedImageError:
        if len(formats) > 1:
            text = "Unsupported image file. Only jpeg, png, webp and gif are currently supported."
        else:
            text = f"Content is not {formats[0].lower()}."
        raise RuntimeError(text) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise RuntimeError(f"the image is damaged: {error}") from error
    return image


def _pixels(image: Any, mode: ImageReadMode | str, turn: bool = False) -> np.ndarray:
    """(C, H, W)"""
    from PIL import ImageOps

    mode = ImageReadMode[mode.upper()] if isinstance(mode, str) else mode
    if image.mode.startswith(("I", "F")):
        raise RuntimeError(f"images of PIL's mode {image.mode!r}, of more than 8 bits a channel, are not read by suiren")
    if turn:
        image = ImageOps.exif_transpose(image)
    wanted = _PIL_MODES.get(mode)
    if wanted is None:
        wanted = image.mode if image.mode in _KEPT else "L" if image.mode == "1" else "RGBA" if "transparency" in image.info else "RGB"
    a = np.asarray(image if image.mode == wanted else image.convert(wanted))
    return a[None] if a.ndim == 2 else a.transpose(2, 0, 1)


def decode_png(input: Tensor, mode: ImageReadMode | str = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False) -> Tensor:
    """The image in the bytes of a PNG file, (n,) -> (C, H, W)."""
    return own(_pixels(_opened(input, ("PNG",)), mode, apply_exif_orientation))


def decode_jpeg(
    input: Tensor | list[Tensor],
    mode: ImageReadMode | str = ImageReadMode.UNCHANGED,
    device: Any = "cpu",
    apply_exif_orientation: bool = False,
) -> Any:
    """The image in the bytes of a JPEG file, (n,) -> (C, H, W); of a list of such, a list."""
    if isinstance(input, list):
        if not input:
            raise ValueError("Input list must contain at least one element")
        if not all(isinstance(t, Tensor) for t in input):
            raise ValueError("All elements of the input list must be tensors.")
        return [decode_jpeg(t, mode, device, apply_exif_orientation) for t in input]
    return own(_pixels(_opened(input, ("JPEG",)), mode, apply_exif_orientation))


def decode_webp(input: Tensor, mode: ImageReadMode | str = ImageReadMode.UNCHANGED) -> Tensor:
    """The image in the bytes of a WebP file, (n,) -> (C, H, W)."""
    return own(_pixels(_opened(input, ("WEBP",)), mode))


def _frames(image: Any) -> np.ndarray:
    from PIL import ImageSequence

    found = [_pixels(frame, ImageReadMode.RGB) for frame in ImageSequence.Iterator(image)]
    return found[0] if len(found) == 1 else np.stack(found)


def decode_gif(input: Tensor) -> Tensor:
    """The image in the bytes of a GIF file, (3, H, W), or (N, 3, H, W) of several."""
    return own(_frames(_opened(input, ("GIF",))))


def decode_image(
    input: Tensor | str | os.PathLike, mode: ImageReadMode | str = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False
) -> Tensor:
    """The image in the bytes, or in the file, of JPEG, PNG, WebP or GIF: (C, H, W). RuntimeError for anything else."""
    data = input if isinstance(input, Tensor) else read_file(input)
    image = _opened(data, ("JPEG", "PNG", "WEBP", "GIF"))
    return own(_frames(image) if image.format == "GIF" else _pixels(image, mode, apply_exif_orientation))


def read_image(path: str | os.PathLike, mode: ImageReadMode | str = ImageReadMode.UNCHANGED, apply_exif_orientation: bool = False) -> Tensor:
    """The image in a file: (C, H, W)."""
    return decode_image(read_file(path), mode, apply_exif_orientation)


# ---------------------------------------------------------------- encoding


def _encoded(input: Tensor, **options: Any) -> Tensor:
    from PIL import Image

    if input.dtype is not dtypes.uint8:
        raise RuntimeError("Input tensor dtype should be uint8")
    if input.dim() != 3:
        raise RuntimeError("Input data should be a 3-dimensional tensor")
    if input.shape[0] not in (1, 3):
        raise RuntimeError(f"The number of channels should be 1 or 3, got: {input.shape[0]}")
    a = array_of_tensor(input)
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(a[0] if len(a) == 1 else a.transpose(1, 2, 0))).save(file, **options)
    return own(np.frombuffer(file.getvalue(), np.uint8))


def encode_png(input: Tensor, compression_level: int = 6) -> Tensor:
    """The bytes of a PNG file of an image, uint8 (1 or 3, H, W)."""
    if not 0 <= compression_level <= 9:
        raise RuntimeError("Compression level should be between 0 and 9")
    return _encoded(input, format="PNG", compress_level=compression_level)


def write_png(input: Tensor, filename: str | os.PathLike, compression_level: int = 6) -> None:
    """Writes an image to a PNG file."""
    write_file(filename, encode_png(input, compression_level))


def encode_jpeg(input: Tensor | list[Tensor], quality: int = 75) -> Any:
    """The bytes of a JPEG file of an image, uint8 (1 or 3, H, W); of a list of such, a list."""
    if quality < 1 or quality > 100:
        raise ValueError("Image quality should be a positive number between 1 and 100")
    if isinstance(input, list):
        if not input:
            raise ValueError("encode_jpeg requires at least one input tensor when a list is passed")
        return [encode_jpeg(t, quality) for t in input]
    return _encoded(input, format="JPEG", quality=quality)


def write_jpeg(input: Tensor, filename: str | os.PathLike, quality: int = 75) -> None:
    """Writes an image to a JPEG file."""
    write_file(filename, encode_jpeg(input, quality))

"""Flips, crops, sizes, turning and bending, of images, masks, boxes and points. Source: torchvision/transforms/v2/functional/_geometry.py"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from suiren import dtypes
from suiren.nn.functional import resizing
from suiren.tensor import Tensor
from suiren.utils.data.memory import array_of_tensor
from suiren.vision import tv_tensors
from suiren.vision.transforms import arrays, geometry
from suiren.vision.transforms import functional as F
from suiren.vision.transforms.images import InterpolationMode, array_of, tensor_of
from suiren.vision.transforms.pil_images import sides_of
from suiren.vision.transforms.v2.functional import _boxes as B
from suiren.vision.transforms.v2.functional._dispatch import dispatched, mode_of
from suiren.vision.tv_tensors import BoundingBoxFormat

NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def _masked(f: Any) -> Any:
    """A rule for masks out of a function of images: a mask (H, W) is an image of one channel."""

    def rule(mask: Tensor, **arguments: Any) -> Tensor:
        return f(mask, **arguments) if mask.ndim >= 3 else f(mask.unsqueeze(0), **arguments).squeeze(0)

    return rule


# ---------------------------------------------------------------- flips and crops


@dispatched(
    mask=_masked(F.hflip),
    boxes=lambda a, format, canvas_size, clamping_mode: B.flipped_boxes(a, format, canvas_size, 0),
    points=lambda a, canvas_size: B.flipped_points(a, canvas_size, 0),
)
def horizontal_flip(inpt: Any) -> Any:
    """Left and right exchanged."""
    return F.hflip(inpt)


@dispatched(
    mask=_masked(F.vflip),
    boxes=lambda a, format, canvas_size, clamping_mode: B.flipped_boxes(a, format, canvas_size, 1),
    points=lambda a, canvas_size: B.flipped_points(a, canvas_size, 1),
)
def vertical_flip(inpt: Any) -> Any:
    """Top and bottom exchanged."""
    return F.vflip(inpt)


hflip, vflip = horizontal_flip, vertical_flip


def _crop_boxes(a: np.ndarray, format: BoundingBoxFormat, canvas_size: Any, clamping_mode: Any, top: int, left: int, height: int, width: int) -> Any:
    return B.clamped(B.moved_boxes(a, format, -left, -top), format, (height, width), clamping_mode), (height, width)


@dispatched(
    mask=_masked(F.crop),
    boxes=_crop_boxes,
    points=lambda a, canvas_size, top, left, height, width: (a - np.array([left, top], a.dtype), (height, width)),
)
def crop(inpt: Any, top: int, left: int, height: int, width: int) -> Any:
    """The box; what of it lies outside is black."""
    return F.crop(inpt, top, left, height, width)


def center_crop(inpt: Any, output_size: int | Sequence[int]) -> Any:
    """The middle; what is smaller is first padded."""
    if isinstance(inpt, (tv_tensors.BoundingBoxes, tv_tensors.KeyPoints)):
        height, width = F.height_and_width(output_size)
        h, w = inpt.canvas_size
        return crop(inpt, int(round((h - height) / 2.0)), int(round((w - width) / 2.0)), height, width)
    return _center_crop_image(inpt, output_size)


@dispatched(mask=_masked(F.center_crop))
def _center_crop_image(inpt: Any, output_size: Any) -> Any:
    return F.center_crop(inpt, output_size)


@dispatched()
def five_crop(inpt: Any, size: int | Sequence[int]) -> tuple:
    """The four corners and the middle."""
    return F.five_crop(inpt, size)


@dispatched()
def ten_crop(inpt: Any, size: int | Sequence[int], vertical_flip: bool = False) -> tuple:
    """`five_crop` of it, and of its mirror image."""
    return F.ten_crop(inpt, size, vertical_flip)


def _padded_with_colors(a: np.ndarray, sides: tuple[int, int, int, int], fill: Sequence[float]) -> np.ndarray:
    left, top, right, bottom = sides
    out = arrays.padded(a, sides, 0, "constant").copy()
    color = np.array(fill).astype(a.dtype).reshape(-1, 1, 1)
    h, w = out.shape[-2:]
    for place in (np.s_[..., :max(top, 0), :], np.s_[..., :, :max(left, 0)], np.s_[..., h - max(bottom, 0):, :], np.s_[..., :, w - max(right, 0):]):
        out[place] = color
    return out


def _pad_mask(mask: Tensor, padding: Any, fill: Any, padding_mode: str) -> Tensor:
    if isinstance(fill, (tuple, list)):
        raise ValueError("Non-scalar fill value is not supported")
    return _masked(F.pad)(mask, padding=padding, fill=fill or 0, padding_mode=padding_mode)


def _pad_boxes(a: np.ndarray, format: BoundingBoxFormat, canvas_size: Any, clamping_mode: Any, padding: Any, fill: Any, padding_mode: str) -> Any:
    if padding_mode != "constant":
        raise ValueError(f"Padding mode '{padding_mode}' is not supported with bounding boxes")
    left, top, right, bottom = sides_of(padding)
    size = (canvas_size[0] + top + bottom, canvas_size[1] + left + right)
    return B.clamped(B.moved_boxes(a, format, left, top), format, size, clamping_mode), size


def _pad_points(a: np.ndarray, canvas_size: Any, padding: Any, fill: Any, padding_mode: str) -> Any:
    if padding_mode != "constant":
        raise ValueError(f"Padding mode '{padding_mode}' is not supported with KeyPoints (supported modes are constant)")
    left, top, right, bottom = sides_of(padding)
    return a + np.array([left, top], a.dtype), (canvas_size[0] + top + bottom, canvas_size[1] + left + right)


def _check_padding(padding: Any, mode: Any) -> None:
    if not isinstance(padding, (int, tuple, list)):
        raise TypeError(f"`padding` should be an integer or tuple or list of integers, but got {padding}")
    if not isinstance(padding, int) and len(padding) not in (1, 2, 4):
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element tuple or list. Found {len(padding)}")
    if mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError(f"`padding_mode` should be either `'constant'`, `'edge'`, `'reflect'` or `'symmetric'`, but got `{mode!r}`.")


@dispatched(mask=_pad_mask, boxes=_pad_boxes, points=_pad_points)
def pad(inpt: Any, padding: int | Sequence[int], fill: Any = None, padding_mode: str = "constant") -> Any:
    """Borders, as `transforms.functional.pad` has them; `fill` may be one number for each channel of a tensor."""
    if isinstance(inpt, Tensor):
        _check_padding(padding, padding_mode)
    if isinstance(inpt, Tensor) and isinstance(fill, (tuple, list)):
        if len(fill) == 1:
            return F.pad(inpt, padding, fill[0], padding_mode)
        if padding_mode != "constant":
            raise ValueError(f"Padding mode '{padding_mode}' is not supported if fill is not scalar")
        return tensor_of(_padded_with_colors(array_of(inpt), sides_of(padding), fill))
    if isinstance(fill, list):
        fill = tuple(fill)
    return F.pad(inpt, padding, 0 if fill is None else fill, padding_mode)


# ---------------------------------------------------------------- resizing


def _new_size(canvas_size: Sequence[int], size: Any, max_size: int | None) -> tuple[int, int]:
    h, w = canvas_size
    if size is None:
        if not isinstance(max_size, int):
            raise ValueError(f"max_size must be an integer when size is None, but got {max_size} instead.")
        short = int(max_size * min(h, w) / max(h, w))
        return (max_size, short) if w <= h else (short, max_size)
    if not isinstance(size, int) and len(size) > 1:
        if max_size is not None:
            raise ValueError(
                "max_size should only be passed if size is None or specifies the length of the smaller edge, "
                "i.e. size should be an int or a sequence of length 1 in torchscript mode."
            )
        return size[0], size[1]
    return F.resized_size(h, w, size, max_size)


def _resize_mask(mask: Tensor, size: Any, interpolation: Any, max_size: int | None, antialias: Any) -> Tensor:
    return _masked(F.resize)(mask, size=_new_size(mask.shape[-2:], size, max_size), interpolation=NEAREST)


def _resize_boxes(a: np.ndarray, format: Any, canvas_size: Any, clamping_mode: Any, size: Any, interpolation: Any, max_size: Any, antialias: Any) -> Any:
    new = _new_size(canvas_size, size, max_size)
    return B.scaled(a, canvas_size, new, 2), new


def _resize_points(a: np.ndarray, canvas_size: Any, size: Any, interpolation: Any, max_size: Any, antialias: Any) -> Any:
    new = _new_size(canvas_size, size, max_size)
    return B.scaled(a, canvas_size, new, 1), new


@dispatched(mask=_resize_mask, boxes=_resize_boxes, points=_resize_points)
def resize(
    inpt: Any, size: Any, interpolation: InterpolationMode | str | int = BILINEAR, max_size: int | None = None, antialias: bool | None = True
) -> Any:
    """To (height, width), the shorter edge to one number, or (`size` None) the longer one to `max_size`; masks take the nearest pixel."""
    mode = mode_of(interpolation)
    new = _new_size(F.get_dimensions(inpt)[1:], size, max_size)
    if not isinstance(inpt, Tensor):
        return F.resize(inpt, new, mode)
    if mode is InterpolationMode.LANCZOS and not antialias:
        raise ValueError("InterpolationMode.LANCZOS requires antialias=True")
    if new == tuple(inpt.shape[-2:]):
        return inpt
    is_bytes = inpt.dtype is dtypes.uint8 and mode.value in resizing.FILTERS
    return tensor_of((arrays.resized_bytes if is_bytes else arrays.resized)(array_of(inpt), *new, mode.value, bool(antialias)))


def resized_crop(
    inpt: Any, top: int, left: int, height: int, width: int, size: Any, interpolation: Any = BILINEAR, antialias: bool | None = True
) -> Any:
    """The box, resized."""
    return resize(crop(inpt, top, left, height, width), size, interpolation, antialias=antialias)


# ---------------------------------------------------------------- turning, shearing, bending


def _affine_mask(mask: Tensor, angle: float, translate: Any, scale: float, shear: Any, interpolation: Any, fill: Any, center: Any) -> Tensor:
    return _masked(F.affine)(mask, angle=angle, translate=translate, scale=scale, shear=shear, fill=fill, center=center)


def _affine_boxes(a: Any, format: Any, canvas_size: Any, clamping_mode: Any, angle: float, translate: Any, scale: float, shear: Any, center: Any, **_: Any) -> Any:
    points, size = B.turning(canvas_size, angle, translate, scale, geometry.two_shears(shear), center, False)
    return B.through(points, a, format, size, clamping_mode)


def _affine_points(a: Any, canvas_size: Any, angle: float, translate: Any, scale: float, shear: Any, center: Any, **_: Any) -> Any:
    return _moved(B.turning(canvas_size, angle, translate, scale, geometry.two_shears(shear), center, False)[0], a)


def _moved(points: Any, a: np.ndarray) -> np.ndarray:
    given = a if a.dtype.kind == "f" else a.astype(np.float32)
    return points(given.reshape(-1, 2)).reshape(a.shape).astype(a.dtype) if a.size else a


@dispatched(mask=_affine_mask, boxes=_affine_boxes, points=_affine_points)
def affine(
    inpt: Any,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Any,
    interpolation: InterpolationMode | str | int = NEAREST,
    fill: Any = None,
    center: Sequence[float] | None = None,
) -> Any:
    """Turned clockwise, moved, scaled and sheared about `center` (the middle)."""
    return geometry.moved(inpt, angle, list(translate), scale, shear, mode_of(interpolation), fill, center, geometry.SECOND)


def _rotate_mask(mask: Tensor, angle: float, interpolation: Any, expand: bool, center: Any, fill: Any) -> Tensor:
    return _masked(F.rotate)(mask, angle=angle, expand=expand, center=center, fill=fill)


def _rotate_boxes(a: Any, format: Any, canvas_size: Any, clamping_mode: Any, angle: float, expand: bool, center: Any, **_: Any) -> Any:
    points, size = B.turning(canvas_size, -angle, (0.0, 0.0), 1.0, (0.0, 0.0), center, expand)
    return B.through(points, a, format, size, clamping_mode), size


def _rotate_points(a: Any, canvas_size: Any, angle: float, expand: bool, center: Any, **_: Any) -> Any:
    points, size = B.turning(canvas_size, -angle, (0.0, 0.0), 1.0, (0.0, 0.0), center, expand)
    return _moved(points, a), size


@dispatched(mask=_rotate_mask, boxes=_rotate_boxes, points=_rotate_points)
def rotate(
    inpt: Any,
    angle: float,
    interpolation: InterpolationMode | str | int = NEAREST,
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: Any = None,
) -> Any:
    """Turned counter-clockwise by `angle` degrees."""
    return geometry.rotated(inpt, angle, mode_of(interpolation), expand, center, fill, geometry.SECOND)


def _coefficients(startpoints: Any, endpoints: Any, coefficients: Any) -> list[float]:
    if coefficients is not None:
        if startpoints is not None and endpoints is not None:
            raise ValueError("The startpoints/endpoints and the coefficients shouldn't be defined concurrently.")
        if len(coefficients) != 8:
            raise ValueError("Argument coefficients should have 8 float values")
        return coefficients
    if startpoints is not None and endpoints is not None:
        return geometry.perspective_coefficients(startpoints, endpoints)
    raise ValueError("Either the startpoints/endpoints or the coefficients must have non `None` values.")


def _perspective_boxes(a: Any, format: Any, canvas_size: Any, clamping_mode: Any, startpoints: Any, endpoints: Any, coefficients: Any, **_: Any) -> Any:
    return B.through(B.changing_perspective(_coefficients(startpoints, endpoints, coefficients)), a, format, canvas_size, clamping_mode)


def _perspective_points(a: Any, canvas_size: Any, startpoints: Any, endpoints: Any, coefficients: Any, **_: Any) -> Any:
    return _moved(B.changing_perspective(_coefficients(startpoints, endpoints, coefficients)), a)


def _perspective_mask(mask: Tensor, startpoints: Any, endpoints: Any, interpolation: Any, fill: Any, coefficients: Any) -> Tensor:
    numbers = _coefficients(startpoints, endpoints, coefficients)
    return _masked(lambda m: geometry.warped_by(m, numbers, NEAREST, fill))(mask)


@dispatched(mask=_perspective_mask, boxes=_perspective_boxes, points=_perspective_points)
def perspective(
    inpt: Any,
    startpoints: Any,
    endpoints: Any,
    interpolation: InterpolationMode | str | int = BILINEAR,
    fill: Any = None,
    coefficients: Sequence[float] | None = None,
) -> Any:
    """Four corners moved from `startpoints` to `endpoints`, or the change of perspective with these `coefficients`."""
    return geometry.warped_by(inpt, _coefficients(startpoints, endpoints, coefficients), mode_of(interpolation), fill, geometry.SECOND)


def _elastic_mask(mask: Tensor, displacement: Tensor, interpolation: Any, fill: Any) -> Tensor:
    return _masked(F.elastic_transform)(mask, displacement=displacement, interpolation=NEAREST, fill=fill)


def _elastic_boxes(a: Any, format: Any, canvas_size: Any, clamping_mode: Any, displacement: Tensor, **_: Any) -> Any:
    points = B.bending(_displacement(displacement, canvas_size), canvas_size, to_next=a.dtype.kind == "f")
    return B.through(points, a, format, canvas_size, clamping_mode)


def _elastic_points(a: Any, canvas_size: Any, displacement: Tensor, **_: Any) -> Any:
    return _moved(B.bending(_displacement(displacement, canvas_size), canvas_size, to_next=False), a)


def _displacement(displacement: Tensor, canvas_size: Any) -> np.ndarray:
    if not isinstance(displacement, Tensor):
        raise TypeError("Argument displacement should be a Tensor")
    shape = (1, canvas_size[0], canvas_size[1], 2)
    if tuple(displacement.shape) != shape:
        raise ValueError(f"Argument displacement shape should be {shape}, but given {displacement.shape}")
    return array_of_tensor(displacement)


@dispatched(mask=_elastic_mask, boxes=_elastic_boxes, points=_elastic_points)
def elastic(inpt: Any, displacement: Tensor, interpolation: InterpolationMode | str | int = BILINEAR, fill: Any = None) -> Any:
    """Each pixel moved by its displacement, (1, H, W, 2)."""
    return geometry.bent(inpt, displacement, mode_of(interpolation), fill, geometry.SECOND)


elastic_transform = elastic

"""Functions of what boxes and points say of themselves. Source: torchvision/transforms/v2/functional/_meta.py, _misc.py"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from suiren.tensor import Tensor
from suiren.vision import tv_tensors
from suiren.vision.ops.boxes import box_convert
from suiren.vision.transforms import functional as F
from suiren.vision.transforms.images import tensor_of
from suiren.vision.transforms.v2.functional import _boxes as B
from suiren.vision.transforms.v2.functional._dispatch import array_of_any, is_pure_tensor
from suiren.vision.tv_tensors import BoundingBoxFormat


def get_size(inpt: Any) -> list[int]:
    """[height, width]; of boxes and points, of their canvas."""
    if isinstance(inpt, (tv_tensors.BoundingBoxes, tv_tensors.KeyPoints)):
        return list(inpt.canvas_size)
    return F.get_dimensions(inpt)[1:]


def get_dimensions(inpt: Any) -> list[int]:
    """[channels, height, width]"""
    return F.get_dimensions(inpt)


def get_num_channels(inpt: Any) -> int:
    return F.get_image_num_channels(inpt)


get_image_num_channels = get_num_channels


def get_num_frames(inpt: Tensor) -> int:
    """Of a video (…, T, C, H, W)."""
    return inpt.shape[-4]


def get_image_size(inpt: Any) -> list[int]:
    """[width, height], as of old."""
    warnings.warn(
        "The function `get_image_size(...)` is deprecated and will be removed in a future release. "
        "Instead, please use `get_size(...)` which returns `[h, w]` instead of `[w, h]`.",
        stacklevel=2,
    )
    return F.get_image_size(inpt)


def _form(format: BoundingBoxFormat | str) -> BoundingBoxFormat:
    return BoundingBoxFormat[format.upper()] if isinstance(format, str) else format


def convert_bounding_box_format(inpt: Tensor, old_format: Any = None, new_format: Any = None, inplace: bool = False) -> Tensor:
    """Boxes in another form. The old one is given for a plain tensor, and only for one: ValueError otherwise."""
    if new_format is None:
        raise TypeError("convert_bounding_box_format() missing 1 required argument: 'new_format'")
    new_format = _form(new_format)
    if is_pure_tensor(inpt):
        if old_format is None:
            raise ValueError("For pure tensor inputs, `old_format` has to be passed.")
        found = _converted(inpt, _form(old_format), new_format)
        return inpt.copy_(found) if inplace and found.shape == inpt.shape else found
    if not isinstance(inpt, tv_tensors.BoundingBoxes):
        raise TypeError(f"Input can either be a plain tensor or a bounding box tv_tensor, but got {type(inpt)} instead.")
    if old_format is not None:
        raise ValueError("For bounding box tv_tensor inputs, `old_format` must not be passed.")
    return tv_tensors.wrap(_converted(tv_tensors.pure(inpt), inpt.format, new_format), like=inpt, format=new_format)


def _converted(boxes: Tensor, before: BoundingBoxFormat, after: BoundingBoxFormat) -> Tensor:
    turned = [tv_tensors.is_rotated_bounding_format(f) for f in (before, after)]
    if turned[0] != turned[1]:
        raise ValueError("Cannot convert between rotated and unrotated bounding boxes.")
    if turned[0]:
        return box_convert(boxes, before.value.lower(), after.value.lower())
    return tensor_of(B.converted(array_of_any(boxes), before, after))


def _said(inpt: Tensor, sort: type, name: str, **given: Any) -> dict[str, Any]:
    """What the input says of itself, or what is given for a plain tensor."""
    listed = " and ".join(f"`{n}`" for n in given)
    if is_pure_tensor(inpt):
        if any(value is None for value in given.values()):
            raise ValueError(f"For pure tensor inputs, {listed} have to be passed.")
        return given
    if not isinstance(inpt, sort):
        raise TypeError(f"Input can either be a plain tensor or a {name} tv_tensor, but got {type(inpt)} instead.")
    if any(value is not None for value in given.values()):
        raise ValueError(f"For {name} tv_tensor inputs, {listed} must not be passed.")
    return inpt._meta()


def clamp_bounding_boxes(inpt: Tensor, format: Any = None, canvas_size: Any = None, clamping_mode: str | None = "auto") -> Tensor:
    """Boxes cut off at the edges of their canvas; by their own mode, or by "soft" or "hard", or (None) not at all."""
    if clamping_mode is not None and clamping_mode not in ("soft", "hard", "auto"):
        raise ValueError(f"clamping_mode must be soft, hard, auto or None, got {clamping_mode}")
    said = _said(inpt, tv_tensors.BoundingBoxes, "bounding box", format=format, canvas_size=canvas_size)
    if clamping_mode == "auto":
        if is_pure_tensor(inpt):
            raise ValueError("clamping_mode cannot be 'auto' for pure tensor inputs.")
        clamping_mode = inpt.clamping_mode
    form = _form(said["format"])
    if tv_tensors.is_rotated_bounding_format(form) and clamping_mode is not None:
        raise NotImplementedError(f"rotated boxes ({form.value}) are not clamped in suiren: use clamping_mode=None")
    found = tensor_of(B.clamped(array_of_any(inpt), form, said["canvas_size"], clamping_mode))
    return found if is_pure_tensor(inpt) else tv_tensors.wrap(found, like=inpt)


def clamp_keypoints(inpt: Tensor, canvas_size: Any = None) -> Tensor:
    """Points moved to the edge of their canvas where they lie outside."""
    height, width = _said(inpt, tv_tensors.KeyPoints, "keypoints", canvas_size=canvas_size)["canvas_size"]
    a = array_of_any(inpt)
    found = tensor_of(np.stack([a[..., 0].clip(0, width - 1), a[..., 1].clip(0, height - 1)], -1))
    return found if is_pure_tensor(inpt) else tv_tensors.wrap(found, like=inpt)


def sound_boxes(boxes: Tensor, format: BoundingBoxFormat, canvas_size: Any, min_size: float, min_area: float) -> np.ndarray:
    """Which boxes lie within their canvas and are large enough."""
    a = B.converted(array_of_any(boxes), format, BoundingBoxFormat.XYXY)
    w, h = a[:, 2] - a[:, 0], a[:, 3] - a[:, 1]
    inside = (a >= 0).all(-1) & (a[:, [0, 2]] <= canvas_size[1]).all(-1) & (a[:, [1, 3]] <= canvas_size[0]).all(-1)
    return (w >= min_size) & (h >= min_size) & (w * h >= min_area) & inside


def sound_points(points: Tensor, canvas_size: Any) -> np.ndarray:
    """Which points, or chains of them, lie within their canvas."""
    a = array_of_any(points)
    inside = (a[..., 0] >= 0) & (a[..., 0] < canvas_size[1]) & (a[..., 1] >= 0) & (a[..., 1] < canvas_size[0])
    return inside.reshape(len(inside), -1).all(1)


def sanitize_bounding_boxes(
    bounding_boxes: Tensor, format: Any = None, canvas_size: Any = None, min_size: float = 1.0, min_area: float = 1.0
) -> tuple[Tensor, Tensor]:
    """(the boxes that lie within their canvas and are large enough, which they are)."""
    said = _said(bounding_boxes, tv_tensors.BoundingBoxes, "bounding box", format=format, canvas_size=canvas_size)
    keep = tensor_of(sound_boxes(bounding_boxes, _form(said["format"]), said["canvas_size"], min_size, min_area))
    found = tv_tensors.pure(bounding_boxes)[keep]
    return (found if is_pure_tensor(bounding_boxes) else tv_tensors.wrap(found, like=bounding_boxes)), keep


def sanitize_keypoints(key_points: Tensor, canvas_size: Any = None) -> tuple[Tensor, Tensor]:
    """(the points that lie within their canvas, which they are)."""
    said = _said(key_points, tv_tensors.KeyPoints, "keypoints", canvas_size=canvas_size)
    keep = tensor_of(sound_points(key_points, said["canvas_size"]))
    found = tv_tensors.pure(key_points)[keep]
    return (found if is_pure_tensor(key_points) else tv_tensors.wrap(found, like=key_points)), keep

"""Transforms of places. Source: torchvision/transforms/v2/_geometry.py"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from PIL import Image

from suiren import no_grad, tensor
from suiren.tensor import Tensor
from suiren.utils.data.draws import below, uniform
from suiren.vision import tv_tensors
from suiren.vision.ops.boxes import box_iou
from suiren.vision.transforms import augment
from suiren.vision.transforms import transforms as first
from suiren.vision.transforms.geometry import perspective_coefficients
from suiren.vision.transforms.pil_images import sides_of
from suiren.vision.transforms.transforms import angle_range, check_sequence, size_pair
from suiren.vision.transforms.v2 import functional as F
from suiren.vision.transforms.v2._misc import number_pair
from suiren.vision.transforms.v2._transform import (
    RandomApplyTransform,
    Transform,
    fill_of,
    fills,
    get_bounding_boxes,
    has_all,
    has_any,
    query_size,
)
from suiren.vision.transforms.v2.functional import is_pure_tensor


class RandomHorizontalFlip(RandomApplyTransform):
    """Left and right exchanged, with probability `p`."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.horizontal_flip, inpt)


class RandomVerticalFlip(RandomApplyTransform):
    """Top and bottom exchanged, with probability `p`."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.vertical_flip, inpt)


class Resize(Transform):
    """To `size` = (height, width), the shorter edge to one number, or (None) the longer one to `max_size`."""

    def __init__(self, size: int | Sequence[int] | None, interpolation: Any = "bilinear", max_size: int | None = None, antialias: bool | None = True):
        super().__init__()
        if isinstance(size, int):
            size = [size]
        elif isinstance(size, Sequence) and len(size) in (1, 2):
            size = list(size)
        elif size is not None:
            raise ValueError(f"size can be an integer, a sequence of one or two integers, or None, but got {size} instead.")
        elif not isinstance(max_size, int):
            raise ValueError(f"max_size must be an integer when size is None, but got {max_size} instead.")
        self.size, self.interpolation, self.max_size, self.antialias = size, interpolation, max_size, antialias

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.resize, inpt, self.size, self.interpolation, self.max_size, self.antialias)


class CenterCrop(Transform):
    """The middle."""

    def __init__(self, size: int | Sequence[int]):
        super().__init__()
        self.size = size_pair(size)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.center_crop(inpt, self.size)


class RandomResizedCrop(Transform):
    """A box of a random size and aspect at a random place, resized to `size`."""

    get_params = staticmethod(first.RandomResizedCrop.get_params)

    def __init__(
        self,
        size: int | Sequence[int],
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3.0 / 4.0, 4.0 / 3.0),
        interpolation: Any = "bilinear",
        antialias: bool | None = True,
    ):
        super().__init__()
        self.size = size_pair(size)
        for value, name in ((scale, "Scale"), (ratio, "Ratio")):
            if not isinstance(value, Sequence) or len(value) != 2:
                raise TypeError(f"{name} should be a sequence of two floats.")
        if scale[0] > scale[1] or ratio[0] > ratio[1]:
            warnings.warn("Scale and ratio should be of kind (min, max)", stacklevel=2)
        self.scale, self.ratio, self.interpolation, self.antialias = scale, ratio, interpolation, antialias

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        box = first.RandomResizedCrop.draw(*query_size(flat_inputs), self.scale, self.ratio)
        return dict(zip(("top", "left", "height", "width"), box))

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.resized_crop(inpt, **params, size=self.size, interpolation=self.interpolation, antialias=self.antialias)


class FiveCrop(Transform):
    """The four corners and the middle, as a tuple."""

    def __init__(self, size: int | Sequence[int]):
        super().__init__()
        self.size = size_pair(size)

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        if has_any(flat_inputs, tv_tensors.BoundingBoxes, tv_tensors.Mask):
            raise TypeError(f"BoundingBoxes'es and Mask's are not supported by {type(self).__name__}()")

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.five_crop, inpt, self.size)


class TenCrop(FiveCrop):
    """`FiveCrop` of it, and of its mirror image."""

    def __init__(self, size: int | Sequence[int], vertical_flip: bool = False):
        super().__init__(size)
        self.vertical_flip = vertical_flip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.ten_crop, inpt, self.size, self.vertical_flip)


def _check_padding(padding: Any) -> None:
    is_good = isinstance(padding, int) or (isinstance(padding, (tuple, list)) and len(padding) in (1, 2, 4) and all(isinstance(p, int) for p in padding))
    if not is_good:
        raise ValueError(f"Padding must be an int or a 1, 2, or 4 element of tuple or list, got {padding}.")


def _check_padding_mode(mode: str) -> None:
    if mode not in ("constant", "edge", "reflect", "symmetric"):
        raise ValueError("Padding mode should be either constant, edge, reflect or symmetric")


class Pad(Transform):
    """Borders; `fill` may be a dict, {class of the input: its fill}."""

    def __init__(self, padding: int | Sequence[int], fill: Any = 0, padding_mode: str = "constant"):
        super().__init__()
        _check_padding(padding)
        _check_padding_mode(padding_mode)
        self.padding = padding if isinstance(padding, int) else list(padding)
        self.fill, self._fill, self.padding_mode = fill, fills(fill), padding_mode

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.pad, inpt, self.padding, fill_of(self._fill, inpt), self.padding_mode)


class RandomZoomOut(RandomApplyTransform):
    """Somewhere on a canvas that is larger by a random factor, with probability `p`."""

    def __init__(self, fill: Any = 0, side_range: Sequence[float] = (1.0, 4.0), p: float = 0.5):
        super().__init__(p=p)
        self.fill, self._fill = fill, fills(fill)
        check_sequence(side_range, "side_range", (2,))
        self.side_range = side_range
        if side_range[0] < 1.0 or side_range[0] > side_range[1]:
            raise ValueError(f"Invalid side range provided {side_range}.")

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        h, w = query_size(flat_inputs)
        low, high = self.side_range
        with no_grad():
            r = low + tensor([uniform()]) * (high - low)  # as tensors, which round as torchvision does
            canvas_w, canvas_h = int((w * r).item()), int((h * r).item())
            x, y = uniform(), uniform()
            left, top = int((canvas_w - w) * tensor(x)), int((canvas_h - h) * tensor(y))
        return {"padding": [left, top, canvas_w - (left + w), canvas_h - (top + h)]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.pad, inpt, params["padding"], fill_of(self._fill, inpt))


class RandomRotation(Transform):
    """Turned by a random angle, in degrees."""

    get_params = staticmethod(augment.RandomRotation.get_params)

    def __init__(self, degrees: Any, interpolation: Any = "nearest", expand: bool = False, center: Sequence[float] | None = None, fill: Any = 0):
        super().__init__()
        self.degrees = angle_range(degrees, "degrees")
        self.interpolation, self.expand = interpolation, expand
        self.fill, self._fill = fill, fills(fill)
        if center is not None:
            check_sequence(center, "center", (2,))
        self.center = center

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"angle": augment.RandomRotation.get_params(self.degrees)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(
            F.rotate, inpt, params["angle"], self.interpolation, self.expand, self.center, fill_of(self._fill, inpt)
        )


class RandomAffine(Transform):
    """Turned, moved, scaled and sheared at random."""

    get_params = staticmethod(augment.RandomAffine.get_params)

    def __init__(
        self,
        degrees: Any,
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: Any = None,
        interpolation: Any = "nearest",
        fill: Any = 0,
        center: Sequence[float] | None = None,
    ):
        super().__init__()
        checked = augment.RandomAffine(degrees, translate, scale, shear, center=center)
        self.degrees, self.translate, self.scale, self.shear = checked.degrees, checked.translate, checked.scale, checked.shear
        self.interpolation, self.fill, self._fill, self.center = interpolation, fill, fills(fill), center

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        height, width = query_size(flat_inputs)
        drawn = augment.RandomAffine.get_params(self.degrees, self.translate, self.scale, self.shear, [width, height])
        return dict(zip(("angle", "translate", "scale", "shear"), drawn))

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        fill = fill_of(self._fill, inpt)
        return self._call_kernel(F.affine, inpt, **params, interpolation=self.interpolation, fill=fill, center=self.center)


class RandomCrop(Transform):
    """A box of `size` at a random place, after padding."""

    get_params = staticmethod(first.RandomCrop.get_params)

    def __init__(
        self,
        size: int | Sequence[int],
        padding: int | Sequence[int] | None = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ):
        super().__init__()
        self.size = size_pair(size)
        if pad_if_needed or padding is not None:
            if padding is not None:
                _check_padding(padding)
            _check_padding_mode(padding_mode)
        left, top, right, bottom = sides_of(padding) if padding else (0, 0, 0, 0)
        self.padding = [left, right, top, bottom] if padding else None
        self.pad_if_needed, self.fill, self._fill, self.padding_mode = pad_if_needed, fill, fills(fill), padding_mode

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        h, w = query_size(flat_inputs)
        left, right, top, bottom = self.padding or (0, 0, 0, 0)
        h, w = h + top + bottom, w + left + right
        height, width = self.size
        if self.pad_if_needed:
            if h < height:
                top, bottom, h = top + height - h, bottom + height - h, h + 2 * (height - h)
            if w < width:
                left, right, w = left + width - w, right + width - w, w + 2 * (width - w)
        if h < height or w < width:
            padded = "padded " if self.padding is not None else ""
            raise ValueError(f"Required crop size {(height, width)} is larger than {padded}input image size {(h, w)}.")
        y = below(h - height + 1) if h > height else 0
        x = below(w - width + 1) if w > width else 0
        return {"box": (y, x, height, width), "needs_crop": h > height or w > width, "padding": [left, top, right, bottom]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if any(params["padding"]):
            inpt = self._call_kernel(F.pad, inpt, params["padding"], fill_of(self._fill, inpt), self.padding_mode)
        return self._call_kernel(F.crop, inpt, *params["box"]) if params["needs_crop"] else inpt


class RandomPerspective(RandomApplyTransform):
    """Corners moved inwards at random, with probability `p`."""

    get_params = staticmethod(augment.RandomPerspective.get_params)

    def __init__(self, distortion_scale: float = 0.5, p: float = 0.5, interpolation: Any = "bilinear", fill: Any = 0):
        super().__init__(p=p)
        if not 0 <= distortion_scale <= 1:
            raise ValueError("Argument distortion_scale value should be between 0 and 1")
        self.distortion_scale, self.interpolation, self.fill, self._fill = distortion_scale, interpolation, fill, fills(fill)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        height, width = query_size(flat_inputs)
        return {"coefficients": perspective_coefficients(*augment.RandomPerspective.get_params(width, height, self.distortion_scale))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.perspective, inpt, None, None, self.interpolation, fill_of(self._fill, inpt), **params)


class ElasticTransform(Transform):
    """Each pixel moved a little, as its neighbours."""

    get_params = staticmethod(augment.ElasticTransform.get_params)

    def __init__(self, alpha: Any = 50.0, sigma: Any = 5.0, interpolation: Any = "bilinear", fill: Any = 0):
        super().__init__()
        self.alpha, self.sigma = number_pair(alpha, "alpha"), number_pair(sigma, "sigma")
        self.interpolation, self.fill, self._fill = interpolation, fill, fills(fill)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"displacement": augment.draw_displacement(self.alpha, self.sigma, query_size(flat_inputs))}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.elastic, inpt, params["displacement"], self.interpolation, fill_of(self._fill, inpt))


class RandomIoUCrop(Transform):
    """A box that holds the middle of some object and overlaps it as much as drawn from `sampler_options`. Source: https://arxiv.org/abs/1512.02325

    Boxes whose middle is outside become empty: `SanitizeBoundingBoxes` drops them.
    """

    def __init__(
        self,
        min_scale: float = 0.3,
        max_scale: float = 1.0,
        min_aspect_ratio: float = 0.5,
        max_aspect_ratio: float = 2.0,
        sampler_options: list[float] | None = None,
        trials: int = 40,
    ):
        super().__init__()
        self.min_scale, self.max_scale = min_scale, max_scale
        self.min_aspect_ratio, self.max_aspect_ratio = min_aspect_ratio, max_aspect_ratio
        self.options = [0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0] if sampler_options is None else sampler_options
        self.trials = trials

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        if not (has_all(flat_inputs, tv_tensors.BoundingBoxes) and has_any(flat_inputs, Image.Image, tv_tensors.Image, is_pure_tensor)):
            raise TypeError(
                f"{type(self).__name__}() requires input sample to contain tensor or PIL images "
                "and bounding boxes. Sample can also contain masks."
            )

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        h, w = query_size(flat_inputs)
        boxes = get_bounding_boxes(flat_inputs)
        corners = F.convert_bounding_box_format(tv_tensors.pure(boxes), boxes.format, tv_tensors.BoundingBoxFormat.XYXY)
        cx, cy = 0.5 * (corners[..., 0] + corners[..., 2]), 0.5 * (corners[..., 1] + corners[..., 3])
        while True:
            least = self.options[below(len(self.options))]
            if least >= 1.0:  # leave it as it is
                return {}
            for _ in range(self.trials):
                found = self._tried(h, w, corners, cx, cy, least)
                if found is not None:
                    return found

    def _tried(self, h: int, w: int, corners: Tensor, cx: Tensor, cy: Tensor, least: float) -> dict[str, Any] | None:
        r = self.min_scale + (self.max_scale - self.min_scale) * tensor([uniform(), uniform()])
        new_w, new_h = int(w * r[0]), int(h * r[1])
        if not self.min_aspect_ratio <= new_w / new_h <= self.max_aspect_ratio:
            return None
        r = tensor([uniform(), uniform()])
        left, top = int((w - new_w) * r[0]), int((h - new_h) * r[1])
        right, bottom = left + new_w, top + new_h
        if left == right or top == bottom:
            return None
        inside = (left < cx) & (cx < right) & (top < cy) & (cy < bottom)
        if not inside.any():
            return None
        if box_iou(corners[inside], tensor([[left, top, right, bottom]], dtype=corners.dtype)).max() < least:
            return None
        return {"box": (top, left, new_h, new_w), "inside": inside}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if not params:
            return inpt
        found = self._call_kernel(F.crop, inpt, *params["box"])
        if isinstance(found, tv_tensors.BoundingBoxes):
            found = tv_tensors.wrap(tv_tensors.pure(found) * params["inside"][:, None], like=found)
        return found


class _RandomSize(Transform):
    """Base of those that resize to a random size."""

    def __init__(self, interpolation: Any, antialias: bool | None):
        super().__init__()
        self.interpolation, self.antialias = interpolation, antialias

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.resize, inpt, params["size"], self.interpolation, None, self.antialias)


class ScaleJitter(_RandomSize):
    """Scaled to fit `target_size`, and then by a random factor."""

    def __init__(self, target_size: tuple[int, int], scale_range: Sequence[float] = (0.1, 2.0), interpolation: Any = "bilinear", antialias: bool | None = True):
        super().__init__(interpolation, antialias)
        self.target_size, self.scale_range = target_size, scale_range

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        h, w = query_size(flat_inputs)
        scale = self.scale_range[0] + tensor([uniform()]) * (self.scale_range[1] - self.scale_range[0])
        r = min(self.target_size[1] / h, self.target_size[0] / w) * scale
        new_w, new_h = int((w * r).item()), int((h * r).item())
        return {"size": (new_h, new_w)}


class RandomShortestSize(_RandomSize):
    """The shorter edge one of `min_size`, the longer one at most `max_size`."""

    def __init__(self, min_size: int | Sequence[int], max_size: int | None = None, interpolation: Any = "bilinear", antialias: bool | None = True):
        super().__init__(interpolation, antialias)
        self.min_size = [min_size] if isinstance(min_size, int) else list(min_size)
        self.max_size = max_size

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        h, w = query_size(flat_inputs)
        r = self.min_size[below(len(self.min_size))] / min(h, w)
        if self.max_size is not None:
            r = min(r, self.max_size / max(h, w))
        return {"size": (int(h * r), int(w * r))}


class RandomResize(_RandomSize):
    """The shorter edge from `min_size` to `max_size` − 1 pixels."""

    def __init__(self, min_size: int, max_size: int, interpolation: Any = "bilinear", antialias: bool | None = True):
        super().__init__(interpolation, antialias)
        self.min_size, self.max_size = min_size, max_size

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"size": [self.min_size + below(self.max_size - self.min_size)]}

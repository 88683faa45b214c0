"""Transforms of dtypes, classes and details. Source: torchvision/transforms/v2/_misc.py, _type_conversion.py, _meta.py, _temporal.py, _deprecated.py"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PIL import Image

from suiren import dtypes
from suiren.tensor import Tensor
from suiren.utils.data.draws import uniform
from suiren.vision import tv_tensors
from suiren.vision.transforms import augment
from suiren.vision.transforms.images import tensor_of
from suiren.vision.transforms.transforms import size_pair
from suiren.vision.transforms.v2 import functional as F
from suiren.vision.transforms.v2._transform import (
    Transform,
    flatten,
    get_bounding_boxes,
    get_keypoints,
    has_any,
    labels_getter_of,
)
from suiren.vision.transforms.v2.functional._meta import sound_boxes, sound_points

_VISUAL = (F.is_pure_tensor, tv_tensors.Image, tv_tensors.Video)


class Identity(Transform):
    """Nothing."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return inpt


class Lambda(Transform):
    """A function, of the parts of the sample that are of these classes (of all of them)."""

    _transformed_types = (object,)

    def __init__(self, lambd: Callable[[Any], Any], *types: type):
        super().__init__()
        self.lambd, self.types = lambd, types or self._transformed_types

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self.lambd(inpt) if isinstance(inpt, self.types) else inpt

    def extra_repr(self) -> str:
        name = getattr(self.lambd, "__name__", None)
        return ", ".join([*([name] if name else []), f"types={[t.__name__ for t in self.types]}"])


class _NoPIL(Transform):
    def check_inputs(self, flat_inputs: list[Any]) -> None:
        if has_any(flat_inputs, Image.Image):
            raise TypeError(f"{type(self).__name__}() does not support PIL images.")


class LinearTransformation(_NoPIL):
    """An image, flattened, less a mean vector, times a matrix."""

    _transformed_types = _VISUAL

    def __init__(self, transformation_matrix: Tensor, mean_vector: Tensor):
        super().__init__()
        once = augment.LinearTransformation(transformation_matrix, mean_vector)
        self._once = once.forward
        self.transformation_matrix, self.mean_vector = transformation_matrix, mean_vector

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        found = self._once(tv_tensors.pure(inpt))
        return found if F.is_pure_tensor(inpt) else tv_tensors.wrap(found, like=inpt)


class Normalize(_NoPIL):
    """(x − mean) / std for each channel."""

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False):
        super().__init__()
        self.mean, self.std, self.inplace = list(mean), list(std), inplace

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.normalize, inpt, self.mean, self.std, self.inplace)


def number_pair(value: Any, name: str) -> list[float]:
    """A number, or one or two, as two. TypeError or ValueError for anything else."""
    if not isinstance(value, (int, float, Sequence)):
        raise TypeError(f"{name} should be a number or a sequence of numbers. Got {type(value)}")
    if isinstance(value, Sequence):
        if len(value) not in (1, 2):
            raise ValueError(f"If {name} is a sequence its length should be 1 or 2. Got {len(value)}")
        for element in value:
            if not isinstance(element, (int, float)):
                raise ValueError(f"{name} should be a sequence of numbers. Got {type(element)}")
        return [float(value[0]), float(value[-1])]
    return [float(value), float(value)]


class GaussianBlur(Transform):
    """Blurred with a random sigma."""

    get_params = staticmethod(augment.GaussianBlur.get_params)

    def __init__(self, kernel_size: int | Sequence[int], sigma: float | Sequence[float] = (0.1, 2.0)):
        super().__init__()
        self.kernel_size = size_pair(kernel_size, "Kernel size should be a tuple/list of two integers")
        if any(k <= 0 or k % 2 == 0 for k in self.kernel_size):
            raise ValueError("Kernel size value should be an odd and positive number.")
        self.sigma = number_pair(sigma, "sigma")
        if not 0.0 < self.sigma[0] <= self.sigma[1]:
            raise ValueError(f"sigma values should be positive and of the form (min, max). Got {self.sigma}")

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"sigma": [uniform(*self.sigma)] * 2}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.gaussian_blur, inpt, self.kernel_size, params["sigma"])


class GaussianNoise(Transform):
    """Normal numbers added."""

    def __init__(self, mean: float = 0.0, sigma: float = 0.1, clip: bool = True):
        super().__init__()
        self.mean, self.sigma, self.clip = mean, sigma, clip

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.gaussian_noise, inpt, self.mean, self.sigma, self.clip)


class ToDtype(Transform):
    """Another dtype: of images and videos, or of each sort of input, {class: dtype}, "others" for the rest. `scale`: white stays white."""

    _transformed_types = (Tensor,)

    def __init__(self, dtype: Any, scale: bool = False):
        super().__init__()
        if not isinstance(dtype, (dict, dtypes.dtype)):
            raise ValueError(f"dtype must be a dict or a torch.dtype, got {type(dtype)} instead")
        if isinstance(dtype, dict) and Tensor in dtype and any(cls in dtype for cls in (tv_tensors.Image, tv_tensors.Video)):
            warnings.warn(
                "Got `dtype` values for `torch.Tensor` and either `tv_tensors.Image` or `tv_tensors.Video`. "
                "Note that a plain `torch.Tensor` will *not* be transformed by this (or any other transformation) "
                "in case a `tv_tensors.Image` or `tv_tensors.Video` is present in the input.",
                stacklevel=2,
            )
        self.dtype, self.scale = dtype, scale

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        is_visual = F.is_pure_tensor(inpt) or isinstance(inpt, (tv_tensors.Image, tv_tensors.Video))
        if isinstance(self.dtype, dtypes.dtype):
            return F.to_dtype(inpt, self.dtype, self.scale) if is_visual else inpt
        if type(inpt) not in self.dtype and "others" not in self.dtype:
            raise ValueError(
                f"No dtype was specified for type {type(inpt)}. "
                "If you only need to convert the dtype of images or videos, you can just pass e.g. dtype=torch.float32. "
                "If you're passing a dict as dtype, "
                'you can use "others" as a catch-all key '
                'e.g. dtype={tv_tensors.Mask: torch.int64, "others": None} to pass-through the rest of the inputs.'
            )
        dtype = self.dtype[type(inpt)] if type(inpt) in self.dtype else self.dtype["others"]
        if dtype is not None:
            return F.to_dtype(inpt, dtype, self.scale)
        if self.scale and is_visual:
            warnings.warn("scale was set to True but no dtype was specified for images or videos: no scaling will be done.", stacklevel=2)
        return inpt


class ConvertImageDtype(Transform):
    """Another dtype, white staying white."""

    def __init__(self, dtype: dtypes.dtype = dtypes.float32):
        super().__init__()
        self.dtype = dtype

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.to_dtype(inpt, self.dtype, scale=True) if isinstance(inpt, Tensor) else inpt


class _Sanitize(Transform):
    """Base: drops what is not sound, and its labels with it."""

    def __init__(self, labels_getter: Any, **settings: float):
        super().__init__()
        for name, value in settings.items():
            setattr(self, name, value)
        self.labels_getter = labels_getter
        self._labels_getter = labels_getter_of(labels_getter)

    def _kept(self, flat: list[Any]) -> tuple[int, np.ndarray]:
        raise NotImplementedError

    _dropped: tuple[type, ...] = ()

    def forward(self, *inputs: Any) -> Any:
        sample = inputs if len(inputs) > 1 else inputs[0]
        labels = self._labels_getter(sample)
        labels = () if labels is None else labels if isinstance(labels, (tuple, list)) else (labels,)
        for label in labels:
            if not isinstance(label, Tensor):
                raise ValueError(f"The labels in the input to forward() must be a tensor or None, got {type(label)} instead.")
        flat, make = flatten(sample)
        count, keep = self._kept(flat)
        for label in labels:
            if label.shape[0] != count:
                raise ValueError(f"{count} boxes or points, but labels with shape={label.shape}: their numbers must match.")
        return make([self._one(inpt, keep, labels) for inpt in flat])

    def _one(self, inpt: Any, keep: np.ndarray, labels: Any) -> Any:
        if any(inpt is label for label in labels):
            return inpt[tensor_of(keep)]
        if isinstance(inpt, self._dropped) and inpt.shape[0] == len(keep):
            return tv_tensors.wrap(tv_tensors.pure(inpt)[tensor_of(keep)], like=inpt)
        return inpt


class SanitizeBoundingBoxes(_Sanitize):
    """Drops boxes that are too small or out of the image, with their labels and masks."""

    _dropped = (tv_tensors.BoundingBoxes, tv_tensors.Mask)

    def __init__(self, min_size: float = 1.0, min_area: float = 1.0, labels_getter: Any = "default"):
        if min_size < 1:
            raise ValueError(f"min_size must be >= 1, got {min_size}.")
        if min_area < 1:
            raise ValueError(f"min_area must be >= 1, got {min_area}.")
        super().__init__(labels_getter, min_size=min_size, min_area=min_area)

    def _kept(self, flat: list[Any]) -> tuple[int, np.ndarray]:
        boxes = get_bounding_boxes(flat)
        return len(boxes), sound_boxes(boxes, boxes.format, boxes.canvas_size, self.min_size, self.min_area)


class SanitizeKeyPoints(_Sanitize):
    """Drops points, or chains of them, that are out of the image, with their labels."""

    _dropped = (tv_tensors.KeyPoints,)

    def __init__(self, labels_getter: Any = None):
        super().__init__(labels_getter)

    def _kept(self, flat: list[Any]) -> tuple[int, np.ndarray]:
        points = get_keypoints(flat)
        return len(points), sound_points(points, points.canvas_size)


# ---------------------------------------------------------------- classes


class ToTensor(Transform):
    """As of old: `ToImage` and `ToDtype(float32, scale=True)` took its place."""

    _transformed_types = (Image.Image, np.ndarray)

    def __init__(self):
        warnings.warn(
            "The transform `ToTensor()` is deprecated and will be removed in a future release. "
            "Instead, please use `v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])`."
            "Output is equivalent up to float precision.",
            stacklevel=2,
        )
        super().__init__()

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        from suiren.vision.transforms.functional import to_tensor

        return to_tensor(inpt)


class PILToTensor(Transform):
    """PIL images as tensors of their own dtype."""

    _transformed_types = (Image.Image,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        return F.pil_to_tensor(inpt)


class ToImage(Transform):
    """PIL images, ndarrays and plain tensors as `tv_tensors.Image`; the values stay."""

    _transformed_types = (F.is_pure_tensor, Image.Image, np.ndarray)

    def transform(self, inpt: Any, params: dict[str, Any]) -> tv_tensors.Image:
        return F.to_image(inpt)


class ToPILImage(Transform):
    """Tensors and ndarrays as PIL images."""

    _transformed_types = (F.is_pure_tensor, tv_tensors.Image, np.ndarray)

    def __init__(self, mode: str | None = None):
        super().__init__()
        self.mode = mode

    def transform(self, inpt: Any, params: dict[str, Any]) -> Image.Image:
        return F.to_pil_image(tv_tensors.pure(inpt) if isinstance(inpt, Tensor) else inpt, self.mode)


class ToPureTensor(Transform):
    """tv_tensors as plain tensors."""

    _transformed_types = (tv_tensors.TVTensor,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Tensor:
        return tv_tensors.pure(inpt)


# ---------------------------------------------------------------- boxes and points


class ConvertBoundingBoxFormat(Transform):
    """Boxes in another form."""

    _transformed_types = (tv_tensors.BoundingBoxes,)

    def __init__(self, format: str | tv_tensors.BoundingBoxFormat):
        super().__init__()
        self.format = format

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.convert_bounding_box_format(inpt, new_format=self.format)


class ClampBoundingBoxes(Transform):
    """Boxes cut off at the edges of the image."""

    _transformed_types = (tv_tensors.BoundingBoxes,)

    def __init__(self, clamping_mode: str | None = "auto"):
        super().__init__()
        self.clamping_mode = clamping_mode

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.clamp_bounding_boxes(inpt, clamping_mode=self.clamping_mode)


class ClampKeyPoints(Transform):
    """Points moved to the edge of the image where they lie outside."""

    _transformed_types = (tv_tensors.KeyPoints,)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.clamp_keypoints(inpt)


class SetClampingMode(Transform):
    """Says how boxes are to be clamped from now on: "soft", "hard" or None."""

    _transformed_types = (tv_tensors.BoundingBoxes,)

    def __init__(self, clamping_mode: str | None):
        super().__init__()
        self.clamping_mode = clamping_mode
        if clamping_mode not in (None, "soft", "hard"):
            raise ValueError(f"clamping_mode must be soft, hard or None, got {clamping_mode}")

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return tv_tensors.wrap(tv_tensors.pure(inpt), like=inpt, clamping_mode=self.clamping_mode)


class UniformTemporalSubsample(Transform):
    """So many frames of a video, evenly spaced."""

    _transformed_types = (F.is_pure_tensor, tv_tensors.Video)

    def __init__(self, num_samples: int):
        super().__init__()
        self.num_samples = num_samples

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return F.uniform_temporal_subsample(inpt, self.num_samples)

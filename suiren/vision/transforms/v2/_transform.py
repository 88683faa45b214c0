"""Transform: the base of the second version, which takes samples of any structure. Source: torchvision/transforms/v2/_transform.py, _utils.py"""

from __future__ import annotations

import collections
import enum
import numbers
from collections.abc import Callable, Sequence
from typing import Any

from PIL import Image

from suiren.nn.modules.module import Module
from suiren.tensor import Tensor
from suiren.utils.data.draws import uniform
from suiren.vision import tv_tensors
from suiren.vision.transforms.v2.functional import get_dimensions, get_size, is_pure_tensor
from suiren.vision.transforms.v2.functional._dispatch import takes

# ---------------------------------------------------------------- samples


def flatten(sample: Any) -> tuple[list[Any], Callable[[Sequence[Any]], Any]]:
    """The leaves of nested dicts, lists and tuples, in order; and a function that puts others in their places."""
    leaves: list[Any] = []

    def walk(x: Any) -> Callable[[Any], Any]:
        if isinstance(x, dict):
            parts = [(key, walk(value)) for key, value in x.items()]

            def make(get: Any) -> Any:
                found = [(key, part(get)) for key, part in parts]
                return type(x)(x.default_factory, found) if isinstance(x, collections.defaultdict) else type(x)(found)

            return make
        if isinstance(x, (list, tuple)) and type(x) in (list, tuple) or hasattr(x, "_fields"):
            inner = [walk(value) for value in x]
            return lambda get: type(x)(*(p(get) for p in inner)) if hasattr(x, "_fields") else type(x)(p(get) for p in inner)
        leaves.append(x)
        return next

    make = walk(sample)
    return leaves, lambda others: make(iter(others))


def check_type(obj: Any, types_or_checks: Sequence[type | Callable[[Any], bool]]) -> bool:
    """Whether it is of one of these classes, or passes one of these checks."""
    return any(isinstance(obj, t) if isinstance(t, type) else t(obj) for t in types_or_checks)


def has_any(flat_inputs: list[Any], *types_or_checks: type | Callable[[Any], bool]) -> bool:
    return any(check_type(inpt, types_or_checks) for inpt in flat_inputs)


def has_all(flat_inputs: list[Any], *types_or_checks: type | Callable[[Any], bool]) -> bool:
    return all(any(check_type(inpt, (t,)) for inpt in flat_inputs) for t in types_or_checks)


_IMAGES = (is_pure_tensor, tv_tensors.Image, Image.Image, tv_tensors.Video)


def query_chw(flat_inputs: list[Any]) -> tuple[int, int, int]:
    """Channels, height and width of the sample's images. TypeError if there is none, ValueError if they differ."""
    found = {tuple(get_dimensions(inpt)) for inpt in flat_inputs if check_type(inpt, _IMAGES)}
    if not found:
        raise TypeError("No image or video was found in the sample")
    if len(found) > 1:
        raise ValueError(f"Found multiple CxHxW dimensions in the sample: {', '.join(map(str, sorted(found)))}")
    return found.pop()


def query_size(flat_inputs: list[Any]) -> tuple[int, int]:
    """Height and width of whatever the sample has. TypeError if there is nothing, ValueError if they differ."""
    sorts = (*_IMAGES, tv_tensors.Mask, tv_tensors.BoundingBoxes, tv_tensors.KeyPoints)
    found = {tuple(get_size(inpt)) for inpt in flat_inputs if check_type(inpt, sorts)}
    if not found:
        raise TypeError("No image, video, mask, bounding box of keypoint was found in the sample")
    if len(found) > 1:
        raise ValueError(f"Found multiple HxW dimensions in the sample: {', '.join(map(str, sorted(found)))}")
    return found.pop()


def get_bounding_boxes(flat_inputs: list[Any]) -> tv_tensors.BoundingBoxes:
    """The sample's boxes. ValueError if it has none."""
    for inpt in flat_inputs:
        if isinstance(inpt, tv_tensors.BoundingBoxes):
            return inpt
    raise ValueError("No bounding boxes were found in the sample")


def get_keypoints(flat_inputs: list[Any]) -> tv_tensors.KeyPoints:
    """The sample's points. ValueError if it has none."""
    for inpt in flat_inputs:
        if isinstance(inpt, tv_tensors.KeyPoints):
            return inpt
    raise ValueError("No keypoints were found in the sample")


# ---------------------------------------------------------------- fills and labels


def _plain_fill(fill: Any) -> Any:
    if fill is not None and not isinstance(fill, (numbers.Number, tuple, list)):
        raise TypeError("Got inappropriate fill arg, only Numbers, tuples, lists and dicts are allowed.")
    return fill if fill is None or isinstance(fill, (int, float)) else [float(v) for v in fill]


def fills(fill: Any) -> dict:
    """{sort of input: its fill}; "others" is for the rest."""
    return {k: _plain_fill(v) for k, v in fill.items()} if isinstance(fill, dict) else {"others": _plain_fill(fill)}


def fill_of(fill: dict, inpt: Any) -> Any:
    return fill.get(type(inpt), fill.get("others"))


def find_labels(inputs: Any) -> Tensor:
    """The labels of a sample: the second of a pair; in a dict, under "labels" or a key like it."""
    if isinstance(inputs, (tuple, list)):
        inputs = inputs[1]
    if is_pure_tensor(inputs):
        return inputs
    if not isinstance(inputs, collections.abc.Mapping):
        raise ValueError(
            "When using the default labels_getter, the input passed to forward must be a dictionary or a two-tuple "
            f"whose second item is a dictionary or a tensor, but got {inputs} instead."
        )
    for fits in (lambda k: k.lower() == "labels", lambda k: "label" in k.lower()):
        for key in inputs:
            if fits(key):
                return inputs[key]
    raise ValueError(
        "Could not infer where the labels are in the sample. Try passing a callable as the labels_getter parameter?"
        "If there are no labels in the sample by design, pass labels_getter=None."
    )


def labels_getter_of(labels_getter: Any) -> Callable[[Any], Any]:
    if labels_getter == "default":
        return find_labels
    if callable(labels_getter):
        return labels_getter
    if labels_getter is None:
        return lambda _: None
    raise ValueError(f"labels_getter should either be 'default', a callable, or None, but got {labels_getter}.")


# ---------------------------------------------------------------- the base


class Transform(Module):
    """Transforms the images, videos, masks, boxes and points of a sample, all of them by the same random numbers; leaves the rest alone.

    A plain tensor is an image if there is no other image in the sample, and only the first one. Subclasses have `transform(inpt, params)`,
    and `make_params(flat_inputs)` if they draw.
    """

    _transformed_types: tuple = (Tensor, Image.Image)

    def __init__(self) -> None:
        super().__init__()

    def check_inputs(self, flat_inputs: list[Any]) -> None:
        """Raises for a sample that it cannot take."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """What is drawn once for a sample."""
        return {}

    def _call_kernel(self, functional: Callable, inpt: Any, *args: Any, **kwargs: Any) -> Any:
        return functional(inpt, *args, **kwargs) if takes(functional, inpt) else inpt

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """One part of the sample."""
        raise NotImplementedError

    def forward(self, *inputs: Any) -> Any:
        flat, make = flatten(inputs if len(inputs) > 1 else inputs[0])
        self.check_inputs(flat)
        return self._transformed(flat, make)

    def _transformed(self, flat: list[Any], make: Callable) -> Any:
        needed = self._needs_transform_list(flat)
        params = self.make_params([inpt for inpt, is_needed in zip(flat, needed) if is_needed])
        return make([self.transform(inpt, params) if is_needed else inpt for inpt, is_needed in zip(flat, needed)])

    def _needs_transform_list(self, flat_inputs: list[Any]) -> list[bool]:
        found = []
        takes_pure = not has_any(flat_inputs, tv_tensors.Image, tv_tensors.Video, Image.Image)
        for inpt in flat_inputs:
            is_needed = check_type(inpt, self._transformed_types)
            if is_needed and is_pure_tensor(inpt):
                is_needed, takes_pure = takes_pure, False
            found.append(is_needed)
        return found

    def extra_repr(self) -> str:
        shown = (bool, int, float, str, tuple, list, enum.Enum)
        return ", ".join(
            f"{name}={value}" for name, value in vars(self).items() if not name.startswith("_") and name != "training" and isinstance(value, shown)
        )


class RandomApplyTransform(Transform):
    """Base of those that transform with probability `p`."""

    def __init__(self, p: float = 0.5):
        if not 0.0 <= p <= 1.0:
            raise ValueError("`p` should be a floating point value in the interval [0.0, 1.0].")
        super().__init__()
        self.p = p

    def forward(self, *inputs: Any) -> Any:
        sample = inputs if len(inputs) > 1 else inputs[0]
        flat, make = flatten(sample)
        self.check_inputs(flat)
        return sample if uniform() >= self.p else self._transformed(flat, make)

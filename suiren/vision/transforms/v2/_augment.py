"""Erasing, mixing, JPEG. Source: torchvision/transforms/v2/_augment.py"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from suiren import full
from suiren.nn.functional import one_hot
from suiren.random.rejection import standard_dirichlet
from suiren.tensor import Tensor
from suiren.utils.data.draws import below
from suiren.vision import tv_tensors
from suiren.vision.transforms import augment
from suiren.vision.transforms.transforms import check_sequence, draw_box
from suiren.vision.transforms.v2 import functional as F
from suiren.vision.transforms.v2._transform import (
    RandomApplyTransform,
    Transform,
    flatten,
    has_any,
    labels_getter_of,
    query_chw,
    query_size,
)


class RandomErasing(RandomApplyTransform):
    """A random box filled with `value` (a number, one for each channel, or "random"), with probability `p`."""

    get_params = staticmethod(augment.RandomErasing.get_params)

    def __init__(
        self, p: float = 0.5, scale: Sequence[float] = (0.02, 0.33), ratio: Sequence[float] = (0.3, 3.3), value: Any = 0.0, inplace: bool = False
    ):
        super().__init__(p=p)
        checked = augment.RandomErasing(p, scale, ratio, value, inplace)
        self.scale, self.ratio = checked.scale, checked.ratio
        self.value = None if isinstance(value, str) else [float(v) for v in (value if isinstance(value, (list, tuple)) else [value])]
        self.inplace = inplace

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        channels, height, width = query_chw(flat_inputs)
        if self.value is not None and len(self.value) not in (1, channels):
            raise ValueError(
                f"If value is a sequence, it should have either a single value or {channels} (number of inpt channels)"
            )
        for _ in range(10):
            h, w = draw_box(height, width, self.scale, self.ratio, taller=True)
            if h < height and w < width:
                v = augment.erasing_value(self.value, channels, h, w)
                return {"i": below(height - h + 1), "j": below(width - w + 1), "h": h, "w": w, "v": v}
        return {"v": None}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return inpt if params["v"] is None else self._call_kernel(F.erase, inpt, **params, inplace=self.inplace)


class _Mix(Transform):
    """Base of those that mix a batch with itself, moved on by one, and its labels alike."""

    def __init__(self, *, alpha: float = 1.0, num_classes: int | None = None, labels_getter: Any = "default"):
        super().__init__()
        self.alpha, self.num_classes = float(alpha), num_classes
        self._labels_getter = labels_getter_of(labels_getter)

    def _share(self) -> float:
        """A number of the beta distribution."""
        return standard_dirichlet(full((2,), self.alpha))[0].item()

    def forward(self, *inputs: Any) -> Any:
        sample = inputs if len(inputs) > 1 else inputs[0]
        flat, make = flatten(sample)
        needed = self._needs_transform_list(flat)
        if has_any(flat, Image.Image, tv_tensors.BoundingBoxes, tv_tensors.Mask, tv_tensors.KeyPoints):
            raise ValueError(f"{type(self).__name__}() does not support PIL images, bounding boxes, keypoints and masks.")
        labels = self._labels_getter(sample)
        self._check_labels(labels)
        params = {"labels": labels, "batch_size": labels.shape[0], **self.make_params([x for x, is_needed in zip(flat, needed) if is_needed])}
        needed[next(i for i, inpt in enumerate(flat) if inpt is labels)] = True
        return make([self.transform(inpt, params) if is_needed else inpt for inpt, is_needed in zip(flat, needed)])

    def _check_labels(self, labels: Any) -> None:
        if not isinstance(labels, Tensor):
            raise ValueError(f"The labels must be a tensor, but got {type(labels)} instead.")
        if labels.ndim not in (1, 2):
            raise ValueError(
                "labels should be index based with shape (batch_size,) or probability based with shape (batch_size, num_classes), "
                f"but got a tensor of shape {labels.shape} instead."
            )
        if labels.ndim == 2 and self.num_classes is not None and labels.shape[-1] != self.num_classes:
            raise ValueError(
                "When passing 2D labels, the number of elements in last dimension must match num_classes: "
                f"{labels.shape[-1]} != {self.num_classes}. You can Leave num_classes to None."
            )
        if labels.ndim == 1 and self.num_classes is None:
            raise ValueError("num_classes must be passed if the labels are index-based (1D)")

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        if inpt is params["labels"]:
            return self._mixed_labels(inpt, params["share"])
        if not (isinstance(inpt, (tv_tensors.Image, tv_tensors.Video)) or F.is_pure_tensor(inpt)):
            return inpt
        dims = 5 if isinstance(inpt, tv_tensors.Video) else 4
        if inpt.ndim != dims:
            raise ValueError(f"Expected a batched input with {dims} dims, but got {inpt.ndim} dimensions instead.")
        if inpt.shape[0] != params["batch_size"]:
            raise ValueError(
                "The batch size of the image or video does not match the batch size of the labels: "
                f"{inpt.shape[0]} != {params['batch_size']}."
            )
        found = self._mixed(tv_tensors.pure(inpt), params)
        return found if F.is_pure_tensor(inpt) else tv_tensors.wrap(found, like=inpt)

    def _mixed_labels(self, label: Tensor, share: float) -> Tensor:
        label = one_hot(label, num_classes=self.num_classes) if label.ndim == 1 else label
        label = label if label.dtype.is_floating_point else label.float()
        return label.roll(1, 0).mul_(1.0 - share).add_(label.mul(share))

    def _mixed(self, batch: Tensor, params: dict[str, Any]) -> Tensor:
        raise NotImplementedError


class MixUp(_Mix):
    """Each image a mixture with the one before it, and its label alike. Source: https://arxiv.org/abs/1710.09412"""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"share": self._share()}

    def _mixed(self, batch: Tensor, params: dict[str, Any]) -> Tensor:
        return batch.roll(1, 0).mul_(1.0 - params["share"]).add_(batch.mul(params["share"]))


class CutMix(_Mix):
    """In each image a box out of the one before it, and its label a mixture accordingly. Source: https://arxiv.org/abs/1905.04899"""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        share = self._share()
        h, w = query_size(flat_inputs)
        x, y = below(w), below(h)
        r = 0.5 * math.sqrt(1.0 - share)
        half_w, half_h = int(r * w), int(r * h)
        box = (max(x - half_w, 0), max(y - half_h, 0), min(x + half_w, w), min(y + half_h, h))
        return {"box": box, "share": float(1.0 - (box[2] - box[0]) * (box[3] - box[1]) / (w * h))}

    def _mixed(self, batch: Tensor, params: dict[str, Any]) -> Tensor:
        x1, y1, x2, y2 = params["box"]
        found = batch.clone()
        found[..., y1:y2, x1:x2] = batch.roll(1, 0)[..., y1:y2, x1:x2]
        return found


class JPEG(Transform):
    """What JPEG of a random quality leaves."""

    def __init__(self, quality: int | Sequence[int]):
        super().__init__()
        if isinstance(quality, int):
            if isinstance(quality, bool):
                raise TypeError("quality can't be bool")
            quality = [quality, quality]
        else:
            check_sequence(quality, "quality", (2,))
        if not (all(isinstance(q, (int, np.integer)) for q in quality) and 1 <= quality[0] <= quality[1] <= 100):
            raise ValueError(f"quality must be an integer from 1 to 100, got {quality =}")
        self.quality = quality

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"quality": self.quality[0] + below(self.quality[1] + 1 - self.quality[0])}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.jpeg, inpt, params["quality"])

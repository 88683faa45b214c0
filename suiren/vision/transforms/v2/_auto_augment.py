"""Augmentation by policies, of one image or video in a sample. Source: torchvision/transforms/v2/_auto_augment.py

The draws are other ones than in the first version: signs are halves of `rand`, brightness thresholds are parts of white.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from suiren.tensor import Tensor
from suiren.utils.data.draws import below, uniform
from suiren.vision import tv_tensors
from suiren.vision.transforms import arrays, autoaugment
from suiren.vision.transforms.autoaugment import (
    AutoAugmentPolicy,
    Space,
    apply,
    augmix_space,
    bits_kept,
    levels,
    mild,
    mixed,
    policies,
    wide,
)
from suiren.vision.transforms.images import tensor_of
from suiren.vision.transforms.v2 import functional as F
from suiren.vision.transforms.v2._transform import Transform, check_type, fill_of, fills, flatten

_IMAGES = (tv_tensors.Image, Image.Image, F.is_pure_tensor, tv_tensors.Video)


def _parts_of_white(space: Space, n: int) -> Space:
    return {**space, "Solarize": (levels(1.0, 0.0, n), False)}


class _AutoAugmentBase(Transform):
    def __init__(self, *, interpolation: Any = "nearest", fill: Any = None):
        super().__init__()
        self.interpolation, self.fill, self._fill = interpolation, fill, fills(fill)

    def forward(self, *inputs: Any) -> Any:
        flat, make = flatten(inputs if len(inputs) > 1 else inputs[0])
        found = []
        for i, (inpt, is_needed) in enumerate(zip(flat, self._needs_transform_list(flat))):
            if is_needed and check_type(inpt, _IMAGES):
                found.append(i)
            elif isinstance(inpt, (tv_tensors.BoundingBoxes, tv_tensors.Mask, tv_tensors.KeyPoints)):
                raise TypeError(f"Inputs of type {type(inpt).__name__} are not supported by {type(self).__name__}()")
        if not found:
            raise TypeError("Found no image in the sample.")
        if len(found) > 1:
            raise TypeError(
                f"Auto augment transformations are only properly defined for a single image or video, but found {len(found)}."
            )
        flat[found[0]] = self._augmented(flat[found[0]])
        return make(flat)

    def _augmented(self, image: Any) -> Any:
        raise NotImplementedError

    def _apply(self, image: Any, name: str, magnitude: float) -> Any:
        if name == "Solarize":
            magnitude *= arrays.highest(image.dtype.np) if isinstance(image, Tensor) else 255.0
        return apply(image, name, magnitude, self.interpolation, fill_of(self._fill, image), F)

    def _drawn(self, space: Space, number: Callable[[list], int]) -> tuple[str, float]:
        name = list(space)[below(len(space))]
        magnitudes, has_sign = space[name]
        return name, 0.0 if magnitudes is None else _signed(magnitudes[number(magnitudes)], has_sign)


def _signed(magnitude: float, has_sign: bool) -> float:
    return -magnitude if has_sign and uniform() <= 0.5 else magnitude


class AutoAugment(_AutoAugmentBase):
    """A random pair of augmentations, of the 25 that were learnt on a data set."""

    get_params = staticmethod(autoaugment.AutoAugment.get_params)

    def __init__(self, policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET, interpolation: Any = "nearest", fill: Any = None):
        super().__init__(interpolation=interpolation, fill=fill)
        self.policy, self._policies = policy, policies(policy)

    def _augmented(self, image: Any) -> Any:
        height, width = F.get_size(image)
        space = _parts_of_white(mild(10, 150.0 / 331.0 * width, 150.0 / 331.0 * height, bits_kept(8, 4, 10)), 10)
        for name, p, number in self._policies[below(len(self._policies))]:
            if uniform() <= np.float32(p):
                magnitudes, has_sign = space.get(name, (None, False))
                image = self._apply(image, name, 0.0 if magnitudes is None else _signed(magnitudes[number], has_sign))
        return image


class RandAugment(_AutoAugmentBase):
    """`num_ops` random augmentations of one magnitude."""

    def __init__(
        self, num_ops: int = 2, magnitude: int = 9, num_magnitude_bins: int = 31, interpolation: Any = "nearest", fill: Any = None
    ):
        super().__init__(interpolation=interpolation, fill=fill)
        if not isinstance(num_ops, int) or num_ops < 0:
            raise ValueError(f"num_ops should be a non-negative integer, but got {num_ops} instead.")
        self.num_ops, self.magnitude, self.num_magnitude_bins = num_ops, magnitude, num_magnitude_bins

    def _augmented(self, image: Any) -> Any:
        height, width = F.get_size(image)
        n = self.num_magnitude_bins
        whole = mild(n, 150.0 / 331.0 * width, 150.0 / 331.0 * height, bits_kept(8, 4, n))
        space = _parts_of_white({"Identity": (None, False), **whole}, n)
        for _ in range(self.num_ops):
            image = self._apply(image, *self._drawn(space, lambda _: self.magnitude))
        return image


class TrivialAugmentWide(_AutoAugmentBase):
    """One random augmentation of a random magnitude."""

    def __init__(self, num_magnitude_bins: int = 31, interpolation: Any = "nearest", fill: Any = None):
        super().__init__(interpolation=interpolation, fill=fill)
        self.num_magnitude_bins = num_magnitude_bins

    def _augmented(self, image: Any) -> Any:
        space = _parts_of_white(wide(self.num_magnitude_bins), self.num_magnitude_bins)
        return self._apply(image, *self._drawn(space, lambda m: below(len(m))))


class AugMix(_AutoAugmentBase):
    """Several chains of augmentations mixed with the image."""

    _PARAMETER_MAX = 10

    def __init__(
        self,
        severity: int = 3,
        mixture_width: int = 3,
        chain_depth: int = -1,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: Any = "bilinear",
        fill: Any = None,
    ):
        super().__init__(interpolation=interpolation, fill=fill)
        if not 1 <= severity <= self._PARAMETER_MAX:
            raise ValueError(f"The severity must be between [1, {self._PARAMETER_MAX}]. Got {severity} instead.")
        self.severity, self.mixture_width, self.chain_depth = severity, mixture_width, chain_depth
        self.alpha, self.all_ops = alpha, all_ops

    def _augmented(self, image: Any) -> Any:
        height, width = F.get_size(image)
        plain = tv_tensors.pure(image) if isinstance(image, Tensor) else F.pil_to_tensor(image)
        dims = 5 if isinstance(image, tv_tensors.Video) else 4
        batch = plain.reshape([1] * max(dims - plain.ndim, 0) + list(plain.shape))
        space = _parts_of_white(augmix_space(height, width, self.all_ops), self._PARAMETER_MAX)
        total = mixed(
            batch, space, self.severity, self.mixture_width, self.chain_depth, self.alpha, self._apply, lambda: uniform() <= 0.5
        )
        found = tensor_of(total.reshape(tuple(plain.shape)).astype(plain.dtype.np))
        if isinstance(image, tv_tensors.TVTensor):
            return tv_tensors.wrap(found, like=image)
        return found if isinstance(image, Tensor) else F.to_pil_image(found)

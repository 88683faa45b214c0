"""Augmentation by policies: AutoAugment, RandAugment, TrivialAugmentWide, AugMix. Source: torchvision/transforms/autoaugment.py

They draw from the default generator, in torchvision's order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import Enum
from typing import Any

import numpy as np

from suiren import full
from suiren.nn.modules.module import Module
from suiren.random.rejection import standard_dirichlet
from suiren.tensor import Tensor
from suiren.utils.data.draws import below, uniform
from suiren.vision.transforms import functional as F
from suiren.vision.transforms.images import InterpolationMode, array_of, tensor_of
from suiren.vision.transforms.warps import colors_for


class AutoAugmentPolicy(Enum):
    """What a policy was learnt on."""

    IMAGENET = "imagenet"
    CIFAR10 = "cifar10"
    SVHN = "svhn"


def levels(first: float, last: float, n: int) -> list[float]:
    """`torch.linspace`: float32, counted from either end to the middle, each number rounded once (float64 holds the product)."""
    one = np.float32
    step = float((one(last) - one(first)) / one(max(n - 1, 1)))
    places = np.arange(n)
    upper = float(one(last)) - step * (n - 1 - places)
    return np.where(places < n // 2, float(one(first)) + step * places, upper if n > 1 else float(one(first))).astype(one).tolist()


def bits_kept(most: int, fewer: int, n: int) -> list[int]:
    """From `most` bits down by `fewer`, in n steps."""
    steps = np.round(np.arange(n, dtype=np.float32) / np.float32((n - 1) / fewer))
    return (most - steps.astype(int)).tolist()


Space = dict[str, tuple[list | None, bool]]  # name -> (its magnitudes, whether they have a random sign)


def mild(n: int, width: float, height: float, bits: list[int]) -> Space:
    """The magnitudes that AutoAugment, RandAugment and AugMix share; `width` and `height` are the longest moves."""
    strength = levels(0.0, 0.9, n)
    return {
        "ShearX": (levels(0.0, 0.3, n), True),
        "ShearY": (levels(0.0, 0.3, n), True),
        "TranslateX": (levels(0.0, width, n), True),
        "TranslateY": (levels(0.0, height, n), True),
        "Rotate": (levels(0.0, 30.0, n), True),
        "Brightness": (strength, True),
        "Color": (strength, True),
        "Contrast": (strength, True),
        "Sharpness": (strength, True),
        "Posterize": (bits, False),
        "Solarize": (levels(255.0, 0.0, n), False),
        "AutoContrast": (None, False),
        "Equalize": (None, False),
    }


def wide(n: int) -> Space:
    """The magnitudes of TrivialAugmentWide."""
    found = mild(n, 32.0, 32.0, bits_kept(8, 6, n))
    strength = (levels(0.0, 0.99, n), True)
    found.update(dict.fromkeys(("ShearX", "ShearY", "Brightness", "Color", "Contrast", "Sharpness"), strength))
    found["Rotate"] = (levels(0.0, 135.0, n), True)
    return {"Identity": (None, False), **found}


def apply(img: Any, name: str, magnitude: float, interpolation: InterpolationMode, fill: Any, f: Any = F) -> Any:
    """The augmentation of this name, by the functions of `f`. ValueError for another name."""
    straight = {"angle": 0.0, "scale": 1.0, "interpolation": interpolation, "fill": fill}
    if name in ("ShearX", "ShearY"):  # torchvision shears by an angle, the papers by its tangent
        angle = math.degrees(math.atan(magnitude))
        shear = [angle, 0.0] if name == "ShearX" else [0.0, angle]
        return f.affine(img, translate=[0, 0], shear=shear, center=[0, 0], **straight)
    if name in ("TranslateX", "TranslateY"):
        move = [int(magnitude), 0] if name == "TranslateX" else [0, int(magnitude)]
        return f.affine(img, translate=move, shear=[0.0, 0.0], **straight)
    if name == "Rotate":
        return f.rotate(img, magnitude, interpolation=interpolation, fill=fill)
    if name in _STRONGER:
        return getattr(f, _STRONGER[name])(img, 1.0 + magnitude)
    if name == "Posterize":
        return f.posterize(img, int(magnitude))
    if name == "Solarize":
        return f.solarize(img, magnitude)
    if name in _PLAIN:
        return getattr(f, _PLAIN[name])(img)
    if name != "Identity":
        raise ValueError(f"The provided operator {name} is not recognized.")
    return img


_STRONGER = {"Brightness": "adjust_brightness", "Color": "adjust_saturation", "Contrast": "adjust_contrast", "Sharpness": "adjust_sharpness"}
_PLAIN = {"AutoContrast": "autocontrast", "Equalize": "equalize", "Invert": "invert"}

# pairs of: name, probability, number of the magnitude
_POLICIES = {
    "imagenet": """
        Posterize 0.4 8, Rotate 0.6 9; Solarize 0.6 5, AutoContrast 0.6 -; Equalize 0.8 -, Equalize 0.6 -
        Posterize 0.6 7, Posterize 0.6 6; Equalize 0.4 -, Solarize 0.2 4; Equalize 0.4 -, Rotate 0.8 8
        Solarize 0.6 3, Equalize 0.6 -; Posterize 0.8 5, Equalize 1.0 -; Rotate 0.2 3, Solarize 0.6 8
        Equalize 0.6 -, Posterize 0.4 6; Rotate 0.8 8, Color 0.4 0; Rotate 0.4 9, Equalize 0.6 -
        Equalize 0.0 -, Equalize 0.8 -; Invert 0.6 -, Equalize 1.0 -; Color 0.6 4, Contrast 1.0 8
        Rotate 0.8 8, Color 1.0 2; Color 0.8 8, Solarize 0.8 7; Sharpness 0.4 7, Invert 0.6 -
        ShearX 0.6 5, Equalize 1.0 -; Color 0.4 0, Equalize 0.6 -; Equalize 0.4 -, Solarize 0.2 4
        Solarize 0.6 5, AutoContrast 0.6 -; Invert 0.6 -, Equalize 1.0 -; Color 0.6 4, Contrast 1.0 8
        Equalize 0.8 -, Equalize 0.6 -
    """,
    "cifar10": """
        Invert 0.1 -, Contrast 0.2 6; Rotate 0.7 2, TranslateX 0.3 9; Sharpness 0.8 1, Sharpness 0.9 3
        ShearY 0.5 8, TranslateY 0.7 9; AutoContrast 0.5 -, Equalize 0.9 -; ShearY 0.2 7, Posterize 0.3 7
        Color 0.4 3, Brightness 0.6 7; Sharpness 0.3 9, Brightness 0.7 9; Equalize 0.6 -, Equalize 0.5 -
        Contrast 0.6 7, Sharpness 0.6 5; Color 0.7 7, TranslateX 0.5 8; Equalize 0.3 -, AutoContrast 0.4 -
        TranslateY 0.4 3, Sharpness 0.2 6; Brightness 0.9 6, Color 0.2 8; Solarize 0.5 2, Invert 0.0 -
        Equalize 0.2 -, AutoContrast 0.6 -; Equalize 0.2 -, Equalize 0.6 -; Color 0.9 9, Equalize 0.6 -
        AutoContrast 0.8 -, Solarize 0.2 8; Brightness 0.1 3, Color 0.7 0; Solarize 0.4 5, AutoContrast 0.9 -
        TranslateY 0.9 9, TranslateY 0.7 9; AutoContrast 0.9 -, Solarize 0.8 3; Equalize 0.8 -, Invert 0.1 -
        TranslateY 0.7 9, AutoContrast 0.9 -
    """,
    "svhn": """
        ShearX 0.9 4, Invert 0.2 -; ShearY 0.9 8, Invert 0.7 -; Equalize 0.6 -, Solarize 0.6 6
        Invert 0.9 -, Equalize 0.6 -; Equalize 0.6 -, Rotate 0.9 3; ShearX 0.9 4, AutoContrast 0.8 -
        ShearY 0.9 8, Invert 0.4 -; ShearY 0.9 5, Solarize 0.2 6; Invert 0.9 -, AutoContrast 0.8 -
        Equalize 0.6 -, Rotate 0.9 3; ShearX 0.9 4, Solarize 0.3 3; ShearY 0.8 8, Invert 0.7 -
        Equalize 0.9 -, TranslateY 0.6 6; Invert 0.9 -, Equalize 0.6 -; Contrast 0.3 3, Rotate 0.8 4
        Invert 0.8 -, TranslateY 0.0 2; ShearY 0.7 6, Solarize 0.4 8; Invert 0.6 -, Rotate 0.8 4
        ShearY 0.3 7, TranslateX 0.9 3; ShearX 0.1 6, Invert 0.6 -; Solarize 0.7 2, TranslateY 0.6 7
        ShearY 0.8 4, Invert 0.8 -; ShearX 0.7 9, TranslateY 0.8 3; ShearY 0.8 5, AutoContrast 0.7 -
        ShearX 0.7 2, Invert 0.1 -
    """,
}


def policies(policy: AutoAugmentPolicy) -> list[list[tuple[str, float, int | None]]]:
    """The 25 pairs of a policy. ValueError for another one."""
    if not isinstance(policy, AutoAugmentPolicy):
        raise ValueError(f"The provided policy {policy} is not recognized.")
    found = []
    for pair in _POLICIES[policy.value].replace("\n", ";").split(";"):
        if pair.strip():
            steps = (step.split() for step in pair.split(","))
            found.append([(name, float(p), None if number == "-" else int(number)) for name, p, number in steps])
    return found


def _chosen(space: Space) -> tuple[str, list | None, bool]:
    name = list(space)[below(len(space))]
    return (name, *space[name])


class _Policy(Module):
    """Base: fills of tensors as one number for each channel."""

    def _fill_for(self, img: Any) -> Any:
        return colors_for(img, self.fill, F.get_image_num_channels(img))


class AutoAugment(_Policy):
    """A random pair of augmentations, of the 25 that were learnt on a data set. Source: https://arxiv.org/abs/1805.09501. Tensors: bytes."""

    def __init__(
        self,
        policy: AutoAugmentPolicy = AutoAugmentPolicy.IMAGENET,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = None,
    ):
        super().__init__()
        self.policy, self.interpolation, self.fill = policy, interpolation, fill
        self.policies = policies(policy)

    @staticmethod
    def get_params(transform_num: int) -> tuple[int, list[float], list[int]]:
        """The pair's number, how probable each of it must be, and signs."""
        return below(transform_num), [uniform(), uniform()], [below(2), below(2)]

    def forward(self, img: Any) -> Any:
        fill = self._fill_for(img)
        _, height, width = F.get_dimensions(img)
        number, chances, signs = self.get_params(len(self.policies))
        space = {**mild(10, 150.0 / 331.0 * width, 150.0 / 331.0 * height, bits_kept(8, 4, 10)), "Invert": (None, False)}
        for chance, sign, (name, p, place) in zip(chances, signs, self.policies[number]):
            if chance <= np.float32(p):
                magnitudes, has_sign = space[name]
                magnitude = 0.0 if place is None or magnitudes is None else magnitudes[place]
                img = apply(img, name, -magnitude if has_sign and sign == 0 else magnitude, self.interpolation, fill)
        return img

    def __repr__(self) -> str:
        return f"{type(self).__name__}(policy={self.policy}, fill={self.fill})"


class RandAugment(_Policy):
    """`num_ops` random augmentations of one magnitude. Source: https://arxiv.org/abs/1909.13719. Tensors: bytes."""

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        interpolation: InterpolationMode = InterpolationMode.NEAREST,
        fill: Any = None,
    ):
        super().__init__()
        self.num_ops, self.magnitude, self.num_magnitude_bins = num_ops, magnitude, num_magnitude_bins
        self.interpolation, self.fill = interpolation, fill

    def forward(self, img: Any) -> Any:
        fill = self._fill_for(img)
        _, height, width = F.get_dimensions(img)
        n = self.num_magnitude_bins
        space = {"Identity": (None, False), **mild(n, 150.0 / 331.0 * width, 150.0 / 331.0 * height, bits_kept(8, 4, n))}
        for _ in range(self.num_ops):
            name, magnitudes, has_sign = _chosen(space)
            magnitude = 0.0 if magnitudes is None else magnitudes[self.magnitude]
            if has_sign and below(2):
                magnitude = -magnitude
            img = apply(img, name, magnitude, self.interpolation, fill)
        return img

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_ops={self.num_ops}, magnitude={self.magnitude}, num_magnitude_bins={self.num_magnitude_bins}, "
            f"interpolation={self.interpolation}, fill={self.fill})"
        )


class TrivialAugmentWide(_Policy):
    """One random augmentation of a random magnitude. Source: https://arxiv.org/abs/2103.10158. Tensors: bytes."""

    def __init__(self, num_magnitude_bins: int = 31, interpolation: InterpolationMode = InterpolationMode.NEAREST, fill: Any = None):
        super().__init__()
        self.num_magnitude_bins, self.interpolation, self.fill = num_magnitude_bins, interpolation, fill

    def forward(self, img: Any) -> Any:
        name, magnitudes, has_sign = _chosen(wide(self.num_magnitude_bins))
        magnitude = 0.0 if magnitudes is None else magnitudes[below(len(magnitudes))]
        if has_sign and below(2):
            magnitude = -magnitude
        return apply(img, name, magnitude, self.interpolation, self._fill_for(img))

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(num_magnitude_bins={self.num_magnitude_bins}, interpolation={self.interpolation}, fill={self.fill})"
        )


def mixed(
    batch: Any, space: Space, severity: int, width: int, depth: int, alpha: float, step: Callable[[Any, str, float], Any], sign: Callable[[], bool]
) -> np.ndarray:
    """AugMix's sum, float32 (B, C, H, W): the image and `width` chains of augmentations, weighted at random. `batch`: a tensor (B, C, H, W)."""
    count = batch.shape[0]
    shares = array_of(standard_dirichlet(full((count, 2), float(alpha))))
    weights = array_of(standard_dirichlet(full((count, width), float(alpha)))) * shares[:, 1:]
    whole = (count, *(1,) * (batch.ndim - 1))
    total = shares[:, 0].reshape(whole) * array_of(batch)
    for i in range(width):
        augmented = batch
        for _ in range(depth if depth > 0 else 1 + below(3)):
            name, magnitudes, has_sign = _chosen(space)
            magnitude = 0.0 if magnitudes is None else magnitudes[below(severity)]
            augmented = step(augmented, name, -magnitude if has_sign and sign() else magnitude)
        total += weights[:, i].reshape(whole) * array_of(augmented)
    return total


class AugMix(_Policy):
    """Several chains of augmentations mixed with the image. Source: https://arxiv.org/abs/1912.02781. Tensors: bytes."""

    _PARAMETER_MAX = 10

    def __init__(
        self,
        severity: int = 3,
        mixture_width: int = 3,
        chain_depth: int = -1,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: InterpolationMode = InterpolationMode.BILINEAR,
        fill: Any = None,
    ):
        super().__init__()
        if not 1 <= severity <= self._PARAMETER_MAX:
            raise ValueError(f"The severity must be between [1, {self._PARAMETER_MAX}]. Got {severity} instead.")
        self.severity, self.mixture_width, self.chain_depth, self.alpha = severity, mixture_width, chain_depth, alpha
        self.all_ops, self.interpolation, self.fill = all_ops, interpolation, fill

    def forward(self, orig_img: Any) -> Any:
        fill = self._fill_for(orig_img)
        _, height, width = F.get_dimensions(orig_img)
        img = orig_img if isinstance(orig_img, Tensor) else F.pil_to_tensor(orig_img)
        batch = img.reshape([1] * max(4 - img.ndim, 0) + list(img.shape))
        space = augmix_space(height, width, self.all_ops)
        total = mixed(
            batch, space, self.severity, self.mixture_width, self.chain_depth, self.alpha,
            lambda x, name, magnitude: apply(x, name, magnitude, self.interpolation, fill), lambda: bool(below(2)),
        )  # fmt: skip
        found = tensor_of(total.reshape(tuple(img.shape)).astype(img.dtype.np))
        return found if isinstance(orig_img, Tensor) else F.to_pil_image(found)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(severity={self.severity}, mixture_width={self.mixture_width}, chain_depth={self.chain_depth}, "
            f"alpha={self.alpha}, all_ops={self.all_ops}, interpolation={self.interpolation}, fill={self.fill})"
        )


def augmix_space(height: int, width: int, all_ops: bool) -> Space:
    """AugMix's augmentations: without `all_ops`, those that are not in the test of robustness that it was made for."""
    whole = mild(10, width / 3.0, height / 3.0, bits_kept(4, 4, 10))
    colours = ("Brightness", "Color", "Contrast", "Sharpness")
    found = {name: entry for name, entry in whole.items() if name not in colours}
    return {**found, **{name: whole[name] for name in colours}} if all_ops else found

"""Transforms of colours. Source: torchvision/transforms/v2/_color.py"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from suiren.utils.data.draws import permutation, uniform
from suiren.vision.transforms import augment
from suiren.vision.transforms.v2 import functional as F
from suiren.vision.transforms.v2._transform import RandomApplyTransform, Transform, query_chw


class Grayscale(Transform):
    """In grays, with 1 or 3 channels."""

    def __init__(self, num_output_channels: int = 1):
        super().__init__()
        self.num_output_channels = num_output_channels

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.rgb_to_grayscale, inpt, self.num_output_channels)


class RandomGrayscale(RandomApplyTransform):
    """In grays with probability `p`, as many channels as before."""

    def __init__(self, p: float = 0.1):
        super().__init__(p=p)

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"num_output_channels": query_chw(flat_inputs)[0]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.rgb_to_grayscale, inpt, **params)


class RGB(Transform):
    """Grays as three equal channels."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.grayscale_to_rgb, inpt)


def _factor_range(value: Any, name: str, center: float = 1.0, bound: tuple[float, float] = (0, float("inf"))) -> tuple[float, float] | None:
    if value is None:
        return None
    if isinstance(value, (int, float)):
        if value < 0:
            raise ValueError(f"If {name} is a single number, it must be non negative.")
        value = [center - value, center + value]
        if center == 1.0:
            value[0] = max(value[0], 0.0)
    elif isinstance(value, Sequence) and len(value) == 2:
        value = [float(v) for v in value]
    else:
        raise TypeError(f"{name}={value} should be a single number or a sequence with length 2.")
    if not bound[0] <= value[0] <= value[1] <= bound[1]:
        raise ValueError(f"{name} values should be between {bound} and increasing, but got {value}.")
    return None if value[0] == value[1] == center else (float(value[0]), float(value[1]))


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed in a random order by random factors."""

    get_params = staticmethod(augment.ColorJitter.get_params)

    def __init__(self, brightness: Any = None, contrast: Any = None, saturation: Any = None, hue: Any = None):
        super().__init__()
        self.brightness = _factor_range(brightness, "brightness")
        self.contrast = _factor_range(contrast, "contrast")
        self.saturation = _factor_range(saturation, "saturation")
        self.hue = _factor_range(hue, "hue", 0, (-0.5, 0.5))

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        order = permutation(4)
        ranges = (self.brightness, self.contrast, self.saturation, self.hue)
        return {"order": order, "factors": [None if r is None else uniform(*r) for r in ranges]}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        functions = (F.adjust_brightness, F.adjust_contrast, F.adjust_saturation, F.adjust_hue)
        for i in params["order"]:
            if params["factors"][i] is not None:
                inpt = self._call_kernel(functions[i], inpt, params["factors"][i])
        return inpt


class RandomChannelPermutation(Transform):
    """The channels in a random order."""

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        return {"permutation": permutation(query_chw(flat_inputs)[0])}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.permute_channels, inpt, params["permutation"])


class RandomPhotometricDistort(Transform):
    """Colours distorted, each way with probability `p`. Source: https://arxiv.org/abs/1512.02325"""

    def __init__(
        self,
        brightness: tuple[float, float] = (0.875, 1.125),
        contrast: tuple[float, float] = (0.5, 1.5),
        saturation: tuple[float, float] = (0.5, 1.5),
        hue: tuple[float, float] = (-0.05, 0.05),
        p: float = 0.5,
    ):
        super().__init__()
        self.brightness, self.contrast, self.hue, self.saturation, self.p = brightness, contrast, hue, saturation, p

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        channels = query_chw(flat_inputs)[0]
        ranges = (self.brightness, self.contrast, self.saturation, self.hue)
        factors = [uniform(*r) if uniform() < self.p else None for r in ranges]
        contrast_first = uniform() < 0.5
        return {"factors": factors, "contrast_first": contrast_first, "permutation": permutation(channels) if uniform() < self.p else None}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        brightness, contrast, saturation, hue = params["factors"]
        contrast_step = (F.adjust_contrast, contrast)
        steps: list[tuple[Callable, Any]] = [(F.adjust_brightness, brightness), (F.adjust_saturation, saturation), (F.adjust_hue, hue)]
        steps.insert(1 if params["contrast_first"] else 3, contrast_step)
        for function, argument in [*steps, (F.permute_channels, params["permutation"])]:
            if argument is not None:
                inpt = self._call_kernel(function, inpt, argument)
        return inpt


class RandomEqualize(RandomApplyTransform):
    """Each channel's histogram made flat, with probability `p`."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.equalize, inpt)


class RandomInvert(RandomApplyTransform):
    """Black for white, with probability `p`."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.invert, inpt)


class RandomPosterize(RandomApplyTransform):
    """Only the upper `bits` of each byte kept, with probability `p`."""

    def __init__(self, bits: int, p: float = 0.5):
        super().__init__(p=p)
        self.bits = bits

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.posterize, inpt, self.bits)


class RandomSolarize(RandomApplyTransform):
    """What is at least as bright as `threshold` inverted, with probability `p`."""

    def __init__(self, threshold: float, p: float = 0.5):
        super().__init__(p=p)
        self.threshold = threshold

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.solarize, inpt, self.threshold)


class RandomAutocontrast(RandomApplyTransform):
    """Each channel stretched from black to white, with probability `p`."""

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.autocontrast, inpt)


class RandomAdjustSharpness(RandomApplyTransform):
    """Sharpened or blurred, with probability `p`."""

    def __init__(self, sharpness_factor: float, p: float = 0.5):
        super().__init__(p=p)
        self.sharpness_factor = sharpness_factor

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        return self._call_kernel(F.adjust_sharpness, inpt, self.sharpness_factor)

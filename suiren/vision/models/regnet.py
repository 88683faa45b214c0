"""RegNet. Source: https://arxiv.org/abs/2003.13678, torchvision/models/regnet.py"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np

from suiren import Tensor, nn
from suiren.vision.models._api import register_model, weights_enum
from suiren.vision.models._utils import _make_divisible
from suiren.vision.ops.misc import Conv2dNormActivation, SqueezeExcitation

_SIZES_Y = ("400MF", "800MF", "1_6GF", "3_2GF", "8GF", "16GF", "32GF", "128GF")
_NAMES = (*(f"RegNet_Y_{s}" for s in _SIZES_Y), *(f"RegNet_X_{s}" for s in _SIZES_Y[:-1]))
__all__ = ["RegNet", *(n + "_Weights" for n in _NAMES), *(n.lower() for n in _NAMES)]

RegNet_Y_400MF_Weights = weights_enum("RegNet_Y_400MF_Weights", __name__)
RegNet_Y_800MF_Weights = weights_enum("RegNet_Y_800MF_Weights", __name__)
RegNet_Y_1_6GF_Weights = weights_enum("RegNet_Y_1_6GF_Weights", __name__)
RegNet_Y_3_2GF_Weights = weights_enum("RegNet_Y_3_2GF_Weights", __name__)
RegNet_Y_8GF_Weights = weights_enum("RegNet_Y_8GF_Weights", __name__)
RegNet_Y_16GF_Weights = weights_enum("RegNet_Y_16GF_Weights", __name__)
RegNet_Y_32GF_Weights = weights_enum("RegNet_Y_32GF_Weights", __name__)
RegNet_Y_128GF_Weights = weights_enum("RegNet_Y_128GF_Weights", __name__)
RegNet_X_400MF_Weights = weights_enum("RegNet_X_400MF_Weights", __name__)
RegNet_X_800MF_Weights = weights_enum("RegNet_X_800MF_Weights", __name__)
RegNet_X_1_6GF_Weights = weights_enum("RegNet_X_1_6GF_Weights", __name__)
RegNet_X_3_2GF_Weights = weights_enum("RegNet_X_3_2GF_Weights", __name__)
RegNet_X_8GF_Weights = weights_enum("RegNet_X_8GF_Weights", __name__)
RegNet_X_16GF_Weights = weights_enum("RegNet_X_16GF_Weights", __name__)
RegNet_X_32GF_Weights = weights_enum("RegNet_X_32GF_Weights", __name__)

Layer = Callable[..., nn.Module]


class SimpleStemIN(Conv2dNormActivation):
    """The first convolution: 3×3, stride 2."""

    def __init__(self, width_in: int, width_out: int, norm_layer: Layer, activation_layer: Layer):
        super().__init__(width_in, width_out, kernel_size=3, stride=2, norm_layer=norm_layer, activation_layer=activation_layer)


class BottleneckTransform(nn.Sequential):
    """1×1, 3×3 in groups, squeeze and excitation if `se_ratio` is given, 1×1."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        norm_layer: Layer,
        activation_layer: Layer,
        group_width: int,
        bottleneck_multiplier: float,
        se_ratio: float | None,
    ):
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        width = int(round(width_out * bottleneck_multiplier))
        both = {"norm_layer": norm_layer, "activation_layer": activation_layer}
        layers["a"] = Conv2dNormActivation(width_in, width, kernel_size=1, stride=1, **both)
        layers["b"] = Conv2dNormActivation(width, width, kernel_size=3, stride=stride, groups=width // group_width, **both)
        if se_ratio:  # of the width before the block
            layers["se"] = SqueezeExcitation(width, int(round(se_ratio * width_in)), activation=activation_layer)
        layers["c"] = Conv2dNormActivation(width, width_out, kernel_size=1, stride=1, norm_layer=norm_layer, activation_layer=None)
        super().__init__(layers)


class ResBottleneckBlock(nn.Module):
    """x + f(x), with a projection of x where the shape changes."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        norm_layer: Layer,
        activation_layer: Layer,
        group_width: int = 1,
        bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None,
    ):
        super().__init__()
        self.proj = None
        if width_in != width_out or stride != 1:
            self.proj = Conv2dNormActivation(width_in, width_out, kernel_size=1, stride=stride, norm_layer=norm_layer, activation_layer=None)
        self.f = BottleneckTransform(
            width_in, width_out, stride, norm_layer, activation_layer, group_width, bottleneck_multiplier, se_ratio
        )
        self.activation = activation_layer(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.activation((x if self.proj is None else self.proj(x)) + self.f(x))


class AnyStage(nn.Sequential):
    """`depth` blocks of one width; the first one has the stride."""

    def __init__(
        self,
        width_in: int,
        width_out: int,
        stride: int,
        depth: int,
        block_constructor: Layer,
        norm_layer: Layer,
        activation_layer: Layer,
        group_width: int,
        bottleneck_multiplier: float,
        se_ratio: float | None = None,
        stage_index: int = 0,
    ):
        super().__init__()
        for i in range(depth):
            before, step = (width_in, stride) if i == 0 else (width_out, 1)
            block = block_constructor(
                before, width_out, step, norm_layer, activation_layer, group_width, bottleneck_multiplier, se_ratio
            )
            self.add_module(f"block{stage_index}-{i}", block)


class BlockParams:
    """The stages: how many blocks, how wide, in groups of what width."""

    def __init__(
        self,
        depths: list[int],
        widths: list[int],
        group_widths: list[int],
        bottleneck_multipliers: list[float],
        strides: list[int],
        se_ratio: float | None = None,
    ):
        self.depths, self.widths, self.group_widths = depths, widths, group_widths
        self.bottleneck_multipliers, self.strides, self.se_ratio = bottleneck_multipliers, strides, se_ratio

    @classmethod
    def from_init_params(
        cls,
        depth: int,
        w_0: int,
        w_a: float,
        w_m: float,
        group_width: int,
        bottleneck_multiplier: float = 1.0,
        se_ratio: float | None = None,
        **kwargs: Any,
    ) -> BlockParams:
        """Block i is w_0 + i · w_a wide, brought to w_0 · w_m^k and then to a multiple of 8; blocks of one width are a stage (section 3.3)."""
        if w_a < 0 or w_0 <= 0 or w_m <= 1 or w_0 % 8 != 0:
            raise ValueError("Invalid RegNet settings")
        one = np.float32  # torchvision computes them as tensors
        wanted = np.arange(depth, dtype=one) * one(w_a) + one(w_0)
        capacity = np.round(np.log(wanted / one(w_0)) / one(math.log(w_m)))
        widths = (np.round(one(w_0) * np.power(one(w_m), capacity) / one(8)) * one(8)).astype(int).tolist()
        stages = [(width, len(list(blocks))) for width, blocks in groupby(widths)]
        multipliers = [bottleneck_multiplier] * len(stages)
        stage_widths, group_widths = cls._adjust_widths_groups_compatibilty(
            [width for width, _ in stages], multipliers, [group_width] * len(stages)
        )
        return cls([n for _, n in stages], stage_widths, group_widths, multipliers, [2] * len(stages), se_ratio)

    def _get_expanded_params(self) -> Any:
        return zip(self.widths, self.strides, self.depths, self.group_widths, self.bottleneck_multipliers)

    @staticmethod
    def _adjust_widths_groups_compatibilty(
        stage_widths: list[int], bottleneck_ratios: list[float], group_widths: list[int]
    ) -> tuple[list[int], list[int]]:
        """Widths that are multiples of their groups' width."""
        widths = [int(w * b) for w, b in zip(stage_widths, bottleneck_ratios)]
        groups = [min(g, w) for g, w in zip(group_widths, widths)]
        return [int(_make_divisible(w, g) / b) for w, g, b in zip(widths, groups, bottleneck_ratios)], groups


class RegNet(nn.Module):
    """(N, 3, H, W) -> (N, num_classes)"""

    def __init__(
        self,
        block_params: BlockParams,
        num_classes: int = 1000,
        stem_width: int = 32,
        stem_type: Layer | None = None,
        block_type: Layer | None = None,
        norm_layer: Layer | None = None,
        activation: Layer | None = None,
    ):
        super().__init__()
        norm_layer, activation = norm_layer or nn.BatchNorm2d, activation or nn.ReLU
        self.stem = (stem_type or SimpleStemIN)(3, stem_width, norm_layer, activation)
        width, stages = stem_width, OrderedDict()
        for i, (out, stride, depth, group_width, multiplier) in enumerate(block_params._get_expanded_params(), start=1):
            stages[f"block{i}"] = AnyStage(
                width, out, stride, depth, block_type or ResBottleneckBlock, norm_layer, activation, group_width, multiplier,
                block_params.se_ratio, stage_index=i,
            )  # fmt: skip
            width = out
        self.trunk_output = nn.Sequential(stages)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(in_features=width, out_features=num_classes)
        for m in self.modules():
            if isinstance(m, nn.Conv2d):
                nn.init.normal_(m.weight, mean=0.0, std=math.sqrt(2.0 / (m.kernel_size[0] * m.kernel_size[1] * m.out_channels)))
            elif isinstance(m, nn.BatchNorm2d):
                nn.init.ones_(m.weight)
                nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Linear):
                nn.init.normal_(m.weight, mean=0.0, std=0.01)
                nn.init.zeros_(m.bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.avgpool(self.trunk_output(self.stem(x))).flatten(start_dim=1))


def _regnet(depth: int, w_0: int, w_a: float, w_m: float, group_width: int, se_ratio: float | None, kwargs: dict[str, Any]) -> RegNet:
    params = BlockParams.from_init_params(depth, w_0, w_a, w_m, group_width, se_ratio=se_ratio, **kwargs)
    kwargs.setdefault("norm_layer", partial(nn.BatchNorm2d, eps=1e-05, momentum=0.1))
    return RegNet(params, **kwargs)


@register_model(RegNet_Y_400MF_Weights)
def regnet_y_400mf(**kwargs: Any) -> RegNet:
    """RegNetY, 400 million multiplications."""
    return _regnet(16, 48, 27.89, 2.09, 8, 0.25, kwargs)


@register_model(RegNet_Y_800MF_Weights)
def regnet_y_800mf(**kwargs: Any) -> RegNet:
    """RegNetY, 800 million multiplications."""
    return _regnet(14, 56, 38.84, 2.4, 16, 0.25, kwargs)


@register_model(RegNet_Y_1_6GF_Weights)
def regnet_y_1_6gf(**kwargs: Any) -> RegNet:
    """RegNetY, 1.6 thousand million multiplications."""
    return _regnet(27, 48, 20.71, 2.65, 24, 0.25, kwargs)


@register_model(RegNet_Y_3_2GF_Weights)
def regnet_y_3_2gf(**kwargs: Any) -> RegNet:
    """RegNetY, 3.2 thousand million multiplications."""
    return _regnet(21, 80, 42.63, 2.66, 24, 0.25, kwargs)


@register_model(RegNet_Y_8GF_Weights)
def regnet_y_8gf(**kwargs: Any) -> RegNet:
    """RegNetY, 8 thousand million multiplications."""
    return _regnet(17, 192, 76.82, 2.19, 56, 0.25, kwargs)


@register_model(RegNet_Y_16GF_Weights)
def regnet_y_16gf(**kwargs: Any) -> RegNet:
    """RegNetY, 16 thousand million multiplications."""
    return _regnet(18, 200, 106.23, 2.48, 112, 0.25, kwargs)


@register_model(RegNet_Y_32GF_Weights)
def regnet_y_32gf(**kwargs: Any) -> RegNet:
    """RegNetY, 32 thousand million multiplications."""
    return _regnet(20, 232, 115.89, 2.53, 232, 0.25, kwargs)


@register_model(RegNet_Y_128GF_Weights, pretrained=None)
def regnet_y_128gf(**kwargs: Any) -> RegNet:
    """RegNetY, 128 thousand million multiplications."""
    return _regnet(27, 456, 160.83, 2.52, 264, 0.25, kwargs)


@register_model(RegNet_X_400MF_Weights)
def regnet_x_400mf(**kwargs: Any) -> RegNet:
    """RegNetX, 400 million multiplications."""
    return _regnet(22, 24, 24.48, 2.54, 16, None, kwargs)


@register_model(RegNet_X_800MF_Weights)
def regnet_x_800mf(**kwargs: Any) -> RegNet:
    """RegNetX, 800 million multiplications."""
    return _regnet(16, 56, 35.73, 2.28, 16, None, kwargs)


@register_model(RegNet_X_1_6GF_Weights)
def regnet_x_1_6gf(**kwargs: Any) -> RegNet:
    """RegNetX, 1.6 thousand million multiplications."""
    return _regnet(18, 80, 34.01, 2.25, 24, None, kwargs)


@register_model(RegNet_X_3_2GF_Weights)
def regnet_x_3_2gf(**kwargs: Any) -> RegNet:
    """RegNetX, 3.2 thousand million multiplications."""
    return _regnet(25, 88, 26.31, 2.25, 48, None, kwargs)


@register_model(RegNet_X_8GF_Weights)
def regnet_x_8gf(**kwargs: Any) -> RegNet:
    """RegNetX, 8 thousand million multiplications."""
    return _regnet(23, 80, 49.56, 2.88, 120, None, kwargs)


@register_model(RegNet_X_16GF_Weights)
def regnet_x_16gf(**kwargs: Any) -> RegNet:
    """RegNetX, 16 thousand million multiplications."""
    return _regnet(22, 216, 55.59, 2.1, 128, None, kwargs)


@register_model(RegNet_X_32GF_Weights)
def regnet_x_32gf(**kwargs: Any) -> RegNet:
    """RegNetX, 32 thousand million multiplications."""
    return _regnet(23, 320, 69.86, 2.0, 168, None, kwargs)

"""VGG. Source: https://arxiv.org/abs/1409.1556, torchvision/models/vgg.py"""

from __future__ import annotations

from typing import Any

from suiren import Tensor, nn
from suiren.vision.models._api import register_model, weights_enum

_NAMES = ("VGG11", "VGG11_BN", "VGG13", "VGG13_BN", "VGG16", "VGG16_BN", "VGG19", "VGG19_BN")
__all__ = ["VGG", *(n + "_Weights" for n in _NAMES), *(n.lower() for n in _NAMES)]

VGG11_Weights = weights_enum("VGG11_Weights", __name__)
VGG11_BN_Weights = weights_enum("VGG11_BN_Weights", __name__)
VGG13_Weights = weights_enum("VGG13_Weights", __name__)
VGG13_BN_Weights = weights_enum("VGG13_BN_Weights", __name__)
VGG16_Weights = weights_enum("VGG16_Weights", __name__)
VGG16_BN_Weights = weights_enum("VGG16_BN_Weights", __name__)
VGG19_Weights = weights_enum("VGG19_Weights", __name__)
VGG19_BN_Weights = weights_enum("VGG19_BN_Weights", __name__)


class VGG(nn.Module):
    """The features, pooled to 7×7, and three linear layers: (N, 3, H, W) from 32×32 on -> (N, num_classes)"""

    def __init__(self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5):
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(True),
            nn.Dropout(p=dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            for m in self.modules():
                if isinstance(m, nn.Conv2d):
                    nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
                    if m.bias is not None:
                        nn.init.constant_(m.bias, 0)
                elif isinstance(m, nn.BatchNorm2d):
                    nn.init.constant_(m.weight, 1)
                    nn.init.constant_(m.bias, 0)
                elif isinstance(m, nn.Linear):
                    nn.init.normal_(m.weight, 0, 0.01)
                    nn.init.constant_(m.bias, 0)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


def make_layers(cfg: list[str | int], batch_norm: bool = False) -> nn.Sequential:
    """3×3 convolutions of so many channels each; "M" is a pooling."""
    layers: list[nn.Module] = []
    channels = 3
    for v in cfg:
        if v == "M":
            layers.append(nn.MaxPool2d(kernel_size=2, stride=2))
            continue
        layers.append(nn.Conv2d(channels, v, kernel_size=3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(v))
        layers.append(nn.ReLU(inplace=True))
        channels = v
    return nn.Sequential(*layers)


cfgs: dict[str, list[str | int]] = {
    "A": [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    "B": [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    "D": [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"],
    "E": [64, 64, "M", 128, 128, "M", 256, 256, 256, 256, "M", 512, 512, 512, 512, "M", 512, 512, 512, 512, "M"],
}


def _prepare(kwargs: dict[str, Any], weights: Any) -> None:
    kwargs["init_weights"] = False


def _vgg(cfg: str, batch_norm: bool, kwargs: dict[str, Any]) -> VGG:
    return VGG(make_layers(cfgs[cfg], batch_norm=batch_norm), **kwargs)


@register_model(VGG11_Weights, prepare=_prepare)
def vgg11(**kwargs: Any) -> VGG:
    """VGG-11."""
    return _vgg("A", False, kwargs)


@register_model(VGG11_BN_Weights, prepare=_prepare)
def vgg11_bn(**kwargs: Any) -> VGG:
    """VGG-11 with batch normalisation."""
    return _vgg("A", True, kwargs)


@register_model(VGG13_Weights, prepare=_prepare)
def vgg13(**kwargs: Any) -> VGG:
    """VGG-13."""
    return _vgg("B", False, kwargs)


@register_model(VGG13_BN_Weights, prepare=_prepare)
def vgg13_bn(**kwargs: Any) -> VGG:
    """VGG-13 with batch normalisation."""
    return _vgg("B", True, kwargs)


@register_model(VGG16_Weights, prepare=_prepare)
def vgg16(**kwargs: Any) -> VGG:
    """VGG-16."""
    return _vgg("D", False, kwargs)


@register_model(VGG16_BN_Weights, prepare=_prepare)
def vgg16_bn(**kwargs: Any) -> VGG:
    """VGG-16 with batch normalisation."""
    return _vgg("D", True, kwargs)


@register_model(VGG19_Weights, prepare=_prepare)
def vgg19(**kwargs: Any) -> VGG:
    """VGG-19."""
    return _vgg("E", False, kwargs)


@register_model(VGG19_BN_Weights, prepare=_prepare)
def vgg19_bn(**kwargs: Any) -> VGG:
    """VGG-19 with batch normalisation."""
    return _vgg("E", True, kwargs)

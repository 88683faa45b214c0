"""LeNet-5, for grey images of 28×28 or 32×32. torchvision has no such model. Source: LeCun et al., Gradient-based learning applied to document recognition, 1998"""

from __future__ import annotations

from typing import Any

from suiren import Tensor, nn

__all__ = ["LeNet", "lenet"]


class LeNet(nn.Module):
    """Two convolutions with pooling, three linear layers: (N, in_channels, 28 or 32 …) -> (N, num_classes). Images of 28×28 are padded by 2."""

    def __init__(self, num_classes: int = 10, in_channels: int = 1, image_size: int = 28):
        super().__init__()
        padding = 2 if image_size == 28 else 0
        side = ((image_size + 2 * padding - 4) // 2 - 4) // 2
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, kernel_size=5, padding=padding),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 16, kernel_size=5),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Linear(16 * side * side, 120),
            nn.ReLU(),
            nn.Linear(120, 84),
            nn.ReLU(),
            nn.Linear(84, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).flatten(1))


def lenet(**kwargs: Any) -> LeNet:
    """LeNet-5."""
    return LeNet(**kwargs)

"""ResNet34 as the notes build it. Source: K. He et al., Deep Residual Learning for Image Recognition, https://arxiv.org/abs/1512.03385"""

from __future__ import annotations

import suiren as t
from suiren import nn
from suiren.nn import functional as F


class ResidualBlock(nn.Module):
    """Two convolutions, and a way around them. (N, inchannel, H, W) -> (N, outchannel, H / stride, W / stride)"""

    def __init__(self, inchannel: int, outchannel: int, stride: int = 1, shortcut: nn.Module | None = None):
        super().__init__()
        self.left = nn.Sequential(
            nn.Conv2d(inchannel, outchannel, 3, stride, 1, bias=False),
            nn.BatchNorm2d(outchannel),
            nn.ReLU(inplace=True),
            nn.Conv2d(outchannel, outchannel, 3, 1, 1, bias=False),
            nn.BatchNorm2d(outchannel),
        )
        self.right = shortcut

    def forward(self, x: t.Tensor) -> t.Tensor:
        out = self.left(x)
        out += x if self.right is None else self.right(x)
        return F.relu(out)


class ResNet34(nn.Module):
    """(N, 3, H, W), H and W at least 32, -> (N, num_classes)"""

    smallest = 32

    def __init__(self, num_classes: int = 2):
        super().__init__()
        self.pre = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1))
        self.layer1 = self._make_layer(64, 64, 3)
        self.layer2 = self._make_layer(64, 128, 4, stride=2)
        self.layer3 = self._make_layer(128, 256, 6, stride=2)
        self.layer4 = self._make_layer(256, 512, 3, stride=2)
        self.fc = nn.Linear(512, num_classes)

    def _make_layer(self, inchannel: int, outchannel: int, block_num: int, stride: int = 1) -> nn.Sequential:
        shortcut = nn.Sequential(nn.Conv2d(inchannel, outchannel, 1, stride, bias=False), nn.BatchNorm2d(outchannel))
        layers = [ResidualBlock(inchannel, outchannel, stride, shortcut)]
        layers += [ResidualBlock(outchannel, outchannel) for _ in range(1, block_num)]
        return nn.Sequential(*layers)

    def forward(self, x: t.Tensor) -> t.Tensor:
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.pre(x)))))
        x = F.adaptive_avg_pool2d(x, 1)  # the notes' avg_pool2d(x, 7), for pictures of any size
        return self.fc(x.view(x.size(0), -1))

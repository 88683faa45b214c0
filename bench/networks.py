"""Convolutional networks that are measured. Each is written once, for a module `t` that is suiren or torch."""

from __future__ import annotations

import numpy as np

from bench.programs import classifier, net


def resnet34(t):
    """The notes' ResNet34, for 224x224 colour images."""
    nn, functional = t.nn, t.nn.functional

    class ResidualBlock(nn.Module):
        def __init__(self, inchannel, outchannel, stride=1, shortcut=None):
            super().__init__()
            self.left = nn.Sequential(
                nn.Conv2d(inchannel, outchannel, 3, stride, 1, bias=False),
                nn.BatchNorm2d(outchannel),
                nn.ReLU(inplace=True),
                nn.Conv2d(outchannel, outchannel, 3, 1, 1, bias=False),
                nn.BatchNorm2d(outchannel),
            )
            self.right = shortcut

        def forward(self, x):
            out = self.left(x)
            residual = x if self.right is None else self.right(x)
            out += residual
            return functional.relu(out)

    class ResNet(nn.Module):
        def __init__(self, num_classes=1000):
            super().__init__()
            self.pre = nn.Sequential(
                nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
            )
            self.layer1 = self._make_layer(64, 64, 3)
            self.layer2 = self._make_layer(64, 128, 4, stride=2)
            self.layer3 = self._make_layer(128, 256, 6, stride=2)
            self.layer4 = self._make_layer(256, 512, 3, stride=2)
            self.fc = nn.Linear(512, num_classes)

        def _make_layer(self, inchannel, outchannel, block_num, stride=1):
            shortcut = nn.Sequential(nn.Conv2d(inchannel, outchannel, 1, stride, bias=False), nn.BatchNorm2d(outchannel))
            layers = [ResidualBlock(inchannel, outchannel, stride, shortcut)]
            layers += [ResidualBlock(outchannel, outchannel) for _ in range(1, block_num)]
            return nn.Sequential(*layers)

        def forward(self, x):
            x = self.pre(x)
            x = self.layer1(x)
            x = self.layer2(x)
            x = self.layer3(x)
            x = self.layer4(x)
            x = functional.avg_pool2d(x, 7)
            x = x.view(x.size(0), -1)
            return self.fc(x)

    t.manual_seed(0)
    return ResNet()


def resnet18(t):
    """ResNet18 for 32x32 colour images, as it is usually written for CIFAR-10."""
    nn, functional = t.nn, t.nn.functional

    class Block(nn.Module):
        def __init__(self, before, channels, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(before, channels, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(channels)
            self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(channels)
            self.shortcut = nn.Sequential()
            if stride != 1 or before != channels:
                self.shortcut = nn.Sequential(nn.Conv2d(before, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

        def forward(self, x):
            out = functional.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            out += self.shortcut(x)
            return functional.relu(out)

    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            sizes = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)]
            self.layers = nn.Sequential(*(Block(*size) for size in sizes))
            self.linear = nn.Linear(512, 10)

        def forward(self, x):
            x = functional.relu(self.bn1(self.conv1(x)))
            x = functional.avg_pool2d(self.layers(x), 4)
            return self.linear(x.view(x.size(0), -1))

    t.manual_seed(0)
    return ResNet()


def mobilenet(t):
    """Depthwise-separable blocks, as in MobileNet, of half its width, for 96x96 colour images."""
    nn = t.nn

    def block(before, channels, stride):
        return [
            nn.Conv2d(before, before, 3, stride, 1, groups=before, bias=False),
            nn.BatchNorm2d(before),
            nn.ReLU(inplace=True),
            nn.Conv2d(before, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
        ]

    t.manual_seed(0)
    layers = [nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
    sizes = [(16, 32, 1), (32, 64, 2), (64, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), *[(256, 256, 1)] * 5, (256, 512, 2), (512, 512, 1)]
    for size in sizes:
        layers += block(*size)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


MODELS = {"net": (net, 32), "resnet34": (resnet34, 224), "resnet18": (resnet18, 32), "mobilenet": (mobilenet, 96)}


def _images(name: str, batch: int) -> np.ndarray:
    size = MODELS[name][1]
    return np.random.default_rng(0).standard_normal((batch, 3, size, size)).astype(np.float32)


def training(t, name: str, batch: int):
    model = MODELS[name][0](t)
    optimizer = t.optim.SGD(model.parameters(), lr=0.001, momentum=0.9)
    return classifier(t, model, optimizer, _images(name, batch), 10)


def inference(t, name: str, batch: int):
    model = MODELS[name][0](t)
    model.eval()
    x = t.tensor(_images(name, batch))

    def step():
        with t.no_grad():
            return model(x).numpy()

    return step

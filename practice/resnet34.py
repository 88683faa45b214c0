"""The notes' ResNet34: what it is made of, and some training steps on pictures of noise. `python practice/resnet34.py [--steps N] [--batch-size N] [--size 224]`

The point is the network and its speed, so the pictures are random and their classes, too: the loss falls as it learns them by heart.
"""

from __future__ import annotations

import argparse
import os
import time

import matplotlib
from matplotlib import pyplot as plt

import suiren as t
from suiren import nn, optim
from suiren.nn import functional as F


class ResidualBlock(nn.Module):
    """Two convolutions, and a way around them. (N, inchannel, H, W) -> (N, outchannel, H / stride, W / stride)"""

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
        return F.relu(out)


class ResNet(nn.Module):
    """ResNet34. (N, 3, 224, 224) -> (N, num_classes)"""

    def __init__(self, num_classes=1000):
        super().__init__()
        # what comes before the residual blocks
        self.pre = nn.Sequential(
            nn.Conv2d(3, 64, 7, 2, 3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, 2, 1),
        )
        # four layers of 3, 4, 6 and 3 blocks
        self.layer1 = self._make_layer(64, 64, 3)
        self.layer2 = self._make_layer(64, 128, 4, stride=2)
        self.layer3 = self._make_layer(128, 256, 6, stride=2)
        self.layer4 = self._make_layer(256, 512, 3, stride=2)
        self.fc = nn.Linear(512, num_classes)

    def _make_layer(self, inchannel, outchannel, block_num, stride=1):
        shortcut = nn.Sequential(nn.Conv2d(inchannel, outchannel, 1, stride, bias=False), nn.BatchNorm2d(outchannel))
        layers = [ResidualBlock(inchannel, outchannel, stride, shortcut)]
        for _ in range(1, block_num):
            layers.append(ResidualBlock(outchannel, outchannel))
        return nn.Sequential(*layers)

    def forward(self, x):
        x = self.pre(x)
        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.layer4(x)
        x = F.avg_pool2d(x, x.size(-1))  # 7 for pictures of 224
        x = x.view(x.size(0), -1)
        return self.fc(x)


def main():
    parser = argparse.ArgumentParser(description="The notes' ResNet34.")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--size", type=int, default=224, help="pixels of a picture each way, a multiple of 32")
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--out", default="out", help="the folder for the picture, where there is no screen")
    args = parser.parse_args()

    t.manual_seed(0)
    net = ResNet(args.classes)
    print(net.pre)
    print(f"{sum(p.numel() for p in net.parameters()):,} parameters in {len(list(net.parameters()))} tensors")
    images = t.randn(args.batch_size, 3, args.size, args.size)
    labels = t.randint(0, args.classes, (args.batch_size,))
    optimizer = optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    losses = []
    for step in range(args.steps):
        begun = time.perf_counter()
        optimizer.zero_grad()
        loss = F.cross_entropy(net(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        print(f"step {step + 1}: loss {losses[-1]:.4f}, {time.perf_counter() - begun:.2f} s")
    plt.plot(range(1, args.steps + 1), losses)
    plt.xlabel("step")
    plt.ylabel("cross entropy")
    if matplotlib.get_backend().lower() == "agg":
        os.makedirs(args.out, exist_ok=True)
        path = os.path.join(args.out, "resnet34.png")
        plt.savefig(path)
        print(f"there is no screen: the picture is {path}")
    else:
        plt.show()


if __name__ == "__main__":
    main()

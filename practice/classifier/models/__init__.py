"""The networks, one a file. A new one: write the file, and add a line here."""

from .alexnet import AlexNet as AlexNet
from .resnet34 import ResNet34 as ResNet34

MODELS = {"AlexNet": AlexNet, "ResNet34": ResNet34}

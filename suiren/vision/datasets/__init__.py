"""Data sets of images."""

from suiren.vision.datasets.cifar import CIFAR10 as CIFAR10
from suiren.vision.datasets.cifar import CIFAR100 as CIFAR100
from suiren.vision.datasets.digits import Digits as Digits
from suiren.vision.datasets.fakedata import FakeData as FakeData
from suiren.vision.datasets.folder import DatasetFolder as DatasetFolder
from suiren.vision.datasets.folder import ImageFolder as ImageFolder
from suiren.vision.datasets.mnist import KMNIST as KMNIST
from suiren.vision.datasets.mnist import MNIST as MNIST
from suiren.vision.datasets.mnist import FashionMNIST as FashionMNIST
from suiren.vision.datasets.vision import VisionDataset as VisionDataset

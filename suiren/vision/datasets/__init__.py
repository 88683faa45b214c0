"""Data sets of images."""

from suiren.vision.datasets.cifar import CIFAR10 as CIFAR10
from suiren.vision.datasets.cifar import CIFAR100 as CIFAR100
from suiren.vision.datasets.digits import Digits as Digits
from suiren.vision.datasets.fakedata import FakeData as FakeData
from suiren.vision.datasets.folder import DatasetFolder as DatasetFolder
from suiren.vision.datasets.folder import ImageFolder as ImageFolder
from suiren.vision.datasets.mnist import EMNIST as EMNIST
from suiren.vision.datasets.mnist import KMNIST as KMNIST
from suiren.vision.datasets.mnist import MNIST as MNIST
from suiren.vision.datasets.mnist import QMNIST as QMNIST
from suiren.vision.datasets.mnist import FashionMNIST as FashionMNIST
from suiren.vision.datasets.photos import DTD as DTD
from suiren.vision.datasets.photos import GTSRB as GTSRB
from suiren.vision.datasets.photos import Country211 as Country211
from suiren.vision.datasets.photos import EuroSAT as EuroSAT
from suiren.vision.datasets.photos import FGVCAircraft as FGVCAircraft
from suiren.vision.datasets.photos import Flowers102 as Flowers102
from suiren.vision.datasets.photos import Food101 as Food101
from suiren.vision.datasets.photos import Imagenette as Imagenette
from suiren.vision.datasets.photos import OxfordIIITPet as OxfordIIITPet
from suiren.vision.datasets.photos import RenderedSST2 as RenderedSST2
from suiren.vision.datasets.small import SEMEION as SEMEION
from suiren.vision.datasets.small import STL10 as STL10
from suiren.vision.datasets.small import SVHN as SVHN
from suiren.vision.datasets.small import USPS as USPS
from suiren.vision.datasets.vision import VisionDataset as VisionDataset

"""torchvision's tools: data sets, transforms, and ways to look at images. Needs Pillow."""

from suiren.vision import datasets as datasets
from suiren.vision import transforms as transforms
from suiren.vision import utils as utils

"""torchvision's tools: data sets, models, transforms, operations of vision, and ways to read and look at images. Needs Pillow."""

from suiren.vision import datasets as datasets
from suiren.vision import io as io
from suiren.vision import models as models
from suiren.vision import ops as ops
from suiren.vision import transforms as transforms
from suiren.vision import tv_tensors as tv_tensors
from suiren.vision import utils as utils

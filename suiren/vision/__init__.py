"""torchvision's tools: data sets, models, transforms, operations of vision, and ways to read and look at images. Needs Pillow."""

from suiren.vision import datasets as datasets
from suiren.vision import io as io
from suiren.vision import models as models
from suiren.vision import ops as ops
from suiren.vision import transforms as transforms
from suiren.vision import tv_tensors as tv_tensors
from suiren.vision import utils as utils
from suiren.vision import version as version
from suiren.vision.backends import disable_beta_transforms_warning as disable_beta_transforms_warning
from suiren.vision.backends import get_image_backend as get_image_backend
from suiren.vision.backends import get_video_backend as get_video_backend
from suiren.vision.backends import set_image_backend as set_image_backend
from suiren.vision.backends import set_video_backend as set_video_backend
from suiren.vision.version import __version__ as __version__

"""MobileNets under one name, as in torchvision."""

from suiren.vision.models.mobilenetv2 import *  # noqa: F403
from suiren.vision.models.mobilenetv2 import __all__ as _v2
from suiren.vision.models.mobilenetv3 import *  # noqa: F403
from suiren.vision.models.mobilenetv3 import __all__ as _v3

__all__ = _v2 + _v3

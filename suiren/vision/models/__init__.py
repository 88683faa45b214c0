"""Models of image classification, under torchvision's names: a state dict from there loads. `get_model`, `list_models` find them by name."""

from suiren.vision.models._api import get_model as get_model
from suiren.vision.models._api import get_model_builder as get_model_builder
from suiren.vision.models._api import get_model_weights as get_model_weights
from suiren.vision.models._api import get_weight as get_weight
from suiren.vision.models._api import list_models as list_models
from suiren.vision.models.alexnet import *  # noqa: F403
from suiren.vision.models.convnext import *  # noqa: F403
from suiren.vision.models.densenet import *  # noqa: F403
from suiren.vision.models.efficientnet import *  # noqa: F403
from suiren.vision.models.googlenet import *  # noqa: F403
from suiren.vision.models.inception import *  # noqa: F403
from suiren.vision.models.lenet import *  # noqa: F403
from suiren.vision.models.maxvit import *  # noqa: F403
from suiren.vision.models.mnasnet import *  # noqa: F403
from suiren.vision.models.mobilenet import *  # noqa: F403
from suiren.vision.models.regnet import *  # noqa: F403
from suiren.vision.models.resnet import *  # noqa: F403
from suiren.vision.models.shufflenetv2 import *  # noqa: F403
from suiren.vision.models.squeezenet import *  # noqa: F403
from suiren.vision.models.swin_transformer import *  # noqa: F403
from suiren.vision.models.vgg import *  # noqa: F403
from suiren.vision.models.vision_transformer import *  # noqa: F403

"""What works on modules and their parameters: clipping, parametrisation, pruning, packed sequences. Source: https://docs.pytorch.org/docs/stable/nn.html#utilities"""

from suiren.names import absent_from as _absent_from
from suiren.nn.utils import parametrizations as parametrizations
from suiren.nn.utils import parametrize as parametrize
from suiren.nn.utils import prune as prune
from suiren.nn.utils import rnn as rnn
from suiren.nn.utils import stateless as stateless
from suiren.nn.utils.clip_grad import clip_grad_norm as clip_grad_norm
from suiren.nn.utils.clip_grad import clip_grad_norm_ as clip_grad_norm_
from suiren.nn.utils.clip_grad import clip_grad_value_ as clip_grad_value_
from suiren.nn.utils.clip_grad import clip_grads_with_norm_ as clip_grads_with_norm_
from suiren.nn.utils.clip_grad import get_total_norm as get_total_norm
from suiren.nn.utils.convert_parameters import parameters_to_vector as parameters_to_vector
from suiren.nn.utils.convert_parameters import vector_to_parameters as vector_to_parameters
from suiren.nn.utils.fusion import fuse_conv_bn_eval as fuse_conv_bn_eval
from suiren.nn.utils.fusion import fuse_conv_bn_weights as fuse_conv_bn_weights
from suiren.nn.utils.fusion import fuse_linear_bn_eval as fuse_linear_bn_eval
from suiren.nn.utils.fusion import fuse_linear_bn_weights as fuse_linear_bn_weights
from suiren.nn.utils.init import skip_init as skip_init
from suiren.nn.utils.memory_format import convert_conv2d_weight_memory_format as convert_conv2d_weight_memory_format
from suiren.nn.utils.memory_format import convert_conv3d_weight_memory_format as convert_conv3d_weight_memory_format
from suiren.nn.utils.spectral_norm import remove_spectral_norm as remove_spectral_norm
from suiren.nn.utils.spectral_norm import spectral_norm as spectral_norm
from suiren.nn.utils.weight_norm import remove_weight_norm as remove_weight_norm
from suiren.nn.utils.weight_norm import weight_norm as weight_norm

__getattr__ = _absent_from("nn.utils")

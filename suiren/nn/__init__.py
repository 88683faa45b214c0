"""Neural networks: modules, functions, initial values. Source: https://docs.pytorch.org/docs/stable/nn.html"""

from suiren.names import absent_from as _absent_from
from suiren.nn import attention as attention
from suiren.nn import common_types as common_types
from suiren.nn import functional as functional
from suiren.nn import grad as grad
from suiren.nn import init as init
from suiren.nn import modules as modules
from suiren.nn import parallel as parallel
from suiren.nn import parameter as parameter
from suiren.nn import utils as utils
from suiren.nn.functional.linear_cross_entropy import LinearCrossEntropyOptions as LinearCrossEntropyOptions
from suiren.nn.modules.activation import CELU as CELU
from suiren.nn.modules.activation import ELU as ELU
from suiren.nn.modules.activation import GELU as GELU
from suiren.nn.modules.activation import GLU as GLU
from suiren.nn.modules.activation import SELU as SELU
from suiren.nn.modules.activation import Hardshrink as Hardshrink
from suiren.nn.modules.activation import Hardsigmoid as Hardsigmoid
from suiren.nn.modules.activation import Hardswish as Hardswish
from suiren.nn.modules.activation import Hardtanh as Hardtanh
from suiren.nn.modules.activation import LeakyReLU as LeakyReLU
from suiren.nn.modules.activation import LogSigmoid as LogSigmoid
from suiren.nn.modules.activation import LogSoftmax as LogSoftmax
from suiren.nn.modules.activation import Mish as Mish
from suiren.nn.modules.activation import PReLU as PReLU
from suiren.nn.modules.activation import ReLU as ReLU
from suiren.nn.modules.activation import ReLU6 as ReLU6
from suiren.nn.modules.activation import RReLU as RReLU
from suiren.nn.modules.activation import Sigmoid as Sigmoid
from suiren.nn.modules.activation import SiLU as SiLU
from suiren.nn.modules.activation import Softmax as Softmax
from suiren.nn.modules.activation import Softmax2d as Softmax2d
from suiren.nn.modules.activation import Softmin as Softmin
from suiren.nn.modules.activation import Softplus as Softplus
from suiren.nn.modules.activation import Softshrink as Softshrink
from suiren.nn.modules.activation import Softsign as Softsign
from suiren.nn.modules.activation import Tanh as Tanh
from suiren.nn.modules.activation import Tanhshrink as Tanhshrink
from suiren.nn.modules.activation import Threshold as Threshold
from suiren.nn.modules.adaptive import AdaptiveLogSoftmaxWithLoss as AdaptiveLogSoftmaxWithLoss
from suiren.nn.modules.attention import MultiheadAttention as MultiheadAttention
from suiren.nn.modules.batchnorm import BatchNorm1d as BatchNorm1d
from suiren.nn.modules.batchnorm import BatchNorm2d as BatchNorm2d
from suiren.nn.modules.batchnorm import BatchNorm3d as BatchNorm3d
from suiren.nn.modules.batchnorm import SyncBatchNorm as SyncBatchNorm
from suiren.nn.modules.channelshuffle import ChannelShuffle as ChannelShuffle
from suiren.nn.modules.container import Container as Container
from suiren.nn.modules.container import ModuleDict as ModuleDict
from suiren.nn.modules.container import ModuleList as ModuleList
from suiren.nn.modules.container import ParameterDict as ParameterDict
from suiren.nn.modules.container import ParameterList as ParameterList
from suiren.nn.modules.container import Sequential as Sequential
from suiren.nn.modules.conv import Conv1d as Conv1d
from suiren.nn.modules.conv import Conv2d as Conv2d
from suiren.nn.modules.conv import Conv3d as Conv3d
from suiren.nn.modules.conv import ConvTranspose1d as ConvTranspose1d
from suiren.nn.modules.conv import ConvTranspose2d as ConvTranspose2d
from suiren.nn.modules.conv import ConvTranspose3d as ConvTranspose3d
from suiren.nn.modules.distance import CosineSimilarity as CosineSimilarity
from suiren.nn.modules.distance import PairwiseDistance as PairwiseDistance
from suiren.nn.modules.dropout import AlphaDropout as AlphaDropout
from suiren.nn.modules.dropout import Dropout as Dropout
from suiren.nn.modules.dropout import Dropout1d as Dropout1d
from suiren.nn.modules.dropout import Dropout2d as Dropout2d
from suiren.nn.modules.dropout import Dropout3d as Dropout3d
from suiren.nn.modules.dropout import FeatureAlphaDropout as FeatureAlphaDropout
from suiren.nn.modules.flatten import Flatten as Flatten
from suiren.nn.modules.flatten import Unflatten as Unflatten
from suiren.nn.modules.fold import Fold as Fold
from suiren.nn.modules.fold import Unfold as Unfold
from suiren.nn.modules.instancenorm import InstanceNorm1d as InstanceNorm1d
from suiren.nn.modules.instancenorm import InstanceNorm2d as InstanceNorm2d
from suiren.nn.modules.instancenorm import InstanceNorm3d as InstanceNorm3d
from suiren.nn.modules.lazy import LazyBatchNorm1d as LazyBatchNorm1d
from suiren.nn.modules.lazy import LazyBatchNorm2d as LazyBatchNorm2d
from suiren.nn.modules.lazy import LazyBatchNorm3d as LazyBatchNorm3d
from suiren.nn.modules.lazy import LazyConv1d as LazyConv1d
from suiren.nn.modules.lazy import LazyConv2d as LazyConv2d
from suiren.nn.modules.lazy import LazyConv3d as LazyConv3d
from suiren.nn.modules.lazy import LazyConvTranspose1d as LazyConvTranspose1d
from suiren.nn.modules.lazy import LazyConvTranspose2d as LazyConvTranspose2d
from suiren.nn.modules.lazy import LazyConvTranspose3d as LazyConvTranspose3d
from suiren.nn.modules.lazy import LazyInstanceNorm1d as LazyInstanceNorm1d
from suiren.nn.modules.lazy import LazyInstanceNorm2d as LazyInstanceNorm2d
from suiren.nn.modules.lazy import LazyInstanceNorm3d as LazyInstanceNorm3d
from suiren.nn.modules.lazy import LazyLinear as LazyLinear
from suiren.nn.modules.linear import Bilinear as Bilinear
from suiren.nn.modules.linear import Identity as Identity
from suiren.nn.modules.linear import Linear as Linear
from suiren.nn.modules.linear import NonDynamicallyQuantizableLinear as NonDynamicallyQuantizableLinear
from suiren.nn.modules.loss import BCELoss as BCELoss
from suiren.nn.modules.loss import BCEWithLogitsLoss as BCEWithLogitsLoss
from suiren.nn.modules.loss import CosineEmbeddingLoss as CosineEmbeddingLoss
from suiren.nn.modules.loss import CrossEntropyLoss as CrossEntropyLoss
from suiren.nn.modules.loss import CTCLoss as CTCLoss
from suiren.nn.modules.loss import GaussianNLLLoss as GaussianNLLLoss
from suiren.nn.modules.loss import HingeEmbeddingLoss as HingeEmbeddingLoss
from suiren.nn.modules.loss import HuberLoss as HuberLoss
from suiren.nn.modules.loss import KLDivLoss as KLDivLoss
from suiren.nn.modules.loss import L1Loss as L1Loss
from suiren.nn.modules.loss import LinearCrossEntropyLoss as LinearCrossEntropyLoss
from suiren.nn.modules.loss import MarginRankingLoss as MarginRankingLoss
from suiren.nn.modules.loss import MSELoss as MSELoss
from suiren.nn.modules.loss import MultiLabelMarginLoss as MultiLabelMarginLoss
from suiren.nn.modules.loss import MultiLabelSoftMarginLoss as MultiLabelSoftMarginLoss
from suiren.nn.modules.loss import MultiMarginLoss as MultiMarginLoss
from suiren.nn.modules.loss import NLLLoss as NLLLoss
from suiren.nn.modules.loss import NLLLoss2d as NLLLoss2d
from suiren.nn.modules.loss import PoissonNLLLoss as PoissonNLLLoss
from suiren.nn.modules.loss import SmoothL1Loss as SmoothL1Loss
from suiren.nn.modules.loss import SoftMarginLoss as SoftMarginLoss
from suiren.nn.modules.loss import TripletMarginLoss as TripletMarginLoss
from suiren.nn.modules.loss import TripletMarginWithDistanceLoss as TripletMarginWithDistanceLoss
from suiren.nn.modules.module import Module as Module
from suiren.nn.modules.normalization import CrossMapLRN2d as CrossMapLRN2d
from suiren.nn.modules.normalization import GroupNorm as GroupNorm
from suiren.nn.modules.normalization import LayerNorm as LayerNorm
from suiren.nn.modules.normalization import LocalResponseNorm as LocalResponseNorm
from suiren.nn.modules.normalization import RMSNorm as RMSNorm
from suiren.nn.modules.padding import CircularPad1d as CircularPad1d
from suiren.nn.modules.padding import CircularPad2d as CircularPad2d
from suiren.nn.modules.padding import CircularPad3d as CircularPad3d
from suiren.nn.modules.padding import ConstantPad1d as ConstantPad1d
from suiren.nn.modules.padding import ConstantPad2d as ConstantPad2d
from suiren.nn.modules.padding import ConstantPad3d as ConstantPad3d
from suiren.nn.modules.padding import ReflectionPad1d as ReflectionPad1d
from suiren.nn.modules.padding import ReflectionPad2d as ReflectionPad2d
from suiren.nn.modules.padding import ReflectionPad3d as ReflectionPad3d
from suiren.nn.modules.padding import ReplicationPad1d as ReplicationPad1d
from suiren.nn.modules.padding import ReplicationPad2d as ReplicationPad2d
from suiren.nn.modules.padding import ReplicationPad3d as ReplicationPad3d
from suiren.nn.modules.padding import ZeroPad1d as ZeroPad1d
from suiren.nn.modules.padding import ZeroPad2d as ZeroPad2d
from suiren.nn.modules.padding import ZeroPad3d as ZeroPad3d
from suiren.nn.modules.pixelshuffle import PixelShuffle as PixelShuffle
from suiren.nn.modules.pixelshuffle import PixelUnshuffle as PixelUnshuffle
from suiren.nn.modules.pooling import AdaptiveAvgPool1d as AdaptiveAvgPool1d
from suiren.nn.modules.pooling import AdaptiveAvgPool2d as AdaptiveAvgPool2d
from suiren.nn.modules.pooling import AdaptiveAvgPool3d as AdaptiveAvgPool3d
from suiren.nn.modules.pooling import AdaptiveMaxPool1d as AdaptiveMaxPool1d
from suiren.nn.modules.pooling import AdaptiveMaxPool2d as AdaptiveMaxPool2d
from suiren.nn.modules.pooling import AdaptiveMaxPool3d as AdaptiveMaxPool3d
from suiren.nn.modules.pooling import AvgPool1d as AvgPool1d
from suiren.nn.modules.pooling import AvgPool2d as AvgPool2d
from suiren.nn.modules.pooling import AvgPool3d as AvgPool3d
from suiren.nn.modules.pooling import FractionalMaxPool2d as FractionalMaxPool2d
from suiren.nn.modules.pooling import FractionalMaxPool3d as FractionalMaxPool3d
from suiren.nn.modules.pooling import LPPool1d as LPPool1d
from suiren.nn.modules.pooling import LPPool2d as LPPool2d
from suiren.nn.modules.pooling import LPPool3d as LPPool3d
from suiren.nn.modules.pooling import MaxPool1d as MaxPool1d
from suiren.nn.modules.pooling import MaxPool2d as MaxPool2d
from suiren.nn.modules.pooling import MaxPool3d as MaxPool3d
from suiren.nn.modules.pooling import MaxUnpool1d as MaxUnpool1d
from suiren.nn.modules.pooling import MaxUnpool2d as MaxUnpool2d
from suiren.nn.modules.pooling import MaxUnpool3d as MaxUnpool3d
from suiren.nn.modules.rnn import GRU as GRU
from suiren.nn.modules.rnn import LSTM as LSTM
from suiren.nn.modules.rnn import RNN as RNN
from suiren.nn.modules.rnn import GRUCell as GRUCell
from suiren.nn.modules.rnn import LSTMCell as LSTMCell
from suiren.nn.modules.rnn import RNNBase as RNNBase
from suiren.nn.modules.rnn import RNNCell as RNNCell
from suiren.nn.modules.rnn import RNNCellBase as RNNCellBase
from suiren.nn.modules.sparse import Embedding as Embedding
from suiren.nn.modules.sparse import EmbeddingBag as EmbeddingBag
from suiren.nn.modules.transformer import Transformer as Transformer
from suiren.nn.modules.transformer import TransformerDecoder as TransformerDecoder
from suiren.nn.modules.transformer import TransformerDecoderLayer as TransformerDecoderLayer
from suiren.nn.modules.transformer import TransformerEncoder as TransformerEncoder
from suiren.nn.modules.transformer import TransformerEncoderLayer as TransformerEncoderLayer
from suiren.nn.modules.upsampling import Upsample as Upsample
from suiren.nn.modules.upsampling import UpsamplingBilinear2d as UpsamplingBilinear2d
from suiren.nn.modules.upsampling import UpsamplingNearest2d as UpsamplingNearest2d
from suiren.nn.parallel import DataParallel as DataParallel
from suiren.nn.parameter import Buffer as Buffer
from suiren.nn.parameter import Parameter as Parameter
from suiren.nn.parameter import UninitializedBuffer as UninitializedBuffer
from suiren.nn.parameter import UninitializedParameter as UninitializedParameter


def factory_kwargs(kwargs: dict | None) -> dict:
    """The `device`, `dtype` and `memory_format` that a module was given, as keywords for what makes its tensors. TypeError for other keywords."""
    if kwargs is None:
        return {}
    simple = {k: kwargs[k] for k in ("device", "dtype", "memory_format") if k in kwargs}
    if kwargs.keys() - {*simple, "factory_kwargs"}:
        raise TypeError(f"unexpected kwargs {kwargs.keys() - {*simple, 'factory_kwargs'}}")
    found = dict(kwargs.get("factory_kwargs", {}))
    for k, value in simple.items():
        if k in found:
            raise TypeError(f"{k} specified twice, in **kwargs and in factory_kwargs")
        found[k] = value
    return found

__getattr__ = _absent_from("nn")

"""`torch.conv2d`, `torch.layer_norm`, `torch.lstm`, …: names of `torch` for what `nn.functional` computes, with their own order of arguments.

`suiren.__getattr__` looks here, so that `nn` is not imported before it is needed. A `reduction` may be a name or, as in PyTorch here, its number:
0 none (the default of these names), 1 mean, 2 sum.
"""

from __future__ import annotations

from typing import Any

from suiren import dtypes
from suiren.api import creation, pointwise, reductions, shapes
from suiren.nn import functional as F
from suiren.nn.common_types import Sizes
from suiren.nn.functional import recurrent as _recurrent
from suiren.tensor import Tensor

# The same functions under the same names.
adaptive_avg_pool1d, avg_pool1d, bilinear, celu_, channel_shuffle = F.adaptive_avg_pool1d, F.avg_pool1d, F.bilinear, F.celu_, F.channel_shuffle
conv1d, conv2d, conv3d = F.conv1d, F.conv2d, F.conv3d
conv_transpose1d, conv_transpose2d, conv_transpose3d = F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d
cosine_similarity, pairwise_distance, pdist, pixel_shuffle, pixel_unshuffle = F.cosine_similarity, F.pairwise_distance, F.pdist, F.pixel_shuffle, F.pixel_unshuffle
max_pool1d, max_pool2d, max_pool3d, rms_norm, rrelu, rrelu_, selu_, threshold_ = (
    F.max_pool1d, F.max_pool2d, F.max_pool3d, F.rms_norm, F.rrelu, F.rrelu_, F.selu_, F.threshold_,
)  # fmt: skip
gru, lstm, rnn_relu, rnn_tanh = _recurrent.gru, _recurrent.lstm, _recurrent.rnn_relu, _recurrent.rnn_tanh
gru_cell, lstm_cell, rnn_relu_cell, rnn_tanh_cell = _recurrent.gru_cell, _recurrent.lstm_cell, _recurrent.rnn_relu_cell, _recurrent.rnn_tanh_cell


def adaptive_max_pool1d(input: Tensor, output_size: Any) -> tuple[Tensor, Tensor]:
    """(the largest elements of `output_size` windows, their indices)."""
    return F.adaptive_max_pool1d(input, output_size, return_indices=True)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1, ceil_mode: bool = False
) -> tuple[Tensor, Tensor]:
    """(the largest elements of windows, their indices)."""
    return F.max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, return_indices=True)


def convolution(
    input: Tensor, weight: Tensor, bias: Tensor | None, stride: Sizes, padding: Sizes, dilation: Sizes, transposed: bool, output_padding: Sizes,
    groups: int,
) -> Tensor:  # fmt: skip
    """A convolution of 1 to 3 dims, or a transposed one."""
    dims = input._spec.ndim - 2
    if transposed:
        return getattr(F, f"conv_transpose{dims}d")(input, weight, bias, stride, padding, output_padding, groups, dilation)
    return getattr(F, f"conv{dims}d")(input, weight, bias, stride, padding, dilation, groups)


# ---------------------------------------------------------------- dropout


def dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Each element 0 with probability p, else divided by 1 - p; the input where not in training."""
    return F.dropout(input, p, train)


def dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In place: see `dropout`."""
    return F.dropout(input, p, train, inplace=True)


def alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """Dropout that keeps mean and variance of self-normalising activations."""
    return F.alpha_dropout(input, p, train)


def alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In place: see `alpha_dropout`."""
    return F.alpha_dropout(input, p, train, inplace=True)


def feature_alpha_dropout(input: Tensor, p: float, train: bool) -> Tensor:
    """`alpha_dropout` of whole channels."""
    return F.feature_alpha_dropout(input, p, train)


def feature_alpha_dropout_(input: Tensor, p: float, train: bool) -> Tensor:
    """In place: see `feature_alpha_dropout`."""
    return F.feature_alpha_dropout(input, p, train, inplace=True)


def native_dropout(input: Tensor, p: float, train: bool | None) -> tuple[Tensor, Tensor]:
    """(dropped out, the mask of what was kept)."""
    if train is False:
        return input.clone(), creation.ones(input._spec.shape, dtype=dtypes.bool_)
    kept = F.dropout(creation.ones(input._spec.shape, dtype=input._spec.dtype), p, True)
    return pointwise.mul(input, kept), kept != 0


# ---------------------------------------------------------------- normalisation


def batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None, training: bool, momentum: float,
    eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """Each channel normalised by the batch's statistics (in training) or the running ones: see `nn.functional.batch_norm`."""
    return F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None, use_input_stats: bool,
    momentum: float, eps: float, cudnn_enabled: bool,
) -> Tensor:  # fmt: skip
    """Each channel of each sample normalised: see `nn.functional.instance_norm`."""
    return F.instance_norm(input, running_mean, running_var, weight, bias, use_input_stats, momentum, eps)


def layer_norm(
    input: Tensor, normalized_shape: Any, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5, cudnn_enable: bool = True,
) -> Tensor:  # fmt: skip
    """Each sample normalised over its last dims: see `nn.functional.layer_norm`."""
    return F.layer_norm(input, normalized_shape, weight, bias, eps)


def group_norm(
    input: Tensor, num_groups: int, weight: Tensor | None = None, bias: Tensor | None = None, eps: float = 1e-5, cudnn_enabled: bool = True,
) -> Tensor:  # fmt: skip
    """Groups of channels normalised: see `nn.functional.group_norm`."""
    return F.group_norm(input, num_groups, weight, bias, eps)


def _statistics(x: Tensor, dims: tuple[int, ...], eps: float, keepdim: bool) -> tuple[Tensor, Tensor]:
    """(mean, 1 / standard deviation) along dims."""
    variance, mean = reductions.var_mean(x, dims, correction=0, keepdim=keepdim)
    return mean, pointwise.rsqrt(pointwise.add(variance, eps))


def native_layer_norm(input: Tensor, normalized_shape: Any, weight: Tensor | None, bias: Tensor | None, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """(`layer_norm`, mean, 1 / standard deviation), the last two with the normalised dims of size 1."""
    dims = tuple(range(input._spec.ndim - len(tuple(normalized_shape)), input._spec.ndim))
    return (F.layer_norm(input, normalized_shape, weight, bias, eps), *_statistics(input.detach(), dims, eps, True))


def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, N: int, C: int, HxW: int, group: int, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """(`group_norm`, mean, 1 / standard deviation), the last two (N, group)."""
    grouped = shapes.reshape(input, (N, group, C // group * HxW))
    return (F.group_norm(input, group, weight, bias, eps), *_statistics(grouped, (2,), eps, False))


def native_batch_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, running_mean: Tensor | None, running_var: Tensor | None, training: bool, momentum: float,
    eps: float,
) -> tuple[Tensor, Tensor, Tensor]:  # fmt: skip
    """(`batch_norm`, mean, 1 / standard deviation) of the batch; the last two are empty where not in training."""
    dims = tuple(d for d in range(input._spec.ndim) if d != 1)
    none = creation.empty(0, dtype=input._spec.dtype)
    saved = _statistics(input.detach(), dims, eps, False) if training else (none, none)
    return (F.batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps), *saved)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The norm over all dims but one, which are kept with size 1; over all for dim -1."""
    dims = None if dim == -1 else tuple(d for d in range(v._spec.ndim) if d != dim)
    return reductions.norm(v, pow, dims, keepdim=dim != -1)


# ---------------------------------------------------------------- losses, whose reduction is a number


def _reduction(reduction: int | str) -> str:
    return reduction if isinstance(reduction, str) else ("none", "mean", "sum")[reduction]


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, pos_weight: Tensor | None = None, reduction: int | str = 0,
) -> Tensor:  # fmt: skip
    """See `nn.functional.binary_cross_entropy_with_logits`."""
    return F.binary_cross_entropy_with_logits(input, target, weight, reduction=_reduction(reduction), pos_weight=pos_weight)


def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int | str = 0) -> Tensor:
    """See `nn.functional.cosine_embedding_loss`."""
    return F.cosine_embedding_loss(input1, input2, target, margin, reduction=_reduction(reduction))


def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0, reduction: int | str = 0,
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """See `nn.functional.ctc_loss`."""
    return F.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, _reduction(reduction), zero_infinity)


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0, reduction: int | str = 0) -> Tensor:
    """See `nn.functional.hinge_embedding_loss`."""
    return F.hinge_embedding_loss(input, target, margin, reduction=_reduction(reduction))


def kl_div(input: Tensor, target: Tensor, reduction: int | str = 0, *, log_target: bool = False) -> Tensor:
    """See `nn.functional.kl_div`."""
    return F.kl_div(input, target, reduction=_reduction(reduction), log_target=log_target)


def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0.0, reduction: int | str = 0) -> Tensor:
    """See `nn.functional.margin_ranking_loss`."""
    return F.margin_ranking_loss(input1, input2, target, margin, reduction=_reduction(reduction))


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool, full: bool, eps: float, reduction: int | str) -> Tensor:
    """See `nn.functional.poisson_nll_loss`."""
    return F.poisson_nll_loss(input, target, log_input, full, eps=eps, reduction=_reduction(reduction))


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6, swap: bool = False, reduction: int | str = 0
) -> Tensor:
    """See `nn.functional.triplet_margin_loss`."""
    return F.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction=_reduction(reduction))


# ---------------------------------------------------------------- others


def embedding(weight: Tensor, indices: Tensor, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:
    """The rows of `weight` at `indices`: see `nn.functional.embedding`, whose order of arguments is another."""
    return F.embedding(indices, weight, None if padding_idx == -1 else padding_idx, scale_grad_by_freq=scale_grad_by_freq, sparse=sparse)


def constant_pad_nd(input: Tensor, pad: Any, value: float = 0) -> Tensor:
    """A margin of one number around the last dims; negative sizes cut."""
    return F.pad(input, list(pad), "constant", value)


def _grid_sample(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor:
    mode = ("bilinear", "nearest", "bicubic")[interpolation_mode]
    return F.grid_sample(input, grid, mode, ("zeros", "border", "reflection")[padding_mode], align_corners)


def grid_sampler(input: Tensor, grid: Tensor, interpolation_mode: int, padding_mode: int, align_corners: bool) -> Tensor:
    """`nn.functional.grid_sample`, with modes by number."""
    return _grid_sample(input, grid, interpolation_mode, padding_mode, align_corners)


grid_sampler_2d = grid_sampler_3d = grid_sampler


def affine_grid_generator(theta: Tensor, size: Any, align_corners: bool) -> Tensor:
    """See `nn.functional.affine_grid`."""
    return F.affine_grid(theta, list(size), align_corners)


__all__ = [
    "adaptive_avg_pool1d", "adaptive_max_pool1d", "affine_grid_generator", "alpha_dropout", "alpha_dropout_", "avg_pool1d", "batch_norm", "bilinear",
    "binary_cross_entropy_with_logits", "celu_", "channel_shuffle", "constant_pad_nd", "conv1d", "conv2d", "conv3d", "conv_transpose1d",
    "conv_transpose2d", "conv_transpose3d", "convolution", "cosine_embedding_loss", "cosine_similarity", "ctc_loss", "dropout", "dropout_", "embedding",
    "feature_alpha_dropout", "feature_alpha_dropout_", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d", "group_norm", "gru", "gru_cell",
    "hinge_embedding_loss", "instance_norm", "kl_div", "layer_norm", "lstm", "lstm_cell", "margin_ranking_loss", "max_pool1d",
    "max_pool1d_with_indices", "max_pool2d", "max_pool3d", "native_batch_norm", "native_dropout", "native_group_norm", "native_layer_norm",
    "norm_except_dim", "pairwise_distance", "pdist", "pixel_shuffle", "pixel_unshuffle", "poisson_nll_loss", "rms_norm", "rnn_relu", "rnn_relu_cell",
    "rnn_tanh", "rnn_tanh_cell", "rrelu", "rrelu_", "selu_", "threshold_", "triplet_margin_loss",
]  # fmt: skip

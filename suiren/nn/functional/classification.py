"""Losses of classifiers. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#loss-functions, aten/src/ATen/native/LossNLL.cpp"""

from __future__ import annotations

import math

from suiren.api import casting
from suiren.api.activation import log_softmax, logsigmoid, one_hot_mask
from suiren.api.arguments import TYPE_WORDS, check_tensor
from suiren.api.composites import composite
from suiren.dtypes import FLOAT, int64, uint8
from suiren.nn.functional.reduction import check, legacy, reduced
from suiren.ops.compare import ge, ne, where
from suiren.ops.creation import cast
from suiren.ops.loss import binary_cross_entropy as binary_cross_entropy_op
from suiren.ops.loss import check_range
from suiren.ops.movement import reshape
from suiren.ops.pointwise import add, clamp_min, div, mul, neg, sub
from suiren.ops.reduce import sum as sum_op
from suiren.tensor import Tensor


def _all_dims(t: Tensor) -> tuple[int, ...]:
    return tuple(range(t._spec.ndim))


def _total(t: Tensor) -> Tensor:
    return sum_op(t, dims=_all_dims(t), keepdim=False)


# ---------------------------------------------------------------- class indices


def _check_targets(input: Tensor, target: Tensor, weight: Tensor | None) -> None:
    """RuntimeError or ValueError, PyTorch's, for sizes and dtypes that do not fit: input (N, C, …) or (C,), target (N, …) or ()."""
    x, t = input._spec.shape, target._spec.shape
    if not x:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if len(x) != 1 and (not t or x[0] != t[0]):
        raise ValueError(f"Expected input batch_size ({x[0]}) to match target batch_size ({t[0] if t else 1}).")
    if len(x) <= 2:
        if len(t) > 1:
            raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
        if len(x) == 1 and len(t) == 1 and t[0] != 1:
            raise RuntimeError(f"size mismatch (got input: {list(x)}, target: {list(t)})")
    elif len(x) == 4 and len(t) != 3:
        raise RuntimeError(f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {len(t)}")
    elif t[1:] != x[2:]:
        raise RuntimeError(f"Expected target size {[x[0], *x[2:]]}, got {list(t)}")
    classes = x[0] if len(x) == 1 else x[1]
    if weight is not None and weight._spec.shape != (classes,):
        raise RuntimeError(
            f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of shape: "
            f"{list(weight._spec.shape)}"
        )
    if target._spec.dtype not in (int64, uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {TYPE_WORDS[target._spec.dtype.name]}")


def _picked(log_p: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int) -> tuple:
    """(the log-probability of each target, which targets count, the weight of each target or None)."""
    x = log_p._spec.shape
    d = 0 if len(x) == 1 else 1
    if len(x) == 1 and target._spec.ndim == 1:
        target = reshape(target, shape=())
    if target._spec.dtype is uint8:
        target = cast(target, dtype=int64)
    counts = ne(target, ignore_index)
    mask = one_hot_mask(where(counts, target, 0), x[d], d)
    found = sum_op(where(mask, log_p, 0.0), dims=(d,), keepdim=False)
    if weight is None:
        return found, counts, None
    per_class = reshape(weight, shape=(x[d], *(1,) * (len(x) - 1 - d)))
    return found, counts, sum_op(where(mask, per_class, 0.0), dims=(d,), keepdim=False)


def _nll(log_p: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> Tensor:
    found, counts, weights = _picked(log_p, target, weight, ignore_index)
    loss = where(counts, neg(found) if weights is None else mul(neg(found), weights), 0.0)
    if reduction == "none":
        return loss
    total = _total(loss)
    if reduction == "sum":
        return total
    share = cast(counts, dtype=log_p._spec.dtype) if weights is None else where(counts, weights, 0.0)
    return div(total, _total(share))


def nll_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None, ignore_index: int = -100,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """minus the log-probability, `input` (N, C, …) or (C,), of the class `target` (N, …) or (): int64 in 0 … C - 1, or `ignore_index`.

    "mean" divides by the sum of the targets' weights. IndexError for a target out of range.
    """
    if casting.on and casting.here.enabled:
        return casting.widened(nll_loss, input, target, weight, size_average, ignore_index, reduce, reduction)
    return _nll_loss(input, target, weight, ignore_index, legacy(size_average, reduce, reduction))


@composite
def _nll_loss(input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str) -> Tensor:
    check_tensor("nll_loss_nd", input)
    check_tensor("nll_loss_nd", target, "target", 2)
    check(reduction)
    _check_targets(input, target, weight)
    return _nll(input, target, weight, ignore_index, reduction)


def cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None, ignore_index: int = -100,
    reduce: bool | None = None, reduction: str = "mean", label_smoothing: float = 0.0,
) -> Tensor:  # fmt: skip
    """`nll_loss` of the log_softmax of `input` (N, C, …) or (C,). `target` are class indices (N, …), or probabilities of input's own shape.

    `label_smoothing` gives that share of each target to all classes alike. IndexError for a target out of range.
    """
    if casting.on and casting.here.enabled:
        return casting.widened(cross_entropy, input, target, weight, size_average, ignore_index, reduce, reduction, label_smoothing)
    if size_average is not None or reduce is not None:
        reduction = legacy(size_average, reduce, reduction)
    return _cross_entropy(input, target, weight, ignore_index, reduction, label_smoothing)


@composite
def _cross_entropy(input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, label_smoothing: float) -> Tensor:
    check_tensor("cross_entropy_loss", input)
    check_tensor("cross_entropy_loss", target, "target", 2)
    check(reduction)
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing}")
    x = input._spec
    d = 0 if x.ndim <= 1 else 1
    if x.shape == target._spec.shape:
        return _of_probabilities(input, target, weight, ignore_index, reduction, label_smoothing, d)
    _check_targets(input, target, weight)
    log_p = log_softmax(input, d)
    loss = _nll(log_p, target, weight, ignore_index, reduction)
    if label_smoothing > 0.0:
        spread = _spread(log_p, target, weight, ignore_index, reduction, d)
        loss = add(mul(loss, 1 - label_smoothing), mul(spread, label_smoothing / x.shape[d]))
    return loss


def _spread(log_p: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, d: int) -> Tensor:
    """The loss against all classes alike, of the targets that count."""
    x = log_p._spec.shape
    if len(x) == 1 and target._spec.ndim == 1:
        target = reshape(target, shape=())
    weighted = log_p if weight is None else mul(log_p, reshape(weight, shape=(x[d], *(1,) * (len(x) - 1 - d))))
    counts = ne(target, ignore_index)
    loss = where(counts, neg(sum_op(weighted, dims=(d,), keepdim=False)), 0.0)
    if reduction == "none":
        return loss
    if reduction == "sum":
        return _total(loss)
    if weight is None:
        return div(_total(loss), _total(cast(counts, dtype=log_p._spec.dtype)))
    _, _, weights = _picked(log_p, target, weight, ignore_index)
    return div(_total(loss), _total(where(counts, weights, 0.0)))


def _of_probabilities(input: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: str, smoothing: float, d: int):
    x = input._spec
    if target._spec.dtype.category < FLOAT:
        raise RuntimeError(f"Expected floating point type for target with class probabilities, got {TYPE_WORDS[target._spec.dtype.name]}")
    if ignore_index >= 0:
        raise RuntimeError("ignore_index is not supported for floating point target")
    classes = x.shape[d] if x.ndim else 1
    if weight is not None and weight._spec.shape != (classes,):
        raise RuntimeError(
            f"cross_entropy: weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of "
            f"shape: {list(weight._spec.shape)}"
        )
    log_p = log_softmax(input, d)
    if smoothing > 0.0:
        target = add(mul(target, 1 - smoothing), smoothing / classes)
    each = mul(log_p, target)
    if weight is not None:
        each = mul(each, reshape(weight, shape=(classes, *(1,) * (x.ndim - 1 - d))))
    if reduction == "none":
        return neg(sum_op(each, dims=(d,) if x.ndim else (), keepdim=False))
    total = neg(_total(each))
    if reduction == "sum":
        return total
    return div(total, x.numel // classes) if x.numel else mul(total, math.nan)


# ---------------------------------------------------------------- two classes


def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """-(target log input + (1 - target) log(1 - input)). RuntimeError for an input or target outside of [0, 1]; ValueError for other sizes."""
    if casting.on and casting.here.enabled:
        return casting.widened(binary_cross_entropy, input, target, weight, size_average, reduce, reduction)
    reduction = legacy(size_average, reduce, reduction)
    check(reduction)
    if target._spec.shape != input._spec.shape:
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is deprecated. "
            "Please ensure they have the same size."
        )
    if target._spec.dtype is not input._spec.dtype:
        found, wanted = TYPE_WORDS[target._spec.dtype.name], TYPE_WORDS[input._spec.dtype.name]
        raise RuntimeError(f"Found dtype {found} but expected {wanted}")
    x = check_range(input, low=0.0, high=1.0, message="all elements of input should be between 0 and 1")
    t = check_range(target, low=0.0, high=1.0, message="all elements of target should be between 0 and 1")
    loss = binary_cross_entropy_op(x, t)
    return reduced(loss if weight is None else mul(loss, weight), reduction)


def binary_cross_entropy_with_logits(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean", pos_weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """`binary_cross_entropy` of sigmoid(input), without overflow; `pos_weight` multiplies the positive part. ValueError for other sizes."""
    if casting.on and casting.here.enabled:
        return casting.widened(binary_cross_entropy_with_logits, input, target, weight, size_average, reduce, reduction, pos_weight)
    reduction = legacy(size_average, reduce, reduction)
    check(reduction)
    if target._spec.shape != input._spec.shape:
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    if target._spec.dtype.category < FLOAT:
        kind, wanted = TYPE_WORDS[target._spec.dtype.name], TYPE_WORDS[input._spec.dtype.name]
        raise RuntimeError(f"result type {wanted} can't be cast to the desired output type {kind}")
    log_p = logsigmoid(input)
    if pos_weight is not None:
        log_p = mul(add(mul(sub(pos_weight, 1), target), 1), log_p)
    loss = sub(mul(sub(1, target), input), log_p)
    return reduced(loss if weight is None else mul(loss, weight), reduction)


def soft_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """log(1 + exp(-target * input)), of targets -1 and 1."""
    if casting.on and casting.here.enabled:
        return casting.widened(soft_margin_loss, input, target, size_average, reduce, reduction)
    reduction = legacy(size_average, reduce, reduction)
    return reduced(mul(neg(target), input).exp().log1p(), reduction)


def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin: float = 1.0, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """`input` where the target is 1, max(0, margin - input) where it is -1."""
    if casting.on and casting.here.enabled:
        return casting.widened(hinge_embedding_loss, input, target, margin, size_average, reduce, reduction)
    reduction = legacy(size_average, reduce, reduction)
    far = where(ne(target, 1), clamp_min(sub(margin, input), 0.0), 0.0)
    near = where(ne(target, -1), input, 0.0)
    return reduced(add(far, near), reduction)


# ---------------------------------------------------------------- several labels, margins


def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor | None = None, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean over the last dim of the binary cross entropy of sigmoid(input)."""
    reduction = legacy(size_average, reduce, reduction)
    loss = neg(add(mul(target, logsigmoid(input)), mul(sub(1, target), logsigmoid(neg(input)))))
    if weight is not None:
        loss = mul(loss, weight)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    return reduced(loss.sum(-1) / input._spec.shape[-1], reduction)


def _rows(input: Tensor, target: Tensor) -> tuple[Tensor, Tensor, bool]:
    """(input (N, C), target with a batch, whether there was none)."""
    if input._spec.ndim <= 1:
        return input.reshape(1, -1), target.reshape(1, *target._spec.shape), True
    return input, target, False


def multi_margin_loss(
    input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0, weight: Tensor | None = None, size_average: bool | None = None,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """The mean over the other classes of max(0, margin - input[target] + input[i]) ** p: (N, C) and (N,), or (C,) and ()."""
    if casting.on and casting.here.enabled:
        return casting.widened(multi_margin_loss, input, target, p, margin, weight, size_average, reduce, reduction)
    reduction = legacy(size_average, reduce, reduction)
    check(reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight._spec.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    x, t, single = _rows(input, target)
    if x._spec.ndim != 2:
        raise RuntimeError(f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(input._spec.shape)}")
    if single and target._spec.ndim:
        t = t.reshape(1)
    if t._spec.shape != x._spec.shape[:1]:
        raise RuntimeError(f"inconsistent target size, expected {x._spec.shape[0]} but got {list(target._spec.shape)}")
    classes = x._spec.shape[1]
    mask = one_hot_mask(t, classes, 1, "target out of range")
    own = sum_op(where(mask, x, 0.0), dims=(1,), keepdim=True)
    each = clamp_min(add(sub(margin, own), x), 0.0)
    if p == 2:
        each = mul(each, each)
    if weight is not None:
        each = mul(each, sum_op(where(mask, weight, 0.0), dims=(1,), keepdim=True))
    loss = div(sum_op(where(mask, 0.0, each), dims=(1,), keepdim=False), classes)
    if single and reduction == "none":
        return reshape(loss, shape=())
    return reduced(loss, reduction)


def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean"
) -> Tensor:
    """The mean over classes of max(0, 1 - (input[j] - input[i])), j each target before the first -1, i every class that is no target."""
    if casting.on and casting.here.enabled:
        return casting.widened(multilabel_margin_loss, input, target, size_average, reduce, reduction)
    reduction = legacy(size_average, reduce, reduction)
    check(reduction)
    x, t, single = _rows(input, target)
    if t._spec.ndim == 1:
        t = t.reshape(1, -1)
    if t._spec.shape != x._spec.shape:
        raise RuntimeError(f"inconsistent target size: {list(target._spec.shape)} for input of size: {list(input._spec.shape)}")
    n, classes = x._spec.shape
    listed = ge((ge(t, 0)).to(int64).cumprod(1), 1)  # before the first -1
    mask = one_hot_mask(where(listed, t, 0), classes, 2)  # (N, place, class)
    mask = mask & reshape(listed, shape=(n, classes, 1))
    is_target = mask.any(1)  # (N, class)
    own = sum_op(where(mask, reshape(x, shape=(n, 1, classes)), 0.0), dims=(2,), keepdim=True)  # (N, place, 1)
    gap = clamp_min(add(sub(1.0, own), reshape(x, shape=(n, 1, classes))), 0.0)  # (N, place, class)
    counts = reshape(listed, shape=(n, classes, 1)) & ~reshape(is_target, shape=(n, 1, classes))
    loss = div(sum_op(where(counts, gap, 0.0), dims=(1, 2), keepdim=False), classes)
    if single and reduction == "none":
        return reshape(loss, shape=())
    return reduced(loss, reduction)


__all__ = [
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "hinge_embedding_loss", "multi_margin_loss",
    "multilabel_margin_loss", "multilabel_soft_margin_loss", "nll_loss", "soft_margin_loss",
]  # fmt: skip

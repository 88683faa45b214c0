"""Losses of regressions, distances and distributions. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#loss-functions"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable

from suiren.api import casting
from suiren.api.arguments import TYPE_WORDS
from suiren.api.shapes import broadcast_tensors
from suiren.dtypes import FLOAT
from suiren.nn.functional.reduction import check, legacy, reduced
from suiren.ops.activation import xlogy
from suiren.ops.compare import le, lt, where
from suiren.ops.pointwise import abs as abs_op
from suiren.ops.pointwise import add, clamp_min, div, minimum, mul, neg, sub
from suiren.ops.powers import pow_const
from suiren.tensor import Tensor
from suiren.trace.recording import binary, record1

_difference = binary(sub)


def _gap(name: str, input: Tensor, target: Tensor) -> Tensor:
    """input - target; a warning if they only broadcast."""
    if input._spec.shape != target._spec.shape:
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). This will likely lead to "
            "incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )
        input, target = broadcast_tensors(input, target)
    if input._spec.dtype.category < FLOAT and target._spec.dtype.category < FLOAT:
        raise NotImplementedError(f"\"{name}\" not implemented for '{TYPE_WORDS[input._spec.dtype.name]}'")
    return _difference(input, target)


def _weighted(loss: Tensor, input: Tensor, weight: Tensor, reduction: str, by_weight: bool) -> Tensor:
    if weight._spec.shape != input._spec.shape:
        raise ValueError("Weights and input must have the same size.")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")
    loss = mul(loss, weight)
    if reduction == "mean" and by_weight:
        return loss.sum() / weight.sum()
    return reduced(loss, reduction)


def mse_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """(input - target)², with `weight` as a weighted mean."""
    if casting.on and casting.here.enabled:
        return casting.widened(mse_loss, input, target, size_average, reduce, reduction, weight)
    if size_average is not None or reduce is not None:
        reduction = legacy(size_average, reduce, reduction)
    loss = record1(pow_const, _gap("mse_cpu", input, target), (2,))
    return reduced(loss, reduction) if weight is None else _weighted(loss, input, weight, reduction, True)


def l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """|input - target|, with `weight` as a weighted mean."""
    if casting.on and casting.here.enabled:
        return casting.widened(l1_loss, input, target, size_average, reduce, reduction, weight)
    if size_average is not None or reduce is not None:
        reduction = legacy(size_average, reduce, reduction)
    loss = abs_op(_gap("abs_cpu", input, target))
    return reduced(loss, reduction) if weight is None else _weighted(loss, input, weight, reduction, True)


def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:  # fmt: skip
    """d = |input - target|: d² / (2 beta) below beta, d - beta / 2 above. RuntimeError for a negative beta."""
    if casting.on and casting.here.enabled:
        return casting.widened(smooth_l1_loss, input, target, size_average, reduce, reduction, beta)
    if size_average is not None or reduce is not None:
        reduction = legacy(size_average, reduce, reduction)
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    gap = abs_op(_gap("smooth_l1_cpu", input, target))
    if beta == 0:
        return reduced(gap, reduction)
    loss = where(lt(gap, beta), div(mul(mul(gap, 0.5), gap), beta), sub(gap, 0.5 * beta))
    return reduced(loss, reduction)


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0, weight: Tensor | None = None) -> Tensor:
    """d = |input - target|: d² / 2 up to delta, delta * (d - delta / 2) above. RuntimeError for a delta that is not positive."""
    if casting.on and casting.here.enabled:
        return casting.widened(huber_loss, input, target, reduction, delta, weight)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    gap = abs_op(_gap("huber_cpu", input, target))
    loss = where(le(gap, delta), mul(mul(gap, 0.5), gap), mul(sub(gap, 0.5 * delta), delta))
    return reduced(loss, reduction) if weight is None else _weighted(loss, input, weight, reduction, False)


def kl_div(
    input: Tensor, target: Tensor, size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:  # fmt: skip
    """target * (log target - input), `input` log-probabilities; "batchmean" divides the sum by the batch's size."""
    if casting.on and casting.here.enabled:
        return casting.widened(kl_div, input, target, size_average, reduce, reduction, log_target)
    if size_average is not None or reduce is not None:
        reduction = legacy(size_average, reduce, reduction)
    elif reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size."
            "'batchmean' divides only by the batch size, and aligns with the KL div math definition."
            "'mean' will be changed to behave the same as 'batchmean' in the next major release.",
            stacklevel=2,
        )
    if log_target:
        loss = mul(target.exp(), sub(target, input))
    else:
        loss = sub(xlogy(target, target), mul(target, input))
    if reduction != "batchmean":
        return reduced(loss, reduction)
    total = loss.sum()
    return div(total, input._spec.shape[0]) if input._spec.ndim else total


def poisson_nll_loss(
    input: Tensor, target: Tensor, log_input: bool = True, full: bool = False, size_average: bool | None = None, eps: float = 1e-8,
    reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """exp(input) - target * input, or, of an input that is no logarithm, input - target * log(input + eps)."""
    if casting.on and casting.here.enabled:
        return casting.widened(poisson_nll_loss, input, target, log_input, full, size_average, eps, reduce, reduction)
    reduction = legacy(size_average, reduce, reduction)
    check(reduction)
    loss = sub(input.exp(), mul(target, input)) if log_input else sub(input, mul(target, add(input, eps).log()))
    if full:  # Stirling's approximation of log(target!)
        stirling = add(sub(mul(target, target.log()), target), mul(mul(target, 2 * math.pi).log(), 0.5))
        loss = add(loss, where(le(target, 1), 0.0, stirling))
    return reduced(loss, reduction)


def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Tensor | float, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Tensor:
    """(log var + (input - target)² / var) / 2, var not below eps. ValueError for a negative variance or sizes that do not fit."""
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = input.new_full(input._spec.shape, var)
    elif bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    a, b = input._spec.shape, var._spec.shape
    if a != b:
        if a[:-1] == b:
            var = var.unsqueeze(-1)
        elif len(a) != len(b) or sum(y for x, y in zip(a, b) if x != y) != 1:
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    floor = clamp_min(var.detach(), eps)
    var = add(sub(var, var.detach()), floor)  # the gradient passes the floor, as PyTorch's does
    loss = mul(add(var.log(), div(pow_const(sub(input, target), exponent=2), var)), 0.5)
    if full:
        loss = add(loss, 0.5 * math.log(2 * math.pi))
    return reduced(loss, reduction)


# ---------------------------------------------------------------- distances


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle between x1 and x2 along a dim; lengths count at least eps."""
    x1, x2 = broadcast_tensors(x1, x2)
    length1, length2 = (clamp_min(x.norm(2, dim, keepdim=True), eps) for x in (x1, x2))
    return mul(div(x1, length1), div(x2, length2)).sum(dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last dim."""
    return add(sub(x1, x2), eps).norm(p, -1, keepdim=keepdim)


def pdist(input: Tensor, p: float = 2.0) -> Tensor:
    """The p-norm distances between the rows of (N, D), each pair once: (N (N - 1) / 2,)."""
    from suiren.api.diagonals import triu_indices

    n = input._spec.shape[0]
    first, second = triu_indices(n, n, 1).unbind(0)
    return sub(input.index_select(0, first), input.index_select(0, second)).norm(p, -1)


def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1."""
    if casting.on and casting.here.enabled:
        return casting.widened(cosine_embedding_loss, input1, input2, target, margin, size_average, reduce, reduction)
    reduction = legacy(size_average, reduce, reduction)
    check(reduction)
    d = target._spec.ndim
    eps = 1e-12
    dot = mul(input1, input2).sum(d)
    length = mul(add(mul(input1, input1).sum(d), eps), add(mul(input2, input2).sum(d), eps)).sqrt()
    cos = div(dot, length)
    alike = where(target == 1, sub(1, cos), 0.0)
    apart = where(target == -1, clamp_min(sub(cos, margin), 0.0), 0.0)
    return reduced(add(alike, apart), reduction)


def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0, size_average: bool | None = None, reduce: bool | None = None,
    reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, -target * (input1 - input2) + margin). RuntimeError for other numbers of dims."""
    if casting.on and casting.here.enabled:
        return casting.widened(margin_ranking_loss, input1, input2, target, margin, size_average, reduce, reduction)
    reduction = legacy(size_average, reduce, reduction)
    check(reduction)
    if not input1._spec.ndim == input2._spec.ndim == target._spec.ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.size()}, input2: {input2.size()}, target: {target.size()} "
        )
    return reduced(clamp_min(add(mul(neg(target), sub(input1, input2)), margin), 0.0), reduction)


def _triplet(near: Tensor, far: Tensor, margin: float, reduction: str) -> Tensor:
    return reduced(clamp_min(sub(add(near, margin), far), 0.0), reduction)


def triplet_margin_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0, p: float = 2, eps: float = 1e-6, swap: bool = False,
    size_average: bool | None = None, reduce: bool | None = None, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), d the p-norm; `swap`: or d(positive, negative) where it is smaller."""
    if casting.on and casting.here.enabled:
        return casting.widened(triplet_margin_loss, anchor, positive, negative, margin, p, eps, swap, size_average, reduce, reduction)
    reduction = legacy(size_average, reduce, reduction)
    check(reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    _same_dims(anchor, positive, negative)
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = minimum(far, pairwise_distance(positive, negative, p, eps))
    return _triplet(near, far, margin, reduction)


def _same_dims(anchor: Tensor, positive: Tensor, negative: Tensor) -> None:
    a, b, c = anchor._spec.ndim, positive._spec.ndim, negative._spec.ndim
    if not a == b == c:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, "
            f"but got: anchor {a}D, positive {b}D, and negative {c}D inputs"
        )


def triplet_margin_with_distance_loss(
    anchor: Tensor, positive: Tensor, negative: Tensor, *, distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0, swap: bool = False, reduction: str = "mean",
) -> Tensor:  # fmt: skip
    """`triplet_margin_loss` with a distance of one's own."""
    check(reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    _same_dims(anchor, positive, negative)
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = minimum(far, distance(positive, negative))
    return _triplet(near, far, margin, reduction)


__all__ = [
    "cosine_embedding_loss", "cosine_similarity", "gaussian_nll_loss", "huber_loss", "kl_div", "l1_loss", "margin_ranking_loss",
    "mse_loss", "pairwise_distance", "pdist", "poisson_nll_loss", "smooth_l1_loss", "triplet_margin_loss",
    "triplet_margin_with_distance_loss",
]  # fmt: skip

"""The connectionist temporal classification loss. Source: aten/src/ATen/native/LossCTC.cpp, https://www.cs.toronto.edu/~graves/icml_2006.pdf

The recursion over time is recorded, all sequences and all states of a step at once.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from suiren.api import casting
from suiren.api.creation import from_numpy
from suiren.api.joining import cat
from suiren.dtypes import int64
from suiren.nn.functional.reduction import check
from suiren.ops.compare import where
from suiren.ops.creation import stop_gradient
from suiren.tensor import Tensor

# The logarithm of 0, as a number: differences of infinities would be NaN.
_NEVER = {"float64": -1e290, "float32": -1e30}


@casting.wide
def ctc_loss(
    log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any, blank: int = 0, reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:  # fmt: skip
    """minus the log-probability of the targets under `log_probs` (T, N, C), or (T, C): targets (N, S), or one after the other (sum of lengths,).

    "mean" divides each loss by its target's length. `zero_infinity`: 0 for targets that do not fit into their input. RuntimeError for what
    does not fit. As in PyTorch, the gradient takes it that `log_probs` come from a log_softmax.
    """
    check(reduction)
    if log_probs._spec.dtype.name not in _NEVER:
        raise NotImplementedError(f"\"ctc_loss_cpu\" not implemented for '{log_probs._spec.dtype.scalar_name}'")
    unbatched = log_probs.dim() == 2
    if unbatched:
        log_probs = log_probs.unsqueeze(1)
        targets = targets.unsqueeze(0) if targets.dim() == 1 else targets
    steps, count, classes = log_probs.shape
    inputs, labels = _lengths(input_lengths), _lengths(target_lengths)
    _check_lengths(steps, count, classes, blank, inputs, labels)
    loss = _losses(log_probs, _padded(targets, labels, count), inputs, labels, blank)
    if zero_infinity:
        loss = where(loss == math.inf, 0.0, loss)
    if reduction == "mean":
        return (loss / from_numpy(np.maximum(labels, 1).astype(log_probs._spec.dtype.np))).mean()
    if reduction == "sum":
        return loss.sum()
    return loss.squeeze(0) if unbatched else loss


def _lengths(given: Any) -> np.ndarray:
    found = given.detach().numpy() if isinstance(given, Tensor) else np.asarray(given)
    return found.reshape(-1).astype(np.int64)


def _check_lengths(steps: int, count: int, classes: int, blank: int, inputs: np.ndarray, labels: np.ndarray) -> None:
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    for name, lengths in (("input", inputs), ("target", labels)):
        if len(lengths) != count:
            raise RuntimeError(f"{name}_lengths must be of size batch_size")
    for i, n in enumerate(labels):
        if n < 0:
            raise RuntimeError(f"Expected target_lengths to have value at least 0, but got value {n} (while checking arguments for ctc_loss_allocate_outputs)")
        if inputs[i] < 0:
            raise RuntimeError(
                f"Expected input_lengths to have value at least 0, but got value {inputs[i]} (while checking arguments for ctc_loss_allocate_outputs)"
            )
        if inputs[i] > steps:
            raise RuntimeError(
                f"Expected input_lengths to have value at most {steps}, but got value {inputs[i]} (while checking arguments for ctc_loss_allocate_outputs)"
            )


def _padded(targets: Tensor, labels: np.ndarray, count: int) -> Tensor:
    """The targets as (N, S), S the length of the longest."""
    longest = int(labels.max()) if count else 0
    if targets.dim() == 1:
        if targets.size(0) != labels.sum():
            raise RuntimeError(
                f"Expected tensor to have size {labels.sum()} at dimension 0, but got size {targets.size(0)} for argument #2 'targets' "
                "(while checking arguments for ctc_loss_allocate_outputs)"
            )
        firsts = np.cumsum(labels) - labels
        places = np.minimum(firsts[:, None] + np.arange(longest), max(targets.size(0) - 1, 0))
        return targets.index_select(0, from_numpy(places.reshape(-1))).reshape(count, longest) if longest else targets.new_zeros(count, 0)
    if targets.size(0) != count or targets.size(1) < longest:
        dim, least = (0, count) if targets.size(0) != count else (1, longest)
        raise RuntimeError(
            f"Expected tensor to have size at least {least} at dimension {dim}, but got size {targets.size(dim)} for argument #2 'targets' "
            "(while checking arguments for ctc_loss_allocate_outputs)"
        )
    return targets[:, :longest]


def _losses(log_probs: Tensor, targets: Tensor, inputs: np.ndarray, labels: np.ndarray, blank: int) -> Tensor:
    """The loss of every sequence (N,), inf for one that cannot be."""
    steps, count, _ = log_probs.shape
    longest, kind = targets.shape[1], log_probs._spec.dtype
    never = _NEVER[kind.name]
    # states: blank, first label, blank, second label, …, blank
    states = 2 * longest + 1
    blanks = targets.new_full((count, longest, 1), blank)
    path = cat([cat([blanks, targets.unsqueeze(2)], 2).reshape(count, 2 * longest), targets.new_full((count, 1), blank)], 1)
    path = where(from_numpy(np.arange(states) < 2 * labels[:, None] + 1), path, blank)  # what lies behind a target may be anything
    each = log_probs.gather(2, path.to(int64).unsqueeze(0).expand(steps, count, states))  # (T, N, states)
    may_skip = None
    if longest > 1:  # from a label to the next one, if that is another
        differs = path[:, 3::2] != path[:, 1:-2:2]
        row = cat([differs.unsqueeze(2), differs.new_zeros(count, longest - 1, 1)], 2).reshape(count, 2 * longest - 2)
        may_skip = cat([row.new_zeros(count, 3), row], 1)[:, :states]
    alpha = _first(each, labels, states, never) if steps else None
    same_length = bool((inputs == steps).all())
    for t in range(1, steps):
        terms = [alpha, _shifted(alpha, 1, never)]
        if may_skip is not None:
            terms.append(where(may_skip, _shifted(alpha, 2, never), never))
        moved = _log_sum(terms) + each[t]
        alpha = moved if same_length else where(from_numpy((t < inputs)[:, None]), moved, alpha)
    if alpha is None:
        return log_probs.new_zeros(count)
    places = np.arange(states)
    ends = from_numpy((places == 2 * labels[:, None]) | (places == 2 * labels[:, None] - 1))
    total = _log_sum([where(ends, alpha, never)], 1)
    loss = where(total < never / 2, math.inf, -total)
    if (inputs == 0).any():  # nothing fits into no input but nothing
        loss = where(from_numpy(inputs == 0), from_numpy(np.where(labels == 0, 0, np.inf).astype(kind.np)), loss)
    # 0, whose gradient is the probabilities: that of the normalisation which PyTorch takes for granted
    chances = log_probs.exp()
    if not same_length:
        chances = where(from_numpy((np.arange(steps)[:, None] < inputs)[:, :, None]), chances, 0.0)
    rest = (chances - stop_gradient(chances)).sum((0, 2))
    return loss + where(loss == math.inf, 0.0, rest)


def _first(each: Tensor, labels: np.ndarray, states: int, never: float) -> Tensor:
    starts = np.arange(states) < np.where(labels > 0, 2, 1)[:, None]
    return where(from_numpy(starts), each[0], never)


def _shifted(alpha: Tensor, by: int, never: float) -> Tensor:
    if alpha.shape[1] <= by:
        return alpha.new_full(alpha.shape, never)
    return cat([alpha.new_full((alpha.shape[0], by), never), alpha[:, :-by]], 1)


def _log_sum(terms: list[Tensor], dim: int | None = None) -> Tensor:
    """log of the sum of the exponentials of several tensors, or, of one, along a dim."""
    top = terms[0] if dim is None else terms[0].amax(dim, keepdim=True)
    for term in terms[1:]:
        top = top.maximum(term)
    top = stop_gradient(top)
    total = (terms[0] - top).exp()
    for term in terms[1:]:
        total = total + (term - top).exp()
    if dim is not None:
        total, top = total.sum(dim), top.squeeze(dim)
    return total.log() + top


__all__ = ["ctc_loss"]

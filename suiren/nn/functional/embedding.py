"""Rows of a table at indices, alone and in bags. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#sparse-functions"""

from __future__ import annotations

import math

import numpy as np

from suiren.api.activation import one_hot_mask
from suiren.api.arguments import check_tensor
from suiren.api.creation import from_numpy
from suiren.autograd.modes import no_grad
from suiren.dtypes import int32, int64
from suiren.ops.compare import eq, where
from suiren.ops.creation import cast, check_index, stop_gradient, zeros
from suiren.ops.embedding import scale_gradient
from suiren.ops.indexing import index_add, index_copy, take
from suiren.ops.movement import reshape
from suiren.tensor import Tensor


def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """Rows of `weight` (N, D) at the indices `input`, int64 or int32 of any shape: (*, D). The row `padding_idx` gets no gradient.

    `max_norm`: rows that are used and longer are shortened first, in place. `scale_grad_by_freq` divides a row's gradient by how often it is
    used. IndexError for an index out of range; NotImplementedError for `sparse` gradients.
    """
    check_tensor("embedding", input)
    if weight._spec.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    if input._spec.dtype not in (int64, int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
            f"but got {input.type()} instead (while checking arguments for embedding)"
        )
    if sparse:
        raise NotImplementedError("embedding: sparse=True is not supported by suiren; gradients are dense")
    rows = weight._spec.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= rows
    index = check_index(cast(input, dtype=int64) if input._spec.dtype is int32 else input, size=rows, message="index out of range in self")
    if max_norm is not None:
        _shorten(weight, index, max_norm, norm_type)
    found = take(weight, index, dim=0)
    if not found._spec.requires_grad:
        return found
    if scale_grad_by_freq:
        found = scale_gradient(found, _one_by_uses(index, weight))
    if padding_idx is not None:
        is_padding = reshape(eq(index, padding_idx), shape=(*index._spec.shape, 1))
        found = where(is_padding, stop_gradient(found), found)
    return found


def _flat(index: Tensor) -> Tensor:
    return reshape(index, shape=(index._spec.numel,))


def _shorten(weight: Tensor, index: Tensor, max_norm: float, norm_type: float) -> None:
    """Scales the rows at `index` that are longer than `max_norm`, in place."""
    if not index._spec.numel:
        return
    with no_grad():
        places = _flat(index)
        rows = take(weight.detach(), places, dim=0)
        length = rows.norm(norm_type, 1, keepdim=True)
        shortened = where(length > max_norm, rows * (max_norm / (length + 1e-7)), rows)
        weight.copy_(index_copy(weight.detach(), places, shortened, dim=0))


def _one_by_uses(index: Tensor, weight: Tensor) -> Tensor:
    """1 / (how often the index occurs), (*, 1)."""
    places, kind = _flat(index), weight._spec.dtype
    uses = index_add(zeros((weight._spec.shape[0],), kind), places, weight.new_ones(places._spec.numel), dim=0)
    return reshape(1.0 / take(uses, index, dim=0), shape=(*index._spec.shape, 1))


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """int64 (*,) to int64 (*, classes): 1 at the class, 0 elsewhere. RuntimeError for a class that is negative or too large."""
    check_tensor("one_hot", tensor)
    if tensor._spec.dtype is not int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if tensor._interpret is not None:  # inside of vmap nobody can look
        if num_classes <= 0:
            raise RuntimeError("When vmap-ing torch.nn.functional.one_hot, please provide an explicit positive num_classes argument.")
    elif tensor._spec.numel == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
    else:
        if tensor.min().item() < 0:
            raise RuntimeError("Class values must be non-negative.")
        largest = int(tensor.max().item())
        if num_classes == -1:
            num_classes = largest + 1
        elif num_classes <= 0:
            raise RuntimeError("num_classes should be positive")
        elif largest >= num_classes:
            raise RuntimeError("Class values must be smaller than num_classes.")
    return cast(one_hot_mask(tensor, num_classes, tensor._spec.ndim), dtype=int64)


# ---------------------------------------------------------------- bags


def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None, norm_type: float = 2,
    scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False, padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """Sums, means or maxima of bags of embeddings: `input` (B, N), or (M,) with the places at which bags begin in `offsets`: (B, D).

    `padding_idx` counts in no bag; a bag of nothing is 0. ValueError or RuntimeError for what does not fit.
    """
    _check_bags(input, weight, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights)
    rows = embedding(input, weight, None, max_norm, norm_type, scale_grad_by_freq, sparse)  # (B, N, D) or (M, D)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(-1)
    kept = None if padding_idx is None else (input != padding_idx % weight._spec.shape[0]).unsqueeze(-1)
    if input._spec.ndim == 2:
        return _of_equal_bags(rows, kept, mode)
    starts = _starts(offsets, input._spec.shape[0], include_last_offset)
    return _of_bags(rows, kept, starts, mode)


def _check_bags(input: Tensor, weight: Tensor, offsets, scale_grad_by_freq: bool, mode: str, sparse: bool, per_sample_weights) -> None:
    if per_sample_weights is not None and input.size() != per_sample_weights.size():
        raise ValueError(
            f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the same shape as the input ({input.shape})"
        )
    if weight.dim() != 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}")
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. "
                f"However, found offsets of type {type(offsets)}"
            )
    elif input.dim() != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    elif offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    elif offsets.dim() != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and scale_grad_by_freq:
        raise ValueError("max mode does not support scaling the gradient by the frequency")
    if mode == "max" and sparse:
        raise ValueError("max mode does not support sparse weights")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )


def _starts(offsets: Tensor, count: int, include_last_offset: bool) -> np.ndarray:
    """Where each bag begins, and after them where the last one ends. RuntimeError for offsets that cannot be."""
    starts = offsets.detach().numpy().astype(np.int64)
    if include_last_offset:
        if not len(starts):
            raise RuntimeError("include_last_offset: number of offset should be at least 1")
        starts, end = starts[:-1], int(starts[-1])
    else:
        end = count
    if len(starts) and starts[0] != 0:
        raise RuntimeError(
            "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got "
            f"{starts[0]}"
        )
    if len(starts) and starts[-1] > count:
        raise RuntimeError(f"offsets[-1] can not be greater than input's length {count} but got offsets[-1] of {starts[-1]}")
    return np.append(starts, end)


def _of_equal_bags(rows: Tensor, kept: Tensor | None, mode: str) -> Tensor:
    """(B, N, D) -> (B, D)."""
    b, n, d = rows._spec.shape
    if not n:
        return rows.new_zeros(b, d)
    if mode == "max":
        return _largest(rows, kept)
    if kept is None:
        return rows.sum(1) if mode == "sum" else rows.mean(1)
    total = where(kept, rows, 0.0).sum(1)
    return total if mode == "sum" else total / kept.sum(1).clamp(min=1)


def _largest(rows: Tensor, kept: Tensor | None) -> Tensor:
    """The first of the largest kept elements of (B, N, D) over N; 0 where nothing is kept."""
    if kept is None:
        return rows.max(1).values
    return where(kept.any(1), where(kept, rows, -math.inf).max(1).values, 0.0)


def _of_bags(rows: Tensor, kept: Tensor | None, starts: np.ndarray, mode: str) -> Tensor:
    """(M, D) -> (B, D); the elements of bag i are those from starts[i] to starts[i + 1]."""
    sizes = np.diff(starts)
    bags, width = len(sizes), rows._spec.shape[1]
    used = int(starts[-1]) if bags else 0
    if not used:
        return rows.new_zeros(bags, width)
    if mode == "max":  # every bag filled up to the size of the largest
        places = starts[:-1, None] + np.arange(sizes.max())
        inside = places < starts[1:, None]
        index = from_numpy(np.where(inside, places, 0))
        mask = from_numpy(inside).unsqueeze(-1)
        return _largest(take(rows, index, dim=0), mask if kept is None else mask & take(kept, index, dim=0))
    if used < rows._spec.shape[0]:
        rows, kept = rows[:used], None if kept is None else kept[:used]
    bag = from_numpy(np.repeat(np.arange(bags), sizes))
    total = index_add(rows.new_zeros(bags, width), bag, rows if kept is None else where(kept, rows, 0.0), dim=0)
    if mode == "sum":
        return total
    if kept is None:
        return total / from_numpy(np.maximum(sizes, 1)[:, None].astype(rows._spec.dtype.np))
    counts = index_add(rows.new_zeros(bags, 1), bag, cast(kept, dtype=rows._spec.dtype), dim=0)
    return total / counts.clamp(min=1)


__all__ = ["embedding", "embedding_bag", "one_hot"]

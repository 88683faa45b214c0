"""Linear maps and embeddings. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#linear-functions"""

from __future__ import annotations

from math import prod
from typing import Any

from suiren.api.activation import one_hot_mask
from suiren.api.arguments import TYPE_WORDS, check_tensor
from suiren.autograd.modes import no_grad
from suiren.dtypes import int32, int64
from suiren.ops.compare import eq, where
from suiren.ops.creation import cast, check_index, stop_gradient
from suiren.ops.indexing import take
from suiren.ops.matmul import matmul
from suiren.ops.movement import permute, reshape
from suiren.ops.pointwise import add, mul
from suiren.tensor import Tensor
from suiren.trace.recording import binary, record1

_product, _sum = binary(matmul), binary(add)
_SWAPPED = ((1, 0),)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias: (…, K), (N, K) and (N,) to (…, N). RuntimeError for sizes or dtypes that do not fit."""
    try:
        x, w = input._spec, weight._spec
    except AttributeError:
        check_tensor("linear", input)
        check_tensor("linear", weight, "weight", 2)
        raise
    if x.ndim != 2 or w.ndim != 2:
        return _linear_of_any_dims(input, weight, bias)
    if x.dtype is not w.dtype:
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {TYPE_WORDS[x.dtype.name]} and {TYPE_WORDS[w.dtype.name]}")
    y = _product(input, record1(permute, weight, _SWAPPED))
    if bias is None:
        return y
    if bias._spec.shape != w.shape[:1]:
        _check_bias(bias, (x.shape[0], w.shape[0]))
    return _sum(y, bias)


def _check_bias(bias: Tensor, shape: tuple[int, ...]) -> None:
    b = bias._spec
    if b.ndim > len(shape) or any(n not in (1, m) for n, m in zip(reversed(b.shape), reversed(shape))):
        raise RuntimeError(
            f"The expanded size of the tensor ({shape[-1]}) must match the existing size ({b.shape[-1] if b.ndim else 1}) at "
            f"non-singleton dimension {len(shape) - 1}.  Target sizes: {list(shape)}.  Tensor sizes: {list(b.shape)}"
        )


def _linear_of_any_dims(input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    x, w = input._spec.shape, weight._spec.shape
    if len(w) == 1:  # (K,): one output, whose dim is left out
        y = linear(input, reshape(weight, shape=(1, *w)))
        y = reshape(y, shape=x[:-1])
        return y if bias is None else add(y, bias)
    if len(w) != 2 or not x:
        raise RuntimeError(f"linear(): weight must be 1D or 2D and input at least 1D, got sizes {list(w)} and {list(x)}")
    rows = reshape(input, shape=(prod(x[:-1]), x[-1]))
    return reshape(linear(rows, weight, bias), shape=(*x[:-1], w[0]))


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y[…, o] = sum over i, j of input1[…, i] weight[o, i, j] input2[…, j] + bias[o]. RuntimeError for sizes that do not fit."""
    a, b, (n, i, j) = input1._spec.shape, input2._spec.shape, weight._spec.shape
    if a[:-1] != b[:-1]:
        at = next((k for k, (p, q) in enumerate(zip(a, b)) if p != q), len(a))
        raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {at}: got {list(a[:-1])} and {list(b[:-1])}")
    if a[-1] != i or b[-1] != j:
        which, got, expected = ("input1", a[-1], i) if a[-1] != i else ("input2", b[-1], j)
        raise RuntimeError(f"bilinear(): {which} size does not match weight size: got {got} but expected {expected}")
    rows = reshape(input1, shape=(prod(a[:-1]), i))
    # (rows, i) times (i, o * j) -> (rows, o, j), times input2, summed over j
    columns = reshape(permute(weight, dims=(1, 0, 2)), shape=(i, n * j))
    partly = reshape(matmul(rows, columns), shape=(prod(a[:-1]), n, j))
    y = mul(partly, reshape(input2, shape=(prod(a[:-1]), 1, j))).sum(-1)
    y = reshape(y, shape=(*a[:-1], n))
    return y if bias is None else add(y, bias)


def embedding(
    input: Tensor, weight: Tensor, padding_idx: int | None = None, max_norm: float | None = None, norm_type: float = 2.0,
    scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Tensor:  # fmt: skip
    """Rows of `weight` (N, D) at the indices `input`, int64 or int32 of any shape: (*, D). The row `padding_idx` gets no gradient.

    `max_norm`: rows that are used and longer are shortened first, in place. IndexError for an index out of range.
    """
    check_tensor("embedding", input)
    if weight._spec.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    if input._spec.dtype not in (int64, int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; "
            f"but got {input.type()} instead (while checking arguments for embedding)"
        )
    if sparse or scale_grad_by_freq:
        option = "sparse" if sparse else "scale_grad_by_freq"
        raise NotImplementedError(f"embedding: {option}=True is not supported by suiren; gradients are dense and not scaled")
    rows = weight._spec.shape[0]
    if padding_idx is not None:
        if not -rows <= padding_idx < rows:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= rows
    index = check_index(cast(input, dtype=int64) if input._spec.dtype is int32 else input, size=rows, message="index out of range in self")
    if max_norm is not None:
        _shorten(weight, index, max_norm, norm_type)
    found = take(weight, index, dim=0)
    if padding_idx is not None and found._spec.requires_grad:
        is_padding = reshape(eq(index, padding_idx), shape=(*index._spec.shape, 1))
        found = where(is_padding, stop_gradient(found), found)
    return found


def _shorten(weight: Tensor, index: Tensor, max_norm: float, norm_type: float) -> None:
    """Scales the rows at `index` that are longer than `max_norm`, in place."""
    with no_grad():
        rows = weight._spec.shape[0]
        flat = reshape(index, shape=(index._spec.numel,))
        used = one_hot_mask(flat, rows, 1).any(0) if flat._spec.numel else None
        if used is None:
            return
        length = weight.detach().norm(norm_type, 1, keepdim=True)
        is_long = (length > max_norm) & used.reshape(rows, 1)
        weight.copy_(where(is_long, weight.detach() * (max_norm / (length + 1e-7)), weight.detach()))


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """int64 (*,) to int64 (*, classes): 1 at the class, 0 elsewhere. RuntimeError for a class that is negative or too large."""
    check_tensor("one_hot", tensor)
    if tensor._spec.dtype is not int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if tensor._spec.numel == 0:
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


def embedding_bag(
    input: Tensor, weight: Tensor, offsets: Tensor | None = None, max_norm: float | None = None, norm_type: float = 2,
    scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False, per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False, padding_idx: int | None = None,
) -> Tensor:  # fmt: skip
    """Sums, means or maxima of bags of embeddings: `input` (B, N), or (M,) with the places at which bags begin in `offsets`: (B, D)."""
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(
            "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' "
            f"(got mode='{mode}'). Please open a feature request on GitHub."
        )
    if input._spec.ndim == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences.")
        starts = [k * input._spec.shape[1] for k in range(input._spec.shape[0] + 1)]
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights.reshape(-1)
        input = input.reshape(-1)
    elif input._spec.ndim == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        starts = offsets.tolist()
        if not include_last_offset:
            starts.append(input._spec.shape[0])
        if starts and starts[0] != 0:
            raise ValueError(f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {starts[0]}")
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input._spec.ndim}")
    rows = embedding(input, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.reshape(-1, 1)
    kept = None if padding_idx is None else (input != padding_idx % weight._spec.shape[0]).reshape(-1, 1)
    bags = [_bag(rows, kept, low, high, mode) for low, high in zip(starts, starts[1:])]
    from suiren.api.joining import stack

    return stack(bags) if bags else rows[:0]


def _bag(rows: Tensor, kept: Any, low: int, high: int, mode: str) -> Tensor:
    part = rows[low:high]
    if high == low:
        return part.sum(0)
    if kept is None:
        return part.amax(0) if mode == "max" else part.mean(0) if mode == "mean" else part.sum(0)
    own = kept[low:high]
    if mode == "max":
        largest = where(own, part, float("-inf")).amax(0)
        return where(own.any(), largest, 0.0)
    total = where(own, part, 0.0).sum(0)
    return total / own.sum().clamp(min=1) if mode == "mean" else total


__all__ = ["bilinear", "embedding", "embedding_bag", "linear", "one_hot"]

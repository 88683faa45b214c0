"""Linear maps. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#linear-functions"""

from __future__ import annotations

from math import prod

from suiren.api import casting
from suiren.api.arguments import TYPE_WORDS, check_tensor
from suiren.ops.matmul import matmul
from suiren.ops.movement import permute, reshape
from suiren.ops.pointwise import add, mul
from suiren.tensor import Tensor
from suiren.trace.recording import binary, record1

_product, _sum = binary(matmul), binary(add)
_SWAPPED = ((1, 0),)


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input @ weight.T + bias: (…, K), (N, K) and (N,) to (…, N). RuntimeError for sizes or dtypes that do not fit."""
    if casting.on and casting.here.enabled:
        return (casting.lowered if bias is None else casting.rounded_once)(linear, input, weight, bias)
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


__all__ = ["bilinear", "linear"]

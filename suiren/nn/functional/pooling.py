"""Pooling over one, two and three dims. Source: https://docs.pytorch.org/docs/stable/nn.functional.html#pooling-functions

Inputs are (N, C, *S) or, without a batch, (C, *S).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, Literal, overload

from suiren.api import casting
from suiren.api.arguments import check_tensor
from suiren.api.joining import stack
from suiren.api.reductions import mean as mean_of
from suiren.nn.common_types import Sizes
from suiren.nn.functional.sizes import per_dim
from suiren.ops.compare import ge, logical_and, lt
from suiren.ops.creation import cast, iota
from suiren.ops.matmul import matmul
from suiren.ops.movement import reshape
from suiren.ops.pointwise import mul, scale
from suiren.ops.pool import avg_pool as avg_pool_op
from suiren.ops.pool import max_pool as max_pool_op
from suiren.tensor import Tensor
from suiren.trace.recording import record1

_known: dict[tuple, tuple] = {}


def _params(function: str, dims: int, kernel_size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool) -> tuple:
    key = (function, kernel_size, stride, padding, dilation, ceil_mode)
    try:
        found = _known.get(key)
    except TypeError:  # lists
        key = found = None
    if found is None:
        kernel = per_dim("kernel_size", kernel_size, dims, function)
        strides = kernel if stride is None or stride == () or stride == [] else per_dim("stride", stride, dims, function)
        found = (
            kernel, strides, per_dim("padding", padding, dims, function), per_dim("dilation", dilation, dims, function),
            bool(ceil_mode),
        )  # fmt: skip
        if key is not None:
            if len(_known) > 10_000:
                _known.clear()
            _known[key] = found
    return found


def _batched(function: str, input: Any, dims: int) -> tuple[Tensor, bool]:
    """(input with a batch dim, whether it had none)."""
    check_tensor(function, input)
    s = input._spec
    if s.ndim == dims + 1:
        return reshape(input, shape=(1, *s.shape)), True
    if s.ndim != dims + 2:
        raise RuntimeError(f"non-empty {dims + 1}D or {dims + 2}D (batch mode) tensor expected for input")
    return input, False


def _first(t: Tensor) -> Tensor:
    return reshape(t, shape=t._spec.shape[1:])


def _max_pool(function: str, dims: int, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices) -> Any:
    unbatched = False
    if not isinstance(input, Tensor) or input._spec.ndim != dims + 2:
        input, unbatched = _batched(function, input, dims)
    params = _params(function, dims, kernel_size, stride, padding, dilation, ceil_mode)
    if return_indices:
        value, index = max_pool_op(input, **dict(zip(max_pool_op.params, params)))
        return (_first(value), _first(index)) if unbatched else (value, index)
    value = record1(max_pool_op, input, params)
    if type(value) is tuple:  # recorded the first time: both outputs
        value = value[0]
    return _first(value) if unbatched else value


@overload
def max_pool1d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = ..., padding: Sizes = ..., dilation: Sizes = ..., ceil_mode: bool = ...,
    return_indices: Literal[False] = ...,
) -> Tensor: ...  # fmt: skip
@overload
def max_pool1d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = ..., padding: Sizes = ..., dilation: Sizes = ..., ceil_mode: bool = ..., *,
    return_indices: bool,
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def max_pool1d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:  # fmt: skip
    """The largest element of each window of (N, C, L), with its place if `return_indices`. RuntimeError for sizes that do not fit."""
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@overload
def max_pool2d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = ..., padding: Sizes = ..., dilation: Sizes = ..., ceil_mode: bool = ...,
    return_indices: Literal[False] = ...,
) -> Tensor: ...  # fmt: skip
@overload
def max_pool2d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = ..., padding: Sizes = ..., dilation: Sizes = ..., ceil_mode: bool = ..., *,
    return_indices: bool,
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def max_pool2d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:  # fmt: skip
    """The largest element of each window of (N, C, H, W), with its place if `return_indices`. RuntimeError for sizes that do not fit."""
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@overload
def max_pool3d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = ..., padding: Sizes = ..., dilation: Sizes = ..., ceil_mode: bool = ...,
    return_indices: Literal[False] = ...,
) -> Tensor: ...  # fmt: skip
@overload
def max_pool3d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = ..., padding: Sizes = ..., dilation: Sizes = ..., ceil_mode: bool = ..., *,
    return_indices: bool,
) -> tuple[Tensor, Tensor]: ...  # fmt: skip
def max_pool3d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Tensor | tuple[Tensor, Tensor]:  # fmt: skip
    """The largest element of each window of (N, C, D, H, W), with its place if `return_indices`. RuntimeError for sizes that do not fit."""
    if casting.on and casting.here.enabled and not return_indices:  # with the places it is another function, which is on no list
        return casting.widened(max_pool3d, input, kernel_size, stride, padding, dilation, ceil_mode)
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool1d_with_indices(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`max_pool1d` with the places."""
    return max_pool1d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool2d_with_indices(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`max_pool2d` with the places."""
    return max_pool2d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def max_pool3d_with_indices(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, dilation: Sizes = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`max_pool3d` with the places."""
    return max_pool3d(input, kernel_size, stride, padding, dilation, ceil_mode, True)


def _avg_pool(function: str, dims: int, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor) -> Tensor:
    input, unbatched = _batched(function, input, dims)
    kernel, strides, pads, _, ceil = _params(function, dims, kernel_size, stride, padding, 1, ceil_mode)
    y = record1(avg_pool_op, input, (kernel, strides, pads, ceil, bool(count_include_pad), divisor))
    return _first(y) if unbatched else y


def avg_pool1d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Tensor:  # fmt: skip
    """The mean of each window of (N, C, L). RuntimeError for sizes that do not fit."""
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of (N, C, H, W), or its sum over `divisor_override`. RuntimeError for sizes that do not fit."""
    return _avg_pool("avg_pool2d", 2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


@casting.wide
def avg_pool3d(
    input: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0, ceil_mode: bool = False,
    count_include_pad: bool = True, divisor_override: int | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window of (N, C, D, H, W), or its sum over `divisor_override`. RuntimeError for sizes that do not fit."""
    return _avg_pool("avg_pool3d", 3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


# ---------------------------------------------------------------- a given output size


def _output(function: str, input: Tensor, output_size: Any, dims: int) -> tuple[int, ...]:
    """The output's spatial sizes; None means the input's. RuntimeError or ValueError for what does not fit."""
    have = input._spec.shape
    if not isinstance(output_size, int):
        if len(have) <= len(output_size) > 1:
            raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
        output_size = tuple(have[i - len(output_size)] if n is None else n for i, n in enumerate(output_size))
    if len(have) not in (dims + 1, dims + 2):
        raise RuntimeError(f"{function}(): Expected {dims + 1}D or {dims + 2}D tensor, but got {list(have)}")
    for d in range(len(have) - dims, len(have)):
        if have[d] == 0:
            raise RuntimeError(
                f"{function}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes {list(have)} "
                f"with dimension {d} being empty"
            )
    if isinstance(output_size, int):
        return (output_size,) * dims
    if len(output_size) != dims:
        raise RuntimeError(f"{function}: output_size must be {dims}")
    return tuple(output_size)


def _bounds(n: int, out: int) -> list[tuple[int, int]]:
    """Which elements of n the i-th of `out` windows sees: they may overlap by one."""
    return [(i * n // out, -((i + 1) * n // -out)) for i in range(out)]


def _adaptive_avg(function: str, dims: int, input: Tensor, output_size: Any) -> Tensor:
    check_tensor(function, input)
    out = _output(function, input, output_size, dims)
    size = input._spec.shape[-dims:]
    if all(q == 1 for q in out):
        return mean_of(input, tuple(range(-dims, 0)), True)
    if out == size:
        return mul(input, 1.0)
    if all(q and n % q == 0 for n, q in zip(size, out)):
        kernel = tuple(n // q for n, q in zip(size, out))
        return _avg_pool(function, dims, input, kernel, kernel, 0, False, True, None)
    y = input
    for d, (n, q) in enumerate(zip(size, out)):
        y = _averaged(y, d - dims, n, q)
    return y


def _averaged(x: Tensor, dim: int, n: int, out: int) -> Tensor:
    """The means of `out` windows along one dim: a product with the matrix (n, out) of the windows' weights."""
    bounds = _bounds(n, out)
    place, window = reshape(iota(size=n), shape=(n, 1)), reshape(iota(size=out), shape=(1, out))
    low = (window * n).div(out, rounding_mode="floor")
    high = (window * n + (n + out - 1)).div(out, rounding_mode="floor")
    inside = cast(logical_and(ge(place, low), lt(place, high)), dtype=x._spec.dtype)
    lengths = {b - a for a, b in bounds}
    weights = scale(inside, by=1 / lengths.pop()) if len(lengths) == 1 else inside / (high - low)
    moved = x.movedim(dim, -1)
    rows = moved.reshape(prod(moved._spec.shape[:-1]), n)
    return matmul(rows, weights).reshape(*moved._spec.shape[:-1], out).movedim(-1, dim)


def adaptive_avg_pool1d(input: Tensor, output_size: int | Sequence[int | None]) -> Tensor:
    """The means of `output_size` windows that cover (N, C, L)."""
    return _adaptive_avg("adaptive_avg_pool1d", 1, input, output_size)


def adaptive_avg_pool2d(input: Tensor, output_size: int | Sequence[int | None]) -> Tensor:
    """The means of windows that cover (N, C, H, W); None keeps a dim's size."""
    return _adaptive_avg("adaptive_avg_pool2d", 2, input, output_size)


@casting.wide
def adaptive_avg_pool3d(input: Tensor, output_size: int | Sequence[int | None]) -> Tensor:
    """The means of windows that cover (N, C, D, H, W); None keeps a dim's size."""
    return _adaptive_avg("adaptive_avg_pool3d", 3, input, output_size)


def _adaptive_max(function: str, dims: int, input: Tensor, output_size: Any, return_indices: bool) -> Any:
    check_tensor(function, input)
    out = _output(function, input, output_size, dims)
    size = input._spec.shape[-dims:]
    if all(q and n % q == 0 for n, q in zip(size, out)):
        kernel = tuple(n // q for n, q in zip(size, out))
        return _max_pool(function, dims, input, kernel, kernel, 0, 1, False, return_indices)
    values, places = [], []
    for window in product(*[_bounds(n, q) for n, q in zip(size, out)]):
        part = input[(..., *[slice(a, b) for a, b in window])]
        lead = part._spec.shape[:-dims]
        value, at = part.reshape(*lead, prod(part._spec.shape[-dims:])).max(-1)
        values.append(value)
        if return_indices:
            places.append(_place(at, window, size))
    shape = (*input._spec.shape[:-dims], *out)
    value = stack(values, -1).reshape(*shape)
    return (value, stack(places, -1).reshape(*shape)) if return_indices else value


def _place(at: Tensor, window: tuple, size: tuple[int, ...]) -> Tensor:
    """The place in the whole input, row-major, of an element of a window that has the row-major place `at` there."""
    found, stride_in, stride_out = 0, 1, 1
    for (low, high), n in zip(reversed(window), reversed(size)):
        here = at.div(stride_in, rounding_mode="floor").remainder(high - low) + low
        found = here * stride_out + found
        stride_in, stride_out = stride_in * (high - low), stride_out * n
    return found


@overload
def adaptive_max_pool1d(input: Tensor, output_size: int | Sequence[int | None], return_indices: Literal[False] = ...) -> Tensor: ...
@overload
def adaptive_max_pool1d(input: Tensor, output_size: int | Sequence[int | None], *, return_indices: bool) -> tuple[Tensor, Tensor]: ...
def adaptive_max_pool1d(input: Tensor, output_size: int | Sequence[int | None], return_indices: bool = False) -> Tensor | tuple[Tensor, Tensor]:
    """The largest elements of `output_size` windows that cover (N, C, L), with their places if `return_indices`."""
    return _adaptive_max("adaptive_max_pool1d", 1, input, output_size, return_indices)


@overload
def adaptive_max_pool2d(input: Tensor, output_size: int | Sequence[int | None], return_indices: Literal[False] = ...) -> Tensor: ...
@overload
def adaptive_max_pool2d(input: Tensor, output_size: int | Sequence[int | None], *, return_indices: bool) -> tuple[Tensor, Tensor]: ...
def adaptive_max_pool2d(input: Tensor, output_size: int | Sequence[int | None], return_indices: bool = False) -> Tensor | tuple[Tensor, Tensor]:
    """The largest elements of windows that cover (N, C, H, W), with their places if `return_indices`."""
    return _adaptive_max("adaptive_max_pool2d", 2, input, output_size, return_indices)


@overload
def adaptive_max_pool3d(input: Tensor, output_size: int | Sequence[int | None], return_indices: Literal[False] = ...) -> Tensor: ...
@overload
def adaptive_max_pool3d(input: Tensor, output_size: int | Sequence[int | None], *, return_indices: bool) -> tuple[Tensor, Tensor]: ...
@casting.wide
def adaptive_max_pool3d(input: Tensor, output_size: int | Sequence[int | None], return_indices: bool = False) -> Tensor | tuple[Tensor, Tensor]:
    """The largest elements of windows that cover (N, C, D, H, W), with their places if `return_indices`."""
    return _adaptive_max("adaptive_max_pool3d", 3, input, output_size, return_indices)


def adaptive_max_pool1d_with_indices(input: Tensor, output_size: int | Sequence[int | None], return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool1d` with the places."""
    return adaptive_max_pool1d(input, output_size, True)


def adaptive_max_pool2d_with_indices(input: Tensor, output_size: int | Sequence[int | None], return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool2d` with the places."""
    return adaptive_max_pool2d(input, output_size, True)


@casting.wide
def adaptive_max_pool3d_with_indices(input: Tensor, output_size: int | Sequence[int | None], return_indices: bool = False) -> tuple[Tensor, Tensor]:
    """`adaptive_max_pool3d` with the places."""
    return adaptive_max_pool3d(input, output_size, True)


# ---------------------------------------------------------------- powers, and the way back


def _lp_pool(dims: int, input: Tensor, norm_type: float, kernel_size: Any, stride: Any, ceil_mode: bool) -> Tensor:
    kernel = per_dim("kernel_size", kernel_size, dims)
    average = _avg_pool(f"avg_pool{dims}d", dims, input.pow(norm_type), kernel, stride, 0, ceil_mode, True, None)
    # the root of the window's sum; PyTorch's own formula, whose value for a negative mean is 0
    return average.sign().mul(average.abs().relu()).mul(prod(kernel)).pow(1.0 / norm_type)


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window of (N, C, L)."""
    return _lp_pool(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window of (N, C, H, W)."""
    return _lp_pool(2, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Sizes, stride: Sizes | None = None, ceil_mode: bool = False) -> Tensor:
    """The p-norm of each window of (N, C, D, H, W)."""
    return _lp_pool(3, input, norm_type, kernel_size, stride, ceil_mode)


def _max_unpool(dims: int, input: Tensor, indices: Tensor, kernel_size, stride, padding, output_size) -> Tensor:
    kernel, strides, pads, _, _ = _params(f"max_unpool{dims}d", dims, kernel_size, stride, padding, 1, False)
    have = input._spec.shape
    usual = tuple((n - 1) * s + k - 2 * p for n, s, k, p in zip(have[-dims:], strides, kernel, pads))
    size = usual
    if output_size is not None:
        size = tuple(output_size)
        size = size[len(size) - dims :]
        for n, m, s in zip(size, usual, strides):
            if not m - s < n < m + s:
                raise ValueError(f"invalid output_size \"{list(size)}\" (dim must be between {m - s} and {m + s})")
    lead = have[:-dims]
    flat = input.new_zeros(*lead, prod(size))
    count = prod(have[-dims:])
    found = flat.scatter(-1, indices.reshape(*lead, count), input.reshape(*lead, count))
    return found.reshape(*lead, *size)


@casting.wide
def max_unpool1d(
    input: Tensor, indices: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """Puts the elements of a `max_pool1d` back to the places that it named, zeros elsewhere."""
    return _max_unpool(1, input, indices, kernel_size, stride, padding, output_size)


@casting.wide
def max_unpool2d(
    input: Tensor, indices: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """Puts the elements of a `max_pool2d` back to the places that it named, zeros elsewhere."""
    return _max_unpool(2, input, indices, kernel_size, stride, padding, output_size)


@casting.wide
def max_unpool3d(
    input: Tensor, indices: Tensor, kernel_size: Sizes, stride: Sizes | None = None, padding: Sizes = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:  # fmt: skip
    """Puts the elements of a `max_pool3d` back to the places that it named, zeros elsewhere."""
    return _max_unpool(3, input, indices, kernel_size, stride, padding, output_size)


__all__ = [
    "adaptive_max_pool1d_with_indices", "adaptive_max_pool2d_with_indices", "adaptive_max_pool3d_with_indices",
    "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "adaptive_max_pool1d", "adaptive_max_pool2d",
    "adaptive_max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_pool1d",
    "max_pool1d_with_indices", "max_pool2d", "max_pool2d_with_indices", "max_pool3d", "max_pool3d_with_indices", "max_unpool1d",
    "max_unpool2d", "max_unpool3d",
]  # fmt: skip

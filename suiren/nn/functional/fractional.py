"""Max pooling with windows at random places. Source: https://arxiv.org/abs/1412.6071, aten/src/ATen/native/FractionalMaxPool2d.cpp

The windows lie at other places for every channel: each is gathered, then the largest element is taken.
"""

from __future__ import annotations

from math import prod
from typing import Any

from suiren.api import casting
from suiren.api.joining import cat
from suiren.dtypes import int64
from suiren.nn.functional.sizes import per_dim
from suiren.ops.creation import cast, iota
from suiren.ops.indexing import gather
from suiren.tensor import Tensor


def _fractional(
    dims: int, input: Tensor, kernel_size: Any, output_size: Any, output_ratio: Any, samples: Tensor | None
) -> tuple[Tensor, Tensor]:
    name = f"fractional_max_pool{dims}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    shape = input._spec.shape
    if output_size is None:
        ratios = tuple(output_ratio) if isinstance(output_ratio, (tuple, list)) else (output_ratio,) * dims
        if len(ratios) != dims:
            raise ValueError(f"{name} requires output_ratio to either be a single Int or tuple of Ints.")
        output_size = [int(n * r) for n, r in zip(shape[-dims:], ratios)]
    if len(shape) not in (dims + 1, dims + 2) or 0 in shape[-dims - 1 :]:
        raise RuntimeError(
            f"{name}(): Expected {dims + 1}D or {dims + 2}D tensor, but got: {list(shape)}"
            if len(shape) not in (dims + 1, dims + 2)
            else f"{name}(): Expected input to have non-zero size for non-batch dimensions, but got {list(shape)}"
        )
    kernel, out = per_dim("kernel_size", kernel_size, dims, name), per_dim("output_size", output_size, dims, name)
    batch, channels = (shape[0] if len(shape) == dims + 2 else 1), shape[-dims - 1]
    for word, n, k, q in zip(("time", "height", "width")[-dims:], shape[-dims:], kernel, out):
        if q + k - 1 > n:
            raise RuntimeError(f"{name}(): pool {word} {k} too large relative to input {word} {n}")
    if samples is None:
        samples = input.new_empty(batch, channels, dims).uniform_()
    size = shape[-dims:]
    # PyTorch takes the first number for the width of an image, but for the time of a volume
    chosen = samples.unbind(-1) if dims == 3 else samples.unbind(-1)[::-1]
    index: Any = 0
    for d, (u, n, k, q) in enumerate(zip(chosen, size, kernel, out)):
        starts = _starts(u, n, k, q)  # (N, C, Q)
        places = starts.unsqueeze(-1) + iota(size=k)  # (N, C, Q, K)
        stride = prod(size[d + 1 :])
        own = [1] * (2 * dims)
        own[d], own[dims + d] = q, k
        index = index + (places * stride).reshape(batch, channels, *own)
    index = index.reshape(batch, channels, prod(out) * prod(kernel))
    flat = input.reshape(batch, channels, prod(size))
    windows = gather(flat, index, dim=2).reshape(batch, channels, prod(out), prod(kernel))
    value, tap = windows.max(-1)
    index = index.reshape(batch, channels, prod(out), prod(kernel)).gather(3, tap.unsqueeze(3))
    lead = shape[:-dims]
    return value.reshape(*lead, *out), index.reshape(*lead, *out)


def _starts(sample: Tensor, n: int, k: int, count: int) -> Tensor:
    """Where the windows begin along a dim: (N, C) random numbers to (N, C, count), the last window at the end."""
    last = sample.new_full((*sample._spec.shape, 1), n - k, dtype=int64)
    if count == 1:
        return last
    u = sample.unsqueeze(-1)
    alpha = u.new_full((), n - k) / u.new_full((), count - 1)  # in the dtype of the samples, as PyTorch divides
    steps = cast((iota(size=count - 1) + u) * alpha, dtype=int64) - cast(u * alpha, dtype=int64)
    return cat([steps, last], -1)


@casting.wide
def fractional_max_pool2d_with_indices(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`fractional_max_pool2d` with the places."""
    return _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)


@casting.wide
def fractional_max_pool3d_with_indices(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """`fractional_max_pool3d` with the places."""
    return _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)


@casting.wide
def fractional_max_pool2d(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """The largest elements of windows at random places of (N, C, H, W), to a size or by a ratio; with their places if `return_indices`."""
    found = _fractional(2, input, kernel_size, output_size, output_ratio, _random_samples)
    return found if return_indices else found[0]


@casting.wide
def fractional_max_pool3d(
    input: Tensor, kernel_size: Any, output_size: Any = None, output_ratio: Any = None, return_indices: bool = False,
    _random_samples: Tensor | None = None,
) -> Any:  # fmt: skip
    """The largest elements of windows at random places of (N, C, D, H, W), to a size or by a ratio; with their places if `return_indices`."""
    found = _fractional(3, input, kernel_size, output_size, output_ratio, _random_samples)
    return found if return_indices else found[0]


__all__ = [
    "fractional_max_pool2d", "fractional_max_pool2d_with_indices", "fractional_max_pool3d", "fractional_max_pool3d_with_indices",
]  # fmt: skip

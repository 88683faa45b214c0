"""`make_tensor`: random tensors to test with. Source: torch/testing/_creation.py"""

from __future__ import annotations

import math
from typing import Any

from suiren import dtypes
from suiren.api.creation import empty
from suiren.dtypes import finfo, iinfo
from suiren.random.draws import randint
from suiren.tensor import Tensor


def _bounds(low: float | None, high: float | None, d: dtypes.dtype) -> tuple[float, float]:
    """The interval, within what the dtype holds. ValueError for an empty one, or one that the dtype has nothing of."""
    if d is dtypes.bool_:
        least, most, default = 0, 2, (0, 2)
    elif d.category == dtypes.INTEGER:
        least, most, default = iinfo(d).min, iinfo(d).max + (d is not dtypes.int64), (-9, 10)
    else:
        least, most, default = finfo(d).min, finfo(d).max, (-9, 9)
    low, high = default[0] if low is None else low, default[1] if high is None else high
    if math.isnan(low) or math.isnan(high):
        raise ValueError(f"`low` and `high` cannot be NaN, but got low={low!r} and high={high!r}")
    if low > high or (low == high and d.category < dtypes.FLOAT):
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    if high < least or low >= most:
        raise ValueError(f"The value interval specified by `low` and `high` is [{low}, {high}), but {d} only supports [{least}, {most})")
    low, high = min(max(low, least), most), min(max(high, least), most)
    return (math.ceil(low), math.ceil(high)) if d.category < dtypes.FLOAT else (low, high)


def make_tensor(
    *shape: Any, dtype: dtypes.dtype, device: Any = "cpu", low: float | None = None, high: float | None = None, requires_grad: bool = False,
    noncontiguous: bool = False, exclude_zero: bool = False, memory_format: Any = None,
) -> Tensor:  # fmt: skip
    """Numbers drawn evenly from [low, high): from -9 to 9 unless they are given, within what the dtype holds.

    `noncontiguous`: every second place of a longer tensor; `exclude_zero`: zeros become the smallest positive number.
    """
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    if noncontiguous and memory_format is not None:
        raise ValueError(
            f"The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got {noncontiguous=} and {memory_format=}"
        )
    if requires_grad and dtype.category < dtypes.FLOAT:
        raise ValueError(f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype=}")
    low, high = _bounds(low, high, dtype)
    noncontiguous = noncontiguous and math.prod(shape) > 1
    if noncontiguous:
        shape = (*shape[:-1], 2 * shape[-1])
    if dtype.category < dtypes.FLOAT:
        result = randint(low, high, shape, device=device, dtype=dtype)
    else:
        real = empty((*shape, 2) if dtype.is_complex else shape, device=device, dtype=dtype.to_real())
        if high - low >= finfo(dtype).max:
            real.uniform_(low / 2, high / 2).mul_(2)
        else:
            real.uniform_(low, high)
        if dtype.is_complex:
            from suiren.api.complex import view_as_complex

            real = view_as_complex(real)
        result = real
    if noncontiguous:
        result = result[..., 1::2]
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = 1 if dtype.category < dtypes.FLOAT else finfo(dtype).tiny
    return result.requires_grad_(requires_grad) if requires_grad else result


__all__ = ["make_tensor"]

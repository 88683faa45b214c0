"""Kernel sizes, strides, paddings: one number or one for each spatial dim, as PyTorch lets them be given."""

from __future__ import annotations

from typing import Any


def per_dim(what: str, value: Any, dims: int, function: str = "") -> tuple[int, ...]:
    """One whole number for each of `dims` spatial dims. RuntimeError, in PyTorch's words, for another count."""
    if value.__class__ is int:
        return (value,) * dims
    if hasattr(value, "__index__"):
        return (value.__index__(),) * dims
    found = tuple(n.__index__() for n in value)
    if len(found) == dims:
        return found
    if len(found) == 1:
        return found * dims
    if function:
        count = {1: "one int", 2: "two ints", 3: "three ints"}[dims]
        raise RuntimeError(f"{function}: {what} must either be a single int, or a tuple of {count}")
    raise RuntimeError(
        f"expected {what} to be a single integer value or a list of {dims} values to match the convolution dimensions, "
        f"but got {what}={list(found)}"
    )

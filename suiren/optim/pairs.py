"""Complex parameters: an update sees them, their gradients and their states as pairs of real numbers, as in PyTorch."""

from __future__ import annotations

from collections.abc import Callable

from suiren.dtypes import COMPLEX
from suiren.ops.complex import view_as_complex, view_as_real
from suiren.ops.creation import copy


def updated(update: Callable, flags: tuple, n: list, tensors: list) -> tuple:
    """What `update` gives for a parameter, its gradient and its states."""
    if tensors[0]._spec.dtype.category != COMPLEX:
        return update(flags, n, *tensors)
    paired = [t._spec.dtype.category == COMPLEX for t in tensors]
    values = update(flags, n, *(view_as_real(t) if p else t for t, p in zip(tensors, paired)))
    return tuple(copy(view_as_complex(v)) if p and v is not None else v for v, p in zip(values, (paired[0], *paired[2:])))


__all__ = ["updated"]

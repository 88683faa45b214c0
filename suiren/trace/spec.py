"""Spec: what a recording knows of a value before it exists, interned so that comparing is ``is``."""

from __future__ import annotations

from math import prod

from suiren.dtypes import dtype
from suiren.size import Size


class Spec:
    """Shape, dtype and whether a gradient is wanted. Make one with `spec`; equal specs are the same object.

    `requires_grad` belongs to it because it decides what a recording is, as shape and dtype do: one comparison settles all three.
    """

    __slots__ = ("dtype", "nbytes", "ndim", "numel", "requires_grad", "shape", "size", "strides", "twin")

    shape: tuple[int, ...]
    dtype: dtype
    requires_grad: bool
    twin: Spec  # the same shape and dtype with the other requires_grad

    def __repr__(self) -> str:
        dims = ",".join(map(str, self.shape))
        return f"{self.dtype.short}[{dims}]" + ("'" if self.requires_grad else "")

    @property
    def plain(self) -> Spec:
        return self.twin if self.requires_grad else self

    @property
    def with_grad(self) -> Spec:
        return self if self.requires_grad else self.twin


def contiguous_strides(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides in elements of a row-major array, as PyTorch counts them (a dim of size 0 counts as 1)."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


_interned: dict[tuple, Spec] = {}


def spec(shape: tuple[int, ...], dtype: dtype, requires_grad: bool = False) -> Spec:
    """The one Spec of this shape, dtype and requires_grad."""
    found = _interned.get((shape, dtype, requires_grad))
    if found is not None:
        return found
    pair = []
    for wants in (False, True):
        s = object.__new__(Spec)
        s.shape, s.dtype, s.requires_grad = shape, dtype, wants
        s.size = Size(shape)
        s.ndim, s.numel = len(shape), prod(shape)
        s.nbytes = s.numel * dtype.itemsize
        s.strides = contiguous_strides(shape)
        pair.append(s)
    pair[0].twin, pair[1].twin = pair[1], pair[0]
    # setdefault: two threads that make the same spec at once must end with the same object
    pair = [_interned.setdefault((shape, dtype, s.requires_grad), s) for s in pair]
    return pair[requires_grad]

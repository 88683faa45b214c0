"""Size: a shape as users see it. Source: https://docs.pytorch.org/docs/stable/size.html"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from typing import SupportsIndex, overload


class Size(tuple[int, ...]):
    """A tuple of sizes that prints as ``torch.Size([2, 3])``; slices and sums of it are Sizes again."""

    __slots__ = ()

    def __new__(cls, sizes: Iterable[SupportsIndex] = ()) -> Size:
        sizes = tuple(sizes)
        for i, n in enumerate(sizes):
            if n.__class__ is not int and (isinstance(n, (float, str)) or not hasattr(n, "__index__")):
                raise TypeError(f"torch.Size() takes an iterable of 'int' (item {i} is '{type(n).__name__}')")
        return tuple.__new__(cls, [n if n.__class__ is int else n.__index__() for n in sizes])

    def numel(self) -> int:
        """The number of elements of a tensor of this size."""
        return prod(self)

    @overload
    def __getitem__(self, index: SupportsIndex) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Size: ...
    def __getitem__(self, index):
        found = tuple.__getitem__(self, index)
        return Size(found) if isinstance(index, slice) else found

    def __add__(self, other: tuple[int, ...]) -> Size:  # type: ignore[override]
        return Size(tuple.__add__(self, tuple(other)))

    def __radd__(self, other: tuple[int, ...]) -> Size:
        return Size(tuple(other) + tuple(self))

    def __mul__(self, n: SupportsIndex) -> Size:
        return Size(tuple.__mul__(self, n))

    __rmul__ = __mul__

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def __reduce__(self):
        return Size, (tuple(self),)

"""The order of draws: PyTorch fills a tensor in the order in which it lies in memory (`formats.order_like`)."""

from __future__ import annotations

from collections.abc import Callable

from suiren.ops.movement import permute
from suiren.tensor import Tensor

Make = Callable[[tuple[int, ...]], Tensor]


def in_order(shape: tuple[int, ...], order: tuple[int, ...] | None, make: Make) -> Tensor:
    """`make(shape)`, but drawn with the dims in this order."""
    if order is None:
        return make(shape)
    return permute(make(tuple([shape[d] for d in order])), dims=tuple([order.index(d) for d in range(len(order))]))


__all__ = ["Make", "in_order"]

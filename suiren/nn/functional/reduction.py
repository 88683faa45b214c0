"""How a loss is reduced: "none", "mean" or "sum", or as PyTorch's older arguments say it."""

from __future__ import annotations

import warnings

from suiren.api.reductions import mean, sum
from suiren.tensor import Tensor


def legacy(size_average: bool | None, reduce: bool | None, reduction: str) -> str:
    """The reduction that the older arguments ask for, with PyTorch's warning; `reduction` where they are not given."""
    if size_average is None and reduce is None:
        return reduction
    size_average = True if size_average is None else size_average
    reduce = True if reduce is None else reduce
    found = "none" if not reduce else "mean" if size_average else "sum"
    warnings.warn(f"size_average and reduce args will be deprecated, please use reduction='{found}' instead.", stacklevel=4)
    return found


def check(reduction: str) -> None:
    """ValueError for a word that is no reduction."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """The mean, the sum, or the loss as it is. ValueError for another reduction."""
    if reduction == "mean":
        return mean(loss)
    if reduction == "sum":
        return sum(loss)
    check(reduction)
    return loss

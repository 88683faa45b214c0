"""Parameters made ready: broadcast, as probabilities or as log-odds. Source: torch/distributions/utils.py"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suiren import dtypes
from suiren.api.creation import tensor, zeros
from suiren.api.diagonals import tril_indices
from suiren.api.shapes import broadcast_tensors
from suiren.autograd.modes import enable_grad
from suiren.dtypes import finfo
from suiren.nn.functional.activation import log_softmax, softmax
from suiren.random.draws import normal
from suiren.tensor import Tensor

euler_constant = 0.57721566490153286060


def is_number(x: Any) -> bool:
    return isinstance(x, (int, float, bool))


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Numbers and tensors as tensors of one shape; a number takes the dtype of the first tensor. ValueError for anything else."""
    if not all(isinstance(v, Tensor) or is_number(v) for v in values):
        raise ValueError("Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__.")
    if all(isinstance(v, Tensor) for v in values):
        return tuple(broadcast_tensors(*values))
    d = next((v.dtype for v in values if isinstance(v, Tensor)), dtypes.get_default_dtype())
    return tuple(broadcast_tensors(*(v if isinstance(v, Tensor) else tensor(v, dtype=d) for v in values)))


def standard_normal(shape: tuple[int, ...], d: dtypes.dtype) -> Tensor:
    return normal(zeros(shape, dtype=d), 1.0)


def sum_rightmost(value: Any, dim: int) -> Any:
    """The sum over the last `dim` dims."""
    if dim == 0 or not isinstance(value, Tensor):
        return value
    return value.reshape((*value.shape[: value.dim() - dim], -1)).sum(-1)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities of log-odds; of unnormalised logarithms along the last dim."""
    return logits.sigmoid() if is_binary else softmax(logits, dim=-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Kept away from 0 and 1 by the dtype's eps."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Log-odds of probabilities; their logarithms."""
    clamped = clamp_probs(probs)
    return clamped.log() - (-clamped).log1p() if is_binary else clamped.log()


class lazy_property:
    """A property that is worked out once, with gradients, and then is an attribute."""

    def __init__(self, wrapped: Callable):
        self.wrapped, self.__doc__ = wrapped, wrapped.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The elements of a lower triangle, row by row."""
    n = mat.shape[-1]
    if diag < -n or diag >= n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = tril_indices(n, n, diag)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """The lower triangle of these elements, row by row, zero above."""
    size = vec.shape[-1]
    n = (-(1 + 2 * diag) + ((1 + 2 * diag) ** 2 + 8 * size + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if n % 1 > finfo(vec.dtype).eps:
        raise ValueError(f"The size of last dimension is {size} which cannot be expressed as the lower triangular part of a square D x D matrix.")
    n = round(n)
    found = zeros((*vec.shape[:-1], n, n), dtype=vec.dtype)
    rows, columns = tril_indices(n, n, diag)
    found[..., rows, columns] = vec
    return found


__all__ = [
    "broadcast_all", "clamp_probs", "euler_constant", "is_number", "lazy_property", "log_softmax", "logits_to_probs", "probs_to_logits",
    "standard_normal", "sum_rightmost", "tril_matrix_to_vec", "vec_to_tril_matrix",
]  # fmt: skip

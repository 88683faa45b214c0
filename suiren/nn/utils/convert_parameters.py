"""All parameters as one vector, and back. Source: torch/nn/utils/convert_parameters.py"""

from __future__ import annotations

from collections.abc import Iterable

from suiren.api.joining import cat
from suiren.nn.modules.module import typename
from suiren.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """The elements of all tensors, one after the other."""
    return cat([p.view(-1) for p in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Gives the parameters the vector's elements, in order, as their data. TypeError for what is no tensor."""
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected torch.Tensor, but got: {typename(vec)}")
    at = 0
    for p in parameters:
        p.data = vec[at : at + p.numel()].view_as(p).data
        at += p.numel()


__all__ = ["parameters_to_vector", "vector_to_parameters"]

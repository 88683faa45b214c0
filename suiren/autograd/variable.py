"""Variable: the old name of tensors, which remembered how they were computed before all tensors did. Source: torch/autograd/variable.py"""

from __future__ import annotations

from suiren.tensor import Tensor


class _VariableMeta(type):
    def __instancecheck__(cls, other) -> bool:
        return isinstance(other, Tensor)


class Variable(metaclass=_VariableMeta):
    """`Variable(tensor)` is a tensor that shares `tensor`'s storage; every tensor is an instance of it."""

    def __new__(cls, data: Tensor, requires_grad: bool = False, volatile: bool = False):
        t = data.detach()
        return t.requires_grad_() if requires_grad else t

"""Dual numbers: a tensor with a direction, carried along by what is computed from it. Source: torch/autograd/forward_ad.py

Here the direction is worked out when it is asked for, by reverse mode taken twice (docs/internals/decisions/007). So a dual tensor requires grad, which it does not in
PyTorch, and what is computed under `no_grad` has no tangent.
"""

from __future__ import annotations

from typing import NamedTuple

from suiren.autograd import engine
from suiren.autograd.function import forward_mode
from suiren.func.leaves import cut, depends_on_others, fresh, let_go, recording_gradients
from suiren.ops.creation import zeros_like
from suiren.tensor import Tensor
from suiren.trace import pending

_levels: list[list[tuple[Tensor, Tensor]]] = []  # per level, (dual tensor, its tangent)


def enter_dual_level() -> int:
    """Opens a level; returns its number. RuntimeError inside of another."""
    if _levels:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    _levels.append([])
    return len(_levels) - 1


def exit_dual_level(*, level: int | None = None) -> None:
    """Closes the level; the tangents are gone."""
    if not _levels or (level is not None and level != len(_levels) - 1):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is not supported."
        )
    let_go([dual for dual, _ in _levels.pop()])


class dual_level:
    """`with dual_level():` make_dual and unpack_dual work inside."""

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exception: object) -> None:
        exit_dual_level()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """`tensor` with a direction. RuntimeError outside of a level, or if shapes differ; ValueError for a dtype without gradients."""
    if not _levels:
        raise RuntimeError("Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first.")
    for what, t in (("tensor", tensor), ("tangent", tangent)):
        if not (t.is_floating_point() or t.is_complex()):
            raise ValueError(f"Expected {what} to be floating point or complex, but got: {t.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. "
            f"Tensor is of size {list(tensor.shape)} while the given forward gradient is of size {list(tangent.shape)}."
        )
    dual = fresh(tensor, pending.local.rec.grad)
    _levels[-1].append((dual, tangent))
    return dual


class UnpackedDualTensor(NamedTuple):
    """A tensor without its direction, and the direction (None if it has none)."""

    primal: Tensor
    tangent: Tensor | None


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The tensor and its tangent, the change along the directions of the duals that it was computed from."""
    if not _levels:
        return UnpackedDualTensor(tensor, None)
    duals = _levels[-1]
    for dual, tangent in duals:
        if dual is tensor:
            return UnpackedDualTensor(cut(tensor), tangent)
    leaves = [dual for dual, _ in duals]
    if not tensor._spec.requires_grad or not duals:
        return UnpackedDualTensor(tensor, None)
    run = engine.Pass([tensor], False, True, leaves)
    if not run.reaches(leaves):
        return UnpackedDualTensor(tensor, None)
    with recording_gradients():
        u = fresh(zeros_like(tensor._spec.plain), False)
        with forward_mode():
            gradients = engine.grad([tensor], leaves, [u], True, True, True)
        pairs = [(g, t) for g, (_, t) in zip(gradients, duals) if g is not None and g._spec.requires_grad]
        (found,) = engine.grad([g for g, _ in pairs], [u], [t for _, t in pairs], True, True, True) if pairs else (None,)
    private = [*leaves, u]
    if found is not None and not depends_on_others([found], private):
        found = cut(found)
    primal = tensor if depends_on_others([tensor], leaves) else cut(tensor)
    return UnpackedDualTensor(primal, found)


__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]

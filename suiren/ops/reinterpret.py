"""The bits of a tensor read as another dtype: `x.view(dtype)`, a view of the same memory."""

from __future__ import annotations

import numpy as np

from suiren.dtypes import dtype
from suiren.ops.views import alias
from suiren.trace.op import NOT_DIFFERENTIABLE, Movement
from suiren.trace.recording import record1
from suiren.trace.spec import Spec, spec
from suiren.trace.storage import Stored


class _Bits(Movement):
    """A movement between dtypes: machine code, which knows a value by its dtype, goes around it."""

    @property
    def is_compiled(self) -> bool:
        return False


def _shape(shape: tuple[int, ...], old: int, new: int) -> tuple[int, ...]:
    """The shape of elements of `new` bytes in place of those of `old` bytes: the last dim grows or shrinks."""
    return shape if old == new else (*shape[:-1], shape[-1] * old // new)


def _restride(shape, strides, offset, *, old, to):
    a, b = old.itemsize, to.itemsize
    if a == b:
        return shape, strides, offset
    if not shape or strides[-1] != 1 or any(s * a % b for s in (*strides[:-1], offset, shape[-1])):
        return None
    return _shape(shape, a, b), (*(s * a // b for s in strides[:-1]), 1), offset * a // b


view_as_dtype = _Bits(
    "view_as_dtype",
    params=("old", "to"),
    infer=lambda x, *, old, to: spec(_shape(x.shape, old.itemsize, to.itemsize), to),
    numpy=lambda x, *, old, to: np.asarray(x).view(to.np),
    restride=_restride,
    lead=lambda sizes, inputs, *, old, to: {"old": old, "to": to},
    grad=NOT_DIFFERENTIABLE,
    doc="The bits of the elements, as elements of another dtype.",
)


def viewed_as(x: Stored, to: dtype) -> Stored:
    """x.view(dtype). TypeError for what is no dtype, RuntimeError where elements of another size do not fit the layout."""
    if not isinstance(to, dtype):
        raise TypeError(f"view(): argument 'dtype' (position 1) must be torch.dtype, not {type(to).__name__}")
    s = x._spec
    if to is s.dtype:
        return record1(alias, x, ())
    wrong = _refused(s, *x._layout(), to)
    if wrong is not None:
        raise RuntimeError(wrong)
    return record1(view_as_dtype, x, (s.dtype, to))


def _refused(s: Spec, strides: tuple[int, ...], offset: int, to: dtype) -> str | None:
    """PyTorch's words for a layout that cannot be read as a dtype; None where it can."""
    a, b = s.dtype.itemsize, to.itemsize
    if a == b:
        return None
    words = f"to view {s.dtype.scalar_name} as {to.scalar_name} (different element sizes)"
    if not s.ndim:
        return f"self.dim() cannot be 0 {words}"
    if strides[-1] != 1:
        return f"self.stride(-1) must be 1 {words}, but got {strides[-1]}"
    if a > b:
        return None
    ratio = b // a
    if s.shape[-1] % ratio:
        return f"self.size(-1) must be divisible by {ratio} {words}, but got {s.shape[-1]}"
    if offset % ratio:
        return f"self.storage_offset() must be divisible by {ratio} {words}, but got {offset}"
    for i, n in enumerate(strides[:-1]):
        if n % ratio:
            return f"self.stride({i}) must be divisible by {ratio} {words}, but got {n}"
    return None


__all__ = ["view_as_dtype", "viewed_as"]

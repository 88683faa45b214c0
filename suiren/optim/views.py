"""A step's macro over tensors of which some are views, such as `w.detach().requires_grad_()`: a macro overwrites whole storages."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from suiren.autograd.modes import no_grad
from suiren.ops.creation import copy
from suiren.tensor import Tensor
from suiren.trace import macros
from suiren.trace.recording import record
from suiren.trace.views import write


def run(key: Hashable, inputs: list[Tensor], numbers: list[float], expand: Callable, scope: str) -> None:
    """`macros.run`, with a copy in the place of each input that is a view; what the macro overwrote is written through the view."""
    views = [(i, t) for i, t in enumerate(inputs) if t._parent is not None]
    if not views:
        macros.run(key, inputs, numbers, expand, scope)
        return
    with no_grad():
        given = inputs.copy()
        for i, t in views:
            given[i] = record(copy, (t,), ())
        versions = [given[i]._version for i, _ in views]
        macros.run(key, given, numbers, expand, scope)
        for (i, t), version in zip(views, versions):
            if given[i]._version != version:
                write(t, given[i])

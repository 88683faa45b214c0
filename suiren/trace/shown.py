"""Views of memory that is there: nothing is recorded until an operation reads one, and a call that was made before is not worked out again.

What a view function shows depends on the spec of its tensor and on its arguments alone. `viewing` remembers it for tensors that own their memory,
have it, and require no gradient: rows of a data set, samples of a batch, predictions that are looked at.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from suiren.trace import pending, recording
from suiren.trace.op import Op
from suiren.trace.pending import local
from suiren.trace.spec import Spec
from suiren.trace.storage import Stored, new

P = ParamSpec("P")
R = TypeVar("R")

# (what was called, the tensor's spec, its arguments) -> the movement ops, with their parameters and results, that lead to the view
_known: dict[tuple, tuple[tuple[Op, tuple, Spec], ...]] = {}
_MOST = 20_000
_ABSENT: Any = object()  # the tensor is given by its name


def viewing(f: Callable[P, R]) -> Callable[P, R]:
    """Declares a function of a tensor and settings that returns a view of the tensor (or, sometimes, something else)."""

    def g(x: Any = _ABSENT, *settings: Any, **named: Any) -> Any:
        key = steps = None
        try:
            if x._buffer is not None and x._id < local.rec.base and not named:
                key = (f, x._spec, settings)
                steps = _known.get(key)
        except (AttributeError, TypeError):  # no tensor; a list among the settings
            key = None
        if steps is not None:
            for op, params, spec in steps:  # as `of_computed` does, without the call
                t = new(recording._TENSOR)
                t._parent, t._view_op, t._view_params, t._spec = x, op, params, spec
                t._id = t._view_id = t._seen = 0
                t._buffer = None
                x = t
            return x
        found = f(x, *settings, **named) if x is not _ABSENT else f(**named)  # type: ignore[call-arg]
        return found if key is None else remembered(key, x, found)

    g.__name__, g.__qualname__, g.__module__, g.__doc__ = f.__name__, f.__qualname__, f.__module__, f.__doc__
    g.__signature__ = inspect.signature(f)  # type: ignore[attr-defined]
    g.shows = f  # type: ignore[attr-defined]
    return g  # type: ignore[return-value]


def of_computed(x: Stored, key: tuple) -> Stored | None:
    """The view of x that this key was remembered for, if x has its memory."""
    if x._buffer is None or x._id >= local.rec.base:
        return None
    steps = _known.get(key)
    if steps is None:
        return None
    for op, params, spec in steps:
        t = new(recording._TENSOR)
        t._parent, t._view_op, t._view_params, t._spec = x, op, params, spec
        t._id = t._view_id = t._seen = 0
        t._buffer = None
        x = t
    return x


def remembered(key: tuple, x: Stored, view: Any) -> Any:
    """Notes how `view` was made of x, if it is a view and neither requires a gradient; returns it."""
    if isinstance(view, Stored) and not x._spec.requires_grad and x._interpret is None and not _has_tensor(key):
        steps, t = [], view
        while t._parent is not None:
            steps.append((t._view_op, t._view_params, t._spec))
            t = t._parent
        if t is x and steps and not view._silent:
            if len(_known) >= _MOST:
                _known.clear()
            _known[key] = tuple(reversed(steps))
    return view


def is_there(t: Stored) -> bool:
    """Whether what a tensor shows is in memory and nothing that is pending will change it, and no gradient or transform wants to know of its use."""
    if t._interpret is not None or t._spec.requires_grad:
        return False
    root = t._root()
    if pending.threaded and root._buffer is not None:
        pending.await_other(root)  # another thread may be about to write to it
    rec = local.rec
    return root._buffer is not None and not root._spec.requires_grad and root._id < rec.base and not rec.scope and rec.inference is None


def _has_tensor(settings: tuple) -> bool:
    """Whether a tensor is among the arguments: it would be kept alive, and may have another value next time."""
    return any(isinstance(s, Stored) or isinstance(s, tuple) and _has_tensor(s) for s in settings)


__all__ = ["is_there", "of_computed", "remembered", "viewing"]

"""Autocast on the CPU: which functions compute in another dtype than their arguments'. Source: aten/src/ATen/autocast_mode.cpp, the lists for CPU

Policy belongs to PyTorch's functions, not to primitives. A function that is on a list says so where it is declared: `@lower`, `@wide`, `@promote` (or `@plain`), or, where
calls are frequent or a warning names its caller, a first line of its own

    if casting.on and casting.here.enabled:
        return casting.lowered(linear, input, weight, bias)

What it calls in turn runs with autocast off, as PyTorch excludes its dispatch key. A region records casts and nothing else, so the trie needs no
mode, and no cast of a weight is kept: equal casts of one trace are one, which is the compiler's business (decisions/010-autocast.md).
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from suiren.dtypes import FLOAT, bfloat16, dtype, float32, float64
from suiren.ops.creation import cast
from suiren.trace.storage import Stored

P = ParamSpec("P")  # two lines: type checkers do not know them in one
R = TypeVar("R")


class _Here(threading.local):
    """A thread's autocast: whether it is on, its dtype, and what PyTorch's functions ask besides."""

    enabled = False
    dtype: dtype = bfloat16
    cache = True
    nesting = 0


here = _Here()
on = False  # whether a thread ever switched it on: until then nobody asks `here`


def set_enabled(enabled: bool) -> None:
    """Switches this thread's autocast."""
    global on
    on = on or enabled
    here.enabled = enabled


def converted(x: Any, to: dtype) -> Any:
    """x, or the tensors in the list or tuple x, in that dtype; float64 and what is no float stays."""
    if isinstance(x, Stored):
        d = x._spec.dtype
        return x if d is to or d.category != FLOAT or d is float64 else cast(x, dtype=to)
    if type(x) in (list, tuple):
        return type(x)([converted(y, to) for y in x])
    return x


def _called(f: Callable, to: dtype, args: tuple, kwargs: dict) -> Any:
    """f with its tensors in that dtype; within f, autocast is off."""
    args = tuple([converted(x, to) for x in args])
    kwargs = {name: converted(x, to) for name, x in kwargs.items()}
    return bare(f, *args, **kwargs)


def bare(f: Callable, *args: Any, **kwargs: Any) -> Any:
    """f with autocast off: of an in-place form, and with `out=`, which are on no list."""
    before, here.enabled = here.enabled, False
    try:
        return f(*args, **kwargs)
    finally:
        here.enabled = before


def lowered(f: Callable, *args: Any, **kwargs: Any) -> Any:
    """f with its tensors in the region's dtype."""
    return _called(f, here.dtype, args, kwargs)


def rounded_once(f: Callable, *args: Any, **kwargs: Any) -> Any:
    """`lowered` for a product and a bias: PyTorch adds the bias before it rounds. The rounded tensors are multiplied and added in float32."""
    to = here.dtype
    args = tuple([converted(x, to) for x in args])
    return converted(_called(f, float32, args, kwargs), to)


def widened(f: Callable, *args: Any, **kwargs: Any) -> Any:
    """f with its tensors in float32."""
    return _called(f, float32, args, kwargs)


def promoted(f: Callable, *args: Any, **kwargs: Any) -> Any:
    """f with its tensors in the widest of their dtypes and the region's. RuntimeError for a narrow dtype that is another one than the region's."""
    to = here.dtype
    for x in _tensors(args):
        d = x._spec.dtype
        if d.category != FLOAT or d is float64:
            continue
        if d is float32:
            to = float32
        elif to is not float32 and d is not to:
            raise RuntimeError("Unexpected floating ScalarType in at::autocast::prioritize")
    return _called(f, to, args, kwargs)


def _tensors(args: Any):
    for x in args:
        if isinstance(x, Stored):
            yield x
        elif type(x) in (list, tuple):
            yield from _tensors(x)


def _asking(policy: Callable) -> Callable[[Callable[P, R]], Callable[P, R]]:
    def declare(f: Callable[P, R]) -> Callable[P, R]:
        def g(*args: P.args, **kwargs: P.kwargs) -> R:
            if on and here.enabled:
                return policy(f, *args, **kwargs)
            return f(*args, **kwargs)

        g.__name__, g.__qualname__, g.__module__, g.__doc__ = f.__name__, f.__qualname__, f.__module__, f.__doc__
        g.__signature__ = inspect.signature(f)  # type: ignore[attr-defined]
        return g

    return declare


lower, wide, promote = _asking(lowered), _asking(widened), _asking(promoted)
plain = _asking(bare)  # of a function on no list that is composed of some that are

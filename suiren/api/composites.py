"""Composites: functions of several operations that are recorded in one step once they are known (trace/macros.py)."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from suiren.api import casting
from suiren.trace.macros import composed

P = ParamSpec("P")  # two lines: type checkers do not know them in one
R = TypeVar("R")


def composite(function: Callable[P, R]) -> Callable[P, R]:
    """Declares a function whose result depends on its arguments alone, tensors and hashable settings, and that does nothing but record operations.

    It draws no random number, writes to no tensor, looks at no value, and warns of nothing: what it does besides recording happens once for a program, not
    in every call. (One that writes or draws all the same is expanded each time.) Worth it from about six operations on.
    """

    @functools.wraps(function)
    def f(*args: P.args, **kwargs: P.kwargs) -> Any:
        if casting.on and casting.here.enabled:  # what it calls may be on autocast's lists
            return function(*args, **kwargs)
        return composed(function, args, kwargs)

    return f


__all__ = ["composite"]

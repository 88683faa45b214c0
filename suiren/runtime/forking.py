"""What the runtime does around a fork, in one order.

Python runs the hooks before a fork in the reverse order of their registration. This module is imported before anything that may
still run a program in such a hook (a pending recording), so ours come last: the program finds workers, locks and LLVM as always.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import NamedTuple


class _Hook(NamedTuple):
    before: Callable[[], None]
    in_parent: Callable[[], None]
    in_child: Callable[[], None]


# Locks are taken in the order in which running code takes them.
THREADS, JIT, MEMORY = range(3)
_hooks: dict[int, _Hook] = {}


def _nothing() -> None:
    pass


def register(place: int, before: Callable[[], None] = _nothing, in_parent: Callable[[], None] = _nothing, in_child: Callable[[], None] = _nothing) -> None:
    """Calls `before` before a fork, then `in_parent` or `in_child`."""
    _hooks[place] = _Hook(before, in_parent, in_child)


def _before() -> None:
    for place in sorted(_hooks):
        _hooks[place].before()


def _in_parent() -> None:
    for place in sorted(_hooks, reverse=True):
        _hooks[place].in_parent()


def _in_child() -> None:
    for place in sorted(_hooks, reverse=True):
        _hooks[place].in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)

"""What the runtime does around a fork, in one order.

Python runs the hooks before a fork in the reverse order of their registration. This module is imported before anything that may
still run a program in such a hook (a pending recording), so ours come last: the program finds workers, locks and LLVM as always.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable
from types import ModuleType
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


def _half_imported() -> list[str]:
    """The modules whose import has begun and not ended."""
    found = []
    for name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType):
            spec = ModuleType.__getattribute__(module, "__dict__").get("__spec__")  # not `module.__spec__`: it loads a lazy module
            if getattr(spec, "_initializing", False):
                found.append(name)
    return found


def _before() -> None:
    """Takes the locks when no other thread is importing: the child would find the locks of those modules taken by a thread that it does not have, and wait
    for ever at its own import of them. Much here is imported when it is first used. (https://github.com/python/cpython/issues/50970)"""
    own: set[str] = set()  # what this thread itself is importing: it cannot be waited for
    while True:
        for place in sorted(_hooks):
            _hooks[place].before()
        others = [name for name in _half_imported() if name not in own]
        if not others:
            return
        _in_parent()  # whoever imports may need the locks
        for name in others:
            with contextlib.suppress(Exception):  # it is the other thread's to report
                importlib.import_module(name)
        own.update(others)


def _in_parent() -> None:
    for place in sorted(_hooks, reverse=True):
        _hooks[place].in_parent()


def _in_child() -> None:
    for place in sorted(_hooks, reverse=True):
        _hooks[place].in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before, after_in_parent=_in_parent, after_in_child=_in_child)

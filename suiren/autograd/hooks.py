"""Handles of registered hooks."""

from __future__ import annotations

import itertools
import weakref

_ids = itertools.count()


class RemovableHandle:
    """Remembers where a hook was registered; `remove()` takes it away. Also a context manager."""

    def __init__(self, hooks: dict, hook):
        self.id = next(_ids)
        hooks[self.id] = hook
        try:
            self._hooks = weakref.ref(hooks)
        except TypeError:  # a plain dict has no weak references
            self._hooks = lambda: hooks

    def remove(self) -> None:
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *_) -> None:
        self.remove()

"""`with backends.X.flags(...)`: switches of a module that are set for a while."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def kept(module: str, **wanted: Any) -> Iterator[None]:
    """Sets attributes of a module, and sets them back."""
    place = sys.modules[module]
    before = {name: getattr(place, name) for name in wanted}
    vars(place).update({name: value for name, value in wanted.items() if value is not None})
    try:
        yield
    finally:
        vars(place).update(before)

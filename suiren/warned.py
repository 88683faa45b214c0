"""PyTorch's warnings, at the user's own line."""

from __future__ import annotations

import sys
import warnings

from suiren.trace.pending import PACKAGE

_said: set[str] = set()


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warns of what the user's line asked for."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def warn_once(message: str, category: type[Warning] = UserWarning) -> None:
    """Warns the first time that anybody asks for it."""
    if message not in _said:
        _said.add(message)
        warn(message, category)


__all__ = ["warn", "warn_once"]

"""Without NNPACK. Source: https://docs.pytorch.org/docs/stable/backends.html#torch-backends-nnpack"""

from __future__ import annotations

from contextlib import AbstractContextManager

from suiren.backends.flags import kept

enabled = True


def is_available() -> bool:
    """False: suiren has kernels of its own."""
    return False


def set_flags(_enabled: bool) -> tuple[bool]:
    """Sets the switch; returns what it was."""
    before = (enabled,)
    globals()["enabled"] = _enabled
    return before


def flags(enabled: bool = False) -> AbstractContextManager:
    """`with flags(...):` sets the switch for a while."""
    return kept(__name__, enabled=enabled)

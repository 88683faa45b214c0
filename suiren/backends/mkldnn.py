"""Without oneDNN: convolutions and products are suiren's own. Source: https://docs.pytorch.org/docs/stable/backends.html#torch-backends-mkldnn"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from suiren.backends.flags import kept

enabled = True
deterministic = False
allow_tf32 = True
fp32_precision = "none"
VERBOSE_OFF, VERBOSE_ON, VERBOSE_ON_CREATION = 0, 1, 2


def is_available() -> bool:
    """False: suiren has kernels of its own."""
    return False


def is_acl_available() -> bool:
    return False


def set_flags(_enabled: bool | None = None, _deterministic: bool | None = None, _allow_tf32: bool | None = None, _fp32_precision: str = "none") -> tuple:
    """Sets the switches that are given; returns what they were."""
    before = (enabled, deterministic, allow_tf32, fp32_precision)
    given = {"enabled": _enabled, "deterministic": _deterministic, "allow_tf32": _allow_tf32}
    globals().update({name: value for name, value in given.items() if value is not None})
    return before


def flags(enabled: bool = False, deterministic: bool = False, allow_tf32: bool = True, fp32_precision: str = "none") -> AbstractContextManager:
    """`with flags(...):` sets the switches for a while."""
    return kept(__name__, enabled=enabled, deterministic=deterministic, allow_tf32=allow_tf32)


class verbose:
    """`with verbose(1):` prints nothing: there is no oneDNN."""

    def __init__(self, level: int):
        self.level = level

    def __enter__(self) -> verbose:
        return self

    def __exit__(self, *exception: Any) -> None:
        pass

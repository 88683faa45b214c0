"""Which version this is: of PyTorch's API, and of suiren. Decision 006 says why `__version__` begins with PyTorch's."""

from __future__ import annotations

import re
from typing import Any

suiren = "0.1.0"  # also in pyproject.toml
api = "2.13.0"  # PyTorch's version whose names, numbers and messages these are

cuda = hip = rocm = xpu = None
debug = False
git_version = "unknown"


class TorchVersion(str):
    """A version as text that compares by its numbers, with a text or with a tuple: ``'2.13.0' >= '2.4'``, ``>= (2, 0)``."""

    __slots__ = ()

    @staticmethod
    def _key(version: Any) -> tuple | None:
        """(numbers, what follows): a version before its release comes before it, one with a local part after it."""
        if isinstance(version, str):
            found = re.fullmatch(r"\s*v?(\d+(?:\.\d+)*)[-_.]?(dev|a|b|c|rc|alpha|beta|pre)?[-_.]?(\d*)(?:\+(.*))?\s*", version)
            if found is None:
                return None
            numbers, before, count, local = found.groups()
            stage = {None: 4, "dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2}.get(before, 3)
            return _without_zeros(tuple(map(int, numbers.split(".")))), stage, int(count or 0), local or ""
        try:
            return _without_zeros(tuple(int(n) for n in version)), 4, 0, ""
        except (TypeError, ValueError):
            return None

    def _compared(self, other: Any, by: str, plain: Any) -> Any:
        mine, theirs = self._key(str(self)), self._key(other)
        if mine is None or theirs is None:
            return plain(self, other)
        return getattr(mine, by)(theirs)

    def __lt__(self, other: Any) -> bool:
        return self._compared(other, "__lt__", str.__lt__)

    def __le__(self, other: Any) -> bool:
        return self._compared(other, "__le__", str.__le__)

    def __gt__(self, other: Any) -> bool:
        return self._compared(other, "__gt__", str.__gt__)

    def __ge__(self, other: Any) -> bool:
        return self._compared(other, "__ge__", str.__ge__)

    def __eq__(self, other: Any) -> bool:
        return self._compared(other, "__eq__", str.__eq__)

    def __ne__(self, other: Any) -> bool:
        return self._compared(other, "__ne__", str.__ne__)

    __hash__ = str.__hash__


def _without_zeros(numbers: tuple[int, ...]) -> tuple[int, ...]:
    while numbers and not numbers[-1]:
        numbers = numbers[:-1]
    return numbers


__version__ = TorchVersion(f"{api}+suiren.{suiren}")

"""One number or several, as programs that derive from PyTorch's layers ask for it. Source: torch/nn/modules/utils.py"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any


def _ntuple(n: int, name: str = "parse") -> Callable[[Any], tuple]:
    def parse(x: Any) -> tuple:
        return tuple(x) if isinstance(x, Iterable) else (x,) * n

    parse.__name__ = name
    return parse


_single, _pair, _triple, _quadruple = (_ntuple(n, name) for n, name in enumerate(("_single", "_pair", "_triple", "_quadruple"), 1))


def _reverse_repeat_tuple(t: Iterable, n: int) -> tuple:
    """Each element n times, the last first: padding as `nn.functional.pad` takes it."""
    return tuple(x for x in reversed(tuple(t)) for _ in range(n))

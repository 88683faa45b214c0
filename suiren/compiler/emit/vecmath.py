"""Elementary functions of floats, written with the Builder's own operations: the same text for scalars and vectors."""

from __future__ import annotations

FUNCTIONS = ()


def whole_number(b, kind, x):
    raise NotImplementedError

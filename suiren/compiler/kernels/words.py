"""What the kernels of all families have in common: where their arguments lie, what sums are kept in, indices taken apart."""

from __future__ import annotations

from collections.abc import Sequence

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.program import Place, Ptr
from suiren.dtypes import FLOAT, dtype, float32, float64, int64
from suiren.trace.trace import Number

NUMBER_CLASSES = {cls.__name__: cls for cls in (bool, int, float)}


def accumulator(d: dtype) -> dtype:
    """The dtype in which elements of a dtype are summed: narrow floats in float32, everything else in itself."""
    return d if d.category != FLOAT or d is float64 else float32


class Words:
    """Where each argument lies in `args`: the pointers first, two words each, then the integers, then tables of
    integers.
    """

    def __init__(self, pointers: Sequence[str], integers: Sequence[str], tables: Sequence[str] = ()):
        """A table's place is an argument itself, so that its length need not be known when the kernel is emitted."""
        self._pointers = tuple(pointers)
        self._integers = (*integers, *(f"at {name}" for name in tables))
        self.tables = tuple(tables)
        self._place = {name: 2 * i for i, name in enumerate(self._pointers)}
        self._place.update((name, 2 * len(self._pointers) + i) for i, name in enumerate(self._integers))

    def args(self, values: dict[str, Ptr | int | Sequence[int]]) -> list[Ptr | int]:
        """The arguments of a call in their order; KeyError where one is missing."""
        at = 2 * len(self._pointers) + len(self._integers)
        found, end = dict(values), []
        for name in self.tables:
            found[f"at {name}"] = at + len(end)
            end += map(int, values[name])
        return [*(found[name] for name in (*self._pointers, *self._integers)), *end]

    def ptr(self, b: Builder, name: str) -> Value:
        return b.arg_ptr(self._place[name])

    def int(self, b: Builder, name: str) -> Value:
        return b.arg_int(self._place[name])

    def number(self, b: Builder, name: str, cls: type, d: dtype) -> Value:
        """The Python number whose index stands there."""
        return b.number(self._place[name], cls, d)

    def table(self, b: Builder, name: str) -> Value:
        """The address of the table's first word."""
        return b.at(b.parameter["args"], self.int(b, f"at {name}"), int64)


def values_of(operands: Sequence[Place | Number]) -> dict[str, Ptr | int]:
    """Where the operands of an epilogue are found: the pointer and the last stride of an array, the index of a number."""
    found: dict[str, Ptr | int] = {}
    for i, place in enumerate(operands):
        if isinstance(place, Number):
            found[f"word{i}"] = place.index
        else:
            found[f"operand{i}"] = place.ptr
            found[f"word{i}"] = place.strides[-1] if place.strides else 0
    return found


def divide(b: Builder, x: Value, y: Value) -> tuple[Value, Value]:
    """Quotient and remainder of x ≥ 0 by y > 0."""
    q = b.trunc_div(x, y)
    return q, b.sub(x, b.mul(q, y))


def unravel(b: Builder, index: Value, *sizes: Value) -> list[Value]:
    """A row-major index taken apart: one number per size, and first the number in front of them, which needs no
    size.
    """
    found = []
    for size in reversed(sizes):
        index, last = divide(b, index, size)
        found.append(last)
    return [index, *reversed(found)]


__all__ = ["NUMBER_CLASSES", "Words", "accumulator", "divide", "unravel", "values_of"]

"""Nest: one loop kernel to be, as passes/fuse.py makes it: a domain, operands with strides over it, and what is computed in it.

The domain is a list of dims, each with a size, outer or inner. `code` is in static single assignment form; an instruction is

    load      the element of operand `at`                        number   Python number `at` of the nest, converted to dtype
    index     the place of the element in operand `at`, no load  const    `value`
    apply     `op` of args, each of the dtype that op.types says (the last one is its index where op.takes_index)
    convert   args[0] in another dtype
    reduce    args[0] (and, for a search, args[1], its index) combined over the inner dims, by `op`
    pick      result `at` of the reduce args[0]: 0 the value, 1 the index

What depends on a `pick` and varies over outer dims only is computed once per outer index, after the reduction; what varies over inner dims and
depends on a `pick` is computed in a later *stage*, another run over the inner dims. Stores come last in every stage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from suiren.dtypes import dtype
from suiren.trace.op import Op
from suiren.trace.trace import Number


class Instr(NamedTuple):
    kind: str
    dtype: dtype | None  # None: a reduce, whose results have those of its picks
    args: tuple[int, ...] = ()
    op: Op | None = None
    params: tuple = ()
    at: int = 0
    value: bool | int | float = 0

    def text(self) -> tuple:
        """What a kernel's key says of it."""
        name = self.op.name if self.op else ""
        return (
            self.kind,
            self.dtype.name if self.dtype else "",
            self.args,
            name,
            _plain(self.params),
            self.at,
            repr(self.value),
        )


def _plain(params):
    if isinstance(params, tuple):
        return tuple(_plain(p) for p in params)
    return params if isinstance(params, str | int | float | bool | None) else str(params)


class NestOperand(NamedTuple):
    """Element (i0, i1, …) of the domain is at offset + i0*strides[0] + … elements in memory of `value`; an index has no value (-1)."""

    value: int
    dtype: dtype
    strides: tuple[int, ...]
    offset: int = 0


class NestStore(NamedTuple):
    instr: int
    operand: (
        NestOperand  # over the outer dims only where the instruction does not vary over inner ones (inner strides 0)
    )


@dataclass(eq=False)
class Nest:
    """A loop kernel of the program. `parts`: (counting dim, dim, total): the two stand for one dim of `total`, whose last part may be shorter."""

    sizes: tuple[int, ...]
    inner: tuple[bool, ...]
    operands: list[NestOperand]
    numbers: list[Number]
    code: list[Instr]
    stores: list[NestStore]
    parts: tuple[tuple[int, int, int], ...] = ()
    origins: tuple[int, ...] = ()  # the trace nodes it computes
    label: str = ""
    check: int | None = None
    cost: int = 1  # about how many operations an element takes

    @property
    def reduces(self) -> bool:
        """Whether it has a reduction, be it over nothing, or dims that only one was over."""
        return any(self.inner) or any(i.kind == "reduce" for i in self.code)

    @property
    def reads(self) -> list[int]:
        return [o.value for o in self.operands if o.value >= 0]

    @property
    def writes(self) -> list[int]:
        return [s.operand.value for s in self.stores]

"""What the templates with blocked channels have in common: the layout's sizes, and how a vector of channels becomes
results.

A blocked value (N, C, *S) lies as (N, ceil(C/B), *S, B). Its vectors are the B lanes of one place of a plane, whatever
the dtype.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.words import NUMBER_CLASSES, Words, values_of
from suiren.compiler.program import Epilogue, Place, Ptr, Site, plain_epilogue
from suiren.dtypes import dtype
from suiren.trace.trace import Number


def blocks(channels: int, block: int) -> int:
    return -(-channels // block)


def volume(shape: Sequence[int], block: int) -> int:
    """Elements of a blocked value of logical shape (N, C, *S), garbage lanes included."""
    return shape[0] * blocks(shape[1], block) * prod(shape[2:]) * block


def transpose(b: Builder, rows: Sequence[Value]) -> list[Value]:
    """Vector i of the result has lane i of each row; as many rows as lanes, a power of two. Blocks of half the size
    change places, then of a quarter, …
    """
    rows, n = list(rows), len(rows)
    step = n // 2
    while step:
        for i in range(n):
            if i & step == 0:
                x, y = rows[i], rows[i + step]
                rows[i] = b.shuffle(x, y, [lane if lane & step == 0 else n + lane - step for lane in range(n)])
                rows[i + step] = b.shuffle(x, y, [lane + step if lane & step == 0 else n + lane for lane in range(n)])
        step //= 2
    return rows


# ---------------------------------------------------------------- results


@dataclass(frozen=True)
class Finish:
    """How vectors of channels become results: converted to `dtype`, through the epilogue, into blocked memory.

    `forms` says of each operand how it is found: "same", "last" (one element per channel), "scalar", or the class of a
    number. `ragged`: the channels are no multiple of the block, so that reading one element per channel must be masked.
    """

    dtype: dtype
    epilogue: Epilogue
    forms: tuple[str, ...]
    ragged: bool
    block: int

    @classmethod
    def of(cls, site: Site) -> Finish:
        forms = tuple(
            place.cls.__name__ if isinstance(place, Number) else operand.varies
            for operand, place in zip(site.epilogue.operands, site.operands)
        )
        block = site.block
        ragged = "last" in forms and site.outputs[0].shape[1] % block != 0
        return cls(site.dtype, site.epilogue, forms, ragged, block)

    @classmethod
    def plain(cls, d: dtype, block: int) -> Finish:
        """The vectors themselves."""
        return cls(d, plain_epilogue(d), (), False, block)

    @property
    def key(self) -> tuple:
        results = tuple(d.name for d in self.epilogue.results)
        operands = tuple(o.dtype.name for o in self.epilogue.operands)
        return (self.dtype.name, self.epilogue.key, self.forms, operands, results, self.ragged, self.block)

    @property
    def pointers(self) -> tuple[str, ...]:
        results = [f"result{i}" for i in range(len(self.epilogue.results))]
        return (*results, *(f"operand{i}" for i, form in enumerate(self.forms) if form not in NUMBER_CLASSES))

    @property
    def integers(self) -> tuple[str, ...]:
        """The index of a number, the stride of an operand with one element per channel, and the count of channels for
        that.
        """
        words = tuple(f"word{i}" for i, form in enumerate(self.forms) if form not in ("same", "scalar"))
        return (*words, "channels") if "last" in self.forms else words

    def values(self, results: Sequence[Place], operands: Sequence[Place | Number]) -> dict[str, Ptr | int]:
        found: dict[str, Ptr | int] = {f"result{i}": place.ptr for i, place in enumerate(results)}
        return {**found, "channels": results[0].shape[1], **values_of(operands)}


class Writer:
    """The emitting side of a Finish: made once at the start of a kernel."""

    def __init__(self, b: Builder, finish: Finish, words: Words):
        self._b, self._finish, self._words = b, finish, words
        self._results = [words.ptr(b, f"result{i}") for i in range(len(finish.epilogue.results))]
        self._fixed: dict[int, Value] = {}
        self._pointers: dict[int, Value] = {}
        for i, (operand, form) in enumerate(zip(finish.epilogue.operands, finish.forms)):
            if form in NUMBER_CLASSES:
                self._fixed[i] = words.number(b, f"word{i}", NUMBER_CLASSES[form], operand.dtype)
                continue
            ptr = words.ptr(b, f"operand{i}")
            if form == "scalar":
                self._fixed[i] = b.load(ptr, operand.dtype)
            else:
                self._pointers[i] = ptr

    def channel(self, block: Value) -> dict[int, Value]:
        """The operands with one element per channel, for block number `block` of the channels: loaded once per block,
        given to `write`.
        """
        b, finish, found = self._b, self._finish, {}
        for i, (operand, form) in enumerate(zip(finish.epilogue.operands, finish.forms)):
            if form != "last":
                continue
            first = b.mul(block, finish.block)
            index = b.mul(b.iota(lanes=finish.block, start=first), self._words.int(b, f"word{i}"))
            mask = None
            if finish.ragged:
                mask = b.lane_mask(b.sub(self._words.int(b, "channels"), first), finish.block)
            found[i] = b.gather(self._pointers[i], operand.dtype, index, mask=mask)
        return found

    def write(self, x: Value, offset: Value, channel: dict[int, Value]) -> None:
        """Finishes the vector x, which lies at element `offset` of the results."""
        b, finish = self._b, self._finish
        operands = []
        for i, (operand, form) in enumerate(zip(finish.epilogue.operands, finish.forms)):
            if form == "same":
                operands.append(b.load(self._pointers[i], operand.dtype, x.lanes, offset=offset))
            else:
                operands.append(channel[i] if form == "last" else b.splat(self._fixed[i], x.lanes))
        found = finish.epilogue.emit(b, b.convert(x, finish.dtype), operands)
        for value, d, ptr in zip(found, finish.epilogue.results, self._results):
            b.store(b.convert(b.splat(value, x.lanes), d), ptr, offset=offset)

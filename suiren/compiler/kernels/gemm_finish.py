"""What all kernels of the family have in common: which part of the product a unit is, how sums become results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.words import NUMBER_CLASSES, Words, divide, values_of
from suiren.compiler.program import Epilogue, Place, Ptr, plain_epilogue
from suiren.dtypes import dtype
from suiren.trace.trace import Number

# ---------------------------------------------------------------- units


class Part(NamedTuple):
    """What one unit computes: rows m0 ≤ m < m1 and columns n0 ≤ n < n1 of one matrix, summed over `k` elements. Offsets in elements."""

    m_block: Value  # which block of m it is
    n_block: Value
    m0: Value
    m1: Value
    n0: Value
    n1: Value
    k: Value
    a: Value  # offset of the matrix (and of the part of K) in A
    b: Value
    c: Value  # offset of the matrix in the results


@dataclass(frozen=True)
class Grid:
    """How a product is divided into units: (part of K, batch …, block of n, block of m), the last of them running fastest.

    `batch` is the number of batch dims. If `is_split`, K is cut into parts of `k_part`, whose sums are results of their own.
    """

    batch: int
    is_split: bool

    @property
    def key(self) -> tuple:
        return (self.batch, self.is_split)

    @property
    def integers(self) -> tuple[str, ...]:
        names = ["m", "n", "k", "m_block", "n_block", "m_blocks", "n_blocks"]
        if self.is_split:
            names += ["k_part", "a_part", "b_part", "batches"]
        for i in range(self.batch):
            names += [f"batch{i}", f"a_batch{i}", f"b_batch{i}"]
        return tuple(names)

    def part(self, b: Builder, words: Words, unit: Value) -> Part:
        """Which part unit `unit` is."""
        m, n, k = (words.int(b, name) for name in ("m", "n", "k"))
        m_block, n_block = words.int(b, "m_block"), words.int(b, "n_block")
        rest, im = divide(b, unit, words.int(b, "m_blocks"))
        rest, i_n = divide(b, rest, words.int(b, "n_blocks"))
        m0, n0 = b.mul(im, m_block), b.mul(i_n, n_block)
        a = bb = b.i64(0)
        matrix = b.mul(m, n)
        c = b.mul(rest, matrix) if self.batch or self.is_split else b.i64(0)
        if self.is_split:
            part, rest = divide(b, rest, words.int(b, "batches"))
            k_part = words.int(b, "k_part")
            k = b.minimum(k_part, b.sub(k, b.mul(part, k_part)))
            a, bb = b.mul(part, words.int(b, "a_part")), b.mul(part, words.int(b, "b_part"))
        for i in reversed(range(self.batch)):
            if i:
                rest, index = divide(b, rest, words.int(b, f"batch{i}"))
            else:
                index = rest
            a = b.add(a, b.mul(index, words.int(b, f"a_batch{i}")))
            bb = b.add(bb, b.mul(index, words.int(b, f"b_batch{i}")))
        return Part(im, i_n, m0, b.minimum(b.add(m0, m_block), m), n0, b.minimum(b.add(n0, n_block), n), k, a, bb, c)


# ---------------------------------------------------------------- results


@dataclass(frozen=True)
class Finish:
    """How sums become results: converted to `dtype`, through the epilogue, into memory.

    `forms` says of each operand how it is found: "same", "last" (lying close), "last strided", "first", "scalar", or the class of a number.
    """

    dtype: dtype
    epilogue: Epilogue
    forms: tuple[str, ...]

    @classmethod
    def of(cls, d: dtype, epilogue: Epilogue, operands: Sequence[Place | Number], is_swapped: bool) -> Finish:
        """`is_swapped`: the kernel computes the transpose (of one row), so that what varies along n varies along its m."""
        swap = {"last": "first", "first": "last"} if is_swapped else {}
        forms = []
        for operand, place in zip(epilogue.operands, operands):
            if isinstance(place, Number):
                forms.append(place.cls.__name__)
                continue
            form = swap.get(operand.varies, operand.varies)
            is_close = form != "last" or place.shape[-1] == 1 or place.strides[-1] == 1
            forms.append(form if is_close else "last strided")
        return cls(d, epilogue, tuple(forms))

    @classmethod
    def plain(cls, d: dtype) -> Finish:
        """The sums themselves."""
        return cls(d, plain_epilogue(d), ())

    @property
    def key(self) -> tuple:
        return (self.dtype.name, self.epilogue.key, self.forms, tuple(d.name for d in self.epilogue.results))

    @property
    def is_plain(self) -> bool:
        return self.epilogue.key == plain_epilogue(self.dtype).key

    @property
    def pointers(self) -> tuple[str, ...]:
        results = [f"result{i}" for i in range(len(self.epilogue.results))]
        return (*results, *(f"operand{i}" for i, form in enumerate(self.forms) if form not in NUMBER_CLASSES))

    @property
    def integers(self) -> tuple[str, ...]:
        """The index of a number, the stride of an operand that varies along one dim."""
        return tuple(f"word{i}" for i, form in enumerate(self.forms) if form not in ("same", "scalar", "last"))

    def values(self, results: Sequence[Ptr], operands: Sequence[Place | Number]) -> dict[str, Ptr | int]:
        return {**{f"result{i}": ptr for i, ptr in enumerate(results)}, **values_of(operands)}


class Writer:
    """The emitting side of a Finish: made once at the start of a kernel, `write` emits the end of one row of a tile."""

    def __init__(self, b: Builder, finish: Finish, words: Words):
        self._b, self._finish = b, finish
        self._results = [words.ptr(b, f"result{i}") for i in range(len(finish.epilogue.results))]
        self._known: dict[int, Value] = {}
        self._operands: dict[int, Value] = {}
        self._strides: dict[int, Value] = {}
        for i, (operand, form) in enumerate(zip(finish.epilogue.operands, finish.forms)):
            if form in NUMBER_CLASSES:
                self._known[i] = words.number(b, f"word{i}", NUMBER_CLASSES[form], operand.dtype)
                continue
            ptr = words.ptr(b, f"operand{i}")
            if form == "scalar":
                self._known[i] = b.load(ptr, operand.dtype)
                continue
            self._operands[i] = ptr
            if form in ("first", "last strided"):
                self._strides[i] = words.int(b, f"word{i}")

    def write(self, sums: Sequence[Value], m: Value, n: Value, offset: Value) -> None:
        """Finishes `sums`, vectors that follow each other in row m from column n on; `offset` is the element at which they lie in the results."""
        b, epilogue = self._b, self._finish.epilogue
        of_row = {
            i: b.load(self._operands[i], operand.dtype, offset=b.mul(m, self._strides[i]))
            for i, (operand, form) in enumerate(zip(epilogue.operands, self._finish.forms))
            if form == "first"
        }
        begin = 0
        for x in sums:
            at, column = (b.add(offset, begin), b.add(n, begin)) if begin else (offset, n)
            operands = []
            for i, (operand, form) in enumerate(zip(epilogue.operands, self._finish.forms)):
                if i in self._operands and form == "same":
                    found = b.load(self._operands[i], operand.dtype, x.lanes, offset=at)
                elif form == "last":
                    found = b.load(self._operands[i], operand.dtype, x.lanes, offset=column)
                elif form == "last strided":
                    index = b.mul(b.iota(lanes=x.lanes, start=column), self._strides[i])
                    found = b.gather(self._operands[i], operand.dtype, index)
                else:
                    found = b.splat(of_row[i] if form == "first" else self._known[i], x.lanes)
                operands.append(found)
            found = epilogue.emit(b, b.convert(x, self._finish.dtype), operands)
            for value, d, ptr in zip(found, epilogue.results, self._results):
                b.store(b.convert(b.splat(value, x.lanes), d), ptr, offset=at)
            begin += x.lanes

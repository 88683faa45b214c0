"""The thin kernel: for a K of a few elements, known beforehand, a panel of B stays in registers while the rows of C go by.

This is the gradient of a Linear layer's weight when the batch is small: C is large, and to write it is most of the work.
"""

from __future__ import annotations

from dataclasses import dataclass

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.gemm_finish import Finish, Grid, Part, Writer
from suiren.compiler.kernels.words import Words, accumulator
from suiren.compiler.program import Kernel
from suiren.dtypes import dtype

LONGEST = 8  # up to this K: beyond it, the tile kernel's loop over K is long enough


def widest(k: int, registers: int) -> int:
    """How many vectors wide a panel can be: K rows of it, a row of sums and one splatted element are in registers."""
    return max(1, min((registers - 1) // (k + 1), 4))


@dataclass(frozen=True)
class Thin:
    """What is fixed in a thin kernel; `edge` as in Tile."""

    a: dtype
    b: dtype
    k: int
    vectors: int
    edge: tuple[int, ...]
    grid: Grid
    finish: Finish

    @property
    def words(self) -> Words:
        return Words(["a", "b", *self.finish.pointers], [*self.grid.integers, "a_row", "a_k", "b_k", "b_panel", *self.finish.integers])

    def kernel(self) -> Kernel:
        key = ("thin", self.a.name, self.b.name, self.k, self.vectors, self.edge, self.grid.key, self.finish.key)
        return Kernel("gemm", key, self.emit)

    def emit(self, b: Builder) -> None:
        words, d = self.words, accumulator(self.finish.dtype)
        a, bb = words.ptr(b, "a"), words.ptr(b, "b")
        a_row, a_k, b_k, b_panel, n_all = (words.int(b, name) for name in ("a_row", "a_k", "b_k", "b_panel", "n"))
        full = widest(self.k, b.target.registers) * b.lanes(d)
        writer = Writer(b, self.finish, words)

        def panel(part: Part, n: Value, widths: list[int]) -> None:
            columns = [b.at(a, b.add(part.a, b.mul(a_k, k)), self.a) for k in range(self.k)]
            held = []
            start = b.add(part.b, b.mul(b.trunc_div(n, b.i64(full)), b_panel))
            for k in range(self.k):
                at, row = b.add(start, b.mul(b_k, k)), []
                for width in widths:
                    row.append(b.convert(b.load(bb, self.b, width, offset=at), d))
                    at = b.add(at, width)
                held.append(row)
            with b.loop_carried(part.m0, part.m1, 1, [b.mul(part.m0, a_row)], unroll=1) as loop:
                m, at = loop.i, loop.values[0]
                sums = [b.const(0, d, width) for width in widths]
                for k in range(self.k):
                    x = b.convert(b.load(columns[k], self.a, offset=at), d)
                    sums = [b.mul_add(b.splat(x, width), y, total) for width, y, total in zip(widths, held[k], sums)]
                writer.write(sums, m, n, b.add(b.add(part.c, b.mul(m, n_all)), n))
                loop.next(b.add(at, a_row))

        with b.loop(b.begin, b.end, unroll=1) as unit:
            part = self.grid.part(b, words, unit)
            if self.vectors:
                with b.loop(part.n0, b.sub(part.n1, full - 1), full, unroll=1) as n:
                    panel(part, n, [b.lanes(d)] * self.vectors)
            if self.edge:
                with b.if_(b.eq(part.n1, n_all)):
                    panel(part, b.sub(n_all, sum(self.edge)), list(self.edge))

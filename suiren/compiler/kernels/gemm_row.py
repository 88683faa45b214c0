"""The row kernel: one row of A and a large B. A long stretch of C waits in the nearest cache while rows of B stream by.

Such a product takes as long as B takes to arrive. The tile kernel would read a few hundred bytes of every row of B; memory likes it better
when several rows are read for a page at a time (a fifth faster at 1000×1000 and at 4096×4096, but not with two rows of A or more).
"""

from __future__ import annotations

from dataclasses import dataclass

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.gemm_finish import Finish, Grid, Writer
from suiren.compiler.kernels.words import Words, accumulator
from suiren.compiler.program import Kernel
from suiren.dtypes import dtype

WAITING_BYTES = 4 << 10  # the sums of a unit
TOGETHER = 8  # rows of B


@dataclass(frozen=True)
class Row:
    """What is fixed in a row kernel: `n_tail` is N modulo the lanes of a vector."""

    a: dtype
    b: dtype
    n_tail: int
    grid: Grid
    finish: Finish

    @property
    def words(self) -> Words:
        return Words(["a", "b", *self.finish.pointers], [*self.grid.integers, "a_k", "b_k", *self.finish.integers])

    def kernel(self) -> Kernel:
        return Kernel("gemm", ("row", self.a.name, self.b.name, self.n_tail, self.grid.key, self.finish.key), self.emit)

    @property
    def width(self) -> int:
        """How many columns a unit may have."""
        return WAITING_BYTES // accumulator(self.finish.dtype).itemsize

    def emit(self, b: Builder) -> None:
        words, d = self.words, accumulator(self.finish.dtype)
        lanes, tail = b.lanes(d), self.n_tail
        a, bb = words.ptr(b, "a"), words.ptr(b, "b")
        a_k, b_k = words.int(b, "a_k"), words.int(b, "b_k")
        writer = Writer(b, self.finish, words)
        waiting = b.scratch(WAITING_BYTES)

        def each_vector(count: Value, emit) -> None:
            """Emits what is done for every vector of `count` columns."""
            with b.loop(0, b.sub(count, lanes - 1), lanes, unroll=1) as n:
                emit(n, lanes)
            if tail:
                with b.if_(b.ne(b.and_(count, lanes - 1), 0)):
                    emit(b.sub(count, tail), tail)

        def add_rows(part, count: Value, k: Value, how_many: int) -> None:
            elements, rows = [], []
            for r in range(how_many):
                at = b.add(k, r)
                elements.append(b.convert(b.load(a, self.a, offset=b.add(part.a, b.mul(at, a_k))), d))
                rows.append(b.at(bb, b.add(b.add(part.b, part.n0), b.mul(at, b_k)), self.b))

            def add(n: Value, lanes: int) -> None:
                total = b.load(waiting, d, lanes, offset=n)
                for element, row in zip(elements, rows):
                    total = b.mul_add(b.splat(element, lanes), b.convert(b.load(row, self.b, lanes, offset=n), d), total)
                b.store(total, waiting, offset=n)

            each_vector(count, add)

        with b.loop(b.begin, b.end, unroll=1) as unit:
            part = self.grid.part(b, words, unit)
            count = b.sub(part.n1, part.n0)
            each_vector(count, lambda n, lanes: b.store(b.const(0, d, lanes), waiting, offset=n))
            with b.loop_carried(0, b.sub(part.k, TOGETHER - 1), TOGETHER, [b.i64(0)], unroll=1) as loop:
                add_rows(part, count, loop.i, TOGETHER)
                loop.next(b.add(loop.i, TOGETHER))
            with b.loop(loop.results[0], part.k, unroll=1) as k:
                add_rows(part, count, k, 1)

            def finish(n: Value, lanes: int) -> None:
                column = b.add(part.n0, n)
                writer.write([b.load(waiting, d, lanes, offset=n)], b.i64(0), column, b.add(part.c, column))

            each_vector(count, finish)

"""The tile kernel: a tile of C stays in registers while the outer products of columns of A and rows of B are added to it.

A is read one element at a time and splatted, so its strides are free. B is read as vectors along n, which must lie close; its rows may be
anywhere. Packed operands are nothing special: panels whose strides are short.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.gemm_finish import Finish, Grid, Part, Words, Writer, accumulator
from suiren.compiler.kernels.gemm_pack import Panels
from suiren.compiler.program import Kernel
from suiren.dtypes import dtype

# Where the sums of a block of K wait for the next block. In the result itself, where nothing but the sum goes there.
WHOLE, IN_RESULT, IN_PARTIAL = "whole", "in result", "in partial"

# The panel that a unit packs for itself lies on the stack.
PACKED_BYTES = 32 << 10


def fits(rows: int, vectors: int, registers: int) -> bool:
    """Whether a tile's sums, the operand that is held and the one that streams by fit into the registers."""
    return rows * vectors + min(rows, vectors) + 1 <= registers


def cost(rows: int, vectors: int, lanes: int) -> float:
    """About how long a step along K takes for a tile of `rows` rows and `vectors` vectors, in half cycles.

    Two multiply-adds and two loads start in a cycle, and a sum waits four cycles for its turn (with no slack, 2 % are lost). What is read
    comes from the second cache, at three quarters of a vector in a cycle, and a little is taken off for it in any case. True of Zen 3,
    and near enough of others.
    """
    return max(rows * vectors, rows + vectors, 8.2, (vectors + rows / lanes) * 8 / 3) + 0.08 * (vectors + rows / lanes)


@dataclass(frozen=True)
class Tile:
    """What is fixed in a tile kernel.

    `rows` × `vectors` is the tile; `edge` are the widths of the vectors of the last, narrower one (widths, because a
    store with a mask takes 12 cycles on Zen 3 where two partial stores take 2). `is_ragged`: rows do not divide M.
    """

    a: dtype
    b: dtype
    rows: int
    vectors: int  # 0 if N is narrower than a tile
    edge: tuple[int, ...]
    is_ragged: bool
    blocks: str  # of K: WHOLE, IN_RESULT or IN_PARTIAL
    packs: str  # "", or how B lies: every unit packs one panel after the other, which then stays in the nearest caches
    grid: Grid
    finish: Finish

    @property
    def sum_dtype(self) -> dtype:
        return accumulator(self.finish.dtype)

    @property
    def words(self) -> Words:
        pointers = ["a", "b", *self.finish.pointers]
        integers = [*self.grid.integers, "a_row", "a_k", "a_panel", "a_block", "b_k", "b_panel", "b_block", *self.finish.integers]
        if self.packs:
            integers.append("b_column")
        if self.blocks != WHOLE:
            integers.append("k_block")
        if self.blocks == IN_PARTIAL:
            pointers.append("partial")
        return Words(pointers, integers)

    def kernel(self) -> Kernel:
        key = ("tile", self.a.name, self.b.name, self.rows, self.vectors, self.edge, self.is_ragged, self.blocks, self.packs, self.grid.key, self.finish.key)
        return Kernel("gemm", key, lambda b: _Emitter(b, self).kernel())


class Rows(NamedTuple):
    """The rows of a panel of B: where the first one lies, and how many elements on the next one."""

    ptr: Value
    dtype: dtype
    stride: Value


class _Emitter:
    def __init__(self, b: Builder, tile: Tile):
        self.b, self.tile = b, tile
        self.lanes = b.lanes(tile.sum_dtype)
        self.words = words = tile.words
        self.a, self.bb = words.ptr(b, "a"), words.ptr(b, "b")
        self.a_row, self.a_k, self.b_k = (words.int(b, name) for name in ("a_row", "a_k", "b_k"))
        self.n = words.int(b, "n")
        self.writer = Writer(b, tile.finish, words)
        if tile.blocks != WHOLE:
            self.partial = words.ptr(b, "partial" if tile.blocks == IN_PARTIAL else "result0")
        widest = max(sum(tile.edge), tile.vectors * self.lanes)
        self.width = widest
        if not tile.finish.is_plain:
            self.waiting = b.scratch(tile.rows * widest * tile.sum_dtype.itemsize)
        if tile.packs:
            self.packed = b.scratch(PACKED_BYTES)

    def kernel(self) -> None:
        b, tile = self.b, self.tile
        with b.loop(b.begin, b.end, unroll=1) as unit:
            part = tile.grid.part(b, self.words, unit)
            if tile.blocks == WHOLE:
                self.block(part, b.i64(0), part.k, None, None)
            else:
                k_block = self.words.int(b, "k_block")
                with b.loop(0, part.k, k_block, unroll=1) as k0:
                    left = b.sub(part.k, k0)
                    self.block(part, k0, b.minimum(left, k_block), b.eq(k0, 0), b.le(left, k_block))

    def block(self, part: Part, k0: Value, k: Value, is_first: Value | None, is_last: Value | None) -> None:
        """All tiles of a unit, over k elements of K from k0 on."""
        b, tile, words = self.b, self.tile, self.words
        a = b.add(part.a, b.mul(k0, self.a_k))
        a = b.add(a, b.mul(part.m_block, words.int(b, "a_block")))
        bb = b.add(part.b, b.mul(k0, self.b_k))
        bb = b.add(bb, b.mul(part.n_block, words.int(b, "b_block")))
        b_panel = words.int(b, "b_panel")
        with_columns = [part, k, a, is_first, is_last]
        if tile.vectors:
            width = tile.vectors * self.lanes
            with b.loop_carried(part.n0, b.sub(part.n1, width - 1), width, [bb], unroll=1) as loop:
                self.column(*with_columns, loop.values[0], loop.i, [self.lanes] * tile.vectors)
                loop.next(b.add(loop.values[0], b_panel))
            bb = loop.results[0]
        if tile.edge:
            with b.if_(b.eq(part.n1, self.n)):
                self.column(*with_columns, bb, b.sub(self.n, sum(tile.edge)), list(tile.edge))

    def column(self, part: Part, k: Value, a: Value, is_first, is_last, bb: Value, n: Value, widths: list[int]) -> None:
        """All tiles of a unit in one panel of B, whose rows stay in the nearest cache meanwhile."""
        b, tile, rows = self.b, self.tile, self.tile.rows
        from_b = Rows(b.at(self.bb, bb, tile.b), tile.b, self.b_k)
        if tile.packs:
            b_column, width = self.words.int(b, "b_column"), sum(widths)
            panels = Panels(b, tile.packs, tile.b, tile.sum_dtype, width, self.bb, self.packed, k, self.b_k, b_column)
            panels.panel(bb, b.i64(0), width)
            from_b = Rows(self.packed, tile.sum_dtype, b.i64(width))
        with b.loop_carried(part.m0, part.m1, rows, [a], unroll=1) as loop:
            m, left = loop.i, b.sub(part.m1, loop.i)
            sums = self.sums(k, loop.values[0], from_b, left, widths, is_first, part, m, n)
            self.finish(sums, part, m, n, left, is_last)
            loop.next(b.add(loop.values[0], self.words.int(b, "a_panel")))

    def sums(self, k, a, rows_of_b, left, widths, is_first, part, m, n) -> list[list[Value]]:
        """The loop over K: rows × vectors of sums."""
        b, tile = self.b, self.tile
        d = tile.sum_dtype
        row_places = [b.at(self.a, b.add(a, self.row(i, left, self.a_row)), tile.a) for i in range(tile.rows)]
        zeros = [b.const(0, d, width) for _ in range(tile.rows) for width in widths]
        if is_first is None:
            inits = zeros
        else:
            inits = b.choose(is_first, lambda: zeros, lambda: self.partial_sums(part, m, n, left, widths))
        count = len(inits)
        with b.loop_carried(0, k, 1, [*inits, b.i64(0), b.i64(0)], unroll=1) as loop:
            sums, (ak, bk) = list(loop.values[:count]), loop.values[count:]
            starts = [sum(widths[:j]) for j in range(len(widths))]

            def from_a(i: int) -> Value:
                return b.convert(b.load(row_places[i], tile.a, offset=ak), d)

            def from_b(j: int) -> Value:
                return b.convert(b.load(rows_of_b.ptr, rows_of_b.dtype, widths[j], offset=b.add(bk, starts[j])), d)

            # The shorter side of the tile is held in registers, the other streams by.
            if len(widths) <= tile.rows:
                held = [from_b(j) for j in range(len(widths))]
                pairs = ((i, j, x, y) for i in range(tile.rows) for x in [from_a(i)] for j, y in enumerate(held))
            else:
                held = [from_a(i) for i in range(tile.rows)]
                pairs = ((i, j, x, y) for j in range(len(widths)) for y in [from_b(j)] for i, x in enumerate(held))
            for i, j, x, y in pairs:
                at = i * len(widths) + j
                sums[at] = b.mul_add(b.splat(x, widths[j]), y, sums[at])
            loop.next(*sums, b.add(ak, self.a_k), b.add(bk, rows_of_b.stride))
        return [loop.results[i * len(widths) : (i + 1) * len(widths)] for i in range(tile.rows)]

    def row(self, i: int, left: Value, stride: Value) -> Value:
        """The offset of row i of a tile; a row beyond the last one stands for the last one, and is not written."""
        b = self.b
        if not self.tile.is_ragged or i == 0:
            return b.mul(stride, i)
        return b.mul(b.minimum(b.i64(i), b.sub(left, 1)), stride)

    def partial_sums(self, part, m, n, left, widths) -> list[Value]:
        b, d = self.b, self.tile.sum_dtype
        found = []
        for i in range(self.tile.rows):
            at = b.add(self.place(part, m, n), self.row(i, left, self.n))
            for width in widths:
                found.append(b.load(self.partial, d, width, offset=at))
                at = b.add(at, width)
        return found

    def place(self, part: Part, m: Value, n: Value) -> Value:
        b = self.b
        return b.add(b.add(part.c, b.mul(m, self.n)), n)

    def finish(self, sums: list[list[Value]], part: Part, m: Value, n: Value, left: Value, is_last: Value | None) -> None:
        b, tile = self.b, self.tile
        if is_last is None or tile.blocks == IN_RESULT:
            self.write(sums, part, m, n, left)
            return
        with b.if_else(is_last) as (then, otherwise):
            with then:
                self.write(sums, part, m, n, left)
            with otherwise:
                self.each_row(left, lambda i: self.keep(sums[i], b.add(self.place(part, m, n), b.mul(self.n, i))))

    def keep(self, sums: list[Value], at: Value) -> None:
        for x in sums:
            self.b.store(x, self.partial, offset=at)
            at = self.b.add(at, x.lanes)

    def each_row(self, left: Value, emit) -> None:
        for i in range(self.tile.rows):
            if self.tile.is_ragged and i:
                with self.b.if_(self.b.gt(left, i)):
                    emit(i)
            else:
                emit(i)

    def write(self, sums: list[list[Value]], part: Part, m: Value, n: Value, left: Value) -> None:
        """Finishes a tile: row by row where that is a store, otherwise from the stack, so that the epilogue is in the code once."""
        b, tile = self.b, self.tile
        at = self.place(part, m, n)
        if tile.finish.is_plain or tile.rows == 1:
            self.each_row(left, lambda i: self.writer.write(sums[i], b.add(m, i), n, b.add(at, b.mul(self.n, i))))
            return
        d = tile.sum_dtype
        for i, row in enumerate(sums):
            place = i * self.width
            for x in row:
                b.store(x, self.waiting, offset=place)
                place += x.lanes
        rows = b.minimum(left, tile.rows) if tile.is_ragged else b.i64(tile.rows)
        with b.loop(0, rows, unroll=1) as i:
            place, row = b.mul(i, self.width), []
            for x in sums[0]:
                row.append(b.load(self.waiting, d, x.lanes, offset=place))
                place = b.add(place, x.lanes)
            self.writer.write(row, b.add(m, i), n, b.add(at, b.mul(i, self.n)))

"""The tile kernel: a tile of C stays in registers while the outer products of columns of A and rows of B are added to it.

A is read one element at a time and splatted, so its strides are free. B is read as vectors along n, which must lie close; its rows may be
anywhere. Packed operands are nothing special: panels whose strides are short.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.gemm_finish import Finish, Grid, Part, Writer
from suiren.compiler.kernels.gemm_pack import Panels
from suiren.compiler.kernels.words import Words, accumulator
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


class _Block(NamedTuple):
    """What a unit sums at a time: `k` elements of K for its part of C. `is_first`, `is_last` (None if K is not cut): the first, the last of them."""

    part: Part
    k: Value
    a: Value  # offset in A of its first row
    b: Value  # offset in B of its first column
    is_first: Value | None
    is_last: Value | None


class _Place(NamedTuple):
    """A tile of C: its first element, how many rows there are from there on, and its offset in the results."""

    m: Value
    n: Value
    left: Value
    offset: Value


class _Emitter:
    def __init__(self, b: Builder, tile: Tile):
        self.b, self.tile, self.d = b, tile, tile.sum_dtype
        self.lanes = b.lanes(self.d)
        self.words = words = tile.words
        self.a, self.bb = words.ptr(b, "a"), words.ptr(b, "b")
        self.a_row, self.a_k, self.b_k = (words.int(b, name) for name in ("a_row", "a_k", "b_k"))
        self.n = words.int(b, "n")
        self.writer = Writer(b, tile.finish, words)
        # The widths of the vectors of a whole panel, and of the last, narrower one.
        self.panels = [widths for widths in ([self.lanes] * tile.vectors, list(tile.edge)) if widths]
        self.width = sum(self.panels[0])
        if tile.blocks != WHOLE:
            self.partial = words.ptr(b, "partial" if tile.blocks == IN_PARTIAL else "result0")
        if not tile.finish.is_plain:
            self.waiting = b.scratch(tile.rows * self.width * self.d.itemsize)
        if tile.packs:
            self.packed = b.scratch(PACKED_BYTES)

    def kernel(self) -> None:
        b, tile, words = self.b, self.tile, self.words
        with b.loop(b.begin, b.end, unroll=1) as unit:
            part = tile.grid.part(b, words, unit)
            a = b.add(part.a, b.mul(part.m_block, words.int(b, "a_block")))
            bb = b.add(part.b, b.mul(part.n_block, words.int(b, "b_block")))
            if tile.blocks == WHOLE:
                self.block(_Block(part, part.k, a, bb, None, None))
            else:
                k_block = words.int(b, "k_block")
                with b.loop(0, part.k, k_block, unroll=1) as k0:
                    left = b.sub(part.k, k0)
                    a, bb = b.add(a, b.mul(k0, self.a_k)), b.add(bb, b.mul(k0, self.b_k))
                    self.block(_Block(part, b.minimum(left, k_block), a, bb, b.eq(k0, 0), b.le(left, k_block)))

    def block(self, block: _Block) -> None:
        """Panel by panel, so that the rows of a panel of B stay in the nearest cache while those of A go by."""
        b, tile, part = self.b, self.tile, block.part
        with b.loop_carried(part.n0, part.n1, self.width, [block.b], unroll=1) as along_n:
            n, bb = along_n.i, along_n.values[0]
            is_whole = b.le(b.add(n, self.width), part.n1)
            if tile.packs:
                b_column = self.words.int(b, "b_column")
                panels = Panels(b, tile.packs, tile.b, self.d, self.width, self.bb, self.packed, block.k, self.b_k, b_column)
                self.by_width(is_whole, lambda widths: panels.panel(bb, b.i64(0), sum(widths)))
                rows = Rows(self.packed, self.d, b.i64(self.width))
            else:
                rows = Rows(b.at(self.bb, bb, tile.b), tile.b, self.b_k)
            with b.loop_carried(part.m0, part.m1, tile.rows, [block.a], unroll=1) as along_m:
                m, a = along_m.i, along_m.values[0]
                place = _Place(m, n, b.sub(part.m1, m), b.add(b.add(part.c, b.mul(m, self.n)), n))

                def tile_of(widths: list[int]) -> None:
                    self.keep_or_write(self.sums(block, a, rows, place, widths), block, place)

                self.by_width(is_whole, tile_of)
                self.finish(block, place)
                along_m.next(b.add(a, self.words.int(b, "a_panel")))
            along_n.next(b.add(bb, self.words.int(b, "b_panel")))

    def by_width(self, is_whole: Value, emit) -> None:
        """Emits what is done with a whole panel, and with the last one if that is narrower."""
        if len(self.panels) == 1:
            emit(self.panels[0])
            return
        with self.b.if_else(is_whole) as branches:
            for branch, widths in zip(branches, self.panels):
                with branch:
                    emit(widths)

    # ------------------------------------------------------------ sums

    def sums(self, block: _Block, a: Value, rows_of_b: Rows, place: _Place, widths: list[int]) -> list[list[Value]]:
        """The loop over K: rows × vectors of sums."""
        b, tile, d = self.b, self.tile, self.d
        rows_of_a = [b.at(self.a, b.add(a, self.row(i, place.left, self.a_row)), tile.a) for i in range(tile.rows)]
        inits = [b.const(0, d, width) for _ in range(tile.rows) for width in widths]
        if block.is_first is not None:
            zeros = inits
            inits = b.choose(block.is_first, lambda: zeros, lambda: self.partial_sums(place, widths))
        with b.loop_carried(0, block.k, 1, [*inits, b.i64(0), b.i64(0)], unroll=1) as loop:
            *sums, at_a, at_b = loop.values

            def from_a(i: int) -> Value:
                return b.convert(b.load(rows_of_a[i], tile.a, offset=at_a), d)

            def from_b(j: int) -> Value:
                at = b.add(at_b, sum(widths[:j]))
                return b.convert(b.load(rows_of_b.ptr, rows_of_b.dtype, widths[j], offset=at), d)

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
            loop.next(*sums, b.add(at_a, self.a_k), b.add(at_b, rows_of_b.stride))
        return [loop.results[i * len(widths) : (i + 1) * len(widths)] for i in range(tile.rows)]

    def row(self, i: int, left: Value, stride: Value) -> Value:
        """The offset of row i of a tile; a row beyond the last one stands for the last one, and is not written."""
        b = self.b
        if not self.tile.is_ragged or i == 0:
            return b.mul(stride, i)
        return b.mul(b.minimum(b.i64(i), b.sub(left, 1)), stride)

    def partial_sums(self, place: _Place, widths: list[int]) -> list[Value]:
        b, found = self.b, []
        for i in range(self.tile.rows):
            at = b.add(place.offset, self.row(i, place.left, self.n))
            for width in widths:
                found.append(b.load(self.partial, self.d, width, offset=at))
                at = b.add(at, width)
        return found

    # ------------------------------------------------------------ results

    def keep_or_write(self, sums: list[list[Value]], block: _Block, place: _Place) -> None:
        """Where sums go from the registers: into the results if they are that, to where the next block of K finds them, or to where `finish` does."""
        b, tile = self.b, self.tile

        def write_row(i: int) -> None:
            self.writer.write(sums[i], b.add(place.m, i), place.n, self.at_row(place, i))

        def done() -> None:
            if tile.finish.is_plain:
                self.each_row(place.left, write_row)
            else:
                self.put_down(sums, place)

        if block.is_last is None or tile.blocks == IN_RESULT:
            done()
            return
        with b.if_else(block.is_last) as (then, otherwise):
            with then:
                done()
            with otherwise:
                self.each_row(place.left, lambda i: self.store_row(sums[i], self.partial, self.at_row(place, i)))

    def at_row(self, place: _Place, i: int) -> Value:
        return self.b.add(place.offset, self.b.mul(self.n, i))

    def each_row(self, left: Value, emit) -> None:
        for i in range(self.tile.rows):
            if self.tile.is_ragged and i:
                with self.b.if_(self.b.gt(left, i)):
                    emit(i)
            else:
                emit(i)

    def store_row(self, sums: list[Value], to: Value, at: Value) -> None:
        for x in sums:
            self.b.store(x, to, offset=at)
            at = self.b.add(at, x.lanes)

    def put_down(self, sums: list[list[Value]], place: _Place) -> None:
        """Onto the stack, where one piece of code, and so one copy of the epilogue, takes the tile up again, whatever its width."""
        for i, row in enumerate(sums):
            self.store_row(row, self.waiting, self.b.i64(i * self.width))

    def finish(self, block: _Block, place: _Place) -> None:
        """Takes a complete tile up from the stack and writes its results."""
        b, tile = self.b, self.tile
        if tile.finish.is_plain:
            return
        if block.is_last is not None:
            with b.if_(block.is_last):
                self.finish(block._replace(is_last=None), place)
            return
        rows = b.minimum(place.left, tile.rows) if tile.is_ragged else tile.rows
        columns = b.minimum(b.sub(block.part.n1, place.n), self.width)
        tail = tile.edge[-1] % self.lanes if tile.edge else 0
        with b.loop(0, rows, unroll=1) as i:
            waiting, offset = b.mul(i, self.width), b.add(place.offset, b.mul(i, self.n))

            def write(j: Value, lanes: int) -> None:
                x = b.load(self.waiting, self.d, lanes, offset=b.add(waiting, j))
                self.writer.write([x], b.add(place.m, i), b.add(place.n, j), b.add(offset, j))

            with b.loop(0, b.sub(columns, self.lanes - 1), self.lanes, unroll=1) as j:
                write(j, self.lanes)
            if tail:
                with b.if_(b.ne(b.and_(columns, self.lanes - 1), 0)):
                    write(b.sub(columns, tail), tail)

"""Packing: an operand copied into panels that the tile kernel reads from front to back, and the sum of a product's parts of K.

A panel is `width` rows of A (or columns of B): dest[matrix][panel][k][width], in the dtype of the sums. Places of the last panel beyond the operand's
end hold anything, because what a tile computes from them is never written.
"""

from __future__ import annotations

from dataclasses import dataclass

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.gemm_finish import Finish, Writer
from suiren.compiler.kernels.words import Words
from suiren.compiler.program import Kernel
from suiren.dtypes import dtype

# How the elements of the operand lie.
ALONG_PANEL, ALONG_K, STRIDED = "along panel", "along k", "strided"


@dataclass(frozen=True)
class Pack:
    """What is fixed in a pack kernel. `tail` is how many columns the last panel has, 0 if it is whole; `batch` the number of batch dims.

    A unit is `panels` panels (an argument) of one matrix.
    """

    source: dtype
    to: dtype
    width: int
    tail: int
    lies: str
    batch: int

    @property
    def words(self) -> Words:
        integers = ["k", "count", "k_stride", "stride", "panels", "groups"]
        for i in range(self.batch):
            integers += [f"batch{i}", f"stride{i}"]
        return Words(["source", "to"], integers)

    def kernel(self) -> Kernel:
        key = ("pack", self.source.name, self.to.name, self.width, self.tail, self.lies, self.batch)
        return Kernel("gemm", key, lambda b: _Packer(b, self).kernel())


class _Packer:
    def __init__(self, b: Builder, pack: Pack):
        self.b, self.pack, self.words = b, pack, pack.words
        source, to, k = self.words.ptr(b, "source"), self.words.ptr(b, "to"), self.words.int(b, "k")
        self.count = self.words.int(b, "count")
        self.panels = Panels(b, pack.lies, pack.source, pack.to, pack.width, source, to, k, self.words.int(b, "k_stride"), self.words.int(b, "stride"))

    def kernel(self) -> None:
        b, pack, words, copy = self.b, self.pack, self.words, self.panels
        panels, groups = words.int(b, "panels"), words.int(b, "groups")
        all_panels = b.trunc_div(b.add(self.count, pack.width - 1), b.i64(pack.width))
        panel_size = b.mul(copy.k, pack.width)
        with b.loop(b.begin, b.end, unroll=1) as unit:
            matrix = b.trunc_div(unit, groups)
            first = b.mul(b.sub(unit, b.mul(matrix, groups)), panels)
            source, rest = b.i64(0), matrix
            for i in reversed(range(pack.batch)):
                outer = b.trunc_div(rest, words.int(b, f"batch{i}")) if i else b.i64(0)
                index = b.sub(rest, b.mul(outer, words.int(b, f"batch{i}"))) if i else rest
                source, rest = b.add(source, b.mul(index, words.int(b, f"stride{i}"))), outer
            to = b.mul(b.add(b.mul(matrix, all_panels), first), panel_size)
            begin = b.mul(first, pack.width)
            end = b.minimum(b.add(begin, b.mul(panels, pack.width)), b.sub(self.count, pack.tail))
            if pack.lies == ALONG_PANEL:
                # Row by row over all panels of the unit: long stretches of memory are read.
                with b.loop_carried(0, copy.k, 1, [source, to], unroll=1) as row:
                    place, to_row = row.values
                    with b.loop_carried(begin, end, pack.width, [to_row], unroll=1) as along:
                        copy.row(b.add(place, along.i), along.values[0], pack.width)
                        along.next(b.add(along.values[0], panel_size))
                    self.with_tail(begin, end, lambda at: copy.row(b.add(place, at), along.results[0], pack.tail))
                    row.next(b.add(place, copy.k_stride), b.add(to_row, pack.width))
            else:
                with b.loop_carried(begin, end, pack.width, [to], unroll=1) as along:
                    copy.panel(b.add(source, b.mul(along.i, copy.stride)), along.values[0], pack.width)
                    along.next(b.add(along.values[0], panel_size))
                self.with_tail(begin, end, lambda at: copy.panel(b.add(source, b.mul(at, copy.stride)), along.results[0], pack.tail))

    def with_tail(self, begin: Value, end: Value, emit) -> None:
        """Emits the last, narrower panel, which the last unit of a matrix has."""
        b, pack = self.b, self.pack
        if pack.tail:
            at = b.maximum(begin, end)
            last = b.add(begin, b.mul(self.words.int(b, "panels"), pack.width))
            with b.if_(b.and_(b.eq(at, b.sub(self.count, pack.tail)), b.lt(at, last))):
                emit(at)


@dataclass
class Panels:
    """Copies parts of an operand into panels. `k` rows of a panel are filled; strides and places in elements, of the source and of the panels."""

    b: Builder
    lies: str
    source_dtype: dtype
    dtype: dtype
    width: int
    source: Value
    to: Value
    k: Value
    k_stride: Value
    stride: Value

    def panel(self, at: Value, to: Value, width: int) -> None:
        """One panel, of which `width` columns are filled, from element `at` of the source to element `to` of the panels."""
        b, lanes = self.b, self.b.lanes(self.dtype)
        if self.lies == ALONG_PANEL:
            with b.loop_carried(0, self.k, 1, [at, to], unroll=1) as loop:
                self.row(*loop.values, width)
                loop.next(b.add(loop.values[0], self.k_stride), b.add(loop.values[1], self.width))
        elif self.lies == STRIDED:
            with b.loop(0, self.k, unroll=1) as k, b.loop(0, width, unroll=1) as i:
                x = b.load(self.source, self.source_dtype, offset=b.add(at, b.add(b.mul(k, self.k_stride), b.mul(i, self.stride))))
                b.store(b.convert(x, self.dtype), self.to, offset=b.add(to, b.add(b.mul(k, self.width), i)))
        else:
            whole = width - width % lanes
            if whole == lanes:
                self.squares(at, to, lanes)
            elif whole:
                with b.loop(0, whole, lanes, unroll=1) as i:
                    self.squares(b.add(at, b.mul(i, self.stride)), b.add(to, i), lanes)
            if width % lanes:
                self.squares(b.add(at, b.mul(self.stride, whole)), b.add(to, whole), width % lanes)

    def row(self, at: Value, to: Value, width: int) -> None:
        """One row of a panel, read as it lies."""
        b = self.b
        lanes, done = b.lanes(self.dtype), 0
        while done < width:
            n = min(lanes, width - done)
            x = b.load(self.source, self.source_dtype, n, offset=b.add(at, done))
            b.store(b.convert(x, self.dtype), self.to, offset=b.add(to, done))
            done += n

    def squares(self, at: Value, to: Value, count: int) -> None:
        """`count` columns of a panel, at most as many as a vector has lanes: squares of as many rows are turned round in registers."""
        b, lanes = self.b, self.b.lanes(self.dtype)
        full = b.and_(self.k, -lanes)
        columns = [b.at(self.source, b.add(at, b.mul(self.stride, i)), self.source_dtype) for i in range(count)]
        with b.loop(0, full, lanes, unroll=1) as k:
            square = [b.convert(b.load(column, self.source_dtype, lanes, offset=k), self.dtype) for column in columns]
            square += [square[-1]] * (lanes - count)
            for i, x in enumerate(b.transposed(square)):
                b.store(b.slice(x, 0, count), self.to, offset=b.add(to, b.mul(b.add(k, i), self.width)))
        with b.loop(full, self.k, unroll=1) as k:
            for i, column in enumerate(columns):
                x = b.load(column, self.source_dtype, offset=k)
                b.store(b.convert(x, self.dtype), self.to, offset=b.add(to, b.add(b.mul(k, self.width), i)))


@dataclass(frozen=True)
class Combine:
    """Adds the parts of a product whose K was cut: parts[part][row][n] in the dtype of the sums, in this order, and finishes the rows.

    A unit is one row of one matrix. `n_tail` is N modulo the lanes of a vector.
    """

    sum_dtype: dtype
    n_tail: int
    finish: Finish

    @property
    def words(self) -> Words:
        return Words(["parts", *self.finish.pointers], ["m", "n", "count", "distance", *self.finish.integers])

    def kernel(self) -> Kernel:
        return Kernel("gemm", ("combine", self.sum_dtype.name, self.n_tail, self.finish.key), self.emit)

    def emit(self, b: Builder) -> None:
        words, d = self.words, self.sum_dtype
        parts = words.ptr(b, "parts")
        m_all, n_all, count, distance = (words.int(b, name) for name in ("m", "n", "count", "distance"))
        writer = Writer(b, self.finish, words)

        def write(row: Value, n: Value, lanes: int) -> None:
            at = b.add(b.mul(row, n_all), n)
            with b.loop_carried(1, count, 1, [b.load(parts, d, lanes, offset=at), b.add(at, distance)], unroll=1) as loop:
                total, place = loop.values
                loop.next(b.add(total, b.load(parts, d, lanes, offset=place)), b.add(place, distance))
            writer.write([loop.results[0]], b.trunc_rem(row, m_all), n, at)

        with b.loop(b.begin, b.end, unroll=1) as row:
            lanes = b.lanes(d)
            with b.loop(0, b.sub(n_all, lanes - 1), lanes, unroll=1) as n:
                write(row, n, lanes)
            if self.n_tail:
                write(row, b.sub(n_all, self.n_tail), self.n_tail)

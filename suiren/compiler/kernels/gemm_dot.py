"""The dot kernel: vectors run along K, which lies close in both operands; a tile of C is a set of dot products, summed over lanes at the end.

This is a Linear layer, x · weightᵀ, for few rows of x: there is nothing to pack, and the weight is read once, as it lies.
"""

from __future__ import annotations

from dataclasses import dataclass

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.gemm_finish import Finish, Grid, Part, Writer
from suiren.compiler.kernels.words import Words, accumulator
from suiren.compiler.program import Kernel
from suiren.dtypes import dtype


@dataclass(frozen=True)
class Dot:
    """What is fixed in a dot kernel: a tile of `rows` × `columns` dot products; `n_tail` is N modulo the lanes of a vector."""

    a: dtype
    b: dtype
    rows: int
    columns: int
    is_ragged: bool  # rows do not divide M
    n_tail: int
    has_k_tail: bool
    grid: Grid
    finish: Finish

    @property
    def words(self) -> Words:
        return Words(["a", "b", *self.finish.pointers], [*self.grid.integers, "a_row", "b_column", *self.finish.integers])

    def kernel(self) -> Kernel:
        key = ("dot", self.a.name, self.b.name, self.rows, self.columns, self.is_ragged, self.n_tail, self.has_k_tail, self.grid.key, self.finish.key)
        return Kernel("gemm", key, lambda b: _Emitter(b, self).kernel())


class _Emitter:
    def __init__(self, b: Builder, dot: Dot):
        self.b, self.dot, self.d = b, dot, accumulator(dot.finish.dtype)
        self.lanes = b.lanes(self.d)
        # A group of columns is finished together: as many tiles as give whole vectors of every row.
        self.group = dot.columns * self.lanes
        self.words = words = dot.words
        self.a, self.bb = words.ptr(b, "a"), words.ptr(b, "b")
        self.a_row, self.b_column, self.n = (words.int(b, name) for name in ("a_row", "b_column", "n"))
        self.writer = Writer(b, dot.finish, words)
        self.waiting = b.scratch(dot.rows * self.group * self.d.itemsize)

    def kernel(self) -> None:
        b, rows = self.b, self.dot.rows
        with b.loop(b.begin, b.end, unroll=1) as unit:
            part = self.dot.grid.part(b, self.words, unit)
            full = b.and_(part.k, -self.lanes)
            tail = b.sub(part.k, full)
            mask = b.lane_mask(tail, self.lanes) if self.dot.has_k_tail else None
            with b.loop(part.m0, part.m1, rows, unroll=1) as m:
                left = b.minimum(b.sub(part.m1, m), rows)
                from_a = []
                for i in range(rows):
                    row = b.add(m, b.minimum(b.i64(i), b.sub(left, 1)) if self.dot.is_ragged else i)
                    from_a.append(b.at(self.a, b.add(part.a, b.mul(row, self.a_row)), self.dot.a))
                with b.loop(part.n0, part.n1, self.group, unroll=1) as n:
                    count = b.minimum(b.sub(part.n1, n), self.group)
                    with b.loop(0, count, self.dot.columns, unroll=1) as step:
                        self.tile(from_a, part, b.add(n, step), step, full, mask)
                    self.finish(part, m, left, n, count)

    def tile(self, from_a: list[Value], part: Part, n: Value, step: Value, full: Value, mask: Value | None) -> None:
        """One tile of dot products, left in the waiting group from column `step` on. A column beyond N repeats the last one."""
        b, dot, d, lanes = self.b, self.dot, self.d, self.lanes
        rows, columns = dot.rows, dot.columns
        last = b.sub(self.n, 1)
        from_b = []
        for j in range(columns):
            column = b.minimum(b.add(n, j), last) if j else n
            from_b.append(b.at(self.bb, b.add(part.b, b.mul(column, self.b_column)), dot.b))

        def products(sums: list[Value], at: Value, mask: Value | None) -> list[Value]:
            sums = list(sums)

            def load_a(i):
                return b.convert(b.load(from_a[i], dot.a, lanes, offset=at, mask=mask), d)

            def load_b(j):
                return b.convert(b.load(from_b[j], dot.b, lanes, offset=at, mask=mask), d)

            if columns <= rows:
                held = [load_b(j) for j in range(columns)]
                pairs = ((i, j, x, y) for i in range(rows) for x in [load_a(i)] for j, y in enumerate(held))
            else:
                held = [load_a(i) for i in range(rows)]
                pairs = ((i, j, x, y) for j in range(columns) for y in [load_b(j)] for i, x in enumerate(held))
            for i, j, x, y in pairs:
                sums[i * columns + j] = b.mul_add(x, y, sums[i * columns + j])
            return sums

        zero = b.const(0, d, lanes)
        with b.loop_carried(0, full, lanes, [zero] * (rows * columns), unroll=1) as loop:
            loop.next(*products(loop.values, loop.i, None))
        sums = loop.results
        if mask is not None:
            sums = products(sums, full, mask)
        places = [i * self.group + j for i in range(rows) for j in range(columns)]
        for x, whose in sum_lanes(b, sums):
            for begin, lanes_in_run, place in _runs([None if k is None else places[k] for k in whose]):
                b.store(b.slice(x, begin, lanes_in_run), self.waiting, offset=b.add(step, place))

    def finish(self, part: Part, m: Value, left: Value, n: Value, count: Value) -> None:
        """Writes the waiting group: `left` rows of `count` columns from (m, n) on."""
        b, tail = self.b, self.dot.n_tail
        with b.loop(0, left, unroll=1) as i:
            row, place = b.add(m, i), b.mul(i, self.group)
            at = b.add(b.add(part.c, b.mul(row, self.n)), n)

            def write(v: Value, lanes: int) -> None:
                x = b.load(self.waiting, self.d, lanes, offset=b.add(place, v))
                self.writer.write([x], row, b.add(n, v), b.add(at, v))

            with b.loop(0, b.sub(count, self.lanes - 1), self.lanes, unroll=1) as v:
                write(v, self.lanes)
            if tail:
                with b.if_(b.ne(b.and_(count, self.lanes - 1), 0)):
                    write(b.sub(count, tail), tail)


def _runs(places: list[int | None]):
    """(first lane, lanes, place) of stretches of lanes that belong to neighbouring places."""
    begin = 0
    while begin < len(places):
        end = begin + 1
        if places[begin] is not None:
            while end < len(places) and places[end] == places[end - 1] + 1:
                end += 1
            yield begin, end - begin, places[begin]
        begin = end


def sum_lanes(b: Builder, vectors: list[Value]) -> list[tuple[Value, list[int | None]]]:
    """The sums over the lanes of each vector, many in one vector: pairs of it and, lane by lane, whose sum it is (None: nobody's).

    Two vectors are folded into one again and again, so that a sum costs about one addition and two shuffles. Sums that follow each
    other are those of vectors that follow each other.
    """
    lanes = vectors[0].lanes
    halves = list(_halves(lanes, min(lanes, max(16 // vectors[0].dtype.itemsize, 1))))
    labels = [[k] * lanes for k in range(len(vectors))]
    for first, _ in halves:
        labels = [[(x + y)[i] for i in first] for x, y in _pairs(labels, [None] * lanes)]
    ranks = {k: rank for rank, k in enumerate(k for of_vector in labels for k in of_vector if k is not None)}
    found = [vectors[ranks[k]] for k in range(len(vectors))]
    for first, second in halves:
        found = [b.add(b.shuffle(x, y, first), b.shuffle(x, y, second)) for x, y in _pairs(found, found[-1])]
    return [(x, [ranks.get(k) for k in of_vector]) for x, of_vector in zip(found, labels)]


def _pairs(found: list, filler) -> zip:
    """Neighbours two by two, an odd last one with a filler."""
    padded = [*found, filler] if len(found) % 2 else found
    return zip(padded[::2], padded[1::2])


def _halves(lanes: int, near: int):
    """For each folding of two vectors, which lanes are added to which: lanes of the pair, the second vector's counted from `lanes` on.

    The halves of stretches of 16 bytes (`near` lanes) are added where they are, which is cheapest.
    """
    width = lanes  # lanes that hold partial sums of the same vector
    while width > 1:
        stretch = near if width <= near else lanes
        first = [
            source + value + i
            for start in range(0, lanes, stretch)
            for source in (0, lanes)
            for value in range(start, start + stretch, width)
            for i in range(width // 2)
        ]
        yield first, [i + width // 2 for i in first]
        width //= 2

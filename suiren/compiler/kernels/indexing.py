"""Places that are data: elements picked by an index tensor, and values put or added there.

    Rows       `take`, `index_copy`, `index_add`: the index replaces one dim, whole rows of what comes after it move
    Elements   `gather`, `scatter`, `scatter_add`: an index for every element

What writes has a copy of its first input as its output, made by a call of its own unless both share memory, and then changes it in place.
Units go over the dims that the index does not choose along, so no two of them write one place, and values that meet in one place come in their order.
Indices are good: `check_index` comes before.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.words import Words
from suiren.compiler.program import Call, Kernel, Place, Site
from suiren.dtypes import dtype, float32, float64, int16, int64, uint8
from suiren.trace.spec import contiguous_strides

COPY_UNIT = 1 << 15  # bytes
ROWS_UNIT = 4096  # elements that a unit of a take moves
UNITS = 16  # a write is cut into so many units where the dims beside the index allow it …
LEAST_COLUMNS = 32  # … of so many columns at least

_PLAIN = {1: uint8, 2: int16, 4: float32, 8: float64}  # what is only moved goes by its size


def calls(site: Site) -> list[Call]:
    """The calls of a node; see README.md beside this file."""
    op, out = site.op, site.outputs[0]
    found = []
    if op.writes and out.ptr.buffer is not site.inputs[0].ptr.buffer:
        found.append(_copy(site.inputs[0], out))
    index = site.inputs[1]
    if prod(index.shape) and prod(out.shape) and (not op.writes or prod(site.inputs[2].shape)):
        found.append(_elements(site) if op.by_element else _rows(site))
    return found


def _call(kernel: Rows | Elements, site: Site, values: dict, units: int, moved: int, label: str) -> Call:
    """`moved`: elements that go from one place to another."""
    out, index = site.outputs[0], site.inputs[1]
    source = site.inputs[2] if site.op.writes else site.inputs[0]
    return Call(
        Kernel("indexing", kernel.key, kernel.emit),
        kernel.words.args({"index": index.ptr, "source": source.ptr, "out": out.ptr, **values}),
        units,
        reads=list(dict.fromkeys([index.ptr.buffer, source.ptr.buffer, *([out.ptr.buffer] if site.op.writes else [])])),
        writes=[out.ptr.buffer],
        flops=4 * moved,
        traffic=2 * moved * out.dtype.itemsize + 8 * prod(index.shape),
        label=f"{site.op.name} {label}",
    )


# ---------------------------------------------------------------- a copy of what is changed


def _copy(source: Place, to: Place) -> Call:
    nbytes = prod(to.shape) * to.dtype.itemsize
    return Call(
        Kernel("indexing", ("copy",), _emit_copy), [source.ptr, to.ptr, nbytes], -(-nbytes // COPY_UNIT),
        reads=[source.ptr.buffer], writes=[to.ptr.buffer], traffic=2 * nbytes, label="copy",
    )  # fmt: skip


def _emit_copy(b: Builder) -> None:
    begin = b.mul(b.begin, COPY_UNIT)
    count = b.sub(b.minimum(b.mul(b.end, COPY_UNIT), b.arg_int(4)), begin)
    b.copy_bytes(b.at(b.arg_ptr(2), begin), b.at(b.arg_ptr(0), begin), count)


# ---------------------------------------------------------------- rows


def _rows(site: Site) -> Call:
    op, index = site.op, site.inputs[1]
    table = site.outputs[0] if op.writes else site.inputs[0]  # what the index counts in
    dim = site.param("dim")
    places, count, inner = table.shape[dim], prod(index.shape), prod(table.shape[dim + 1 :])
    outer = prod(table.shape[:dim])
    d = table.dtype if op.adds else _PLAIN[table.dtype.itemsize]
    kernel = Rows(d, "add" if op.adds else "put" if op.writes else "take", inner == 1)
    moved = outer * count * inner
    values = {"places": places, "count": count, "inner": inner}
    if op.writes:
        columns = inner if outer >= UNITS else _even(inner, LEAST_COLUMNS)
        parts = -(-inner // columns)
        return _call(kernel, site, {**values, "block": columns, "blocks": parts}, outer * parts, moved, f"{outer}x{places}x{inner} {count}")
    block = max(ROWS_UNIT // inner, 1)
    return _call(kernel, site, {**values, "block": block, "blocks": outer * count}, -(-outer * count // block), moved, f"{outer}x{places}x{inner} {count}")


def _even(size: int, least: int) -> int:
    """The length of at most UNITS parts of a size, no shorter than `least`."""
    parts = max(1, min(UNITS, size // least))
    return -(-size // parts)


@dataclass(frozen=True)
class Rows:
    """`how`: "take" copies rows table[o][index[m]] to out[o][m]; "put" and "add" write rows source[o][m] to out[o][index[m]].

    A unit is `block` rows of all (o, m), of which there are `blocks`; of what writes, `block` columns (`blocks` parts of a row) of one o.
    `is_single`: a row is one element.
    """

    dtype: dtype
    how: str
    is_single: bool

    @property
    def key(self) -> tuple:
        return ("rows", self.dtype.name, self.how, self.is_single)

    @property
    def words(self) -> Words:
        return Words(("index", "source", "out"), ("places", "count", "inner", "block", "blocks"))

    def emit(self, b: Builder) -> None:
        words = self.words
        index, source, out = (words.ptr(b, name) for name in ("index", "source", "out"))
        places, count, inner, block, blocks = (words.int(b, name) for name in ("places", "count", "inner", "block", "blocks"))

        def at(o: Value, row: Value, size: Value) -> Value:
            """Where a row begins, in a table of `size` rows for every o."""
            row = b.add(b.mul(o, size), row)
            return row if self.is_single else b.mul(row, inner)

        if self.how == "take":
            first = b.mul(b.begin, block)
            with b.loop(first, b.minimum(b.mul(b.end, block), blocks), unroll=1) as row:
                o = b.trunc_div(row, count)
                place = b.load(index, int64, offset=b.sub(row, b.mul(o, count)))
                self.move(b, b.at(source, at(o, place, places), self.dtype), b.at(out, at(b.i64(0), row, places), self.dtype), inner)
            return
        with b.loop(b.begin, b.end, unroll=1) as unit:
            o = b.trunc_div(unit, blocks)
            begin = b.mul(b.sub(unit, b.mul(o, blocks)), block)
            columns = b.minimum(block, b.sub(inner, begin))
            with b.loop(0, count, unroll=1) as m:
                place = b.load(index, int64, offset=m)
                to = b.at(out, b.add(at(o, place, places), begin), self.dtype)
                self.move(b, b.at(source, b.add(at(o, m, count), begin), self.dtype), to, columns)

    def move(self, b: Builder, source: Value, to: Value, count: Value) -> None:
        def some(at: Value, lanes: int) -> None:
            x = b.load(source, self.dtype, lanes, offset=at)
            if self.how == "add":
                x = b.add(b.load(to, self.dtype, lanes, offset=at), x)
            b.store(x, to, offset=at)

        if self.is_single:
            some(b.i64(0), 1)
            return
        lanes = b.lanes(self.dtype)
        whole = b.and_(count, -lanes)
        with b.loop(0, whole, lanes, unroll=2) as at:
            some(at, lanes)
        with b.loop(whole, count, unroll=1) as at:
            some(at, 1)


# ---------------------------------------------------------------- element by element


def _elements(site: Site) -> Call:
    op, index = site.op, site.inputs[1]
    table = site.outputs[0] if op.writes else site.inputs[0]
    dim = site.param("dim")
    shape, strides = index.shape or (1,), contiguous_strides(table.shape) or (1,)
    flat = contiguous_strides(shape)
    along = shape[dim]
    others = [d for d in range(len(shape)) if d != dim and shape[d] != 1]
    # The last of the other dims is the inner loop, if it lies close.
    last = others.pop() if others and flat[others[-1]] == 1 else None
    columns = shape[last] if last is not None else 1
    outer = prod(shape[d] for d in others)
    if op.writes:
        column_block, along_block = (columns if outer >= UNITS else _even(columns, LEAST_COLUMNS)), along
    else:
        column_block = min(columns, ROWS_UNIT)
        along_block = max(1, min(along, ROWS_UNIT // column_block))
    column_blocks, along_blocks = -(-columns // column_block), -(-along // along_block)
    d = table.dtype if op.adds else _PLAIN[table.dtype.itemsize]
    kernel = Elements(d, "add" if op.adds else "put" if op.writes else "take", len(others))
    values = {
        "along": along, "along_block": along_block, "along_blocks": along_blocks, "along_flat": flat[dim], "along_table": strides[dim],
        "columns": columns, "column_block": column_block, "column_blocks": column_blocks, "column_table": strides[last] if last is not None else 0,
    }  # fmt: skip
    for k, d in enumerate(others):
        values.update({f"size{k}": shape[d], f"flat{k}": flat[d], f"table{k}": strides[d]})
    return _call(kernel, site, values, outer * column_blocks * along_blocks, prod(shape), "x".join(map(str, shape)))


@dataclass(frozen=True)
class Elements:
    """`how`: "take" copies table[…, index[…, m, …], …] to out[…, m, …]; "put" and "add" write source[…, m, …] to out[…, index[…, m, …], …].

    What has the shape of the index lies flat, as the index does. A unit is one index of `outer` other dims, a block of m, a block of the columns.
    """

    dtype: dtype
    how: str
    outer: int

    @property
    def key(self) -> tuple:
        return ("elements", self.dtype.name, self.how, self.outer)

    @property
    def words(self) -> Words:
        integers = ["along", "along_block", "along_blocks", "along_flat", "along_table", "columns", "column_block", "column_blocks", "column_table"]
        for k in range(self.outer):
            integers += [f"size{k}", f"flat{k}", f"table{k}"]
        return Words(("index", "source", "out"), integers)

    def emit(self, b: Builder) -> None:
        words, d = self.words, self.dtype
        index, source, out = (words.ptr(b, name) for name in ("index", "source", "out"))
        along_flat, along_table, column_table = (words.int(b, name) for name in ("along_flat", "along_table", "column_table"))

        def block(rest: Value, name: str) -> tuple[Value, Value, Value]:
            """(what is left of a unit's number, where its block of a dim begins and ends)."""
            count, length = words.int(b, f"{name}_blocks"), words.int(b, f"{name}_block")
            left = b.trunc_div(rest, count)
            begin = b.mul(b.sub(rest, b.mul(left, count)), length)
            return left, begin, b.minimum(b.add(begin, length), words.int(b, "along" if name == "along" else "columns"))

        with b.loop(b.begin, b.end, unroll=1) as unit:
            rest, m0, m1 = block(unit, "along")
            rest, j0, j1 = block(rest, "column")
            flat = table = b.i64(0)
            for k in reversed(range(self.outer)):
                left = b.trunc_div(rest, words.int(b, f"size{k}"))
                i = b.sub(rest, b.mul(left, words.int(b, f"size{k}")))
                flat, table = b.add(flat, b.mul(i, words.int(b, f"flat{k}"))), b.add(table, b.mul(i, words.int(b, f"table{k}")))
                rest = left
            with b.loop(m0, m1, unroll=1) as m:
                row = b.add(flat, b.mul(m, along_flat))
                with b.loop(j0, j1, unroll=1) as j:
                    here = b.add(row, j)
                    place = b.mul(b.load(index, int64, offset=here), along_table)
                    there = b.add(b.add(table, place), b.mul(j, column_table))
                    read, written = (there, here) if self.how == "take" else (here, there)
                    x = b.load(source, d, offset=read)
                    if self.how == "add":
                        x = b.add(b.load(out, d, offset=written), x)
                    b.store(x, out, offset=written)

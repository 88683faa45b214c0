"""The loops of convolution: one micro-kernel for outputs, for input gradients and for weight gradients.

    sums[p][v] += A[rows[p] + offsets[e] + j * a_step] * B[columns[v] + (e * chunk + j) * b_step]

for every chunk e and every j < chunk.

`rows` are pointers, one per row of a register tile, `offsets` a table that all rows share, a column is a vector of
output channels. A is one element, put into all lanes, or itself a vector of channels (depthwise). An output takes its
rows from input places and its columns from packed weights, and sums over (channel, tap); a weight's gradient takes its
rows from (channel, tap) and its columns from the output's gradient, and sums over places.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.blocked import Finish, Writer
from suiren.compiler.kernels.words import Words, accumulator, divide, unravel
from suiren.compiler.program import Kernel
from suiren.dtypes import dtype, int64


@dataclass(frozen=True)
class Tile:
    """What is fixed in the machine code of a micro-kernel. Steps are in elements.

    The rows of the tile come in runs of `run`: a run has one pointer, its rows follow each other at `run_step`. Where
    that is a multiple of `a_step`, rows of a run read the same elements (a kernel sliding along a row of the image),
    and each is loaded once.
    """

    rows: int
    columns: int
    chunk: int
    a_step: int
    b_step: int
    block: int  # lanes of a vector
    is_vector: bool  # whether A is a vector of channels
    a: dtype
    b: dtype
    sum: dtype
    run: int = 1
    run_step: int = 0

    @property
    def key(self) -> tuple:
        steps = (self.a_step, self.b_step, self.run, self.run_step)
        return (
            self.rows,
            self.columns,
            self.chunk,
            *steps,
            self.block,
            self.is_vector,
            self.a.name,
            self.b.name,
            self.sum.name,
        )

    @property
    def bytes(self) -> int:
        return self.rows * self.columns * self.block * self.sum.itemsize

    @property
    def runs(self) -> int:
        return self.rows // self.run

    def zeros(self, b: Builder) -> list[Value]:
        return [b.const(0, self.sum, self.block)] * (self.rows * self.columns)

    def accumulate(
        self,
        b: Builder,
        runs: Sequence[Value],
        columns: Sequence[Value],
        table: Value,
        begin: Value | int,
        end: Value,
        sums: Sequence[Value],
    ) -> list[Value]:
        """Emits the loop over the chunks begin ≤ e < end. `runs` point to the first row of each run, `columns` to where
        chunk 0 would be.
        """
        with b.loop_carried(begin, end, 1, sums, unroll=1) as loop:
            offset = b.load(table, int64, offset=loop.i, invariant=True)
            first = b.mul(loop.i, self.chunk * self.b_step)
            a_runs = [b.at(run, offset, self.a) for run in runs]
            b_columns = [b.at(column, first, self.b) for column in columns]
            sums, vectors = list(loop.values), {}
            # (element read, step of the chunk, row of the run): in order of steps, or, where elements serve several
            # rows, of elements.
            reads = [(j * self.a_step + i * self.run_step, j, i) for j in range(self.chunk) for i in range(self.run)]
            if len({at for at, _, _ in reads}) < len(reads):
                reads.sort()
            loaded: dict[tuple[int, int], Value] = {}
            for at, j, i in reads:
                if j not in vectors:
                    vectors[j] = [self._load(b, c, self.b, self.block, j * self.b_step) for c in b_columns]
                for r, run in enumerate(a_runs):
                    if (r, at) not in loaded:
                        loaded[r, at] = b.splat(
                            self._load(b, run, self.a, self.block if self.is_vector else 1, at), self.block
                        )
                    for v, y in enumerate(vectors[j]):
                        k = (r * self.run + i) * self.columns + v
                        sums[k] = b.mul_add(loaded[r, at], y, sums[k])
            loop.next(*sums)
        return loop.results

    def _load(self, b: Builder, ptr: Value, d: dtype, lanes: int, offset: int) -> Value:
        return b.convert(b.load(ptr, d, lanes, offset=offset), self.sum)


# ---------------------------------------------------------------- outputs: conv, conv_input_grad

OUTPUT_INTEGERS = (
    "channel_chunks", "channel_chunk", "channel_tiles", "groups", "images", "phases", "place_chunks", "place_chunk",
    "a_image", "a_group", "panel", "out_blocks", "group_blocks", "plane",
    "a_d", "a_h", "a_w", "out_d", "out_h", "out_w",
)  # fmt: skip
PHASE_WORDS = 6  # chunks, the first of them, grid D H W, place of its first output


@dataclass(frozen=True)
class Outputs:
    """The kernel of `conv` and `conv_input_grad`. Its units: (chunk of output channels, group, image, phase, chunk of
    places), the last running fastest.

    Output channels come in tiles of `tile.columns` blocks, places of a phase's grid in tiles of `tile.rows`. Is a tile
    one run, it lies in a row of the grid, and the last one of a row is moved back to end with it (what it computes
    again is not written); chunks of places are then counted in rows. Else a tile has any places that follow each other
    in row-major order, with a pointer for each. `dims`: how many of the grid's dims can be longer than 1.
    """

    tile: Tile
    dims: int
    finish: Finish

    @property
    def words(self) -> Words:
        return Words(("a", "b", *self.finish.pointers), (*OUTPUT_INTEGERS, *self.finish.integers), ("phase", "offsets"))

    @property
    def kernel(self) -> Kernel:
        return Kernel("conv_direct", ("outputs", self.tile.key, self.dims, self.finish.key), self.emit)

    @property
    def is_straight(self) -> bool:
        return self.tile.run > 1

    def emit(self, b: Builder) -> None:
        words, tile = self.words, self.tile
        number = {name: words.int(b, name) for name in OUTPUT_INTEGERS}
        a, weights = words.ptr(b, "a"), words.ptr(b, "b")
        writer = Writer(b, self.finish, words)
        tables = words.table(b, "phase"), words.table(b, "offsets")
        memory = b.scratch(tile.bytes), b.scratch(8 * tile.rows)
        with b.loop(b.begin, b.end, unroll=1) as unit:
            sizes = [number[name] for name in ("groups", "images", "phases", "place_chunks")]
            channel_chunk, group, image, phase, place_chunk = unravel(b, unit, *sizes)
            at = b.mul(phase, PHASE_WORDS)
            count, first, *grid, out_origin = (
                b.load(tables[0], int64, offset=b.add(at, k)) for k in range(PHASE_WORDS)
            )
            table = b.at(tables[1], first, int64)
            q0 = b.mul(place_chunk, number["place_chunk"])
            places = b.mul(grid[0], grid[1]) if self.is_straight else b.mul(b.mul(grid[0], grid[1]), grid[2])
            q1 = b.minimum(b.add(q0, number["place_chunk"]), places)
            a_base = b.at(a, b.add(b.mul(image, number["a_image"]), b.mul(group, number["a_group"])), tile.a)
            start = [] if self.is_straight else self._start(b, number, q0, grid)
            tile0 = b.mul(channel_chunk, number["channel_chunk"])
            tile1 = b.minimum(b.add(tile0, number["channel_chunk"]), number["channel_tiles"])
            with b.loop(tile0, tile1, unroll=1) as channel_tile:
                panel = b.mul(b.add(b.mul(group, number["channel_tiles"]), channel_tile), number["panel"])
                panel = b.at(weights, b.add(panel, b.mul(first, tile.chunk * tile.b_step)), tile.b)
                columns = [b.at(panel, v * tile.block, tile.b) for v in range(tile.columns)]
                block = b.mul(channel_tile, tile.columns)  # inside of the group
                out_block = b.add(b.mul(group, number["group_blocks"]), block)
                channel = [writer.channel(b.add(out_block, v)) for v in range(tile.columns)]
                out = b.add(b.mul(b.add(b.mul(image, number["out_blocks"]), out_block), number["plane"]), out_origin)
                left = b.sub(number["group_blocks"], block)

                def sums_at(runs, columns=columns, table=table, count=count):
                    for i, x in enumerate(tile.accumulate(b, runs, columns, table, 0, count, tile.zeros(b))):
                        b.store(x, memory[0], offset=i * tile.block)

                def write(p, place, out=out, left=left, channel=channel):
                    self._write(b, number, writer, memory[0], p, b.add(out, place), left, channel)

                if self.is_straight:
                    self._straight(b, number, q0, q1, grid, a_base, sums_at, write)
                else:
                    self._flat(b, number, q0, q1, grid, a_base, start, memory[1], sums_at, write)

    def _write(self, b, number, writer, sums, p, place, left, channel) -> None:
        """Row p of the tile, to this place of the first block's plane and the same place of the others'."""
        tile = self.tile
        for v in range(tile.columns):

            def write(v=v):
                x = b.load(sums, tile.sum, tile.block, offset=b.mul(b.add(b.mul(p, tile.columns), v), tile.block))
                writer.write(x, b.mul(b.add(place, b.mul(number["plane"], v)), tile.block), channel[v])

            if v == 0:
                write()
            else:  # the last tile of channels may have fewer blocks
                with b.if_(b.lt(b.i64(v), left)):
                    write()

    def _straight(self, b, number, row0, row1, grid, base, sums_at, write) -> None:
        tile = self.tile
        with b.loop(row0, row1, unroll=1) as row:
            d, h = divide(b, row, grid[1]) if self.dims > 2 else (b.i64(0), row)
            a, out = (b.add(b.mul(d, number[f"{name}_d"]), b.mul(h, number[f"{name}_h"])) for name in ("a", "out"))
            with b.loop(0, grid[2], tile.rows, unroll=1) as w:
                begin = b.minimum(w, b.sub(grid[2], tile.rows))
                sums_at([b.at(base, b.add(a, b.mul(begin, number["a_w"])), tile.a)])
                with b.loop(b.sub(w, begin), tile.rows, unroll=1) as p:
                    write(p, b.add(out, b.mul(b.add(begin, p), number["out_w"])))

    # Places in row-major order: (w, offset in A, place in the output plane), from three dims on with h behind them.

    def _flat(self, b, number, q0, q1, grid, base, start, places, sums_at, write) -> None:
        tile = self.tile
        with b.loop_carried(q0, q1, tile.rows, start, unroll=1) as loop:
            rows, following = self._rows(b, number, loop.i, q1, loop.values, grid, base, places)
            sums_at(rows)
            with b.loop(0, b.minimum(b.sub(q1, loop.i), tile.rows), unroll=1) as p:
                write(p, b.load(places, int64, offset=p))
            loop.next(*following)

    def _start(self, b, number, q, grid) -> list[Value]:
        d = h = b.i64(0)
        w = q
        if self.dims > 1:
            h, w = divide(b, q, grid[2])
        if self.dims > 2:
            d, h = divide(b, h, grid[1])
        sums = []
        for name in ("a", "out"):
            along = [b.mul(n, number[f"{name}_{axis}"]) for n, axis in ((d, "d"), (h, "h"), (w, "w"))]
            sums.append(b.add(b.add(along[0], along[1]), along[2]))
        return [w, *sums] if self.dims < 3 else [w, *sums, h]

    def _rows(self, b, number, q, q1, state, grid, base, places) -> tuple[list[Value], list[Value]]:
        """Pointers to the input at the tile's places, and the state behind them. Places past the end read what the
        first one reads.
        """
        tile, rows = self.tile, []
        w, a, out, *more = state
        first = a
        jumps = {}
        for name in ("a", "out"):
            jumps[name, "h"] = b.sub(number[f"{name}_h"], b.mul(grid[2], number[f"{name}_w"]))
            jumps[name, "d"] = b.sub(number[f"{name}_d"], b.mul(grid[1], number[f"{name}_h"]))
        for p in range(tile.rows):
            offset = a if p == 0 else b.select(b.lt(b.add(q, p), q1), a, first)
            rows.append(b.at(base, offset, tile.a))
            b.store(out, places, offset=p)
            w = b.add(w, 1)
            a, out = b.add(a, number["a_w"]), b.add(out, number["out_w"])
            if self.dims > 1:
                over = b.eq(w, grid[2])
                w = b.select(over, b.i64(0), w)
                a, out = (b.add(x, b.select(over, jumps[name, "h"], b.i64(0))) for x, name in ((a, "a"), (out, "out")))
            if self.dims > 2:
                h = b.select(over, b.add(more[0], 1), more[0])
                over = b.eq(h, grid[1])
                more = [b.select(over, b.i64(0), h)]
                a, out = (b.add(x, b.select(over, jumps[name, "d"], b.i64(0))) for x, name in ((a, "a"), (out, "out")))
        return rows, [w, a, out, *more]


# ---------------------------------------------------------------- weight gradients

WEIGHT_INTEGERS = (
    "groups", "channel_tiles", "row_chunks", "row_chunk", "rows", "passes", "split_passes", "strips", "strip", "chunks",
    "pass_images", "images",
    "a_image", "a_group", "b_image", "group_blocks", "b_block", "panel",
)  # fmt: skip


@dataclass(frozen=True)
class Weights:
    """The kernel of `conv_weight_grad`. Its units: (split of the passes, group, tile of output channels, chunk of
    rows), the last running fastest.

    A row is an (input channel, tap), found by the table `rows`; the table `places` has the chunks of the output plane.
    A *pass* is a strip of chunks of some images whose data stay in the first cache while all rows of the unit go over
    them; a unit adds its passes up, in their order, in its own part of the result: (split, group, tile, row, column,
    lane), which a later call adds over splits.
    """

    tile: Tile

    @property
    def words(self) -> Words:
        return Words(("a", "b", "result"), WEIGHT_INTEGERS, ("row", "place"))

    @property
    def kernel(self) -> Kernel:
        return Kernel("conv_direct", ("weights", self.tile.key), self.emit)

    def emit(self, b: Builder) -> None:
        words, tile = self.words, self.tile
        number = {name: words.int(b, name) for name in WEIGHT_INTEGERS}
        a, grad, result = words.ptr(b, "a"), words.ptr(b, "b"), words.ptr(b, "result")
        row_table, place_table = words.table(b, "row"), words.table(b, "place")
        with b.loop(b.begin, b.end, unroll=1) as unit:
            sizes = [number[name] for name in ("groups", "channel_tiles", "row_chunks")]
            split, group, channel_tile, row_chunk = unravel(b, unit, *sizes)
            part = b.add(b.mul(b.add(b.mul(split, number["groups"]), group), number["channel_tiles"]), channel_tile)
            out = b.at(result, b.mul(part, number["panel"]), tile.sum)
            row0 = b.mul(row_chunk, number["row_chunk"])
            row1 = b.minimum(b.add(row0, number["row_chunk"]), number["rows"])
            first = b.mul(channel_tile, tile.columns)
            last = b.sub(number["group_blocks"], 1)
            blocks = [
                b.add(b.mul(group, number["group_blocks"]), b.minimum(b.add(first, v), last))
                for v in range(tile.columns)
            ]
            columns = [b.at(grad, b.mul(block, number["b_block"]), tile.b) for block in blocks]
            a_base = b.at(a, b.mul(group, number["a_group"]), tile.a)
            pass0 = b.mul(split, number["split_passes"])
            pass1 = b.minimum(b.add(pass0, number["split_passes"]), number["passes"])
            with b.loop(pass0, pass1, unroll=1) as this:
                image_pass, strip = divide(b, this, number["strips"])
                image0 = b.mul(image_pass, number["pass_images"])
                image1 = b.minimum(b.add(image0, number["pass_images"]), number["images"])
                chunk0 = b.mul(strip, number["strip"])
                chunk1 = b.minimum(b.add(chunk0, number["strip"]), number["chunks"])
                is_first = b.eq(this, pass0)
                with b.loop(row0, row1, tile.rows, unroll=1) as row:
                    rows = []
                    for p in range(0, tile.rows, tile.run):
                        at = row if p == 0 else b.minimum(b.add(row, p), b.sub(row1, tile.run))
                        rows.append(b.at(a_base, b.load(row_table, int64, offset=at, invariant=True), tile.a))
                    with b.loop_carried(image0, image1, 1, tile.zeros(b), unroll=1) as images:
                        a_rows = [b.at(r, b.mul(images.i, number["a_image"]), tile.a) for r in rows]
                        b_columns = [b.at(c, b.mul(images.i, number["b_image"]), tile.b) for c in columns]
                        images.next(*tile.accumulate(b, a_rows, b_columns, place_table, chunk0, chunk1, images.values))
                    self._add(b, images.results, out, row, row1, is_first)

    def _add(self, b: Builder, sums: Sequence[Value], out: Value, row: Value, row1: Value, is_first: Value) -> None:
        tile = self.tile
        width = tile.columns * tile.block
        for p in range(tile.rows):
            with b.if_(b.lt(b.add(row, p), row1), likely=True):
                at = b.at(out, b.mul(b.add(row, p), width), tile.sum)
                for v in range(tile.columns):
                    x = sums[p * tile.columns + v]
                    before = b.load(at, tile.sum, tile.block, offset=v * tile.block, mask=None)
                    b.store(b.select(is_first, x, b.add(before, x)), at, offset=v * tile.block)


__all__ = ["PHASE_WORDS", "Outputs", "Tile", "Weights", "accumulator"]

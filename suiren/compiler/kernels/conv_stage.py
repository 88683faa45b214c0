"""What moves data for the convolution loops: borders of zeros around the input, weights in the order of the inner loop,
sums back into weights.

Stage     copies an input to where it has a border of zeros (and every group of channels starts a block of its own)
Pack      copies weights to (group, tile of output channels, element, column, lane)
Combine   adds the splits of a weight gradient and turns (tile, row, column, lane) into (output channel, row)
Regroup   turns outputs in which every group starts a block into the blocked layout, through the epilogue
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.blocked import Finish, Writer, transpose
from suiren.compiler.kernels.words import Words, divide, unravel
from suiren.compiler.program import Kernel
from suiren.dtypes import dtype, int64


def _zero(b: Builder, ptr: Value, d: dtype, count: Value, lanes: int) -> None:
    """Writes `count` zeros."""
    whole = b.sub(count, divide(b, count, b.i64(lanes))[1])
    with b.loop(0, whole, lanes, unroll=1) as i:
        b.store(b.const(0, d, lanes), ptr, offset=i)
    with b.loop(whole, count, unroll=1) as i:
        b.store(b.const(0, d), ptr, offset=i)


def _copy(b: Builder, to: Value, source: Value, d: dtype, count: Value, lanes: int) -> None:
    whole = b.sub(count, divide(b, count, b.i64(lanes))[1])
    with b.loop(0, whole, lanes) as i:
        b.store(b.load(source, d, lanes, offset=i), to, offset=i)
    with b.loop(whole, count, unroll=1) as i:
        b.store(b.load(source, d, offset=i), to, offset=i)


STAGE_INTEGERS = (
    "blocks", "image_stride", "block_stride", "stride_d", "stride_h", "stride_w",
    "size_d", "size_h", "size_w", "low_d", "low_h", "low_w", "out_d", "out_h", "out_w", "group_channels", "group_blocks",
)  # fmt: skip


@dataclass(frozen=True)
class Stage:
    """Units: (image, block, place along d). Place (d, h, w) of the copy is place (d, h, w) + low of the source, or 0
    where that lies outside.

    `kind`: "dense", rows of `block` channels that follow each other in source and copy; "strided", single channels at
    any strides; "regroup", single channels gathered from a blocked source, so that every group starts a block of its
    own.
    """

    kind: str
    block: int  # channels side by side in the copy
    source_block: int
    lanes: int
    dtype: dtype

    @property
    def words(self) -> Words:
        return Words(("source", "copy"), STAGE_INTEGERS)

    @property
    def kernel(self) -> Kernel:
        return Kernel(
            "conv_direct", ("stage", self.kind, self.block, self.source_block, self.lanes, self.dtype.name), self.emit
        )

    def emit(self, b: Builder) -> None:
        words, d, block = self.words, self.dtype, self.block
        n = {name: words.int(b, name) for name in STAGE_INTEGERS}
        source, copy = words.ptr(b, "source"), words.ptr(b, "copy")
        with b.loop(b.begin, b.end, unroll=1) as unit:
            image, copy_block, z = unravel(b, unit, n["blocks"], n["out_d"])
            from_z = b.add(z, n["low_d"])
            inside_z = self._is_inside(b, from_z, n["size_d"])
            row = b.mul(n["out_w"], block)  # elements of a row of the copy
            to_plane = b.at(copy, b.mul(b.mul(unit, n["out_h"]), row), d)
            from_plane = b.mul(image, n["image_stride"])
            if self.kind != "regroup":
                from_plane = b.add(from_plane, b.mul(copy_block, n["block_stride"]))
            from_plane = b.at(source, b.add(from_plane, b.mul(from_z, n["stride_d"])), d)
            left = b.minimum(b.maximum(b.neg(n["low_w"]), 0), n["out_w"])
            right = b.maximum(b.minimum(b.sub(n["size_w"], n["low_w"]), n["out_w"]), left)
            with b.loop(0, n["out_h"], unroll=1) as y:
                from_y = b.add(y, n["low_h"])
                to = b.at(to_plane, b.mul(y, row), d)
                with b.if_else(b.and_(inside_z, self._is_inside(b, from_y, n["size_h"]))) as (inside, outside):
                    with inside:
                        _zero(b, to, d, b.mul(left, block), self.lanes)
                        first = b.add(b.mul(from_y, n["stride_h"]), b.mul(b.add(left, n["low_w"]), n["stride_w"]))
                        middle, count = b.at(to, b.mul(left, block), d), b.sub(right, left)
                        self._row(b, n, middle, b.at(from_plane, first, d), count, copy_block)
                        _zero(
                            b, b.at(to, b.mul(right, block), d), d, b.mul(b.sub(n["out_w"], right), block), self.lanes
                        )
                    with outside:
                        _zero(b, to, d, row, self.lanes)

    def _is_inside(self, b: Builder, place: Value, size: Value) -> Value:
        return b.and_(b.ge(place, 0), b.lt(place, size))

    def _row(self, b: Builder, n: dict[str, Value], to: Value, source: Value, count: Value, copy_block: Value) -> None:
        """`count` places of one row."""
        d, block = self.dtype, self.block
        if self.kind == "dense":
            _copy(b, to, source, d, b.mul(count, block), self.lanes)
        elif self.kind == "strided":
            with b.loop(0, count) as w:
                b.store(b.load(source, d, offset=b.mul(w, n["stride_w"])), to, offset=w)
        else:
            group, inner = divide(b, copy_block, n["group_blocks"])
            inner = b.mul(inner, block)
            first = b.add(b.mul(group, n["group_channels"]), inner)
            with b.loop(0, b.minimum(b.sub(n["group_channels"], inner), block), unroll=1) as j:
                from_block, lane = divide(b, b.add(first, j), b.i64(self.source_block))
                channel = b.at(source, b.add(b.mul(from_block, n["block_stride"]), lane), d)
                with b.loop(0, count) as w:
                    b.store(b.load(channel, d, offset=b.mul(w, n["stride_w"])), to, offset=b.add(b.mul(w, block), j))


# ---------------------------------------------------------------- weights

PACK_INTEGERS = (
    "channel_tiles",
    "elements",
    "parts",
    "run_part",
    "runs",
    "rest_part",
    "rest",
    "group_channels",
    "channels",
    "group_stride",
    "lane_stride",
)


@dataclass(frozen=True)
class Pack:
    """Units: (group, tile of output channels, part of the elements). Lanes past the group's channels repeat its last
    one: what they compute is garbage anyway.

    Where the weights of `block` elements lie one after another, `block` channels of them are turned in registers: the
    table `run` has their source, for the group's first output channel, and the place of each element in the packed
    order. The table `one` has the other elements, source and place. `lanes_adjoin`: the output channels of one element
    lie one after another.
    """

    columns: int
    block: int
    lanes_adjoin: bool
    dtype: dtype
    result: dtype

    @property
    def words(self) -> Words:
        return Words(("weights", "packed"), PACK_INTEGERS, ("run", "one"))

    @property
    def kernel(self) -> Kernel:
        return Kernel(
            "conv_direct",
            ("pack", self.columns, self.block, self.lanes_adjoin, self.dtype.name, self.result.name),
            self.emit,
        )

    def tables(self, sources: np.ndarray) -> tuple[list[int], list[int]]:
        """`run` and `one` of the elements with these sources."""
        if not len(sources):
            return [], []
        order = np.argsort(sources, kind="stable")
        ordered = sources[order]
        begin = np.flatnonzero(np.diff(ordered, prepend=ordered[0] - 2) != 1)  # of elements that follow each other
        length = np.diff(begin, append=len(ordered))
        at = np.arange(len(ordered)) - np.repeat(begin, length)
        whole = at < np.repeat(length // self.block * self.block, length)
        first = np.flatnonzero(whole & (at % self.block == 0))
        run = np.column_stack([ordered[first], order[first[:, None] + np.arange(self.block)]])
        one = np.column_stack([ordered[~whole], order[~whole]])
        return run.ravel().tolist(), one.ravel().tolist()

    def emit(self, b: Builder) -> None:
        words, block = self.words, self.block
        width = self.columns * block
        n = {name: words.int(b, name) for name in PACK_INTEGERS}
        weights, packed = words.ptr(b, "weights"), words.ptr(b, "packed")
        run_table, one_table = words.table(b, "run"), words.table(b, "one")
        with b.loop(b.begin, b.end, unroll=1) as unit:
            tile, part = divide(b, unit, n["parts"])
            group, channel_tile = divide(b, tile, n["channel_tiles"])
            count = b.minimum(n["group_channels"], b.sub(n["channels"], b.mul(group, n["group_channels"])))
            base = b.at(weights, b.mul(group, n["group_stride"]), self.dtype)
            first = b.mul(channel_tile, width)
            lanes = [b.minimum(b.add(first, k), b.sub(count, 1)) for k in range(width)]
            lanes = [b.at(base, b.mul(lane, n["lane_stride"]), self.dtype) for lane in lanes]
            to = b.at(packed, b.mul(b.mul(tile, n["elements"]), width), self.result)

            def put(x: Value, place: Value, column: int, to=to) -> None:
                b.store(b.convert(x, self.result), to, offset=b.add(b.mul(place, width), column * block))

            begin = b.mul(part, n["run_part"])
            end = b.minimum(b.add(begin, n["run_part"]), n["runs"])
            for column in range(self.columns):  # one after the other: not more streams at once than a core follows
                mine = lanes[column * block : (column + 1) * block]
                with b.loop(begin, end, unroll=1) as run:
                    row = b.at(run_table, b.mul(run, block + 1), int64)
                    source = b.load(row, int64, invariant=True)
                    places = [b.load(row, int64, offset=1 + k, invariant=True) for k in range(block)]
                    rows = [b.load(lane, self.dtype, block, offset=source) for lane in mine]
                    for x, place in zip(transpose(b, rows), places):
                        put(x, place, column)
            begin = b.mul(part, n["rest_part"])
            whole = b.le(b.add(first, width), count)
            with b.loop(begin, b.minimum(b.add(begin, n["rest_part"]), n["rest"]), unroll=1) as one:
                row = b.at(one_table, b.mul(one, 2), int64)
                source, place = (b.load(row, int64, offset=k, invariant=True) for k in range(2))
                for column in range(self.columns):
                    mine = lanes[column * block : (column + 1) * block]

                    def gathered(mine=mine, source=source) -> list[Value]:
                        return [b.pack([b.load(lane, self.dtype, offset=source) for lane in mine])]

                    def adjoining(mine=mine, source=source) -> list[Value]:
                        return [b.load(mine[0], self.dtype, block, offset=source)]

                    (x,) = b.choose(whole, adjoining, gathered) if self.lanes_adjoin else gathered()
                    put(x, place, column)


COMBINE_INTEGERS = ("channel_tiles", "parts", "part", "rows", "splits", "split_stride", "group_channels", "channels")


@dataclass(frozen=True)
class Combine:
    """Units: (group, tile of output channels, part of the rows). `block` rows by `block` channels at a time are turned
    in registers.
    """

    width: int
    block: int
    sum: dtype
    result: dtype

    @property
    def words(self) -> Words:
        return Words(("sums", "weights"), COMBINE_INTEGERS)

    @property
    def kernel(self) -> Kernel:
        return Kernel("conv_direct", ("combine", self.width, self.block, self.sum.name, self.result.name), self.emit)

    def emit(self, b: Builder) -> None:
        words, width, block = self.words, self.width, self.block
        n = {name: words.int(b, name) for name in COMBINE_INTEGERS}
        sums, weights = words.ptr(b, "sums"), words.ptr(b, "weights")
        with b.loop(b.begin, b.end, unroll=1) as unit:
            tile, part = divide(b, unit, n["parts"])
            group, channel_tile = divide(b, tile, n["channel_tiles"])
            row0 = b.mul(part, n["part"])
            row1 = b.minimum(b.add(row0, n["part"]), n["rows"])
            first = b.mul(channel_tile, width)
            group_first = b.mul(group, n["group_channels"])
            last = b.minimum(n["group_channels"], b.sub(n["channels"], group_first))
            count = b.minimum(b.sub(last, first), width)
            out = b.at(weights, b.mul(b.add(group_first, first), n["rows"]), self.result)
            source = b.at(sums, b.mul(b.mul(tile, n["rows"]), width), self.sum)

            def total(at: Value, lanes: int, source=source) -> Value:
                with b.loop_carried(0, n["splits"], 1, [b.const(0, self.sum, lanes)], unroll=1) as loop:
                    at = b.add(at, b.mul(loop.i, n["split_stride"]))
                    loop.next(b.add(loop.values[0], b.load(source, self.sum, lanes, offset=at)))
                return loop.results[0]

            whole = b.add(row0, b.and_(b.sub(row1, row0), -block))
            with b.loop(row0, whole, block, unroll=1) as row, b.loop(0, count, block, unroll=1) as channel:
                found = [total(b.add(b.mul(b.add(row, k), width), channel), block) for k in range(block)]
                for k, x in enumerate(transpose(b, found)):
                    lane = b.add(channel, k)
                    with b.if_(b.lt(lane, count)):
                        b.store(b.convert(x, self.result), out, offset=b.add(b.mul(lane, n["rows"]), row))
            with b.loop(whole, row1, unroll=1) as row, b.loop(0, count, unroll=1) as lane:
                x = total(b.add(b.mul(row, width), lane), 1)
                b.store(b.convert(x, self.result), out, offset=b.add(b.mul(lane, n["rows"]), row))


# ---------------------------------------------------------------- outputs of groups that do not fill their blocks

REGROUP_INTEGERS = ("blocks", "plane", "group_channels", "group_blocks", "real_channels")


@dataclass(frozen=True)
class Regroup:
    """Units: (image, block)."""

    sum: dtype
    finish: Finish

    @property
    def words(self) -> Words:
        return Words(("sums", *self.finish.pointers), (*REGROUP_INTEGERS, *self.finish.integers))

    @property
    def kernel(self) -> Kernel:
        return Kernel("conv_direct", ("regroup", self.sum.name, self.finish.key), self.emit)

    def emit(self, b: Builder) -> None:
        words, block = self.words, self.finish.block
        n = {name: words.int(b, name) for name in REGROUP_INTEGERS}
        sums = words.ptr(b, "sums")
        writer = Writer(b, self.finish, words)
        groups = divide(b, n["real_channels"], n["group_channels"])[0]
        with b.loop(b.begin, b.end, unroll=1) as unit:
            image, out_block = divide(b, unit, n["blocks"])
            channel = writer.channel(out_block)
            image_sums = b.mul(b.mul(image, b.mul(groups, n["group_blocks"])), n["plane"])
            lanes = []
            for k in range(block):
                c = b.minimum(b.add(b.mul(out_block, block), k), b.sub(n["real_channels"], 1))
                group, inner = divide(b, c, n["group_channels"])
                inner_block, lane = divide(b, inner, b.i64(block))
                plane = b.mul(b.add(b.mul(group, n["group_blocks"]), inner_block), n["plane"])
                lanes.append(b.add(b.mul(b.add(image_sums, plane), block), lane))
            with b.loop(0, n["plane"], unroll=1) as q:
                at = b.mul(q, block)
                x = b.pack([b.load(sums, self.sum, offset=b.add(lane, at)) for lane in lanes])
                writer.write(x, b.mul(b.add(b.mul(unit, n["plane"]), q), block), channel)

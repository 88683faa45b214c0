"""The kernels of Winograd convolution (conv_winograd.py): to points and from points, per dim and in both dims of a tile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels.blocked import Finish, Writer
from suiren.compiler.kernels.words import Words, divide, unravel
from suiren.compiler.program import Kernel
from suiren.dtypes import float32

OUT, TAPS = 4, 3
POINTS = OUT + TAPS - 1
GRID = POINTS * POINTS

# ---------------------------------------------------------------- six points per dim

A, B = 5 / 8, 3 / 2


def _pair(b: Builder, even: Value, odd: Value, point: float) -> tuple[Value, Value]:
    """even ± point * odd."""
    return b.mul_add(odd, point, even), b.mul_add(odd, -point, even)


def input_at_points(b: Builder, d: Sequence[Value]) -> list[Value]:
    """Six inputs in a row, to 0, A, -A, B, -B, ∞."""
    a2, b2 = A * A, B * B
    zero = b.mul_add(d[0], a2 * b2, b.mul_add(d[2], -a2 - b2, d[4]))
    infinity = b.mul_add(d[1], a2 * b2, b.mul_add(d[3], -a2 - b2, d[5]))
    at_a = _pair(b, b.mul_add(d[2], -b2, d[4]), b.mul_add(d[1], -b2, d[3]), A)
    at_b = _pair(b, b.mul_add(d[2], -a2, d[4]), b.mul_add(d[1], -a2, d[3]), B)
    return [zero, *at_a, *at_b, infinity]


def weights_at_points(b: Builder, g: Sequence[Value]) -> list[Value]:
    """Three weights in a row, to the same points, each divided by the product of its distances from the others."""
    found = [b.mul(g[0], 1 / (A * A * B * B))]
    for point, other in ((A, B), (B, A)):
        scale = 1 / (2 * point * point * (point * point - other * other))
        even = b.mul_add(g[2], scale * point * point, b.mul(g[0], scale))
        found += _pair(b, even, b.mul(g[1], scale), point)
    return [*found, g[2]]


def outputs_of_points(b: Builder, m: Sequence[Value]) -> list[Value]:
    """Products at six points, to four outputs in a row."""
    sum_a, sum_b = b.add(m[1], m[2]), b.add(m[3], m[4])
    less_a, less_b = b.mul(b.sub(m[1], m[2]), A), b.mul(b.sub(m[3], m[4]), B)
    return [
        b.add(b.add(m[0], sum_a), sum_b),
        b.add(less_a, less_b),
        b.mul_add(sum_a, A * A, b.mul(sum_b, B * B)),
        b.add(b.mul_add(less_a, A * A, b.mul(less_b, B * B)), m[5]),
    ]


def gradients_at_points(b: Builder, y: Sequence[Value]) -> list[Value]:
    """Four gradients in a row, to six points: `outputs_of_points` transposed."""
    found = [y[0]]
    for point in (A, B):
        square = point * point
        found += _pair(b, b.mul_add(y[2], square, y[0]), b.mul_add(y[3], square, y[1]), point)
    return [*found, y[3]]


def weights_of_points(b: Builder, u: Sequence[Value]) -> list[Value]:
    """Sums at six points, to three gradients of weights: `weights_at_points` transposed."""
    sums, differences = [], []
    for k, (point, other) in enumerate(((A, B), (B, A))):
        scale = 1 / (2 * point * point * (point * point - other * other))
        sums.append(b.mul(b.add(u[1 + 2 * k], u[2 + 2 * k]), scale))
        differences.append(b.mul(b.sub(u[1 + 2 * k], u[2 + 2 * k]), scale))
    return [
        b.mul_add(u[0], 1 / (A * A * B * B), b.add(*sums)),
        b.mul_add(differences[0], A, b.mul(differences[1], B)),
        b.add(b.mul_add(sums[0], A * A, b.mul(sums[1], B * B)), u[5]),
    ]


def both_ways(b: Builder, transform: Callable, rows: Sequence[Sequence[Value]]) -> list[list[Value]]:
    """A transform of the columns of a square, then of its rows."""
    columns = [transform(b, column) for column in zip(*rows)]
    return [transform(b, row) for row in zip(*columns)]


# ---------------------------------------------------------------- kernels

INPUT_INTEGERS = (
    "blocks", "tiles_h", "tiles_w", "image_stride", "block_stride", "row_stride", "size_h", "size_w", "low_h", "low_w",
    "to_block", "to_point",
)  # fmt: skip


@dataclass(frozen=True)
class Input:
    """Blocked images, to (pair of points, block, tile of all images, lane). Units: (image, block, row of tiles).

    `window`: places of a tile in each dim, POINTS of an input and OUT of a gradient. Places outside of the image are 0.
    """

    window: int
    block: int

    @property
    def words(self) -> Words:
        return Words(("source", "points"), INPUT_INTEGERS)

    @property
    def kernel(self) -> Kernel:
        return Kernel("conv_winograd", ("input", self.window, self.block), self.emit)

    def emit(self, b: Builder) -> None:
        words, block, window = self.words, self.block, self.window
        transform = {POINTS: input_at_points, OUT: gradients_at_points}[window]
        n = {name: words.int(b, name) for name in INPUT_INTEGERS}
        source, points = words.ptr(b, "source"), words.ptr(b, "points")
        zero = b.const(0, float32, block)
        with b.loop(b.begin, b.end, unroll=1) as unit:
            image, in_block, tile_row = unravel(b, unit, n["blocks"], n["tiles_h"])
            plane = b.add(b.mul(image, n["image_stride"]), b.mul(in_block, n["block_stride"]))
            plane = b.at(source, plane, float32)
            first = b.mul(b.add(b.mul(image, n["tiles_h"]), tile_row), n["tiles_w"])
            to = b.at(points, b.add(b.mul(in_block, n["to_block"]), b.mul(first, block)), float32)
            y = b.add(b.mul(tile_row, OUT), n["low_h"])
            rows_inside, rows = self._places(b, y, n["size_h"], n["row_stride"])
            with b.loop(0, n["tiles_w"], unroll=1) as tile:
                x = b.add(b.mul(tile, OUT), n["low_w"])
                columns_inside, columns = self._places(b, x, n["size_w"], b.i64(block))
                corner = b.add(b.mul(y, n["row_stride"]), b.mul(x, block))

                def whole(corner=corner) -> list[Value]:
                    lines = [b.at(plane, b.add(corner, b.mul(n["row_stride"], i)), float32) for i in range(window)]
                    return [b.load(line, float32, block, offset=j * block) for line in lines for j in range(window)]

                def at_a_border(columns=columns) -> list[Value]:
                    found = []
                    for row_inside, row in rows:
                        for column_inside, column in columns:
                            value = b.load(plane, float32, block, offset=b.add(row, column))
                            found.append(b.select(b.and_(row_inside, column_inside), value, zero))
                    return found

                values = b.choose(b.and_(rows_inside, columns_inside), whole, at_a_border)
                square = [values[i * window : (i + 1) * window] for i in range(window)]
                to_tile = b.at(to, b.mul(tile, block), float32)
                for k, value in enumerate(v for row in both_ways(b, transform, square) for v in row):
                    b.store(value, to_tile, offset=b.mul(n["to_point"], k))

    def _places(self, b: Builder, first: Value, size: Value, stride: Value) -> tuple[Value, list[tuple[Value, Value]]]:
        """Whether all places of a tile are inside; then for each whether it is, and the offset of the nearest one that is."""
        inside = b.and_(b.ge(first, 0), b.le(b.add(first, self.window), size))
        found = []
        for i in range(self.window):
            place = b.add(first, i)
            nearest = b.maximum(b.minimum(place, b.sub(size, 1)), 0)
            found.append((b.eq(nearest, place), b.mul(nearest, stride)))
        return inside, found


WEIGHT_INTEGERS = ("channels", "parts", "part", "tiles")


@dataclass(frozen=True)
class Weights:
    """Packed weights (tile of output channels, block, tap, channel of the block, column, lane), to (pair of points, tile,
    channel, column, lane). Units: (tile, part of the channels).
    """

    columns: int
    block: int

    @property
    def words(self) -> Words:
        return Words(("packed", "points"), WEIGHT_INTEGERS)

    @property
    def kernel(self) -> Kernel:
        return Kernel("conv_winograd", ("weights", self.columns, self.block), self.emit)

    def emit(self, b: Builder) -> None:
        words, block, width = self.words, self.block, self.columns * self.block
        n = {name: words.int(b, name) for name in WEIGHT_INTEGERS}
        packed, points = words.ptr(b, "packed"), words.ptr(b, "points")
        to_point = b.mul(b.mul(n["tiles"], n["channels"]), width)
        with b.loop(b.begin, b.end, unroll=1) as unit:
            tile, part = divide(b, unit, n["parts"])
            begin = b.mul(part, n["part"])
            first = b.mul(tile, n["channels"])  # in channels
            with b.loop(begin, b.minimum(b.add(begin, n["part"]), n["channels"]), unroll=1) as channel:
                before = b.and_(channel, -block)  # channels of the blocks before this one
                together = b.minimum(b.sub(n["channels"], before), block)
                at = b.add(b.mul(b.add(first, before), TAPS * TAPS), b.sub(channel, before))
                taps = [b.mul(b.add(at, b.mul(together, tap)), width) for tap in range(TAPS * TAPS)]
                to = b.at(points, b.mul(b.add(first, channel), width), float32)
                with b.loop(0, width, block, unroll=1) as column:
                    values = [b.load(packed, float32, block, offset=b.add(tap, column)) for tap in taps]
                    square = [values[i * TAPS : (i + 1) * TAPS] for i in range(TAPS)]
                    for k, value in enumerate(v for row in both_ways(b, weights_at_points, square) for v in row):
                        b.store(value, to, offset=b.add(b.mul(to_point, k), column))


OUTPUT_INTEGERS = (
    "first_image", "out_blocks", "tiles_h", "tiles_w", "size_h", "size_w", "from_block", "from_point",
)  # fmt: skip


@dataclass(frozen=True)
class Output:
    """Products (pair of points, block, tile of all images, lane), through the epilogue to blocked images. Units: (image,
    block, row of tiles).
    """

    finish: Finish

    @property
    def words(self) -> Words:
        return Words(("products", *self.finish.pointers), (*OUTPUT_INTEGERS, *self.finish.integers))

    @property
    def kernel(self) -> Kernel:
        return Kernel("conv_winograd", ("output", self.finish.key), self.emit)

    def emit(self, b: Builder) -> None:
        words, block = self.words, self.finish.block
        n = {name: words.int(b, name) for name in OUTPUT_INTEGERS}
        products = words.ptr(b, "products")
        writer = Writer(b, self.finish, words)
        held = b.scratch(OUT * OUT * block * float32.itemsize)
        with b.loop(b.begin, b.end, unroll=1) as unit:
            image, out_block, tile_row = unravel(b, unit, n["out_blocks"], n["tiles_h"])
            channel = writer.channel(out_block)
            first = b.mul(b.add(b.mul(image, n["tiles_h"]), tile_row), n["tiles_w"])
            source = b.add(b.mul(out_block, n["from_block"]), b.mul(first, block))
            plane = b.add(b.mul(b.add(n["first_image"], image), n["out_blocks"]), out_block)
            row = b.add(b.mul(plane, n["size_h"]), b.mul(tile_row, OUT))  # of all rows of all planes
            height = b.minimum(b.sub(n["size_h"], b.mul(tile_row, OUT)), OUT)
            with b.loop(0, n["tiles_w"], unroll=1) as tile:
                at = b.at(products, b.add(source, b.mul(tile, block)), float32)
                values = [b.load(at, float32, block, offset=b.mul(n["from_point"], k)) for k in range(GRID)]
                square = [values[i * POINTS : (i + 1) * POINTS] for i in range(POINTS)]
                for k, value in enumerate(v for line in both_ways(b, outputs_of_points, square) for v in line):
                    b.store(value, held, offset=k * block)
                column = b.mul(tile, OUT)
                width = b.minimum(b.sub(n["size_w"], column), OUT)
                with b.loop(0, height, unroll=1) as i, b.loop(0, width, unroll=1) as j:
                    x = b.load(held, float32, block, offset=b.mul(b.add(b.mul(i, OUT), j), block))
                    place = b.add(b.mul(b.add(row, i), n["size_w"]), b.add(column, j))
                    writer.write(x, b.mul(place, block), channel)


SUM_INTEGERS = ("channels", "parts", "part", "tiles", "calls")


@dataclass(frozen=True)
class WeightSums:
    """Products (call, pair of points, tile of output channels, channel, column, lane), added over calls, to gradients of the
    weights (tile, (channel, tap), column, lane). Units: (tile, part of the channels).
    """

    columns: int
    block: int

    @property
    def words(self) -> Words:
        return Words(("products", "sums"), SUM_INTEGERS)

    @property
    def kernel(self) -> Kernel:
        return Kernel("conv_winograd", ("sums", self.columns, self.block), self.emit)

    def emit(self, b: Builder) -> None:
        words, block, width = self.words, self.block, self.columns * self.block
        n = {name: words.int(b, name) for name in SUM_INTEGERS}
        products, sums = words.ptr(b, "products"), words.ptr(b, "sums")
        per_point = b.mul(b.mul(n["tiles"], n["channels"]), width)
        with b.loop(b.begin, b.end, unroll=1) as unit:
            tile, part = divide(b, unit, n["parts"])
            begin = b.mul(part, n["part"])
            with b.loop(begin, b.minimum(b.add(begin, n["part"]), n["channels"]), unroll=1) as channel:
                row = b.mul(b.add(b.mul(tile, n["channels"]), channel), width)
                with b.loop(0, width, block, unroll=1) as column:
                    at = b.at(products, b.add(row, column), float32)
                    zeros = [b.const(0, float32, block)] * GRID
                    with b.loop_carried(0, n["calls"], 1, zeros, unroll=1) as loop:
                        first = b.mul(per_point, b.mul(loop.i, GRID))
                        offsets = [b.add(first, b.mul(per_point, k)) for k in range(GRID)]
                        loop.next(*(b.add(x, b.load(at, float32, block, offset=k)) for x, k in zip(loop.values, offsets)))
                    square = [loop.results[i * POINTS : (i + 1) * POINTS] for i in range(POINTS)]
                    to = b.at(sums, b.add(b.mul(row, TAPS * TAPS), column), float32)
                    for k, value in enumerate(v for line in both_ways(b, weights_of_points, square) for v in line):
                        b.store(value, to, offset=k * width)


__all__ = ["GRID", "OUT", "POINTS", "TAPS", "Input", "Output", "WeightSums", "Weights"]

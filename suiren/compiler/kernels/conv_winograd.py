"""Convolution with 3x3 kernels of stride 1 in a quarter of the multiplications: Winograd's F(4x4, 3x3).

Tiles of 6x6 inputs give tiles of 4x4 outputs. Both are polynomials that are evaluated at six points per dim (INPUT,
WEIGHT), multiplied there and interpolated (OUTPUT). At each of the 36 pairs of points, the sum over channels is a
matrix product; the 36 of them are the convolution of 36 groups with a kernel of 1x1, and the direct kernel does it.

    pack the weights  → weights at points
    of some images: input at points → products → outputs         (as many images as keep both in the caches)

Source: A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural Networks, 2016. The points 0, ±5/8, ±3/2, ∞ instead of
its 0, ±1, ±2, ∞ halve the rounding error, to about five times that of the direct sum (B. Barabasz et al., Error Analysis and
Improving the Accuracy of Winograd Convolution, 2020). What is infinite or NaN spreads to all outputs of its tile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import NamedTuple

from suiren.compiler.emit.builder import Builder, Value
from suiren.compiler.kernels import conv_geometry as geometry
from suiren.compiler.kernels import conv_plan as plan
from suiren.compiler.kernels.blocked import Finish, Words, Writer, blocks, divide, unravel
from suiren.compiler.kernels.conv_calls import Groups, blocked_layout, buffers_of, call_of, pack_weights
from suiren.compiler.kernels.conv_emit import Outputs, Tile
from suiren.compiler.kernels.conv_geometry import Dim, Layout, Phase, Taps, three
from suiren.compiler.program import Buffer, Call, Kernel, Ptr, Site
from suiren.dtypes import float32

OUT, TAPS = 4, 3
POINTS = OUT + TAPS - 1
GRID = POINTS * POINTS

# Multiplications in the time in which a byte comes or goes beyond the first cache.
PER_BYTE = 3
GAIN = 0.8  # of the direct sum's cost at most
# What the input and the products at points may take at once, or as much as the weights do.
AT_POINTS = 4 << 20


def pays(site: Site, groups: Groups, dims: tuple[Dim, ...]) -> bool:
    """Whether it is possible, and faster by a simple count of multiplications and bytes."""
    x, weight, out = site.inputs[0], site.inputs[1], site.outputs[0]
    if groups.count > 1 or not x.block or len(weight.shape) != 4 or x.dtype is not float32 or not prod(x.shape):
        return False
    if not all(_slides(dim) for dim in dims[1:]):
        return False
    n, o, h, w = out.shape
    tiles, pairs = n * blocks(h, OUT) * blocks(w, OUT), x.shape[1] * o
    moved = 4 * (tiles * (2 * GRID + OUT * OUT) * (x.shape[1] + o) + pairs * (3 * TAPS * TAPS + 2 * GRID))
    return GRID * tiles * pairs + PER_BYTE * moved < GAIN * TAPS * TAPS * n * h * w * pairs


def _slides(dim: Dim) -> bool:
    """Whether three taps that follow each other move along it in steps of one."""
    if len(dim.phases) != 1 or dim.in_step != 1 or dim.out_step != 1:
        return False
    taps = dim.phases[0].taps
    return len(taps) == TAPS and all(c == taps[0][1] + i for i, (_, c) in enumerate(taps))


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
    """Blocked images, to (pair of points, block, tile of all images, lane). Units: (image, block, row of tiles)."""

    block: int

    @property
    def words(self) -> Words:
        return Words(("source", "points"), INPUT_INTEGERS)

    @property
    def kernel(self) -> Kernel:
        return Kernel("conv_winograd", ("input", self.block), self.emit)

    def emit(self, b: Builder) -> None:
        words, block = self.words, self.block
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
                    lines = [b.at(plane, b.add(corner, b.mul(n["row_stride"], i)), float32) for i in range(POINTS)]
                    return [b.load(line, float32, block, offset=j * block) for line in lines for j in range(POINTS)]

                def at_a_border(columns=columns) -> list[Value]:
                    found = []
                    for row_inside, row in rows:
                        for column_inside, column in columns:
                            value = b.load(plane, float32, block, offset=b.add(row, column))
                            found.append(b.select(b.and_(row_inside, column_inside), value, zero))
                    return found

                values = b.choose(b.and_(rows_inside, columns_inside), whole, at_a_border)
                square = [values[i * POINTS : (i + 1) * POINTS] for i in range(POINTS)]
                to_tile = b.at(to, b.mul(tile, block), float32)
                for k, value in enumerate(v for row in both_ways(b, input_at_points, square) for v in row):
                    b.store(value, to_tile, offset=b.mul(n["to_point"], k))

    def _places(self, b: Builder, first: Value, size: Value, stride: Value) -> tuple[Value, list[tuple[Value, Value]]]:
        """Whether six places are inside; then for each whether it is, and the offset of the nearest one that is."""
        inside = b.and_(b.ge(first, 0), b.le(b.add(first, POINTS), size))
        found = []
        for i in range(POINTS):
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


# ---------------------------------------------------------------- calls


class Sizes(NamedTuple):
    """Tiles of an image, blocks of channels, and elements per vector."""

    tiles_h: int
    tiles_w: int
    read_blocks: int
    written_blocks: int
    block: int

    @property
    def tiles(self) -> int:
        return self.tiles_h * self.tiles_w

    def plane(self, images: int) -> int:
        """Vectors between blocks: odd, so that what is at the 36 pairs of points does not all fall into one set of a cache."""
        return images * self.tiles | 1


def calls(site: Site, dims: tuple[Dim, ...], lane: int, channel: int, taps: Sequence[int]) -> list[Call]:
    """For a site that it pays for. `lane`, `channel`, `taps`: the strides of the weights between channels that are
    written, between those that are read, and along H and W.
    """
    x, out, block = site.inputs[0], site.outputs[0], site.block
    images, channels = x.shape[:2]
    sizes = Sizes(blocks(out.shape[2], OUT), blocks(out.shape[3], OUT), blocks(channels, block), blocks(out.shape[1], block), block)
    groups = Groups(1, channels, out.shape[1])

    def bytes_at_points(count: int) -> int:
        return GRID * sizes.plane(count) * (sizes.read_blocks + sizes.written_blocks) * block * float32.itemsize

    allowed = max(AT_POINTS, GRID * sizes.read_blocks * sizes.written_blocks * block * block * float32.itemsize)
    together = min(max(allowed // bytes_at_points(1), 1), images)
    together = blocks(images, blocks(images, together))
    counts = [min(together, images - first) for first in range(0, images, together)]

    product = _Products.of(site, sizes, counts)
    phases = geometry.phases(dims, blocked_layout(x.shape, block, 1), channels, channel, three(taps, 0))
    packed, pack = pack_weights(site, groups, phases, product.tile.columns, product.channel_tiles, lane, 0, float32)
    weights = Buffer(GRID * product.channel_tiles * product.panel * float32.itemsize, "weights at points")
    kernel = Weights(product.tile.columns, block)
    part = max(8192 // (GRID * product.tile.columns * block), 1)
    values = {
        "packed": Ptr(packed), "points": Ptr(weights), "channels": channels, "parts": blocks(channels, part), "part": part,
        "tiles": product.channel_tiles,
    }  # fmt: skip
    found = [pack, call_of(kernel.kernel, kernel.words, values, product.channel_tiles * values["parts"], [packed], [weights], "weights at points")]

    at_points = Buffer(GRID * sizes.plane(together) * sizes.read_blocks * block * float32.itemsize, "input at points")
    products = Buffer(GRID * sizes.plane(together) * sizes.written_blocks * block * float32.itemsize, "products at points")
    for first, count in zip(range(0, images, together), counts):
        found.append(_input(site, sizes, dims, at_points, first, count))
        found.append(product.call(site, sizes, at_points, weights, products, count))
        found.append(_output(site, sizes, products, first, count))
    return found


def _input(site: Site, sizes: Sizes, dims: tuple[Dim, ...], at_points: Buffer, first: int, count: int) -> Call:
    x, block, kernel = site.inputs[0], sizes.block, Input(sizes.block)
    layout = blocked_layout(x.shape, block, 1)
    values = {
        "source": Ptr(x.ptr.buffer, x.ptr.offset + first * layout.image * float32.itemsize), "points": Ptr(at_points),
        "blocks": sizes.read_blocks, "tiles_h": sizes.tiles_h, "tiles_w": sizes.tiles_w, "image_stride": layout.image,
        "block_stride": layout.channel, "row_stride": layout.dims[1], "size_h": x.shape[2], "size_w": x.shape[3],
        "low_h": dims[1].phases[0].taps[0][1], "low_w": dims[2].phases[0].taps[0][1],
        "to_block": sizes.plane(count) * block, "to_point": sizes.read_blocks * sizes.plane(count) * block,
    }  # fmt: skip
    units = count * sizes.read_blocks * sizes.tiles_h
    return call_of(kernel.kernel, kernel.words, values, units, [x.ptr.buffer], [at_points], "input at points")


def _output(site: Site, sizes: Sizes, products: Buffer, first: int, count: int) -> Call:
    out, block, finish = site.outputs[0], sizes.block, Finish.of(site)
    kernel = Output(finish)
    values = {
        "products": Ptr(products), **finish.values(site.results, site.operands), "first_image": first,
        "out_blocks": sizes.written_blocks, "tiles_h": sizes.tiles_h, "tiles_w": sizes.tiles_w, "size_h": out.shape[2],
        "size_w": out.shape[3], "from_block": sizes.plane(count) * block,
        "from_point": sizes.written_blocks * sizes.plane(count) * block,
    }  # fmt: skip
    units = count * sizes.written_blocks * sizes.tiles_h
    reads, writes = [products, *buffers_of(site.operands)], buffers_of(site.results)
    return call_of(kernel.kernel, kernel.words, values, units, reads, writes, "outputs of points")


class _Products(NamedTuple):
    """The products over channels: a direct convolution of GRID groups, whose places are the tiles of all images."""

    tile: Tile
    channel_tiles: int
    panel: int

    @classmethod
    def of(cls, site: Site, sizes: Sizes, images: Sequence[int]) -> _Products:
        """For calls with so many images each."""
        channels, block = site.inputs[0].shape[1], sizes.block
        phases = [cls.phase(sizes, count, channels) for count in images]
        chunk = geometry.chunks([phase.offsets for phase in phases])
        machine = plan.Machine(site.target, float32, block, False)
        ways = plan.ways_over_places(phases)
        rows, columns, length, run = plan.shape(machine, ways, block, sizes.written_blocks, chunk, channels, True)
        runs = (run, block) if run > 1 else (1, 0)
        tile = Tile(rows, columns, length, chunk.step, columns * block, block, False, float32, float32, float32, *runs)
        return cls(tile, blocks(sizes.written_blocks, columns), channels * columns * block)

    @classmethod
    def phase(cls, sizes: Sizes, images: int, channels: int) -> Phase:
        one, count = Dim(1, (Taps(0, 1, ((0, 0),)),), 1, 1), images * sizes.tiles
        dims = (one, one, Dim(count, (Taps(0, count, ((0, 0),)),), 1, 1))
        (found,) = geometry.phases(dims, cls.layout(sizes, images), channels, 1, (0, 0, 0))
        return found

    @staticmethod
    def layout(sizes: Sizes, images: int) -> Layout:
        plane = sizes.plane(images) * sizes.block
        return Layout(0, sizes.read_blocks * plane, plane, (0, 0, sizes.block), sizes.block)

    def call(self, site: Site, sizes: Sizes, a: Buffer, weights: Buffer, products: Buffer, images: int) -> Call:
        block, tile = sizes.block, self.tile
        channels, written = site.inputs[0].shape[1], site.outputs[0].shape[1]
        layout, count = self.layout(sizes, images), images * sizes.tiles
        phase = self.phase(sizes, images, channels)
        straight = tile.run > 1
        channel_chunk, place_chunk = plan.output_units(
            site.target,
            GRID * count * channels * sizes.written_blocks * block,
            GRID,
            1 if straight else count,
            1 if straight else tile.rows,
            channels * tile.columns * block * (count if straight else 1),
            self.channel_tiles,
            self.panel * float32.itemsize,
        )
        finish = Finish.plain(float32, block)
        kernel = Outputs(tile, 1, finish)
        values = {
            "a": Ptr(a), "b": Ptr(weights), "result0": Ptr(products),
            "channel_chunks": blocks(self.channel_tiles, channel_chunk), "channel_chunk": channel_chunk,
            "channel_tiles": self.channel_tiles, "groups": GRID, "images": 1, "phases": 1,
            "place_chunks": 1 if straight else blocks(count, place_chunk), "place_chunk": place_chunk,
            "a_image": 0, "a_group": layout.group, "panel": self.panel, "out_blocks": GRID * sizes.written_blocks,
            "group_blocks": sizes.written_blocks, "plane": sizes.plane(images),
            "a_d": 0, "a_h": 0, "a_w": block, "out_d": 0, "out_h": 0, "out_w": 1,
            "phase": [len(phase.offsets) // tile.chunk, 0, 1, 1, count, 0],
            "offsets": phase.offsets[:: tile.chunk].tolist(),
        }  # fmt: skip
        units = values["channel_chunks"] * GRID * values["place_chunks"]
        label = f"{site.op.name} {'x'.join(map(str, site.inputs[1].shape))} to {'x'.join(map(str, site.outputs[0].shape))} at points"
        flops = 2 * GRID * count * channels * written
        return call_of(kernel.kernel, kernel.words, values, units, [a, weights], [products], label, flops)


__all__ = ["calls", "pays"]

"""Convolution with 3x3 kernels of stride 1 in a quarter of the multiplications: Winograd's F(4x4, 3x3).

Tiles of 6x6 inputs give tiles of 4x4 outputs. Both are polynomials that are evaluated at six points per dim (input_at_points,
weights_at_points), multiplied there and interpolated (outputs_of_points). At each of the 36 pairs of points, the sum over
channels is a matrix product; the 36 of them are the convolution of 36 groups with a kernel of 1x1, and the direct kernel does
it. The gradient of the weights goes the same way backwards, with the last two transposed; its products are summed over tiles.

    conv, conv_input_grad    pack the weights → weights at points;  of some images: input at points → products → outputs
    conv_weight_grad         of some images: input at points, gradient at points → products;  → weights → combine

"Some" are as many as keep what they have at points in the caches.

Source: A. Lavin, S. Gray, Fast Algorithms for Convolutional Neural Networks, 2016. The points 0, ±5/8, ±3/2, ∞ instead of
its 0, ±1, ±2, ∞ halve the rounding error, to about five times that of the direct sum (B. Barabasz et al., Error Analysis and
Improving the Accuracy of Winograd Convolution, 2020). What is infinite or NaN spreads to all outputs of its tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import numpy as np

from suiren.compiler.kernels import conv_emit as direct
from suiren.compiler.kernels import conv_geometry as geometry
from suiren.compiler.kernels import conv_plan as plan
from suiren.compiler.kernels.blocked import Finish, blocks
from suiren.compiler.kernels.conv_calls import Groups, blocked_layout, buffers_of, call_of, combine, pack_weights
from suiren.compiler.kernels.conv_emit import Outputs, Tile
from suiren.compiler.kernels.conv_geometry import Dim, Layout, Phase, Taps, three
from suiren.compiler.kernels.conv_winograd_emit import GRID, OUT, POINTS, TAPS, Input, Output, Weights, WeightSums
from suiren.compiler.program import Buffer, Call, Place, Ptr, Site
from suiren.dtypes import float32

# Multiplications in the time in which a byte comes or goes beyond the first cache.
PER_BYTE = 3
GAIN = 0.8  # of the direct sum's cost at most
# What input and products may take at points at once, or as much as the weights do.
AT_POINTS = 4 << 20


def pays(x: Place, out: Place, weight_shape: Sequence[int], groups: int, dims: tuple[Dim, ...]) -> bool:
    """Whether it is possible, and faster by a simple count of multiplications and bytes. `x` is what `dims` say is read, `out`
    what the outputs are or, for a gradient of the weights, what has their shape.
    """
    if groups > 1 or not x.block or not out.block or x.dtype is not float32 or len(weight_shape) != 4 or not prod(x.shape):
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


# ---------------------------------------------------------------- calls


class Sizes(NamedTuple):
    """Tiles of an image, blocks of channels of the two sides, elements per vector, and how many images are at points at once."""

    tiles_h: int
    tiles_w: int
    read: int
    written: int
    block: int
    together: tuple[int, ...]

    @classmethod
    def of(cls, x: Place, out: Place, per_weight: int = 1) -> Sizes:
        """`per_weight`: what is at points at once may take as much as the weights there, so many times."""
        block, images = x.block, x.shape[0]
        read, written = blocks(x.shape[1], block), blocks(out.shape[1], block)
        one = cls(blocks(out.shape[2], OUT), blocks(out.shape[3], OUT), read, written, block, (1,))
        allowed = max(AT_POINTS, per_weight * GRID * read * written * block * block * float32.itemsize)
        at_once = min(max(allowed // (one.at_points(read) + one.at_points(written)), 1), images)
        at_once = blocks(images, blocks(images, at_once))
        return one._replace(together=tuple(min(at_once, images - first) for first in range(0, images, at_once)))

    def tiles(self, images: int) -> int:
        return images * self.tiles_h * self.tiles_w

    def plane(self, images: int) -> int:
        """Vectors between blocks: odd, so that what is at the 36 pairs of points does not all fall into one set of a cache."""
        return self.tiles(images) | 1

    def at_points(self, blocks: int) -> int:
        """Bytes at all pairs of points of the most images."""
        return GRID * blocks * self.plane(max(self.together)) * self.block * float32.itemsize

    def phase(self, images: int, channels: int) -> Phase:
        """The sum over channels at one pair of points."""
        one, tiles = Dim(1, (Taps(0, 1, ((0, 0),)),), 1, 1), self.tiles(images)
        dims = (one, one, Dim(tiles, (Taps(0, tiles, ((0, 0),)),), 1, 1))
        plane = self.plane(images) * self.block
        layout = Layout(0, self.read * plane, plane, (0, 0, self.block), self.block)
        (found,) = geometry.phases(dims, layout, channels, 1, (0, 0, 0))
        return found


def _at_points(x: Place, sizes: Sizes, window: int, low: Sequence[int], to: Buffer, first: int, images: int, name: str) -> Call:
    """Some images of x, in tiles from `low` on."""
    block, kernel = sizes.block, Input(window, sizes.block)
    layout, channel_blocks = blocked_layout(x.shape, block, 1), blocks(x.shape[1], block)
    values = {
        "source": Ptr(x.ptr.buffer, x.ptr.offset + first * layout.image * float32.itemsize), "points": Ptr(to),
        "blocks": channel_blocks, "tiles_h": sizes.tiles_h, "tiles_w": sizes.tiles_w, "image_stride": layout.image,
        "block_stride": layout.channel, "row_stride": layout.dims[1], "size_h": x.shape[2], "size_w": x.shape[3],
        "low_h": low[0], "low_w": low[1], "to_block": sizes.plane(images) * block,
        "to_point": channel_blocks * sizes.plane(images) * block,
    }  # fmt: skip
    units = images * channel_blocks * sizes.tiles_h
    return call_of(kernel.kernel, kernel.words, values, units, [x.ptr.buffer], [to], f"{name} at points", part=images / x.shape[0])


def _low(dims: tuple[Dim, ...]) -> tuple[int, int]:
    return dims[1].phases[0].taps[0][1], dims[2].phases[0].taps[0][1]


def outputs(site: Site, dims: tuple[Dim, ...], lane: int, channel: int, taps: Sequence[int]) -> list[Call]:
    """`lane`, `channel`, `taps`: the strides of the weights between channels that are written, between those that are read, and
    along H and W.
    """
    x, out, block = site.inputs[0], site.outputs[0], site.block
    channels, sizes = x.shape[1], Sizes.of(x, out)
    sums = [sizes.phase(images, channels) for images in sizes.together]
    chunk = geometry.chunks([phase.offsets for phase in sums])
    machine, ways = plan.Machine(site.target, float32, block, False), plan.ways_over_places(sums)
    rows, columns, length, run = plan.shape(machine, ways, block, sizes.written, chunk, channels, True)
    runs = (run, block) if run > 1 else (1, 0)
    tile = Tile(rows, columns, length, chunk.step, columns * block, block, False, float32, float32, float32, *runs)

    channel_tiles, panel = blocks(sizes.written, columns), channels * columns * block
    phases = geometry.phases(dims, blocked_layout(x.shape, block, 1), channels, channel, three(taps, 0))
    groups = Groups(1, channels, out.shape[1])
    packed, pack = pack_weights(site, groups, phases, columns, channel_tiles, lane, 0, float32)
    weights = Buffer(GRID * channel_tiles * panel * float32.itemsize, "weights at points")
    kernel, part = Weights(columns, block), max(8192 // (GRID * columns * block), 1)
    values = {
        "packed": Ptr(packed), "points": Ptr(weights), "channels": channels, "parts": blocks(channels, part), "part": part,
        "tiles": channel_tiles,
    }  # fmt: skip
    units = channel_tiles * values["parts"]
    found = [pack, call_of(kernel.kernel, kernel.words, values, units, [packed], [weights], "weights at points")]

    at_points = Buffer(sizes.at_points(sizes.read), "input at points")
    products = Buffer(sizes.at_points(sizes.written), "products at points")
    first = 0
    for images, phase in zip(sizes.together, sums):
        found.append(_at_points(x, sizes, POINTS, _low(dims), at_points, first, images, "input"))
        found.append(_products(site, sizes, tile, phase, at_points, weights, products, images))
        found.append(_outputs_of_points(site, sizes, products, first, images))
        first += images
    return found


def _products(
    site: Site, sizes: Sizes, tile: Tile, phase: Phase, a: Buffer, weights: Buffer, products: Buffer, images: int
) -> Call:
    """The products over channels: a direct convolution of GRID groups, whose places are the tiles of all images."""
    block, channels, written = sizes.block, site.inputs[0].shape[1], site.outputs[0].shape[1]
    tiles, plane, is_straight = sizes.tiles(images), sizes.plane(images), tile.run > 1
    channel_tiles, panel = blocks(sizes.written, tile.columns), channels * tile.columns * block
    channel_chunk, place_chunk = plan.output_units(
        site.target,
        GRID * tiles * channels * sizes.written * block,
        GRID,
        1 if is_straight else tiles,
        1 if is_straight else tile.rows,
        channels * tile.columns * block * (tiles if is_straight else 1),
        channel_tiles,
        panel * float32.itemsize,
    )
    kernel = Outputs(tile, 1, Finish.plain(float32, block))
    values = {
        "a": Ptr(a), "b": Ptr(weights), "result0": Ptr(products),
        "channel_chunks": blocks(channel_tiles, channel_chunk), "channel_chunk": channel_chunk,
        "channel_tiles": channel_tiles, "groups": GRID, "images": 1, "phases": 1,
        "place_chunks": 1 if is_straight else blocks(tiles, place_chunk), "place_chunk": place_chunk,
        "a_image": 0, "a_group": sizes.read * plane * block, "panel": panel, "out_blocks": GRID * sizes.written,
        "group_blocks": sizes.written, "plane": plane,
        "a_d": 0, "a_h": 0, "a_w": block, "out_d": 0, "out_h": 0, "out_w": 1,
        "phase": [len(phase.offsets) // tile.chunk, 0, *phase.grid, 0],
        "offsets": phase.offsets[:: tile.chunk].tolist(),
    }  # fmt: skip
    units = values["channel_chunks"] * GRID * values["place_chunks"]
    flops = 2 * GRID * tiles * channels * written
    return call_of(kernel.kernel, kernel.words, values, units, [a, weights], [products], _label(site), flops)


def _label(site: Site) -> str:
    return f"{site.op.name} to {'x'.join(map(str, site.outputs[0].shape))} at points"


def _outputs_of_points(site: Site, sizes: Sizes, products: Buffer, first: int, images: int) -> Call:
    out, plane, finish = site.outputs[0], sizes.plane(images) * sizes.block, Finish.of(site)
    kernel = Output(finish)
    values = {
        "products": Ptr(products), **finish.values(site.results, site.operands), "first_image": first,
        "out_blocks": sizes.written, "tiles_h": sizes.tiles_h, "tiles_w": sizes.tiles_w, "size_h": out.shape[2],
        "size_w": out.shape[3], "from_block": plane, "from_point": sizes.written * plane,
    }  # fmt: skip
    units = images * sizes.written * sizes.tiles_h
    reads, writes = [products, *buffers_of(site.operands)], buffers_of(site.results)
    return call_of(kernel.kernel, kernel.words, values, units, reads, writes, "outputs of points", part=images / out.shape[0])


def weights(site: Site, dims: tuple[Dim, ...]) -> list[Call]:
    """The gradient of the weights: `dims` are those of the convolution."""
    (x, y), block = site.inputs, site.block
    channels, sizes = x.shape[1], Sizes.of(x, y, 4)  # each part has its own products, which are added: parts should be few
    tables = [(sizes.phase(images, channels).offsets, np.arange(sizes.tiles(images)) * block) for images in sizes.together]
    chunk, run = geometry.chunks([places for _, places in tables]), min(plan.runs(rows)[0] for rows, _ in tables)
    machine, ways = plan.Machine(site.target, float32, block, False), plan.ways_over_rows(channels, run)
    most = max(len(places) for _, places in tables)
    rows, columns, length, run = plan.shape(machine, ways, 1, sizes.written, chunk, most, False)
    runs = (run, 1) if run > 1 else (1, 0)
    tile = Tile(rows, columns, length, chunk.step, block, block, False, float32, float32, float32, *runs)

    channel_tiles, width, parts = blocks(sizes.written, columns), columns * block, len(sizes.together)
    panel = channels * width
    at_points = Buffer(sizes.at_points(sizes.read), "input at points")
    gradient = Buffer(sizes.at_points(sizes.written), "gradient at points")
    size = GRID * channel_tiles * panel * float32.itemsize  # of the products of one call
    products = Buffer(parts * size, "products at points")
    found, first = [], 0
    for part, (images, (row, place)) in enumerate(zip(sizes.together, tables)):
        found.append(_at_points(x, sizes, POINTS, _low(dims), at_points, first, images, "input"))
        found.append(_at_points(y, sizes, OUT, (0, 0), gradient, first, images, "gradient"))
        plane, tiles = sizes.plane(images) * block, len(place)
        strips, strip, _ = plan.passes(site.target, 1, tiles // length, length, (width + block) * float32.itemsize)
        row_chunk = plan.rows_of_unit(channels, rows, GRID * channel_tiles)
        values = {
            "a": Ptr(at_points), "b": Ptr(gradient), "result": Ptr(products, part * size), "row": row.tolist(),
            "place": place[::length].tolist(), "groups": GRID, "channel_tiles": channel_tiles,
            "row_chunks": blocks(channels, row_chunk), "row_chunk": row_chunk, "rows": channels, "passes": strips,
            "split_passes": strips, "strips": strips, "strip": strip, "pass_images": 1, "chunks": tiles // length,
            "images": 1, "a_image": 0, "a_group": sizes.read * plane, "b_image": 0, "b_block": plane,
            "group_blocks": sizes.written, "panel": panel,
        }  # fmt: skip
        kernel = direct.Weights(tile)
        units, flops = GRID * channel_tiles * values["row_chunks"], 2 * GRID * tiles * channels * y.shape[1]
        found.append(call_of(kernel.kernel, kernel.words, values, units, [at_points, gradient], [products], _label(site), flops))
        first += images

    sums = Buffer(channel_tiles * panel * TAPS * TAPS * float32.itemsize, "sums of weights")
    kernel, part = WeightSums(columns, block), max(8192 // (GRID * width), 1)
    values = {
        "products": Ptr(products), "sums": Ptr(sums), "channels": channels, "parts": blocks(channels, part), "part": part,
        "tiles": channel_tiles, "calls": parts,
    }  # fmt: skip
    units = channel_tiles * values["parts"]
    found.append(call_of(kernel.kernel, kernel.words, values, units, [products], [sums], "weights of points"))
    groups = Groups(1, channels, y.shape[1])
    return [*found, combine(site, groups, Ptr(sums), width, 1, float32)]


__all__ = ["outputs", "pays", "weights"]

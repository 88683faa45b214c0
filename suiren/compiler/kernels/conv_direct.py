"""Direct convolution and its two gradients in blocked layout: which calls a node becomes. The loops are in conv_emit.py, what they sum over in conv_geometry.py.

    conv, conv_input_grad    [stage the input]  [pack the weights]  → outputs  [→ regroup]
    conv_weight_grad         [stage the input]  [stage the output's gradient]  → weights → combine

An input is staged (copied) only where the kernel reaches over its border, or where groups do not fill their blocks of channels. When every channel is a group of its own
(depthwise), the lanes are the groups, and a block of channels takes the part of a group.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, prod
from typing import NamedTuple

import numpy as np

from suiren.compiler.emit.target import Target
from suiren.compiler.kernels import conv_geometry as geometry
from suiren.compiler.kernels.blocked import Finish, Words, accumulator, block_of, blocks
from suiren.compiler.kernels.conv_emit import PHASE_WORDS, Outputs, Tile, Weights
from suiren.compiler.kernels.conv_geometry import Chunks, Dim, Layout, Phase, three
from suiren.compiler.kernels.conv_stage import Combine, Pack, Regroup, Stage
from suiren.compiler.program import Buffer, Call, Kernel, Place, Ptr, Site
from suiren.dtypes import dtype, float32
from suiren.trace.op import Op
from suiren.trace.spec import Spec

# A unit should take some ten microseconds: long beside what it costs to start one, short beside a whole layer. In multiplications.
SMALLEST_UNIT, LARGEST_UNIT = 400_000, 4_000_000
ENOUGH_UNITS = 64
FEW_UNITS = 16  # a weight gradient with fewer units than this is split over images as well


def takes(op: Op, params: tuple, index: int, place: Place) -> bool:
    """Weights may lie at any strides. So may an input whose channels do not fill half a block: blocking it would only make it larger."""
    if index == 1 and op.name != "conv_weight_grad":
        return True
    if place.block:
        return True
    return index == 0 and op.name != "conv_input_grad" and op.param(params, "groups") == 1 and place.shape[1] <= FEW_CHANNELS


FEW_CHANNELS = 4


def fuses(op: Op, params: tuple, inputs: tuple[Spec | type, ...]) -> frozenset[str]:
    return frozenset(() if op.name == "conv_weight_grad" else ("same", "last", "scalar", "number"))


def calls(site: Site) -> list[Call]:
    return {"conv": _conv, "conv_input_grad": _conv_input_grad, "conv_weight_grad": _conv_weight_grad}[site.op.name](site)


# ---------------------------------------------------------------- what the three have in common


@dataclass(frozen=True)
class Groups:
    """How channels are shared out: `count` groups, of `read` channels each on the side that is read, `written` on the side that is written."""

    count: int
    read: int
    written: int
    is_depthwise: bool = False

    @classmethod
    def of(cls, groups: int, read: int, written: int, block: int) -> Groups:
        if groups > 1 and groups == read == written:
            return cls(blocks(written, block), 1, block, True)
        return cls(groups, read // groups, written // groups)


def _geometry(site: Site, size, out, kernel_size) -> tuple:
    return (size, out, kernel_size, *(site.param(name) for name in ("stride", "padding", "dilation")))


def _call(kernel: Kernel, words: Words, values: dict, units: int, reads: list[Buffer], writes: list[Buffer], label: str, flops: int = 0) -> Call:
    traffic = sum(buffer.nbytes for buffer in {*reads, *writes})
    return Call(kernel, words.args(values), units, list(dict.fromkeys(reads)), writes, flops=flops, traffic=traffic, label=label)


def _blocked_layout(shape: tuple[int, ...], block: int, group: int) -> Layout:
    """Of a dense blocked value; `group` is how many blocks a group has."""
    _, h, w = size = three(shape[2:], 1)
    plane = prod(size) * block
    return Layout(blocks(shape[1], block) * plane, group * plane, plane, (h * w * block, w * block, block), block)


def _read(site: Site, x: Place, dims: tuple[Dim, ...] | None, groups: Groups, name: str) -> tuple[Ptr, Layout, list[Call]]:
    """Where the loops read x: as it lies, or a copy and the call that makes it. `dims` None: no place outside of x is read."""
    block = block_of(site)
    fills = groups.count == 1 or groups.is_depthwise or groups.read % block == 0 or not x.block
    is_inside = dims is None or all(dim.is_inside for dim in dims)
    if is_inside and fills:
        if x.block:
            return x.ptr, _blocked_layout(x.shape, block, max(groups.read // block, 1)), []
        image, channel, *strides = x.strides
        return x.ptr, Layout(image, groups.read * channel, channel, three(strides, 0), 1), []

    size = three(x.shape[2:], 1)
    reaches = [(0, n - 1) for n in size] if dims is None else [dim.reach for dim in dims]
    low = tuple(a for a, _ in reaches)
    extent = tuple(z - a + 1 for a, z in reaches)
    if x.block:
        source = _blocked_layout(x.shape, block, 1)
        kind, copy_block = ("dense", block) if fills else ("regroup", block)
    else:
        image, channel, *strides = x.strides
        source = Layout(image, 0, channel, three(strides, 0), 1)
        kind, copy_block = ("dense" if strides[-1] == 1 else "strided"), 1
    per_group = 1 if groups.is_depthwise else blocks(groups.read, copy_block)
    plane = prod(extent) * copy_block
    total = groups.count * per_group
    row = extent[2] * copy_block
    layout = Layout(total * plane, per_group * plane, plane, (extent[1] * row, row, copy_block), copy_block, low)
    staged = Buffer(x.shape[0] * total * plane * x.dtype.itemsize, f"staged {name}")
    stage = Stage(kind, copy_block, block, site.target.lanes(float32), x.dtype)
    values = {"source": x.ptr, "copy": Ptr(staged), "blocks": total, "image_stride": source.image, "block_stride": source.channel}
    values |= {"groups": groups.count, "group_channels": groups.read, "group_blocks": per_group}
    for i, axis in enumerate("dhw"):
        values |= {f"stride_{axis}": source.dims[i], f"size_{axis}": size[i], f"low_{axis}": low[i], f"out_{axis}": extent[i]}
    units = x.shape[0] * total * extent[0]
    return Ptr(staged), layout, [_call(stage.kernel, stage.words, values, units, [x.ptr.buffer], [staged], f"stage {name}")]


class Shape(NamedTuple):
    """Of a register tile: rows (in runs of `run`), columns, and the length of the chunks that its loop is written out for."""

    rows: int
    columns: int
    chunk: int
    run: int


MOST_ROWS = 14
LONGEST_BODY = 112  # multiplications that an inner loop is written out for: more take longer to compile, and no less time to run


def _shape(
    target: Target, sum: dtype, block: int, is_vector: bool, chunk: Chunks, channel_blocks: int, elements: int, run_step: int, ways: list[tuple[int, int, int]],
    streams: bool,
) -> Shape:
    """The register tile that takes the fewest cycles, by a simple count of instructions.

    `ways`: (rows of a tile, rows in a run, how many tiles) to choose from. A tile sums `elements` elements for `channel_blocks` blocks of channels;
    `streams`: every tile goes over columns that lie one after another in memory.
    """
    registers = max(block * sum.itemsize // target.vector_bytes, 1)
    a_registers = registers if is_vector else 1
    best = None
    for rows, run, tiles in ways:
        for length in chunk.lengths:
            reads = len({j * chunk.step + i * run_step for j in range(length) for i in range(run)})
            slides = reads < length * run
            for columns in range(1, min(channel_blocks, 4) + 1):
                sums, held = rows * columns, columns * (length if slides else 1)
                if (sums + held) * registers + a_registers > target.registers and sums > 1 or sums * length > LONGEST_BODY:
                    break
                # Two multiplications and two loads a cycle; a sum can take part in one every four cycles. Of more than 8 pointers some are loaded anew.
                # Columns that do not stay in the first cache come at 16 bytes a cycle.
                loads = rows // run * reads * a_registers + held * registers * (1 if slides else length) + max(rows // run - 8, 0)
                column_bytes = columns * block * sum.itemsize
                streamed = column_bytes / 16 if elements * column_bytes > target.l1 // 2 and streams else 0
                cycles = max(sums * registers * length / 2, loads / 2, 4.3 * length, streamed * length) + 0.5
                cost = ceil(channel_blocks / columns) * tiles * (elements / length * cycles + 20 + (5 if run == 1 else 3) * rows + 4 * sums)
                if best is None or cost < best[0]:
                    best = (cost, Shape(rows, columns, length, run))
    return best[1]


def _unit_work(total: int) -> int:
    """How many multiplications a unit should have."""
    return min(max(total // ENOUGH_UNITS, SMALLEST_UNIT), LARGEST_UNIT)


# ---------------------------------------------------------------- outputs


def _conv(site: Site) -> list[Call]:
    x, weight = site.inputs
    groups = Groups.of(site.param("groups"), x.shape[1], weight.shape[0], block_of(site))
    dims = geometry.forward_dims(*_geometry(site, x.shape[2:], site.outputs[0].shape[2:], weight.shape[2:]))
    lane, channel, *taps = weight.strides
    return _outputs(site, groups, dims, lane, channel, taps)


def _conv_input_grad(site: Site) -> list[Call]:
    y, weight = site.inputs
    groups = Groups.of(site.param("groups"), y.shape[1], site.outputs[0].shape[1], block_of(site))
    dims = geometry.backward_dims(*_geometry(site, site.outputs[0].shape[2:], y.shape[2:], weight.shape[2:]))
    channel, lane, *taps = weight.strides
    return _outputs(site, groups, dims, channel if groups.is_depthwise else lane, channel, taps)


def _outputs(site: Site, groups: Groups, dims: tuple[Dim, ...], lane: int, channel: int, taps: list[int]) -> list[Call]:
    """`lane`, `channel` and `taps` are strides of the weights: between output channels, input channels, and along D H W."""
    x, weight, out = site.inputs[0], site.inputs[1], site.outputs[0]
    block, sum = block_of(site), accumulator(x.dtype)
    a, layout, before = _read(site, x, dims, groups, "input")
    found = geometry.phases(dims, layout, groups.read, channel, three(taps, 0))
    group_blocks = blocks(groups.written, block)
    most = max((prod(phase.grid) for phase in found), default=0)
    chunk = geometry.chunks([phase.offsets for phase in found])
    a_w = dims[2].in_step * layout.dims[2]
    shape = _output_shape(site.target, sum, block, groups.is_depthwise, chunk, group_blocks, a_w, found)
    rows, columns, run = shape.rows, shape.columns, shape.run
    width, length = columns * block, shape.chunk
    tile = Tile(rows, columns, length, chunk.step, width, block, groups.is_depthwise, x.dtype, sum, sum, run, a_w if run > 1 else 0)
    channel_tiles = blocks(group_blocks, columns)

    packed, pack = _pack(site, groups, found, columns, channel_tiles, lane, sum)
    fills = groups.count == 1 or groups.is_depthwise or groups.written % block == 0
    size = three(out.shape[2:], 1)
    plane, out_blocks = prod(size), blocks(out.shape[1], block) if fills else groups.count * group_blocks
    if fills:
        finish = Finish.of(site)
        ends = finish.values(site.results, site.operands)
        read = [place.ptr.buffer for place in site.operands if isinstance(place, Place)]
        written = [place.ptr.buffer for place in site.results]
    else:
        finish, read = Finish.plain(sum, block), []
        written = [Buffer(out.shape[0] * out_blocks * plane * block * sum.itemsize, "sums of groups")]
        ends = {"result0": Ptr(written[0])}

    dim_count = max((1 + next((2 - i for i, n in enumerate(phase.grid) if n > 1), 0) for phase in found), default=1)
    kernel = Outputs(tile, dim_count, finish)
    images, panel = out.shape[0], pack_size(found) * width
    elements = max((len(phase.offsets) for phase in found), default=0)
    work = images * groups.count * sum_of(found) * group_blocks * block
    # A chunk of places is counted in places, in tiles of `rows`, or, where tiles lie in rows of the grid, in those rows.
    places, per_row = (most, 1) if run == 1 else (max((prod(phase.grid[:2]) for phase in found), default=0), max((phase.grid[2] for phase in found), default=1))
    planes, per_place = images * len(found) * groups.count, elements * width * per_row
    channel_chunk, place_chunk = _output_units(site.target, work, planes, places, rows if run == 1 else 1, per_place, channel_tiles, panel * sum.itemsize)
    values = {
        "a": a, "b": Ptr(packed), **ends,
        "channel_chunks": blocks(channel_tiles, channel_chunk), "channel_chunk": channel_chunk, "channel_tiles": channel_tiles,
        "groups": groups.count, "images": images, "phases": len(found), "place_chunks": blocks(places, place_chunk), "place_chunk": place_chunk,
        "a_image": layout.image, "a_group": layout.group, "panel": panel,
        "out_blocks": out_blocks, "group_blocks": group_blocks, "plane": plane,
        "out_d": dims[0].out_step * size[1] * size[2], "out_h": dims[1].out_step * size[2], "out_w": dims[2].out_step,
        "phase": _phase_table(found, length, size), "offsets": np.concatenate([p.offsets[::length] for p in found] or [np.zeros(0, int)]).tolist(),
    }  # fmt: skip
    values |= {f"a_{axis}": dim.in_step * stride for axis, dim, stride in zip("dhw", dims, layout.dims)}
    units = values["channel_chunks"] * groups.count * images * len(found) * values["place_chunks"]
    label = f"{site.op.name} {'x'.join(map(str, weight.shape))} to {'x'.join(map(str, out.shape))}"
    flops = 2 * images * sum_of(found) * groups.count * groups.written
    result = [*before, pack, _call(kernel.kernel, kernel.words, values, units, [a.buffer, packed, *read], written, label, flops)]
    return result if fills else [*result, _regroup(site, groups, group_blocks, plane, written[0], sum)]


def sum_of(found: list[Phase]) -> int:
    """Multiplications per image, group and output channel."""
    return sum(prod(phase.grid) * len(phase.offsets) for phase in found)


def pack_size(found: list[Phase]) -> int:
    """Weights per output channel, over all phases."""
    return sum(len(phase.offsets) for phase in found)


def _phase_table(found: list[Phase], chunk: int, size: tuple[int, ...]) -> list[int]:
    table, first = [], 0
    for phase in found:
        d, h, w = phase.out
        words = [len(phase.offsets) // chunk, first, *phase.grid, (d * size[1] + h) * size[2] + w]
        assert len(words) == PHASE_WORDS
        table += words
        first += words[0]
    return table


def _output_shape(target, sum, block, is_depthwise, chunk, group_blocks, a_w, found) -> Shape:
    """Tiles of places that follow each other across the ends of rows, with a pointer each, or that lie in a row, with one for all."""
    largest = max(found, key=lambda phase: prod(phase.grid), default=None)
    if largest is None:
        return Shape(1, 1, 1, 1)
    depth, height, longest = largest.grid
    ways = [(rows, 1, blocks(depth * height * longest, rows)) for rows in range(1, MOST_ROWS + 1)]
    shortest = min(phase.grid[2] for phase in found)
    ways += [(rows, rows, depth * height * blocks(longest, rows)) for rows in range(2, min(MOST_ROWS, shortest) + 1)]
    elements = max(len(phase.offsets) for phase in found)
    return _shape(target, sum, block, is_depthwise, chunk, group_blocks, elements, a_w, ways, True)


def _output_units(target, work, planes, places, rows, per_place, channel_tiles, panel_bytes) -> tuple[int, int]:
    """(tiles of output channels, places) of a unit. Its weights should stay in the second cache while it goes over its places.

    `per_place`: multiplications of one place for one tile of output channels; places are taken in multiples of `rows`.
    """
    wanted = _unit_work(work)
    channel_chunk = channel_tiles if channel_tiles * panel_bytes <= target.l2 // 2 else max(target.l2 // 4 // max(panel_bytes, 1), 1)
    while True:
        each = max(per_place * channel_chunk, 1)
        place_chunk = min(max(round(wanted / each / rows), 1), blocks(max(places, 1), rows)) * rows
        units = planes * blocks(places, place_chunk) * blocks(channel_tiles, channel_chunk)
        if units >= FEW_UNITS or channel_chunk == 1 or place_chunk * each <= SMALLEST_UNIT:
            return channel_chunk, place_chunk
        channel_chunk = (channel_chunk + 1) // 2


def _pack(site: Site, groups: Groups, found: list[Phase], columns: int, channel_tiles: int, lane: int, sum: dtype) -> tuple[Buffer, Call]:
    weight, block = site.inputs[1], block_of(site)
    sources = np.concatenate([phase.sources for phase in found] or [np.zeros(0, int)])
    packed = Buffer(groups.count * channel_tiles * len(sources) * columns * block * sum.itemsize, "packed weights")
    pack = Pack(columns, block, lane == 1, weight.dtype, sum)
    run, one = pack.tables(sources)
    runs, rest = len(run) // (block + 1), len(one) // 2
    parts = blocks(len(sources) * columns * block, 8192)
    per_group = groups.written if groups.is_depthwise or site.op.name == "conv" else groups.read
    values = {
        "weights": weight.ptr, "packed": Ptr(packed), "run": run, "one": one, "elements": len(sources),
        "parts": parts, "run_part": blocks(runs, max(parts, 1)), "runs": runs, "rest_part": blocks(rest, max(parts, 1)), "rest": rest,
        "channel_tiles": channel_tiles, "group_channels": groups.written, "channels": site.outputs[0].shape[1],
        "group_stride": per_group * weight.strides[0], "lane_stride": lane,
    }  # fmt: skip
    units = groups.count * channel_tiles * parts
    return packed, _call(pack.kernel, pack.words, values, units, [weight.ptr.buffer], [packed], "pack weights")


def _regroup(site: Site, groups: Groups, group_blocks: int, plane: int, sums: Buffer, sum: dtype) -> Call:
    out, finish = site.outputs[0], Finish.of(site)
    kernel = Regroup(sum, finish)
    values = {"sums": Ptr(sums), **finish.values(site.results, site.operands), "blocks": blocks(out.shape[1], block_of(site)), "plane": plane}
    values |= {"group_channels": groups.written, "group_blocks": group_blocks, "real_channels": out.shape[1]}
    reads = [sums, *(place.ptr.buffer for place in site.operands if isinstance(place, Place))]
    units = out.shape[0] * values["blocks"]
    return _call(kernel.kernel, kernel.words, values, units, reads, [place.ptr.buffer for place in site.results], "regroup channels")


# ---------------------------------------------------------------- weights


def _conv_weight_grad(site: Site) -> list[Call]:
    x, y = site.inputs
    (out,) = site.outputs
    block, sum = block_of(site), accumulator(x.dtype)
    kernel_size, places = three(out.shape[2:], 1), three(y.shape[2:], 1)
    groups = Groups.of(site.param("groups"), x.shape[1], y.shape[1], block)
    dims = geometry.forward_dims(*_geometry(site, x.shape[2:], y.shape[2:], out.shape[2:]))
    a, layout, before = _read(site, x, dims, groups, "input")
    grad, grad_layout, more = _read(site, y, None, replace(groups, read=groups.written), "gradient")
    before += more
    # Rows: (input channel, tap), in the order of the weights. Places: chunks of the output plane.
    row_offsets = np.concatenate([p.offsets for p in geometry.phases(_taps_only(dims), layout, groups.read, 1, (0, 0, 0))] or [np.zeros(0, int)])
    taps = prod(kernel_size)
    row_offsets = _channels_first(row_offsets, groups.read, taps, layout.block)
    steps = [dim.in_step * stride for dim, stride in zip(dims, layout.dims)]
    grid = np.indices(places).reshape(3, -1)
    offsets = (grid * np.array(steps)[:, None]).sum(0)
    chunk = geometry.chunks([offsets])
    group_blocks = blocks(groups.written, block)
    run, run_step = _runs(row_offsets)
    ways = [(rows, 1, blocks(len(row_offsets), rows)) for rows in range(1, MOST_ROWS + 1)]
    ways += [(rows, run, blocks(len(row_offsets), rows)) for rows in range(run, MOST_ROWS + 1, run) if run > 1]
    shape = _shape(site.target, sum, block, groups.is_depthwise, chunk, group_blocks, len(offsets), run_step, ways, False)
    rows, columns, length = shape.rows, shape.columns, shape.chunk
    runs = (shape.run, run_step) if shape.run > 1 else (1, 0)
    tile = Tile(rows, columns, length, chunk.step, block, block, groups.is_depthwise, x.dtype, y.dtype, sum, *runs)
    kernel = Weights(tile)
    channel_tiles, width = blocks(group_blocks, columns), columns * block

    images, n_chunks, n_rows = x.shape[0], len(offsets) // length, len(row_offsets)
    work = images * len(offsets) * n_rows * groups.count * group_blocks * block
    touched = columns * block * y.dtype.itemsize + prod(dim.in_step for dim in dims) * min(layout.block, groups.read) * x.dtype.itemsize
    passes = _passes(site.target, images, n_chunks, length, touched)
    units = groups.count * channel_tiles
    row_chunk = _row_chunk(n_rows, rows, units)
    row_chunks = blocks(n_rows, row_chunk)
    n_passes = blocks(images, passes["pass_images"]) * passes["strips"]
    splits = max(min(blocks(FEW_UNITS, max(units * row_chunks, 1)), n_passes, work // (max(units * row_chunks, 1) * SMALLEST_UNIT // 2)), 1)
    split_passes = blocks(n_passes, splits)
    splits = blocks(n_passes, split_passes) if n_passes else 0
    panel = n_rows * width
    sums = Buffer(max(splits * units * panel * sum.itemsize, 1), "sums of weights")
    values = {
        "a": a, "b": grad, "result": Ptr(sums), "row": row_offsets.tolist(), "place": offsets[::length].tolist(),
        "groups": groups.count, "channel_tiles": channel_tiles, "row_chunks": row_chunks, "row_chunk": row_chunk, "rows": n_rows,
        "passes": n_passes, "split_passes": split_passes, **passes, "chunks": n_chunks, "images": images,
        "a_image": layout.image, "a_group": layout.group, "b_image": grad_layout.image, "b_block": grad_layout.channel,
        "group_blocks": group_blocks, "panel": panel,
    }  # fmt: skip
    label = f"conv_weight_grad {'x'.join(map(str, out.shape))} from {'x'.join(map(str, y.shape))}"
    flops = 2 * images * len(offsets) * n_rows * y.shape[1]
    main = _call(kernel.kernel, kernel.words, values, splits * units * row_chunks, [a.buffer, grad.buffer], [sums], label, flops)

    combine = Combine(width, block, sum, out.dtype)
    part = 64
    values = {
        "sums": Ptr(sums), "weights": out.ptr, "channel_tiles": channel_tiles, "rows": n_rows, "part": part, "parts": blocks(n_rows, part),
        "splits": splits, "split_stride": units * panel, "group_channels": groups.written, "channels": out.shape[0],
    }  # fmt: skip
    last = _call(combine.kernel, combine.words, values, units * values["parts"], [sums], [out.ptr.buffer], "combine weight gradient")
    return [*before, main, last] if main.units else [last]


def _taps_only(dims: tuple[Dim, ...]) -> list[Dim]:
    """The dims as if there were one output: `phases` then lists what each (channel, tap) reads for it."""
    return [replace(dim, phases=tuple(p._replace(count=1) for p in dim.phases)) for dim in dims]


def _runs(offsets: np.ndarray) -> tuple[int, int]:
    """(length, step) of the longest runs of evenly spaced offsets that they all divide into, at most MOST_ROWS long."""
    for length in range(MOST_ROWS, 1, -1):
        if len(offsets) and len(offsets) % length == 0:
            moves = np.diff(offsets.reshape(-1, length), axis=1)
            if (moves == moves[0, 0]).all():
                return length, int(moves[0, 0])
    return 1, 0


def _channels_first(offsets: np.ndarray, channels: int, taps: int, block: int) -> np.ndarray:
    """From the order (block of channels, tap, channel of the block) to (channel, tap)."""
    found, at = [], 0
    for first in range(0, channels, block):
        n = min(block, channels - first)
        found.append(offsets[at : at + n * taps].reshape(taps, n).T.ravel())
        at += n * taps
    return np.concatenate(found) if found else offsets


def _passes(target: Target, images: int, chunks: int, chunk: int, touched: int) -> dict[str, int]:
    """How the places are cut into passes whose data, `touched` bytes a place, fill about half of the first cache."""
    places = max(target.l1 * 5 // 8 // touched, 64)
    strips = max(blocks(chunks * chunk, places), 1)
    strip = blocks(chunks, strips)
    whole = max(min(places // max(chunks * chunk, 1), images), 1) if strips == 1 else 1
    return {"strips": strips, "strip": strip, "pass_images": whole}


def _row_chunk(n_rows: int, rows: int, others: int) -> int:
    """How many rows a unit takes: all of them, unless there are too few units without cutting."""
    wanted = max(blocks(2 * FEW_UNITS, max(others, 1)), 1)
    tiles = blocks(max(n_rows, 1), rows)
    return max(blocks(tiles, wanted), min(8, tiles)) * rows


__all__ = ["calls", "fuses", "takes"]

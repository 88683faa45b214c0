"""Direct convolution and its two gradients in blocked layout: which calls a node becomes.

    conv, conv_input_grad    [stage the input]  pack the weights  → outputs  [→ regroup]
    conv_weight_grad         [stage the input]  [stage the output's gradient]  → weights → combine

The loops are in conv_emit.py, what moves data around them in conv_stage.py; what they sum over is worked out in
conv_geometry.py, how the work is cut in conv_plan.py.

An input is staged (copied) only where the kernel reaches over its border, or where groups do not fill their blocks of
channels. When every channel is a group of its own (depthwise), the lanes are the groups, and a block of channels takes
the part of a group.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from suiren.compiler.kernels import conv_geometry as geometry
from suiren.compiler.kernels import conv_plan as plan
from suiren.compiler.kernels import conv_winograd as winograd
from suiren.compiler.kernels.blocked import Finish, blocks
from suiren.compiler.kernels.conv_calls import Groups, buffers_of, call_of, combine, input_of, pack_weights, regroup
from suiren.compiler.kernels.conv_emit import PHASE_WORDS, Outputs, Tile, Weights
from suiren.compiler.kernels.conv_geometry import Dim, Layout, Phase, three
from suiren.compiler.kernels.words import accumulator
from suiren.compiler.program import Buffer, Call, Place, Ptr, Site
from suiren.trace.op import Op
from suiren.trace.spec import Spec

FEW_CHANNELS = 4  # blocking so few channels would at least double them


def takes(op: Op, params: tuple, index: int, place: Place) -> bool:
    """Weights may lie at any strides, and so may the input of a convolution if it has few channels."""
    if place.block or index == 1 and op.name != "conv_weight_grad":
        return True
    is_input = index == 0 and op.name != "conv_input_grad"
    return is_input and op.param(params, "groups") == 1 and place.shape[1] <= FEW_CHANNELS


def fuses(op: Op, params: tuple, inputs: tuple[Spec | type, ...]) -> frozenset[str]:
    return frozenset(() if op.name == "conv_weight_grad" else ("same", "last", "scalar", "number"))


def calls(site: Site) -> list[Call]:
    make = {"conv": _conv, "conv_input_grad": _conv_input_grad, "conv_weight_grad": _conv_weight_grad}
    return make[site.op.name](site)


def _geometry(site: Site, size, out, kernel_size) -> tuple:
    return (size, out, kernel_size, *(site.param(name) for name in ("stride", "padding", "dilation")))


# ---------------------------------------------------------------- outputs


def _conv(site: Site) -> list[Call]:
    x, weight = site.inputs
    groups = Groups.of(site.param("groups"), x.shape[1], weight.shape[0], site.block)
    dims = geometry.forward_dims(*_geometry(site, x.shape[2:], site.outputs[0].shape[2:], weight.shape[2:]))
    lane, channel, *taps = weight.strides
    return _outputs(site, groups, dims, lane, channel, taps, groups.written)


def _conv_input_grad(site: Site) -> list[Call]:
    y, weight = site.inputs
    groups = Groups.of(site.param("groups"), y.shape[1], site.outputs[0].shape[1], site.block)
    dims = geometry.backward_dims(*_geometry(site, site.outputs[0].shape[2:], y.shape[2:], weight.shape[2:]))
    channel, lane, *taps = weight.strides
    if groups.is_depthwise:
        return _outputs(site, groups, dims, channel, channel, taps, groups.written)
    return _outputs(site, groups, dims, lane, channel, taps, groups.read)


def _outputs(
    site: Site, groups: Groups, dims: tuple[Dim, ...], lane: int, channel: int, taps: list[int], group_weights: int
) -> list[Call]:
    """`lane`, `channel` and `taps` are strides of the weights: between the channels that are written, those that are
    read, and along D H W; a group has `group_weights` of the weights' first dim."""
    x, weight, out = site.inputs[0], site.inputs[1], site.outputs[0]
    if winograd.pays(x, out, weight.shape, groups.count, dims):
        return winograd.outputs(site, dims, lane, channel, taps)
    block, wide = site.block, accumulator(x.dtype)
    a, layout, before = input_of(site, x, dims, groups, "input")
    phases = geometry.phases(dims, layout, groups.read, channel, three(taps, 0))
    elements = max((len(phase.offsets) for phase in phases), default=0)
    group_blocks = blocks(groups.written, block)

    a_w = dims[2].in_step * layout.dims[2]
    chunk = geometry.chunks([phase.offsets for phase in phases])
    machine = plan.Machine(site.target, wide, block, groups.is_depthwise)
    ways = plan.ways_over_places(phases)
    rows, columns, length, run = plan.shape(machine, ways, a_w, group_blocks, chunk, elements, True)
    runs = (run, a_w) if run > 1 else (1, 0)
    width = columns * block
    tile = Tile(rows, columns, length, chunk.step, width, block, groups.is_depthwise, x.dtype, wide, wide, *runs)
    channel_tiles = blocks(group_blocks, columns)
    packed, pack = pack_weights(site, groups, phases, columns, channel_tiles, lane, group_weights, wide)

    size = three(out.shape[2:], 1)
    fills = groups.fill(groups.written, block)
    out_blocks = blocks(out.shape[1], block) if fills else groups.count * group_blocks
    if fills:
        finish = Finish.of(site)
        ends, read, written = (
            finish.values(site.results, site.operands),
            buffers_of(site.operands),
            buffers_of(site.results),
        )
    else:
        finish, read = Finish.plain(wide, block), []
        written = [Buffer(out.shape[0] * out_blocks * prod(size) * block * wide.itemsize, "sums of groups")]
        ends = {"result0": Ptr(written[0])}

    # A chunk of places is counted in places, in tiles of `rows`, or, where tiles lie in rows of the grid, in those.
    images, panel = out.shape[0], sum(len(phase.offsets) for phase in phases) * width
    grids = [phase.grid for phase in phases]
    places = max((prod(grid if run == 1 else grid[:2]) for grid in grids), default=0)
    per_row = 1 if run == 1 else max(grid[2] for grid in grids)
    sums = images * groups.count * sum(prod(phase.grid) * len(phase.offsets) for phase in phases)
    channel_chunk, place_chunk = plan.output_units(
        site.target,
        sums * group_blocks * block,
        images * len(phases) * groups.count,
        places,
        rows if run == 1 else 1,
        elements * width * per_row,
        channel_tiles,
        panel * wide.itemsize,
    )
    values = {
        "a": a, "b": Ptr(packed), **ends,
        "channel_chunks": blocks(channel_tiles, channel_chunk), "channel_chunk": channel_chunk,
        "channel_tiles": channel_tiles, "groups": groups.count, "images": images, "phases": len(phases),
        "place_chunks": blocks(places, place_chunk), "place_chunk": place_chunk,
        "a_image": layout.image, "a_group": layout.group, "panel": panel,
        "out_blocks": out_blocks, "group_blocks": group_blocks, "plane": prod(size),
        "out_d": dims[0].out_step * size[1] * size[2], "out_h": dims[1].out_step * size[2], "out_w": dims[2].out_step,
        "phase": _phase_table(phases, length, size),
        "offsets": [offset for phase in phases for offset in phase.offsets[::length].tolist()],
    }  # fmt: skip
    values |= {f"a_{axis}": dim.in_step * stride for axis, dim, stride in zip("dhw", dims, layout.dims)}
    units = values["channel_chunks"] * groups.count * images * len(phases) * values["place_chunks"]
    dims_used = max((3 - next((i for i, n in enumerate(grid) if n > 1), 2) for grid in grids), default=1)
    kernel = Outputs(tile, dims_used, finish)
    label = f"{site.op.name} {'x'.join(map(str, weight.shape))} to {'x'.join(map(str, out.shape))}"
    reads = [a.buffer, packed, *read]
    main = call_of(kernel.kernel, kernel.words, values, units, reads, written, label, 2 * sums * groups.written)
    return [*before, pack, main] if fills else [*before, pack, main, regroup(site, groups, written[0], wide)]


def _phase_table(phases: list[Phase], chunk: int, size: tuple[int, ...]) -> list[int]:
    table, first = [], 0
    for phase in phases:
        d, h, w = phase.out
        words = [len(phase.offsets) // chunk, first, *phase.grid, (d * size[1] + h) * size[2] + w]
        assert len(words) == PHASE_WORDS
        table += words
        first += words[0]
    return table


# ---------------------------------------------------------------- weights


def _conv_weight_grad(site: Site) -> list[Call]:
    x, y = site.inputs
    (out,) = site.outputs
    block, wide = site.block, accumulator(x.dtype)
    groups = Groups.of(site.param("groups"), x.shape[1], y.shape[1], block)
    dims = geometry.forward_dims(*_geometry(site, x.shape[2:], y.shape[2:], out.shape[2:]))
    if winograd.pays(x, y, out.shape, groups.count, dims):
        return winograd.weights(site, dims)
    a, layout, before = input_of(site, x, dims, groups, "input")
    grad, grad_layout, more = input_of(site, y, None, replace(groups, read=groups.written), "gradient")

    rows_at = _rows(dims, layout, groups.read)
    places_at = _places(dims, layout, three(y.shape[2:], 1))
    chunk, (run, run_step) = geometry.chunks([places_at]), plan.runs(rows_at)
    group_blocks = blocks(groups.written, block)
    machine = plan.Machine(site.target, wide, block, groups.is_depthwise)
    ways = plan.ways_over_rows(len(rows_at), run)
    rows, columns, length, run = plan.shape(machine, ways, run_step, group_blocks, chunk, len(places_at), False)
    runs = (run, run_step) if run > 1 else (1, 0)
    tile = Tile(rows, columns, length, chunk.step, block, block, groups.is_depthwise, x.dtype, y.dtype, wide, *runs)
    channel_tiles, width = blocks(group_blocks, columns), columns * block

    images, chunks, n_rows = x.shape[0], len(places_at) // length, len(rows_at)
    touched = width * y.dtype.itemsize + prod(dim.in_step for dim in dims) * layout.block * x.dtype.itemsize
    strips, strip, pass_images = plan.passes(site.target, images, chunks, length, touched)
    passes = blocks(images, pass_images) * strips
    panels = groups.count * channel_tiles
    row_chunk = plan.rows_of_unit(n_rows, rows, panels)
    units = panels * blocks(n_rows, row_chunk)
    sums = images * len(places_at) * n_rows
    split_passes = plan.split_passes(passes, units, sums * panels * width)
    splits = blocks(passes, split_passes) if passes else 0
    partial = Buffer(max(splits * panels * n_rows * width * wide.itemsize, 1), "sums of weights")
    values = {
        "a": a, "b": grad, "result": Ptr(partial), "row": rows_at.tolist(), "place": places_at[::length].tolist(),
        "groups": groups.count, "channel_tiles": channel_tiles, "row_chunks": blocks(n_rows, row_chunk),
        "row_chunk": row_chunk, "rows": n_rows, "passes": passes, "split_passes": split_passes, "strips": strips,
        "strip": strip, "pass_images": pass_images, "chunks": chunks, "images": images, "a_image": layout.image,
        "a_group": layout.group, "b_image": grad_layout.image, "b_block": grad_layout.channel,
        "group_blocks": group_blocks, "panel": n_rows * width,
    }  # fmt: skip
    kernel = Weights(tile)
    label = f"conv_weight_grad {'x'.join(map(str, out.shape))} from {'x'.join(map(str, y.shape))}"
    reads, flops = [a.buffer, grad.buffer], 2 * sums * y.shape[1]
    main = call_of(kernel.kernel, kernel.words, values, splits * units, reads, [partial], label, flops)

    last = combine(site, groups, Ptr(partial), width, splits, wide)
    return [*before, *more, main, last] if main.units else [last]


def _rows(dims: tuple[Dim, ...], layout: Layout, channels: int) -> np.ndarray:
    """What each (input channel, tap), in the order of the weights, reads for the first output."""
    one = [replace(dim, phases=tuple(p._replace(count=1) for p in dim.phases)) for dim in dims]
    (phase,) = geometry.phases(one, layout, channels, 1, (0, 0, 0))
    taps, found, at = prod(len(dim.phases[0].taps) for dim in dims), [np.zeros(0, int)], 0
    for first in range(0, channels, layout.block):  # (block of channels, tap, channel of the block) -> (channel, tap)
        n = min(layout.block, channels - first)
        found.append(phase.offsets[at : at + n * taps].reshape(taps, n).T.ravel())
        at += n * taps
    return np.concatenate(found)


def _places(dims: tuple[Dim, ...], layout: Layout, size: tuple[int, int, int]) -> np.ndarray:
    """How far from there each output, in row-major order, reads."""
    steps = np.array([dim.in_step * stride for dim, stride in zip(dims, layout.dims)])
    return (np.indices(size).reshape(3, -1) * steps[:, None]).sum(0)


__all__ = ["calls", "fuses", "takes"]

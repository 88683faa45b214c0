"""What the calls of all convolutions have in common: groups, layouts, inputs with their border, packed weights."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from suiren.compiler.kernels.blocked import Finish, blocks
from suiren.compiler.kernels.conv_geometry import Dim, Layout, Phase, three
from suiren.compiler.kernels.conv_stage import Combine, Pack, Regroup, Stage
from suiren.compiler.kernels.words import Words
from suiren.compiler.program import Buffer, Call, Kernel, Place, Ptr, Site
from suiren.dtypes import dtype, float32


@dataclass(frozen=True)
class Groups:
    """How channels are shared out: `count` groups, of `read` channels each on the side that is read, `written` on the
    side that is written."""

    count: int
    read: int
    written: int
    is_depthwise: bool = False

    @classmethod
    def of(cls, groups: int, read: int, written: int, block: int) -> Groups:
        if groups > 1 and groups == read == written:
            return cls(blocks(written, block), 1, block, True)
        return cls(groups, read // groups, written // groups)

    def fill(self, channels: int, block: int) -> bool:
        """Whether groups of so many channels each begin a block."""
        return self.count == 1 or self.is_depthwise or channels % block == 0


def call_of(
    kernel: Kernel,
    words: Words,
    values: dict,
    units: int,
    reads: list[Buffer],
    writes: list[Buffer],
    label: str,
    flops: int = 0,
    part: float = 1.0,
) -> Call:
    """`part`: how much of its buffers it goes over."""
    traffic = int(part * sum(buffer.nbytes for buffer in {*reads, *writes}))
    return Call(
        kernel, words.args(values), units, list(dict.fromkeys(reads)), writes, flops=flops, traffic=traffic, label=label
    )


def buffers_of(places: tuple) -> list[Buffer]:
    return [place.ptr.buffer for place in places if isinstance(place, Place)]


def blocked_layout(shape: tuple[int, ...], block: int, group: int) -> Layout:
    """Of a dense blocked value; `group` is how many blocks a group has."""
    _, h, w = size = three(shape[2:], 1)
    plane = prod(size) * block
    return Layout(blocks(shape[1], block) * plane, group * plane, plane, (h * w * block, w * block, block), block)


def plain_layout(place: Place, group: int) -> Layout:
    image, channel, *strides = place.strides
    return Layout(image, group * channel, channel, three(strides, 0), 1)


def input_of(
    site: Site, x: Place, dims: tuple[Dim, ...] | None, groups: Groups, name: str
) -> tuple[Ptr, Layout, list[Call]]:
    """Where the loops read x, with `groups.read` channels a group: as it lies, or a copy and the call that makes it.

    `dims` None: no place outside of x is read.
    """
    block = site.block
    fills = groups.fill(groups.read, block) or not x.block
    if fills and (dims is None or all(dim.is_inside for dim in dims)):
        if x.block:
            return x.ptr, blocked_layout(x.shape, block, max(groups.read // block, 1)), []
        return x.ptr, plain_layout(x, groups.read), []

    size = three(x.shape[2:], 1)
    reaches = [(0, n - 1) for n in size] if dims is None else [dim.reach for dim in dims]
    low = tuple(first for first, _ in reaches)
    extent = tuple(last - first + 1 for first, last in reaches)
    if x.block:
        source, kind, copied = blocked_layout(x.shape, block, 1), "dense" if fills else "regroup", block
    else:
        source, kind, copied = plain_layout(x, 0), "dense" if x.strides[-1] == 1 else "strided", 1
    per_group = 1 if groups.is_depthwise else blocks(groups.read, copied)
    total, plane, row = groups.count * per_group, prod(extent) * copied, extent[2] * copied
    layout = Layout(total * plane, per_group * plane, plane, (extent[1] * row, row, copied), copied, low)

    staged = Buffer(x.shape[0] * total * plane * x.dtype.itemsize, f"staged {name}")
    stage = Stage(kind, copied, block, site.target.lanes(float32), x.dtype)
    values = {
        "source": x.ptr, "copy": Ptr(staged), "blocks": total, "image_stride": source.image,
        "block_stride": source.channel, "group_channels": groups.read, "group_blocks": per_group,
    }  # fmt: skip
    for axis, stride, n, first, m in zip("dhw", source.dims, size, low, extent):
        values |= {f"stride_{axis}": stride, f"size_{axis}": n, f"low_{axis}": first, f"out_{axis}": m}
    units = x.shape[0] * total * extent[0]
    call = call_of(stage.kernel, stage.words, values, units, [x.ptr.buffer], [staged], f"stage {name}")
    return Ptr(staged), layout, [call]


def pack_weights(
    site: Site,
    groups: Groups,
    phases: list[Phase],
    columns: int,
    channel_tiles: int,
    lane: int,
    group_weights: int,
    wide: dtype,
) -> tuple[Buffer, Call]:
    weight, block = site.inputs[1], site.block
    sources = np.concatenate([np.zeros(0, int), *(phase.sources for phase in phases)])
    packed = Buffer(groups.count * channel_tiles * len(sources) * columns * block * wide.itemsize, "packed weights")
    pack = Pack(columns, block, lane == 1, weight.dtype, wide)
    run, one = pack.tables(sources)
    runs, rest = len(run) // (block + 1), len(one) // 2
    parts = max(blocks(len(sources) * columns * block, 8192), 1)
    values = {
        "weights": weight.ptr, "packed": Ptr(packed), "run": run, "one": one, "elements": len(sources), "parts": parts,
        "runs": runs, "run_part": blocks(runs, parts), "rest": rest, "rest_part": blocks(rest, parts),
        "channel_tiles": channel_tiles, "group_channels": groups.written, "channels": site.outputs[0].shape[1],
        "group_stride": group_weights * weight.strides[0], "lane_stride": lane,
    }  # fmt: skip
    units = groups.count * channel_tiles * parts if len(sources) else 0
    return packed, call_of(pack.kernel, pack.words, values, units, [weight.ptr.buffer], [packed], "pack weights")


def regroup(site: Site, groups: Groups, sums: Buffer, wide: dtype) -> Call:
    out, finish, block = site.outputs[0], Finish.of(site), site.block
    kernel, out_blocks = Regroup(wide, finish), blocks(out.shape[1], block)
    values = {
        "sums": Ptr(sums), **finish.values(site.results, site.operands), "blocks": out_blocks,
        "plane": prod(out.shape[2:]), "group_channels": groups.written, "group_blocks": blocks(groups.written, block),
        "real_channels": out.shape[1],
    }  # fmt: skip
    reads, writes = [sums, *buffers_of(site.operands)], buffers_of(site.results)
    return call_of(kernel.kernel, kernel.words, values, out.shape[0] * out_blocks, reads, writes, "regroup channels")


def combine(site: Site, groups: Groups, sums: Ptr, width: int, splits: int, wide: dtype) -> Call:
    """Sums (split, group, tile of output channels, (channel, tap), column, lane) to the gradient of the weights."""
    out, block, part = site.outputs[0], site.block, 64
    kernel = Combine(width, block, wide, out.dtype)
    channel_tiles, rows = blocks(groups.written, width), prod(out.shape[1:])
    panels = groups.count * channel_tiles
    values = {
        "sums": sums, "weights": out.ptr, "channel_tiles": channel_tiles, "rows": rows, "part": part,
        "parts": blocks(rows, part), "splits": splits, "split_stride": panels * rows * width,
        "group_channels": groups.written, "channels": out.shape[0],
    }  # fmt: skip
    units = panels * values["parts"]
    return call_of(kernel.kernel, kernel.words, values, units, [sums.buffer], [out.ptr.buffer], "combine weight gradient")

"""How the work of a convolution is cut: the register tile of its inner loop, what a unit does, what stays in which cache. All from sizes alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import ceil, prod
from typing import NamedTuple

import numpy as np

from suiren.compiler.emit.target import Target
from suiren.compiler.kernels.blocked import blocks
from suiren.compiler.kernels.conv_geometry import Chunks, Phase
from suiren.dtypes import dtype

# A unit should take some ten microseconds: long beside what it costs to start one, short beside a whole layer.
# In multiplications.
SMALLEST_UNIT, LARGEST_UNIT = 400_000, 4_000_000
ENOUGH_UNITS = 64
FEW_UNITS = 16  # with fewer than that, what is cut less than it could be is cut more

MOST_ROWS = 14
# Multiplications that an inner loop is written out for: more take longer to compile, and no less time to run.
LONGEST_BODY = 112


class Machine(NamedTuple):
    """What a register tile is made of: vectors of `block` sums; `is_vector`: its rows are vectors, too (depthwise)."""

    target: Target
    sum: dtype
    block: int
    is_vector: bool


class Shape(NamedTuple):
    """Of a register tile: rows (in runs of `run`), columns, and the length of the chunks its loop is written out for."""

    rows: int
    columns: int
    chunk: int
    run: int


class Way(NamedTuple):
    """One way to cover all rows: `tiles` tiles of `rows` rows, in runs of `run`."""

    rows: int
    run: int
    tiles: int


def shape(
    machine: Machine,
    ways: Iterable[Way],
    run_step: int,
    channel_blocks: int,
    chunk: Chunks,
    elements: int,
    streams: bool,
) -> Shape:
    """The register tile that takes the fewest cycles, by a simple count of instructions.

    A tile sums `elements` elements for `channel_blocks` blocks of channels; `run_step` lies between the rows of a run.
    `streams`: every tile goes over columns that lie one after another in memory.
    """
    target, wide = machine.target, machine.sum
    registers = max(machine.block * wide.itemsize // target.vector_bytes, 1)  # of a vector
    a_registers = registers if machine.is_vector else 1
    best, least = Shape(1, 1, 1, 1), float("inf")
    for rows, run, tiles in ways:
        for length in chunk.lengths:
            reads = len({j * chunk.step + i * run_step for j in range(length) for i in range(run)})
            slides = reads < length * run  # all columns of a chunk are held, and each element is read once
            for columns in range(1, min(channel_blocks, 4) + 1):
                sums, held = rows * columns, columns * (length if slides else 1)
                fits = (sums + held) * registers + a_registers <= target.registers or sums == 1
                if not fits or sums * length > LONGEST_BODY:
                    break
                # Two multiplications and two loads a cycle; a sum can take part in one every four cycles. Of more than
                # 8 pointers some are loaded anew. Columns that do not stay in the first cache come at 16 bytes a cycle.
                loads = rows // run * reads * a_registers + columns * registers * length + max(rows // run - 8, 0)
                column_bytes = columns * machine.block * wide.itemsize
                streamed = column_bytes / 16 if streams and elements * column_bytes > target.l1 // 2 else 0
                cycles = max(sums * registers * length / 2, loads / 2, 4.3 * length, streamed * length) + 0.5
                around = 20 + (5 if run == 1 else 3) * rows + 4 * sums  # pointers before it, results behind it
                cost = ceil(channel_blocks / columns) * tiles * (elements / length * cycles + around)
                if cost < least:
                    best, least = Shape(rows, columns, length, run), cost
    return best


def ways_over_places(phases: Sequence[Phase]) -> list[Way]:
    """Tiles of places that follow each other across the ends of rows, with a pointer each, or that lie in a row, with
    one for all."""
    if not phases:
        return []
    depth, height, width = max((phase.grid for phase in phases), key=prod)
    longest = min(MOST_ROWS, *(phase.grid[2] for phase in phases))
    found = [Way(rows, 1, blocks(depth * height * width, rows)) for rows in range(1, MOST_ROWS + 1)]
    return found + [Way(rows, rows, depth * height * blocks(width, rows)) for rows in range(2, longest + 1)]


def ways_over_rows(count: int, run: int) -> list[Way]:
    """Tiles of any rows, with a pointer each, or of several runs."""
    found = [Way(rows, 1, blocks(count, rows)) for rows in range(1, MOST_ROWS + 1)]
    return found + [Way(rows, run, blocks(count, rows)) for rows in range(run, MOST_ROWS + 1, run) if run > 1]


def runs(offsets: np.ndarray) -> tuple[int, int]:
    """(length, step) of the longest runs of evenly spaced offsets that they all divide into, at most MOST_ROWS long."""
    for length in range(MOST_ROWS, 1, -1):
        if len(offsets) and len(offsets) % length == 0:
            moves = np.diff(offsets.reshape(-1, length), axis=1)
            if (moves == moves[0, 0]).all():
                return length, int(moves[0, 0])
    return 1, 0


# ---------------------------------------------------------------- outputs


def unit_work(total: int) -> int:
    """How many multiplications a unit should have."""
    return min(max(total // ENOUGH_UNITS, SMALLEST_UNIT), LARGEST_UNIT)


def output_units(
    target: Target, work: int, planes: int, places: int, rows: int, per_place: int, channel_tiles: int, panel_bytes: int
) -> tuple[int, int]:
    """(tiles of output channels, places) of a unit, whose weights should stay in the second cache.

    There are `planes` times `places` places, taken in multiples of `rows`, and a place has `per_place` multiplications
    for one tile of output channels, whose weights take `panel_bytes`.
    """
    wanted, channel_chunk = unit_work(work), channel_tiles
    if channel_tiles * panel_bytes > target.l2 // 2:
        channel_chunk = max(target.l2 // 4 // panel_bytes, 1)
    while True:
        each = max(per_place * channel_chunk, 1)
        place_chunk = min(max(round(wanted / each / rows), 1), blocks(max(places, 1), rows)) * rows
        units = planes * blocks(places, place_chunk) * blocks(channel_tiles, channel_chunk)
        if units >= FEW_UNITS or channel_chunk == 1 or place_chunk * each <= SMALLEST_UNIT:
            return channel_chunk, place_chunk
        channel_chunk = (channel_chunk + 1) // 2


# ---------------------------------------------------------------- weights


class Passes(NamedTuple):
    """How the places of all images are cut into passes: `strips` strips of `strip` chunks for `images` images at once."""

    strips: int
    strip: int
    images: int


def passes(target: Target, images: int, chunks: int, chunk: int, touched: int) -> Passes:
    """Passes whose data, `touched` bytes a place, leave room in the first cache for sums and weights' places."""
    places = max(target.l1 * 5 // 8 // touched, 64)
    strips = max(blocks(chunks * chunk, places), 1)
    several = max(min(places // max(chunks * chunk, 1), images), 1) if strips == 1 else 1
    return Passes(strips, blocks(chunks, strips), several)


def rows_of_unit(count: int, rows: int, others: int) -> int:
    """How many rows a unit takes: all of them, unless that makes too few units with `others` units beside each other."""
    wanted = max(blocks(2 * FEW_UNITS, max(others, 1)), 1)
    tiles = blocks(max(count, 1), rows)
    return max(blocks(tiles, wanted), min(8, tiles)) * rows


def split_passes(count: int, units: int, work: int) -> int:
    """How many passes a unit does: all `count` of them, unless there are too few units for much work."""
    units = max(units, 1)
    splits = max(min(blocks(FEW_UNITS, units), count, 2 * work // (units * SMALLEST_UNIT)), 1)
    return blocks(count, splits)

"""Which input elements and weights meet in each output of a convolution: offsets and counts, worked out when a program
is compiled.

Everything is brought to three spatial dims, D H W. A sum runs over *elements*: for element e of an output at place q of
its grid, the kernel reads the input at `origin + q · steps + offsets[e]` and the weight at `sources[e]`. With tables of
offsets any kernel size, stride, padding and dilation is the same loop.

The input gradient is such a sum too. Of stride s, the inputs i with the same (i + padding) mod s see the same kernel
taps: they are a *phase*, a grid of their own with its own elements, and nothing is ever multiplied by zeros between the
gradients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import NamedTuple

import numpy as np

MAX_CHUNK = 12  # elements in a row that the inner loop is written out for


class Taps(NamedTuple):
    """One dim of a phase: `count` outputs, `origin` + q * out_step; kernel tap k reads the input at q * in_step + c for
    each (k, c).
    """

    origin: int
    count: int
    taps: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Dim:
    """One spatial dim of the problem: all its phases. `size` is the extent of the input that is read."""

    size: int
    phases: tuple[Taps, ...]
    in_step: int
    out_step: int

    @property
    def reach(self) -> tuple[int, int]:
        """The first and last places of the input that are read, which may lie outside of it; (0, -1) if there are
        none.
        """
        ends = [(c, (p.count - 1) * self.in_step + c) for p in self.phases for _, c in p.taps if p.count]
        return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else (0, -1)

    @property
    def is_inside(self) -> bool:
        low, high = self.reach
        return low >= 0 and high < self.size


def three(values: Sequence, fill) -> tuple:
    """One value per spatial dim, for D, H and W."""
    return (*(fill,) * (3 - len(values)), *values)


def forward_dims(size, out, kernel_size, stride, padding, dilation) -> tuple[Dim, Dim, Dim]:
    """The dims of `conv`: size is that of x, out that of y."""
    dims = []
    for n, q, k, s, (low, _), d in zip(size, out, kernel_size, stride, padding, dilation):
        dims.append(Dim(n, (Taps(0, q, tuple((t, t * d - low) for t in range(k))),), s, 1))
    return three(dims, Dim(1, (Taps(0, 1, ((0, 0),)),), 1, 1))


def backward_dims(size, out, kernel_size, stride, padding, dilation) -> tuple[Dim, Dim, Dim]:
    """The dims of `conv_input_grad`: what is read is y (size `out`), what is written has `size`."""
    dims = []
    for n, q, k, s, (low, _), d in zip(size, out, kernel_size, stride, padding, dilation):
        phases = []
        for i in range(min(s, n)):  # input i + m * s, seen by output m + c through the taps for which c is whole
            taps = tuple((t, (i + low - t * d) // s) for t in reversed(range(k)) if (i + low - t * d) % s == 0)
            phases.append(Taps(i, -(-(n - i) // s), taps))
        dims.append(Dim(q, tuple(phases) or (Taps(0, 0, ()),), 1, s))
    return three(dims, Dim(1, (Taps(0, 1, ((0, 0),)),), 1, 1))


@dataclass(frozen=True)
class Layout:
    """How the input lies: element strides of images, groups, blocks of channels inside a group, and the three dims;
    `block` channels lie side by side.
    """

    image: int
    group: int
    channel: int
    dims: tuple[int, int, int]
    block: int
    low: tuple[int, int, int] = (0, 0, 0)  # the place of its first element: not 0 where it was staged with a border

    def at(self, place: Sequence[int]) -> int:
        return sum((p - low) * stride for p, low, stride in zip(place, self.low, self.dims))


class Phase(NamedTuple):
    """The sum behind one grid of outputs. `sources` are offsets in the weights of the first output channel."""

    grid: tuple[int, int, int]
    out: tuple[int, int, int]  # the place of the grid's first output
    offsets: np.ndarray
    sources: np.ndarray


def phases(
    dims: Sequence[Dim], layout: Layout, channels: int, channel_stride: int, tap_strides: Sequence[int]
) -> list[Phase]:
    """All phases with outputs, over `channels` channels of one group; the strides are those of the weights. Offsets
    count from where grid place 0 stands.
    """
    per_block = [range(first, min(first + layout.block, channels)) for first in range(0, channels, layout.block)]
    found = []
    for parts in product(*(dim.phases for dim in dims)):
        grid = tuple(p.count for p in parts)
        if not prod(grid):
            continue
        taps = list(product(*(p.taps for p in parts)))
        tap_offsets = np.array([layout.at([c for _, c in tap]) for tap in taps], np.int64)
        tap_sources = np.array([sum(k * s for (k, _), s in zip(tap, tap_strides)) for tap in taps], np.int64)
        offsets, sources = [], []
        for i, block in enumerate(per_block):
            inner = np.arange(len(block))
            offsets.append((i * layout.channel + tap_offsets[:, None] + inner).ravel())
            sources.append(((block.start + inner) * channel_stride + tap_sources[:, None]).ravel())
        joined = (np.concatenate(a).astype(np.int64) if a else np.zeros(0, np.int64) for a in (offsets, sources))
        found.append(Phase(grid, tuple(p.origin for p in parts), *joined))
    return found


class Chunks(NamedTuple):
    """Elements grouped by any of `lengths`: in every chunk the input moves by `step` from one element to the next."""

    lengths: tuple[int, ...]
    step: int


def chunks(tables: Sequence[np.ndarray], longest: int = MAX_CHUNK) -> Chunks:
    """How long chunks may be so that all tables of offsets divide into them. The first two elements say what the step
    is, so all lengths agree on it.
    """
    lengths, step = [1], 1
    for length in range(2, longest + 1):
        if any(len(table) % length for table in tables):
            continue
        moves = [np.diff(table.reshape(-1, length), axis=1).ravel() for table in tables]
        moves = np.concatenate(moves) if moves else np.zeros(0, int)
        if len(moves) and (moves == moves[0]).all():
            lengths.append(length)
            step = int(moves[0])
    return Chunks(tuple(lengths), step)

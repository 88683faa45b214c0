"""Waves: which calls of a program may run at the same time, and how the work of a wave is cut into chunks.

A call belongs to the wave after the last one that it depends on: one that writes what it reads or writes, or reads what it writes.
Memory is told apart by table slot and byte range, so temporaries that memory planning laid in one place depend on each other.
All of it goes by the program and by sizes: never by what happens to be free at the time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

from suiren.compiler.program import Buffer, Call

# A rough price of work on one core, to tell what is worth sharing: nobody measures anything.
FLOPS_PER_US = 20_000
BYTES_PER_US = 10_000
CALL_US = 0.1

SHARE_US = 8.0  # a wave below this stays on the caller's thread: handing it over costs a microsecond or two on each side
CHUNK_US = 3.0  # the least work of a chunk
WAKE_US = 60.0  # the least work, of a wave or of all shared waves of a program, for which sleeping workers are woken


def work_us(call: Call) -> float:
    """About how many microseconds a call takes one core."""
    return CALL_US + max(call.flops / FLOPS_PER_US, call.traffic / BYTES_PER_US)


class Chunk(NamedTuple):
    call: int  # place in the program's list of calls
    begin: int
    end: int


class Wave(NamedTuple):
    calls: list[int]  # places in the program's list
    chunks: list[Chunk]  # empty: not worth sharing
    work: float  # microseconds, about


class _Levels:
    """For one slot: in which wave each byte was last written, and last read. A list of pieces, each [first byte, written, read]."""

    def __init__(self):
        self.pieces: list[list[int]] = [[0, -1, -1]]

    def _cut(self, at: int) -> int:
        i = bisect_left(self.pieces, [at])
        if i == len(self.pieces) or self.pieces[i][0] != at:
            self.pieces.insert(i, [at, *self.pieces[i - 1][1:]])
        return i

    def _range(self, begin: int, end: int) -> list[list[int]]:
        first = self._cut(begin)
        return self.pieces[first : self._cut(end)]

    def after(self, begin: int, end: int, is_write: bool) -> int:
        """The first wave in which these bytes may be accessed."""
        return 1 + max(max(p[1], p[2]) if is_write else p[1] for p in self._range(begin, end))

    def note(self, begin: int, end: int, wave: int, is_write: bool) -> None:
        for p in self._range(begin, end):
            if is_write:
                p[1] = p[2] = max(wave, p[1])
            else:
                p[2] = max(wave, p[2])


def _bytes(buffer: Buffer) -> tuple[int, int]:
    return buffer.offset, buffer.offset + max(buffer.nbytes, 1)


def levels(calls: Sequence[Call]) -> list[int]:
    """The wave of every call, in an order that keeps every dependency of the given one.

    A call that writes a leaf or an output waits for the checks, which come before it: bad data harms nothing.
    """
    memory: dict[int | None, _Levels] = {}
    found, last_check = [], -1
    for call in calls:
        reads = [(b.slot, *_bytes(b), False) for b in call.reads]
        writes = [(b.slot, *_bytes(b), True) for b in (*call.writes, *call.scratch)]
        wave = 0
        for slot, begin, end, is_write in (*reads, *writes):
            wave = max(wave, memory.setdefault(slot, _Levels()).after(begin, end, is_write))
            if is_write and slot is not None:
                wave = max(wave, last_check + 1)
        for slot, begin, end, is_write in (*reads, *writes):
            memory[slot].note(begin, end, wave, is_write)
        if call.check is not None:
            last_check = max(last_check, wave)
        found.append(wave)
    return found


def cut(calls: Sequence[Call], chosen: Sequence[int], threads: int) -> list[Chunk]:
    """The chunks of some calls, in the order in which they are claimed: large ones first, small ones at the end, so that all threads finish together.

    Each takes a 2·threads-th part of the work that is left, at least CHUNK_US, and belongs to one call.
    """
    left = sum(work_us(calls[i]) for i in chosen)
    chunks = []
    for i in chosen:
        call, at = calls[i], 0
        per_unit = work_us(call) / max(call.units, 1)
        while at < call.units:
            wanted = max(left / (2 * threads), CHUNK_US)
            take = min(max(int(wanted / per_unit), 1), call.units - at)
            if (call.units - at - take) * per_unit < CHUNK_US / 2:
                take = call.units - at  # no crumbs
            chunks.append(Chunk(i, at, at + take))
            at += take
            left -= take * per_unit
    return chunks


def waves(calls: Sequence[Call], threads: int) -> list[Wave]:
    """The waves of a program, in order, cut for so many threads. Within a wave the calls with most work come first."""
    by_level: dict[int, list[int]] = {}
    for i, level in enumerate(levels(calls)):
        by_level.setdefault(level, []).append(i)
    found = []
    for _, chosen in sorted(by_level.items()):
        chosen.sort(key=lambda i: (-work_us(calls[i]), i))
        work = sum(work_us(calls[i]) for i in chosen)
        chunks = cut(calls, chosen, threads) if threads > 1 and work >= SHARE_US else []
        found.append(Wave(chosen, chunks if len(chunks) > 1 else [], work))
    return found

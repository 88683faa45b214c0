"""A program as flat arrays of 64-bit words, in the layout that native.py describes."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence

from suiren.compiler.program import ARENA, Call, Ptr
from suiren.runtime.buffers import Buffer
from suiren.runtime.native import CALL_WORDS, CHUNK_WORDS, PROGRAM_WORDS, WAVE_WORDS
from suiren.runtime.waves import WAKE_US, Wave


def lay_out(calls: Sequence[Call], addresses: Sequence[int], waves: Sequence[Wave]) -> Buffer:
    """The arrays: the program's header, its waves, its calls in the order of the waves, the chunks, the arguments of every call."""
    arguments = [words_of(call) for call in calls]
    order = [i for wave in waves for i in wave.calls]
    chunk_count = sum(len(wave.chunks) for wave in waves)
    starts = [0]
    for size in (PROGRAM_WORDS, WAVE_WORDS * len(waves), CALL_WORDS * len(calls), CHUNK_WORDS * chunk_count, *map(len, arguments)):
        starts.append(starts[-1] + size)
    memory = Buffer(8 * starts[-1])
    _, waves_at, calls_at, chunks_at, *arguments_at = (memory.addr + 8 * start for start in starts[:-1])

    wave_words, call_words, chunk_words = [], [], []
    chunks_of: dict[int, list[int]] = {}  # call -> where its chunks are, how many
    for wave in waves:
        wave_words += [calls_at + 8 * len(call_words), len(wave.calls), chunks_at + 8 * len(chunk_words), len(wave.chunks)]
        wave_words += [any(calls[i].check is not None for i in wave.calls), wave.work >= WAKE_US]
        for chunk in wave.chunks:
            chunks_of.setdefault(chunk.call, [chunks_at + 8 * len(chunk_words), 0])[1] += 1
            chunk_words += [addresses[chunk.call], arguments_at[chunk.call], chunk.begin, chunk.end]
        for i in wave.calls:
            where, count = chunks_of.get(i, (0, 0))
            shared = count if count > 1 else 0
            call_words += [addresses[i], arguments_at[i], calls[i].units, where, shared, calls[i].check is not None]
    wakes = sum(wave.work for wave in waves if wave.chunks) >= WAKE_US
    words = [waves_at, len(waves), calls_at, len(order), wakes, *wave_words, *call_words, *chunk_words]
    for more in arguments:
        words += more
    packed = struct.pack("".join("d" if isinstance(w, float) else "q" for w in words), *words)
    ctypes.memmove(memory.addr, packed, len(packed))
    return memory


def words_of(call: Call) -> list[int | float]:
    """The arguments of a call as words: two for a Ptr, one for a number."""
    found: list[int | float] = []
    for argument in call.args:
        if isinstance(argument, Ptr):
            buffer = argument.buffer
            found += [ARENA if buffer.slot is None else buffer.slot, buffer.offset + argument.offset]
        else:
            found.append(argument)
    return found

"""Driver: a program laid out as flat arrays that native code walks (native.py), so that a run costs Python one `pack_into` and one call."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

from suiren.runtime import threads as thread_count
from suiren.runtime.arena import arena
from suiren.runtime.buffers import Buffer

if TYPE_CHECKING:
    from suiren.compiler.program import Call
    from suiren.runtime.waves import Wave


class CheckFailed(Exception):
    """A kernel found bad data (an index out of range). `node` is the trace node that its call computes, `value` the offending value."""

    def __init__(self, node: int, value: int):
        super().__init__(f"node {node} found bad data: {value}")
        self.node, self.value = node, value


class _Block:
    """The memory of one run: what native.py calls a block. Each running thread has one of its own."""

    __slots__ = ("address", "memory", "numbers", "status", "view", "words")

    def __init__(self, program: int, pool: int, table_size: int, numbers_size: int):
        count = 2 + table_size + numbers_size + 2
        self.memory = Buffer(8 * count)
        self.address = self.memory.addr
        self.view = (ctypes.c_char * (8 * count)).from_address(self.address)
        self.words = (ctypes.c_int64 * count).from_address(self.address)
        self.words[0], self.words[1] = program, pool
        self.numbers = self.address + 8 * (2 + table_size)
        self.status = self.numbers + 8 * numbers_size


class Driver:
    """A program that is ready to run.

    calls       in the order for which memory was planned; every buffer has its slot and offset
    addresses   of each call's kernel
    table_size  slots of the table: the three of the runtime, then leaves, then outputs
    numbers_size  how many Python numbers a run gets
    arena_bytes   what the temporaries need
    threads     how many the waves are cut for; by default the cores this process may use. How many take part is `get_num_threads()`.
    """

    _TABLE = 8 * 2  # where the table starts in a block, in bytes

    def __init__(
        self,
        calls: Sequence[Call],
        addresses: Sequence[int],
        table_size: int,
        numbers_size: int = 0,
        arena_bytes: int = 0,
        threads: int | None = None,
    ):
        from suiren.runtime import native, waves

        self.waves: list[Wave] = waves.waves(calls, threads or thread_count.usable_cores())
        self._order = [i for wave in self.waves for i in wave.calls]
        self._table_size, self._numbers_size, self._arena_bytes = table_size, numbers_size, arena_bytes
        self._is_shared = any(wave.chunks for wave in self.waves)
        self._pool = thread_count.pool()
        self._memory = _lay_out(calls, addresses, self.waves)
        self._blocks: list[_Block] = []  # not in use; `pop` and `append` are atomic
        self._pack = None if numbers_size else self._packer(())
        run, run_timed = native.functions()["run"], native.functions()["run_timed"]
        self._run = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(run)
        self._run_timed = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(run_timed)

    def run(self, addresses: Sequence[int], numbers: Sequence[bool | int | float] = ()) -> None:
        """Runs the program on the memory of its leaves, then of its outputs. `numbers` are of the same classes at every run.

        Raises CheckFailed when a kernel found bad data; no call that depends on that one has run then.
        """
        try:
            block = self._blocks.pop()
        except IndexError:
            block = _Block(self._memory.addr, self._pool.address, self._table_size, self._numbers_size)
        if self._is_shared and self._pool.adjusted_for != thread_count._count:
            self._pool.adjust()
        temporaries = arena.take(self._arena_bytes)  # held until the end: a run that a collection starts here may want a larger one
        try:
            self._pack(block.view, self._TABLE, temporaries.addr, block.numbers, block.status, *addresses, *numbers)
        except (TypeError, struct.error):
            self._pack = self._packer(numbers)
            self._pack(block.view, self._TABLE, temporaries.addr, block.numbers, block.status, *addresses, *numbers)
        status = self._run(block.address)
        if status:
            self._fail(block, status)
        self._blocks.append(block)

    def run_timed(self, addresses: Sequence[int], numbers: Sequence[bool | int | float] = ()) -> list[float]:
        """As `run`, one call after the other (each shared among the threads); the seconds that each took."""
        if self._pool.create is None:
            raise NotImplementedError("calls are timed with the C library's clock, which this platform does not have")
        block = _Block(self._memory.addr, self._pool.address, self._table_size, self._numbers_size)
        self._pool.adjust()
        temporaries = arena.take(self._arena_bytes)
        self._packer(numbers)(block.view, self._TABLE, temporaries.addr, block.numbers, block.status, *addresses, *numbers)
        spent = (ctypes.c_int64 * max(len(self._order), 1))()
        status = self._run_timed(block.address, ctypes.addressof(spent))
        if status:
            self._fail(block, status)
        found = [0.0] * len(self._order)
        for nanoseconds, i in zip(spent, self._order):
            found[i] = 1e-9 * nanoseconds
        return found

    def _packer(self, numbers: Sequence[bool | int | float]):
        """Writes table and numbers into a block: pointers and ints as i64, floats as doubles."""
        return struct.Struct(f"{self._table_size}q" + "".join("d" if isinstance(x, float) else "q" for x in numbers)).pack_into

    def _fail(self, block: _Block, status: int) -> None:
        value = ctypes.c_int64.from_address(block.status + 8).value
        self._blocks.append(block)
        raise CheckFailed(status - 1, value)


def _lay_out(calls: Sequence[Call], addresses: Sequence[int], waves: list[Wave]) -> Buffer:
    """The program's arrays, in the layout that native.py describes. The program itself comes first."""
    from suiren.runtime import native

    order = [i for wave in waves for i in wave.calls]
    place = {i: k for k, i in enumerate(order)}
    words = [_words(call) for call in calls]
    chunk_total = sum(len(wave.chunks) for wave in waves)
    sizes = (native.PROGRAM_WORDS, native.WAVE_WORDS * len(waves), native.CALL_WORDS * len(calls), native.CHUNK_WORDS * chunk_total)
    starts = [0]
    for size in (*sizes, *map(len, words)):
        starts.append(starts[-1] + size)
    memory = Buffer(8 * max(starts[-1], 1))
    at = [memory.addr + 8 * start for start in starts]
    program, wave_at, call_at, chunk_at, *args_at = at
    shared = sum(wave.work for wave in waves if wave.chunks)

    header = (wave_at, len(waves), call_at, len(calls), int(shared >= _WAKE_US()))
    wave_words, chunk_words, chunks_of = [], [], {}
    for wave in waves:
        first = chunk_at + 8 * len(chunk_words)
        for chunk in wave.chunks:
            mine = chunks_of.setdefault(chunk.call, [chunk_at + 8 * len(chunk_words), 0])
            mine[1] += 1
            chunk_words += (addresses[chunk.call], args_at[chunk.call], chunk.begin, chunk.end)
        checks = any(calls[i].check is not None for i in wave.calls)
        calls_from = call_at + 8 * native.CALL_WORDS * place[wave.calls[0]]
        wave_words += (calls_from, len(wave.calls), first, len(wave.chunks), int(checks), int(wave.work >= _WAKE_US()))
    call_words = []
    for i in order:
        first, count = chunks_of.get(i, (0, 0))
        call_words += (addresses[i], args_at[i], calls[i].units, first, count if count > 1 else 0, int(calls[i].check is not None))
    everything = [*header, *wave_words, *call_words, *chunk_words]
    packed = struct.pack(f"{len(everything)}q", *everything) + b"".join(struct.pack(_format(w), *w) for w in words)
    ctypes.memmove(memory.addr, packed, len(packed))
    return memory


def _WAKE_US() -> float:
    from suiren.runtime.waves import WAKE_US

    return WAKE_US


def _words(call: Call) -> list[int | float]:
    """A call's arguments as words."""
    from suiren.compiler.program import ARENA, Ptr

    found: list[int | float] = []
    for argument in call.args:
        if isinstance(argument, Ptr):
            slot = ARENA if argument.buffer.slot is None else argument.buffer.slot
            found += (slot, argument.buffer.offset + argument.offset)
        else:
            found.append(argument)
    return found


def _format(words: list[int | float]) -> str:
    return "".join("d" if isinstance(w, float) else "q" for w in words)

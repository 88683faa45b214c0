"""Driver: runs a program, laid out as flat arrays that native code walks, for one `pack_into` and one call of Python."""

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

# A block: two words (the program, the pool), then the table of the run, the numbers, two words of status. See native.py.
_TABLE = 2
_TABLE_BYTE = 8 * _TABLE


class CheckFailed(Exception):
    """A kernel found bad data (an index out of range). `node` is the trace node that its call computes, `value` the offending value."""

    def __init__(self, node: int, value: int):
        super().__init__(f"node {node} found bad data: {value}")
        self.node, self.value = node, value


class _Block:
    """The memory of one run; every running thread has one of its own."""

    __slots__ = ("address", "memory", "numbers", "status", "view")

    def __init__(self, program: int, pool: int, table_size: int, numbers_size: int):
        nbytes = 8 * (_TABLE + table_size + numbers_size + 2)
        self.memory = Buffer(nbytes)
        self.address = self.memory.addr
        self.view = (ctypes.c_char * nbytes).from_address(self.address)
        self.numbers = self.address + 8 * (_TABLE + table_size)
        self.status = self.numbers + 8 * numbers_size
        struct.pack_into("2q", self.view, 0, program, pool)


class Driver:
    """A program that is ready to run.

    calls         in the order for which memory was planned; every buffer has its slot and offset
    addresses     of each call's kernel
    table_size    slots of the table: the three of the runtime, then leaves, then outputs
    numbers_size  how many Python numbers a run gets
    arena_bytes   what the temporaries need
    threads       how many the work is cut for: by default the cores this process may use. How many take part is `get_num_threads()`.
    """

    def __init__(
        self,
        calls: Sequence[Call],
        addresses: Sequence[int],
        table_size: int,
        numbers_size: int = 0,
        arena_bytes: int = 0,
        threads: int | None = None,
    ):
        from suiren.runtime import layout, native, waves  # not at the top: `import suiren` needs none of it

        self.waves = waves.waves(calls, threads or thread_count.usable_cores())
        self.table_size, self.numbers_size, self.arena_bytes = table_size, numbers_size, arena_bytes
        self._is_shared = any(wave.chunks for wave in self.waves)
        self._program = layout.lay_out(calls, addresses, self.waves)
        self._pool = thread_count.pool()
        thread_count.get_num_threads()
        self._blocks: list[_Block] = []  # those not in use; `pop` and `append` are atomic
        self._pack = self._packer((0,) * numbers_size)
        functions = native.functions()
        self._run = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(functions["run"])
        self._run_timed = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(functions["run_timed"])

    def run(self, addresses: Sequence[int], numbers: Sequence[bool | int | float] = ()) -> None:
        """Runs the program on the memory of its leaves, then of its outputs. `numbers` are of the same classes at every run.

        Raises CheckFailed when a kernel found bad data; no call that depends on that one has run then.
        """
        try:
            block = self._blocks.pop()
        except IndexError:
            block = self._new_block()
        if self._is_shared and self._pool.adjusted_for != thread_count.count:
            self._pool.adjust()
        temporaries = arena().take(self.arena_bytes)  # held to the end: a run that a collection starts in here may want a larger one
        try:
            self._pack(block.view, _TABLE_BYTE, temporaries.addr, block.numbers, block.status, *addresses, *numbers)
        except struct.error:  # the first run, or numbers of other classes
            self._pack = self._packer(numbers)
            try:
                self._pack(block.view, _TABLE_BYTE, temporaries.addr, block.numbers, block.status, *addresses, *numbers)
            except struct.error:
                if any(type(n) is int and n.bit_length() > 63 for n in numbers):
                    raise OverflowError("int too big to convert") from None
                raise
        status = self._run(block.address)
        if status:
            self._fail(block, status)
        self._blocks.append(block)

    def run_timed(self, addresses: Sequence[int], numbers: Sequence[bool | int | float] = ()) -> list[float]:
        """As `run`, one call after the other (each shared among the threads); the seconds that each took."""
        if self._pool.create is None:
            raise NotImplementedError("calls are timed with the C library's clock, which this platform does not have")
        self._pool.adjust()
        block, temporaries = self._new_block(), arena().take(self.arena_bytes)
        self._packer(numbers)(block.view, _TABLE_BYTE, temporaries.addr, block.numbers, block.status, *addresses, *numbers)
        order = [i for wave in self.waves for i in wave.calls]
        spent = (ctypes.c_int64 * max(len(order), 1))()
        status = self._run_timed(block.address, ctypes.addressof(spent))
        if status:
            self._fail(block, status)
        found = [0.0] * len(order)
        for nanoseconds, i in zip(spent, order):
            found[i] = 1e-9 * nanoseconds
        return found

    def _new_block(self) -> _Block:
        return _Block(self._program.addr, self._pool.address, self.table_size, self.numbers_size)

    def _packer(self, numbers: Sequence[bool | int | float]):
        """Writes table and numbers into a block: pointers and ints as i64, floats as doubles."""
        if len(numbers) != self.numbers_size:
            raise ValueError(f"the program takes {self.numbers_size} numbers, got {len(numbers)}")
        words = "".join("d" if isinstance(x, float) else "q" for x in numbers)
        return struct.Struct(f"{self.table_size}q{words}").pack_into

    def _fail(self, block: _Block, status: int) -> None:
        value = ctypes.c_int64.from_address(block.status + 8).value
        self._blocks.append(block)
        raise CheckFailed(status - 1, value)

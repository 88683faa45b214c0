"""Buffer: memory that machine code reads and writes, pooled by size class, and the NumPy arrays that show it.

Every buffer starts at a multiple of 64 bytes and owns a multiple of 64, so kernels may read and write whole vectors up to there.
Small blocks are cut from slabs and stay with the process; a larger one is a private mapping of its own, so that a forked child
gets its own copy, and what lies idle beyond IDLE_LIMIT goes back to the operating system.

Making and dropping a buffer is on the path of every recorded step, hence one dict look-up, one list pop, one list append, and no lock:
`list.pop` and `list.append` are atomic, and `__del__`, which may run in the middle of anything, takes no lock that it would wait for.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import sys
import threading
import weakref
from collections.abc import Callable, Sequence

import numpy as np

from suiren import dtypes
from suiren.dtypes import dtype
from suiren.runtime import forking

ALIGNMENT = 64  # a cache line, and the widest vector register
LARGEST_SMALL = 32 << 10  # blocks up to here are cut from slabs; a mapping of its own costs about 2 µs and its page faults
SLAB = 1 << 20
CUT_AT_ONCE = 16 << 10  # bytes cut from a slab when a size class has run out
HUGE_PAGE = 2 << 20
LARGEST_IN_SMALL_PAGES = 4 << 20  # from here on huge pages: fewer faults and fewer misses of the address cache
IDLE_LIMIT = 256 << 20  # bytes of idle mapped blocks that the pool keeps for the next taker


def size_class(nbytes: int) -> int:
    """The capacity of the block that a buffer of `nbytes` gets: a multiple of 64, at most an eighth larger above 512 bytes."""
    if nbytes < 0:
        raise ValueError(f"a buffer cannot have {nbytes} bytes")
    n = max(nbytes, 1)
    step = max(ALIGNMENT, 1 << max((n - 1).bit_length() - 4, 0))
    return (n + step - 1) // step * step


# Address of a block or slab -> its mapping, which is unmapped when it leaves. The dict itself is never taken down: at the exit of
# the interpreter arrays may outlive this module, and so may a worker thread that still reads them.
_mappings: dict[int, mmap.mmap] = {}
ctypes.pythonapi.Py_IncRef(ctypes.py_object(_mappings))


def _map(nbytes: int) -> int:
    """The address of fresh private memory, zeros."""
    huge = nbytes >= LARGEST_IN_SMALL_PAGES and hasattr(mmap, "MADV_HUGEPAGE")
    private = {"flags": mmap.MAP_PRIVATE | getattr(mmap, "MAP_ANONYMOUS", 0)} if hasattr(mmap, "MAP_PRIVATE") else {}
    try:
        mapping = mmap.mmap(-1, nbytes + (HUGE_PAGE if huge else 0), **private)
    except (OSError, OverflowError) as cause:
        raise RuntimeError(f"DefaultCPUAllocator: can't allocate memory: you tried to allocate {nbytes} bytes. {cause}") from None
    addr = ctypes.addressof(ctypes.c_char.from_buffer(mapping))
    if huge:
        addr = (addr + HUGE_PAGE - 1) // HUGE_PAGE * HUGE_PAGE
        with contextlib.suppress(OSError):  # a kernel without huge pages: small ones do
            mapping.madvise(mmap.MADV_HUGEPAGE)
    _mappings[addr] = mapping
    return addr


class _Slabs:
    """Where small blocks are cut from."""

    def __init__(self):
        self.lock = threading.Lock()
        self.at = self.end = 0

    def cut(self, capacity: int) -> list[int]:
        """At least one new block of `capacity` bytes."""
        with self.lock:
            count = max(1, CUT_AT_ONCE // capacity)
            if self.at + count * capacity > self.end:
                self.at = _map(SLAB)
                self.end = self.at + SLAB
            first, self.at = self.at, self.at + count * capacity
        return list(range(first, first + count * capacity, capacity))


_slabs = _Slabs()


class _Stack(list):
    """The idle blocks of one size class of small blocks, by address."""

    __slots__ = ("capacity",)

    def __init__(self, capacity: int):
        super().__init__()
        self.capacity = capacity

    def refill(self) -> int:
        first, *rest = _slabs.cut(self.capacity)
        self.extend(rest)
        return first


class _MappedStack(list):
    """The idle blocks of one size class of mapped blocks."""

    __slots__ = ("capacity", "used")

    def __init__(self, capacity: int):
        super().__init__()
        self.capacity, self.used = capacity, 0

    def refill(self) -> int:
        try:
            return _map(self.capacity)
        except RuntimeError:
            _give_back(0)
            return _map(self.capacity)

    def append(self, addr: int) -> None:
        list.append(self, addr)
        _idle.note(self)


class _Idle:
    """Counts what lies idle in mapped blocks; roughly between two exact counts, so that nothing needs a lock."""

    def __init__(self):
        self.lock = threading.Lock()
        self.clock = 0
        self.freed = 0  # bytes since the last exact count
        self.stacks: dict[int, _MappedStack] = {}

    def note(self, stack: _MappedStack) -> None:
        self.clock += 1
        stack.used = self.clock
        self.freed += stack.capacity
        if self.freed > IDLE_LIMIT // 4:
            _give_back(IDLE_LIMIT)


_idle = _Idle()


def _give_back(limit: int) -> None:
    """Unmaps idle blocks, of the size classes longest unused first, until at most `limit` bytes lie idle."""
    if not _idle.lock.acquire(blocking=False):  # called from __del__: whoever holds the lock is doing the same
        return
    try:
        _idle.freed = 0
        stacks = sorted(_idle.stacks.values(), key=lambda s: s.used)
        idle = sum(len(s) * s.capacity for s in stacks)
        for stack in stacks:
            while idle > limit and stack:
                try:
                    del _mappings[stack.pop(0)]
                except IndexError:  # taken in between
                    break
                idle -= stack.capacity
    finally:
        _idle.lock.release()


def idle_bytes() -> int:
    """Bytes that the pool keeps in mapped blocks without anybody using them."""
    return sum(len(s) * s.capacity for s in _idle.stacks.values())


class _StacksBySize(dict):
    """Bytes asked for -> the stack of that size class, filled in as sizes come up."""

    BOUND = 8192  # sizes remembered

    def __missing__(self, nbytes: int) -> _Stack | _MappedStack:
        capacity = size_class(nbytes)
        stack = _by_class.get(capacity)
        if stack is None:
            if capacity <= LARGEST_SMALL:
                stack = _by_class.setdefault(capacity, _Stack(capacity))
            else:
                stack = _by_class.setdefault(capacity, _MappedStack(capacity))
                _idle.stacks[capacity] = stack
        if len(self) >= self.BOUND:
            self.clear()
        self[nbytes] = stack
        return stack


_by_class: dict[int, _Stack | _MappedStack] = {}
_by_size = _StacksBySize()
_export_lock = threading.RLock()  # reentrant: a collection in the middle may run code that exports


def _after_fork() -> None:
    global _export_lock
    _slabs.lock, _idle.lock, _export_lock = threading.Lock(), threading.Lock(), threading.RLock()


forking.register(forking.MEMORY, in_child=_after_fork)


_CTYPES = {
    dtypes.float32: ctypes.c_float, dtypes.float64: ctypes.c_double, dtypes.bool_: ctypes.c_bool,
    dtypes.uint8: ctypes.c_uint8, dtypes.int8: ctypes.c_int8, dtypes.int16: ctypes.c_int16,
    dtypes.int32: ctypes.c_int32, dtypes.int64: ctypes.c_int64, dtypes.uint32: ctypes.c_uint32,
}  # fmt: skip


class _Scalars(dict):
    """Address -> the element of one C type there, to be read by `.value`. The pool hands out the same addresses again and again."""

    BOUND = 4096

    def __init__(self, from_address: Callable):
        super().__init__()
        self.from_address = from_address

    def __missing__(self, addr: int):
        if len(self) >= self.BOUND:
            self.clear()
        found = self[addr] = self.from_address(addr)
        return found


SCALARS = {d: _Scalars(c.from_address) for d, c in _CTYPES.items()}  # of the dtypes that C has


class _Holder:
    """The base of every array exported from a buffer: while one of them lives, so does this, and with it the buffer."""

    __slots__ = ("__array_interface__", "__weakref__", "buffer")


class Buffer:
    """`nbytes` of memory, not cleared. `addr` is its address, a multiple of 64; the memory goes back when the Buffer is dropped."""

    __slots__ = ("_export", "_stack", "addr", "nbytes")

    is_foreign = False
    is_aligned = True  # addr is a multiple of 64
    is_padded = True  # what it owns is a multiple of 64 bytes, so whole vectors may be written up to there
    is_writable = True
    is_contiguous = True

    def __init__(self, nbytes: int):
        stack = _by_size[nbytes]
        try:
            self.addr = stack.pop()
        except IndexError:
            self.addr = stack.refill()
        self._stack = stack
        self._export = None
        self.nbytes = nbytes

    def __del__(self):
        try:
            self._stack.append(self.addr)
        except AttributeError:
            pass  # there was no memory for it

    def __reduce__(self):
        raise TypeError("a Buffer owns its memory and cannot be copied or pickled")

    @staticmethod
    def from_array(array: np.ndarray) -> Buffer:
        """A Buffer over the memory of an array, which it keeps alive; nothing is copied. Its offset 0 is the lowest address of an element."""
        return ForeignBuffer(array)

    @property
    def capacity(self) -> int:
        """How many bytes may be read and written: `nbytes` rounded up, at least to a multiple of 64."""
        return self._stack.capacity

    def array(self, shape: Sequence[int], numpy_dtype, strides: Sequence[int] | None = None, offset: int = 0) -> np.ndarray:
        """An array over this memory, which keeps it alive. `strides` and `offset` are in bytes, as NumPy's; row-major without strides."""
        export = self._export
        holder = None if export is None else export()
        if holder is None:
            holder = self._new_holder()
        return np.ndarray(shape, numpy_dtype, np.asarray(holder), offset, strides)

    def _new_holder(self) -> _Holder:
        with _export_lock:
            holder = None if self._export is None else self._export()
            if holder is None:
                holder = _Holder()
                holder.buffer = self
                place = (self.addr, not self.is_writable)
                holder.__array_interface__ = {"data": place, "shape": (self.capacity,), "typestr": "|u1", "version": 3}
                self._export = weakref.ref(holder)
        return holder

    @property
    def is_exported(self) -> bool:
        """Whether somebody may still read or write this memory through an array (views of views and memoryviews count)."""
        export = self._export
        return export is not None and export() is not None

    def copy_from(self, other: Buffer, nbytes: int, offset: int = 0, other_offset: int = 0) -> None:
        """Copies `nbytes` from another buffer (the same one too); the offsets are in bytes."""
        ctypes.memmove(self.addr + offset, other.addr + other_offset, nbytes)

    def equals(self, other: Buffer, nbytes: int) -> bool:
        """Whether the first `nbytes` of both are the same."""
        return np.array_equal(self.array((nbytes,), np.uint8), other.array((nbytes,), np.uint8))

    def read_scalar(self, dtype: dtype, byte_offset: int = 0) -> bool | int | float | complex:
        """The element of this dtype at `byte_offset` as a Python number."""
        try:
            return SCALARS[dtype][self.addr + byte_offset].value
        except KeyError:
            return _read_rare(dtype, self.addr + byte_offset)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.nbytes} bytes at {self.addr:#x})"


def _read_rare(d: dtype, addr: int) -> float | complex:
    """An element of a dtype that ctypes has no type for."""
    return np.frombuffer(ctypes.string_at(addr, d.itemsize), d.np)[0].item()


class ForeignBuffer(Buffer):
    """A Buffer over an array that somebody else made. Nothing is known of the bytes behind its end."""

    __slots__ = ("is_aligned", "is_contiguous", "is_padded", "is_writable", "offset", "owner")

    is_foreign = True

    def __init__(self, array: np.ndarray):
        self.owner = array
        data = array.__array_interface__["data"][0]
        low = high = data
        if array.size:
            for size, stride in zip(array.shape, array.strides):
                if stride < 0:
                    low += (size - 1) * stride
                else:
                    high += (size - 1) * stride
            high += array.itemsize
        self.addr, self.nbytes = low, high - low
        self.offset = data - low  # of the array's first element; not 0 where a stride is negative
        self.is_aligned = low % ALIGNMENT == 0
        self.is_padded = self.nbytes % ALIGNMENT == 0
        self.is_writable = array.flags.writeable
        self.is_contiguous = array.flags.c_contiguous
        self._export = None

    def __del__(self):
        pass  # the memory is the owner's

    @property
    def capacity(self) -> int:
        return self.nbytes

    @property
    def is_exported(self) -> bool:
        """Whether somebody besides this Buffer may still read or write the memory; True when that cannot be told.

        Told by reference counts along the chain of arrays it is a view of: each must be held by the next and by nobody else.
        """
        if Buffer.is_exported.fget(self):
            return True
        return self._is_held_elsewhere()

    def _is_held_elsewhere(self) -> bool:
        if sys.getrefcount(self.owner) > _ALONE:
            return True
        base = self.owner.base
        while base is not None:
            if type(base) is not np.ndarray or sys.getrefcount(base) > _ALONE_AS_BASE:
                return True  # memory of a file, a capsule, bytes: others may have it
            base = base.base
        return not _owns(self.owner)


def _owns(array: np.ndarray) -> bool:
    """Whether the end of a chain of views is an array that allocated its memory."""
    while array.base is not None:
        array = array.base
    return bool(array.flags.owndata)


def _calibrate() -> tuple[int, int]:
    """What getrefcount says, in code just like `_is_held_elsewhere`, of an array that only a Buffer holds, and of one that is only a base."""
    probe = ForeignBuffer(np.empty((2, 2))[:1])
    alone = sys.getrefcount(probe.owner)
    base = probe.owner.base
    while base is not None:
        as_base = sys.getrefcount(base)
        base = base.base
    return alone, as_base


_ALONE, _ALONE_AS_BASE = _calibrate()

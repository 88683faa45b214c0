"""The shared memory through which workers hand batches to their parent, and how a batch lies in it.

One block of memory is made before the workers start and seen by all: `slots` places of a fixed virtual size. Memory is taken from the system only
where a slot has been written, so a slot can be far larger than most batches; a batch that does not fit takes a block of its own, which is
handed over in place of the slot. The parent says with each task which slot it goes to, so nobody has to look for a free one, and a semaphore
orders the accesses: what a worker wrote before `release` the parent sees after `acquire`.

A written slot (or block):   header | arrays, each at a multiple of 64 | skeleton: the batch as a pickle in which arrays are places
"""

from __future__ import annotations

import ctypes
import io
import pickle
import struct
import sys
from typing import Any

import numpy as np

from suiren import dtypes
from suiren.runtime.buffers import Buffer
from suiren.tensor import Tensor
from suiren.trace.pending import settle
from suiren.trace.spec import Spec, spec
from suiren.trace.storage import adopt, array_of
from suiren.utils.data.shared_block import NAMELESS, Block

# What a slot holds.
BATCH, FAILED, ENDED, ELSEWHERE = range(4)  # a batch; an exception; nothing, the data set ended; the size of a block of its own
HEADER = struct.Struct("<IIQQ")  # kind, -, place of the skeleton, its length
ALIGNMENT = 64  # of arrays, as the kernels want them

# Virtual bytes of a slot, cut down where the system refuses to map as much. Where blocks have names, memory may be taken at once.
SLOT_BYTES = 256 << 20 if NAMELESS and sys.maxsize > 1 << 32 else 8 << 20
SMALLEST_SLOT = 64 << 10
COUNT = struct.Struct("<Q")


def _up(n: int) -> int:
    return (n + ALIGNMENT - 1) // ALIGNMENT * ALIGNMENT


class Ring:
    """`slots` slots of `slot_bytes` in one block, for `workers` workers.

    In front of the slots lie a byte that tells the workers to stop, and each worker's count of finished tasks.
    """

    def __init__(self, slots: int, workers: int, slot_bytes: int = SLOT_BYTES):
        self.slots = slots
        self.front_bytes = (1 + workers) * ALIGNMENT
        while True:
            try:
                self.block = Block(self.front_bytes + slots * slot_bytes)
                break
            except (OSError, OverflowError, ValueError):  # a limit on the address space, or on the size of files
                if slot_bytes <= SMALLEST_SLOT:
                    raise
                slot_bytes //= 4
        self.slot_bytes = slot_bytes

    def _base(self, slot: int) -> int:
        return self.front_bytes + slot * self.slot_bytes

    def stop(self) -> None:
        """Tells the workers not to begin another task."""
        self.block.memory[0] = 1

    @property
    def is_stopped(self) -> bool:
        return self.block.memory[0] != 0

    def count(self, worker: int) -> None:
        """Counts a finished task of a worker."""
        COUNT.pack_into(self.block.memory, (1 + worker) * ALIGNMENT, self.counted(worker) + 1)

    def counted(self, worker: int) -> int:
        return COUNT.unpack_from(self.block.memory, (1 + worker) * ALIGNMENT)[0]

    def write(self, slot: int, kind: int, value: Any) -> Block | None:
        """Writes `value` into a slot; returns the block that it took instead if the slot was too small: hand it over."""
        file = io.BytesIO()
        skeleton = _Skeleton(file)
        skeleton.dump(value)
        text = file.getbuffer()
        end = skeleton.end + len(text)
        base = self._base(slot)
        if end <= self.slot_bytes:
            _fill(self.block, base, kind, skeleton, text)
            return None
        block = Block(end)
        _fill(block, 0, kind, skeleton, text)
        HEADER.pack_into(self.block.memory, base, ELSEWHERE, 0, 0, block.nbytes)
        return block

    def write_end(self, slot: int) -> None:
        HEADER.pack_into(self.block.memory, self._base(slot), ENDED, 0, 0, 0)

    def read(self, slot: int) -> tuple[int, Any, int]:
        """(kind, value, bytes) of a slot; for ELSEWHERE the value is the size of the block that is handed over."""
        return read_batch(self.block, self._base(slot))

    def close(self) -> None:
        self.block.close()


class _Skeleton(pickle.Pickler):
    """Pickles a batch, setting tensors and arrays aside: `arrays` and `blocks` say what is to be copied, `end` is the first byte after it."""

    def __init__(self, file: io.BytesIO):
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self.arrays: list[tuple[int, np.ndarray]] = []
        self.blocks: list[tuple[int, int, int]] = []  # (place, address, bytes) of what lies in order already
        self.end = _up(HEADER.size)
        self.places: dict[int, tuple] = {}
        self.kept: list[Any] = []  # what `places` names by id stays alive meanwhile

    def persistent_id(self, obj: Any) -> tuple | None:
        if isinstance(obj, Tensor):
            return self.places.get(id(obj)) or self._tensor(obj)
        if type(obj) is np.ndarray and not obj.dtype.hasobject:
            return self.places.get(id(obj)) or self._array(obj)
        return None

    def _reserve(self, obj: Any, nbytes: int) -> int:
        place = self.end
        self.end = _up(place + max(nbytes, 1))  # places are different even for empty arrays
        self.kept.append(obj)
        return place

    def _tensor(self, t: Tensor) -> tuple:
        root, s = settle(t), t._spec
        if s.requires_grad and not t.is_leaf:
            raise RuntimeError(
                "Cowardly refusing to serialize non-leaf tensor which requires_grad, since autograd does not support crossing "
                "process boundaries.  If you just want to transfer the data, call detach() on the tensor before serializing "
                "(e.g., putting it on the queue)."
            )
        place = self._reserve(t, s.nbytes)
        if root is t and not t._buffer.is_foreign:
            self.blocks.append((place, t._buffer.addr, s.nbytes))
        else:
            self.arrays.append((place, array_of(t)))
        where: tuple = (_make_tensor, place, s.shape, s.dtype.name)
        if s.requires_grad or type(t) is not Tensor:
            where = (*where, s.requires_grad, type(t))
        self.places[id(t)] = where
        return where

    def _array(self, a: np.ndarray) -> tuple:
        place = self._reserve(a, a.nbytes)
        self.arrays.append((place, a))
        where = self.places[id(a)] = (_make_array, place, a.shape, a.dtype.str if a.dtype.names is None else a.dtype)
        return where


def _fill(block: Block, base: int, kind: int, skeleton: _Skeleton, text: memoryview) -> None:
    memory = block.memory
    for place, address, nbytes in skeleton.blocks:
        ctypes.memmove(block.address + base + place, address, nbytes)
    for place, array in skeleton.arrays:
        np.ndarray(array.shape, array.dtype, memory, base + place)[...] = array
    start = base + skeleton.end
    memory[start : start + len(text)] = text
    HEADER.pack_into(memory, base, kind, 0, skeleton.end, len(text))


class _Reader(pickle.Unpickler):
    """Unpickles a skeleton. Arrays are copied out of the memory at `address`, into memory as kernels want it.

    Copying is cheaper than keeping account of who still looks at a slot: a batch of 48 KB takes 2 µs, and a recording
    would copy memory that it does not own anyway.
    """

    def __init__(self, text: bytes, address: int):
        super().__init__(io.BytesIO(text))
        self.address = address
        self.made: dict[int, Any] = {}

    def persistent_load(self, where: tuple) -> Any:
        place = where[1]
        found = self.made.get(place)
        if found is None:
            found = self.made[place] = where[0](self.address + place, *where[2:])
        return found


def _make_tensor(address: int, shape: tuple, dtype: str, requires_grad: bool = False, cls: type = Tensor) -> Tensor:
    return _filled(address, spec(shape, dtypes.by_name(dtype), requires_grad), cls)


def _filled(address: int, s: Spec, cls: type = Tensor) -> Tensor:
    """A new tensor with what lies at an address."""
    buffer = Buffer(s.nbytes)
    ctypes.memmove(buffer.addr, address, s.nbytes)
    return adopt(cls, buffer, s)


def _make_array(address: int, shape: tuple, dtype: Any) -> np.ndarray:
    a = np.empty(shape, dtype)
    ctypes.memmove(a.ctypes.data, address, a.nbytes)
    return a


def read_batch(block: Block, base: int = 0) -> tuple[int, Any, int]:
    """(kind, value, bytes) of what was written at `base` of a block."""
    kind, _, start, length = HEADER.unpack_from(block.memory, base)
    if kind == ENDED:
        return ENDED, None, 0
    if kind == ELSEWHERE:
        return ELSEWHERE, length, length
    text = bytes(block.memory[base + start : base + start + length])
    address = block.address + base
    plan = _plans.get(text)
    if plan is not None:
        made = [_filled(address + place, s) for place, s in plan[1]]
        return kind, made if plan[0] is list else tuple(made), start + length
    reader = _Reader(text, address)
    value = reader.load()
    if type(value) in (list, tuple):
        _remember(text, value, reader.made)
    return kind, value, start + length


# A skeleton that is nothing but a list of tensors, as almost every batch's is, -> (list or tuple, (place, spec) of each tensor):
# the next batch of the same skeleton is read without unpickling.
_plans: dict[bytes, tuple[type, tuple[tuple[int, Spec], ...]]] = {}
MOST_PLANS = 64


def _remember(text: bytes, value: list | tuple, made: dict[int, Any]) -> None:
    places = {id(t): place for place, t in made.items()}
    if all(type(t) is Tensor and id(t) in places for t in value) and len(value) == len(made):
        if len(_plans) == MOST_PLANS:
            _plans.clear()
        _plans[text] = type(value), tuple((places[id(t)], t._spec) for t in value)

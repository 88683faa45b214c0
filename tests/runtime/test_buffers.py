from __future__ import annotations

import copy
import gc
import os
import pickle
import threading

import numpy as np
import pytest

from suiren import dtypes
from suiren.runtime import buffers
from suiren.runtime.buffers import IDLE_LIMIT, Buffer, idle_bytes, size_class


@pytest.mark.parametrize("nbytes", [0, 1, 63, 64, 65, 1000, 1024, 5000, 32768, 32769, 1 << 20, (5 << 20) + 1])
def test_memory_is_aligned_padded_and_large_enough(nbytes):
    b = Buffer(nbytes)
    assert b.addr % 64 == 0 and b.capacity % 64 == 0 and b.capacity >= max(nbytes, 64) and b.nbytes == nbytes
    whole = b.array((b.capacity,), np.uint8)
    whole[:] = 7  # all of it may be written
    assert whole.sum() == 7 * b.capacity


def test_size_classes_grow_by_at_most_an_eighth():
    for n in range(513, 20000, 7):
        assert n <= size_class(n) <= n * 9 / 8 + 64
        assert size_class(size_class(n)) == size_class(n)
    with pytest.raises(ValueError):
        Buffer(-1)


def test_live_buffers_do_not_overlap():
    held = [Buffer(n) for n in (1, 64, 100, 4096, 40000, 2 << 20) for _ in range(20)]
    spans = sorted((b.addr, b.addr + b.capacity) for b in held)
    assert all(end <= begin for (_, end), (begin, _) in zip(spans, spans[1:]))


def test_freed_memory_serves_the_next_of_its_class():
    for nbytes in (200, 100_000):
        b = Buffer(nbytes)
        addr = b.addr
        del b
        assert Buffer(nbytes - 1).addr == addr


def test_idle_memory_is_bounded():
    held = [Buffer(IDLE_LIMIT // 8) for _ in range(24)]
    held.clear()
    assert idle_bytes() <= IDLE_LIMIT * 5 // 4
    addr = Buffer(64).addr  # small blocks are not affected
    assert Buffer(64).addr == addr


def test_no_memory_is_a_runtime_error_as_in_pytorch():
    with pytest.raises(RuntimeError, match="can't allocate memory: you tried to allocate 1152921504606846976 bytes"):
        Buffer(1 << 60)


def test_threads_never_share_a_block():
    wrong = []

    def work(mark):
        for i in range(3000):
            b = Buffer(128 if i % 7 else 50_000)
            a = b.array((16,), np.int64)
            a[:] = mark
            if (a != mark).any():
                wrong.append(mark)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_arrays_keep_the_buffer_alive_and_count_as_exports():
    b = Buffer(256)
    addr = b.addr
    assert not b.is_exported and not b.is_foreign
    a = b.array((4, 4), np.float32)
    a[:] = np.arange(16).reshape(4, 4)
    assert b.is_exported
    view = a[1:].T
    del a
    assert b.is_exported  # a view counts
    bytes_of = memoryview(view)
    del view
    assert b.is_exported  # and a memoryview of it
    second = b.array((16,), np.float32)
    del bytes_of
    assert b.is_exported and second[5] == 5
    del b
    assert Buffer(256).addr != addr  # the array still owns it
    assert second[15] == 15
    del second
    assert Buffer(256).addr == addr


def test_strides_and_offset_are_in_bytes():
    b = Buffer(64)
    b.array((16,), np.float32)[:] = np.arange(16)
    np.testing.assert_array_equal(b.array((2, 2), np.float32, strides=(16, 8), offset=4), [[1, 3], [5, 7]])
    assert b.array((0, 3), np.float64).shape == (0, 3)
    with pytest.raises((TypeError, ValueError)):
        b.array((17,), np.float32)


def test_scalars_of_every_dtype():
    b = Buffer(64)
    values = {"bool": True, "complex64": 1.5 - 2j, "complex128": -0.25 + 3j}
    for d in dtypes.ALL:
        if d.np is None:
            continue
        value = values.get(d.name, 7)
        b.array((2,), d.np, offset=16)[1] = value
        got = b.read_scalar(d, 16 + d.itemsize)
        assert got == value and type(got) is type(np.zeros(1, d.np)[0].item())
    b.array((1,), np.uint16)[0] = np.float32(-1.5).view(np.uint32) >> 16
    assert b.read_scalar(dtypes.bfloat16) == -1.5


def test_copy_from():
    a, b = Buffer(64), Buffer(64)
    a.array((16,), np.int32)[:] = np.arange(16)
    b.array((16,), np.int32)[:] = 0
    b.copy_from(a, 8, offset=4, other_offset=20)
    assert b.array((4,), np.int32).tolist() == [0, 5, 6, 0]


def test_a_buffer_is_not_copied_or_pickled():
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError):
            duplicate(Buffer(8))


def test_foreign_memory_is_shared():
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    b = Buffer.from_array(a)
    assert b.is_foreign and b.nbytes == 48 and b.is_contiguous and b.is_writable and not b.is_padded
    assert b.is_aligned == (a.ctypes.data % 64 == 0)
    b.array((12,), np.float32)[5] = 100
    assert a[1, 1] == 100
    del a
    assert b.array((12,), np.float32)[5] == 100


def test_foreign_strides():
    a = np.arange(24, dtype=np.float32).reshape(4, 6)[::-1, ::2]
    b = Buffer.from_array(a)
    assert not b.is_contiguous and b.nbytes == 4 * 23
    np.testing.assert_array_equal(b.array(a.shape, a.dtype, a.strides, b.offset), a)
    assert Buffer.from_array(np.empty((0, 3))).nbytes == 0


def test_foreign_read_only_stays_read_only():
    a = np.arange(4)
    a.flags.writeable = False
    b = Buffer.from_array(a)
    assert not b.is_writable and not b.array((4,), a.dtype).flags.writeable


def test_who_else_holds_a_foreign_array():
    a = np.zeros((4, 4))
    b = Buffer.from_array(a)
    assert b.is_exported
    view = a[1:]
    del a
    assert b.is_exported
    held_by_list = [view]
    del view
    assert b.is_exported
    held_by_list.clear()
    assert not b.is_exported
    ours = b.array((16,), np.float64)
    assert b.is_exported
    del ours
    assert not b.is_exported


def test_who_else_holds_the_base_of_a_foreign_view():
    base = np.zeros((4, 4))
    b = Buffer.from_array(base[1:])
    assert b.is_exported
    del base
    assert not b.is_exported
    cell = {"x": np.zeros(8)}
    b = Buffer.from_array(cell["x"][::2])
    raw = memoryview(cell["x"])
    cell.clear()
    assert b.is_exported  # a memoryview holds it
    raw.release()
    assert not b.is_exported


def test_memory_of_unknown_owners_counts_as_exported():
    assert Buffer.from_array(np.frombuffer(bytearray(64), np.uint8)).is_exported
    assert Buffer.from_array(np.zeros(3).view(np.matrix)).is_exported


def test_buffers_in_cycles_are_freed():
    class Node:
        pass

    n = Node()
    n.me, n.buffer = n, Buffer(72_000)
    addr = n.buffer.addr
    del n
    gc.collect()
    assert Buffer(72_000).addr == addr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_a_forked_child_has_its_own_copy():
    b, big = Buffer(64), Buffer(100_000)
    for x in (b, big):
        x.array((8,), np.int64)[:] = 1
    child = os.fork()
    if child == 0:
        for x in (b, big):
            x.array((8,), np.int64)[:] = 2
        Buffer(64), Buffer(200_000)
        os._exit(0 if buffers._slabs.lock.acquire(blocking=False) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert b.array((8,), np.int64).sum() == 8 and big.array((8,), np.int64).sum() == 8

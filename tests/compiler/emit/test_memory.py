"""Loads and stores of all forms, constants in memory, atomics, the kernel's arguments."""

import re

import numpy as np
import pytest

from suiren import dtypes
from suiren.compiler.emit.builder import Builder, Module
from suiren.compiler.emit.target import host
from suiren.compiler.program import FIRST_FREE_SLOT, NUMBERS
from suiren.dtypes import bfloat16, bool_, float16, float32, float64, int32, int64, uint8, uint32

STORED = tuple(d for d in dtypes.ALL if d.category != dtypes.COMPLEX and d is not bfloat16)


def distinct(d, count):
    return (np.arange(count) % 2).astype(bool) if d is bool_ else np.arange(1, count + 1).astype(d.np)


@pytest.mark.parametrize("lanes", (1, 3, 8))
@pytest.mark.parametrize("d", STORED, ids=lambda d: d.name)
def test_masks_touch_only_their_lanes(run, target, d, lanes):
    x, y = distinct(d, 16), np.zeros(16, d.np)
    chosen = np.array([1, 0, 1, 1, 0, 0, 1, 0], bool)[:lanes]
    filled, gathered, scattered = np.zeros(lanes, d.np), np.zeros(lanes, d.np), np.zeros(16, d.np)

    def emit(b):
        source, mask, to, fill, picked, spread = (b.arg_ptr(2 * k) for k in range(6))
        on = b.load(mask, bool_, lanes)
        b.store(b.load(source, d, lanes, 1), to, offset=3, mask=on)
        b.store(b.load(source, d, lanes, 2, mask=on, fill=1), fill)
        index = b.mul(b.iota(int64, lanes), 2)
        b.store(b.gather(source, d, index, mask=on, fill=1), picked)
        b.scatter(b.load(source, d, lanes), spread, index, mask=on)

    run(emit, [x, chosen, y, filled, gathered, scattered], target=target)
    want = np.zeros(16, d.np)
    want[3 : 3 + lanes][chosen] = x[1 : 1 + lanes][chosen]
    assert np.array_equal(y, want)
    assert np.array_equal(filled, np.where(chosen, x[2 : 2 + lanes], d.np.type(1)))
    assert np.array_equal(gathered, np.where(chosen, x[: 2 * lanes : 2], d.np.type(1)))
    want = np.zeros(16, d.np)
    want[: 2 * lanes : 2][chosen] = x[:lanes][chosen]
    assert np.array_equal(scattered, want)


def test_masked_lanes_may_lie_outside_of_memory(run, target):
    """A masked load at the end of a page that is followed by an unreadable one."""
    import ctypes
    import mmap

    page = mmap.PAGESIZE
    memory = mmap.mmap(-1, 2 * page)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    x = np.frombuffer(memory, np.float32, page // 4)
    x[:] = np.arange(page // 4)
    protect = ctypes.CDLL(None).mprotect
    assert protect(ctypes.c_void_p(address + page), ctypes.c_size_t(page), 0) == 0
    out = np.zeros(8, np.float32)

    def emit(b):
        source, to = b.arg_ptr(0), b.arg_ptr(2)
        on = b.lane_mask(b.i64(3), 8)
        b.store(b.load(source, float32, 8, page // 4 - 3, mask=on), to)
        b.store(b.load(to, float32, 8), source, page // 4 - 3, mask=on)

    run(emit, [x, out], target=target)
    assert out.tolist() == [page // 4 - 3, page // 4 - 2, page // 4 - 1, 0, 0, 0, 0, 0]
    assert protect(ctypes.c_void_p(address + page), ctypes.c_size_t(page), 3) == 0


def test_narrow_floats_with_a_fill(run, target):
    x, out = np.arange(8, dtype=np.float16), np.zeros(16, np.float16)

    def emit(b):
        source, to = b.arg_ptr(0), b.arg_ptr(2)
        on = b.lane_mask(b.i64(5), 8)
        b.store(b.load(source, float16, 8, mask=on, fill=-2.5), to)
        b.store(b.gather(source, float16, b.iota(int64, 8), mask=on), to, 8)

    run(emit, [x, out], target=target)
    assert out.tolist() == [0, 1, 2, 3, 4, -2.5, -2.5, -2.5, 0, 1, 2, 3, 4, 0, 0, 0]


def test_a_bool_is_any_byte_but_zero(run):
    x, out = np.array([0, 1, 2, 255], np.uint8), np.zeros(4, np.uint8)
    run(lambda b: b.store(b.load(b.arg_ptr(0), bool_, 4), b.arg_ptr(2)), [x, out])
    assert out.tolist() == [0, 1, 1, 1]


def test_pointers_bytes_and_tables(run):
    x, out = np.arange(64, dtype=np.uint8), np.zeros(64, np.uint8)
    table = np.zeros(4, np.float64)

    def emit(b):
        source, to, constants = b.arg_ptr(0), b.arg_ptr(2), b.arg_ptr(4)
        b.fill_bytes(to, 64, 7)
        b.copy_bytes(to, b.at(source, 8), 16)
        here = b.scratch(64)
        b.store(b.load(source, uint8, 8), here)
        b.store(b.load(b.int_to_ptr(b.add(b.ptr_to_int(here), 4)), uint8, 4), to, 60)
        same, other = b.table([1.5, -0.0, 3.0], float64), b.table([9], int64)
        assert same.ref == b.table([1.5, -0.0, 3.0], float64).ref
        b.prefetch(source, 0, uint8)
        b.assume_aligned(same, 64)
        b.store(b.load(same, float64, 2, 1, align=8), constants)
        b.store(b.convert(b.load(other, int64), float64), constants, 2)

    run(emit, [x, out, table])
    assert out.tolist() == [*range(8, 24), *[7] * 44, 4, 5, 6, 7]
    assert table.tolist() == [0, 3, 9, 0]
    assert np.signbit(table[0])


def test_atomics(run):
    x, out = np.array([10, 20, 30], np.int64), np.zeros(6, np.int64)
    small = np.array([5], np.int32)

    def emit(b):
        cells, to, half = b.arg_ptr(0), b.arg_ptr(2), b.arg_ptr(4)
        found = [
            b.atomic_add(cells, b.i64(3)),
            b.atomic_sub(b.at(cells, 1, int64), b.i64(1)),
            b.atomic_exchange(b.at(cells, 2, int64), b.i64(-7)),
            b.compare_exchange(cells, b.i64(13), b.i64(99))[0],
            b.convert(b.compare_exchange(cells, b.i64(13), b.i64(1))[1], int64),
            b.atomic_load(cells, int64),
        ]
        for k, value in enumerate(found):
            b.store(value, to, k)
        b.fence()
        b.pause()
        b.atomic_store(b.i32(8), half)
        b.atomic_add(half, b.i32(-1))

    run(emit, [x, out, small])
    assert out.tolist() == [10, 20, 30, 13, 0, 99]
    assert x.tolist() == [99, 19, -7]
    assert small.tolist() == [7]


def test_arguments_and_numbers(run):
    out = np.zeros(8, np.float64)
    bits = np.array([2.5, -1.25]).view(np.int64).tolist()

    def emit(b):
        to = b.arg_ptr(0)
        values = [
            b.convert(b.arg_int(2), float64),
            b.arg_float(3),
            b.convert(b.arg_float(3, float32), float64),
            b.number(4, float, float64),
            b.convert(b.number(5, int, int32), float64),
            b.convert(b.number(5, bool, bool_), float64),
            b.convert(b.begin, float64),
            b.convert(b.end, float64),
        ]
        for k, value in enumerate(values):
            b.store(value, to, k)

    # words 2: an int, 3: a float, 4 and 5: indices of numbers
    run(emit, [out], words=[-3, bits[0], 1, 0], numbers=[17, bits[1]], units=5)
    assert out.tolist() == [-3, 2.5, 2.5, -1.25, 17, 1, 0, 5]


@pytest.mark.parametrize("lanes", (1, 8))
def test_check_reports_the_first_bad_lane(run, lanes):
    index = np.array([3, 4, 11, 2, -5, 1, 0, 9], np.int32)
    if lanes == 1:
        index[0] = 11

    def emit(b):
        i = b.load(b.arg_ptr(0), int32, lanes)
        b.check(b.and_(b.ge(i, 0), b.lt(i, 10)), i, 2)

    assert run(emit, [index], words=[41]).tolist() == [42, 11]
    assert run(emit, [np.zeros(8, np.int32)], words=[41]).tolist() == [0, 0]


def test_the_first_report_stays(run):
    def emit(b):
        for bad in (5, 6):
            b.check(b.const(False, bool_), b.const(bad, uint32), 0)

    assert run(emit, [], words=[0]).tolist() == [1, 5]


def test_restricted_pointers_carry_scopes(run):
    x, y, z = np.arange(8, dtype=np.float32), np.zeros(8, np.float32), np.zeros(8, np.float32)
    text = []

    def emit(b):
        source, to = b.arg_ptr(0, restrict=True), b.arg_ptr(2, restrict=True)
        other = b.arg_ptr(4)
        on = b.lane_mask(b.i64(8), 8)
        b.store(b.load(b.at(source, 4, uint8), float32, 4), to)
        b.store(b.load(source, float32, 8, mask=on), other, mask=on)
        b.store(b.gather(source, float32, b.iota(int64, 8)), other)
        text.append(b.module_text())

    run(emit, [x, y, z])
    assert y.tolist() == [1, 2, 3, 4, 0, 0, 0, 0]
    assert z.tolist() == list(range(8))
    scopes = dict(re.findall(r"^(!\d+) = !{(!\d+)}$", text[0], re.M))
    for line in re.findall(r".*!alias.scope.*", text[0]):
        own, others = re.search(r"!alias.scope (!\d+), !noalias (!\d+)", line).groups()
        assert scopes[own] != scopes[others]
    assert text[0].count("!alias.scope") == 4


def test_functions_that_call_each_other(machine):
    """A module of two functions, one of which is called by name and by address."""
    import ctypes

    module = Module(host())
    square = module.function("square", [("x", float64)], float64)
    square.ret(square.mul(square.parameter["x"], square.parameter["x"]))
    outer = module.function("outer", [("f", "ptr"), ("x", float64)], float64)
    f, x = outer.parameter["f"], outer.parameter["x"]
    once = outer.call("square", [x], float64)
    outer.ret(outer.add(once, outer.call(f, [once], float64)))
    address = machine.address(module.text(), host(), "outer")
    signature = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)
    call = ctypes.CFUNCTYPE(ctypes.c_double, signature, ctypes.c_double)(address)
    assert call(signature(lambda v: v + 1), 3.0) == 9 + 10


def test_table_slots_and_names():
    b = Builder(host(), name="kernel")
    b.store(b.load(b.table_ptr(NUMBERS), int64), b.table_ptr(FIRST_FREE_SLOT))
    assert "define void @other(" in b.module_text("other")
    assert b.lanes(float32) == host().vector_bytes // 4

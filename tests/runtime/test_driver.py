from __future__ import annotations

import struct
import threading

import numpy as np
import pytest

from suiren.compiler.program import Buffer, Call, Kernel, Ptr
from suiren.runtime import buffers
from suiren.runtime.driver import CheckFailed
from suiren.runtime.threads import get_num_threads, set_num_threads
from tests.runtime.kernels import UNIT, accumulate, affine, call, chain, driver, leaf, non_negative


@pytest.fixture(autouse=True)
def _threads():
    before = get_num_threads()
    yield
    set_num_threads(before)


def test_a_program_without_calls():
    driver([], 0).run(())


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize(("units", "work"), [(1, 0.1), (37, 30.0), (64, 500.0)])
def test_a_chain_of_calls(threads, units, work):
    set_num_threads(threads)
    d, x, y, addresses = chain(units, 5, work)
    x[:] = np.arange(units * UNIT)
    d.run(addresses)
    np.testing.assert_array_equal(y, (np.arange(units * UNIT, dtype=np.float32) * 32 + 31))


def test_numbers_and_arguments():
    x, y = leaf(0, 3), leaf(1, 3)
    calls = [call(accumulate(), x, y, 3, args=[i, 10 * i, 0.5]) for i in range(2)]
    d = driver(calls, 2, numbers=3)
    memory = [buffers.Buffer(4 * UNIT * 3) for _ in range(2)]
    a, b = (m.array((3 * UNIT,), np.float32) for m in memory)
    a[:], b[:] = 2, 0
    addresses = [m.addr for m in memory]
    d.run(addresses, (0.25, 3.0, 7))
    np.testing.assert_array_equal(b, 2 * 0.25 + 0.5 + 2 * 3 + 10.5)
    b[:] = 0
    d.run(addresses, (1.0, 0.0, True))  # a bool is an int
    np.testing.assert_array_equal(b, 2 + 0.5 + 10.5)


def test_ints_arrive_as_ints():
    def emit(b):
        from suiren.dtypes import int64

        b.store(b.number(2, int, int64), b.arg_ptr(0))

    out = Buffer(64, slot=3)
    d = driver([Call(Kernel("store_number", (), emit), [Ptr(out), 0], 1, [], [out])], 1, numbers=1)
    memory = buffers.Buffer(64)
    for value in (5, -(1 << 62), True):
        d.run([memory.addr], (value,))
        assert memory.array((1,), np.int64)[0] == value
    with pytest.raises(OverflowError, match="int too big to convert"):
        d.run([memory.addr], (1 << 70,))
    with pytest.raises(ValueError, match="takes 1 numbers, got 0"):
        d.run([memory.addr], ())
    with pytest.raises(struct.error):
        d.run([], (6,))
    d.run([memory.addr], (6,))
    assert memory.array((1,), np.int64)[0] == 6


def test_temporaries_and_offsets():
    x, y = leaf(0, 2), leaf(1, 2)
    t = Buffer(8 * UNIT, slot=None, offset=4 * UNIT * 5)
    first, second = affine(1.0, 1.0), affine(3.0, 0.0)
    calls = [
        call(first, x, t, 2),
        Call(second, [Ptr(t, 4 * UNIT), Ptr(y, 0)], 1, [t], [y]),  # the second unit goes to the first place
        Call(second, [Ptr(t, 0), Ptr(y, 4 * UNIT)], 1, [t], [y]),
    ]
    d = driver(calls, 2, arena_bytes=4 * UNIT * 7)
    memory = [buffers.Buffer(8 * UNIT) for _ in range(2)]
    a, b = (m.array((2 * UNIT,), np.float32) for m in memory)
    a[:] = np.arange(2 * UNIT)
    d.run([m.addr for m in memory])
    np.testing.assert_array_equal(b, np.concatenate([3 * (a[UNIT:] + 1), 3 * (a[:UNIT] + 1)]))


def checked_program():
    """Checks leaf 0, then writes leaf 2 from leaf 1 (independent of the check) and leaf 1 from itself."""
    numbers, x, y = Buffer(8 * 100, slot=3), leaf(1, 4), leaf(2, 4)
    check = Call(non_negative(), [Ptr(numbers), 42], 100, [numbers], [], flops=10**7, check=42)
    return driver([check, call(affine(2.0, 0.0), x, y, 4, 100.0), call(affine(1.0, 1.0), y, x, 4, 100.0)], 3)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_failed_check_stops_the_program(threads):
    set_num_threads(threads)
    d = checked_program()
    memory = [buffers.Buffer(800), buffers.Buffer(16 * UNIT), buffers.Buffer(16 * UNIT)]
    index, x, y = memory[0].array((100,), np.int64), *(m.array((4 * UNIT,), np.float32) for m in memory[1:])
    addresses = [m.addr for m in memory]
    for timed in (False, True):
        run = d.run_timed if timed else d.run
        index[:], x[:], y[:] = 1, 5, 0
        index[77] = -3
        with pytest.raises(CheckFailed) as failure:
            run(addresses)
        assert (failure.value.node, failure.value.value) == (42, -3)
        assert (x == 5).all() and (y == 0).all()
        index[77] = 0
        run(addresses)
        assert (y == 10).all() and (x == 11).all()


def test_timing_gives_seconds_per_call_in_the_given_order():
    slow, fast = leaf(0, 400), leaf(1, 400)
    other = leaf(2, 1)
    calls = [call(affine(1.0, 1.0), other, other, 1), call(affine(1.0, 1.0), slow, fast, 400, 900.0)]
    d = driver(calls, 3)
    memory = [buffers.Buffer(1600 * UNIT), buffers.Buffer(1600 * UNIT), buffers.Buffer(4 * UNIT)]
    for m in memory:
        m.array((m.nbytes,), np.uint8)[:] = 0
    total = np.zeros(2)
    for _ in range(20):
        total += d.run_timed([m.addr for m in memory])
    assert (total > 0).all() and total[1] > total[0]


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_python_threads_run_programs_at_once(threads):
    set_num_threads(threads)
    wrong = []

    def work(seed):
        d, x, y, addresses = chain(16, 7, 50.0)
        rng = np.random.default_rng(seed)
        for _ in range(200):
            start = rng.integers(0, 100, 16 * UNIT).astype(np.float32)
            x[:] = start
            d.run(addresses)
            if (y != start * 128 + 127).any():
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_python_threads_share_one_driver():
    x, y = leaf(0, 8), leaf(1, 8)
    t = Buffer(32 * UNIT, slot=None, offset=0)
    d = driver([call(affine(2.0, 0.0), x, t, 8, 40.0), call(affine(1.0, 1.0), t, y, 8, 40.0)], 2, arena_bytes=32 * UNIT)
    wrong = []

    def work(seed):
        memory = [buffers.Buffer(32 * UNIT) for _ in range(2)]
        a, b = (m.array((8 * UNIT,), np.float32) for m in memory)
        for i in range(500):
            a[:] = seed * 1000 + i
            d.run([m.addr for m in memory])
            if (b != 2 * (seed * 1000 + i) + 1).any():
                wrong.append((seed, i))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_many_runs_take_no_more_memory():
    import resource

    d, x, y, addresses = chain(4, 6, 20.0)
    set_num_threads(2)

    def runs(n):
        for _ in range(n):
            x[0] = 1
            d.run(addresses)
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    before = runs(2000)
    assert runs(20_000) - before < 2048  # kilobytes


def test_many_small_programs():
    for i in range(60):
        d, x, y, addresses = chain(1 + i % 3, 1 + i % 4, 0.1 * (i % 5))
        x[:] = i
        d.run(addresses)
        steps = 1 + i % 4
        want = i * 2**steps + 2**steps - 1
        assert ((y if steps % 2 else x) == want).all()

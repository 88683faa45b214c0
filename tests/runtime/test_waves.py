from __future__ import annotations

import random

from suiren.compiler.program import Buffer, Call, Kernel
from suiren.runtime.waves import CHUNK_US, cut, levels, waves, work_us

KERNEL = Kernel("nothing", (), lambda b: None)


def call(reads=(), writes=(), scratch=(), check=None, units=1, work=0.0) -> Call:
    return Call(KERNEL, [], units, list(reads), list(writes), flops=int(work * 20_000), scratch=list(scratch), check=check)


def temporaries(*ranges):
    return [Buffer(end - begin, slot=None, offset=begin) for begin, end in ranges]


def test_reading_what_was_written():
    a, b, c = temporaries((0, 64), (64, 128), (128, 192))
    assert levels([call([], [a]), call([], [b]), call([a, b], [c]), call([c], [])]) == [0, 0, 1, 2]


def test_reads_share_a_wave_and_a_write_waits_for_them():
    a, b, c = temporaries((0, 64), (64, 128), (128, 192))
    assert levels([call([], [a]), call([a], [b]), call([a], [c]), call([], [a])]) == [0, 1, 1, 2]


def test_memory_is_what_counts_not_the_buffer():
    a, b = temporaries((0, 128), (64, 192))
    assert levels([call([], [a]), call([], [b])]) == [0, 1]  # they overlap
    (inside,) = temporaries((32, 64))
    assert levels([call([], [a]), call([inside], []), call([], [b])]) == [0, 1, 1]
    assert levels([call([], [], scratch=[a]), call([], [], scratch=[b])]) == [0, 1]
    assert levels([call([], [Buffer(64, slot=3)]), call([], [Buffer(64, slot=4)])]) == [0, 0]
    assert levels([call([], [Buffer(64, slot=3)]), call([Buffer(64, slot=3)], [])]) == [0, 1]


def test_a_write_of_a_leaf_waits_for_the_checks_before_it():
    (a,) = temporaries((0, 64))
    slots = [Buffer(64, slot=3 + i) for i in range(3)]
    found = levels([call([], [slots[0]]), call([slots[0]], [a], check=5), call([], [slots[1]]), call([], [])])
    assert found == [0, 1, 2, 0]


def test_random_programs_keep_every_dependency():
    rng = random.Random(0)
    for _ in range(100):
        calls = []
        for _ in range(40):
            spans = [(64 * (k := rng.randrange(20)), 64 * (k + rng.randrange(1, 4))) for _ in range(4)]
            r1, r2, w, s = temporaries(*spans)
            calls.append(call([r1, r2], [w], [s] if rng.random() < 0.3 else []))
        found = levels(calls)

        def touch(one, other):
            return any(x.offset < y.offset + y.nbytes and y.offset < x.offset + x.nbytes for x in one for y in other)

        for j, later in enumerate(calls):
            for i, earlier in enumerate(calls[:j]):
                writes_i, writes_j = [*earlier.writes, *earlier.scratch], [*later.writes, *later.scratch]
                if touch(writes_i, [*later.reads, *writes_j]) or touch(earlier.reads, writes_j):
                    assert found[i] < found[j]
        assert max(found) + 1 <= len(calls)


def test_chunks_cover_every_unit_once():
    for units, work, threads in [(1, 100.0, 2), (7, 50.0, 2), (1000, 5000.0, 4), (3, 1.0, 8), (64, 20.0, 64)]:
        calls = [call(units=units, work=work), call(units=5, work=30.0), call(units=1, work=0.1)]
        chunks = cut(calls, [0, 1, 2], threads)
        for i, c in enumerate(calls):
            mine = sorted((k.begin, k.end) for k in chunks if k.call == i)
            assert mine[0][0] == 0 and mine[-1][1] == c.units
            assert all(a[1] == b[0] for a, b in zip(mine, mine[1:]))
        shares = [(k.end - k.begin) / calls[k.call].units * work_us(calls[k.call]) for k in chunks if k.call == 0]
        assert all(s >= min(CHUNK_US, work_us(calls[0]) / units) * 0.49 for s in shares)


def test_small_waves_are_not_shared():
    a, b = temporaries((0, 64), (64, 128))
    small, large = waves([call([], [a], units=8, work=1.0), call([a], [b], units=8, work=100.0)], 2)
    assert not small.chunks and len(large.chunks) > 1
    assert not any(w.chunks for w in waves([call([], [a], units=8, work=100.0)], 1))
    assert not any(w.chunks for w in waves([call([], [a], units=1, work=100.0)], 2))  # one unit cannot be shared


def test_a_call_without_units_is_left_out_of_the_chunks():
    assert [c.call for c in cut([call(units=0, work=5.0), call(units=4, work=50.0)], [0, 1], 2)] == [1] * 4

"""Loops, branches, variables, and what moves between lanes."""

import numpy as np
import pytest

from suiren.dtypes import bool_, float32, int64


def results(run, count, compute, d=int64, words=(), units=1):
    """The scalars that `compute(b)` returns."""
    out = np.zeros(count, d.np)

    def emit(b):
        to = b.arg_ptr(0)
        found = compute(b)
        assert len(found) == count
        for k, value in enumerate(found):
            b.store(value, to, k)

    run(emit, [out], words=words, units=units)
    return out.tolist()


@pytest.mark.parametrize(("begin", "end", "step"), [(0, 10, 1), (3, 3, 1), (5, 2, 1), (-4, 9, 3), (0, 7, 7), (0, 8, 7)])
@pytest.mark.parametrize("known", (True, False))
def test_loops_count_as_range(run, begin, end, step, known):
    def compute(b):
        bounds = (begin, end, step) if known else (b.arg_int(2), b.arg_int(3), b.arg_int(4))
        total, rounds = b.var(b.i64(0)), b.var(b.i64(0))
        with b.loop(*bounds) as i:
            total.set(b.add(total.get(), i))
            rounds.set(b.add(rounds.get(), 1))
        with b.loop_carried(*bounds, [b.i64(100), b.i64(0)]) as loop:
            a, c = loop.values
            loop.next(b.add(a, loop.i), b.sub(a, c))
        return [total.get(), rounds.get(), *loop.results]

    a, c = 100, 0
    for i in range(begin, end, step):
        a, c = a + i, a - c
    want = [sum(range(begin, end, step)), len(range(begin, end, step)), a, c]
    assert results(run, 4, compute, words=[begin, end, step]) == want


def test_nested_loops_and_branches(run):
    def compute(b):
        with b.loop_carried(0, 5, 1, [b.i64(0)]) as outer:
            with b.loop_carried(0, outer.i, 1, outer.values, unroll=1) as inner:
                even = b.eq(b.and_(inner.i, 1), 0)
                step = b.choose(even, lambda: [b.mul(inner.i, outer.i)], lambda: [b.i64(-1)])[0]
                inner.next(b.add(inner.values[0], step))
            outer.next(inner.results[0])
        odd, even = b.var(b.i64(0)), b.var(b.i64(0))
        with b.loop(0, 7, unroll=2) as i:
            with b.if_else(b.eq(b.and_(i, 1), 0), likely=True) as (then, otherwise):
                with then:
                    even.set(b.add(even.get(), i))
                with otherwise:
                    odd.set(b.add(odd.get(), i))
            with b.if_(b.gt(i, 5), likely=False):
                odd.set(b.add(odd.get(), 100))
        return [*outer.results, even.get(), odd.get()]

    want = sum(i * o if i % 2 == 0 else -1 for o in range(5) for i in range(o))
    assert results(run, 3, compute) == [want, 12, 109]


def test_while_and_return(run):
    def compute(b):
        n, steps = b.var(b.i64(27)), b.var(b.i64(0))
        with b.while_(lambda: b.ne(n.get(), 1)):
            value = n.get()
            n.set(b.select(b.eq(b.and_(value, 1), 0), b.shr(value, 1), b.add(b.mul(value, 3), 1)))
            steps.set(b.add(steps.get(), 1))
        return [steps.get()]

    assert results(run, 1, compute) == [111]
    out = np.zeros(1, np.int64)

    def emit(b):
        b.store(b.i64(1), b.arg_ptr(0))
        with b.if_(b.eq(b.begin, 0)):
            b.ret()
        b.store(b.i64(2), b.arg_ptr(0))

    run(emit, [out])
    assert out.tolist() == [1]


def test_carried_vectors_and_mistakes(run):
    out = np.zeros(8, np.float32)

    def emit(b):
        to = b.arg_ptr(0)
        with b.loop_carried(b.begin, b.end, 1, [b.const(0.5, float32, 8)]) as loop:
            loop.next(b.add(loop.values[0], loop.values[0]))
        b.store(loop.results[0], to)
        with pytest.raises(ValueError, match="carries 1 values"), b.loop_carried(0, 2, 1, [b.i64(0)]):
            pass

    def wrong_type(b):
        with pytest.raises(TypeError, match="the variable holds i64"):
            b.var(b.i64(0)).set(b.const(1, float32))

    with pytest.raises(RuntimeError, match="LLVM IR parsing error"):
        run(emit, [out], units=3)  # the broken loop leaves a broken text behind
    run(wrong_type, [])


def test_lanes(run):
    x, y = np.arange(8, dtype=np.float32), np.arange(100, 108, dtype=np.float32)
    out = np.zeros(64, np.float32)

    def emit(b):
        p, q, to = b.arg_ptr(0), b.arg_ptr(2), b.arg_ptr(4)
        u, v = b.load(p, float32, 8), b.load(q, float32, 8)
        found = [
            b.shuffle(u, v, [0, 8, 1, 9, 15, 7, 3, 2]),
            b.shuffle(u, None, [7, 7, 1]),
            b.concat(b.slice(u, 2, 2), b.slice(v, 6, 2)),
            b.concat(b.extract(u, 5), b.slice(v, 0, 3)),
            b.concat(b.extract(u, 1), b.extract(u, 2)),
            b.insert(u, b.extract(v, 3), 2),
            b.insert(u, b.const(-1, float32), b.add(b.begin, 7)),
            b.extract(v, b.end),
            b.pack([b.extract(u, 3), b.const(0.25, float32)]),
            b.splat(b.extract(u, 6), 3),
            b.iota(float32, 4, 2, 3),
            b.shuffle(u, v, [12]),
            b.pack(b.unpack(b.slice(v, 0, 3))),
        ]
        at = 0
        for value in found:
            b.store(value, to, at)
            at += value.lanes

    run(emit, [x, y, out])
    want = [
        0, 100, 1, 101, 107, 7, 3, 2, 7, 7, 1, 2, 3, 106, 107, 5, 100, 101, 102, 1, 2, 0, 1, 103, 3, 4, 5, 6, 7, 0, 1,
        2, 3, 4, 5, 6, -1, 101, 3, 0.25, 6, 6, 6, 2, 5, 8, 11, 104, 100, 101, 102,
    ]  # fmt: skip
    assert out[: len(want)].tolist() == want
    assert not out[len(want) :].any()


@pytest.mark.parametrize("lanes", (1, 2, 3, 5, 8, 16))
def test_hreduce_has_a_fixed_order(run, lanes):
    x = (10 ** np.random.default_rng(lanes).uniform(-4, 4, lanes)).astype(np.float32)
    out = np.zeros(2, np.float32)

    def emit(b):
        v = b.load(b.arg_ptr(0), float32, lanes)
        b.store(b.hreduce(v, b.add), b.arg_ptr(2))
        b.store(b.hreduce(v, b.maximum), b.arg_ptr(2), 1)

    run(emit, [x, out])

    def halved(v):
        if len(v) == 1:
            return v[0]
        half = len(v) // 2
        low = halved(v[:half] + v[half : 2 * half])
        return low + v[-1] if len(v) % 2 else low

    assert out.tolist() == [halved(x), x.max()]


@pytest.mark.parametrize("lanes", (1, 4, 8))
def test_any_all_and_lane_masks(run, lanes):
    def compute(b):
        count = b.arg_int(2)
        mask = b.lane_mask(count, lanes)
        return [b.convert(b.any(mask), int64), b.convert(b.all(mask), int64), b.convert(b.any(b.not_(mask)), int64)]

    for count in range(-1, lanes + 2):
        want = [count > 0, count >= lanes, count < lanes]
        assert results(run, 3, compute, words=[count]) == want
    assert results(run, 1, lambda b: [b.convert(b.all(b.const(True, bool_, 8)), int64)]) == [1]

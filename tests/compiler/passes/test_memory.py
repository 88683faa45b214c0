"""memory: no two values that live at once share a byte."""

from __future__ import annotations

import random

import pytest

from suiren.compiler.emit.target import host
from suiren.compiler.passes.memory import levels_of, memory
from suiren.compiler.program import Buffer, Call, Kernel, program_of
from suiren.config import config
from suiren.trace.trace import Trace


def call(reads, writes, scratch=()):
    return Call(Kernel("none", (), lambda b: None), [], 1, list(reads), list(writes), scratch=list(scratch))


def planned(calls):
    program = program_of(Trace((), (), (), ()), host(), config.passes)
    program.calls = list(calls)
    return memory(program)


def test_levels_follow_reads_and_writes():
    a, b, c = (Buffer(64) for _ in range(3))
    calls = [call([], [a]), call([a], [b]), call([a], [c]), call([b, c], [a]), call([], [b])]
    assert levels_of(calls) == [0, 1, 1, 2, 3]


def test_a_chain_needs_two_places():
    buffers = [Buffer(1000) for _ in range(10)]
    calls = [call(buffers[n - 1 : n], buffers[n : n + 1]) for n in range(10)]
    assert planned(calls).arena_bytes == 2 * 1024


def test_calls_are_put_in_the_order_of_their_levels():
    a, b, c = (Buffer(64) for _ in range(3))
    first, second, late = call([], [a]), call([a], [b]), call([], [c])
    assert planned([first, second, late]).calls == [first, late, second]


def test_what_only_makes_memory_runs_late():
    """Two inputs are made from a leaf: the second one when the first is gone."""
    leaf, out = Buffer(1000, slot=3), Buffer(1000, slot=4)
    a, b, x, y = (Buffer(1000) for _ in range(4))
    calls = [call([leaf], [a]), call([leaf], [b]), call([a], [x]), call([x], [y]), call([y, b], [out])]
    program = planned(calls)
    assert program.calls.index(calls[2]) < program.calls.index(calls[1])


def test_what_keeps_more_alive_is_not_put_off():
    leaf, out = Buffer(1000, slot=3), Buffer(1000, slot=4)
    large, small, x, y = Buffer(1000), Buffer(10), Buffer(1000), Buffer(1000)
    calls = [call([leaf], [large]), call([large], [small]), call([leaf], [x]), call([x], [y]), call([y, small], [out])]
    program = planned(calls)
    assert program.calls.index(calls[1]) < program.calls.index(calls[3])


@pytest.mark.parametrize("seed", range(30))
def test_order_keeps_dependencies(seed):
    """Whatever is put off: every call finds what it reads as the given order left it."""
    rnd = random.Random(seed)
    buffers = [Buffer(rnd.choice([1, 64, 5000]), slot=rnd.choice([None, None, 3 + n])) for n in range(12)]
    calls = [call(rnd.sample(buffers, rnd.randint(0, 3)), rnd.sample(buffers, rnd.randint(1, 2))) for _ in range(40)]

    def seen(order):
        writer, found = {}, {}
        for c in order:
            found[c] = [writer.get(b) for b in c.reads]
            writer |= dict.fromkeys(c.writes, c)
        return found, writer

    assert seen(planned(calls).calls) == seen(calls)


def test_without_reuse_nothing_is_shared():
    buffers = [Buffer(1000) for _ in range(10)]
    calls = [call(buffers[n - 1 : n], buffers[n : n + 1]) for n in range(10)]
    with config(passes="-reuse"):
        assert planned(calls).arena_bytes == 10 * 1024


@pytest.mark.parametrize("seed", range(30))
def test_lives_that_meet_lie_apart(seed):
    rnd = random.Random(seed)
    buffers = [Buffer(rnd.choice([1, 60, 64, 300, 5000])) for _ in range(30)]
    calls = [
        call(
            [buffers[rnd.randrange(n)] for _ in range(rnd.randint(0, 3)) if n],
            [buffers[n]],
            [Buffer(100)] if rnd.random() < 0.3 else [],
        )
        for n in range(30)
    ]
    program = planned(calls)
    lives = {}
    for n, c in enumerate(program.calls):
        for buffer in (*c.reads, *c.writes, *c.scratch):
            lives.setdefault(buffer, []).append(n)
            assert buffer.offset % 64 == 0 and buffer.offset + buffer.nbytes <= program.arena_bytes
    for x, lx in lives.items():
        for y, ly in lives.items():
            if x is not y and min(lx) <= max(ly) and min(ly) <= max(lx):
                assert x.offset + x.nbytes <= y.offset or y.offset + y.nbytes <= x.offset

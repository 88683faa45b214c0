"""A loop that nobody looks at is cut at its own period."""

from __future__ import annotations

import numpy as np

import suiren
from suiren.trace import execution, pending
from suiren.trace.period import MIN_STEPS, find_period


def test_find_period():
    assert find_period(list("abcabcabc")) == (3, 0)
    assert find_period(list("xyzabababab")) == (2, 3)
    assert find_period(list("aaaaaa")) == (1, 0)
    assert find_period(list("abcdefgh")) is None
    assert find_period(list("abcab")) is None


def test_a_loop_becomes_one_program():
    pending.finish()
    w = suiren.ones(3)
    x = suiren.ones(3) * 0.5
    before = {*execution.endings}
    rounds = pending.MAX_TRANSITIONS  # several times the bound, as a round has some five transitions
    for i in range(rounds):
        y = w * x
        y = y + 1.0
        w.mul_(0.5)
        w.add_(y * (1.0 / (i + 1)))
    pending.finish()
    found = sorted({*execution.endings} - before, key=lambda e: e.number)
    often = max(found, key=lambda e: e.count)
    assert often.count * len(often.trace.nodes) > rounds * 5 / 2, [(e.count, len(e.trace.nodes)) for e in found]
    assert MIN_STEPS <= len(often.trace.nodes) + len(often.trace.nodes) // 5 * 2 < 2 * MIN_STEPS
    assert len(found) <= 6
    expected = np.ones(3, np.float32)
    for i in range(rounds):
        y = expected * np.float32(0.5) + 1
        expected = expected * np.float32(0.5) + y * np.float32(1.0 / (i + 1))
    np.testing.assert_allclose(w.numpy(), expected, rtol=1e-5)


def test_a_graph_that_is_being_built_is_not_cut_into_rounds():
    w = suiren.ones(3, requires_grad=True)
    h = suiren.ones(3)
    for _ in range(pending.MAX_TRANSITIONS // 2 + 50):
        h = h * w
        h = h * 1.0
    h.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), pending.MAX_TRANSITIONS // 2 + 50)

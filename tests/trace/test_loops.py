"""A loop that goes round another number of times every time becomes a few programs."""

from __future__ import annotations

import random

import numpy as np
import pytest

import suiren
from suiren import nn
from suiren.trace import execution, loops, pending


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch):
    monkeypatch.setattr(loops, "_counts", {})
    monkeypatch.setattr(loops, "_varying", {})


def test_find_loops():
    assert loops.find_loops([*"xyz", *"abcd" * 20, *"uv"]) == [(3, 4, 20)]
    assert loops.find_loops([*"a" * 50, *"bc" * 30]) == [(0, 1, 50), (50, 2, 30)]
    assert loops.find_loops([*"abcd" * 20, *"ab"]) == [(0, 4, 20)], "a part of a round at the end is none"
    assert loops.find_loops([*"ab" * 10]) == [], "too short"
    assert loops.find_loops([None] * 100) == [], "what is no step is no loop"
    assert loops.find_loops(list(range(200))) == []
    assert loops.find_loops([*("abb" * 20)]) == [(0, 3, 20)]


def _recurrent(w, xs):
    h, total = suiren.ones(4, 8), 0.0
    for x in xs:
        h = suiren.tanh(h @ w + x * 0.1)
        total = total + (h * h).mean()
    return total


def _indexed(w, xs):
    h, total, x = suiren.ones(4, 8), 0.0, suiren.stack(xs)
    for i in range(len(xs)):
        h = suiren.tanh(h @ w + x[i] * 0.1)
        total = total + (h * h).mean()
    return total


def _said(w, xs):
    """What each round gives is kept, and joined at the end; a composite is in the body, another after it."""
    said = []
    for x in xs:
        y = nn.functional.layer_norm(x @ w, (8,))
        said.append(nn.functional.smooth_l1_loss(y, x))
    return nn.functional.softplus(suiren.stack(said)).sum()


def _in_place(w, xs):
    h, total = suiren.ones(4, 8), 0.0
    for x in xs:
        h = h @ w
        h.mul_(0.5).add_(x)
        total = total + h.sin().mean()
    return total


PROGRAMS = {f.__name__: f for f in (_recurrent, _indexed, _said, _in_place)}


def _gradient(program, n: int) -> list:
    suiren.manual_seed(3)
    w = (suiren.randn(8, 8) * 0.2).requires_grad_()
    xs = [suiren.randn(4, 8) for _ in range(n)]
    loss = program(w, xs)
    loss.backward()
    return [loss.item(), w.grad.numpy().copy()]


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_numbers_are_the_same(tier, name, monkeypatch):
    lengths = random.Random(tier).choices(range(8, 70), k=14)
    found = [_gradient(PROGRAMS[name], n) for n in lengths]
    assert loops._varying, "it was noticed"
    monkeypatch.setattr(loops, "VARIES", 10**6)
    loops._varying.clear()
    pending.finish()
    for n, (loss, gradient) in list(zip(lengths, found))[-4:]:
        expected_loss, expected = _gradient(PROGRAMS[name], n)
        np.testing.assert_allclose(loss, expected_loss, rtol=1e-5)
        np.testing.assert_allclose(gradient, expected, rtol=1e-4, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("name", ["_recurrent", "_in_place"])
def test_programs_do_not_grow_with_the_loop(name, there):
    def train(n):
        w = suiren.ones(8, 8).mul(0.1).requires_grad_()
        inputs = suiren.ones(n, 4, 8)
        if there:
            inputs.tolist()
        PROGRAMS[name](w, list(inputs)).backward()
        pending.finish()

    for n in [20, 23, 31, 44, 50, 61, *range(62, 80)]:
        train(n)
    before = {*execution.endings}
    for n in (81, 95, 110, 150):
        train(n)
    new = {*execution.endings} - before
    longest = max((len(e.trace.nodes) for e in new), default=0)
    assert longest < 250, "windows of what is not there, if anything: other places, in programs of some rounds"
    assert longest < 4 or not there, "the inputs themselves"


def test_a_loop_of_one_length_is_one_program():
    w, xs = suiren.ones(8, 8).requires_grad_(), [suiren.ones(4, 8)] * 40
    for _ in range(6):
        before = execution.counts["interpreter"] + execution.counts["compiled"]
        _recurrent(w, xs).backward()
        w.grad.tolist()
        assert execution.counts["interpreter"] + execution.counts["compiled"] == before + 1
    assert not loops._varying

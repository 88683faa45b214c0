"""A backward pass through many recordings: the steps of an episode, each of which was looked at."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from suiren.autograd import engine, grad
from suiren.trace import execution, pending


def _weights():
    suiren.manual_seed(0)
    return [suiren.randn(4, 8).requires_grad_(), suiren.randn(8).requires_grad_(), suiren.randn(8, 1).requires_grad_()]


def _episode(weights, steps: int, look: bool):
    """The loss of an episode whose state is carried on, and what each step said."""
    w, b, v = weights
    state, said = suiren.linspace(-1, 1, 4), []
    for k in range(steps):
        hidden = suiren.tanh(state @ w + b)
        value = (hidden @ v)[0]
        if look:
            value.item()
        said.append(value * (0.9**k))
        state = state * 0.9 + hidden[:4] * 0.1
    return suiren.stack(said).pow(2).sum(), said


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("way", ["backward", "twice", "grad", "second order", "hooks", "inputs", "accumulated"])
def test_looking_changes_nothing(tier, steps, way):
    found = []
    for look in (False, True):
        for _ in range(2):  # the second time is compiled
            weights = _weights()
            loss, said = _episode(weights, steps, look)
            seen = []
            if way == "hooks":
                said[0].register_hook(lambda g, seen=seen: seen.append(g.item()))
                said[-1].register_hook(lambda g: g * 2)
                weights[1].register_hook(lambda g, seen=seen: seen.extend(g.tolist()))
            if way == "accumulated":
                for t in weights:
                    t.grad = suiren.ones_like(t)
            if way in ("grad", "second order"):
                grads = grad(loss, weights, create_graph=way == "second order")
                if way == "second order":
                    sum((g * g).sum() for g in grads).backward()
                    grads = [t.grad for t in weights]
            elif way == "inputs":
                loss.backward(inputs=weights[1:])
                assert weights[0].grad is None
                grads = [t.grad for t in weights[1:]]
            else:
                if way == "twice":
                    loss.backward(retain_graph=True)
                loss.backward()
                grads = [t.grad for t in weights]
            if way not in ("second order", "grad"):
                with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
                    loss.backward()
            found.append([*(g.numpy().copy() for g in grads), np.array(seen)])
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-5)


def test_episodes_of_any_length_are_the_same_programs():
    weights = _weights()
    optimizer = suiren.optim.SGD(weights, lr=1e-3)

    def episode(steps):
        loss, _ = _episode(weights, steps, True)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    for steps in (5, 6, 7):
        episode(steps)
    pending.finish()
    before = {*execution.endings}
    episode(40)
    pending.finish()
    assert len({*execution.endings} - before) <= 3, "the sum of the steps, and its gradient, are new; the steps are not"


def test_the_way_through_a_graph_is_known_the_second_time(monkeypatch):
    weights, ran = _weights(), []
    by_rule = engine.Pass._by_rule
    monkeypatch.setattr(engine.Pass, "_by_rule", lambda self, graph, *rest: ran.append(graph) or by_rule(self, graph, *rest))
    for steps in (6, 7, 20):
        loss, _ = _episode(weights, steps, True)
        ran.clear()
        loss.backward()
    assert len({id(graph) for graph in ran}) <= 4, "the live graph, the last and the first step, not the 18 between"


def test_a_value_that_was_changed_since_is_noticed():
    for _ in range(3):
        w, state, losses = suiren.ones(3, requires_grad=True), suiren.ones(3), []
        for _ in range(6):
            state = state + 1
            losses.append((w * state).sum())
            losses[-1].item()
            if len(losses) == 2:
                spoiled = state
        loss = sum(losses)
        loss.backward(retain_graph=True)
        np.testing.assert_array_equal(w.grad.numpy(), np.full(3, 2.0 + 3 + 4 + 5 + 6 + 7))
        spoiled.mul_(2)
        with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
            loss.backward()


def test_what_was_saved_is_let_go_on_the_way():
    """Not at the end of the pass: an episode of large steps would stay in memory as a whole."""
    w = suiren.ones(4, requires_grad=True)
    losses = []
    for _ in range(6):
        losses.append((w * 2).exp().sum())
        losses[-1].item()
    last, first = losses[-1]._graph[0], losses[0]._graph[0]
    saved = len(last.tensors)
    found = []
    losses[1].register_hook(lambda g: found.append((len(last.tensors), len(first.tensors))))
    sum(losses).backward()
    assert found == [(len(last.tensors), saved)] and len(last.tensors) < saved

"""A gradient that reaches several tensors is each one's own: writing one in place leaves the others alone."""

from __future__ import annotations

import suiren as t
from suiren.nn import LSTM
from suiren.nn.utils import clip_grad_norm_


def two() -> list:
    return [t.ones(3, requires_grad=True) for _ in range(2)]


def test_leaves_of_a_sum(tier):
    for _ in range(3):
        a, b = two()
        (t.ones(4, 3) + (a + b)).sum().backward()
        a.grad.mul_(3)
        assert a.grad.tolist() == [12] * 3 and b.grad.tolist() == [4] * 3


def test_leaves_that_were_asked_for():
    a, b = two()
    (t.ones(4, 3) + (a + b)).sum().backward(inputs=[a, b])
    a.grad.mul_(3)
    assert a.grad.tolist() == [12] * 3 and b.grad.tolist() == [4] * 3


def test_a_graph_of_gradients():
    a, b = two()
    (a + b).pow(2).sum().backward(create_graph=True)
    assert a.grad is not b.grad


def test_what_a_hook_keeps_and_what_is_retained():
    kept = []
    a, _ = two()
    h = a + 1
    h.register_hook(kept.append)
    h.retain_grad()
    (h * 2).sum().backward()
    a.grad.mul_(3)
    assert a.grad.tolist() == [6] * 3 and kept[0].tolist() == h.grad.tolist() == [2] * 3


def test_the_biases_of_an_lstm_are_clipped_once(tier):
    t.manual_seed(0)
    layer = LSTM(3, 4)
    layer(t.randn(2, 3, 3))[0].pow(2).sum().backward()
    before = [p.grad.clone() for p in layer.parameters()]
    norm = clip_grad_norm_(layer.parameters(), 0.01)
    for p, g in zip(layer.parameters(), before, strict=True):
        t.testing.assert_close(p.grad, g * (0.01 / (norm + 1e-6)))

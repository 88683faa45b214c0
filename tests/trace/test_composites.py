"""Composites: one transition for what a function records, and when it must not be one."""

import math

import numpy as np
import pytest

import suiren as t
from suiren.api.composites import composite
from suiren.nn import functional as F
from suiren.trace import macros
from suiren.trace.pending import local

calls = []


@composite
def scaled(x, y, factor=2.0):
    calls.append(factor)
    z = (x * y + factor).exp().log() - factor
    return z.sum(), z


@composite
def noisy(x):
    calls.append("noisy")
    return x + t.rand(3)


@composite
def writing(x):
    calls.append("writing")
    return x.add_(1) * 2


@composite
def showing(x):
    calls.append("showing")
    return (x * 2).t()


@pytest.fixture(autouse=True)
def fresh():
    t.manual_seed(0)
    local.rec.period = None
    calls.clear()


def there(x):
    """A tensor that has been computed."""
    x.numpy()
    return x


def test_is_expanded_once_for_a_program():
    x, y = t.ones(2, 3) * 0.5, t.full((2, 3), 3.0)
    found = []
    for _ in range(5):
        total, z = scaled(x, y)
        found.append((total.item(), z.numpy()))
    assert len(calls) <= 2  # the arguments are pending the first time, leaves from then on
    for total, z in found:
        np.testing.assert_allclose(z, np.full((2, 3), 1.5), rtol=1e-6)
        assert total == pytest.approx(9)


def test_another_setting_or_shape_is_another_expansion():
    x = there(t.ones(2))
    for factor in (1.0, 2.0, 3.0, 1.0, 2.0, 3.0):
        assert scaled(x, x, factor)[0].item() == pytest.approx(2)
    assert calls == [1.0, 2.0, 3.0]
    assert scaled(x, x, factor=1)[0].item() == pytest.approx(2)  # a whole number makes another program
    assert calls[3:] == [1]
    assert scaled(t.ones(3), t.ones(3), 1.0)[0].item() == pytest.approx(3)
    assert calls[4:] == [1.0]


def test_settings_that_never_come_again_are_not_kept():
    x = there(t.ones(2))
    for i in range(3 * macros.MOST_COMPOSITES):
        scaled(x, x, i + 0.5)[0].item()
    assert len(calls) == 3 * macros.MOST_COMPOSITES
    known = [m for node in _starts() for m in (node.macros or {})]
    assert sum(key[0] is scaled.__wrapped__ for key in known) <= 2 * macros.MOST_COMPOSITES + 8


def _starts():
    from suiren.trace.trie import ROOTS

    stack = list(ROOTS.values())
    while stack:
        node = stack.pop()
        yield node
        stack.extend(node.children.values())


def test_what_draws_or_writes_is_expanded_every_time():
    x = t.zeros(3)
    t.manual_seed(3)
    expected = t.rand(4, 3).numpy()
    t.manual_seed(3)
    np.testing.assert_array_equal(np.stack([noisy(x).numpy() for _ in range(4)]), expected)
    for i in range(4):
        assert writing(x).tolist() == [2.0 * (i + 1)] * 3
    assert x._version == 4
    assert calls == ["noisy"] * 4 + ["writing"] * 4


def test_a_view_as_result_still_shares():
    x = t.ones(2, 3)
    for _ in range(3):
        y = showing(x)
        assert y.shape == (3, 2)
        assert y.t().is_contiguous()
        y.add_(1)
        assert y.sum().item() == 18
    assert calls == ["showing"] * 3


def test_views_and_leaves_as_arguments():
    base = there(t.arange(12.0)).view(3, 4)
    for i in range(4):
        assert scaled(base[1], base[:, 1][:1].expand(4), 0.0)[0].item() == pytest.approx(4 + 5 + 6 + 7 + 6 * i)
        base[1, 3] += 6
    assert calls == [0.0] * 2  # with and without the write in the same recording


def test_gradients_through_a_known_composite():
    w = t.full((3,), 0.5, requires_grad=True)
    for i in range(4):
        w.grad = None
        total, z = scaled(w, w)
        (total + 2 * z.sum()).backward()
        np.testing.assert_allclose(w.grad.numpy(), 6 * w.detach().numpy(), rtol=1e-5)
        with t.no_grad():
            w -= 0.1 * w.grad
            scaled(w, w)[0].item()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        x = t.ones(3, requires_grad=True) * 1
        total, _ = scaled(x, x)
        x.add_(1)
        total.backward()


def test_saved_tensors_hooks_see_every_value():
    w = t.full((3,), 0.5, requires_grad=True)
    plain, seen = [], []
    for _ in range(3):
        scaled(w, w)[0].item()
    for _ in range(2):
        seen.clear()
        with t.autograd.graph.saved_tensors_hooks(lambda x: seen.append(x) or x, lambda x: x):
            scaled(w, w)[0].backward()
        plain.append(len(seen))
    assert plain[0] == plain[1] > 2


def test_transforms_go_through():
    x = t.randn(4, 3)
    for _ in range(3):
        scaled(x[0], x[0])[0].item()
    found = t.func.vmap(lambda r: scaled(r, r)[0])(x)
    np.testing.assert_allclose(found.numpy(), (x * x).sum(1).numpy(), rtol=1e-5)
    np.testing.assert_allclose(t.func.grad(lambda r: scaled(r, r)[0])(x[0]).numpy(), 2 * x[0].numpy(), rtol=1e-5)


def test_autocast_is_not_remembered():
    q = t.randn(1, 2, 4, 8)
    for _ in range(3):
        assert F.scaled_dot_product_attention(q, q, q).dtype is t.float32
        with t.autocast("cpu"):
            assert F.scaled_dot_product_attention(q, q, q).dtype is t.bfloat16


def test_errors_are_raised_every_time_and_leave_nothing():
    logits, wrong = there(t.randn(4, 5)), t.zeros(3, dtype=t.int64)
    for _ in range(3):
        with pytest.raises(ValueError, match="Expected input batch_size"):
            F.cross_entropy(logits, wrong)
    for bad in (7, 7, 2, 7):
        loss = F.cross_entropy(logits, t.tensor([0, 1, 2, bad]))
        if bad == 7:
            with pytest.raises(IndexError, match="out of bounds"):
                loss.item()
        else:
            assert math.isfinite(loss.item())


def test_a_list_among_the_settings_is_expanded():
    x = t.randn(2, 3)
    for _ in range(3):
        np.testing.assert_allclose(F.layer_norm(x, [3]).mean(1).numpy(), 0, atol=1e-6)


def test_a_loop_that_nobody_looks_at():
    x = t.linspace(0.1, 1, 8)
    expected = x.numpy().copy()
    for _ in range(3000):
        x = scaled(x, x, 0.25)[1] * 0.5 + 0.25
    for _ in range(3000):
        expected = (expected * expected) * 0.5 + 0.25
    np.testing.assert_allclose(x.numpy(), expected, rtol=1e-4)
    starts = len(calls)
    for _ in range(3000):
        x = scaled(x, x, 0.25)[1] * 0.5 + 0.25
    x.numpy()
    assert len(calls) - starts < 3000  # the loop's period does not stand in the way for ever


def test_dropout_in_an_lstm_still_draws():
    lstm = t.nn.LSTM(4, 5, num_layers=2, dropout=0.5)
    x = t.randn(6, 2, 4)
    outs = [lstm(x)[0].detach().numpy() for _ in range(3)]
    assert not np.allclose(outs[0], outs[1])
    assert not np.allclose(outs[1], outs[2])
    lstm.eval()
    outs = [lstm(x)[0].detach().numpy() for _ in range(3)]
    np.testing.assert_allclose(outs[0], outs[2], rtol=1e-5, atol=1e-6)

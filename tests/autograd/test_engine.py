"""Backward passes: recorded, replayed, kept across recordings, run twice, differentiated again."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from suiren.autograd import grad
from suiren.trace import execution, pending


def leaf(*shape: int, seed: int = 0) -> suiren.Tensor:
    a = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    return suiren.Tensor.from_array(a, copy=True).requires_grad_()


def test_a_step_is_one_program_and_replays_right(tier):
    w, b = leaf(4, 3), leaf(3)
    pending.finish()
    before = len(execution.endings)
    for i in range(6):
        x = suiren.Tensor.from_array(np.random.default_rng(i).standard_normal((5, 4)).astype(np.float32), copy=True)
        w.grad = b.grad = None
        loss = ((x @ w + b) ** 2).sum()
        loss.backward()
        value = loss.item()
        y = x.numpy() @ w.detach().numpy() + b.detach().numpy()
        np.testing.assert_allclose(value, (y**2).sum(), rtol=1e-5)
        np.testing.assert_allclose(w.grad.numpy(), 2 * x.numpy().T @ y, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(b.grad.numpy(), 2 * y.sum(0), rtol=1e-4, atol=1e-5)
        del x, loss
    assert len(execution.endings) - before <= 2


def test_gradients_add_up_in_place():
    w = leaf(3)
    (w * 2.0).sum().backward()
    first = w.grad
    for k in range(2, 6):
        (w * 2.0).sum().backward()
        assert w.grad is first
        np.testing.assert_allclose(w.grad.numpy(), 2.0 * k)


def test_looking_between_forward_and_backward(tier):
    w = leaf(3)
    for _ in range(5):
        w.grad = None
        loss = (w.exp() * w).sum()
        value = loss.item()
        loss.backward()
        a = w.detach().numpy()
        np.testing.assert_allclose(value, (np.exp(a) * a).sum(), rtol=1e-5)
        np.testing.assert_allclose(w.grad.numpy(), np.exp(a) * (1 + a), rtol=1e-5)


def test_a_graph_over_three_recordings(tier):
    w = leaf(3)
    for _ in range(3):
        w.grad = None
        a = w * 2.0
        pending.finish()
        b = a.exp()
        pending.finish()
        (b * b).sum().backward()
        np.testing.assert_allclose(w.grad.numpy(), 4 * np.exp(4 * w.detach().numpy()), rtol=1e-5)


@pytest.mark.parametrize("look", [False, True])
def test_backward_twice_is_refused(look):
    w = leaf(3)
    loss = (w * w).sum()
    if look:
        loss.item()
    loss.backward()
    with pytest.raises(RuntimeError, match="Trying to backward through the graph a second time"):
        loss.backward()
    loss = (w * w).sum()
    loss.backward(retain_graph=True)
    loss.backward()
    np.testing.assert_allclose(w.grad.numpy(), 6 * w.detach().numpy(), rtol=1e-6)


def test_higher_derivatives(tier):
    x = leaf(4)
    y = (x * x * x * x).sum()
    (first,) = grad(y, x, create_graph=True)
    (second,) = grad(first.sum(), x, create_graph=True)
    (third,) = grad(second.sum(), x)
    a = x.detach().numpy()
    np.testing.assert_allclose(first.detach().numpy(), 4 * a**3, rtol=1e-5)
    np.testing.assert_allclose(second.detach().numpy(), 12 * a**2, rtol=1e-5)
    np.testing.assert_allclose(third.numpy(), 24 * a, rtol=1e-5)


def test_hooks_and_retained_gradients():
    x = leaf(3)
    h = x * 2.0
    h.retain_grad()
    seen = []
    handle = h.register_hook(lambda g: seen.append(g) or g * 10.0)
    (h * h).sum().backward()
    a = x.detach().numpy()
    np.testing.assert_allclose(seen[0].numpy(), 4 * a, rtol=1e-6)
    np.testing.assert_allclose(h.grad.numpy(), 40 * a, rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), 80 * a, rtol=1e-6)
    handle.remove()
    x.grad = None
    (x * 2.0).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2)


def test_numbers_of_the_forward_are_arguments_of_the_backward(tier):
    w = leaf(3)
    for number in (0.5, 2.0, -3.0, 7.0):
        w.grad = None
        (w * number).sum().backward()
        np.testing.assert_allclose(w.grad.numpy(), number)


def test_errors_are_pytorchs():
    x = leaf(3)
    with pytest.raises(RuntimeError, match="grad can be implicitly created only for scalar outputs"):
        (x * 2.0).backward()
    with pytest.raises(RuntimeError, match="does not require grad"):
        suiren.ones(1).backward()
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        (x * 2.0).backward(suiren.ones(4))
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        grad((x * 2.0).sum(), leaf(3))


def test_grad_fn_names_and_edges():
    x = leaf(3)
    y = (x * 2.0).sum()
    assert y.grad_fn.name() == "SumBackward0"
    mul = y.grad_fn.next_functions[0][0]
    assert mul.name() == "MulBackward0"
    assert mul.next_functions[0][0].variable is x
    assert x.grad_fn is None
    assert x.is_leaf and not y.is_leaf


def test_detach_and_data_cut_the_graph():
    x = leaf(3)
    assert not x.detach().requires_grad
    assert (x.detach() * 2.0).requires_grad is False
    x.data.mul_(0.0)
    np.testing.assert_array_equal(x.detach().numpy(), 0)


def test_what_is_overwritten_by_a_constant_gets_no_gradient():
    x = suiren.tensor([1.0, 2.0], requires_grad=True)
    for write in (lambda y: y.copy_(suiren.ones(2)), lambda y: y.__setitem__(slice(None), 1.0), lambda y: y.zero_()):
        x.grad = None
        y = x * 0.9
        write(y)
        assert y.requires_grad
        y.sum().backward()
        np.testing.assert_array_equal(x.grad.numpy(), [0, 0])


@pytest.mark.parametrize("look", [False, True])
def test_a_value_that_no_rule_uses_may_be_changed(look):
    x = leaf(3)
    h = x * 2.0
    h.mul_(3.0)
    if look:
        h.sum().item()
    h.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 6.0)


@pytest.mark.parametrize("look", [False, True])
@pytest.mark.parametrize("inner", [lambda a: a.mT * a.mT, lambda a: a @ a.mT, lambda a: a.exp().sin() * a[0]], ids=["views", "products", "values"])
def test_values_that_a_graph_saved_have_a_history(tier, look, inner):
    a = leaf(2, 2)
    results = []
    for looks in (False, look):
        h = inner(a)
        if looks:
            h.sum().item()
        (g,) = grad(h.exp().sum(), a, create_graph=True)
        if looks:
            g.sum().item()
        results.append(grad(g.sum(), a)[0].numpy())
    np.testing.assert_allclose(results[1], results[0], rtol=1e-5)


def test_a_graph_that_was_used_holds_no_values():
    """A tensor that its own graph keeps for backward must not wait for the collector of cycles."""
    import gc
    import weakref

    x = leaf(3)
    gc.collect()
    gc.disable()
    try:
        for _ in range(4):
            h = x.exp()
            loss = (h * h).sum()
            loss.item()
            loss.backward()
            gone = weakref.ref(h)
            del h, loss
            pending.finish()  # what is pending reads it
            assert gone() is None
    finally:
        gc.enable()


def test_a_write_into_what_is_detached_leaves_the_history_of_the_other():
    x = suiren.tensor([1.0, 2.0], requires_grad=True)
    y = x + 1
    z = y.detach()
    z.tanh_()
    assert not z.requires_grad and y.requires_grad
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1, 1])

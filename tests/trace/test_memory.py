"""Writes, hooks and threads in orders that programs of PyTorch's users have; the expected numbers are PyTorch's."""

from __future__ import annotations

import threading

import pytest

import suiren


def _in_a_thread(f):
    """Threads one after the other: their identifiers are used again."""
    thread = threading.Thread(target=f)
    thread.start()
    thread.join(20)
    assert not thread.is_alive(), "it waits for ever"


def test_what_an_ended_thread_left_pending():
    x, out = suiren.ones(2), []
    _in_a_thread(lambda: out.append(x + 1))
    _in_a_thread(lambda: out.append(out[0] * 2))
    assert [t.tolist() for t in out] == [[2.0, 2.0], [4.0, 4.0]]


def test_gradients_accumulate_from_thread_to_thread():
    p = suiren.ones(2, requires_grad=True)
    for _ in range(5):
        _in_a_thread(lambda: p.sum().backward())
    assert p.grad.tolist() == [5.0, 5.0]


def test_an_optimizer_goes_from_thread_to_thread():
    p = suiren.ones(2, requires_grad=True)
    optimizer = suiren.optim.SGD([p], lr=0.5, momentum=0.5)

    def step():
        optimizer.zero_grad()
        (p * p).sum().backward()
        optimizer.step()

    here = suiren.ones(2, requires_grad=True)
    alone = suiren.optim.SGD([here], lr=0.5, momentum=0.5)
    for _ in range(5):
        _in_a_thread(step)
        alone.zero_grad()
        (here * here).sum().backward()
        alone.step()
    assert p.tolist() == here.tolist()


def test_what_is_written_through_detached_tensors_has_no_history(tier):
    for _ in range(3):
        p, q, r = (suiren.ones(2, requires_grad=True) for _ in range(3))
        e = suiren.zeros(2)
        e.data.mul_(0.5).add_(p * 0.5)
        assert not e.requires_grad and e.tolist() == [0.5, 0.5]
        q.data.add_(p * 1)
        assert q.is_leaf
        q.sum().backward()
        assert q.grad.tolist() == [1.0, 1.0] and p.grad is None and q.tolist() == [2.0, 2.0]
        r.detach()[...] = p * 3
        r.sum().backward()
        assert r.grad.tolist() == [1.0, 1.0] and r.tolist() == [3.0, 3.0] and p.grad is None


def test_hooks_of_a_view_outlive_the_recording(tier):
    for _ in range(3):
        seen, p = [], suiren.ones(2, requires_grad=True)
        v = (p * 1)[0]
        v.register_hook(lambda g, seen=seen: seen.append(g.item()))
        v.retain_grad()
        (v * 2).sum().item()
        (v * 2).sum().backward()
        assert seen == [2.0] and v.grad.item() == 2.0 and p.grad.tolist() == [2.0, 0.0]


def test_a_window_that_moves_inside_of_a_view(tier):
    for _ in range(4):
        a, b = suiren.arange(8.0), suiren.zeros(8)
        for i in range(4):
            b[None, i : i + 1] += 1.0
            (a - b).tolist()
        assert b.tolist() == [1.0] * 4 + [0.0] * 4


def test_a_hook_that_looks_behind_an_earlier_recording(tier):
    for _ in range(3):
        seen, p = [], suiren.ones(2, requires_grad=True)
        p.register_hook(lambda g, seen=seen: seen.append(g.tolist()))
        s = (p * p).sum()
        s.item()
        r = s.clamp(-99, 99)
        r.item()
        r.backward()
        assert seen == [[2.0, 2.0]]


@pytest.mark.parametrize("look", [False, True])
def test_a_graph_that_saved_nothing_runs_twice(tier, look):
    for _ in range(3):
        p = suiren.ones((), requires_grad=True)
        v = (p + suiren.ones(8))[::2]
        for k in range(3):
            (v * p).sum().backward()
            if look:
                assert p.grad.item() == 12.0 * (k + 1)
        assert p.grad.item() == 36.0


def test_the_gradient_is_shared_with_numpy_while_more_is_added(tier):
    for _ in range(3):
        p, kept = suiren.arange(8.0, requires_grad=True), []
        for _ in range(4):
            (p * p).clamp(-20, 20).sum().backward(retain_graph=True)
            (suiren.relu(p) * 2.0).sum().backward()
            kept.append(p.grad.numpy())
        expected = [4 * (2 * x * (x * x <= 20) + 2.0 * (x > 0)) for x in range(8)]
        assert p.grad.tolist() == expected and all(a.tolist() == expected for a in kept)


@pytest.mark.parametrize("saved", [False, True])
def test_a_leaf_that_was_written_before_and_after(tier, saved):
    """Its slot in the graph is an autograd leaf, whatever becomes of the value that was saved there."""
    for _ in range(3):
        p = suiren.full((1, 2), -3.0, requires_grad=True)
        with suiren.no_grad():
            p.zero_()
        v = suiren.zeros_like(p) + p
        optimizer = suiren.optim.SGD([p], lr=1.0)
        w = (v * p).clamp(-99, 99) if saved else None
        for _ in range(5):
            optimizer.step()
            (v + p).sum().backward(retain_graph=True)
        assert p.grad.tolist() == [[10.0, 10.0]]
        if saved:
            with pytest.raises(RuntimeError, match="has been modified by an inplace operation"):
                w.sum().backward()


@pytest.mark.parametrize("write", [lambda x: x.mul_(5), lambda x: x[1:].add_(7), lambda x: x.numpy().fill(7)])
def test_what_another_thread_has_read_is_written(write):
    for _ in range(3):
        x, out = suiren.ones(4), []
        _in_a_thread(lambda: out.append(x * 2))
        write(x)
        assert out[0].tolist() == [2.0] * 4


def test_what_another_thread_has_written_is_joined():
    for _ in range(3):
        parts = [suiren.ones(2) for _ in range(10)]
        _in_a_thread(lambda: [x.mul_(i) for i, x in enumerate(parts)])
        assert suiren.cat(parts).tolist() == [float(i) for i in range(10) for _ in range(2)]
        assert suiren.stack(parts)[:, 0].tolist() == [float(i) for i in range(10)]


def test_an_optimizer_steps_after_another_thread_has_read():
    for _ in range(3):
        p, out = suiren.ones(2, requires_grad=True), []
        optimizer = suiren.optim.SGD([p], lr=1.0)
        (p * 3).sum().backward()
        _in_a_thread(lambda: out.append(p * 2))
        optimizer.step()
        assert out[0].tolist() == [2.0, 2.0] and p.tolist() == [-2.0, -2.0]


def test_a_write_to_an_expanded_tensor_without_elements():
    x = suiren.zeros(0, 3)
    assert x.expand(2, -1, -1).add_(1).shape == (2, 0, 3)
    p = suiren.ones(0, 3, requires_grad=True)
    (gradient,) = suiren.autograd.grad(p.sum(), [p])
    assert gradient.add_(1).shape == (0, 3)
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        suiren.zeros(1, 3).expand(2, 3).add_(1)

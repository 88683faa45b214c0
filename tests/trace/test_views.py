"""Views and in-place writes, functional inside, as in PyTorch outside. NumPy, whose views are real, is the oracle."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import suiren
from suiren.config import config


def pair(*shape: int):
    a = np.arange(int(np.prod(shape, dtype=int)), dtype=np.float32).reshape(shape)
    return a, suiren.Tensor.from_array(a.copy(), copy=True)


def test_a_view_sees_writes_to_its_base(tier):
    a, x = pair(3, 4)
    v = x[1]
    x += 10.0
    np.testing.assert_array_equal(v.numpy(), a[1] + 10)


def test_a_base_sees_writes_through_its_view(tier):
    a, x = pair(3, 4)
    v = x.t()[1:3]
    v.mul_(2.0)
    a.T[1:3] *= 2
    np.testing.assert_array_equal(x.numpy(), a)


def test_views_of_one_base_see_each_other_while_everything_is_pending(tier):
    a, x = pair(4, 4)
    x = x * 1.0
    left, right = x[:, :2], x[:, 2:]
    left += 1.0
    right *= 3.0
    left -= right
    a = a * 1
    a[:, :2] += 1
    a[:, 2:] *= 3
    a[:, :2] -= a[:, 2:]
    np.testing.assert_array_equal(x.numpy(), a)
    np.testing.assert_array_equal(left.numpy(), a[:, :2])


def test_memory_is_shared_with_numpy_both_ways(tier):
    a = np.arange(6, dtype=np.float32)
    x = suiren.from_numpy(a)
    a[0] = 50
    assert x[0].item() == 50
    x[1] = 60
    assert a[1] == 60
    b = x.numpy()
    x += 1.0
    np.testing.assert_array_equal(a, b)
    pending = x * 2.0
    a[2] = 99  # after the operation was recorded: it must not be seen
    np.testing.assert_array_equal(pending.numpy(), [102, 122, 6, 8, 10, 12])


def test_another_dtype_is_a_copy():
    a = np.arange(3, dtype=np.float64)
    x = suiren.Tensor(a)
    a[0] = 7
    assert x[0].item() == 0


def test_a_strided_array_is_shared(tier):
    a = np.arange(12, dtype=np.float32).reshape(3, 4)
    x = suiren.from_numpy(a[:, ::2])
    x += 100.0
    np.testing.assert_array_equal(a[:, ::2], [[100, 102], [104, 106], [108, 110]])
    assert a[0, 1] == 1


def test_version_counters_find_a_write_that_backward_would_miss(tier):
    x = suiren.ones(3, requires_grad=True)
    y = x.exp()
    z = y * 2.0
    y.add_(1.0)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        z.sum().backward() if False else (y.sum() + z.sum()).backward()


def test_a_leaf_that_requires_grad_is_not_written():
    x = suiren.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad is being used in an in-place operation"):
        x += 1.0
    with pytest.raises(RuntimeError, match="a view of a leaf Variable"):
        x[0] = 1.0
    with suiren.no_grad():
        x += 1.0
    np.testing.assert_array_equal(x.detach().numpy(), [2, 2, 2])
    assert x.requires_grad and x.is_leaf


def test_a_leaf_written_without_gradients_is_a_leaf_again(tier):
    w = suiren.ones(3, requires_grad=True)
    for _ in range(4):
        w.data.sub_(0.25 * (w.detach() * 2.0))
        (w * w).sum().backward()
        np.testing.assert_allclose(w.grad.numpy(), 2 * w.detach().numpy(), rtol=1e-6)
        w.grad = None


def test_integers_do_not_take_floats():
    x = suiren.Tensor.from_array(np.arange(3), copy=True)
    with pytest.raises(RuntimeError, match="can't be cast to the desired output type Long"):
        x += 0.5
    with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
        x += suiren.Tensor.from_array(np.ones((2, 3), np.int64), copy=True)


VIEWS = {
    "t": lambda x: x.transpose(0, 1) if isinstance(x, suiren.Tensor) else x.swapaxes(0, 1),
    "row": lambda x: x[1:],
    "step": lambda x: x[:, ::2],
    "tail": lambda x: x[:, 1:],
}
WRITES = {
    "add": lambda x: x.__iadd__(1.5),
    "double": lambda x: x.__imul__(2.0),
    "self": lambda x: x.__iadd__(x),
    "fill": lambda x: x.__setitem__(0, 3.0),
}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(sorted({**VIEWS, **WRITES, "pure": 0}))), min_size=1, max_size=12), st.sampled_from(["interpreter", "compiled"]))
def test_random_programs_of_views_and_writes(program, tier):
    a = np.arange(48, dtype=np.float32).reshape(6, 8)
    with config(tier=tier):
        ours, theirs = [suiren.Tensor.from_array(a, copy=True)], [a.copy()]
        for which, action in program:
            x, y = ours[which % len(ours)], theirs[which % len(theirs)]
            if action in VIEWS:
                if y.shape[0] > 2 and y.shape[1] > 2:
                    ours.append(VIEWS[action](x))
                    theirs.append(VIEWS[action](y))
            elif action == "pure":
                ours.append(x + 1.0)
                theirs.append(y + 1)
            else:
                WRITES[action](x)
                WRITES[action](y)
        for x, y in zip(ours, theirs):
            np.testing.assert_array_equal(x.numpy(), y)


def test_a_write_through_a_view_that_repeats_elements_to_one_that_does_not(tier):
    a, base = pair(4)
    rows = base.expand(3, 4)
    rows[1].add_(10)
    np.testing.assert_array_equal(rows.numpy(), np.broadcast_to(a + 10, (3, 4)))
    b, windows = pair(5)
    windows.unfold(0, 3, 1)[1].mul_(2)
    np.testing.assert_array_equal(windows.numpy(), b * [1, 2, 2, 2, 1])
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        rows.add_(1)


# ---------------------------------------------------------------- writes that are known


def test_a_known_write_is_one_step():
    w = suiren.full((2, 3), 1.0, requires_grad=True)
    w.detach().numpy()
    from suiren.trace import macros

    asked = []
    before = macros.known
    macros.known = lambda rec, key: asked.append(before(rec, key)) or asked[-1]
    try:
        for i in range(4):
            with suiren.no_grad():
                w[:, 1] -= 0.5 * w[:, 0]
            (w * w).sum().backward()
            np.testing.assert_allclose(w.grad.numpy(), 2 * w.detach().numpy(), rtol=1e-6)
            np.testing.assert_allclose(w.detach().numpy()[:, 1], np.full(2, 1 - 0.5 * (i + 1)), rtol=1e-6)
            assert w._version == 2 * (i + 1)  # `-=`, and the assignment of its result
            w.grad = None
    finally:
        macros.known = before
    assert asked[0] is None
    assert isinstance(asked[-1], macros.Write)


def test_a_known_write_raises_what_an_unknown_one_does():
    w, plain = suiren.ones(3, requires_grad=True), suiren.zeros(3)
    w.detach().numpy()
    for _ in range(3):
        with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
            w.add_(1)
        with pytest.raises(RuntimeError, match="doesn't match the broadcast shape"):
            plain.add_(suiren.ones(2, 3))
        with suiren.no_grad():
            w.add_(1)
        plain.add_(1)
    assert w.tolist() == [4.0] * 3
    assert plain.tolist() == [3.0] * 3


def test_a_known_write_is_seen_by_numpy_at_once():
    x = suiren.zeros(4)
    shared = x.numpy()
    for i in range(4):
        x[1:3].add_(1)
        assert shared.tolist() == [0, i + 1, i + 1, 0]
    y = suiren.zeros(4)
    for i in range(4):  # the same program, of memory that nobody shares
        y[1:3].add_(1)
        assert y.tolist() == [0, i + 1, i + 1, 0]


def test_a_written_value_that_somebody_holds_stays_his():
    x, given = suiren.zeros(3), suiren.ones(3)
    for i in range(4):
        mine = given * (i + 1)
        x.copy_(mine)
        x.add_(1)
        assert mine.tolist() == [i + 1.0] * 3
        assert x.tolist() == [i + 2.0] * 3
    for i in range(4):  # the same program, but for who holds the value
        x.copy_(given * (i + 1))
        x.add_(1)
        assert x.tolist() == [i + 2.0] * 3

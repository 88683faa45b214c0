"""`x.data = y`: x shows the memory of y, and who showed x's before goes on showing that. Copies that share as their originals did. Arrays with gaps."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import suiren
from suiren import nn, optim


def test_weights_that_are_put_aside_and_put_back(tier):
    """The usual moving average of weights: `backup = p.data; p.data = shadow; …; p.data = backup`."""
    p, shadow = nn.Parameter(suiren.ones(3)), suiren.full((3,), 5.0)
    for _ in range(3):
        backup = p.data
        p.data = shadow
        assert p.tolist() == [5.0] * 3 and backup.tolist() == [1.0] * 3
        p.data = backup
        assert p.tolist() == [1.0] * 3 and shadow.tolist() == [5.0] * 3
    p.sum().backward()
    optim.SGD([p], lr=1.0).step()
    assert p.tolist() == backup.tolist() == [0.0] * 3


def test_two_tensors_that_change_places():
    x, y = suiren.ones(2), suiren.zeros(2)
    for _ in range(5):
        x.data, y.data = y.data, x.data
        x.add_(1)
    assert x.tolist() == [3.0, 3.0] and y.tolist() == [3.0, 3.0]
    x.data, y.data = y.data, x.data
    x.mul_(2)
    assert x.tolist() == [6.0, 6.0] and y.tolist() == [3.0, 3.0]


@pytest.mark.parametrize("given", [lambda y: y, lambda y: y.data, lambda y: y.detach(), lambda y: y.view(3)])
@pytest.mark.parametrize("made", [lambda: suiren.ones(3), lambda: suiren.ones(3) * 1, lambda: nn.Parameter(suiren.ones(3))])
def test_writes_are_seen_on_both_sides(tier, given, made):
    for _ in range(3):
        x, y = suiren.zeros(3), made()
        x.data = given(y)
        before = x * 1
        with suiren.no_grad():
            y.add_(1)
        after = x * 1
        x.mul_(3)
        assert before.tolist() == [1.0] * 3 and after.tolist() == [2.0] * 3
        assert x.tolist() == (y * 1).tolist() == [6.0] * 3


def test_what_a_parameter_was_made_of_keeps_its_memory():
    x = suiren.ones(2)
    p = nn.Parameter(x)
    p.data = suiren.zeros(2)
    assert x.tolist() == [1.0, 1.0]
    shown = p.detach()
    p.data = p.data + 4
    assert shown.tolist() == [0.0, 0.0] and p.tolist() == [4.0, 4.0]


def test_a_result_with_other_data_keeps_its_history(tier):
    """Rounding that gradients pass by: the result's data are set, its graph is not."""
    for _ in range(3):
        w = suiren.tensor([0.4, 1.6], requires_grad=True)
        h = w * 3
        h.data = h.data.round()
        assert h.tolist() == [1.0, 5.0] and not h.is_leaf
        (h * h).sum().backward()
        assert w.grad.tolist() == [6.0, 30.0]


def test_a_saved_result_is_what_it_was(tier):
    w = suiren.zeros(2, requires_grad=True)
    h = w.exp()
    h.data = suiren.full((2,), 7.0)
    h.sum().backward()
    assert w.grad.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("part", [lambda x: x[1:], lambda x: x.view(2, 2), lambda x: x.data.view(2, 2).t(), lambda x: x.view(2, 2)[0].detach()])
def test_setting_data_to_a_part_of_itself(tier, part):
    x = suiren.arange(4.0)
    whole, expected = x.detach(), part(suiren.arange(4.0)).tolist()
    x.data = part(x)
    assert x.tolist() == expected and whole.tolist() == [0.0, 1.0, 2.0, 3.0]
    x.zero_()
    assert whole.sum() == 6 - np.sum(expected)


def test_setting_data_to_its_own():
    p = nn.Parameter(suiren.ones(2))
    p.data = p.data
    p.data = p.detach()
    assert p.tolist() == [1.0, 1.0] and p.is_leaf and p.requires_grad


@pytest.mark.parametrize("order", [lambda x, v: (x, v), lambda x, v: (v, x)])
def test_copies_share_memory_as_their_originals_do(order):
    x = suiren.arange(4.0)
    first, second = order(x, x[1:])
    first, second = copy.deepcopy((first, second))
    first.zero_()
    second.add_(1)
    both = {len(t): t.tolist() for t in (first, second)}
    assert both == ({4: [0.0, 1.0, 1.0, 1.0], 3: [1.0, 1.0, 1.0]} if len(first) == 4 else {4: [1.0, 1.0, 1.0, 1.0], 3: [1.0, 1.0, 1.0]})
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0]


def test_a_copied_parameter_has_no_gradient_but_a_copied_tensor_has():
    net = nn.Linear(2, 1)
    net(suiren.ones(1, 2)).sum().backward()
    assert copy.deepcopy(net).weight.grad is None
    x = suiren.ones(2, requires_grad=True)
    x.sum().backward()
    assert copy.deepcopy(x).grad.tolist() == [1.0, 1.0]


STRIDED = {
    "every other element of a tensor's array": lambda: suiren.zeros(8).numpy()[::2],
    "a column of a tensor's array": lambda: suiren.zeros(4, 3).numpy()[:, 1],
    "an array in Fortran's order": lambda: np.asfortranarray(np.zeros((3, 4), np.float32)),
    "every other element": lambda: np.zeros(9, np.float32)[1::2],
    "a field of records": lambda: np.zeros(5, [("a", np.float32), ("b", np.float32)])["b"],
    "a transposed part": lambda: np.zeros((4, 6), np.float32)[1:, ::3].T,
}


@pytest.mark.parametrize("how", STRIDED)
def test_an_array_with_gaps_is_shared(how):
    a = STRIDED[how]()
    x = suiren.from_numpy(a)
    before = x + 0
    a[...] = np.arange(a.size, dtype=np.float32).reshape(a.shape)
    assert not before.any() and x.tolist() == (x * 1).tolist() == a.tolist()
    x.add_(1)
    assert a.tolist() == (np.arange(a.size).reshape(a.shape) + 1).tolist()


def test_an_array_whose_steps_no_tensor_can_have():
    with pytest.raises(ValueError, match="not a multiple of the element byte size"):
        suiren.from_numpy(np.zeros(4, [("a", np.float32), ("b", np.int8)])["a"])
    with pytest.raises(ValueError, match="negative"):
        suiren.from_numpy(suiren.zeros(4).numpy()[::-1])

"""An operation that fails takes along what comes after it, and nothing that came before: as if each had been computed when it was called."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from suiren.nn import functional as F

ROUNDS = 3  # a program is interpreted the first time and compiled after that


def bad_loss(logits, classes: int = 5):
    return F.cross_entropy(logits, suiren.tensor([0, 1, 2, classes + 4]))


def fails(value):
    with pytest.raises(IndexError, match="Target 9 is out of bounds"):
        value.item()


def test_what_was_computed_before_is_there(tier):
    for i in range(ROUNDS):
        logits, x = suiren.randn(4, 5), suiren.full((3,), float(i))
        y = x * 2
        fails(bad_loss(logits))
        assert y.tolist() == [2.0 * i] * 3
        assert x.tolist() == [float(i)] * 3
        assert np.isfinite(logits.numpy()).all()


def test_writes_before_count_and_writes_after_do_not(tier):
    kept, made = suiren.zeros(3), None
    kept.numpy()
    for i in range(ROUNDS):
        made = suiren.ones(2)
        kept.add_(1)
        kept[0] = 10.0 * i
        made.mul_(3)
        loss = bad_loss(suiren.zeros(4, 5))
        kept.mul_(100)
        made.mul_(100)
        fresh = made + 1
        fails(loss)
        assert kept.tolist() == [10.0 * i, i + 1, i + 1]
        assert made.tolist() == [3, 3]
        with pytest.raises(RuntimeError, match="no value"):
            fresh.numpy()


def test_random_numbers_go_on_from_where_the_failure_was(tier):
    suiren.manual_seed(3)
    expected = [suiren.rand(2).tolist() for _ in range(2 * ROUNDS)]
    suiren.manual_seed(3)
    for i in range(ROUNDS):
        first = suiren.rand(2)
        loss = bad_loss(suiren.zeros(4, 5))
        suiren.rand(7)
        fails(loss)
        assert first.tolist() == expected[2 * i]
        assert suiren.rand(2).tolist() == expected[2 * i + 1]


def test_parameters_gradients_and_histories(tier):
    w = suiren.full((3,), 2.0, requires_grad=True)
    for i in range(ROUNDS):
        w.grad = None
        (w * w).sum().backward()
        with suiren.no_grad():
            w.sub_(0.25 * w.grad)
        half = 2.0 * 0.5 ** (i + 1)
        y = (w * 3).exp()
        loss = bad_loss(suiren.zeros(4, 5, requires_grad=True) * 1)
        loss.backward()
        with suiren.no_grad():
            w.mul_(7)
        fails(loss)
        np.testing.assert_allclose(w.detach().numpy(), half, rtol=1e-6)
        w.grad = None
        y.sum().backward()  # its history is there
        np.testing.assert_allclose(w.grad.numpy(), 3 * np.exp(3 * half), rtol=1e-5)
        assert w.is_leaf


def test_the_first_failure_in_the_program_is_the_one_that_is_raised(tier):
    table = suiren.randn(4, 2)
    for _ in range(ROUNDS):
        x = table + 1
        picked = F.embedding(suiren.tensor([7]), x)
        y = x * 2
        loss = bad_loss(suiren.zeros(4, 5))
        with pytest.raises(IndexError, match="index out of range in self"):
            (loss + picked.sum()).item()
        assert x.shape == (4, 2)
        np.testing.assert_allclose(x.numpy(), table.numpy() + 1)
        with pytest.raises(RuntimeError, match="no value"):
            y.numpy()


def test_a_check_of_what_was_written(tier):
    i, table = suiren.zeros(2, dtype=suiren.int64), suiren.arange(6.0).view(3, 2)
    i.numpy(), table.numpy()
    for step in range(4):
        i.add_(1)
        picked = F.embedding(i, table)
        i.add_(0)
        if step < 2:
            assert picked.tolist() == table[step + 1 :][:1].expand(2, 2).tolist()
        else:
            with pytest.raises(IndexError):
                picked.numpy()
        assert i.tolist() == [step + 1] * 2


def test_batch_statistics_of_a_batch_with_a_bad_target(tier):
    model = suiren.nn.Sequential(suiren.nn.Linear(3, 4), suiren.nn.BatchNorm1d(4), suiren.nn.Linear(4, 5))
    optimizer = suiren.optim.SGD(model.parameters(), lr=0.1)
    x = suiren.randn(4, 3)
    x.numpy()
    before = [p.detach().clone().numpy() for p in model.parameters()]
    means = []
    for _ in range(ROUNDS):
        optimizer.zero_grad()
        loss = bad_loss(model(x))
        with pytest.raises(IndexError, match="out of bounds"):
            loss.backward()
            optimizer.step()
        for p, old in zip(model.parameters(), before):
            np.testing.assert_array_equal(p.detach().numpy(), old)
        means.append(model[1].running_mean.numpy().copy())
    mean = model[0](x).mean(0).detach().numpy()
    for i, found in enumerate(means):  # the forward of batch norm was called before the loss
        np.testing.assert_allclose(found, mean * (1 - 0.9 ** (i + 1)), rtol=1e-4, atol=1e-6)

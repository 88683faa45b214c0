"""Views that move from step to step are leaves: a loop over the batches of a tensor is one program. What stays where it is remains a view."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from suiren.trace import execution
from suiren.trace.pending import local


def programs() -> int:
    return len(list(execution.endings))


def there(x):
    x.numpy()
    return x


def test_batches_of_a_tensor_are_one_program(tier):
    x, y = there(suiren.arange(400.0).view(100, 4)), there(suiren.arange(100))
    model = suiren.nn.Linear(4, 3)
    optimizer = suiren.optim.SGD(model.parameters(), lr=1e-5)

    def epoch(start: int):
        before = programs()
        for i in range(start, 90, 7):
            loss = suiren.nn.functional.cross_entropy(model(x[i : i + 7]), y[i : i + 7] % 3)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return programs() - before

    assert epoch(0) <= 4
    assert epoch(1) == 0
    assert epoch(5) == 0


def test_random_windows_in_one_line(tier):
    data, at = suiren.arange(1000), np.random.default_rng(0)
    there(data)
    seen = []
    for _ in range(8):
        before = programs()
        starts = [int(i) for i in at.integers(0, 990, 5)]
        found = suiren.stack([data[i : i + 4] for i in starts]) + 1
        assert found.tolist() == [[i + 1, i + 2, i + 3, i + 4] for i in starts]
        seen.append(programs() - before)
    assert seen[-4:] == [0] * 4


def test_a_window_that_stays_is_a_view(tier):
    x = there(suiren.randn(6, 8))
    for _ in range(4):
        a, b = x[:, :4] * 2, x[:, 4:] * 3
        assert len(local.rec.leaves) == 1
        np.testing.assert_array_equal((a + b).numpy(), x.numpy()[:, :4] * 2 + x.numpy()[:, 4:] * 3)


@pytest.mark.parametrize("cut", [lambda x, i: x[i], lambda x, i: x[i, 1], lambda x, i: x[:, i : i + 2], lambda x, i: x[i : i + 3].t(), lambda x, i: x[i::2][:2], lambda x, i: x.narrow(0, i, 2).reshape(-1)])
def test_moving_windows_show_what_views_show(cut, tier):
    a = np.arange(48, dtype=np.float32).reshape(8, 6)
    x = there(suiren.from_numpy(a.copy()))
    for i in (0, 1, 2, 3, 1, 0):
        expected = cut(suiren.tensor(a), i).numpy()
        np.testing.assert_array_equal((cut(x, i) * 2 + 1).numpy(), expected * 2 + 1)


def test_writes_are_seen(tier):
    x = there(suiren.arange(20.0))
    for i in range(6):
        w = x[i : i + 3]
        first = w * 1
        x[i : i + 3] += 100
        second = w * 1  # the same view, after a write in the same recording
        x.sub_(100)
        third = w + 0
        w.mul_(2)
        old = np.arange(i, i + 3)
        assert first.tolist() == list(old)
        assert second.tolist() == list(old + 100)
        assert third.tolist() == list(old)
        assert x[i : i + 3].tolist() == list(2 * old)
        x.copy_(suiren.arange(20.0))
        x.numpy()


def test_memory_of_numpy(tier):
    a = np.zeros((10, 3), np.float32)
    x = suiren.from_numpy(a)
    for i in range(6):
        a[i] = i
        y = x[i : i + 2] * 2
        a[i] = -1
        assert y.tolist() == [[2.0 * i] * 3, [0.0] * 3]


def test_gradients_of_and_through_windows(tier):
    w, data = suiren.ones(10, requires_grad=True), there(suiren.arange(10.0))
    for i in range(5):
        w.grad = None
        loss = (w[i : i + 3] * data[i : i + 3] ** 2).sum()
        loss.item()  # the graph outlives the recording
        loss.backward()
        expected = np.zeros(10)
        expected[i : i + 3] = np.arange(i, i + 3) ** 2
        np.testing.assert_allclose(w.grad.numpy(), expected)
    x = there(suiren.arange(10.0))
    for i in range(4):
        leaf = x[i : i + 2].requires_grad_()
        (leaf * leaf).sum().backward()
        assert leaf.grad.tolist() == [2.0 * i, 2.0 * (i + 1)]


def test_programs_that_hardly_come_again_make_new_ones_wait(monkeypatch):
    def rounds(n: int, length: int) -> int:
        before = execution.counts["compiled"]
        for _ in range(n):
            x = there(suiren.ones(length))
            (x * 3 + length).sum().item()
        return execution.counts["compiled"] - before

    monkeypatch.setattr(execution, "unpaid", 0)
    assert rounds(3, 301) >= 2
    monkeypatch.setattr(execution, "unpaid", 5 * execution.UNPAID)
    assert rounds(3, 302) == 0
    assert rounds(12, 302) > 0


def test_writes_that_move_are_done_at_once(tier):
    buffer, layer, seen = there(suiren.zeros(40, 2)), suiren.nn.Linear(2, 2), []
    for i in range(12):
        before = programs()
        with suiren.no_grad():
            value = layer(suiren.full((1, 2), float(i)))
            buffer[i] = value[0]
            buffer[39 - i] = i
            copied = buffer[i] + 0
        assert buffer[39 - i].tolist() == [i, i]
        np.testing.assert_array_equal(copied.numpy(), value[0].numpy())
        seen.append(programs() - before)
        assert buffer._version == 2 * (i + 1)
    assert seen[-6:] == [0] * 6
    assert (buffer[12:28] == 0).all()


def test_letters_of_names(tier):
    seen, numbers = [], np.random.default_rng(0)
    for _ in range(12):
        before, name = programs(), [int(i) for i in numbers.integers(0, 26, 5)]
        line = suiren.zeros(5, 1, 26)
        for i, letter in enumerate(name):
            line[i][0][letter] = 1
        assert (line.sum(1).argmax(1)).tolist() == name
        assert line.sum().item() == 5
        seen.append(programs() - before)
    assert seen[-3:] == [0] * 3


def test_a_write_that_moves_beside_what_is_pending(tier):
    x = there(suiren.zeros(8))
    for i in range(6):
        old = x * 1  # reads x as it is now
        x[i] = suiren.tensor(2.0) + i
        new = x * 1
        x[i : i + 1] = 0
        assert old.tolist() == [0.0] * 8
        assert new.sum().item() == 2 + i
        with pytest.raises(RuntimeError, match="expanded size|broadcast shape"):
            x[i : i + 2] = suiren.ones(3)
    w = suiren.ones(6, requires_grad=True)
    for i in range(5):
        w.grad = None
        y = w * 1
        y[i] = 5.0  # gradients flow: recorded
        y.sum().backward()
        assert w.grad.sum().item() == 5


def test_a_write_that_moves_in_what_repeats_elements_raises_every_time(tier):
    x = there(suiren.zeros(1, 4))
    for i in range(4):
        with pytest.raises(RuntimeError, match="more than one element of the written-to tensor refers to a single memory location"):
            x.expand(5, 4)[i : i + 2] = 1.0
        assert (x + 1).sum().item() == 4  # a look: the next round comes by the same node

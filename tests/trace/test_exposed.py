"""Memory that a program also writes to behind the recorder's back, through NumPy or at once: every operation reads what was there when it was called."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import suiren
from suiren import optim

READS = {
    "the tensor": lambda x: x,
    "a view": lambda x: x.view(-1),
    "a slice": lambda x: x[:2],
    "a view of a view": lambda x: x.view(2, 2)[0],
    "a transposed view": lambda x: x.view(2, 2).t(),
}


def _shared(how: str):
    if how == "from_numpy":
        a = np.arange(4, dtype=np.float32)
        return suiren.from_numpy(a), a
    x = suiren.arange(4.0)
    return x, x.numpy() if how == "numpy()" else np.asarray(x.view(2, 2)).reshape(-1)


@pytest.mark.parametrize("how", ["from_numpy", "numpy()", "a view's numpy()"])
@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("kept", [True, False])
def test_an_array_that_is_written_between_two_reads(tier, how, read, kept):
    for _ in range(3):
        x, a = _shared(how)
        shown = READS[read](x)
        expected = []
        got = []
        for step in range(4):
            a[:] = np.arange(4) + 10 * step
            seen = shown if kept else READS[read](x)
            got += [seen + 1, seen * 2]
            array = np.asarray(seen)
            expected += [array + 1, array * 2]
        for g, e in zip(got, expected):
            np.testing.assert_array_equal(g.numpy(), e)


@pytest.mark.parametrize("expose", [lambda x: x.numpy(), lambda x: np.asarray(x), lambda x: x[1:].numpy(), lambda x: np.from_dlpack(x), lambda x: x.untyped_storage()])
def test_memory_that_is_handed_out_after_it_was_read(tier, expose):
    for _ in range(3):
        x = suiren.ones(4)
        y = x + 1
        z = x[2:] * 3
        handed = expose(x)
        handed[:] = 0 if isinstance(handed, np.ndarray) else 0
        assert y.tolist() == [2.0] * 4 and z.tolist() == [3.0] * 2


def test_memory_that_is_handed_out_after_another_thread_read_it():
    x, found = suiren.ones(4), []
    thread = threading.Thread(target=lambda: found.append(x + 1))
    thread.start()
    thread.join()
    x.numpy()[:] = 5
    assert found[0].tolist() == [2.0] * 4


def test_a_window_that_is_kept_while_others_are_written(tier):
    for _ in range(3):
        x = suiren.zeros(20)
        first, got, expected = x[0:2], [], []
        array = np.zeros(20, np.float32)
        for i in range(6):
            x[i : i + 2] = suiren.full((2,), float(i + 1))
            array[i : i + 2] = i + 1
            got += [first + 1, x[i : i + 3] * 2, x + 1]
            expected += [array[0:2] + 1, array[i : i + 3] * 2, array + 1]
        for g, e in zip(got, expected):
            np.testing.assert_array_equal(g.numpy(), e)


def test_training_with_arrays_that_are_kept(tier):
    """The parameter, its gradient, the state of its optimizer and the batch are all shared with NumPy; the batch is written in every step."""
    a = np.zeros((4, 3), np.float32)
    x, w = suiren.from_numpy(a), suiren.ones(3, 2, requires_grad=True)
    by_hand, shared = np.ones((3, 2), np.float32), [w.detach().numpy()]
    optimizer = optim.SGD([w], lr=0.1)
    for step in range(6):
        a[:] = np.arange(12).reshape(4, 3) / 10 + step
        loss = (x @ w).sum()
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
        shared.append(w.grad.numpy())
        by_hand -= np.float32(0.1) * (a.T @ np.ones((4, 2), np.float32))
        np.testing.assert_allclose(w.detach().numpy(), by_hand, rtol=1e-5)
        np.testing.assert_allclose(shared[0], by_hand, rtol=1e-5)

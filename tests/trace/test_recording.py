"""The recorder: what is one structure and what is another, and what a recording costs."""

from __future__ import annotations

import gc

import numpy as np
import pytest

import suiren
from suiren.trace import execution, pending
from suiren.trace.pending import local


def made(*shape: int) -> suiren.Tensor:
    size = int(np.prod(shape, dtype=int))
    return suiren.Tensor.from_array(np.arange(size, dtype=np.float32).reshape(shape) / 7 + 1, copy=True)


def programs_of(step, times: int) -> list[execution.Ending]:
    """The programs that `times` runs of `step` made."""
    pending.finish()
    before = {*execution.endings}
    for _ in range(times):
        step()
        pending.finish()
    return sorted({*execution.endings} - before, key=lambda e: e.number)


def test_nothing_is_computed_until_somebody_looks():
    x = made(3)
    y = x + 1.0
    assert y._buffer is None
    assert y.shape == (3,)
    assert y.dtype is suiren.float32
    np.testing.assert_array_equal(y.numpy(), x.numpy() + 1)


def test_a_wrong_shape_fails_at_once_and_leaves_the_recording_usable():
    x, y = made(3), made(4)
    kept = x * 2.0
    with pytest.raises(RuntimeError, match="must match the size of tensor b"):
        x + y
    np.testing.assert_allclose(kept.numpy(), x.numpy() * 2)


def test_the_same_program_is_one_program():
    x, y = made(4, 5), made(4, 5)
    found = programs_of(lambda: ((x + y) * y).numpy(), 5)
    assert len(found) == 1
    assert found[0].count == 5


def test_a_training_step_is_one_program_however_its_gradients_come_about():
    """The first backward is recorded, the later ones are replayed and make the gradients in another order: no second program."""
    model = suiren.nn.Sequential(suiren.nn.Linear(3, 4), suiren.nn.ReLU(), suiren.nn.Linear(4, 2))
    optimizer = suiren.optim.SGD(model.parameters(), lr=0.1)
    x = made(5, 3)

    def step():
        optimizer.zero_grad()
        model(x).square().sum().backward()
        optimizer.step()

    step()
    (program,) = programs_of(step, 4)
    assert program.count == 4


def test_views_of_what_is_computed_record_nothing():
    x = made(6, 4)
    pending.finish()
    for i in range(6):
        np.testing.assert_array_equal(x[i].numpy(), x.numpy()[i])
        np.testing.assert_array_equal(x[i, 1:].view(3, 1).t().numpy(), x.numpy()[i, 1:].reshape(3, 1).T)
    assert local.rec.node.depth == 0
    row = x[2]
    x += 1
    np.testing.assert_array_equal((row * 2).numpy(), x.numpy()[2] * 2)


def test_what_aliases_is_structure():
    x, y = made(4), made(4)
    results = []
    found = programs_of(lambda: results.append((x + x).numpy()), 2) + programs_of(lambda: results.append((x + y).numpy()), 2)
    assert len(found) == 2
    np.testing.assert_array_equal(results[0], 2 * x.numpy())


def test_numbers_are_arguments():
    x = made(4)
    results = []
    values = iter([0.5, 1.5, -2.0, 3.25])
    found = programs_of(lambda: results.append(((x * next(values)) + 1.0).numpy()), 4)
    assert len(found) == 1
    for number, result in zip([0.5, 1.5, -2.0, 3.25], results):
        np.testing.assert_allclose(result, x.numpy() * np.float32(number) + 1)


def test_an_int_and_a_float_are_two_structures():
    x = made(4)
    assert ((x > 0) * 2).dtype is suiren.int64
    assert ((x > 0) * 2.0).dtype is suiren.float32


def test_only_what_can_be_reached_is_an_output():
    x = made(4)

    def step():
        y = x + 1.0
        z = y * 2.0
        del y
        pending.finish()
        return z

    (program,) = programs_of(step, 1)
    assert len(program.trace.outputs) == 1
    assert len(program.trace.nodes) == 2


def test_nothing_reachable_means_nothing_is_run():
    x = made(4)
    assert programs_of(lambda: x + 1.0 and None if False else None, 1) == []
    found = programs_of(lambda: [x + 1.0].clear(), 2)
    assert found == []


def test_a_shape_makes_another_program():
    sizes = iter([311, 411, 311, 411])
    assert len(programs_of(lambda: (made(next(sizes)) + 1.0).numpy(), 4)) == 2


def test_a_bound_ends_a_recording_and_results_are_right(tier):
    x = made(3)
    y = x
    for _ in range(pending.MAX_TRANSITIONS + 100):
        y = y + 0.25
    np.testing.assert_allclose(y.numpy(), x.numpy() + 0.25 * (pending.MAX_TRANSITIONS + 100), rtol=1e-5)


def test_the_memory_of_recordings_does_not_grow():
    x = made(64)

    def step():
        y = x
        for _ in range(10):
            y = y * 1.0
        return y.numpy()

    for _ in range(3):
        step()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(300):
        step()
    gc.collect()
    assert len(gc.get_objects()) - before < 100


def test_programs_that_never_repeat_do_not_fill_the_trie(monkeypatch):
    from suiren.trace import trie

    monkeypatch.setattr(trie, "MAX_NODES", 3000)
    monkeypatch.setattr(trie, "_size", 0)
    for n in range(1, 700):
        y = suiren.Tensor.from_array(np.ones(n, np.float32), copy=True)
        for _ in range(5):
            y = y + 1.0
        assert y.numpy()[0] == 6
    assert trie._size <= 3000 + 20


def test_a_recording_of_the_gradient_mode_is_another():
    x = made(3).requires_grad_()
    with suiren.no_grad():
        y = x * 2.0
    z = x * 2.0
    assert not y.requires_grad
    assert z.requires_grad
    np.testing.assert_array_equal(y.numpy(), z.detach().numpy())


def test_numpy_numbers_and_strangers():
    x = made(3)
    np.testing.assert_allclose((x * np.float32(2)).numpy(), x.numpy() * 2)
    np.testing.assert_allclose((np.float32(2) * x.numpy()), x.numpy() * 2)
    with pytest.raises(TypeError):
        x + "2"
    with pytest.raises(TypeError):
        x + [1.0]


def test_a_failed_run_leaves_parameters_unharmed(tier):
    from suiren.ops import creation, indexing

    del indexing
    x, w = suiren.Tensor.from_array(np.array([0, 5, 1]), copy=True), made(3)
    before = w.numpy().copy()
    checked = creation.check_index(x, size=3, message="Target {value} is out of bounds.")
    w += checked
    with pytest.raises(IndexError, match=r"Target 5 is out of bounds\..*test_recording\.py"):
        w.numpy()
    np.testing.assert_array_equal(w.numpy(), before)
    y = w + 1.0
    np.testing.assert_array_equal(y.numpy(), before + 1)


def test_a_lost_value_says_so(tier):
    from suiren.ops import creation

    x = suiren.Tensor.from_array(np.array([7]), copy=True)
    y = creation.check_index(x, size=3, message="{value} is out of range") * 2
    with pytest.raises(IndexError):
        y.numpy()
    with pytest.raises(RuntimeError, match="has no value"):
        y.numpy()


def test_the_recorder_is_the_threads_own():
    assert local.rec is local.rec

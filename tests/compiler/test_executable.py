"""compile_trace: native programs on any number of threads, and traces that are compiled around what only the interpreter knows."""

from __future__ import annotations

import numpy as np
import pytest

from suiren import interpreter
from suiren.compiler.executable import Executable, PartialExecutable
from suiren.compiler.pipeline import compile_trace
from suiren.interpreter import NodeFailed
from suiren.runtime.driver import CheckFailed
from suiren.runtime.threads import get_num_threads, set_num_threads


@pytest.fixture
def threads():
    before = get_num_threads()
    yield set_num_threads
    set_num_threads(before)


def test_the_same_bits_on_any_number_of_threads(recorder, run_trace, elements, threads):
    r = recorder(elements((300, 400)), elements((400, 300), seed=1))
    p = r("matmul", 0, 1)
    e = r("exp", r("sub", p, r("amax", p, dims=(1,), keepdim=True)))
    trace = r.trace(
        r("div", e, r("sum", e, dims=(1,), keepdim=True)),
        r("sum", p, dims=(0, 1), keepdim=False),
        r("sum", 0, dims=(0,), keepdim=False),
    )
    found = []
    for count in (1, 2, 4):
        threads(count)
        found.append(run_trace(r, trace, count))
    for other in found[1:]:
        for a, b in zip(found[0], other):
            assert a.tobytes() == b.tobytes()


def test_runs_again_with_other_data_and_numbers(recorder, run_trace, elements):
    r = recorder(elements((6, 7)))
    trace = r.trace(r("mul", 0, r.number(2.0)), writes=((0, r("add", 0, r.number(3))),))
    executable = compile_trace(trace)
    for seed in range(3):
        r.arrays = [elements((6, 7), seed=seed)]
        r.numbers = [float(seed), seed]
        got = run_trace(r, trace, executable=executable)
        for a, b in zip(got, interpreter.run(trace, r.arrays, tuple(r.numbers))):
            np.testing.assert_array_equal(a, b)


def test_a_failed_check_leaves_leaves_unharmed(recorder, run_trace):
    r = recorder(np.array([1, 5, 9]), np.ones(3, "float32"))
    index = r("check_index", 0, size=6, message="{value} of {size}", error="IndexError")
    new = r("add", 1, index)
    trace = r.trace(new, writes=((1, r("mul", 1, new)),))
    executable = compile_trace(trace)
    with pytest.raises(CheckFailed) as failure:
        run_trace(r, trace, executable=executable)
    assert failure.value.node == 0 and failure.value.value == 9
    r.arrays[0][2] = 0
    np.testing.assert_array_equal(run_trace(r, trace, executable=executable)[1], [2, 6, 1])


@pytest.fixture
def partly(recorder, elements):
    """A trace with an operation that has no lowering in its middle."""
    r = recorder(elements((20, 5)), np.array([3, 0, 3, 19]), elements((20, 5), seed=2))
    x = r("exp", 0)
    values, places = r("sort", x, dim=0, descending=False, stable=True)
    y = r("add", r("mul", values, 2), r.number(0.5))
    total = r("sum", y, dims=(0,), keepdim=False)
    return r, x, values, places, y, total


def test_a_trace_is_compiled_around_what_is_not(partly, run_trace):
    r, x, values, places, y, total = partly
    trace = r.trace(x, values, places, total, writes=((2, y),))
    executable = compile_trace(trace)
    assert isinstance(executable, PartialExecutable)
    assert [isinstance(step[0], Executable) for step in executable.steps] == [True, False, True]
    got = run_trace(r, trace, executable=executable)
    for a, b in zip(got, interpreter.run(trace, r.arrays, tuple(r.numbers))):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_leaves_as_outputs_and_swapped_leaves_around_an_interpreted_step(partly, run_trace):
    r, x, values, places, y, total = partly
    trace = r.trace(0, y, y, writes=((0, 2), (2, 0)))
    got = run_trace(r, trace)
    for a, b in zip(got, interpreter.run(trace, r.arrays, tuple(r.numbers))):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_failure_in_an_interpreted_step_names_its_node(recorder, run_trace, elements):
    r = recorder(elements((4, 5)), np.array([1, 7]), elements((4, 5), seed=1))
    new = r("add", 2, 0)
    taken = r("sort", r("neg", 0), dim=0, descending=False, stable=True)[0]
    trace = r.trace(taken, writes=((2, new),))
    executable = compile_trace(trace)
    node = next(step[0] for step in executable.steps if not isinstance(step[0], Executable))
    before = node.op.numpy
    node.op.numpy = lambda *a, **k: (_ for _ in ()).throw(IndexError("no"))
    try:
        with pytest.raises(NodeFailed) as failure:
            run_trace(r, trace, executable=executable)
    finally:
        node.op.numpy = before
    assert failure.value.node == 2


def test_complex_numbers_are_left_to_the_interpreter(recorder, run_trace, elements):
    x = (elements((4,)) + 1j * elements((4,), seed=1)).astype("complex64")
    r = recorder(x, elements((4,)))
    trace = r.trace(r("mul", r("add", 0, r("exp", 1)), 0))
    got = run_trace(r, trace)
    for a, b in zip(got, interpreter.run(trace, r.arrays, ())):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_nothing_to_do(recorder, run_trace, elements):
    r = recorder(elements((4,)))
    np.testing.assert_array_equal(run_trace(r, r.trace(0))[0], r.arrays[0])
    r = recorder(np.empty((0, 3), "float32"))
    assert run_trace(r, r.trace(r("exp", 0)))[0].shape == (0, 3)

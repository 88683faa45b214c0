"""sums: terms that are zero but for a part are put together, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

from suiren.compiler import pretty
from suiren.compiler.emit.target import host
from suiren.compiler.passes.simplify import simplify
from suiren.compiler.program import program_of
from suiren.dtypes import float32
from suiren.ops import placement  # noqa: F401
from suiren.trace.op import REGISTRY


def names(trace):
    return sorted(node.op.name for node in simplify(program_of(trace, host())).nodes)


def part(r, value, shape, op, *op_params):
    """`value` put into zeros."""
    zeros = r("constant", value=0.0, shape=shape, dtype=float32)
    return r("view_write", zeros, value, op=REGISTRY[op], op_params=op_params)


def rows(r, count, shape):
    """Leaf k put into row k, all of them summed."""
    total = None
    for k in range(count):
        term = part(r, k, shape, "select", 0, k)
        total = term if total is None else r("add", total, term)
    return total


@pytest.mark.parametrize("count", [2, 4])  # all rows, or some of them
def test_rows_are_put_together(recorder, agree, elements, count):
    r = recorder(*(elements((3,)) for _ in range(4)))
    trace = r.trace(rows(r, count, (4, 3)))
    assert names(trace).count("assemble") == 1 and "view_write" not in names(trace)
    agree(r, trace, rtol=0, atol=0)


def test_a_person_can_read_what_was_put_together(recorder, elements):
    r = recorder(*(elements((3,)) for _ in range(4)))
    found = pretty.text(simplify(program_of(r.trace(rows(r, 2, (4, 3))), host())))
    assert "= assemble(" in found and "= region(" in found and "strides=(1,)" in found


def test_a_negative_zero_meets_a_zero(recorder, agree):
    r = recorder(np.array([-0.0, 1], np.float32), np.array([-0.0, np.nan], np.float32))
    agree(r, r.trace(r("reciprocal", rows(r, 2, (2, 2)))), rtol=0, atol=0)  # an infinity with the sign of the zero


def test_columns_and_steps(recorder, agree, elements):
    r = recorder(elements((4, 2)), elements((4, 2)))
    a = part(r, 0, (4, 4), "slice", (0, 0), (4, 2), (1, 2))
    b = part(r, 1, (4, 4), "slice", (0, 1), (4, 2), (1, 2))
    trace = r.trace(r("add", a, b))
    assert "assemble" in names(trace)
    agree(r, trace, rtol=0, atol=0)


def test_what_overlaps_is_added(recorder, agree, elements):
    r = recorder(elements((2, 4)), elements((2, 4)))
    a = part(r, 0, (3, 4), "slice", (0, 0), (2, 4), (1, 1))
    b = part(r, 1, (3, 4), "slice", (1, 0), (2, 4), (1, 1))
    trace = r.trace(r("add", a, b))
    assert "assemble" not in names(trace)
    agree(r, trace, rtol=0, atol=0)


def test_one_whole_term_is_added_to_the_parts(recorder, agree, elements):
    r = recorder(elements((3,)), elements((3,)), elements((2, 3)))
    whole = r("add", r("add", 2, part(r, 0, (2, 3), "select", 0, 0)), part(r, 1, (2, 3), "select", 0, 1))
    trace = r.trace(whole)
    assert names(trace).count("assemble") == 1
    agree(r, trace, rtol=0, atol=0)


def test_a_sum_that_somebody_else_wants_stays(recorder, agree, elements):
    r = recorder(*(elements((3,)) for _ in range(3)))
    two = rows(r, 2, (3, 3))
    three = r("add", two, part(r, 2, (3, 3), "select", 0, 2))
    agree(r, r.trace(two, three), rtol=0, atol=0)

"""reuse: what may lie in whose memory, and what may not."""

from __future__ import annotations

import pytest

from suiren.compiler import pipeline
from suiren.config import config
from suiren.trace.op import REGISTRY


def buffers_written(program):
    return {b.name for call in program.calls for b in call.writes}


def test_a_chain_of_results_lies_in_one_place(recorder, agree, elements):
    r = recorder(elements((40, 50)), elements((50, 50)))
    x = r("exp", r("matmul", 0, 1))
    with config(passes="-fuse"):
        for _ in range(5):
            x = r("neg", r("exp", x))
        assert agree(r, r.trace(x)).arena_bytes == 0  # all of it lies where the output is going to


def test_a_leaf_that_is_read_later_is_written_at_the_end(recorder, agree, elements):
    r = recorder(elements((30, 30)))
    new = r("exp", 0)
    product = r("matmul", 0, new)  # needs the old value and the new one
    program = agree(r, r.trace(product, writes=((0, new),)))
    assert "copy into leaf" in program.calls[-1].label


def test_leaves_may_swap_their_values(recorder, agree, elements):
    r = recorder(elements((30,)), elements((30,), seed=1))
    agree(r, r.trace(writes=((0, r("copy", 1)), (1, r("copy", 0)))), rtol=0, atol=0)


def test_leaves_may_go_round(recorder, agree, elements):
    r = recorder(*(elements((30,), seed=k) for k in range(3)))
    agree(r, r.trace(r("add", 0, 1), writes=((0, 1), (1, 2), (2, 0))), rtol=0, atol=0)


def test_an_unchanged_leaf_costs_nothing(recorder, agree, elements):
    r = recorder(elements((30,)))
    assert agree(r, r.trace(r("neg", 0), writes=((0, r("reshape", 0, shape=(30,))),))).calls[-1].label.startswith("neg")


def test_one_value_for_two_leaves(recorder, agree, elements):
    r = recorder(elements((30,)), elements((30,), seed=1))
    new = r("add", 0, 1)
    agree(r, r.trace(new, writes=((0, new), (1, new))), rtol=0, atol=0)


def test_a_result_is_not_written_over_what_is_read_elsewhere(recorder, agree, elements):
    r = recorder(elements((64, 64)))
    with config(passes="-fuse"):
        a = r("exp", 0)
        agree(r, r.trace(r("add", a, r("permute", a, dims=(1, 0)))), rtol=1e-6)


def test_a_result_is_not_written_over_what_a_later_stage_reads(recorder, agree, elements):
    r = recorder(elements((20, 30)))
    x = r("exp", 0)
    m = r("amax", x, dims=(1,), keepdim=True)
    d = r("sub", x, m)
    agree(r, r.trace(d, r("div", x, r("sum", d, dims=(1,), keepdim=True)), writes=((0, d),)[:0]))


def test_a_row_may_be_written_from_another_and_not_from_one_that_overlaps(recorder, agree, elements):
    x = elements((20, 30))
    for from_, to in (((2, 0), (9, 0)), ((2, 0), (3, 0)), ((2, 0), (2, 0))):
        r = recorder(x)
        seen = r("neg", r("slice", 0, starts=from_, sizes=(4, 30), steps=(1, 1)))
        new = r("view_write", 0, seen, op=REGISTRY["slice"], op_params=(to, (4, 30), (1, 1)))
        agree(r, r.trace(writes=((0, new),)), rtol=0, atol=0)


def test_kernels_that_check_do_not_write_into_leaves(recorder, elements):
    r = recorder(elements((30,), "int64"))
    program = pipeline.lowered(r.trace(writes=((0, r("check_index", 0, size=9, message="{value}", error="IndexError")),)))
    assert not any("leaf 0" in {b.name for b in call.writes} for call in program.calls if call.check is not None)


@pytest.mark.parametrize("left_out", ["", "-reuse"])
def test_a_value_written_to_a_leaf_and_read_on(recorder, agree, elements, left_out):
    r = recorder(elements((30, 4)), elements((30, 4), seed=1))
    new = r("sub", 0, r("mul", 1, r.number(0.5)))
    with config(passes=left_out):
        agree(r, r.trace(r("sum", new, dims=(0,), keepdim=False), writes=((0, new),)))

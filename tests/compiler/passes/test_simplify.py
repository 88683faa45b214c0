"""simplify: fewer nodes, the same bits."""

from __future__ import annotations

import numpy as np

from suiren.compiler.emit.target import host
from suiren.compiler.passes.simplify import simplify
from suiren.compiler.program import program_of


def simplified(trace):
    return simplify(program_of(trace, host()))


def names(program):
    return [node.op.name for node in program.nodes]


def test_dead_nodes_go(recorder, elements):
    r = recorder(elements((4,)))
    r("exp", 0)
    y = r("neg", 0)
    assert names(simplified(r.trace(y))) == ["neg"]


def test_the_same_twice_is_computed_once(recorder, elements):
    r = recorder(elements((4,)))
    a, b = r("exp", 0), r("exp", 0)
    program = simplified(r.trace(r("add", r("neg", a), r("neg", b))))
    assert names(program) == ["exp", "neg", "add"]


def test_numbers_of_two_uses_are_two_numbers(recorder, elements):
    r = recorder(elements((4,)))
    a, b = r("mul", 0, r.number(2.0)), r("mul", 0, r.number(2.0))
    assert names(simplified(r.trace(r("sub", a, b)))) == ["mul", "mul", "sub"]


def test_copies_casts_to_the_same_and_unmoving_views_go(recorder, elements):
    from suiren.dtypes import float32

    r = recorder(elements((4, 3)))
    x = r("permute", r("reshape", r("cast", r("copy", 0), dtype=float32), shape=(4, 3)), dims=(0, 1))
    assert names(simplified(r.trace(r("neg", x)))) == ["neg"]


def test_times_one_goes_plus_zero_stays(recorder, elements):
    from suiren.dtypes import float32

    r = recorder(elements((4, 3)))
    one = r("constant", value=1, shape=(4, 3), dtype=float32)
    zero = r("constant", value=0.0, shape=(4, 3), dtype=float32)
    program = simplified(r.trace(r("neg", r("mul", 0, one)), r("add", 0, zero)))
    assert sorted(names(program)) == ["add", "constant", "neg"]


def test_a_product_seen_transposed_is_computed_so(recorder, agree, elements):
    r = recorder(elements((5, 7)), elements((7, 3)))
    product = r("matmul", 0, 1)
    trace = r.trace(r("permute", product, dims=(1, 0)))
    program = simplified(trace)
    assert names(program) == ["permute", "permute", "matmul"]
    assert {call.kernel.family for call in agree(r, trace).calls} == {"gemm"}
    # … but not if it is wanted as it is, too
    assert names(simplified(r.trace(r("permute", product, dims=(1, 0)), product)))[0] == "matmul"


def test_products_of_stacks_are_not_mistaken(recorder, agree, elements):
    r = recorder(elements((2, 2, 2)), elements((2, 2, 2)))
    moved = r("permute", r("matmul", 0, 1), dims=(1, 0, 2))
    agree(r, r.trace(moved))


def test_an_identity_that_broadcasts_stays(recorder, agree, elements):
    from suiren.dtypes import float32

    r = recorder(elements((1, 3)))
    one = r("constant", value=1, shape=(4, 3), dtype=float32)
    agree(r, r.trace(r("mul", 0, one)), rtol=0, atol=0)


def test_outputs_that_are_leaves_or_equal_are_copies(recorder, agree, elements):
    r = recorder(elements((3, 2)))
    a = r("neg", 0)
    b = r("reshape", a, shape=(6,))
    agree(r, r.trace(0, a, b, r("copy", 0)), rtol=0, atol=0)
    assert np.array_equal(r.arrays[0], elements((3, 2)))

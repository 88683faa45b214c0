"""products: a sum of products of few rows is one product of the factors side by side."""

from __future__ import annotations

import pytest

from suiren.compiler.emit.target import host
from suiren.compiler.passes.simplify import simplify
from suiren.compiler.program import program_of


def names(trace):
    return [node.op.name for node in simplify(program_of(trace, host())).nodes]


def gradient(r, steps, turn_all=True, first=None):
    """The sum over steps of xᵀ g; leaves come in pairs (x, g)."""
    total = first
    for k in range(steps):
        x = r("permute", 2 * k, dims=(1, 0)) if turn_all or k % 2 else 2 * k
        product = r("matmul", x, 2 * k + 1)
        total = product if total is None else r("add", total, product)
    return total


@pytest.mark.parametrize("rows", [(3, 3, 3, 3, 3), (2, 5, 1, 3, 4)])
def test_the_gradient_of_a_weight_used_at_every_step_is_one_product(recorder, agree, elements, rows):
    r = recorder(*(elements(shape) for n in rows for shape in ((n, 24), (n, 17))))
    trace = r.trace(gradient(r, len(rows)))
    assert names(trace).count("matmul") == 1
    agree(r, trace)


def test_factors_that_lie_differently(recorder, agree, elements):
    shapes = [s for k in range(6) for s in ((3, 24) if k % 2 else (24, 3), (3, 17))]
    r = recorder(*(elements(s) for s in shapes))
    trace = r.trace(gradient(r, 6, turn_all=False))
    assert names(trace).count("matmul") == 1
    agree(r, trace)


def test_other_terms_are_added_as_before(recorder, agree, elements):
    r = recorder(*(elements(s) for _ in range(5) for s in ((3, 24), (3, 17))), elements((24, 17)))
    trace = r.trace(gradient(r, 5, first=10))
    assert names(trace).count("matmul") == 1 and names(trace).count("add") == 1
    agree(r, trace)


def test_few_or_long_ones_and_what_is_wanted_stay(recorder, agree, elements):
    r = recorder(*(elements(s) for _ in range(3) for s in ((3, 24), (3, 17))))
    assert names(r.trace(gradient(r, 3))).count("matmul") == 3
    r = recorder(*(elements(s) for _ in range(4) for s in ((100, 8), (100, 8))))
    assert names(r.trace(gradient(r, 4))).count("matmul") == 4
    r = recorder(*(elements(s) for _ in range(5) for s in ((3, 24), (3, 17))))
    total = gradient(r, 5)
    trace = r.trace(total, total - 3)  # the sum of the first four, too
    assert names(trace).count("matmul") == 2
    agree(r, trace)

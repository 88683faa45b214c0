"""fuse: which operations end in one kernel, that what is alive changes nothing but stores, and that the result is right."""

from __future__ import annotations

import pytest

from suiren.compiler import pipeline
from suiren.config import config


def softmax(r, x, shape, dim=1):
    kept = tuple(1 if d == dim else n for d, n in enumerate(shape))
    m = r("amax", x, dims=(dim,), keepdim=True)
    e = r("exp", r("sub", x, m))
    assert r.specs[m].shape == kept
    return r("div", e, r("sum", e, dims=(dim,), keepdim=True))


def normalized(r, x, dims, shape):
    n = 1
    for d in dims:
        n *= shape[d]
    mean = r("div", r("sum", x, dims=dims, keepdim=True), r.number(n))
    d = r("sub", x, mean)
    var = r("div", r("sum", r("mul", d, d), dims=dims, keepdim=True), r.number(n))
    return r("mul", d, r("rsqrt", r("add", var, r.number(1e-5))))


@pytest.mark.parametrize(
    "shape, dim", [((4, 10), 1), ((128, 1000), 1), ((10, 40), 0), ((3, 7, 50), 1), ((1, 5), 1)], ids=str
)
def test_softmax_is_one_kernel(recorder, agree, elements, shape, dim):
    r = recorder(elements(shape))
    assert len(agree(r, r.trace(softmax(r, 0, shape, dim))).calls) == 1


@pytest.mark.parametrize(
    "shape, dims", [((64, 48), (1,)), ((64, 48), (0,)), ((8, 16, 9, 9), (0, 2, 3)), ((5, 3, 4), (0, 1, 2))], ids=str
)
def test_a_norm_is_one_kernel(recorder, agree, elements, shape, dims):
    r = recorder(elements(shape))
    assert len(agree(r, r.trace(normalized(r, 0, dims, shape)), atol=1e-4).calls) == 1


def test_a_large_norm_over_everything_is_cut(recorder, agree, elements):
    r = recorder(elements((400, 500)))
    program = agree(r, r.trace(normalized(r, 0, (0, 1), (400, 500))), atol=1e-4)
    assert len(program.calls) > 2  # a single unit would keep one core busy and the others waiting


def test_a_cross_entropy_reads_its_rows_once(recorder, agree, elements):
    target = elements((32,), "int64")
    r = recorder(elements((32, 10)), target)
    m = r("amax", 0, dims=(1,), keepdim=True)
    z = r("sub", 0, m)
    s = r("sum", r("exp", z), dims=(1,), keepdim=True)
    logp = r("sub", z, r("log", s))
    hot = r("eq", r("reshape", r("iota", size=10), shape=(1, 10)), r("reshape", 1, shape=(32, 1)))
    rows = r("sum", r("where", hot, logp, r.number(0)), dims=(1,), keepdim=False)
    loss = r("div", r("sum", r("neg", rows), dims=(0,), keepdim=False), r.number(32))
    program = agree(r, r.trace(loss))
    assert len(program.calls) == 2
    assert program.arena_bytes <= 128  # nothing of the size of the rows is stored


@pytest.mark.parametrize("alive", range(4))
def test_what_is_alive_changes_no_bit(recorder, elements, run_trace, alive):
    r = recorder(elements((50, 33)))
    m = r("amax", 0, dims=(1,), keepdim=True)
    d = r("sub", 0, m)
    e = r("exp", d)
    s = r("sum", e, dims=(1,), keepdim=True)
    y = r("div", e, s)
    alone = run_trace(r, r.trace(y))[0]
    both = run_trace(r, r.trace(y, (m, d, e, s)[alive]))[0]
    assert alone.tobytes() == both.tobytes()


def test_an_update_writes_in_place(recorder, agree, elements):
    r = recorder(*(elements((30, 20), seed=k) for k in range(3)))
    momentum = r("add", r("mul", 1, r.number(0.9)), 2)
    new = r("sub", 0, r("mul", momentum, r.number(0.1)))
    program = agree(r, r.trace(writes=((0, new), (1, momentum))), rtol=0, atol=0)
    assert len(program.calls) == 1 and program.arena_bytes == 0


def test_updates_of_one_shape_or_another_share_their_kernel(recorder, elements):
    r = recorder(*(elements(s, seed=k) for k, s in enumerate([(30, 20), (30, 20), (77,), (77,)])))
    writes = [(k, r("sub", k, r("mul", k + 1, r.number(0.1)))) for k in (0, 2)]
    program = pipeline.lowered(r.trace(writes=tuple(writes)))
    assert len({call.kernel for call in program.calls}) == 1


@pytest.mark.parametrize("kind", ["bias", "column", "residual", "scalar"])
def test_a_product_takes_its_epilogue(recorder, agree, elements, kind):
    shape = {"bias": (9,), "column": (6, 1), "residual": (6, 9), "scalar": ()}[kind]
    r = recorder(elements((6, 7)), elements((7, 9)), elements(shape))
    y = r("relu", r("add", r("matmul", 0, 1), 2))
    assert [c.kernel.family for c in agree(r, r.trace(y, r("mul", y, r.number(2.0)))).calls] == ["gemm"]


def test_a_cycle_through_a_third_kernel_is_not_closed(recorder, agree, elements):
    r = recorder(elements((6, 6)))
    a = r("exp", 0)
    t = r("matmul", a, a)
    agree(r, r.trace(r("add", a, r("permute", t, dims=(1, 0))), r("add", a, r("sum", t, dims=(0,), keepdim=True))))


def test_reading_a_neighbour_is_not_fused(recorder, agree, elements):
    r = recorder(elements((6, 6)))
    a = r("exp", 0)
    agree(r, r.trace(r("add", a, r("flip", a, dims=(1,))), r("sub", r("permute", a, dims=(1, 0)), a), a))


def test_small_values_are_computed_where_they_are_read(recorder, agree, elements):
    r = recorder(elements((40, 30)), elements((30,)), elements((30,)))
    scale = r("mul", 1, r("rsqrt", r("add", r("mul", 2, 2), r.number(1e-3))))
    program = agree(r, r.trace(r("mul", 0, scale)))
    assert len(program.calls) == 1


def test_constants_and_indices_need_no_memory(recorder, agree, elements):
    from suiren.dtypes import float32

    r = recorder(elements((5, 8)))
    place = r("cast", r("iota", size=8), dtype=float32)
    grid = r("add", r("reshape", place, shape=(1, 8)), r("reshape", r("iota", size=5), shape=(5, 1)))
    lower = r("where", r("gt", grid, r.number(4)), 0, r("constant", value=0, shape=(), dtype=float32))
    program = agree(r, r.trace(lower), rtol=0, atol=0)
    assert len(program.calls) == 1 and program.calls[0].traffic == 2 * 5 * 8 * 4
    agree(r, r.trace(place, grid, r("constant", value=3, shape=(2, 2), dtype=float32)), rtol=0, atol=0)


def test_without_fusion_every_operation_is_a_kernel(recorder, agree, elements):
    r = recorder(elements((4, 10)))
    with config(passes="-fuse"):
        assert len(agree(r, r.trace(softmax(r, 0, (4, 10)))).calls) == 5


def test_parts_of_something_are_written_where_they_belong(recorder, agree, elements):
    r = recorder(elements((4, 3)), elements((4, 5)))
    whole = r("cat", r("exp", 0), r("neg", 1), r("sum", 1, dims=(1,), keepdim=True), dim=1)
    program = agree(r, r.trace(whole))
    assert program.arena_bytes == 0


def test_a_write_through_a_view_writes_only_there(recorder, agree, elements):
    from suiren.trace.op import REGISTRY

    r = recorder(elements((100, 50)))
    row = r("mul", r("select", 0, dim=0, index=3), r.number(2.0))
    new = r("view_write", 0, row, op=REGISTRY["select"], op_params=(0, 7))
    program = agree(r, r.trace(writes=((0, new),)), rtol=0, atol=0)
    assert sum(call.traffic for call in program.calls) <= 2 * 50 * 4


def test_two_writes_through_views_are_two_small_stores(recorder, agree, elements):
    from suiren.trace.op import REGISTRY

    r = recorder(elements((100, 50)))
    x = 0
    for index in (3, 9):
        row = r("neg", r("select", x, dim=0, index=index))
        x = r("view_write", x, row, op=REGISTRY["select"], op_params=(0, index))
    program = agree(r, r.trace(writes=((0, x),)), rtol=0, atol=0)
    assert sum(call.traffic for call in program.calls) <= 4 * 50 * 4


def test_a_chain_shaped_otherwise_than_the_product_finds_its_operand(recorder, agree, elements):
    r = recorder(elements((3, 2, 3)), elements((3, 3, 1)), elements((2,)))
    product = r("reshape", r("matmul", 0, 1), shape=(3, 2))
    agree(r, r.trace(r("mul", product, 2)))

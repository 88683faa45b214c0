"""The pipeline: passes by name, checks between them, and what can be looked at."""

from __future__ import annotations

import itertools

import pytest

from suiren.compiler import check, pipeline, pretty
from suiren.compiler.emit.target import host
from suiren.compiler.program import program_of
from suiren.config import config
from suiren.trace.trace import Node

OPTIONAL = ("simplify", "layout", "fuse", "reuse")


def block(r):
    """Something of everything: a product, a norm, a view, a write."""
    h = r("relu", r("add", r("matmul", 0, 1), 2))
    m = r("div", r("sum", h, dims=(1,), keepdim=True), r.number(12))
    d = r("sub", h, m)
    v = r("sum", r("mul", d, d), dims=(1,), keepdim=True)
    y = r("mul", d, r("rsqrt", r("add", v, r.number(1e-5))))
    joined = r("cat", y, r("permute", r("copy", r("permute", d, dims=(1, 0))), dims=(1, 0)), dim=1)
    grad = r("matmul", r("permute", 0, dims=(1, 0)), y)
    return r.trace(
        joined, r("sum", joined, dims=(0,), keepdim=False), writes=((1, r("sub", 1, r("mul", grad, r.number(0.1)))),)
    )


@pytest.fixture
def trace(recorder, elements):
    r = recorder(elements((9, 7)), elements((7, 12), seed=1), elements((12,), seed=2))
    return r, block(r)


@pytest.mark.parametrize("left_out", [c for n in range(5) for c in itertools.combinations(OPTIONAL, n)], ids=",".join)
def test_every_subset_of_passes_gives_the_same(trace, agree, left_out):
    with config(passes=",".join("-" + p for p in left_out)):
        agree(*trace, atol=1e-4)


def test_kernels_serve_other_sizes(recorder, elements):
    keys = []
    for m, n in ((40, 70), (33, 41)):
        r = recorder(elements((m, n)), elements((n,), seed=1))
        e = r("exp", r("mul", 0, 1))
        keys.append(
            [c.kernel.key for c in pipeline.lowered(r.trace(r("div", e, r("sum", e, dims=(1,), keepdim=True)))).calls]
        )
    assert keys[0] == keys[1]


def test_keys_say_it_all(trace):
    """They are made of nothing but plain values, the same in every process: the cache on disk goes by their text."""

    def plain(x):
        return all(map(plain, x)) if isinstance(x, tuple) else isinstance(x, str | int | float | bool | None)

    for call in pipeline.lowered(trace[1]).calls:
        assert plain(call.kernel.key)


def test_a_dump_has_a_file_for_every_pass(trace, tmp_path):
    with config(dump=str(tmp_path)):
        pipeline.lowered(trace[1])
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"test-{n}-{name}.txt" for n, name in enumerate(["trace", "simplify", "layout", "fuse", "lower", "memory"])
    ]
    assert "nest" in (tmp_path / "test-3-fuse.txt").read_text()
    assert "gemm" in (tmp_path / "test-5-memory.txt").read_text()


def test_debug_prints_every_pass(trace, capsys):
    with config(debug=4):
        pipeline.lowered(trace[1])
    shown = capsys.readouterr().err
    assert [line.split()[-1] for line in shown.splitlines() if line.startswith("[suiren] after")] == [
        "trace",
        "simplify",
        "layout",
        "fuse",
        "lower",
        "memory",
    ]


def test_a_pass_that_breaks_a_program_is_named(trace, monkeypatch):
    def breaks(program):
        node = program.nodes[-1]
        program.nodes[-1] = Node(node.op, (99,) * len(node.inputs), node.params, node.outputs, node.specs)
        return program

    monkeypatch.setattr(pipeline, "PASSES", (pipeline.Pass("layout", breaks),))
    with pytest.raises(check.IllFormed, match="after layout: .* reads value 99"):
        pipeline.lowered(trace[1])


def test_text_of_a_trace_names_values_and_numbers(trace):
    found = pretty.text(program_of(trace[1], host()))
    assert "%3 f32[9,12] = matmul(%0, %1)" in found and "#0:int" in found and "%1 := " in found

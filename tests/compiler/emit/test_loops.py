"""Loop kernels over sizes, strides and dtypes, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from suiren import interpreter
from suiren.compiler.pipeline import compile_trace
from suiren.runtime.buffers import Buffer
from suiren.runtime.driver import CheckFailed

SHAPES = [
    (),
    (1,),
    (7,),
    (8,),
    (37,),
    (5000,),
    (20001,),
    (3, 5),
    (100, 33),
    (1000, 10),
    (4, 3, 50),
    (6, 1, 9),
    (3, 40, 40),
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_pointwise_is_exact(recorder, agree, elements, shape):
    r = recorder(elements(shape), elements(shape, seed=1), elements(shape[-1:], seed=2))
    y = r("add", r("mul", 0, 1), 2)
    agree(r, r.trace(y, r("where", r("lt", 0, y), 1, y)), rtol=0, atol=0)


@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "log1p", "erf"])
def test_functions_are_within_two_units_in_the_last_place(recorder, run_trace, elements, name):
    x = np.abs(elements((1003,))) + np.float32(0.01)
    r = recorder(x)
    (got,) = run_trace(r, r.trace(r(name, 0)))
    wide = recorder(x.astype("float64"))
    (exact,) = interpreter.run(wide.trace(wide(name, 0)), wide.arrays, ())
    assert np.all(np.abs(got - exact) <= 2 * np.spacing(np.abs(exact.astype("float32"))))


@pytest.mark.parametrize("dtype", ["float64", "float16", "int8", "uint8", "int16", "int32", "int64", "bool"])
@pytest.mark.parametrize("shape", [(5,), (1000,), (30, 17)], ids=str)
def test_dtypes(recorder, agree, elements, dtype, shape):
    r = recorder(elements(shape, dtype), elements(shape, dtype, 1), elements(shape[-1:], dtype, 2))
    y = r("maximum", r("add", 0, 1), 2)
    agree(r, r.trace(y, r("lt", 0, 2), r("sum", y, dims=(len(shape) - 1,), keepdim=False)), rtol=2e-3, atol=0)


@pytest.mark.parametrize("how", ["permute", "flip", "slice", "expand", "select", "diagonal"])
@pytest.mark.parametrize("shape", [(5, 6, 7), (64, 40, 33)], ids=str)
def test_strides(recorder, agree, elements, how, shape):
    r = recorder(elements(shape))
    a, b, c = shape
    seen = {
        "permute": lambda: r("permute", 0, dims=(2, 0, 1)),
        "flip": lambda: r("flip", 0, dims=(0, 2)),
        "slice": lambda: r("slice", 0, starts=(1, 0, 2), sizes=(a - 2, b // 2, c - 3), steps=(1, 2, 1)),
        "expand": lambda: r("expand", r("reshape", 0, shape=(a, 1, b, c)), shape=(a, 3, b, c)),
        "select": lambda: r("select", 0, dim=1, index=2),
        "diagonal": lambda: r("diagonal", 0, offset=1, dim1=0, dim2=2),
    }[how]()
    agree(r, r.trace(seen, r("neg", seen), r("sum", seen, dims=(0,), keepdim=True)))


@pytest.mark.parametrize("dims", [(0,), (1,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)], ids=str)
@pytest.mark.parametrize("shape", [(3, 4, 5), (9, 33, 16), (64, 3, 700), (2000, 3, 8), (1, 1, 1), (4, 1, 300)], ids=str)
def test_reductions(recorder, agree, elements, shape, dims):
    r = recorder(elements(shape))
    total = r("sum", 0, dims=dims, keepdim=False)
    value, place = r("max_with_index", 0, dims=dims, keepdim=True)
    agree(r, r.trace(total, value, place, r("amax", r("neg", 0), dims=dims, keepdim=False)), atol=1e-4)


def test_a_reduction_of_nothing_is_its_identity(recorder, agree):
    r = recorder(np.empty((3, 0, 4), "float32"))
    agree(r, r.trace(r("sum", 0, dims=(1,), keepdim=False), r("any", 0, dims=(1, 2), keepdim=True), r("neg", 0)))


def test_searches_take_the_first_of_equals_and_nan(recorder, agree):
    x = np.zeros((6, 100), "float32")
    x[1, 40:] = 3.0
    x[2, [17, 60]] = np.nan
    x[3] = -np.inf
    x[4, 99] = 1.0
    x[5] = np.nan
    r = recorder(x)
    found = [*r("max_with_index", 0, dims=(1,), keepdim=False), *r("min_with_index", 0, dims=(1,), keepdim=False)]
    found += [r("argmax", 0, dims=(0,), keepdim=False), r("argmax", 0, dims=(0, 1), keepdim=False)]
    agree(r, r.trace(*found), rtol=0, atol=0)


def test_a_search_in_a_long_row_is_cut_and_still_takes_the_first(recorder, agree):
    x = np.zeros((2, 200_000), "float32")
    x[0, [150_001, 199_000]] = 2.0
    x[1, 70_000:] = np.nan
    r = recorder(x)
    program = agree(r, r.trace(*r("max_with_index", 0, dims=(1,), keepdim=False)), rtol=0, atol=0)
    assert len(program.calls) == 2


@pytest.mark.parametrize(
    "shape, dims", [((1 << 20,), (0,)), ((1 << 19, 2), (0,)), ((3, 300_000), (1,)), ((8, 1 << 17), (0, 1))], ids=str
)
def test_long_sums_are_as_right_as_pairwise_ones(recorder, agree, run_trace, shape, dims):
    x = np.random.default_rng(0).random(shape).astype("float32")
    r = recorder(x)
    trace = r.trace(r("sum", 0, dims=dims, keepdim=False))
    agree(r, trace, rtol=1e-4)  # NumPy itself adds along the first dim one after another
    (got,) = run_trace(r, trace)
    exact = x.astype("float64").sum(dims)
    # NumPy adds blocks of 128 in pairs: its error is a few 1e-7 of the sum; a naive loop's would be 1e-4.
    assert np.all(np.abs(got - exact) <= 1e-6 * np.abs(exact))


def test_numbers_are_arguments(recorder, agree, elements):
    r = recorder(elements((50,)), elements((50,), "int64"))
    y = r("mul", r("add", 0, r.number(2.5)), r.number(3))
    agree(r, r.trace(y, r("mul", 1, r.number(True)), r("add", 1, r.number(-7))), rtol=0, atol=0)


def test_a_check_looks_at_every_lane_and_no_other(recorder):
    for n in (5, 13, 3000):
        for bad in (0, n // 2, n - 1):
            x = np.full((n,), 2, "int64")
            r = recorder(x)
            trace = r.trace(r("check_index", r("sub", 0, r.number(2)), size=1, message="{value} {size}", error="IndexError"))
            executable = compile_trace(trace)
            source, out = Buffer(x.nbytes), Buffer(x.nbytes)
            source.array(x.shape, x.dtype)[...] = x
            executable.run([source.addr, out.addr], r.numbers)
            source.array(x.shape, x.dtype)[bad] = 9
            with pytest.raises(CheckFailed) as failure:
                executable.run([source.addr, out.addr], r.numbers)
            assert (failure.value.node, failure.value.value) == (1, 7)

"""Pooling kernels against the NumPy rules of their ops, over random geometry, with guards around all memory."""

import random

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from suiren.compiler.kernels import pool
from suiren.compiler.program import Epilogue, Operand
from suiren.dtypes import bool_, float16, float32, float64, from_numpy_dtype, int64
from suiren.ops.pool import avg_pool, avg_pool_grad, max_pool, max_pool_grad, max_pool_take
from suiren.trace.spec import spec

QUICK = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

# Windows are summed in the order of the NumPy rule; a gradient adds its windows in the order of places, not of taps.
TOLERANCE = {float32: 1e-6, float64: 1e-14, float16: 2e-3, int64: 0}


@st.composite
def problems(draw):
    """(shape, kernel_size, stride, padding, dilation, ceil_mode)."""
    dims = draw(st.sampled_from([1, 2, 2, 3]))

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(dims))

    size, kernel_size, stride, dilation = each(1, 9), each(1, 4), each(1, 4), each(1, 2)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel_size)
    shape = (draw(st.integers(1, 3)), draw(st.sampled_from([1, 3, 8, 13])), *size)
    found = (shape, kernel_size, stride, padding, dilation, draw(st.booleans()))
    try:
        max_pool.infer((spec(shape, float32),), found[1:])
    except RuntimeError:
        assume(False)
    return found


def arrays(shape, d, seed, ties=False):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape) * 4
    return (np.round(x) if ties else x).astype(d.np)


def check(runner, op, params, inputs, **how):
    found = runner.run(pool.calls, op, params, inputs, **how)
    again = runner.run(pool.calls, op, params, inputs, order=random.Random(1), **how)
    for x, y, right in zip(found, again, runner.reference(op, params, inputs)):
        assert x.tobytes() == y.tobytes(), "the bits depend on how units are shared out"
        limit = TOLERANCE[from_numpy_dtype(x.dtype)] * 16
        assert np.allclose(x.astype(float), right.astype(float), rtol=limit, atol=limit, equal_nan=True)
    return found


@QUICK
@given(problems(), st.sampled_from([float32, float32, float64, float16, int64]), st.booleans(), st.booleans())
def test_max_pool(runner, problem, d, ties, nans):
    """Value and index, exactly: the first of equal elements, the last NaN."""
    shape, *params = problem
    x = arrays(shape, d, 0, ties)
    if nans and d is not int64:
        x[np.random.default_rng(1).random(shape) < 0.2] = np.nan
    value, index = check(runner, max_pool, tuple(params), (x,))
    reference = runner.reference(max_pool, tuple(params), (x,))
    assert np.array_equal(value, reference[0], equal_nan=d is not int64) and np.array_equal(index, reference[1])
    g = arrays(value.shape, d, 2)
    check(runner, max_pool_grad, (shape[2:], *params[:4]), (g, index))
    check(runner, max_pool_take, tuple(params[:4]), (x, index))


@QUICK
@given(
    problems(),
    st.sampled_from([float32, float32, float64, float16, int64]),
    st.booleans(),
    st.sampled_from([None, None, 3]),
)
def test_avg_pool(runner, problem, d, count_include_pad, divisor):
    shape, kernel_size, stride, padding, _, ceil_mode = problem
    params = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor)
    try:
        (out,) = avg_pool.infer((spec(shape, d),), params)
    except RuntimeError:
        assume(False)
    check(runner, avg_pool, params, (arrays(shape, d, 0),))
    check(runner, avg_pool_grad, (shape[2:], *params), (arrays(out.shape, d, 1),))


@pytest.mark.parametrize(
    ("shape", "kernel_size", "stride", "padding"),
    [
        ((4, 6, 28, 28), 2, 2, 0),
        ((2, 20, 57, 57), 3, 2, 1),
        ((2, 24, 7, 7), 7, 7, 0),
        ((3, 8, 40, 1), (40, 1), (1, 1), 0),
    ],
)
def test_layers(host_runner, shape, kernel_size, stride, padding):
    """Sizes at which units are cut differently, windows that are and are not written out."""
    kernel_size, stride, padding = ((n, n) if isinstance(n, int) else n for n in (kernel_size, stride, padding))
    x = arrays(shape, float32, 0)
    value, index = check(host_runner, max_pool, (kernel_size, stride, padding, (1, 1), False), (x,))
    check(host_runner, max_pool_grad, (shape[2:], kernel_size, stride, padding, (1, 1)), (value, index))
    average = (kernel_size, stride, padding, False, True, None)
    check(host_runner, avg_pool, average, (x,))
    check(host_runner, avg_pool_grad, (shape[2:], *average), (value,))


def test_window_in_padding_alone(host_runner):
    """With dilation a window can miss the input: -inf at place -1, which gives no gradient and picks 0."""
    x = np.ones((1, 3, 1, 1), np.float32)
    params = ((2, 2), (1, 1), (1, 1), (2, 2))
    value, index = check(host_runner, max_pool, (*params, False), (x,))
    assert (value == -np.inf).all() and (index == -1).all()
    (grad_x,) = check(host_runner, max_pool_grad, ((1, 1), *params), (np.ones_like(value), index))
    assert not grad_x.any()
    check(host_runner, max_pool_take, params, (x, index))


def test_epilogue(runner):
    """The gradient through a relu before the pool, and a bias per channel, in the registers of the pool's gradient."""

    def emit(b, x, operands):
        y, bias = operands
        x = b.select(b.gt(y, 0), b.add(x, bias), b.zero(x))
        return [x, b.ne(x, 0)]

    epilogue = Epilogue(
        ("relu gradient",), (Operand(float32, "same"), Operand(float32, "last")), (float32, bool_), emit
    )
    x, bias = arrays((2, 11, 9, 7), float32, 0), arrays((11,), float32, 1)
    params = ((3, 2), (2, 2), (1, 0), (1, 1))
    value, index = max_pool.numpy(x, **dict(zip(max_pool.params, (*params, False))))
    right = max_pool_grad.numpy(value, index, size=(9, 7), **dict(zip(max_pool.params, params))) + bias[:, None, None]
    right = np.where(x > 0, right, 0)
    grad_x, nonzero = runner.run(
        pool.calls,
        max_pool_grad,
        ((9, 7), *params),
        (value, index),
        epilogue=epilogue,
        operands=(x, bias),
        in_place=0,
        order=random.Random(3),
    )
    assert np.allclose(grad_x, right, rtol=0, atol=1e-5)
    assert (nonzero == (right != 0)).all()


def test_nothing_to_pool(host_runner):
    x = np.zeros((0, 3, 4, 4), np.float32)
    params = ((2, 2), (2, 2), (0, 0), (1, 1), False)
    value, _ = check(host_runner, max_pool, params, (x,))
    assert value.shape == (0, 3, 2, 2)


def test_kernels_serve_many_sizes(host_runner):
    keys = set()
    for shape in ((2, 6, 28, 28), (3, 16, 10, 12), (1, 8, 4, 2)):
        check(host_runner, max_pool, ((2, 2), (2, 2), (0, 0), (1, 1), False), (arrays(shape, float32, 0),))
        keys.update(call.kernel.key for call in host_runner.last_calls)
    assert len(keys) == 1

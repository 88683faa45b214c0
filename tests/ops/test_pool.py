"""Pooling: the NumPy rules against the definition, the gradients as adjoints, PyTorch's messages. tests/oracle compares
with PyTorch itself.
"""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import suiren
from suiren.dtypes import bool_, float32, float64, int32
from suiren.ops.pool import avg_pool, avg_pool_grad, max_pool, max_pool_grad, max_pool_take, output_size
from suiren.trace.recording import record
from suiren.trace.spec import spec

QUICK = settings(max_examples=60, deadline=None, derandomize=True)


@st.composite
def problems(draw):
    """(shape, kernel_size, stride, padding, dilation, ceil_mode)."""
    dims = draw(st.integers(1, 3))

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(dims))

    size, kernel_size, stride, dilation = each(1, 7), each(1, 3), each(1, 3), each(1, 2)
    padding = tuple(draw(st.integers(0, k // 2)) for k in kernel_size)
    ceil_mode = draw(st.booleans())
    assume(min(output_size(size, kernel_size, stride, padding, dilation, ceil_mode)) > 0)
    return (2, 2, *size), kernel_size, stride, padding, dilation, ceil_mode


def windows(size, out, kernel_size, stride, padding, dilation):
    """(output place, the input places in its window, how many places it has with padding counted)."""
    for q in product(*map(range, out)):
        begins = [i * s - p for i, s, p in zip(q, stride, padding)]
        dims = [
            [b + t * d for t in range(k) if 0 <= b + t * d < n]
            for b, k, d, n in zip(begins, kernel_size, dilation, size)
        ]
        padded = [min(b + k, n + p) - b for b, k, n, p in zip(begins, kernel_size, size, padding)]
        yield q, list(product(*dims)), int(np.prod(padded))


@QUICK
@given(problems(), st.integers(0, 1000))
def test_max_pool(problem, seed):
    shape, *params = problem
    x = np.round(np.random.default_rng(seed).standard_normal(shape) * 3)  # with many equal elements
    named = dict(zip(max_pool.params, params))
    value, index = max_pool.numpy(x, **named)
    assert value.shape == max_pool.infer((spec(shape, float64),), tuple(params))[0].shape
    flat = x.reshape(*shape[:2], -1)
    for q, inside, _ in windows(shape[2:], value.shape[2:], *params[:4]):
        places = [int(np.ravel_multi_index(i, shape[2:])) for i in inside]
        for n, c in product(range(2), range(2)):
            seen = flat[n, c, places]
            assert value[(n, c, *q)] == seen.max(initial=-np.inf)
            assert index[(n, c, *q)] == (places[int(seen.argmax())] if places else -1)
    g = np.random.default_rng(seed + 1).standard_normal(value.shape)
    del named["ceil_mode"]
    grad_x = max_pool_grad.numpy(g, index, size=shape[2:], **named)
    taken = max_pool_take.numpy(x, index, **named)
    assert np.array_equal(taken, np.where(index < 0, 0, value))
    assert np.isclose((grad_x * x).sum(), (g * taken).sum())  # each is the other's adjoint


@QUICK
@given(problems(), st.booleans(), st.sampled_from([None, None, 5]), st.integers(0, 1000))
def test_avg_pool(problem, count_include_pad, divisor, seed):
    shape, kernel_size, stride, padding, _, ceil_mode = problem
    ones = (1,) * len(kernel_size)
    out = output_size(shape[2:], kernel_size, stride, padding, ones, ceil_mode)
    assume(min(out) > 0)
    x = np.random.default_rng(seed).standard_normal(shape)
    named = dict(zip(avg_pool.params, (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor)))
    y = avg_pool.numpy(x, **named)
    for q, inside, padded in windows(shape[2:], out, kernel_size, stride, padding, ones):
        total = sum((x[(slice(None), slice(None), *i)] for i in inside), np.zeros(shape[:2]))
        assert np.allclose(
            y[(slice(None), slice(None), *q)],
            total / (divisor or (padded if count_include_pad else max(len(inside), 1))),
        )
    g = np.random.default_rng(seed + 1).standard_normal(y.shape)
    assert np.isclose((avg_pool_grad.numpy(g, size=shape[2:], **named) * x).sum(), (g * y).sum())


def test_nans_win_and_the_last_one_is_named():
    x = np.array([[[[1.0, np.nan, 2.0, np.nan, 3.0]]]])
    value, index = max_pool.numpy(
        x, kernel_size=(1, 5), stride=(1, 1), padding=(0, 0), dilation=(1, 1), ceil_mode=False
    )
    assert np.isnan(value).all() and index.item() == 3


def test_gradients_are_recorded(tier):
    """First and second order through the engine: (max_pool(x)²).sum() and (avg_pool(x)³).sum()."""
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 6))
    window = ((3, 2), (2, 1), (1, 0))
    direction = np.random.default_rng(1).standard_normal(x.shape)
    t = suiren.from_numpy(x).clone().requires_grad_()
    for op, params in ((max_pool, (*window, (1, 1), False)), (avg_pool, (*window, False, True, None))):
        y = record(op, (t,), params)
        y = y[0] if op is max_pool else y
        power = 2 if op is max_pool else 3
        value = y * y if power == 2 else y * y * y
        (grad,) = suiren.autograd.grad(value.sum(), t, create_graph=True)
        (second,) = suiren.autograd.grad((grad * suiren.from_numpy(direction)).sum(), t)
        named = dict(zip(op.params, params))
        if op is max_pool:
            best, index = max_pool.numpy(x, **named)
            del named["ceil_mode"]

            along = max_pool_take.numpy(direction, index, **named)
            first, twice = (max_pool_grad.numpy(2 * g, index, size=(5, 6), **named) for g in (best, along))
        else:
            mean = avg_pool.numpy(x, **named)
            first = avg_pool_grad.numpy(3 * mean**2, size=(5, 6), **named)
            twice = avg_pool_grad.numpy(6 * mean * avg_pool.numpy(direction, **named), size=(5, 6), **named)
        assert np.allclose(grad.detach().numpy(), first) and np.allclose(second.numpy(), twice)


# What PyTorch 2.13 says, recorded. Parameters: kernel_size, stride, padding, dilation.
MESSAGES = [
    ((2, 3, 8, 8), (3, 3), (3, 3), (2, 2), (1, 1), "pad should be at most half of effective kernel size, but got pad=2, kernel_size=3 and dilation=1"),
    ((2, 3, 2, 2), (3, 3), (3, 3), (0, 0), (1, 1), "Given input size: (3x2x2). Calculated output size: (3x0x0). Output size is too small"),
    ((2, 3, 2, 2, 2), (3, 3, 3), (3, 3, 3), (0, 0, 0), (1, 1, 1), "Given input size: (3x2x2x2). Calculated output size: (3x0x0x0). Output size is too small"),
    ((2, 3, 8, 8), (2, 2), (0, 0), (0, 0), (1, 1), "stride should not be zero"),
    ((2, 3, 8, 8), (2, 2), (2, 2), (0, 0), (0, 0), "dilation should be greater than zero, but got dilationH: 0 dilationW: 0"),
    ((2, 3, 8, 8), (2, 2), (2, 2), (-1, -1), (1, 1), "pad must be non-negative, but got pad: -1"),
    ((2, 3, 8, 8), (2, 2), (-1, -1), (0, 0), (1, 1), "stride should be greater than zero, but got dH: -1 dW: -1"),
    ((2, 0, 8, 8), (2, 2), (2, 2), (0, 0), (1, 1), "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:[2, 0, 8, 8]"),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "kernel_size", "stride", "padding", "dilation", "message"), MESSAGES)
def test_messages(shape, kernel_size, stride, padding, dilation, message):
    with pytest.raises(RuntimeError) as raised:
        max_pool.infer((spec(shape, float32),), (kernel_size, stride, padding, dilation, False))
    assert str(raised.value) == message


def test_messages_about_dtypes_and_divisors():
    window = ((2, 2), (2, 2), (0, 0))
    with pytest.raises(NotImplementedError, match="\"max_pool2d\" not implemented for 'Bool'"):
        max_pool.infer((spec((2, 3, 8, 8), bool_),), (*window, (1, 1), False))
    with pytest.raises(NotImplementedError, match="\"avg_pool2d\" not implemented for 'Int'"):
        avg_pool.infer((spec((2, 3, 8, 8), int32),), (*window, False, True, None))
    with pytest.raises(RuntimeError, match="^divisor must be not zero$"):
        avg_pool.infer((spec((2, 3, 8, 8), float32),), (*window, False, True, 0))
    with pytest.raises(RuntimeError, match="does not fit"):
        max_pool_grad.infer((spec((2, 3, 4, 4), float32), spec((2, 3, 4, 5), float32)), ((8, 8), *window, (1, 1)))

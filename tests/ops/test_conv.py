"""Convolution: the NumPy rule against the definition, the gradients as adjoints, PyTorch's messages. tests/oracle
compares with PyTorch itself.
"""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import suiren
from suiren.dtypes import bool_, float16, float32, float64
from suiren.ops.conv import conv, conv_input_grad, conv_weight_grad, fitting_padding, output_size
from suiren.trace.recording import record
from suiren.trace.spec import spec

QUICK = settings(max_examples=40, deadline=None, derandomize=True)


@st.composite
def problems(draw):
    """(x shape, weight shape, stride, padding, dilation, groups)."""
    dims = draw(st.integers(1, 3))

    def each(low, high):
        return tuple(draw(st.integers(low, high)) for _ in range(dims))

    size, kernel_size, stride, dilation = each(1, 6), each(1, 3), each(1, 3), each(1, 2)
    padding = tuple(zip(each(0, 2), each(0, 2)))
    assume(all(n + a + z >= d * (k - 1) + 1 for n, (a, z), k, d in zip(size, padding, kernel_size, dilation)))
    groups, c, o, n = (draw(st.integers(1, 3)) for _ in range(4))
    return (n, c * groups, *size), (o * groups, c, *kernel_size), stride, padding, dilation, groups


def by_definition(x, weight, stride, padding, dilation, groups):
    out = output_size(x.shape[2:], weight.shape[2:], stride, padding, dilation)
    y = np.zeros((x.shape[0], weight.shape[0], *out))
    per_group, seen = weight.shape[0] // groups, weight.shape[1]
    for o, c, *tap in product(*map(range, weight.shape)):
        for q in product(*map(range, out)):
            at = [i * s + k * d - low for i, s, k, d, (low, _) in zip(q, stride, tap, dilation, padding)]
            if all(0 <= i < n for i, n in zip(at, x.shape[2:])):
                y[(slice(None), o, *q)] += weight[(o, c, *tap)] * x[(slice(None), o // per_group * seen + c, *at)]
    return y


@QUICK
@given(problems(), st.integers(0, 1000))
def test_rules(problem, seed):
    """The sum of the definition; and for any y, <conv(x, w), y> = <x, conv_input_grad(y, w)> = <w, conv_weight_grad(x,
    y)>: with a map that is linear in x and in w, that makes every gradient rule right, of any order."""
    x_shape, weight_shape, *params = problem
    rng = np.random.default_rng(seed)
    x, weight = rng.standard_normal(x_shape), rng.standard_normal(weight_shape)
    named = dict(zip(conv.params, params))
    out = conv.numpy(x, weight, **named)
    assert out.shape == conv.infer((spec(x_shape, float64), spec(weight_shape, float64)), tuple(params))[0].shape
    if out.size * weight.size <= 20_000:
        assert np.allclose(out, by_definition(x, weight, *params))
    y = rng.standard_normal(out.shape)
    grad_x = conv_input_grad.numpy(y, weight, size=x_shape[2:], **named)
    grad_w = conv_weight_grad.numpy(x, y, kernel_size=weight_shape[2:], **named)
    assert grad_x.shape == x_shape and grad_w.shape == weight_shape
    assert np.isclose((out * y).sum(), (x * grad_x).sum()) and np.isclose((out * y).sum(), (weight * grad_w).sum())
    fit = fitting_padding(x_shape[2:], out.shape[2:], weight_shape[2:], *params[:3])
    assert np.array_equal(conv.numpy(x, weight, **{**named, "padding": fit}), out)


def test_gradients_are_recorded(tier):
    """All three, and the gradients of the gradients, through the engine: f(t) along a random direction is a cubic whose
    derivatives are known.
    """
    rng = np.random.default_rng(0)
    params = ((2, 1), ((1, 0), (2, 1)), (1, 2), 2)
    x, weight = rng.standard_normal((2, 4, 6, 7)), rng.standard_normal((6, 2, 3, 2))
    named = dict(zip(conv.params, params))
    y = rng.standard_normal(conv.numpy(x, weight, **named).shape)
    direction = rng.standard_normal(x.shape)

    t_x, t_w, t_y = (suiren.from_numpy(a).clone().requires_grad_() for a in (x, weight, y))
    value = (record(conv, (t_x, t_w), params) * t_y).sum()
    grad_x, grad_w = suiren.autograd.grad(value, (t_x, t_w), create_graph=True)
    assert np.allclose(grad_x.detach().numpy(), conv_input_grad.numpy(y, weight, size=(6, 7), **named))
    assert np.allclose(grad_w.detach().numpy(), conv_weight_grad.numpy(x, y, kernel_size=(3, 2), **named))
    # <grad_x, direction> is linear in weight and in y: its gradients are those of conv_input_grad.
    second = (grad_x * suiren.from_numpy(direction)).sum() + (grad_w * grad_w).sum()
    found = suiren.autograd.grad(second, (t_x, t_w, t_y))
    gw = conv_weight_grad.numpy(x, y, kernel_size=(3, 2), **named)
    right = (
        conv_input_grad.numpy(y, 2 * gw, size=(6, 7), **named),
        conv_weight_grad.numpy(direction, y, kernel_size=(3, 2), **named),
        conv.numpy(direction, weight, **named) + conv.numpy(x, 2 * gw, **named),
    )
    for a, b in zip(found, right):
        assert np.allclose(a.numpy(), b)


def test_narrow_floats_are_summed_wide():
    x = np.full((1, 4096, 1, 1), 1.0, np.float16)
    weight = np.full((1, 4096, 1, 1), 1.0, np.float16)
    params = ((1, 1), ((0, 0), (0, 0)), (1, 1), 1)
    kinds = (spec(x.shape, float16), spec(weight.shape, float16))
    (y,) = conv.interpret([x, weight], kinds, params, conv.infer(kinds, params))
    assert y.dtype == np.float16 and y.item() == 4096


ONES = ((1, 1), ((0, 0), (0, 0)), (1, 1))


def padded(p):
    return ((1, 1), ((p, p), (p, p)), (1, 1))


# What PyTorch 2.13 says, recorded.
MESSAGES = [
    ((1, 4, 8, 8), (6, 3, 5, 5), (*ONES, 1), "Given groups=1, weight of size [6, 3, 5, 5], expected input[1, 4, 8, 8] to have 3 channels, but got 4 channels instead"),
    ((1, 3, 4, 4), (6, 3, 5, 5), (*ONES, 1), "Calculated padded input size per channel: (4 x 4). Kernel size: (5 x 5). Kernel size can't be greater than actual input size"),
    ((1, 3, 4), (6, 3, 5), ((1,), ((0, 0),), (1,), 1), "Calculated padded input size per channel: (4). Kernel size: (5). Kernel size can't be greater than actual input size"),
    ((2, 3, 0, 8), (6, 3, 1, 1), (*ONES, 1), "Calculated padded input size per channel: (0 x 8). Kernel size: (1 x 1). Kernel size can't be greater than actual input size"),
    ((1, 3, 8, 8), (6, 3, 5, 5), ((0, 1), *ONES[1:], 1), "non-positive stride is not supported"),
    ((1, 3, 8, 8), (6, 3, 5, 5), (*padded(-1), 1), "negative padding is not supported"),
    ((1, 3, 8, 8), (6, 3, 5, 5), (*ONES[:2], (0, 1), 1), "non-positive dilation is not supported"),
    ((1, 5, 8, 8), (4, 2, 5, 5), (*ONES, 0), "non-positive groups is not supported"),
    ((1, 4, 8, 8), (5, 2, 5, 5), (*ONES, 2), "Given groups=2, expected weight to be divisible by 2 at dimension 0, but got weight of size [[5, 2, 5, 5]] instead"),
    ((1, 4, 8, 8), (1, 2, 5, 5), (*ONES, 2), "Given groups=2, expected weight to be at least 2 at dimension 0, but got weight of size [1, 2, 5, 5] instead"),
]  # fmt: skip


@pytest.mark.parametrize(("x", "weight", "params", "message"), MESSAGES)
def test_messages(x, weight, params, message):
    with pytest.raises(RuntimeError) as raised:
        conv.infer((spec(x, float32), spec(weight, float32)), params)
    assert str(raised.value) == message


def test_messages_about_dtypes():
    x, weight = (1, 3, 8, 8), (6, 3, 5, 5)
    with pytest.raises(RuntimeError, match="^expected scalar type Double but found Float$"):
        conv.infer((spec(x, float64), spec(weight, float32)), (*ONES, 1))
    with pytest.raises(
        RuntimeError,
        match=r"^Input type \(torch.FloatTensor\) and weight type \(torch.DoubleTensor\) should be the same",
    ):
        conv.infer((spec(x, float32), spec(weight, float64)), (*ONES, 1))
    with pytest.raises(NotImplementedError, match="\"slow_conv2d_cpu\" not implemented for 'Bool'"):
        conv.infer((spec(x, bool_), spec(weight, bool_)), (*ONES, 1))
    with pytest.raises(
        RuntimeError,
        match="Given transposed=1, weight of size .4, 6, 5, 5., expected input.2, 3, 8, 8. to have 4 channels, but got 3 channels instead",
    ):
        conv_input_grad.infer((spec((2, 3, 8, 8), float32), spec((4, 6, 5, 5), float32)), ((12, 12), *ONES, 1))


def test_work_is_counted_in_multiplications():
    params = ((2, 2), ((1, 1), (1, 1)), (1, 1), 1)
    x, weight, y = (spec(s, float32) for s in ((2, 16, 14, 14), (32, 16, 3, 3), (2, 32, 7, 7)))
    full = 2 * 7 * 7 * 32 * 16 * 9
    assert conv.work((x, weight), (y,), params) == full
    assert conv_input_grad.work((y, weight), (x,), ((14, 14), *params)) == full
    assert conv_weight_grad.work((x, y), (weight,), ((3, 3), *params)) == full

"""Winograd convolution against the NumPy rules, also where the direct kernel would be chosen."""

import random

import numpy as np
import pytest

from suiren.compiler.kernels import conv_direct, conv_winograd
from suiren.compiler.kernels.conv_geometry import forward_dims
from suiren.compiler.program import Epilogue, Operand, Place, Ptr
from suiren.dtypes import float32
from suiren.ops.conv import conv, conv_input_grad, conv_weight_grad
from tests.compiler.kernels.test_conv_direct import both_ends

ONE = (1, 1)

# (x shape, output channels, padding): tiles that fit, that hang over, of one output; ragged channels; no border, a wide one.
PROBLEMS = {
    "tiles that fit": ((1, 16, 8, 8), 16, (1, 1)),
    "tiles that hang over": ((2, 20, 7, 9), 24, (1, 1)),
    "no border": ((3, 33, 5, 13), 17, (0, 0)),
    "one output": ((1, 8, 1, 1), 8, (1, 1)),
    "uneven border": ((2, 7, 12, 3), 40, (2, 1)),
}


@pytest.fixture
def always(monkeypatch):
    monkeypatch.setattr(conv_winograd, "GAIN", float("inf"))


def check(runner, op, params, inputs, **how):
    (found,) = runner.run(conv_direct.calls, op, params, inputs, **how)
    assert any(call.kernel.family == "conv_winograd" for call in runner.last_calls)
    (again,) = runner.run(conv_direct.calls, op, params, inputs, order=random.Random(1), **how)
    assert found.tobytes() == again.tobytes(), "the bits depend on how units are shared out"
    wide = op.numpy(*(x.astype(np.float64) for x in inputs), **dict(zip(op.params, params)))
    assert np.abs(found - wide).max() <= 1e-5 * max(1.0, np.abs(wide).max())


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_three_sums(runner, always, name):
    x_shape, o, (high, wide) = PROBLEMS[name]
    params = (ONE, ((high, high), (wide, wide)), ONE, 1)
    x, weight, y = both_ends(x_shape, (o, x_shape[1], 3, 3), *params[:3], float32)
    check(runner, conv, params, (x, weight))
    check(runner, conv_input_grad, (x_shape[2:], *params), (y, weight))
    check(runner, conv_weight_grad, ((3, 3), *params), (x, y))


def test_images_in_several_parts(host_runner, always, monkeypatch):
    """The last part may have fewer images, and fewer tiles than the products' register tile has rows."""
    monkeypatch.setattr(conv_winograd, "AT_POINTS", 1)
    params = (ONE, (ONE, ONE), ONE, 1)
    for images in (11, 17):
        x, weight, y = both_ends((images, 8, 4, 4), (8, 8, 3, 3), *params[:3], float32)
        check(host_runner, conv_weight_grad, ((3, 3), *params), (x, y))
        check(host_runner, conv, params, (x, weight))
        parts = [call for call in host_runner.last_calls if call.label == "input at points"]
        assert len(parts) > 1


def test_strided_weights(host_runner, always):
    params = (ONE, (ONE, ONE), ONE, 1)
    x, weight, _ = both_ends((2, 16, 6, 6), (24, 16, 3, 3), *params[:3], float32)
    weight = np.ascontiguousarray(weight.transpose(2, 3, 1, 0)).transpose(3, 2, 0, 1)
    check(host_runner, conv, params, (x, weight), strided=(1,))


def test_epilogue(runner, always):
    def emit(b, x, operands):
        bias, residual = operands
        return [b.maximum(b.add(b.add(x, bias), residual), 0)]

    epilogue = Epilogue(("bias residual relu",), (Operand(float32, "last"), Operand(float32, "same")), (float32,), emit)
    params = (ONE, (ONE, ONE), ONE, 1)
    x, weight, residual = both_ends((2, 12, 7, 5), (20, 12, 3, 3), *params[:3], float32)
    bias = np.arange(20, dtype=np.float32)
    y = conv.numpy(x, weight, **dict(zip(conv.params, params))) + bias[:, None, None] + residual
    (value,) = runner.run(
        conv_direct.calls, conv, params, (x, weight), epilogue=epilogue, operands=(bias, residual), in_place=1
    )
    assert np.abs(value - np.maximum(y, 0)).max() < 1e-4


def test_images_do_not_see_each_other(host_runner, always):
    """What is infinite stays in its image, and lanes past the channels stay out (the runner fills them with NaN)."""
    params = (ONE, (ONE, ONE), ONE, 1)
    x, weight, _ = both_ends((2, 9, 6, 6), (6, 9, 3, 3), *params[:3], float32)
    x[0, 3] = np.inf
    (found,) = host_runner.run(conv_direct.calls, conv, params, (x, weight))
    assert np.isfinite(found[1]).all() and not np.isfinite(found[0]).any()


@pytest.mark.parametrize(
    ("x_shape", "weight_shape", "stride", "dilation", "groups", "is_taken"),
    [
        ((8, 64, 56, 56), (64, 64, 3, 3), 1, 1, 1, True),
        ((8, 64, 56, 56), (64, 64, 3, 3), 2, 1, 1, False),
        ((8, 64, 56, 56), (64, 64, 3, 3), 1, 2, 1, False),
        ((8, 64, 56, 56), (64, 32, 3, 3), 1, 1, 2, False),
        ((8, 64, 56, 56), (64, 64, 1, 1), 1, 1, 1, False),
        ((8, 64, 56, 56), (64, 64, 5, 5), 1, 1, 1, False),
        ((8, 8, 56, 56), (8, 8, 3, 3), 1, 1, 1, False),  # moving it costs more than it saves
        ((1, 512, 7, 7), (512, 512, 3, 3), 1, 1, 1, False),  # the weights are most of it
    ],
)
def test_when_it_is_chosen(host_runner, x_shape, weight_shape, stride, dilation, groups, is_taken):
    params = ((stride, stride), (ONE, ONE), (dilation, dilation))
    out = (x_shape[0], weight_shape[0], *(-(-n // stride) for n in x_shape[2:]))
    x, y = (Place(Ptr(None), float32, shape, (), host_runner.block) for shape in (x_shape, out))
    dims = forward_dims(x_shape[2:], out[2:], weight_shape[2:], *params)
    assert conv_winograd.pays(x, y, weight_shape, groups, dims) is is_taken

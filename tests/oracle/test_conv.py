"""Convolution beside a live PyTorch: values and gradients of first and second order, transposed convolution,
messages.
"""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")
F = pytest.importorskip("torch.nn.functional")

from suiren.dtypes import float64, from_numpy_dtype  # noqa: E402
from suiren.ops.conv import conv, conv_input_grad, conv_weight_grad, fitting_padding  # noqa: E402
from suiren.trace.spec import spec  # noqa: E402

pytestmark = pytest.mark.oracle

CONVOLUTIONS = {1: (F.conv1d, F.conv_transpose1d), 2: (F.conv2d, F.conv_transpose2d), 3: (F.conv3d, F.conv_transpose3d)}


def problems(count: int, seed: int):
    """(x shape, weight shape, stride, padding, dilation, groups) of convolutions that exist."""
    rng = random.Random(seed)
    while count:
        dims = rng.randint(1, 3)
        size, kernel_size = ([rng.randint(1, most) for _ in range(dims)] for most in (8, 4))
        stride, dilation = (tuple(rng.randint(1, 3) for _ in range(dims)) for _ in range(2))
        padding = tuple(rng.randint(0, 3) for _ in range(dims))
        groups, c, o, n = (rng.randint(1, 3) for _ in range(4))
        if all(s + 2 * p >= d * (k - 1) + 1 for s, p, d, k in zip(size, padding, dilation, kernel_size)):
            count -= 1
            yield (n, c * groups, *size), (o * groups, c, *kernel_size), stride, padding, dilation, groups


@pytest.mark.parametrize("problem", list(problems(40, 0)), ids=str)
def test_gradients(problem):
    x_shape, weight_shape, stride, padding, dilation, groups = problem
    params = (stride, tuple((p, p) for p in padding), dilation, groups)
    named = dict(zip(conv.params, params))
    x, weight = (torch.randn(s, dtype=torch.float64, requires_grad=True) for s in (x_shape, weight_shape))
    y = CONVOLUTIONS[x.ndim - 2][0](x, weight, None, stride, padding, dilation, groups)
    g = torch.randn_like(y, requires_grad=True)
    grad_x, grad_w = torch.autograd.grad(y, (x, weight), g, create_graph=True)
    X, W, G = (t.detach().numpy() for t in (x, weight, g))
    assert np.allclose(conv.numpy(X, W, **named), y.detach())
    assert np.allclose(conv_input_grad.numpy(G, W, size=x_shape[2:], **named), grad_x.detach())
    assert np.allclose(conv_weight_grad.numpy(X, G, kernel_size=weight_shape[2:], **named), grad_w.detach())
    # Second order: the gradient of <grad_x, v> in g and weight.
    v = torch.randn_like(x)
    for theirs, ours in zip(
        torch.autograd.grad(grad_x, (g, weight), v),
        (
            conv.numpy(v.numpy(), W, **named),
            conv_weight_grad.numpy(v.numpy(), G, kernel_size=weight_shape[2:], **named),
        ),
    ):
        assert np.allclose(ours, theirs)


@pytest.mark.parametrize("problem", list(problems(40, 1)), ids=str)
def test_transposed(problem):
    """conv_input_grad is conv_transpose, whose output padding makes the result larger."""
    x_shape, weight_shape, stride, padding, dilation, groups = problem
    params = (stride, tuple((p, p) for p in padding), dilation, groups)
    named = dict(zip(conv.params, params))
    rng = random.Random(str(problem))
    extra = tuple(rng.randint(0, max(s, d) - 1) for s, d in zip(stride, dilation))
    y = torch.randn((x_shape[0], weight_shape[0], *x_shape[2:]), dtype=torch.float64, requires_grad=True)
    weight = torch.randn(weight_shape, dtype=torch.float64, requires_grad=True)
    size = tuple(
        (q - 1) * s - 2 * p + d * (k - 1) + e + 1
        for q, s, p, d, k, e in zip(y.shape[2:], stride, padding, dilation, weight_shape[2:], extra)
    )
    if min(size) < 1:
        pytest.raises(
            RuntimeError, CONVOLUTIONS[y.ndim - 2][1], y, weight, None, stride, padding, extra, groups, dilation
        )
        return
    x = CONVOLUTIONS[y.ndim - 2][1](y, weight, None, stride, padding, extra, groups, dilation)
    Y, W = y.detach().numpy(), weight.detach().numpy()
    assert np.allclose(conv_input_grad.numpy(Y, W, size=size, **named), x.detach())
    g = torch.randn_like(x)
    grad_y, grad_w = torch.autograd.grad(x, (y, weight), g)
    fit = fitting_padding(size, Y.shape[2:], weight_shape[2:], *params[:3])
    assert np.allclose(conv.numpy(g.numpy(), W, **{**named, "padding": fit}), grad_y)
    assert np.allclose(conv_weight_grad.numpy(g.numpy(), Y, kernel_size=weight_shape[2:], **named), grad_w)


WRONG = [
    ((1, 4, 8, 8), (6, 3, 5, 5), 1, 0, 1, 1),
    ((1, 3, 4, 4), (6, 3, 5, 5), 1, 0, 1, 1),
    ((1, 3, 4), (6, 3, 5), 1, 0, 1, 1),
    ((1, 3, 4, 4, 4), (6, 3, 2, 2, 5), 1, 0, 1, 1),
    ((2, 3, 0, 8), (6, 3, 1, 1), 1, 0, 1, 1),
    ((1, 3, 8, 8), (6, 3, 5, 5), 0, 0, 1, 1),
    ((1, 3, 8, 8), (6, 3, 5, 5), 1, -1, 1, 1),
    ((1, 3, 8, 8), (6, 3, 5, 5), 1, 0, 0, 1),
    ((1, 4, 8, 8), (5, 2, 5, 5), 1, 0, 1, 2),
    ((1, 4, 8, 8), (1, 2, 5, 5), 1, 0, 1, 2),
    ((1, 5, 8, 8), (4, 2, 5, 5), 1, 0, 1, 2),
    ((1, 5, 8, 8), (4, 2, 5, 5), 1, 0, 1, 0),
]


@pytest.mark.parametrize("problem", WRONG, ids=str)
def test_messages(problem):
    x, weight, stride, padding, dilation, groups = problem
    dims = len(x) - 2
    with pytest.raises(RuntimeError) as theirs:
        CONVOLUTIONS[dims][0](torch.zeros(x), torch.zeros(weight), None, stride, padding, dilation, groups)
    params = ((stride,) * dims, ((padding, padding),) * dims, (dilation,) * dims, groups)
    with pytest.raises(RuntimeError) as ours:
        conv.infer((spec(x, float64), spec(weight, float64)), params)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize(
    "pair", [("float64", "float32"), ("float32", "float64"), ("int64", "float32"), ("float16", "float32")]
)
def test_messages_about_dtypes(pair):
    x, weight = (
        torch.zeros((1, 3, 8, 8), dtype=getattr(torch, pair[0])),
        torch.zeros((6, 3, 5, 5), dtype=getattr(torch, pair[1])),
    )
    with pytest.raises(RuntimeError) as theirs:
        F.conv2d(x, weight)
    kinds = (spec(tuple(t.shape), from_numpy_dtype(t.numpy().dtype)) for t in (x, weight))
    with pytest.raises(RuntimeError) as ours:
        conv.infer(tuple(kinds), ((1, 1), ((0, 0), (0, 0)), (1, 1), 1))
    assert str(ours.value) == str(theirs.value)

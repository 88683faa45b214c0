"""Pooling beside a live PyTorch: values, indices, gradients, messages."""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")
F = pytest.importorskip("torch.nn.functional")

from suiren.dtypes import float32  # noqa: E402
from suiren.ops.pool import avg_pool, avg_pool_grad, max_pool, max_pool_grad, max_pool_take  # noqa: E402
from suiren.trace.spec import spec  # noqa: E402

pytestmark = pytest.mark.oracle

MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVG = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


def problems(count: int, seed: int):
    """(shape, kernel_size, stride, padding, dilation, ceil_mode), some of which PyTorch refuses."""
    rng = random.Random(seed)
    for _ in range(count):
        dims = rng.randint(1, 3)
        size, kernel_size, stride, dilation = (
            tuple(rng.randint(1, most) for _ in range(dims)) for most in (9, 4, 4, 2)
        )
        padding = tuple(rng.randint(0, k // 2) for k in kernel_size)
        yield (rng.randint(1, 3), rng.randint(1, 3), *size), kernel_size, stride, padding, dilation, rng.random() < 0.5


@pytest.mark.parametrize("problem", list(problems(60, 0)), ids=str)
def test_max_pool(problem):
    shape, *params = problem
    named = dict(zip(max_pool.params, params))
    x = (torch.randn(shape) * 3).round().requires_grad_()  # with many equal elements
    try:
        value, index = MAX[x.ndim - 2](x, *params, True)
    except RuntimeError as refused:
        with pytest.raises(RuntimeError) as ours:
            max_pool.infer((spec(shape, float32),), tuple(params))
        if x.ndim > 3:  # for one dim PyTorch speaks of two
            assert str(ours.value) == str(refused)
        return
    X = x.detach().numpy()
    ours, our_index = max_pool.numpy(X, **named)
    assert np.array_equal(ours, value.detach())
    inside = our_index >= 0  # of a window that lies in padding alone PyTorch names a place outside of the input
    assert np.array_equal(our_index[inside], index.numpy()[inside])
    if inside.all():
        del named["ceil_mode"]
        g = torch.randn_like(value, requires_grad=True)
        (grad_x,) = torch.autograd.grad(value, x, g, create_graph=True)
        assert np.allclose(
            max_pool_grad.numpy(g.detach().numpy(), our_index, size=shape[2:], **named), grad_x.detach(), atol=1e-6
        )
        v = torch.randn_like(x)
        (second,) = torch.autograd.grad(grad_x, g, v)
        assert np.allclose(max_pool_take.numpy(v.numpy(), our_index, **named), second)


def test_nans():
    x = torch.randn(3, 4, 9, 9)
    x[torch.rand(x.shape) < 0.2] = torch.nan
    value, index = F.max_pool2d(x, 3, 2, 1, return_indices=True)
    ours = max_pool.numpy(
        x.numpy(), kernel_size=(3, 3), stride=(2, 2), padding=(1, 1), dilation=(1, 1), ceil_mode=False
    )
    assert np.array_equal(ours[0], value, equal_nan=True) and np.array_equal(ours[1], index)


@pytest.mark.parametrize("problem", list(problems(60, 1)), ids=str)
@pytest.mark.parametrize(("count_include_pad", "divisor"), [(True, None), (False, None), (True, 5)])
def test_avg_pool(problem, count_include_pad, divisor):
    shape, kernel_size, stride, padding, _, ceil_mode = problem
    dims = len(kernel_size)
    if divisor and dims == 1 or dims == 3 and any(n < k for n, k in zip(shape[2:], kernel_size)):
        return  # PyTorch has no divisor for one dim, and refuses windows larger than a volume
    params = (kernel_size, stride, padding, ceil_mode, count_include_pad, divisor)
    named = dict(zip(avg_pool.params, params))
    x = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    more = {"divisor_override": divisor} if divisor else {}
    try:
        y = AVG[dims](x, kernel_size, stride, padding, ceil_mode, count_include_pad, **more)
    except RuntimeError as refused:
        with pytest.raises(RuntimeError) as ours:
            avg_pool.infer((spec(shape, float32),), params)
        if dims > 1:
            assert str(ours.value) == str(refused)
        return
    assert np.allclose(avg_pool.numpy(x.detach().numpy(), **named), y.detach())
    g = torch.randn_like(y)
    (grad_x,) = torch.autograd.grad(y, x, g)
    assert np.allclose(avg_pool_grad.numpy(g.numpy(), size=shape[2:], **named), grad_x)

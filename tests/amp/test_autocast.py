"""autocast on the CPU: dtypes of listed functions and losses of training, recorded from PyTorch; regions, decorators, gradients, threads."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

import suiren as t
from tests.amp.lines import LINES, PROGRAMS, dtypes_of

RECORDED = json.loads((Path(__file__).parents[1] / "recorded" / "autocast.json").read_text())


@pytest.mark.parametrize("line", LINES)
def test_dtypes_are_those_of_pytorch(line):
    """Where PyTorch has no kernel for a narrow dtype (""), anything may come out."""
    expected = RECORDED["dtypes"][line]
    found = dtypes_of(t, line)
    assert [f if e else "" for e, f in zip(expected, found)] == expected


# Values near 1 in bfloat16 are 2**-8 apart, in float16 2**-11. The losses are float32 means of many results that are rounded so, and a few
# roundings that fall to the other side (PyTorch sums in another order) move them by less than one such step, also after 20 updates.
@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("dtype, step", [(t.bfloat16, 2**-8), (t.float16, 2**-11)])
def test_training_follows_pytorch(name, dtype, step, tier):
    losses = PROGRAMS[name](t, dtype)
    np.testing.assert_allclose(losses, RECORDED["losses"][f"{name} torch.{dtype.name}"], rtol=step, atol=step)
    assert losses[-1] < losses[0] / 2 and losses != PROGRAMS[name](t, None)


def test_a_product_in_a_region_is_the_product_of_rounded_tensors(tier):
    a, b = t.randn(5, 7), t.randn(7, 3)
    with t.autocast("cpu"):
        found = a @ b
    assert found.dtype is t.bfloat16 and t.equal(found, a.bfloat16() @ b.bfloat16())


def test_regions_nest_and_are_left():
    x = t.ones(2, 2)
    with t.autocast("cpu"):
        assert (x @ x).dtype is t.bfloat16 and t.is_autocast_enabled("cpu") and not t.is_autocast_enabled()
        with t.autocast("cpu", enabled=False):
            assert (x @ x).dtype is t.float32 and not t.is_autocast_cpu_enabled()
        with t.autocast("cpu", dtype=t.float16, cache_enabled=False):
            assert (x @ x).dtype is t.float16 and t.get_autocast_dtype("cpu") is t.float16 and not t.is_autocast_cache_enabled()
        assert (x @ x).dtype is t.bfloat16 and t.get_autocast_dtype("cpu") is t.bfloat16 and t.is_autocast_cache_enabled()
    assert (x @ x).dtype is t.float32
    with pytest.raises(ZeroDivisionError), t.autocast("cpu"):
        raise ZeroDivisionError
    with t.autocast("cpu"), pytest.raises(RuntimeError):
        t.mm(x, t.ones(3, 3))
    assert not t.is_autocast_enabled("cpu") and (x @ x).dtype is t.float32


def test_what_is_on_no_list_and_what_is_not_cast():
    x = t.ones(2, 2)
    with t.autocast("cpu"):
        assert (x + x.bfloat16()).dtype is t.float32 and (x.double() @ x.double()).dtype is t.float64
        assert x.clone().addmm_(x, x).dtype is t.float32 and t.mm(x, x, out=t.empty(2, 2)).dtype is t.float32
        with pytest.raises(RuntimeError, match="Unexpected floating ScalarType in at::autocast::prioritize"):
            t.cat([x.bfloat16(), x.half()])
        with pytest.raises(RuntimeError):
            x @ x.double()


def test_as_a_decorator():
    @t.autocast("cpu")
    def product(x):
        """A product."""
        return x @ x

    assert product(t.ones(2, 2)).dtype is t.bfloat16 and product.__name__ == "product"
    with pytest.raises(TypeError, match=r"autocast\(\)\(func\) requires a callable, but got int"):
        t.autocast("cpu")(3)


def test_gradients_come_back_in_the_parameters_dtype(tier):
    x, w, b = t.randn(4, 3), t.randn(2, 3, requires_grad=True), t.zeros(2, requires_grad=True)
    with t.autocast("cpu"):
        t.nn.functional.linear(x, w, b).sum().backward()
    assert w.grad.dtype is t.float32 and b.grad.tolist() == [4.0, 4.0]
    np.testing.assert_allclose(w.grad[0].numpy(), x.bfloat16().float().sum(0).numpy(), rtol=2**-8, atol=2**-8)


def test_a_region_is_of_one_thread():
    x, found = t.ones(2, 2), []
    with t.autocast("cpu"):
        thread = threading.Thread(target=lambda: found.append((x @ x).dtype))
        thread.start()
        thread.join()
    assert found == [t.float32]


def test_the_same_loop_in_and_out_of_a_region(tier):
    x = t.randn(3, 3)
    for _ in range(6):
        for enabled in (True, False):
            with t.autocast("cpu", enabled=enabled):
                assert (x @ x).sum().dtype is (t.bfloat16 if enabled else t.float32)


def test_switches():
    t.set_autocast_enabled("cpu", True)
    try:
        assert (t.ones(1, 1) @ t.ones(1, 1)).dtype is t.bfloat16
        t.set_autocast_dtype("cpu", t.float16)
        assert (t.ones(1, 1) @ t.ones(1, 1)).dtype is t.float16 and t.get_autocast_cpu_dtype() is t.float16
    finally:
        t.set_autocast_dtype("cpu", t.bfloat16)
        t.set_autocast_enabled("cpu", False)
    assert t.autocast_increment_nesting() == 1 and t.autocast_decrement_nesting() == 0
    assert t.amp.is_autocast_available("cpu") and not t.amp.is_autocast_available("meta")
    with pytest.raises(TypeError, match=r"argument 'enabled' \(position 2\) must be bool, not int"):
        t.set_autocast_enabled("cpu", 3)
    with pytest.raises(TypeError, match=r"argument 'dtype' \(position 2\) must be torch.dtype, not int"):
        t.set_autocast_dtype("cpu", 3)
    with pytest.warns(UserWarning, match="In CPU autocast, but the target dtype is not supported"), t.autocast("cpu", dtype=t.float64):
        assert not t.is_autocast_enabled("cpu")


def test_the_old_names():
    with pytest.warns(FutureWarning, match="Please use `torch.amp.autocast"), t.cpu.amp.autocast(dtype=t.float16):
        assert (t.ones(1, 1) @ t.ones(1, 1)).dtype is t.float16
    with pytest.warns(FutureWarning, match="Please use `torch.amp.GradScaler"):
        assert t.cpu.amp.GradScaler(init_scale=2.0).get_scale() == 2.0


@pytest.mark.parametrize("cast_inputs", [None, t.float32])
def test_own_functions(cast_inputs):
    seen = []

    class Product(t.autograd.Function):
        @staticmethod
        @t.amp.custom_fwd(device_type="cpu", cast_inputs=cast_inputs)
        def forward(ctx, x, w):
            ctx.save_for_backward(x, w)
            y = x @ w
            seen.append((x.dtype, y.dtype, t.is_autocast_enabled("cpu")))
            return y

        @staticmethod
        @t.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            seen.append(t.is_autocast_enabled("cpu"))
            return (g @ w.T).to(x.dtype), (x.T @ g).to(w.dtype)

    x, w = t.ones(2, 2).bfloat16(), t.ones(2, 2, requires_grad=True)
    with t.autocast("cpu"):
        y = Product.apply(x, w)
    y.sum().backward()
    inside = cast_inputs is None
    assert seen == [(t.bfloat16, t.bfloat16, True) if inside else (t.float32, t.float32, False), inside]
    assert w.grad.tolist() == [[2.0, 2.0], [2.0, 2.0]]

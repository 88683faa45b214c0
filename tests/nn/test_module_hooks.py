"""Hooks of modules: before and after forward and backward, of one module and of all."""

from __future__ import annotations

import pytest

import suiren
from suiren import nn


def test_forward_hooks():
    net, seen = nn.Linear(2, 2), []
    handles = [
        net.register_forward_pre_hook(lambda m, args: seen.append("pre") or (args[0] * 0,)),
        net.register_forward_hook(lambda m, args, out: seen.append("post") or out + 1),
        net.register_forward_hook(lambda m, args, kwargs, out: seen.append(("first", kwargs)), with_kwargs=True, prepend=True),
    ]
    expected = (net.bias + 1).tolist()
    assert net(suiren.ones(2)).tolist() == expected
    assert seen == ["pre", ("first", {}), "post"]
    for handle in handles:
        handle.remove()
    assert net._forward_hooks == {}
    assert net._forward_hooks_with_kwargs == {}
    with net.register_forward_pre_hook(lambda m, args, kwargs: ((), {"input": suiren.zeros(2)}), with_kwargs=True):
        assert net(1).tolist() == net.bias.tolist()
    net.register_forward_pre_hook(lambda m, args, kwargs: 3, with_kwargs=True)
    with pytest.raises(RuntimeError, match="forward pre-hook must return None or a tuple of"):
        net(suiren.ones(2))


def test_a_hook_that_is_called_always():
    class Failing(nn.Module):
        def forward(self, x):
            raise ValueError("no")

    net, seen = Failing(), []
    net.register_forward_hook(lambda m, args, out: seen.append(out), always_call=True)
    net.register_forward_hook(lambda m, args, out: seen.append("never"))
    with pytest.raises(ValueError, match="no"):
        net(1)
    assert seen == [None]


def test_global_hooks():
    seen = []
    handles = [
        nn.modules.module_hooks.register_module_forward_pre_hook(lambda m, args: seen.append("pre")),
        nn.modules.module_hooks.register_module_forward_hook(lambda m, args, out: seen.append("post")),
        nn.modules.module_hooks.register_module_parameter_registration_hook(lambda m, name, p: seen.append(name)),
    ]
    nn.Sequential(nn.Linear(1, 1))(suiren.ones(1))
    assert seen == ["weight", "bias", "pre", "pre", "post", "post"]
    for handle in handles:
        handle.remove()
    nn.Linear(1, 1)(suiren.ones(1))
    assert len(seen) == 6


def test_backward_hooks(tier):
    for _ in range(3):  # a program with hooks is not replayed
        net, seen = nn.Linear(2, 1, bias=False), []
        with suiren.no_grad():
            net.weight.copy_(suiren.tensor([[2.0, 3.0]]))
        net.register_full_backward_pre_hook(lambda m, grad_output: (grad_output[0] * 10,))
        net.register_full_backward_hook(lambda m, gi, go, seen=seen: seen.append((gi[0].tolist(), go[0].tolist())))
        net.register_full_backward_hook(lambda m, grad_input, grad_output: (grad_input[0] + 1,))
        x = suiren.ones(1, 2, requires_grad=True)
        (net(x) * 2).sum().backward()
        assert seen == [([[40.0, 60.0]], [[20.0]])]
        assert x.grad.tolist() == [[41.0, 61.0]]
        assert net.weight.grad.tolist() == [[20.0, 20.0]]


def test_backward_hooks_where_no_input_wants_a_gradient():
    net, seen = nn.Linear(2, 1), []
    net.register_full_backward_hook(lambda m, grad_input, grad_output: seen.append((grad_input, grad_output[0].tolist())))
    with pytest.warns(UserWarning, match="Full backward hook is firing when gradients are computed with respect to module outputs"):
        net(suiren.ones(2)).sum().backward()
    assert seen == [((None,), [1.0])]
    with suiren.no_grad():
        net(suiren.ones(2))
    with pytest.raises(RuntimeError, match="Cannot use both regular backward hooks and full backward hooks on a single Module"):
        net.register_backward_hook(print)


def test_backward_hooks_of_several_inputs():
    class Product(nn.Module):
        def forward(self, x, y, n):
            return x * y * n, x + y

    net, seen = Product(), []
    handle = net.register_full_backward_hook(lambda m, gi, go: seen.append([None if g is None else g.item() for g in (*gi, *go)]))
    x, y = (suiren.tensor(v, requires_grad=True) for v in (2.0, 3.0))
    a, b = net(x, y, 5)
    (a + b * 2).backward()
    assert seen == [[17.0, 12.0, None, 1.0, 2.0]]
    handle.remove()
    net.register_full_backward_hook(lambda m, grad_input, grad_output: (grad_input[0] * 2, grad_input[1] * 3, None))
    x.grad = y.grad = None
    a, b = net(x, y, 5)
    a.backward()  # b has no gradient: zeros
    assert (x.grad.item(), y.grad.item()) == (30.0, 30.0)
    net.register_full_backward_hook(lambda m, grad_input, grad_output: grad_input[:1])
    a, b = net(x, y, 5)
    with pytest.raises(RuntimeError, match="Backward hook returned an invalid number of grad_input, got 1, but expected 3"):
        a.backward()

"""Optimizers follow PyTorch's steps, in both tiers; a step is one macro; groups, hooks, states and errors are PyTorch's."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import suiren
from suiren.config import config
from suiren.optim import SGD, Adam, AdamW
from suiren.trace import execution, macros
from tests.optim import cases
from tests.recorded import OPTIM_FILE, recorded


@pytest.mark.parametrize(("name", "settings"), cases.OPTIMIZERS, ids=[cases.case_name(*c) for c in cases.OPTIMIZERS])
def test_steps(name, settings, tier):
    steps, optimizer = cases.trajectory(suiren, name, settings)
    prefix = f"optimizer|{cases.case_name(name, settings)}"
    np.testing.assert_allclose(steps, recorded(f"{prefix}|steps", file=OPTIM_FILE), rtol=2e-5, atol=2e-6)
    assert repr(optimizer) == recorded(f"{prefix}|text", file=OPTIM_FILE)
    for key, value in cases.packed_state(optimizer).items():
        expected = recorded(f"{prefix}|{key}", file=OPTIM_FILE)
        assert (value.dtype, value.shape) == (expected.dtype, expected.shape)
        np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-5, err_msg=key)


@pytest.mark.parametrize(("name", "settings"), cases.OPTIMIZERS, ids=[cases.case_name(*c) for c in cases.OPTIMIZERS])
def test_a_state_dict_goes_on_where_it_was(name, settings):
    steps, _ = cases.trajectory(suiren, name, settings)
    resumed, _ = cases.trajectory(suiren, name, settings, resume=True)
    # scalars are float32 in a state dict, as PyTorch's are
    np.testing.assert_allclose(resumed, steps, rtol=2e-6, atol=1e-7)


def train(optimizer, params, steps, scheduler=None):
    for i in range(steps):
        optimizer.zero_grad()
        sum(((p - float(i)) ** 2).sum() for p in params).backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()


def leaves(*shapes):
    return [suiren.ones(*s, requires_grad=True) for s in shapes]


def test_a_changing_rate_is_the_same_program():
    """A schedule, a bias correction, a momentum are numbers at run time: after the first steps no new trace is made."""
    params = leaves((3,), (2, 2))
    optimizer = Adam(params, lr=0.1)
    scheduler = suiren.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    with config(tier="interpreter"):
        train(optimizer, params, 3, scheduler)
        before = len(execution.endings)
        train(optimizer, params, 10, scheduler)
        assert len(execution.endings) == before


def test_a_known_step_is_not_expanded(monkeypatch):
    params = leaves((3,), (2, 2))
    optimizer = SGD(params, lr=0.1, momentum=0.9)
    train(optimizer, params, 3)
    expanded = []
    monkeypatch.setattr(macros, "_expand", lambda *a, **k: expanded.append(a))
    train(optimizer, params, 2)
    assert not expanded


def test_parameters_without_gradients_are_left_alone():
    a, b = leaves((2,), (3,))
    for optimizer in (SGD([a, b], lr=0.1), Adam([a, b], lr=0.1)):
        optimizer.zero_grad()
        optimizer.step()  # none has one
        (a * 2).sum().backward()
        before = b.detach().clone()
        optimizer.step()
        assert bool((b == before).all())
        assert list(optimizer.state_dict()["state"]) == ([0] if isinstance(optimizer, Adam) else [])


def test_the_parameters_may_change_between_steps():
    a, b, c = leaves((2,), (2,), (2,))
    optimizer = SGD([a, b], lr=1.0, momentum=0.5)

    def step():
        optimizer.zero_grad()
        (a + b + c).sum().backward()
        optimizer.step()

    step()
    optimizer.param_groups[0]["params"][1] = c
    step()
    assert a.tolist() == [1 - 1 - 1.5] * 2
    assert b.tolist() == [0.0] * 2
    assert c.tolist() == [0.0] * 2
    optimizer.state[a]["momentum_buffer"] = suiren.zeros(2)
    step()
    assert a.tolist() == [-1.5 - 1] * 2
    optimizer.state.clear()
    step()
    assert a.tolist() == [-2.5 - 1] * 2


def test_zero_grad():
    (a,) = leaves((2,))
    optimizer = SGD([a], lr=0.1)
    (a * 3).sum().backward()
    grad = a.grad
    optimizer.zero_grad(set_to_none=False)
    assert a.grad is grad
    assert a.grad.tolist() == [0, 0]
    optimizer.zero_grad()
    assert a.grad is None


def test_closure():
    (a,) = leaves((2,))
    optimizer = SGD([a], lr=0.1)

    def closure():
        optimizer.zero_grad()
        loss = (a**2).sum()
        loss.backward()
        return loss

    with suiren.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 2.0
    np.testing.assert_allclose(a.tolist(), [0.8, 0.8])


def test_hooks():
    (a,) = leaves((2,))
    optimizer, seen = SGD([a], lr=0.1), []
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append(("before", args[0] is o)))
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(("after", o is optimizer)))
    everywhere = suiren.optim.optimizer.register_optimizer_step_pre_hook(lambda o, args, kwargs: seen.append("all"))
    optimizer.step()
    assert seen == ["all", ("before", True), ("after", True)]
    before.remove()
    everywhere.remove()
    optimizer.step()
    assert seen[3:] == [("after", True)]


def test_state_dict_hooks():
    (a,) = leaves((2,))
    optimizer, seen = SGD([a], lr=0.1), []
    optimizer.register_state_dict_pre_hook(lambda o: seen.append("pre"))
    optimizer.register_state_dict_post_hook(lambda o, state: {**state, "extra": 1})
    optimizer.register_load_state_dict_pre_hook(lambda o, state: seen.append(state.pop("extra")))
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append("post"))
    optimizer.load_state_dict(optimizer.state_dict())
    assert seen == ["pre", 1, "post"]


def test_an_optimizer_of_ones_own():
    class Plain(suiren.optim.Optimizer):
        def __init__(self, params, lr):
            super().__init__(params, {"lr": lr})

        @suiren.no_grad()
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.add_(p.grad, alpha=-group["lr"])

    (a,) = leaves((2,))
    optimizer, seen = Plain([a], 0.5), []
    optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append(1))
    for _ in range(3):
        optimizer.zero_grad()
        (a * 2).sum().backward()
        optimizer.step()
    assert a.tolist() == [-2.0, -2.0]
    assert seen == [1, 1, 1]


def test_a_rate_that_is_a_tensor():
    (a,) = leaves((2,))
    optimizer = SGD([a], lr=suiren.tensor(0.5))
    (a * 2).sum().backward()
    optimizer.step()
    assert a.tolist() == [0.0, 0.0]


def test_copies():
    (a,) = leaves((2,))
    optimizer = AdamW([a], lr=0.1)
    train(optimizer, [a], 2)
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        (b,) = other.param_groups[0]["params"]
        assert b is not a
        assert list(other.state) == [b]
        assert other.state[b]["step"] == 2.0
        before = b.tolist()
        train(other, [b], 1)
        assert b.tolist() != before
    assert repr(other) == repr(optimizer)


def test_named_parameters():
    module = suiren.nn.Linear(2, 2)
    optimizer = SGD(module.named_parameters(), lr=0.1)
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["weight", "bias"]


def errors():
    a, b = leaves((2,), (2,))
    yield lambda: SGD(a, lr=0.1), TypeError, "params argument given to the optimizer should be an iterable of Tensors or dicts, but got torch.FloatTensor"
    yield lambda: SGD([], lr=0.1), ValueError, "optimizer got an empty parameter list"
    yield lambda: SGD([1], lr=0.1), TypeError, "optimizer can only optimize Tensors, but one of the params is int"
    yield lambda: SGD([a * 2], lr=0.1), ValueError, "can't optimize a non-leaf Tensor"
    yield lambda: SGD([{"params": {a}}], lr=0.1), TypeError, "optimizer parameters need to be organized in ordered collections"
    yield lambda: SGD([{"params": [a]}, {"params": [a]}], lr=0.1), ValueError, "some parameters appear in more than one parameter group"
    yield lambda: SGD([a], lr=-1), ValueError, "Invalid learning rate: -1"
    yield lambda: SGD([a], momentum=-1), ValueError, "Invalid momentum value: -1"
    yield lambda: SGD([a], nesterov=True), ValueError, "Nesterov momentum requires a momentum and zero dampening"
    yield lambda: Adam([a], betas=(1.0, 0.9)), ValueError, "Invalid beta parameter at index 0: 1.0"
    yield lambda: Adam([a], betas=(0, 0.9)), ValueError, "betas must be either both floats or both Tensors"
    yield lambda: Adam([a], eps=-1), ValueError, "Invalid epsilon value: -1"
    yield lambda: Adam([a], fused=True, foreach=True), RuntimeError, "cannot be `True` together"
    yield lambda: Adam([a], differentiable=True), NotImplementedError, "differentiable=True is not supported by suiren"
    yield lambda: SGD([("a", a), b]), ValueError, "Some param names are missing"
    yield lambda: SGD([a]).load_state_dict(SGD([a, b]).state_dict()), ValueError, "doesn't match the size of optimizer's group"
    yield (
        lambda: SGD([a]).load_state_dict(SGD([{"params": [a]}, {"params": [b]}]).state_dict()), ValueError,
        "different number of parameter groups",
    )  # fmt: skip


@pytest.mark.parametrize("i", range(17))
def test_errors(i):
    call, error, text = list(errors())[i]
    with pytest.raises(error) as caught:
        call()
    assert text in str(caught.value)


def test_duplicate_parameters_warn():
    (a,) = leaves((2,))
    with pytest.warns(UserWarning, match="duplicate parameters"):
        SGD([a, a], lr=0.1)

"""Every optimizer against PyTorch over 20 steps, and every schedule over 30."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
import suiren.optim as s_optim

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.oracle

OPTIMIZERS = [
    ("SGD", {"lr": 0.1}),
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True}),
    ("Adam", {"lr": 0.05}),
    ("Adam", {"lr": 0.05, "amsgrad": True, "weight_decay": 0.1, "betas": (0.4, 0.9)}),
    ("Adam", {"lr": 0.05, "maximize": True, "decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("AdamW", {"lr": 0.05}),
    ("AdamW", {"lr": 0.05, "amsgrad": True}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.3}),
    ("Adadelta", {"lr": 1.0, "weight_decay": 0.1}),
    ("Adamax", {"lr": 0.05, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1}),
    ("NAdam", {"lr": 0.05, "weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("RAdam", {"lr": 0.05, "weight_decay": 0.1}),
    ("RAdam", {"lr": 0.05, "betas": (0.9, 0.99), "decoupled_weight_decay": True, "weight_decay": 0.1}),
    ("RMSprop", {"lr": 0.01}),
    ("RMSprop", {"lr": 0.01, "momentum": 0.9, "centered": True, "weight_decay": 0.1}),
    ("Rprop", {"lr": 0.01}),
    ("ASGD", {"lr": 0.1, "t0": 5, "weight_decay": 0.1}),
]


def trajectory(lib, optim, name, settings, resume: bool):
    """Parameters after each of 20 steps; with `resume`, a new optimizer goes on from the state dict in the middle."""
    rng = np.random.default_rng(0)
    params = [lib.tensor(rng.standard_normal(s).astype(np.float32), requires_grad=True) for s in ((3, 4), (5,), (2,))]
    data = [rng.standard_normal((20, *p.shape)).astype(np.float32) for p in params]

    def make():
        first, *rest = params
        return getattr(optim, name)([{"params": [first], "lr": settings["lr"] * 0.5}, {"params": rest}], **settings)

    optimizer, found = make(), []
    for i in range(20):
        if resume and i == 10:
            state = optimizer.state_dict()
            optimizer = make()
            optimizer.load_state_dict(state)
        optimizer.zero_grad()
        loss = sum(((p - lib.tensor(d[i])) ** 2).sum() for p, d in zip(params, data))
        if i % 3 == 0:  # the last one has no gradient in some steps: counts differ
            loss = sum(((p - lib.tensor(d[i])) ** 2).sum() for p, d in zip(params[:2], data))
        loss.backward()
        optimizer.step()
        found.append([p.detach().numpy().copy() for p in params])
    return found, optimizer


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(("name", "settings"), OPTIMIZERS)
def test_optimizer(name, settings, resume):
    expected, theirs = trajectory(torch, torch.optim, name, settings, resume)
    found, ours = trajectory(suiren, s_optim, name, settings, resume)
    for step, (a, b) in enumerate(zip(found, expected)):
        for x, y in zip(a, b):
            np.testing.assert_allclose(x, y, rtol=2e-5, atol=2e-6, err_msg=f"step {step}")
    assert repr(ours) == repr(theirs)
    state, wanted = ours.state_dict(), theirs.state_dict()
    assert state["param_groups"] == wanted["param_groups"]
    assert list(state["state"]) == list(wanted["state"])
    for k, entries in wanted["state"].items():
        assert set(state["state"][k]) == set(entries)
        for name, value in entries.items():
            ours_value = state["state"][k][name]
            assert tuple(ours_value.shape) == tuple(value.shape)
            np.testing.assert_allclose(ours_value.numpy(), value.numpy(), rtol=1e-4, atol=1e-5)


SCHEDULES = {
    "StepLR": lambda s, o: s.StepLR(o, 4, 0.5),
    "MultiStepLR": lambda s, o: s.MultiStepLR(o, [3, 3, 8], 0.5),
    "ConstantLR": lambda s, o: s.ConstantLR(o, 0.3, 6),
    "LinearLR": lambda s, o: s.LinearLR(o, 0.2, 0.9, 7),
    "ExponentialLR": lambda s, o: s.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda s, o: s.PolynomialLR(o, 9, 2.0),
    "CosineAnnealingLR": lambda s, o: s.CosineAnnealingLR(o, 8, 0.01),
    "CosineAnnealingWarmRestarts": lambda s, o: s.CosineAnnealingWarmRestarts(o, 4, 2, 0.01),
    "LambdaLR": lambda s, o: s.LambdaLR(o, [lambda e: 0.95**e, lambda e: 1 / (e + 1)]),
    "MultiplicativeLR": lambda s, o: s.MultiplicativeLR(o, lambda e: 0.9),
    "CyclicLR": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, 5, mode="triangular2"),
    "CyclicLR_exp": lambda s, o: s.CyclicLR(o, 0.01, 0.2, 3, mode="exp_range", gamma=0.9, cycle_momentum=False),
    "OneCycleLR": lambda s, o: s.OneCycleLR(o, [0.2, 0.3], total_steps=40),
    "OneCycleLR_linear": lambda s, o: s.OneCycleLR(o, 0.2, epochs=4, steps_per_epoch=10, anneal_strategy="linear", three_phase=True),
    "SequentialLR": lambda s, o: s.SequentialLR(o, [s.LinearLR(o, 0.1, 1.0, 5), s.ExponentialLR(o, 0.9)], [6]),
    "ChainedScheduler": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 2), s.ExponentialLR(o, 0.9)]),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule(name):
    rates = []
    for lib, optim in ((torch, torch.optim), (suiren, s_optim)):
        params = [lib.zeros(2, requires_grad=True), lib.zeros(3, requires_grad=True)]
        optimizer = optim.SGD([{"params": [params[0]], "lr": 0.1}, {"params": [params[1]]}], lr=0.2, momentum=0.8)
        schedule = SCHEDULES[name](optim.lr_scheduler, optimizer)
        own = []
        for step in range(30):
            optimizer.step()
            own.append([*schedule.get_last_lr(), *(g["lr"] for g in optimizer.param_groups), *(g["momentum"] for g in optimizer.param_groups)])
            schedule.step()
            if step == 11:
                state = schedule.state_dict()
                schedule = SCHEDULES[name](optim.lr_scheduler, optimizer)
                schedule.load_state_dict(state)
        rates.append(own)
    np.testing.assert_allclose(rates[1], rates[0], rtol=1e-12)


def test_reduce_on_plateau():
    rates = []
    rng = np.random.default_rng(3)
    metrics = rng.standard_normal(60)
    for lib, optim in ((torch, torch.optim), (suiren, s_optim)):
        for settings in ({}, {"mode": "max", "threshold_mode": "abs", "cooldown": 2, "patience": 1}):
            optimizer = optim.SGD([lib.zeros(2, requires_grad=True)], lr=0.2)
            schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, **{"patience": 3, "factor": 0.5, **settings})
            for m in metrics:
                schedule.step(m)
                rates.append(optimizer.param_groups[0]["lr"])
    half = len(rates) // 2
    assert rates[:half] == rates[half:]

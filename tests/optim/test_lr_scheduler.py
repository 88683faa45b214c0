"""Schedules give PyTorch's learning rates; their warnings and errors are PyTorch's."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from suiren.optim import SGD
from suiren.optim import lr_scheduler as schedules
from tests.optim import cases
from tests.recorded import OPTIM_FILE, recorded


@pytest.mark.parametrize("name", cases.SCHEDULES)
def test_rates(name):
    np.testing.assert_allclose(cases.rates(suiren, name), recorded(f"schedule|{name}|rates", file=OPTIM_FILE), rtol=1e-12)


@pytest.mark.parametrize("name", cases.PLATEAUS)
def test_plateau(name):
    found = cases.plateau_rates(suiren, name)
    np.testing.assert_array_equal(found, recorded(f"plateau|{name}|rates", file=OPTIM_FILE))


def optimizer():
    return SGD([suiren.zeros(2, requires_grad=True)], lr=0.1)


def test_a_step_of_the_schedule_before_one_of_the_optimizer_warns():
    o = optimizer()
    schedule = schedules.StepLR(o, 3)
    with pytest.warns(UserWarning, match="Detected call of `lr_scheduler.step\\(\\)` before `optimizer.step\\(\\)`"):
        schedule.step()


def test_get_lr_outside_of_a_step_warns():
    schedule = schedules.StepLR(optimizer(), 3)
    with pytest.warns(UserWarning, match="get_last_lr"):
        schedule.get_lr()


def test_a_rate_that_is_a_tensor_stays_one():
    rate = suiren.tensor(0.1)
    o = SGD([suiren.zeros(2, requires_grad=True)], lr=rate)
    schedule = schedules.ExponentialLR(o, 0.5)
    o.step()
    schedule.step()
    assert o.param_groups[0]["lr"] is rate
    np.testing.assert_allclose(rate.item(), 0.05)


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda o: schedules.StepLR(1, 3), TypeError, "int is not an Optimizer"),
        (lambda o: schedules.LambdaLR(o, [lambda e: 1, lambda e: 1]), ValueError, "Expected 1 lr_lambdas, but got 2"),
        (lambda o: schedules.StepLR(o, 3, last_epoch=2), KeyError, "param 'initial_lr' is not specified"),
        (lambda o: schedules.ConstantLR(o, 2.0), ValueError, "expected to be between 0 and 1"),
        (lambda o: schedules.LinearLR(o, 0.0), ValueError, "greater than 0 and less or equal to 1"),
        (lambda o: schedules.ReduceLROnPlateau(o, factor=1.0), ValueError, "Factor should be < 1.0."),
        (lambda o: schedules.ReduceLROnPlateau(o, mode="x"), ValueError, "mode x is unknown!"),
        (lambda o: schedules.OneCycleLR(o, 0.1), ValueError, "You must define either total_steps OR"),
        (lambda o: schedules.OneCycleLR(o, 0.1, 10, anneal_strategy="x"), ValueError, "anneal_strategy must be one of"),
        (lambda o: schedules.CosineAnnealingWarmRestarts(o, 0), ValueError, "Expected positive integer T_0, but got 0"),
        (lambda o: schedules.SequentialLR(o, [], []), ValueError, "expects at least one scheduler"),
        (lambda o: schedules.CyclicLR(o, 0.1, 0.2, mode="x"), ValueError, "mode is invalid and scale_fn is None"),
    ],
)
def test_errors(make, error, text):
    with pytest.raises(error) as caught:
        make(optimizer())
    assert text in str(caught.value)


def test_too_many_steps_of_one_cycle():
    o = optimizer()
    schedule = schedules.OneCycleLR(o, 0.1, total_steps=2, cycle_momentum=False)
    for _ in range(2):
        o.step()
        schedule.step()
    with pytest.raises(ValueError, match="Tried to step 3 times"):
        schedule.step()

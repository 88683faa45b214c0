"""The cases of tests/nn, tests/optim and tests/random against a live PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from tests.nn import cases as nn
from tests.optim import cases as optim
from tests.random import cases as random

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.oracle


def assert_same(found: dict, expected: dict, rtol: float = 2e-5, atol: float = 2e-5) -> None:
    assert list(found) == list(expected)
    for name, value in expected.items():
        if isinstance(value, str):
            assert found[name] == value
        else:
            assert found[name].dtype == value.dtype, name
            np.testing.assert_allclose(found[name], value, rtol=rtol, atol=atol, err_msg=name)


@pytest.mark.parametrize("name", nn.FUNCTIONS)
def test_function(name):
    found, expected = nn.function_results(suiren, name), nn.function_results(torch, name)
    for key in set(found) - set(expected):  # what PyTorch does not differentiate at all has no gradient there
        assert not found.pop(key).any()
    assert_same(found, expected)


@pytest.mark.parametrize("text", nn.MODULES)
def test_module(text):
    assert_same(nn.module_results(suiren, text), nn.module_results(torch, text))


@pytest.mark.parametrize("name", nn.INITIAL)
def test_initial_values(name):
    assert_same(nn.initial_values(suiren, name), nn.initial_values(torch, name), 1e-5, 1e-6)


@pytest.mark.parametrize(("name", "settings"), optim.OPTIMIZERS)
def test_optimizer(name, settings):
    (steps, ours), (expected, theirs) = (optim.trajectory(lib, name, settings, resume=True) for lib in (suiren, torch))
    np.testing.assert_allclose(steps, expected, rtol=2e-5, atol=2e-6)
    assert ours.state_dict()["param_groups"] == theirs.state_dict()["param_groups"]
    assert_same(dict(sorted(optim.packed_state(ours).items())), dict(sorted(optim.packed_state(theirs).items())), 1e-4, 1e-5)


@pytest.mark.parametrize("name", optim.SCHEDULES)
def test_schedule(name):
    np.testing.assert_allclose(optim.rates(suiren, name), optim.rates(torch, name), rtol=1e-12)


@pytest.mark.parametrize("text", random.DRAWS)
def test_draw(text):
    found, expected = random.draw(suiren, text), random.draw(torch, text)
    for name in ("next", "state", "other state"):
        if name == "next":
            np.testing.assert_array_equal(found[name], expected[name])
        else:  # the kept normal number of float64 may differ in its last bits
            np.testing.assert_array_equal(found[name][:5016], expected[name][:5016])
    np.testing.assert_allclose(found["values"], expected["values"], rtol=2e-6, atol=5e-7)

"""What all tests share: both tiers, traces and programs checked after every pass, and no state that leaks from one test to the next."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "2")

import pytest

from suiren.config import config


@pytest.fixture(params=["interpreter", "compiled"])
def tier(request):
    """Runs the test in either tier."""
    with config(tier=request.param):
        yield request.param


@pytest.fixture(autouse=True)
def _checked():
    """Every trace and program is type-checked; a switch, a mode or a recording that a test leaves behind fails it."""
    from suiren.trace import execution

    execution.unpaid = 0  # what other tests compiled
    with config(verify=1):
        before = {name: getattr(config, name) for name in config.by_name}
        yield
        after = {name: getattr(config, name) for name in config.by_name}
    from suiren.trace.pending import finish, local

    finish()
    assert after == before, "the test left a switch changed"
    assert local.rec.grad, "the test left gradients switched off"

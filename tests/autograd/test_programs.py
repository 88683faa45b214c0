"""Programs of autograd, against PyTorch's values and texts, in both tiers."""

from __future__ import annotations

import warnings

import pytest

import suiren
from suiren import autograd
from tests.autograd import programs_of_graphs  # noqa: F401  it adds its own
from tests.autograd.compare import same_as_recorded
from tests.autograd.programs import PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, tier):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_as_recorded(name, PROGRAMS[name](suiren, autograd))

"""Programs of func, against PyTorch's values and texts, in both tiers."""

from __future__ import annotations

import warnings

import pytest

import suiren
from suiren import func
from tests.autograd.compare import same_as_recorded
from tests.func.programs import PROGRAMS


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, tier):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_as_recorded(f"func.{name}", PROGRAMS[name](suiren, func))


def test_what_is_not_batched_takes_no_batch():
    outer = suiren.zeros(4)
    with pytest.raises(RuntimeError, match="vmap: inplace arithmetic"):
        func.vmap(lambda a: outer.add_(a))(suiren.ones(3, 4))

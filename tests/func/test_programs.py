"""Programs of func, against PyTorch's values and texts, in both tiers."""

from __future__ import annotations

import warnings

import pytest

import suiren
from suiren import func
from tests.autograd.compare import same_as_recorded
from tests.func.programs import PROGRAMS
from tests.func.programs_of_functions import functions


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, tier):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        same_as_recorded(f"func.{name}", PROGRAMS[name](suiren, func))


def test_what_is_not_batched_takes_no_batch():
    outer = suiren.zeros(4)
    with pytest.raises(RuntimeError, match="vmap: inplace arithmetic"):
        func.vmap(lambda a: outer.add_(a))(suiren.ones(3, 4))


def test_forward_mode_of_forward_mode_through_a_function(tier):
    """PyTorch's answer is zeros: the inner jvp's tensors have no tangents."""
    forward = functions(suiren)[-1].apply
    x, v = suiren.tensor([0.3, -0.7]), suiren.tensor([2.0, 3.0])
    twice = func.jvp(lambda a: func.jvp(forward, (a,), (v,))[1], (x,), (v,))[1]
    suiren.testing.assert_close(twice, -x.sin() * v * v)

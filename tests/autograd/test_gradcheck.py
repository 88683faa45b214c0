"""suiren/autograd/gradcheck.py: what does not follow from the recorded programs."""

from __future__ import annotations

import pytest

import suiren
from suiren.autograd import gradgradcheck
from suiren.config import config


@pytest.mark.parametrize("function", [lambda a: a.norm(3, dim=0), lambda a: a.logcumsumexp(0), suiren.nn.functional.gelu])
def test_backward_gives_the_same_bits_twice(function):
    """The first run of a trace is interpreted, later ones are compiled: a check is not split between the two."""
    suiren.manual_seed(0)
    with config(tier="auto"):
        assert gradgradcheck(function, (suiren.randn(4, 3, dtype=suiren.float64, requires_grad=True),))

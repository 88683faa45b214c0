"""suiren/api/numpy_names.py against what PyTorch gave."""

from __future__ import annotations

import suiren
from suiren.api import surface
from tests.api.lines import recorded_lines

test_recorded_lines = recorded_lines("numpy_names")


def test_the_user_is_shown_the_names_of_pytorch():
    assert list(surface.signature(suiren.sum).parameters) == ["input", "dim", "keepdim", "dtype", "out"]
    assert list(surface.signature(suiren.Tensor.sum).parameters) == ["input", "dim", "keepdim", "dtype"]

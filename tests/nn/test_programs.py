"""Programs of nn give what they give in PyTorch. In the interpreter: what they are made of is compared with it, tier by tier, elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

import suiren
from suiren.config import config
from tests.nn.all_programs import PROGRAMS
from tests.nn.evaluate import run
from tests.recorded import NN_PROGRAMS_FILE, recorded


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name):
    with config(tier="interpreter"):
        found = run(PROGRAMS[name], suiren)
    for i, value in enumerate(found):
        expected = recorded(f"{name}|{i}", file=NN_PROGRAMS_FILE)
        if isinstance(expected, str) or isinstance(value, str):
            assert value == expected, f"result {i}"
        else:
            array = value.detach().numpy()
            assert (array.dtype, array.shape) == (expected.dtype, expected.shape), f"result {i}"
            np.testing.assert_allclose(array, expected, rtol=2e-5, atol=5e-5, err_msg=f"result {i}")
    assert recorded(f"{name}|{len(found)}", missing=None, file=NN_PROGRAMS_FILE) is None, "fewer results than in PyTorch"

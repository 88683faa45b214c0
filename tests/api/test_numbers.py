"""suiren/api/numbers.py against what PyTorch gave."""

from __future__ import annotations

import warnings

import numpy as np

import suiren
from tests.api.lines import recorded_lines

test_recorded_lines = recorded_lines("numbers")


def test_an_overflow_is_an_infinity_without_a_word(tier):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (suiren.ones(2) * 1e300).tolist() == [np.inf, np.inf]
        assert (suiren.ones(1, dtype=suiren.float16) * np.float64(1e10)).item() == np.inf
        assert suiren.tensor([1e40, 1.0]).tolist() == [np.inf, 1.0]

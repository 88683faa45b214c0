"""The test of one file of suiren/api: its lines of tests/api/expressions.py, in both tiers."""

from __future__ import annotations

import pytest

import suiren
from suiren.config import config
from tests.api.compare import assert_same, from_record
from tests.api.evaluate import outcome
from tests.api.expressions import lines


def recorded_lines(file: str, rtol: float = 2e-5):
    """A test that runs every line of a file in each tier and compares with what PyTorch gave."""

    @pytest.mark.parametrize("line", lines(file))
    @pytest.mark.parametrize("tier", ["interpreter", "compiled"])
    def test(line, tier):
        with config(tier=tier):
            assert_same(line, outcome(line, suiren), from_record(line), rtol)

    return test

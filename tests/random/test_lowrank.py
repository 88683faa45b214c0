"""suiren/random/lowrank.py against what PyTorch gave."""

from __future__ import annotations

import pytest

import suiren
from suiren.config import config
from tests.api.compare import assert_same, from_record
from tests.api.evaluate import outcome
from tests.api.linalg_lines import lines
from tests.recorded import LINALG_FILE


@pytest.mark.parametrize("line", lines("lowrank"))
@pytest.mark.parametrize("tier", ["interpreter", "compiled"])
def test_recorded_lines(line, tier):
    with config(tier=tier):
        assert_same(line, outcome(line, suiren), from_record(line, LINALG_FILE))

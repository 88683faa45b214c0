"""suiren.testing: texts of failures recorded from PyTorch, and tensors made at random."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import suiren
from tests import protocol_lines
from tests.testing.lines import LINES

RECORDED = json.loads((Path(__file__).parents[1] / "recorded" / "protocols.json").read_text())["assert_close"]


@pytest.mark.parametrize("line", LINES)
def test_line(line):
    assert protocol_lines.full_answer(line, suiren) == RECORDED[line].replace("torch.Tensor'", "suiren.tensor.Tensor'")


def test_assert_allclose():
    with pytest.warns(FutureWarning, match="deprecated"):
        suiren.testing.assert_allclose(suiren.ones(2), np.ones(2) + 1e-6)
    with pytest.warns(FutureWarning), pytest.raises(AssertionError):
        suiren.testing.assert_allclose(suiren.ones(2), np.ones(2) + 1e-2)

"""suiren/dtypes.py: the unsigned dtypes against what PyTorch gave, and what is done here that PyTorch has no kernels for."""

from __future__ import annotations

import suiren
from tests.api.lines import recorded_lines

test_recorded_lines = recorded_lines("unsigned")


def test_unsigned_numbers_are_computed_with(tier):
    u = suiren.tensor([0, 5, 2**63, 2**64 - 1], dtype=suiren.uint64)
    assert (u // 3).tolist() == [0, 1, 2**63 // 3, (2**64 - 1) // 3]
    assert (u > 5).tolist() == [False, False, True, True]
    assert (u + u).tolist() == [0, 10, 0, 2**64 - 2]
    assert (u >> 60).tolist() == [0, 0, 8, 15]
    assert u.max().item() == 2**64 - 1
    assert (suiren.tensor([1, 65535], dtype=suiren.uint16) + 1).tolist() == [2, 0]

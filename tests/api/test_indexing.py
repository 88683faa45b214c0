"""suiren/api/indexing.py, picking.py and diagonals.py against what PyTorch gave."""

from __future__ import annotations

from tests.api.lines import recorded_lines

test_recorded_lines = recorded_lines("indexing")

"""suiren/api/changing_views.py against what PyTorch gave."""

from __future__ import annotations

from tests.api.lines import recorded_lines

test_recorded_lines = recorded_lines("changing_views")

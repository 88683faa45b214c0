"""float16 and bfloat16 against what PyTorch gave."""

from __future__ import annotations

from tests.api.lines import recorded_lines

test_recorded_lines = recorded_lines("narrow", rtol=2**-7)  # a unit in the last place of bfloat16

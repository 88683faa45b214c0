"""Every op, completely: see check.py."""

from __future__ import annotations

import pytest

from tests.ops import check
from tests.ops.cases import CASES

each = pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)


@each
def test_recorded_values(case):
    check.check_recorded(case)


@pytest.mark.parametrize("case", [c for c in CASES if c.orders], ids=lambda c: c.id)
def test_derivatives(case):
    check.check_derivatives(case)


@each
def test_layouts(case):
    check.check_layouts(case)


@each
def test_sizes(case):
    check.check_sizes(case)


@each
def test_tiers(case):
    check.check_tiers(case)

"""Whole trainings give PyTorch's losses, recorded by tests/recorded/record_programs.py, in either tier; the same bits every time."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import suiren
from suiren.config import config
from tests.programs import PROGRAMS

with open(os.path.join(os.path.dirname(__file__), "recorded", "programs.json")) as _file:
    RECORDED = json.load(_file)


@pytest.mark.parametrize("tier", ["interpreter", "auto"])
@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_losses_are_pytorchs(name, tier):
    with config(tier=tier):
        found = PROGRAMS[name](suiren)
    np.testing.assert_allclose(found, RECORDED[name], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["net_losses", "tabular_losses"])
def test_the_same_bits_with_any_number_of_threads(name):
    before = suiren.get_num_threads()
    results = []
    try:
        for threads in (1, 2, 4):
            suiren.set_num_threads(threads)
            results.append(PROGRAMS[name](suiren, 30))
    finally:
        suiren.set_num_threads(before)
    assert results[0] == results[1] == results[2]


def test_the_same_bits_in_another_process():
    code = "import suiren; from tests.programs import PROGRAMS; print(PROGRAMS['net_losses'](suiren, 20))"
    runs = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in range(2)}
    assert len(runs) == 1

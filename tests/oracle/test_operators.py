"""PyTorch's own operator database (OpInfo): every operator of ordinary training programs, and nine in ten of all, in either tier."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import suiren

pytestmark = pytest.mark.oracle
ROOT = Path(suiren.__file__).parent.parent


@pytest.mark.parametrize(("tier", "samples"), [("interpreter", 8), ("compiled", 2)])
def test_operators(tier, samples, tmp_path, capsys):
    """Samples of the compiled tier are fewer: each is another program, and its kernels take a moment to compile."""
    found = tmp_path / "found.json"
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/oracle/opinfo.py"), "--module", "suiren", "--max-samples", str(samples), "--limit", "120", "--json", str(found)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "SUIREN_TIER": tier}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *problems, every, core, _ = done.stdout.splitlines()
    with capsys.disabled():
        print(f"\nOpInfo, {tier}:\n  {every}\n  {core}")
    counts = json.loads(found.read_text())["counts"]
    wrong = [line for line in problems if not line.startswith(("skip", "missing"))]
    assert counts["core"]["pass"] == counts["core"]["total"], "\n".join(wrong)
    assert counts["all"]["pass"] >= 0.9 * counts["all"]["total"], "\n".join(problems)

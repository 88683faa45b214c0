"""Each program of practice/ runs, where there is no screen, too, and leaves its pictures."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import suiren

ROOT = Path(suiren.__file__).parent.parent

# name: (arguments, pictures, words that it prints)
PROGRAMS = {
    "cifar10_classifier": (["--epochs", "1", "--workers", "1"], ["digits-losses.png", "digits-predictions.png"], r"the checkpoint was loaded again and predicts the same"),
    "linear_regression_manual": (["--steps", "50"], ["linear-regression-manual.png"], r"w:  \d\.\d+ b:  \d\.\d+"),
    "linear_regression_autograd": (["--steps", "100"], ["linear-regression-autograd-line.png", "linear-regression-autograd-losses.png"], r"w:  \d\.\d+ b:  \d\.\d+"),
    "autograd_function": (["--steps", "60"], ["autograd-function.png"], r"finite differences: True\nHuber against finite differences: True"),
    "resnet34": (["--steps", "1", "--size", "32", "--batch-size", "2"], ["resnet34.png"], r"step 1: loss \d"),
    "own_images": ([], ["own-images.png"], r"ImageFolder: \{'0': 0"),
}


def test_all_programs_are_tested():
    assert {p.stem for p in (ROOT / "practice").glob("*.py")} == set(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_program(name, tmp_path):
    arguments, pictures, words = PROGRAMS[name]
    tier = "interpreter" if name == "resnet34" else "auto"  # one step is not worth a network's compilation
    done = subprocess.run(
        [sys.executable, str(ROOT / "practice" / f"{name}.py"), *arguments, "--out", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg", "SUIREN_TIER": tier}, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert re.search(words, done.stdout), done.stdout
    for picture in pictures:
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")

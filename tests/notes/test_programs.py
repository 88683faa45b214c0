"""The notes' programs run unmodified under `python -m suiren run`, and find what PyTorch finds."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import suiren
from tests.notes.programs import AROUND, NOTES, blocks, program, wrapper

ROOT = Path(suiren.__file__).parent.parent
RECORDED = json.loads(Path(__file__).with_name("recorded.json").read_text())


def run(name: str, folder: Path) -> dict:
    """What a program printed, and what was found, in a fresh process."""
    text, around = folder / f"{name}.py", folder / f"run_{name}.py"
    text.write_text(program(name), encoding="utf-8")
    around.write_text(wrapper(name, str(text)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "suiren", "run", str(around)],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}, capture_output=True, encoding="utf-8", timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    *printed, last = done.stdout.splitlines()
    return {"printed": printed, **json.loads(last)}


def numbers(line: str) -> list[float]:
    return [float(x) for x in re.findall(r"-?\d+\.\d+|\d+", line)]


def test_the_notes_have_four_programs():
    assert len(blocks()) == 4
    for name, first in (("classifier", "import torch as t\nimport torchvision as tv"), ("resnet34", "from torch import  nn")):
        assert program(name).startswith(first)
        assert program(name) in "\n".join(line.removeprefix("  ") for line in NOTES.read_text(encoding="utf-8").splitlines())


def test_the_classifier(tmp_path):
    found, expected = run("classifier", tmp_path), RECORDED["classifier"]
    assert len(found["losses"]) == 202
    np.testing.assert_allclose(found["losses"][:100], expected["losses"][:100], rtol=0, atol=1e-4)
    np.testing.assert_allclose(found["losses"], expected["losses"], rtol=0, atol=1e-3)
    assert found["printed"][0] == "Finished Training"
    assert found["printed"][-1] == expected["printed"][-1]


def test_the_regression_by_hand(tmp_path):
    found, expected = run("by_hand", tmp_path), RECORDED["by_hand"]
    np.testing.assert_allclose(numbers(found["printed"][-1]), numbers(expected["printed"][-1]), rtol=5e-5)
    np.testing.assert_allclose(found["lines"], expected["lines"], rtol=1e-4)
    assert found["points"] == expected["points"] == 32


def test_the_regression_with_autograd(tmp_path):
    found, expected = run("with_autograd", tmp_path), RECORDED["with_autograd"]
    assert len(found["losses"]) == 500
    np.testing.assert_allclose(found["losses"][:100], expected["losses"][:100], rtol=0, atol=1e-4)
    np.testing.assert_allclose(found["losses"], expected["losses"], rtol=0, atol=1e-3)


def test_resnet34(tmp_path):
    found, expected = run("resnet34", tmp_path), RECORDED["resnet34"]
    assert found["parameters"] == expected["parameters"]
    np.testing.assert_allclose(found["losses"][0], expected["losses"][0], rtol=1e-5)
    # After a step of 21 million parameters, through 36 batch norms over two pictures, sums in another order show.
    np.testing.assert_allclose(found["losses"][1], expected["losses"][1], rtol=1e-3)
    np.testing.assert_allclose(found["scores"], expected["scores"], rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("name", AROUND)
def test_with_the_import_changed(name, tmp_path):
    """`import suiren as t` instead of `import torch as t`: the same text but for its imports is a program for suiren."""
    text = program(name)
    for old, new in (("torchvision", "suiren.vision"), ("import torch as t", "import suiren as t"), ("import torch.", "import suiren."), ("from torch", "from suiren")):
        text = text.replace(old, new)
    assert "import torch" not in text and "from torch" not in text
    code = text + "\nprint(sorted(k for k in globals() if not k.startswith('_')))"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr

"""What the house style asks of every file: length, docstrings, one word for each op, switches that are documented."""

from __future__ import annotations

import ast
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import suiren
from suiren.api.surface import ENTRIES
from suiren.config import SWITCHES, table
from suiren.trace.op import REGISTRY

ROOT = Path(suiren.__file__).parent.parent
MOST_LINES = 500
# Longer, with the reason.
LONG = {
    "suiren/tensor.py": "one class; a method that is more than a call is elsewhere",
}


def sources(*folders: str) -> list[Path]:
    return [p for folder in folders for p in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in p.parts]


def test_files_are_short():
    found = {}
    for path in sources("suiren", "tests", "practice", "bench", "docs"):
        lines = len(path.read_text().splitlines())
        if lines > MOST_LINES:
            found[str(path.relative_to(ROOT))] = lines
    assert not found.keys() - LONG.keys(), {f: n for f, n in found.items() if f not in LONG}
    assert not LONG.keys() - found.keys(), f"no longer long: {LONG.keys() - found.keys()}"


def test_no_op_is_known_by_name_below_ops():
    """What a lower layer wants to know is a property of the op's kind. (A family of kernels serves the ops that name it.)"""
    names, found = set(REGISTRY), []
    for path in sources("suiren/trace", "suiren/compiler/passes", "suiren/compiler/emit", "suiren/runtime", "suiren/autograd"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute) and node.left.attr == "name":
                texts = [c.value for part in node.comparators for c in ast.walk(part) if isinstance(c, ast.Constant)]
                if names.intersection(t for t in texts if isinstance(t, str)):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found, found


def test_public_functions_are_documented():
    assert not [e.function.__name__ for e in ENTRIES if not inspect.getdoc(e.function)]


DOCUMENTED = """amp autograd distributions fft func linalg nn nn.functional nn.init nn.utils optim optim.lr_scheduler optim.swa_utils signal.windows special
utils.data utils.checkpoint vision.datasets vision.models vision.ops vision.transforms vision.utils"""


@pytest.mark.parametrize("module", DOCUMENTED.split())
def test_what_a_public_module_offers_is_documented(module):
    found = vars(importlib.import_module(f"suiren.{module}"))
    offered = {n: found[n] for n in found.get("__all__", found) if not n.startswith("_")}
    ours = {n: f for n, f in offered.items() if inspect.isfunction(f) or isinstance(f, type) and f.__module__.startswith("suiren")}
    missing = [n for n, f in ours.items() if not (f.__doc__ if isinstance(f, type) else inspect.getdoc(f))]
    assert not missing, missing


@pytest.mark.parametrize("module", ["nn.functional", "nn.init", "nn.utils", "func", "signal.windows", "utils.checkpoint"])
def test_functions_of_a_module_without_a_stub_are_annotated(module):
    """Type checkers read the source; what it takes from elsewhere is annotated there."""
    functions = [f for n, f in vars(importlib.import_module(f"suiren.{module}")).items() if inspect.isfunction(f) and not n.startswith("_")]
    missing = []
    for f in functions:
        if f.__module__.startswith(f"suiren.{module}"):
            shown = inspect.signature(f)
            missing += [f"{f.__name__}({p.name})" for p in shown.parameters.values() if p.annotation is p.empty]
            missing += [f"{f.__name__} ->"] if shown.return_annotation is shown.empty else []
    assert not missing, missing


def test_modules_are_documented():
    empty = {"__init__.py"}
    missing = [str(p.relative_to(ROOT)) for p in sources("suiren") if p.name not in empty and not ast.get_docstring(ast.parse(p.read_text()))]
    assert not missing, missing


def test_switches_are_documented():
    text = (ROOT / "docs/internals/switches.md").read_text()
    assert table() in text, "docs/internals/switches.md has another table than suiren.config.table()"
    read = set()
    for path in sources("suiren"):
        if path.name != "config.py":
            read.update(re.findall(r"\bconfig\.([a-z]+)\b", path.read_text()))
    assert not {s.name for s in SWITCHES} - read, "a switch that nobody asks for"


def test_folders_have_a_readme():
    for folder in ("ops", "trace", "compiler", "compiler/kernels", "runtime"):
        assert (ROOT / "suiren" / folder / "README.md").is_file(), folder


def test_links_in_documents_lead_somewhere():
    broken = []
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "suiren").rglob("*.md"), *(ROOT / "practice").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
            if "://" not in target and not (path.parent / target).exists():
                broken.append(f"{path.relative_to(ROOT)}: {target}")
    assert not broken, broken


def test_the_tiny_core_runs():
    """docs/internals/tiny_core.py is the idea in one file, under 400 lines, and says at its end that it worked."""
    path = ROOT / "docs/internals/tiny_core.py"
    assert len(path.read_text().splitlines()) < 400
    done = subprocess.run([sys.executable, str(path)], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()

"""The checked-in stubs say what the package has, and programs are clean by them. Pyright runs in `make lint`, and here where it is installed."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import suiren

ROOT = Path(suiren.__file__).parents[1]


def _script():
    spec = importlib.util.spec_from_file_location("stubs", ROOT / "docs" / "stubs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_stubs_are_up_to_date():
    for file, make in _script().STUBS.items():
        made = make()
        ast.parse(made)
        assert made == (ROOT / "suiren" / file).read_text(), f"suiren/{file} is old: run `python docs/stubs.py` and commit suiren/*.pyi"


def test_every_public_function_and_method_has_a_signature():
    names = {n.name for n in ast.walk(ast.parse((ROOT / "suiren" / "__init__.pyi").read_text())) if isinstance(n, ast.FunctionDef)}
    from suiren.api.surface import public_names

    assert public_names().keys() - names - {n for n in names if not n.isidentifier()} == set()


def test_every_function_and_method_has_its_docstring_in_the_stub():
    """Editors look there: what is put together at import they do not find."""
    missing = []
    for file in _script().STUBS:
        tree = ast.parse((ROOT / "suiren" / file).read_text())
        seen = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                (seen.add if ast.get_docstring(node) else missing.append)((file, node.name))
        missing = [where for where in missing if where not in seen]
    assert not missing, missing


if importlib.util.find_spec("pyright"):

    def test_programs_are_clean():
        """practice/ and the typed programs beside this file: what `[tool.pyright]` in pyproject.toml lists."""
        done = subprocess.run([sys.executable, "-m", "pyright", "--pythonpath", sys.executable], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

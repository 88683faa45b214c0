"""The checked-in stubs say what the package has. Pyright itself runs in `make lint`."""

from __future__ import annotations

import ast
import importlib.util
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

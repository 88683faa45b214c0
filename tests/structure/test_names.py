"""docs/names.md says what is there; a name that is not there says that PyTorch has it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

import suiren
from suiren.names import sections

ROOT = Path(suiren.__file__).parents[1]


def _script():
    spec = importlib.util.spec_from_file_location("names_table", ROOT / "docs" / "names.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_true():
    written = (ROOT / "docs" / "names.md").read_text()
    assert _script().text() == written, "names were added or removed: run `python docs/names.py` and commit docs/names.md"


@pytest.mark.parametrize("section", ["", "Tensor", "nn", "nn.functional", "optim", "linalg", "utils", "distributions"])
def test_a_name_that_is_not_there_says_so(section):
    place = suiren.ones(1) if section == "Tensor" else importlib.import_module(f"suiren.{section}".rstrip("."))
    for name in sections().get(section, ()):
        if not hasattr(suiren.Tensor if section == "Tensor" else place, name):
            with pytest.raises(AttributeError, match=f"PyTorch has torch.*{name}; suiren "):
                getattr(place, name)
            break
    with pytest.raises(AttributeError, match="has no attribute 'surely_not'"):
        place.surely_not  # noqa: B018
    assert not hasattr(suiren.ones(1), "q_scale")


def test_a_tensor_lists_what_it_has():
    assert "item" in dir(suiren.ones(1)) and "q_scale" not in dir(suiren.ones(1))


def test_no_attribute_of_a_tensor_is_slow():
    for cls in suiren.Tensor.__mro__:
        assert "__getattr__" not in vars(cls), "see the docstring of trace/storage.py's Stored"

"""Tensors print as PyTorch's do, to the character."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import suiren
from suiren.printing import get_printoptions, printoptions
from suiren.trace import pending, trie
from tests import printed

RECORDED = json.loads((Path(__file__).parent / "recorded" / "protocols.json").read_text())["prints"]


@pytest.fixture(autouse=True)
def _nothing_known():
    """A graph node has the name of the call that first recorded its path: here no other test has."""
    pending.finish()
    for root in trie.ROOTS.values():
        root.children.clear()
        root.likely = trie.NEVER
    trie._size = 0


@pytest.mark.parametrize("line", printed.LINES)
def test_text(line):
    assert printed.text(line, suiren) == RECORDED[line]


def test_options_for_a_while():
    before = get_printoptions()
    with printoptions(precision=1):
        assert str(suiren.tensor([1.25])) == "tensor([1.2])"
    assert get_printoptions() == before
    with pytest.raises(ValueError, match="profile must be one of"):
        suiren.set_printoptions(profile="wide")


def test_a_subclass_prints_its_name():
    class Mine(suiren.Tensor):
        pass

    t = suiren.ones(2)
    t.__class__ = Mine
    assert repr(t) == "Mine([1., 1.])"
    assert suiren.ones(2).__repr__(tensor_contents="…") == "tensor(…)"

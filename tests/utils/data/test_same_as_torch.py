"""Orders, seeds of workers, batches and errors of loading are PyTorch's, recorded by tests/recorded/record_loading.py."""

from __future__ import annotations

import json
import os

import pytest

import suiren
from suiren.config import config
from tests import loading_programs, recorded

with open(os.path.join(os.path.dirname(recorded.__file__), "loading.json")) as _file:
    RECORDED = json.load(_file)


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
@pytest.mark.parametrize("name", sorted(loading_programs.PROGRAMS))
def test_same_as_torch(name):
    with config(tier="interpreter"):
        found = loading_programs.PROGRAMS[name](suiren)
    assert json.loads(json.dumps(found)) == RECORDED[name]

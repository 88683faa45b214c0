"""Transforms of the second version give torchvision's samples, recorded by tests/recorded/record_vision.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import suiren
from suiren.config import config
from suiren.vision import tv_tensors
from suiren.vision.transforms import v2
from tests import recorded
from tests.vision.transforms.v2.cases import CASES, REPRS, results

FILE = Path(recorded.__file__).parent / "vision.npz"
# what is smoothed by long sums may round another way
ROUNDED = ("Elastic",)


@pytest.mark.parametrize("case,name", [(case, name) for case, names in CASES for name in names])
def test_same_as_torchvision(case, name):
    with config(tier="interpreter"):
        found, kinds = results(case, name, suiren, v2, tv_tensors)
    assert [k.replace("PngImageFile", "Image") for k in kinds] == recorded.recorded(f"{case} {name}", file=FILE).splitlines()
    for i, got in enumerate(found):
        want = recorded.recorded(f"{case} {name} {i}", file=FILE)
        assert got.dtype == want.dtype and got.shape == want.shape
        tolerance = 2e-5 if got.dtype.kind == "f" else 1 if got.dtype == np.uint8 and any(word in case for word in ROUNDED) else 0
        np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), rtol=1e-5, atol=tolerance)


@pytest.mark.parametrize("case", REPRS)
def test_reprs(case):
    assert repr(eval(case, {"v2": v2, "tv": tv_tensors, "t": suiren})) == recorded.recorded(case, file=FILE)

"""Transforms give torchvision's images and move the generator on as torchvision does, recorded by tests/recorded/record_transforms.py."""

from __future__ import annotations

import json
import os
from math import prod

import numpy as np
import pytest

import suiren
from suiren.config import config
from suiren.vision import transforms
from tests import recorded
from tests.vision.transforms.cases import CASES, TOLERANCES, images, results


def _recorded() -> dict[str, np.ndarray]:
    found, place = {}, 0
    with np.load(os.path.join(os.path.dirname(recorded.__file__), "transforms.npz")) as file:
        data = file["data"].tobytes()
        for name, (dtype, shape) in json.loads(file["index"].tobytes()).items():
            found[name] = np.frombuffer(data, dtype, prod(shape), place).reshape(shape)
            place += found[name].nbytes
    return found


RECORDED = _recorded()


@pytest.mark.parametrize("case,name", [(case, name) for case, names in CASES for name in names])
def test_same_as_torchvision(case, name):
    image = images()[name]
    image = suiren.Tensor.from_array(image) if isinstance(image, np.ndarray) else image
    with config(tier="interpreter"):
        found = results(case, image, suiren, transforms)
    expected = [RECORDED[f"{case} {name} {i}"] for i in range(len(found))]
    for got, want in zip(found, expected):
        assert got.dtype == want.dtype and got.shape == want.shape
        inexact = ("Resize", "Elastic")
        exact = got.dtype.kind in "iu" and ("NEAREST" in case or not any(word in case for word in inexact))
        tolerance = 0 if exact else 1 if got.dtype.kind in "iu" and (name == "bytes" or "AugMix" in case) else TOLERANCES[name]
        np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), rtol=0, atol=tolerance)

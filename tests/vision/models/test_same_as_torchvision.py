"""Models have torchvision's parameters, print as there, start with its weights and predict the same, recorded by tests/recorded/record_vision.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import suiren
from suiren.config import config
from suiren.vision import models
from tests import recorded
from tests.vision.models.cases import INITIAL, PREDICTIONS, TRANSFORMERS, description, initial, prediction

FILE = Path(recorded.__file__).parent / "vision.npz"
NAMES = recorded.recorded("models", file=FILE).splitlines()


def test_names():
    assert models.list_models() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_names_and_shapes_of_parameters(name):
    print_sum, *expected = recorded.recorded(f"state {name}", file=FILE).splitlines()
    found_sum, *found = description(name, suiren, models).splitlines()
    assert found == expected
    assert found_sum == print_sum


@pytest.mark.parametrize("case", INITIAL + TRANSFORMERS)
def test_initial_weights(case):
    with config(tier="interpreter"):
        found = initial(case, suiren, models)
    np.testing.assert_allclose(found, recorded.recorded(f"initial {case}", file=FILE), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("case", PREDICTIONS)
def test_predictions(case):
    with config(tier="interpreter"):
        found = prediction(case, PREDICTIONS[case], suiren, models)
    expected = recorded.recorded(f"prediction {case}", file=FILE)
    assert np.abs(expected).max() > 1e-3, "the case shows nothing"
    np.testing.assert_allclose(found, expected, rtol=2e-4, atol=2e-5 * np.abs(expected).max())

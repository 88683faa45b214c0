"""The digits that come with the package."""

from __future__ import annotations

import os

import numpy as np

import suiren.vision
from suiren.vision.datasets import Digits


def test_split():
    """1,442 and 355 images, no image in both; every class in both."""
    train, held_out = Digits(), Digits(train=False)
    assert (len(train), len(held_out)) == (1442, 355)
    assert np.bincount(train.targets).min() == 140 and np.bincount(held_out.targets).min() == 34
    rows = [{row.tobytes() for row in part.data} for part in (train, held_out)]
    assert len(rows[0]) == 1442 and len(rows[1]) == 355 and not rows[0] & rows[1]


def test_samples():
    """The first image of the source is a nought; pixels 0 to 16 became 0 to 255."""
    train = Digits()
    image, label = train[0]
    assert (image.mode, image.size, label) == ("L", (8, 8), 0)
    assert np.asarray(image)[0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]  # 0 0 5 13 9 1 0 0
    assert train.data.max() == 255 and train.classes[7] == "7" and train.class_to_idx["3"] == 3
    assert np.asarray(Digits(train=False)[0][0]).max() == 255


def test_transforms():
    found = Digits(transform=lambda image: image.size, target_transform=lambda label: -label)[3]
    assert found == ((8, 8), -3)
    assert repr(Digits()) == "Dataset Digits\n    Number of datapoints: 1442\n    Split: Train"


def test_attribution_is_with_the_data():
    folder = os.path.join(os.path.dirname(suiren.vision.datasets.__file__), "data")
    with open(os.path.join(folder, "ATTRIBUTION.md"), encoding="utf-8") as file:
        text = file.read()
    assert "Alpaydin" in text and "Kaynak" in text and "CC BY 4.0" in text and "Optical Recognition of Handwritten Digits" in text

"""Grids of images, pictures of them, and what is drawn on images: the same as torchvision draws, recorded by tests/recorded/record_vision.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import suiren
from suiren.config import config
from suiren.vision import utils
from suiren.vision.utils import make_grid, save_image
from tests import recorded
from tests.vision.utils_cases import CASES, result

FILE = Path(recorded.__file__).parent / "vision.npz"


def images(n, channels=3):
    return suiren.arange(n * channels * 4).float().reshape(n, channels, 2, 2)


def test_grid():
    """Five images of 2×2, three in a row, one pixel between them."""
    grid = make_grid(images(5), nrow=3, padding=1, pad_value=-1.0).numpy()
    assert grid.shape == (3, 7, 10)
    assert grid[0, 1:3, 1:3].tolist() == [[0, 1], [2, 3]] and grid[2, 4:6, 4:6].tolist() == [[56, 57], [58, 59]]
    assert (grid[:, 0] == -1).all() and (grid[:, :, 0] == -1).all() and (grid[:, 4:6, 7:9] == -1).all()


def test_shapes():
    assert tuple(make_grid(images(1)).shape) == (3, 2, 2)
    assert tuple(make_grid(images(2, 1)).shape) == (3, 6, 10)
    assert tuple(make_grid(images(1)[0, 0]).shape) == (3, 2, 2)
    assert tuple(make_grid(list(images(4)), nrow=2).shape) == (3, 10, 10)
    with pytest.raises(TypeError, match="tensor or list of tensors expected"):
        make_grid(np.ones((2, 3, 4, 4)))


def test_normalize():
    both = make_grid(images(2), normalize=True, padding=0).numpy()
    assert both.min() == 0 and both.max() == 1
    each = make_grid(images(2), normalize=True, scale_each=True, padding=0).numpy()
    assert np.array_equal(each[:, :, :2], each[:, :, 2:])
    ranged = make_grid(images(2), normalize=True, value_range=(0, 10), padding=0).numpy()
    assert ranged.max() == 1 and ranged[0, 0, 1] == np.float32(0.1)


def test_save_image(tmp_path):
    save_image(suiren.tensor([[[0.0, 0.5], [1.0, 2.0]]]), tmp_path / "x.png")
    assert np.asarray(Image.open(tmp_path / "x.png"))[:, :, 0].tolist() == [[0, 128], [255, 255]]


# ---------------------------------------------------------------- drawing


@pytest.mark.parametrize("case", CASES)
def test_same_as_torchvision(case):
    with config(tier="interpreter"):
        found = result(case, suiren, utils)
    expected = recorded.recorded(case, file=FILE)
    assert found.dtype == expected.dtype and found.shape == expected.shape
    # a unit of a colour: where an angle is rounded differently
    np.testing.assert_allclose(found.astype(float), expected.astype(float), rtol=0, atol=1 if "flow" in case else 1e-6)


BLACK = suiren.zeros(3, 4, 4, dtype=suiren.uint8)
BOX = suiren.tensor([[0, 0, 2, 2]])


@pytest.mark.parametrize(
    "attempt,error,match",
    [
        (lambda: utils.draw_bounding_boxes(np.zeros((3, 4, 4)), BOX), TypeError, "Tensor expected"),
        (lambda: utils.draw_bounding_boxes(BLACK.long(), BOX), ValueError, "must be uint8 or float"),
        (lambda: utils.draw_bounding_boxes(BLACK[None], BOX), ValueError, "individual images, not batches"),
        (lambda: utils.draw_bounding_boxes(BLACK[:2], BOX), ValueError, "Only grayscale and RGB"),
        (lambda: utils.draw_bounding_boxes(BLACK, suiren.tensor([[3, 0, 2, 2]])), ValueError, "xmin, ymin, xmax, ymax"),
        (lambda: utils.draw_bounding_boxes(BLACK, BOX, ["a", "b"]), ValueError, r"boxes \(1\) and labels \(2\) mismatch"),
        (lambda: utils.draw_bounding_boxes(BLACK, BOX, colors=[]), ValueError, "Number of colors must be equal or larger"),
        (lambda: utils.draw_bounding_boxes(BLACK, BOX, colors=(1, 2)), ValueError, "should be an RGB triplet"),
        (lambda: utils.draw_bounding_boxes(BLACK, BOX, colors=7), ValueError, "colors must be a tuple or a string"),
        (lambda: utils.draw_segmentation_masks(BLACK, BLACK[0]), ValueError, "must be of dtype bool"),
        (lambda: utils.draw_segmentation_masks(BLACK, suiren.ones(3, 3) > 0), ValueError, "same height and width"),
        (lambda: utils.draw_segmentation_masks(BLACK[:1], suiren.ones(4, 4) > 0), ValueError, "Pass an RGB image"),
        (lambda: utils.draw_keypoints(BLACK, suiren.ones(3, 2)), ValueError, "keypoints must be of shape"),
        (lambda: utils.draw_keypoints(BLACK, suiren.ones(1, 3, 2), visibility=suiren.ones(1, 2)), ValueError, "the same dimensionality"),
        (lambda: utils.flow_to_image(suiren.ones(2, 3, 3).double()), ValueError, "dtype torch.float, got torch.float64"),
        (lambda: utils.flow_to_image(suiren.ones(3, 3, 3)), ValueError, "should have shape"),
    ],
)
def test_bad_input(attempt, error, match):
    with pytest.raises(error, match=match):
        attempt()


def test_nothing_to_draw():
    with pytest.warns(UserWarning, match="No box was drawn"):
        assert utils.draw_bounding_boxes(BLACK, suiren.zeros(0, 4)) is BLACK
    with pytest.warns(UserWarning, match="No mask was drawn"):
        assert utils.draw_segmentation_masks(BLACK, suiren.zeros(0, 4, 4) > 0) is BLACK

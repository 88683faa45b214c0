"""Grids of images, and pictures of them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import suiren
from suiren.vision.utils import make_grid, save_image


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

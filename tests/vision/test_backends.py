"""What a program asks torchvision itself."""

from __future__ import annotations

import pytest

import suiren
from suiren import vision


def test_version():
    assert vision.__version__ == vision.version.__version__ == "0.28.0" + suiren.__version__.removeprefix("2.13.0")


def test_backends():
    assert (vision.get_image_backend(), vision.get_video_backend()) == ("PIL", "pyav")
    vision.set_image_backend("PIL")
    vision.set_video_backend("pyav")
    vision.disable_beta_transforms_warning()
    with pytest.raises(ValueError, match="Invalid backend 'accimage'"):
        vision.set_image_backend("accimage")

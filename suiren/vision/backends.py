"""What reads images and videos, as torchvision tells it. Images are read by Pillow, videos not at all."""

from __future__ import annotations


def get_image_backend() -> str:
    """"PIL"."""
    return "PIL"


def set_image_backend(backend: str) -> None:
    """ValueError for another backend than "PIL"."""
    if backend != "PIL":
        raise ValueError(f"Invalid backend '{backend}'. suiren has 'PIL' alone")


def get_video_backend() -> str:
    """"pyav", the only name that there is for it."""
    return "pyav"


def set_video_backend(backend: str) -> None:
    """Nothing, as in torchvision."""


def disable_beta_transforms_warning() -> None:
    """Nothing: programs of the time when `transforms.v2` was new call it."""

"""Digits: a small set of real images that comes with the package, so that a first training needs no download."""

from __future__ import annotations

import io
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np

from suiren.vision.datasets.vision import VisionDataset

HELD_OUT_EVERY = 5  # of each class, images number 4, 9, 14 … are held out


class Digits(VisionDataset):
    """The UCI handwritten digits: 1,797 grey images of 8×8, ten classes; (PIL image of mode 'L', int).

    `train=True` gives 1,442 images, `train=False` the 355 that are held out: every fifth one of each class, in the order of the source,
    so the split is fixed. The 13 writers of the source are in both parts: accuracy on the held-out part is about new images, not about new
    people's handwriting. Pixels of the source, 0 to 16, are scaled to 0 to 255.

    Source: E. Alpaydin, C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning Repository,
    CC BY 4.0 (see data/ATTRIBUTION.md). torchvision has no such class.
    """

    classes = tuple("0123456789")

    def __init__(
        self,
        root: Any = None,
        train: bool = True,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ):
        """`root` and `download` are taken, and not needed: the images are in the package."""
        super().__init__(None, transform=transform, target_transform=target_transform)
        self.train = train
        with np.load(io.BytesIO(pkgutil.get_data(__package__, "data/digits.npz")), allow_pickle=False) as stored:
            images, labels = stored["images"], stored["labels"]  # (1797, 8, 8) of 0 to 16, (1797,)
        place = np.array([np.count_nonzero(labels[:i] == label) for i, label in enumerate(labels)])  # among the images of its class
        held_out = place % HELD_OUT_EVERY == HELD_OUT_EVERY - 1
        mine = ~held_out if train else held_out
        self.data = ((images[mine].astype(np.uint16) * 255 + 8) // 16).astype(np.uint8)  # (n, 8, 8), rounded
        self.targets = labels[mine].tolist()
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        from PIL import Image

        return self._transformed(Image.fromarray(self.data[index]), self.targets[index])

    def __len__(self) -> int:
        return len(self.data)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"

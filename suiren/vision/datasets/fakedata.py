"""FakeData: random images, for trying programs out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suiren.vision.datasets.vision import VisionDataset


class FakeData(VisionDataset):
    """`size` random images (C, H, W) of `num_classes` classes: (PIL image, int). Image i is always the same one: drawn from the seed i + `random_offset`.

    `target_transform` gets a tensor, and gives one.
    """

    def __init__(
        self,
        size: int = 1000,
        image_size: tuple[int, int, int] = (3, 224, 224),
        num_classes: int = 10,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        random_offset: int = 0,
    ):
        super().__init__(transform=transform, target_transform=target_transform)
        self.size, self.image_size, self.num_classes, self.random_offset = size, image_size, num_classes, random_offset

    def __getitem__(self, index: int) -> tuple[Any, int]:
        from suiren import Generator, randint, randn
        from suiren.vision.transforms.functional import to_pil_image

        if index >= len(self):
            raise IndexError(f"{type(self).__name__} index out of range")
        generator = Generator().manual_seed(index + self.random_offset)
        pixels = randn(*self.image_size, generator=generator)
        target = randint(0, self.num_classes, (1,), generator=generator)[0]
        image, target = self._transformed(to_pil_image(pixels), target)
        return image, target.item()

    def __len__(self) -> int:
        return self.size

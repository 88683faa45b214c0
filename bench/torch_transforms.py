"""torchvision's two transforms of the notes' program, for the PyTorch side: its wheel does not load beside PyTorch's CPU build.

The same PyTorch calls as torchvision 0.28 makes for a PIL image (transforms/functional.py, to_tensor and normalize), so it costs the same.
"""

from __future__ import annotations

import numpy as np
import torch


class Compose:
    def __init__(self, transforms):
        self.transforms = transforms

    def __call__(self, image):
        for transform in self.transforms:
            image = transform(image)
        return image


class ToTensor:
    def __call__(self, image):
        bands = len(image.getbands())
        found = torch.from_numpy(np.array(image, np.uint8, copy=True)).view(image.size[1], image.size[0], bands)
        return found.permute((2, 0, 1)).contiguous().to(dtype=torch.get_default_dtype()).div(255)


class Normalize:
    def __init__(self, mean, std):
        self.mean, self.std = mean, std

    def __call__(self, image):
        image = image.clone()
        mean = torch.as_tensor(self.mean, dtype=image.dtype, device=image.device)
        std = torch.as_tensor(self.std, dtype=image.dtype, device=image.device)
        if (std == 0).any():
            raise ValueError("std evaluated to zero")
        return image.sub_(mean.view(-1, 1, 1)).div_(std.view(-1, 1, 1))

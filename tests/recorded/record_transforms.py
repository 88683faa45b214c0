"""Records what torchvision 0.28 gives for tests/vision/transforms/cases.py.

    pip install torch==2.13.0 numpy pillow && pip install --no-deps torchvision==0.28.0
    python -m tests.recorded.record_transforms
"""

from __future__ import annotations

import json
import os

import numpy as np
import torch

from tests.oracle.torchvision_cpu import torchvision
from tests.vision.transforms.cases import CASES, images, results

PATH = os.path.join(os.path.dirname(__file__), "transforms.npz")


def main() -> None:
    recorded = {}
    for case, names in CASES:
        for name in names:
            image = images()[name]
            image = torch.from_numpy(image) if isinstance(image, np.ndarray) else image
            for i, found in enumerate(results(case, image, torch, torchvision.transforms)):
                recorded[f"{case} {name} {i}"] = found
    index = {name: (value.dtype.str, value.shape) for name, value in recorded.items()}  # the arrays lie end to end, in this order
    text = np.frombuffer(json.dumps(index, separators=(",", ":")).encode(), np.uint8)
    np.savez_compressed(PATH, index=text, data=np.frombuffer(b"".join(value.tobytes() for value in recorded.values()), np.uint8))


if __name__ == "__main__":
    main()

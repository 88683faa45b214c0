"""Writes handwritten digits as pictures, to try the project with: `python data/digits.py data/pictures`."""

from __future__ import annotations

import os
import sys

from suiren.vision.datasets import Digits


def write(root: str, most: int | None = None) -> int:
    """PNG files under root/train/<digit>/ and root/test/<digit>/, at most `most` in each part; returns how many."""
    count = 0
    for part in ("train", "test"):
        digits = Digits(train=part == "train")
        for i in range(len(digits) if most is None else min(most, len(digits))):
            picture, label = digits[i]
            folder = os.path.join(root, part, digits.classes[label])
            os.makedirs(folder, exist_ok=True)
            picture.resize((32, 32)).convert("RGB").save(os.path.join(folder, f"{i:04}.png"))
            count += 1
    return count


if __name__ == "__main__":
    folder = sys.argv[1] if len(sys.argv) > 1 else "data/pictures"
    print(f"wrote {write(folder)} pictures to {folder}")

"""Loading one's own pictures: a Dataset written by hand, ImageFolder, transforms, DataLoader. `python practice/own_images.py [--root FOLDER]`

Without --root some handwritten digits are written as PNG files into a folder for it. A batch is shown, before and after the transforms.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import pyplot as plt
from PIL import Image

import suiren as t
import suiren.vision as tv
from suiren.utils import data
from suiren.vision import transforms as T


def write_pictures(root, count=60):
    """PNG files root/<digit>/<number>.png"""
    digits = tv.datasets.Digits(train=True)
    for i in range(count):
        picture, label = digits[i]
        folder = Path(root, digits.classes[label])
        folder.mkdir(parents=True, exist_ok=True)
        picture.resize((40, 48), Image.Resampling.BICUBIC).convert("RGB").save(folder / f"{i:03}.png")


class Pictures(data.Dataset):
    """All pictures below a folder, without classes: __getitem__ gives one sample, __len__ how many there are."""

    def __init__(self, root, transform=None):
        self.files = sorted(Path(root).rglob("*.png"))
        self.transform = transform

    def __getitem__(self, index) -> Any:
        with Image.open(self.files[index]) as picture:
            picture = picture.convert("RGB")
        return picture if self.transform is None else self.transform(picture)

    def __len__(self):
        return len(self.files)


def main():
    parser = argparse.ArgumentParser(description="Loads pictures from folders.")
    parser.add_argument("--root", help="a folder with a subfolder of pictures for each class")
    parser.add_argument("--out", default="out", help="the folder for pictures")
    args = parser.parse_args()
    root = args.root
    if root is None:
        root = os.path.join(args.out, "pictures")
        write_pictures(root)

    t.manual_seed(0)
    own = Pictures(root, T.Compose([T.Resize(32), T.CenterCrop(32), T.ToTensor()]))
    print(f"Dataset of one's own: {len(own)} pictures, the first is {tuple(own[0].shape)}")

    transform = T.Compose(
        [
            T.RandomResizedCrop(32, scale=(0.7, 1.0)),
            T.RandomRotation(10),
            T.ColorJitter(brightness=0.4),
            T.ToTensor(),
            T.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ]
    )
    folder = tv.datasets.ImageFolder(root, transform=transform)
    print(f"ImageFolder: {folder.class_to_idx}")
    loader = data.DataLoader(folder, batch_size=16, shuffle=True, num_workers=2, drop_last=True)
    images = t.empty(0)
    for images, labels in loader:
        print(f"a batch: {tuple(images.shape)}, mean {images.mean().item():.3f}, classes {labels.tolist()}")

    grids = [tv.utils.make_grid(t.stack([own[i] for i in range(16)]), 8), tv.utils.make_grid(images * 0.5 + 0.5, 8)]
    figure, both = plt.subplots(2, 1, figsize=(7, 4))
    for axes, grid, title in zip(both, grids, ("as they are", "cropped, turned, brighter or darker; in another order")):
        axes.imshow(grid.permute(1, 2, 0).clamp(0, 1).numpy())
        axes.set_title(title)
        axes.axis("off")
    figure.tight_layout()
    if matplotlib.get_backend().lower() == "agg":
        os.makedirs(args.out, exist_ok=True)
        path = os.path.join(args.out, "own-images.png")
        figure.savefig(path)
        print(f"there is no screen: the picture is {path}")
    else:
        plt.show()


if __name__ == "__main__":
    main()

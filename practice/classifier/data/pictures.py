"""The data set: pictures in folders that are named for their class."""

from __future__ import annotations

import os
from typing import Any

import suiren as t
from suiren.utils.data import DataLoader, Dataset
from suiren.vision import transforms as T
from suiren.vision.datasets import ImageFolder

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet


def transform(config: Any, is_training: bool) -> T.Compose:
    """From a PIL picture to a normalised tensor (3, image_size, image_size)."""
    size = config.image_size
    steps = [T.Resize(size), T.CenterCrop(size)]
    if is_training and config.augment:
        steps = [T.Resize(size), T.RandomCrop(size, padding=size // 8, padding_mode="reflect"), T.RandomHorizontalFlip()]
    return T.Compose([*steps, T.ToTensor(), T.Normalize(MEAN, STD)])


class Pictures(Dataset):
    """Some pictures of a folder: (tensor (3, S, S), class number). `files` are their paths, `classes` the names of the classes."""

    def __init__(self, folder: ImageFolder, indices: list[int], transform: T.Compose):
        self.folder, self.indices, self.transform = folder, indices, transform
        self.classes = folder.classes
        self.files = [folder.samples[i][0] for i in indices]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> tuple[t.Tensor, int]:
        path, label = self.folder.samples[self.indices[i]]
        return self.transform(self.folder.loader(path)), label


def datasets(config: Any) -> tuple[Pictures, Pictures]:
    """(training pictures, held-out pictures). FileNotFoundError, saying what to do, if there are none."""
    root = config.data
    if not os.path.isdir(root):
        raise FileNotFoundError(
            f"there is no folder {root!r}: put pictures into {root}/<class>/, or say where they are with --data; `python data/digits.py {root}` writes some"
        )
    is_split = all(os.path.isdir(os.path.join(root, part)) for part in ("train", "test"))
    if is_split:
        train, test = (ImageFolder(os.path.join(root, part)) for part in ("train", "test"))
        if train.classes != test.classes:
            raise ValueError(f"train/ has the classes {train.classes}, test/ has {test.classes}")
        parts = (train, list(range(len(train)))), (test, list(range(len(test))))
    else:
        folder = ImageFolder(root)
        every = round(1 / config.held_out)  # of each class, so that both parts have all classes
        seen: dict[int, int] = {}
        held_out = []
        for i, label in enumerate(folder.targets):
            seen[label] = seen.get(label, 0) + 1
            if seen[label] % every == 0:
                held_out.append(i)
        chosen = set(held_out)
        parts = (folder, [i for i in range(len(folder)) if i not in chosen]), (folder, held_out)
    (train, first), (test, second) = parts
    return Pictures(train, first, transform(config, True)), Pictures(test, second, transform(config, False))


def loader(dataset: Pictures, config: Any, is_training: bool, generator: t.Generator | None = None) -> DataLoader:
    """Batches of a data set; shuffled, and without a last single picture, for training."""
    lonely = is_training and len(dataset) % config.batch_size == 1
    return DataLoader(
        dataset, batch_size=config.batch_size, shuffle=is_training, num_workers=config.workers, generator=generator, drop_last=lonely
    )

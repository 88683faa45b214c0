"""Small images in files of their own sort: SVHN, STL10, USPS, SEMEION. Source: torchvision/datasets/{svhn,stl10,usps,semeion}.py"""

from __future__ import annotations

import bz2
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from suiren.vision.datasets.matlab import load_matrices
from suiren.vision.datasets.utils import check_integrity, download_and_extract_archive, download_url, verify_str_arg
from suiren.vision.datasets.vision import VisionDataset

_MISSING = "Dataset not found or corrupted. You can use download=True to download it"


class _Images(VisionDataset):
    """Base: `_pixels(i)` is an array (H, W) or (H, W, 3), `_target(i)` its class."""

    def _pixels(self, index: int) -> np.ndarray:
        return self.data[index]

    def _target(self, index: int) -> int:
        return int(self.labels[index])

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        from PIL import Image

        return self._transformed(Image.fromarray(np.ascontiguousarray(self._pixels(index))), self._target(index))

    def __len__(self) -> int:
        return len(self.data)


class SVHN(_Images):
    """House numbers: colour images of 32×32 and their middle digit; (PIL image of mode 'RGB', int).

    `split`: "train" (73,257), "test" (26,032) or "extra" (531,131). The files' label 10 is the digit 0.
    Source: http://ufldl.stanford.edu/housenumbers
    """

    split_list = {
        "train": ["http://ufldl.stanford.edu/housenumbers/train_32x32.mat", "train_32x32.mat", "e26dedcc434d2e4c54c9b2d4a06d8373"],
        "test": ["http://ufldl.stanford.edu/housenumbers/test_32x32.mat", "test_32x32.mat", "eb5a983be6a315427106f1b164d9cef3"],
        "extra": ["http://ufldl.stanford.edu/housenumbers/extra_32x32.mat", "extra_32x32.mat", "a93ce644f1a588dc4d68dda5feec44a7"],
    }

    def __init__(
        self,
        root: str | os.PathLike,
        split: str = "train",
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = verify_str_arg(split, "split", tuple(self.split_list))
        self.url, self.filename, self.file_md5 = self.split_list[split]
        if download:
            self.download()
        if not self._check_integrity():
            raise RuntimeError(_MISSING)
        loaded = load_matrices(os.path.join(self.root, self.filename))
        self.data = np.transpose(loaded["X"], (3, 2, 0, 1))  # (n, 3, 32, 32)
        self.labels = loaded["y"].astype(np.int64).reshape(-1) % 10

    def _pixels(self, index: int) -> np.ndarray:
        return self.data[index].transpose(1, 2, 0)

    def _check_integrity(self) -> bool:
        return check_integrity(os.path.join(self.root, self.filename), self.file_md5)

    def download(self) -> None:
        """Fetches the split's file, unless it is there."""
        download_url(self.url, self.root, self.filename, self.file_md5)

    def extra_repr(self) -> str:
        return f"Split: {self.split}"


class STL10(_Images):
    """Colour images of 96×96, ten classes: 5,000 for training, 8,000 for testing, 100,000 without labels (−1); (PIL image, int).

    `split`: "train", "test", "unlabeled" or "train+unlabeled"; `folds`: one of the ten sets of 1,000 training images, 0 to 9.
    Source: https://cs.stanford.edu/~acoates/stl10
    """

    base_folder = "stl10_binary"
    url = "http://ai.stanford.edu/~acoates/stl10/stl10_binary.tar.gz"
    filename = "stl10_binary.tar.gz"
    tgz_md5 = "91f7769df0f17e558f3565bffb0c7dfb"
    class_names_file = "class_names.txt"
    folds_list_file = "fold_indices.txt"
    train_list = [
        ["train_X.bin", "918c2871b30a85fa023e0c44e0bee87f"],
        ["train_y.bin", "5a34089d4802c674881badbb80307741"],
        ["unlabeled_X.bin", "5242ba1fed5e4be9e1e742405eb56ca4"],
    ]
    test_list = [["test_X.bin", "7f263ba9f9e0b06b93213547f721ac82"], ["test_y.bin", "36f9794fa4beb8a2c72628de14fa638e"]]
    splits = ("train", "train+unlabeled", "unlabeled", "test")

    def __init__(
        self,
        root: str | os.PathLike,
        split: str = "train",
        folds: int | None = None,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.split = verify_str_arg(split, "split", self.splits)
        self.folds = self._verify_folds(folds)
        if download:
            self.download()
        if not self._check_integrity():
            raise RuntimeError(_MISSING)
        parts = []
        if split == "test":
            parts.append((self._read(self.test_list[0][0]), self._read(self.test_list[1][0]).astype(np.int64) - 1))
        elif split != "unlabeled":
            images, labels = self._read(self.train_list[0][0]), self._read(self.train_list[1][0]).astype(np.int64) - 1
            if folds is not None:
                with open(self._path(self.folds_list_file)) as file:
                    chosen = np.array(file.read().splitlines()[folds].split(), np.int64)
                images, labels = images[chosen], labels[chosen]
            parts.append((images, labels))
        if "unlabeled" in split:
            images = self._read(self.train_list[2][0])
            parts.append((images, np.full(len(images), -1)))
        self.data, self.labels = (np.concatenate(x) for x in zip(*parts))  # (n, 3, 96, 96), (n,)
        if os.path.isfile(self._path(self.class_names_file)):
            with open(self._path(self.class_names_file)) as file:
                self.classes = file.read().splitlines()

    @staticmethod
    def _verify_folds(folds: int | None) -> int | None:
        if folds is not None and not isinstance(folds, int):
            raise ValueError(f"Expected type None or int for argument folds, but got type {type(folds)}.")
        if folds is not None and folds not in range(10):
            raise ValueError(f"Value for argument folds should be in the range [0, 10), but got {folds}.")
        return folds

    def _path(self, name: str) -> str:
        return os.path.join(self.root, self.base_folder, name)

    def _read(self, name: str) -> np.ndarray:
        found = np.fromfile(self._path(name), np.uint8)
        return found.reshape(-1, 3, 96, 96).transpose(0, 1, 3, 2) if "_X" in name else found  # columns come first in the file

    def _pixels(self, index: int) -> np.ndarray:
        return self.data[index].transpose(1, 2, 0)

    def _check_integrity(self) -> bool:
        return all(check_integrity(self._path(name), md5) for name, md5 in self.train_list + self.test_list)

    def download(self) -> None:
        """Fetches and unpacks the archive, unless the files are there."""
        if not self._check_integrity():
            download_and_extract_archive(self.url, self.root, filename=self.filename, md5=self.tgz_md5)

    def extra_repr(self) -> str:
        return f"Split: {self.split}"


class USPS(_Images):
    """Digits of postal codes: grey images of 16×16, 7,291 for training and 2,007 for testing; (PIL image of mode 'L', int).

    Source: https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps
    """

    split_list = {
        "train": ["https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/usps.bz2", "usps.bz2", "ec16c51db3855ca6c91edd34d0e9b197"],
        "test": ["https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/usps.t.bz2", "usps.t.bz2", "8ea070ee2aca1ac39742fdd1ef5ed118"],
    }

    def __init__(
        self,
        root: str | os.PathLike,
        train: bool = True,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        url, name, md5 = self.split_list["train" if train else "test"]
        if download:
            download_url(url, self.root, name, md5)
        path = os.path.join(self.root, name)
        if not check_integrity(path, md5):
            raise RuntimeError(_MISSING)
        with bz2.open(path, "rt") as file:  # label index:value …, with values from −1 to 1
            rows = [line.split() for line in file]
        pixels = np.array([[x.split(":")[-1] for x in row[1:]] for row in rows], np.float32).reshape(-1, 16, 16)
        self.data = ((pixels + 1) / 2 * 255).astype(np.uint8)
        self.targets = [int(row[0]) - 1 for row in rows]

    def _target(self, index: int) -> int:
        return self.targets[index]


class SEMEION(_Images):
    """1,593 handwritten digits, black and white, 16×16; (PIL image of mode 'L', int). Source: UCI Machine Learning Repository, Semeion"""

    url = "http://archive.ics.uci.edu/ml/machine-learning-databases/semeion/semeion.data"
    filename = "semeion.data"
    md5_checksum = "cb545d371d2ce14ec121470795a77432"

    def __init__(
        self,
        root: str | os.PathLike,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = True,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        if download:
            self.download()
        path = os.path.join(self.root, self.filename)
        if not check_integrity(path, self.md5_checksum):
            raise RuntimeError(_MISSING)
        data = np.loadtxt(path)  # 256 pixels, and ten places of which one is 1
        self.data = (data[:, :256] * 255).astype(np.uint8).reshape(-1, 16, 16)
        self.labels = np.nonzero(data[:, 256:])[1]

    def download(self) -> None:
        """Fetches the file, unless it is there."""
        download_url(self.url, self.root, self.filename, self.md5_checksum)

"""The MNIST family: 70,000 grey images of 28×28 each, ten classes."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from suiren.tensor import Tensor
from suiren.utils.data.memory import own
from suiren.vision.datasets.utils import check_integrity, download_and_extract_archive
from suiren.vision.datasets.vision import VisionDataset

_DTYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def read_idx(path: str | os.PathLike) -> np.ndarray:
    """The array in an IDX file: a magic number of dtype and rank, the sizes, the elements, all big-endian. RuntimeError for another file."""
    with open(path, "rb") as file:
        data = file.read()
    ndim = data[3] if len(data) > 4 else 0
    if data[:2] != b"\0\0" or data[2] not in _DTYPES or not 1 <= ndim <= 8 or len(data) < 4 + 4 * ndim:
        raise RuntimeError(f"{path} is no IDX file")
    shape = np.frombuffer(data, ">u4", ndim, 4).astype(int)
    dtype = np.dtype(_DTYPES[data[2]])
    if len(data) != 4 + 4 * ndim + int(np.prod(shape)) * dtype.itemsize:
        raise RuntimeError(f"{path} is damaged: it should hold {tuple(shape.tolist())} elements")
    return np.frombuffer(data, dtype, offset=4 + 4 * ndim).reshape(shape).astype(dtype.newbyteorder("="))


class MNIST(VisionDataset):
    """Handwritten digits, 60,000 for training and 10,000 for testing: (PIL image of mode 'L', int).

    `root` holds (or is to hold) `MNIST/raw`. RuntimeError where the files are missing and not to be downloaded, or are damaged.
    Source: http://yann.lecun.com/exdb/mnist/; torchvision.datasets.MNIST.
    """

    mirrors = ["https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
    ]
    classes = ["0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine"]

    def __init__(
        self,
        root: str | os.PathLike,
        train: bool = True,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ):
        super().__init__(root, transform=transform, target_transform=target_transform)
        self.train = train
        if download:
            self.download()
        if not self._check_exists():
            raise RuntimeError("Dataset not found. You can use download=True to download it")
        part = "train" if train else "t10k"
        images, labels = (read_idx(os.path.join(self.raw_folder, f"{part}-{name}")) for name in ("images-idx3-ubyte", "labels-idx1-ubyte"))
        if images.ndim != 3 or labels.shape != images.shape[:1] or images.dtype != np.uint8:
            raise RuntimeError(f"the files in {self.raw_folder} do not belong together: images {images.shape}, labels {labels.shape}")
        self._images, self._labels = images, labels.tolist()

    @property
    def data(self) -> Tensor:
        """The images, uint8 (n, 28, 28)."""
        return own(self._images)

    @property
    def targets(self) -> Tensor:
        """The labels, int64 (n,)."""
        return own(np.array(self._labels, np.int64))

    @property
    def raw_folder(self) -> str:
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.classes)}

    def _check_exists(self) -> bool:
        return all(check_integrity(os.path.join(self.raw_folder, name.removesuffix(".gz"))) for name, _ in self.resources)

    def download(self) -> None:
        """Fetches and unpacks the files, from the first mirror that has them."""
        if self._check_exists():
            return
        for name, md5 in self.resources:
            failures = []
            for mirror in self.mirrors:
                try:
                    download_and_extract_archive(mirror + name, self.raw_folder, filename=name, md5=md5)
                    break
                except RuntimeError as error:
                    failures.append(f"Tried {mirror}, got:\n{error}\n")
            else:
                raise RuntimeError(f"Error downloading {name}:\n" + "".join(failures))

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        from PIL import Image

        return self._transformed(Image.fromarray(self._images[index]), self._labels[index])

    def __len__(self) -> int:
        return len(self._labels)

    def extra_repr(self) -> str:
        return f"Split: {'Train' if self.train else 'Test'}"


class FashionMNIST(MNIST):
    """Pictures of clothes, in MNIST's form. Source: https://github.com/zalandoresearch/fashion-mnist"""

    mirrors = ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310"),
    ]
    classes = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]


class KMNIST(MNIST):
    """Cursive Japanese characters, in MNIST's form. Source: https://github.com/rois-codh/kmnist"""

    mirrors = ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"]
    resources = [
        ("train-images-idx3-ubyte.gz", "bdb82020997e1d708af4cf47b453dcf7"),
        ("train-labels-idx1-ubyte.gz", "e144d726b3acfaa3e44228e80efcd344"),
        ("t10k-images-idx3-ubyte.gz", "5c965bf0a639b31b8f53240b1b52f4d7"),
        ("t10k-labels-idx1-ubyte.gz", "7320c461ea6c1c855c0b718fb2a4b134"),
    ]
    classes = ["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"]

"""The MNIST family: 70,000 grey images of 28×28 each, ten classes."""

from __future__ import annotations

import os
import shutil
import string
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from suiren.tensor import Tensor
from suiren.utils.data.memory import own, peek
from suiren.vision.datasets.utils import check_integrity, download_and_extract_archive, extract_archive, verify_str_arg
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


def _renamed(name: str, now: str) -> property:
    """An attribute under the name that it had of old."""

    def get(self: Any) -> Any:
        warnings.warn(f"{name} has been renamed {now}", stacklevel=2)
        return getattr(self, now)

    return property(get)


class MNIST(VisionDataset):
    """Handwritten digits, 60,000 for training and 10,000 for testing: (PIL image of mode 'L', int).

    `data`, uint8 (n, 28, 28), and `targets`, int64 (n,), may be written to. `root` holds (or is to hold) `MNIST/raw`. RuntimeError where the files are missing and not to be downloaded, or are damaged.
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
        images, labels = read_idx(self.images_file), read_idx(self.labels_file)
        self._keep(images, labels)

    def _keep(self, images: np.ndarray, labels: np.ndarray) -> None:
        if images.ndim != 3 or labels.shape != images.shape[:1] or images.dtype != np.uint8:
            raise RuntimeError(f"the files in {self.raw_folder} do not belong together: images {images.shape}, labels {labels.shape}")
        self.data, self.targets = own(images), own(labels.astype(np.int64))

    def _file(self, kind: str) -> str:
        return os.path.join(self.raw_folder, f"{'train' if self.train else 't10k'}-{kind}-ubyte")

    train_data, test_data = _renamed("train_data", "data"), _renamed("test_data", "data")
    train_labels, test_labels = _renamed("train_labels", "targets"), _renamed("test_labels", "targets")

    @property
    def images_file(self) -> str:
        return self._file("images-idx3")

    @property
    def labels_file(self) -> str:
        return self._file("labels-idx1")

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

        return self._transformed(Image.fromarray(self._pixels(index)), int(self._fact(index)))

    def _pixels(self, index: int) -> np.ndarray:
        return peek(self.data)[index].copy()  # an image may outlive the data set

    def _fact(self, index: int) -> Any:
        return peek(self.targets)[index] if isinstance(self.targets, Tensor) else self.targets[index]

    def __len__(self) -> int:
        return len(self.data)

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


_DIGITS, _SMALL = list(string.digits), list(string.ascii_lowercase)
_BY_CLASS = sorted(string.digits + string.ascii_letters)
_MERGED = [c for c in _BY_CLASS if c not in "cijklmopsuvwxyz"]  # whose capital letters look the same


class EMNIST(MNIST):
    """Handwritten letters and digits, in MNIST's form. `split`: byclass, bymerge, balanced, letters, digits or mnist.

    Source: https://www.nist.gov/itl/products-and-services/emnist-dataset
    """

    url = "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip"
    md5 = "58c8d27c78d21e728a6bc7b3cc06412e"
    splits = ("byclass", "bymerge", "balanced", "letters", "digits", "mnist")
    classes_split_dict = {
        "byclass": _BY_CLASS, "bymerge": _MERGED, "balanced": _MERGED, "letters": ["N/A", *_SMALL], "digits": _DIGITS, "mnist": _DIGITS,
    }  # fmt: skip

    def __init__(self, root: str | os.PathLike, split: str, **kwargs: Any):
        self.split = verify_str_arg(split, "split", self.splits)
        super().__init__(root, **kwargs)
        self.classes = self.classes_split_dict[split]

    def _file(self, kind: str) -> str:
        return os.path.join(self.raw_folder, f"emnist-{self.split}-{'train' if self.train else 'test'}-{kind}-ubyte")

    def _check_exists(self) -> bool:
        return check_integrity(self.images_file) and check_integrity(self.labels_file)

    def download(self) -> None:
        """Fetches the archive of all splits and unpacks them, unless the split's files are there."""
        if self._check_exists():
            return
        download_and_extract_archive(self.url, self.raw_folder, md5=self.md5)
        folder = os.path.join(self.raw_folder, "gzip")
        for name in os.listdir(folder):
            if name.endswith(".gz"):
                extract_archive(os.path.join(folder, name), self.raw_folder)
        shutil.rmtree(folder)


class QMNIST(MNIST):
    """MNIST rebuilt, with what is known of each digit. `what`: train, test, test10k, test50k or nist.

    The target is the class; with `compat=False` a tensor of eight numbers. Source: https://github.com/facebookresearch/qmnist
    """

    subsets = {"train": "train", "test": "test", "test10k": "test", "test50k": "test", "nist": "nist"}
    _URL = "https://raw.githubusercontent.com/facebookresearch/qmnist/master/"
    resources = {
        "train": [
            (_URL + "qmnist-train-images-idx3-ubyte.gz", "ed72d4157d28c017586c42bc6afe6370"),
            (_URL + "qmnist-train-labels-idx2-int.gz", "0058f8dd561b90ffdd0f734c6a30e5e4"),
        ],
        "test": [
            (_URL + "qmnist-test-images-idx3-ubyte.gz", "1394631089c404de565df7b7aeaf9412"),
            (_URL + "qmnist-test-labels-idx2-int.gz", "5b5b05890a5e13444e108efe57b788aa"),
        ],
        "nist": [
            (_URL + "xnist-images-idx3-ubyte.xz", "7f124b3b8ab81486c9d8c2749c17f834"),
            (_URL + "xnist-labels-idx2-int.xz", "5ed0e788978e45d4a8bd4b7caec3d79d"),
        ],
    }

    def __init__(self, root: str | os.PathLike, what: str | None = None, compat: bool = True, train: bool = True, **kwargs: Any):
        self.what = verify_str_arg(("train" if train else "test") if what is None else what, "what", tuple(self.subsets))
        self.compat = compat
        super().__init__(root, train, **kwargs)

    def _file(self, kind: str) -> str:
        images, labels = self.resources[self.subsets[self.what]]
        return os.path.join(self.raw_folder, os.path.splitext(os.path.basename((images if "images" in kind else labels)[0]))[0])

    def _check_exists(self) -> bool:
        return check_integrity(self.images_file) and check_integrity(self.labels_file)

    def _keep(self, images: np.ndarray, labels: np.ndarray) -> None:
        if images.ndim != 3 or labels.ndim != 2 or len(labels) != len(images) or images.dtype != np.uint8:
            raise RuntimeError(f"the files in {self.raw_folder} do not belong together: images {images.shape}, labels {labels.shape}")
        part = {"test10k": slice(0, 10000), "test50k": slice(10000, None)}.get(self.what, slice(None))
        self.data, self.targets = own(images[part]), own(labels[part].astype(np.int64))  # the class comes first of eight facts

    def download(self) -> None:
        """Fetches and unpacks the two files of the part, unless they are there."""
        if not self._check_exists():
            for url, md5 in self.resources[self.subsets[self.what]]:
                download_and_extract_archive(url, self.raw_folder, md5=md5)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        from PIL import Image

        facts = self._fact(index)
        return self._transformed(Image.fromarray(self._pixels(index)), int(facts[0]) if self.compat else own(np.asarray(facts)))

    def extra_repr(self) -> str:
        return f"Split: {self.what}"

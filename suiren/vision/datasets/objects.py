"""Folders of characters and of objects, by their kind: Omniglot, Caltech101, Caltech256. Source: torchvision/datasets/{omniglot,caltech}.py

RuntimeError where the files are missing.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from typing import Any

from PIL import Image

from suiren.vision.datasets.matlab import load_matrices
from suiren.vision.datasets.utils import check_integrity, download_and_extract_archive, extract_archive, verify_str_arg
from suiren.vision.datasets.vision import VisionDataset

_MISSING = "Dataset not found or corrupted. You can use download=True to download it"


def _opened(path: str, mode: str | None = None) -> Image.Image:
    """The image, as it is or in a mode, with its file closed."""
    with Image.open(path) as image:
        return image.copy() if mode is None else image.convert(mode)


def _folders(path: str) -> list[str]:
    return sorted(entry.name for entry in os.scandir(path) if entry.is_dir())


class Omniglot(VisionDataset):
    """1,623 characters of 50 alphabets, each drawn by 20 people: (gray image, the character's number).

    Source: https://github.com/brendenlake/omniglot
    """

    folder = "omniglot-py"
    download_url_prefix = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python"
    zips_md5 = {"images_background": "68d2efa1b9178cc56df9314c21c6e718", "images_evaluation": "6b91aef0f799c5bb55b94e3f2daec811"}

    def __init__(
        self,
        root: str | os.PathLike,
        background: bool = True,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        loader: Callable[[str], Any] | None = None,
    ):
        super().__init__(os.path.join(root, self.folder), transform=transform, target_transform=target_transform)
        self.root = os.path.expanduser(self.root)
        self.background, self.loader = background, loader
        self._name = "images_background" if background else "images_evaluation"
        if download:
            self.download()
        if not self._check_integrity():
            raise RuntimeError(_MISSING)
        self.target_folder = os.path.join(self.root, self._name)
        self._characters = [
            os.path.join(alphabet, character)
            for alphabet in _folders(self.target_folder)
            for character in _folders(os.path.join(self.target_folder, alphabet))
        ]
        self._drawings = [
            (os.path.join(self.target_folder, character, name), label)
            for label, character in enumerate(self._characters)
            for name in sorted(os.listdir(os.path.join(self.target_folder, character)))
            if name.endswith(".png")
        ]

    def _check_integrity(self) -> bool:
        return check_integrity(os.path.join(self.root, self._name + ".zip"), self.zips_md5[self._name])

    def download(self) -> None:
        """Fetches and unpacks the archive, unless it is there."""
        if not self._check_integrity():
            url = f"{self.download_url_prefix}/{self._name}.zip"
            download_and_extract_archive(url, self.root, md5=self.zips_md5[self._name])

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, label = self._drawings[index]
        return self._transformed(_opened(path, "L") if self.loader is None else self.loader(path), label)

    def __len__(self) -> int:
        return len(self._drawings)


class _Caltech(VisionDataset):
    """Base: the photographs of each category, by number: `categories` their names, `y` the category of each, `index` its number there."""

    _folder, _objects = "", ""

    def __init__(
        self,
        root: str | os.PathLike,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ):
        super().__init__(os.path.join(root, self._folder), transform=transform, target_transform=target_transform)
        self.root = os.path.expanduser(self.root)
        os.makedirs(self.root, exist_ok=True)
        if download:
            self.download()
        if not self._check_integrity():
            raise RuntimeError(_MISSING)
        self.categories = [name for name in _folders(self._path()) if name != "BACKGROUND_Google"]  # not of a kind
        self.index: list[int] = []
        self.y: list[int] = []
        for label, name in enumerate(self.categories):
            n = sum(file.endswith(".jpg") for file in os.listdir(self._path(name)))
            self.index += range(1, n + 1)
            self.y += [label] * n

    def _path(self, *names: str) -> str:
        return os.path.join(self.root, self._objects, *names)

    def _check_integrity(self) -> bool:
        return os.path.exists(self._path())

    def download(self) -> None:
        """Fetches and unpacks the archive, unless its folder is there."""
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self.index)


class Caltech101(_Caltech):
    """9,144 photographs, mostly in color, of 101 kinds of objects. Source: https://data.caltech.edu/records/mzrjq-6wc02

    `target_type`: "category" for the kind's number, "annotation" for the outline (2, n), or a list of these for a tuple.
    """

    _folder, _objects = "caltech101", "101_ObjectCategories"
    _outlines = {"Faces": "Faces_2", "Faces_easy": "Faces_3", "Motorbikes": "Motorbikes_16", "airplanes": "Airplanes_Side_2"}

    def __init__(
        self,
        root: str | os.PathLike,
        target_type: list[str] | str = "category",
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ):
        kinds = [target_type] if isinstance(target_type, str) else target_type
        self.target_type = [verify_str_arg(kind, "target_type", ("category", "annotation")) for kind in kinds]
        super().__init__(root, transform, target_transform, download)
        self.annotation_categories = [self._outlines.get(name, name) for name in self.categories]

    def download(self) -> None:
        if self._check_integrity():
            return
        url = "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip"
        download_and_extract_archive(url, self.root, md5="3138e1922a9193bfa496528edbbc45d0", remove_finished=True)
        unpacked = os.path.join(self.root, "caltech-101")
        for name in sorted(os.listdir(unpacked), reverse=True):  # the photographs last: they say that all is there
            if name.endswith((".tar", ".gz")):
                extract_archive(os.path.join(unpacked, name), self.root)
        shutil.rmtree(unpacked)

    def _target(self, kind: str, index: int) -> Any:
        if kind == "category":
            return self.y[index]
        name = f"annotation_{self.index[index]:04d}.mat"
        return load_matrices(os.path.join(self.root, "Annotations", self.annotation_categories[self.y[index]], name))["obj_contour"]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image = _opened(self._path(self.categories[self.y[index]], f"image_{self.index[index]:04d}.jpg"))
        found = tuple(self._target(kind, index) for kind in self.target_type)
        return self._transformed(image, found if len(found) > 1 else found[0])

    def extra_repr(self) -> str:
        return f"Target type: {self.target_type}"


class Caltech256(_Caltech):
    """30,607 photographs, mostly in color, of 256 kinds of objects and of other things. Source: https://data.caltech.edu/records/nyy15-4j048"""

    _folder, _objects = "caltech256", "256_ObjectCategories"

    def download(self) -> None:
        if not self._check_integrity():
            url = "https://data.caltech.edu/records/nyy15-4j048/files/256_ObjectCategories.tar"
            download_and_extract_archive(url, self.root, md5="67b4f42ca05d46448c6bb8ecd2220f6d")

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        label = self.y[index]
        name = f"{label + 1:03d}_{self.index[index]:04d}.jpg"
        return self._transformed(_opened(self._path(self.categories[label], name)), label)

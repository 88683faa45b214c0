"""Data sets of photographs in folders, with lists of what is in which split. Source: torchvision/datasets/{eurosat,dtd,gtsrb,food101,…}.py

All give (image, class number), the image in RGB unless `loader` says otherwise. RuntimeError where the files are missing.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Sequence
from typing import Any

from suiren.vision.datasets.folder import default_loader, find_classes, make_dataset
from suiren.vision.datasets.matlab import load_matrices
from suiren.vision.datasets.utils import check_integrity, download_and_extract_archive, download_url, verify_str_arg
from suiren.vision.datasets.vision import VisionDataset

_MISSING = "Dataset not found. You can use download=True to download it"


class _Photos(VisionDataset):
    """Base: fetches the archives if asked to, then `_list()` gives [(path, class number), …]."""

    _archives: tuple[tuple[str, str | None], ...] = ()  # (URL, MD5 if it is known)
    _folder = ""  # in `root`: where the archives are unpacked

    def __init__(
        self,
        root: str | os.PathLike,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        loader: Callable[[str], Any] = default_loader,
        *,
        transforms: Callable | None = None,
    ):
        super().__init__(root, transforms=transforms, transform=transform, target_transform=target_transform)
        self._base = os.path.join(os.path.expanduser(self.root), self._folder)
        self.loader = loader
        if download:
            self.download()
        if not self._check_exists():
            raise RuntimeError(_MISSING)
        self._samples = self._list()

    def _check_exists(self) -> bool:
        raise NotImplementedError

    def _list(self) -> list[tuple[str, int]]:
        raise NotImplementedError

    def _named(self, classes: Sequence[str]) -> None:
        self.classes = list(classes)
        self.class_to_idx = {name: i for i, name in enumerate(self.classes)}

    def download(self) -> None:
        """Fetches and unpacks what is missing."""
        if not self._check_exists():
            for url, md5 in self._archives:
                download_and_extract_archive(url, self._base, md5=md5)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        path, label = self._samples[index]
        return self._transformed(self.loader(path), label)

    def __len__(self) -> int:
        return len(self._samples)


def _lines(path: str) -> list[str]:
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


class _WithSplit(_Photos):
    _splits: tuple[str, ...] = ()

    def __init__(
        self,
        root: str | os.PathLike,
        split: str = "train",
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        loader: Callable[[str], Any] = default_loader,
        *,
        transforms: Callable | None = None,
    ):
        self._split = verify_str_arg(split, "split", self._splits)
        super().__init__(root, transform, target_transform, download, loader, transforms=transforms)

    def extra_repr(self) -> str:
        return f"split={self._split}"


class EuroSAT(_Photos):
    """27,000 satellite images of 64×64, ten uses of land. Source: https://github.com/phelber/eurosat"""

    _archives = (
        ("https://huggingface.co/datasets/torchgeo/eurosat/resolve/c877bcd43f099cd0196738f714544e355477f3fd/EuroSAT.zip", "c8fa014336c82ac7804f0398fcb19387"),
    )
    _folder = "eurosat"

    def _check_exists(self) -> bool:
        return os.path.exists(os.path.join(self._base, "2750"))

    def _list(self) -> list[tuple[str, int]]:
        folder = os.path.join(self._base, "2750")
        self.classes, self.class_to_idx = find_classes(folder)
        self.samples = self.imgs = make_dataset(folder, self.class_to_idx, (".jpg", ".jpeg", ".png", ".tif"))
        self.targets = [label for _, label in self.samples]
        return self.samples


class DTD(_WithSplit):
    """5,640 textures, 47 classes, in ten partitions. Source: https://www.robots.ox.ac.uk/~vgg/data/dtd"""

    _archives = (("https://www.robots.ox.ac.uk/~vgg/data/dtd/download/dtd-r1.0.1.tar.gz", "fff73e5086ae6bdbea199a49dfb8a4c1"),)
    _folder, _splits = "dtd", ("train", "val", "test")

    def __init__(
        self,
        root: str | os.PathLike,
        split: str = "train",
        partition: int = 1,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        loader: Callable[[str], Any] = default_loader,
    ):
        if not isinstance(partition, int) or not 1 <= partition <= 10:
            raise ValueError(f"Parameter 'partition' should be an integer with `1 <= partition <= 10`, but got {partition} instead")
        self._partition = partition
        super().__init__(root, split, transform, target_transform, download, loader)

    def _check_exists(self) -> bool:
        return os.path.isdir(os.path.join(self._base, "dtd"))

    def _list(self) -> list[tuple[str, int]]:
        names = [line.strip().split("/") for line in _lines(os.path.join(self._base, "dtd", "labels", f"{self._split}{self._partition}.txt"))]
        self._named(sorted({label for label, _ in names}))
        return [(os.path.join(self._base, "dtd", "images", label, name), self.class_to_idx[label]) for label, name in names]

    def extra_repr(self) -> str:
        return f"split={self._split}, partition={self._partition}"


class GTSRB(_WithSplit):
    """German traffic signs, 43 classes: 26,640 for training, 12,630 for testing. Source: https://benchmark.ini.rub.de"""

    _URL = "https://sid.erda.dk/public/archives/daaeac0d7ce1152aea9b61d9f1e19370/"
    _folder, _splits = "gtsrb", ("train", "test")

    def _target_folder(self) -> str:
        return os.path.join(self._base, "GTSRB", "Training" if self._split == "train" else os.path.join("Final_Test", "Images"))

    def _check_exists(self) -> bool:
        return os.path.isdir(self._target_folder())

    @property
    def _archives(self) -> tuple[tuple[str, str], ...]:
        if self._split == "train":
            return ((self._URL + "GTSRB-Training_fixed.zip", "513f3c79a4c5141765e10e952eaa2478"),)
        return (
            (self._URL + "GTSRB_Final_Test_Images.zip", "c7e4e6327067d32654124b0fe9e82185"),
            (self._URL + "GTSRB_Final_Test_GT.zip", "fe31e9c9270bbcd7b84b7f21a9d9d9e5"),
        )

    def _list(self) -> list[tuple[str, int]]:
        if self._split == "train":
            return make_dataset(self._target_folder(), extensions=(".ppm",))
        with open(os.path.join(self._base, "GT-final_test.csv"), newline="") as file:
            rows = csv.DictReader(file, delimiter=";", skipinitialspace=True)
            return [(os.path.join(self._target_folder(), row["Filename"]), int(row["ClassId"])) for row in rows]


class Food101(_WithSplit):
    """101,000 photographs of 101 dishes. Source: https://data.vision.ee.ethz.ch/cvl/datasets_extra/food-101"""

    _archives = (("http://data.vision.ee.ethz.ch/cvl/food-101.tar.gz", "85eeb15f3717b99a5da872d97d918f87"),)
    _splits = ("train", "test")

    def _check_exists(self) -> bool:
        return all(os.path.isdir(os.path.join(self._base, "food-101", name)) for name in ("meta", "images"))

    def _list(self) -> list[tuple[str, int]]:
        with open(os.path.join(self._base, "food-101", "meta", f"{self._split}.json"), encoding="utf-8") as file:
            listed = json.load(file)
        self._named(sorted(listed))
        folder = os.path.join(self._base, "food-101", "images")
        return [(os.path.join(folder, *f"{path}.jpg".split("/")), self.class_to_idx[name]) for name, paths in listed.items() for path in paths]


class Country211(_WithSplit):
    """Photographs of 211 countries. Source: https://github.com/openai/CLIP/blob/main/data/country211.md"""

    _archives = (("https://openaipublic.azureedge.net/clip/data/country211.tgz", "84988d7644798601126c29e9877aab6a"),)
    _splits = ("train", "valid", "test")

    def _check_exists(self) -> bool:
        return os.path.isdir(os.path.join(self._base, "country211"))

    def _list(self) -> list[tuple[str, int]]:
        folder = os.path.join(self._base, "country211", self._split)
        self.classes, self.class_to_idx = find_classes(folder)
        self.samples = self.imgs = make_dataset(folder, self.class_to_idx, (".jpg", ".jpeg", ".png"))
        self.targets = [label for _, label in self.samples]
        return self.samples


class RenderedSST2(_WithSplit):
    """Sentences as pictures: negative or positive. Source: https://github.com/openai/CLIP/blob/main/data/rendered-sst2.md"""

    _archives = (("https://openaipublic.azureedge.net/clip/data/rendered-sst2.tgz", "2384d08e9dcfa4bd55b324e610496ee5"),)
    _splits = ("train", "val", "test")

    classes, class_to_idx = ["negative", "positive"], {"negative": 0, "positive": 1}

    def _split_folder(self) -> str:
        return os.path.join(self._base, "rendered-sst2", "valid" if self._split == "val" else self._split)

    def _check_exists(self) -> bool:
        return all(os.path.isdir(os.path.join(self._split_folder(), name)) for name in self.classes)

    def _list(self) -> list[tuple[str, int]]:
        return make_dataset(self._split_folder(), self.class_to_idx, extensions=("png",))


class FGVCAircraft(_WithSplit):
    """10,000 photographs of aircraft: 100 variants, 70 families or 41 manufacturers. Source: https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft"""

    _archives = (("https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/archives/fgvc-aircraft-2013b.tar.gz", None),)
    _splits = ("train", "val", "trainval", "test")

    def __init__(
        self,
        root: str | os.PathLike,
        split: str = "trainval",
        annotation_level: str = "variant",
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
        loader: Callable[[str], Any] = default_loader,
    ):
        self._level = verify_str_arg(annotation_level, "annotation_level", ("variant", "family", "manufacturer"))
        super().__init__(root, split, transform, target_transform, download, loader)

    def _check_exists(self) -> bool:
        return os.path.isdir(os.path.join(self._base, "fgvc-aircraft-2013b"))

    def _list(self) -> list[tuple[str, int]]:
        folder = os.path.join(self._base, "fgvc-aircraft-2013b", "data")
        plural = {"variant": "variants", "family": "families", "manufacturer": "manufacturers"}[self._level]
        self._named([line.strip() for line in _lines(os.path.join(folder, f"{plural}.txt"))])
        rows = [line.strip().split(" ", 1) for line in _lines(os.path.join(folder, f"images_{self._level}_{self._split}.txt"))]
        return [(os.path.join(folder, "images", f"{name}.jpg"), self.class_to_idx[label]) for name, label in rows]


class Imagenette(_WithSplit):
    """Ten easy classes of ImageNet; `size`: "full", "320px" or "160px". Source: https://github.com/fastai/imagenette"""

    _ARCHIVES = {
        "full": ("https://s3.amazonaws.com/fast-ai-imageclas/imagenette2.tgz", "fe2fc210e6bb7c5664d602c3cd71e612"),
        "320px": ("https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-320.tgz", "3df6f0d01a2c9592104656642f5e78a3"),
        "160px": ("https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-160.tgz", "e793b78cc4c9e9a4ccc0c1155377a412"),
    }
    _NAMES = {
        "n01440764": ("tench", "Tinca tinca"), "n02102040": ("English springer", "English springer spaniel"), "n02979186": ("cassette player",),
        "n03000684": ("chain saw", "chainsaw"), "n03028079": ("church", "church building"), "n03394916": ("French horn", "horn"),
        "n03417042": ("garbage truck", "dustcart"), "n03425413": ("gas pump", "gasoline pump", "petrol pump", "island dispenser"),
        "n03445777": ("golf ball",), "n03888257": ("parachute", "chute"),
    }  # fmt: skip
    _splits = ("train", "val")

    def __init__(
        self,
        root: str | os.PathLike,
        split: str = "train",
        size: str = "full",
        download: bool = False,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        loader: Callable[[str], Any] = default_loader,
    ):
        self._size = verify_str_arg(size, "size", tuple(self._ARCHIVES))
        self._archives = (self._ARCHIVES[size],)
        super().__init__(root, split, transform, target_transform, download, loader)

    def _size_folder(self) -> str:
        return os.path.join(self._base, os.path.splitext(os.path.basename(self._ARCHIVES[self._size][0]))[0])

    def _check_exists(self) -> bool:
        return os.path.exists(self._size_folder())

    def _list(self) -> list[tuple[str, int]]:
        folder = os.path.join(self._size_folder(), self._split)
        self.wnids, self.wnid_to_idx = find_classes(folder)
        self.classes = [self._NAMES[wnid] for wnid in self.wnids]
        self.class_to_idx = {name: i for wnid, i in self.wnid_to_idx.items() for name in self._NAMES[wnid]}
        return make_dataset(folder, self.wnid_to_idx, extensions=".jpeg")

    def extra_repr(self) -> str:
        return ""


class Flowers102(_WithSplit):
    """8,189 photographs of 102 flowers. Source: https://www.robots.ox.ac.uk/~vgg/data/flowers/102"""

    _URL = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102/"
    _file_dict = {
        "image": ("102flowers.tgz", "52808999861908f626f3c1f4e79d11fa"),
        "label": ("imagelabels.mat", "e0620be6f572b9609742df49c70aed4d"),
        "setid": ("setid.mat", "a5357ecc9cb78c4bef273ce3793fc85c"),
    }
    _folder, _splits = "flowers-102", ("train", "val", "test")

    def _check_exists(self) -> bool:
        files = (self._file_dict[key] for key in ("label", "setid"))
        return os.path.isdir(os.path.join(self._base, "jpg")) and all(check_integrity(os.path.join(self._base, name), md5) for name, md5 in files)

    def download(self) -> None:
        """Fetches and unpacks what is missing."""
        if not self._check_exists():
            name, md5 = self._file_dict["image"]
            download_and_extract_archive(self._URL + name, self._base, md5=md5)
            for key in ("label", "setid"):
                name, md5 = self._file_dict[key]
                download_url(self._URL + name, self._base, md5=md5)

    def _list(self) -> list[tuple[str, int]]:
        numbers, labels = (load_matrices(os.path.join(self._base, self._file_dict[key][0])) for key in ("setid", "label"))
        chosen = numbers[{"train": "trnid", "val": "valid", "test": "tstid"}[self._split]].reshape(-1).tolist()
        classes = labels["labels"].reshape(-1)
        return [(os.path.join(self._base, "jpg", f"image_{int(i):05d}.jpg"), int(classes[int(i) - 1]) - 1) for i in chosen]


class OxfordIIITPet(_WithSplit):
    """7,349 photographs of 37 breeds of cats and dogs. `target_types`: "category", "binary-category", "segmentation" or several.

    Source: https://www.robots.ox.ac.uk/~vgg/data/pets
    """

    _archives = (
        ("https://www.robots.ox.ac.uk/~vgg/data/pets/data/images.tar.gz", "5c4f3ee8e5d25df40f4fd59a7f44e54c"),
        ("https://www.robots.ox.ac.uk/~vgg/data/pets/data/annotations.tar.gz", "95a8c909bbe2e81eed6a22bccdf3f68f"),
    )
    _folder, _splits = "oxford-iiit-pet", ("trainval", "test")

    def __init__(
        self,
        root: str | os.PathLike,
        split: str = "trainval",
        target_types: Sequence[str] | str = "category",
        transforms: Callable | None = None,
        transform: Callable | None = None,
        target_transform: Callable | None = None,
        download: bool = False,
    ):
        given = [target_types] if isinstance(target_types, str) else target_types
        self._target_types = [verify_str_arg(t, "target_types", ("category", "binary-category", "segmentation")) for t in given]
        super().__init__(root, split, transform, target_transform, download, transforms=transforms)

    def _check_exists(self) -> bool:
        return all(os.path.isdir(os.path.join(self._base, name)) for name in ("images", "annotations"))

    def _list(self) -> list[tuple[str, int]]:
        rows = [line.split() for line in _lines(os.path.join(self._base, "annotations", f"{self._split}.txt"))]
        labels = [int(row[1]) - 1 for row in rows]
        self._bin_labels = [int(row[2]) - 1 for row in rows]
        names = sorted({(row[0].rsplit("_", 1)[0], label) for row, label in zip(rows, labels)}, key=lambda pair: pair[1])
        self._named([" ".join(part.title() for part in name.split("_")) for name, _ in names])
        self.bin_classes = ["Cat", "Dog"]
        self.bin_class_to_idx = {"Cat": 0, "Dog": 1}
        self._segs = [os.path.join(self._base, "annotations", "trimaps", f"{row[0]}.png") for row in rows]
        return [(os.path.join(self._base, "images", f"{row[0]}.jpg"), label) for row, label in zip(rows, labels)]

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        from PIL import Image

        path, label = self._samples[index]
        found = {"category": label, "binary-category": self._bin_labels[index]}
        targets = [Image.open(self._segs[index]) if t == "segmentation" else found[t] for t in self._target_types]
        pair = (self.loader(path), None if not targets else targets[0] if len(targets) == 1 else tuple(targets))
        return pair if self.transforms is None else self.transforms(*pair)

    def extra_repr(self) -> str:
        return ""

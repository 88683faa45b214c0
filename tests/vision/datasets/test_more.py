"""Data sets in files of other sorts, made here as their authors' are."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from suiren.vision import datasets
from suiren.vision.datasets import utils
from suiren.vision.datasets.matlab import load_matrices
from tests import recorded

RECORDED = Path(recorded.__file__).parent / "vision.npz"
NUMBERS = np.random.default_rng(0)


def md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def put(path: Path, data: bytes | str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return md5(path.read_bytes())


def photo(path: Path, value: int = 10, mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (4, 4), (value,) * 3 if mode == "RGB" else value).save(path)


def idx(array: np.ndarray) -> bytes:
    code = {"u1": 8, "i4": 12}[array.dtype.str[1:]]
    return bytes([0, 0, code, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.astype(array.dtype.newbyteorder(">")).tobytes()


# ---------------------------------------------------------------- MATLAB's files


def matrix(name: str, a: np.ndarray, order: str = "<", kind: int = 9, stored: int = 2) -> bytes:
    def element(kind: int, data: bytes) -> bytes:
        return np.array([kind, len(data)], order + "u4").tobytes() + data + bytes(-len(data) % 8)

    parts = [element(6, np.array([kind, 0], order + "u4").tobytes()), element(5, np.array(a.shape, order + "i4").tobytes())]
    parts += [element(1, name.encode()), element(stored, a.astype(a.dtype.newbyteorder(order)).tobytes(order="F"))]
    return element(14, b"".join(parts))


def mat_file(*matrices: bytes, order: str = "<") -> bytes:
    return b"MATLAB 5.0".ljust(124) + (b"\x00\x01IM" if order == "<" else b"\x01\x00MI") + b"".join(matrices)


@pytest.mark.parametrize("compressed", [False, True])
def test_matlab_files_of_scipy(compressed, tmp_path):
    put(tmp_path / "x.mat", recorded.recorded(f"matlab {compressed}", file=RECORDED).tobytes())
    found = load_matrices(tmp_path / "x.mat")
    assert sorted(found) == ["X", "y", "z"]
    assert np.array_equal(found["X"], np.arange(24).reshape(2, 3, 4)) and found["X"].dtype == np.uint8
    assert found["y"].tolist() == [[10], [1]] and found["z"].tolist() == [[1.5, -2.0]]


def test_matlab_files_that_are_none(tmp_path):
    values = np.arange(6, dtype=np.uint16).reshape(2, 3)
    put(tmp_path / "big.mat", mat_file(matrix("a", values, ">", 11, 4), order=">"))
    assert np.array_equal(load_matrices(tmp_path / "big.mat")["a"], values)
    good = mat_file(matrix("a", values, "<", 11, 4))
    for bad in (b"", b"PNG" * 100, good[:150], good[:-8], good[:128] + np.array([15, 4], "<u4").tobytes() + b"junk"):
        put(tmp_path / "bad.mat", bad)
        with pytest.raises(RuntimeError, match="is no MATLAB file|is damaged"):
            load_matrices(tmp_path / "bad.mat")


# ---------------------------------------------------------------- small images


def test_svhn(tmp_path):
    images = NUMBERS.integers(0, 256, (32, 32, 3, 4), np.uint8)
    sum_ = put(tmp_path / "train_32x32.mat", mat_file(matrix("X", images), matrix("y", np.array([[10], [3], [9], [1]], np.uint8))))

    class Small(datasets.SVHN):
        split_list = {"train": ["http://127.0.0.1:9/x", "train_32x32.mat", sum_], "test": ["http://127.0.0.1:9/x", "none.mat", "0"]}

    data = Small(tmp_path, transform=np.asarray)
    assert len(data) == 4 and [data[i][1] for i in range(4)] == [0, 3, 9, 1] and np.array_equal(data[2][0], images[..., 2])
    assert data.data.shape == (4, 3, 32, 32) and "Split: train" in repr(data)
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted"):
        Small(tmp_path, "test")
    with pytest.raises(RuntimeError, match="Is there a network connection"):
        Small(tmp_path, "test", download=True)
    with pytest.raises(ValueError, match="Unknown value 'x' for argument split"):
        datasets.SVHN(tmp_path, "x")


def test_stl10(tmp_path):
    images = NUMBERS.integers(0, 256, (3, 3, 96, 96), np.uint8)
    sums = {}
    for name, data in (("train_X", images), ("train_y", np.array([1, 10, 2], np.uint8)), ("unlabeled_X", images[:2]), ("test_X", images[1:]), ("test_y", np.array([5, 6], np.uint8))):
        sums[name] = put(tmp_path / "stl10_binary" / f"{name}.bin", data.tobytes())
    put(tmp_path / "stl10_binary" / "class_names.txt", "airplane\nbird\n")
    put(tmp_path / "stl10_binary" / "fold_indices.txt", "0 1 \n2 0 \n" + "1 \n" * 8)

    class Small(datasets.STL10):
        train_list = [[f"{n}.bin", sums[n]] for n in ("train_X", "train_y", "unlabeled_X")]
        test_list = [[f"{n}.bin", sums[n]] for n in ("test_X", "test_y")]

    data = Small(tmp_path, transform=np.asarray)
    assert data.labels.tolist() == [0, 9, 1] and np.array_equal(data[1][0], images[1].transpose(2, 1, 0)) and data.classes == ["airplane", "bird"]
    assert Small(tmp_path, folds=1).labels.tolist() == [1, 0]
    assert Small(tmp_path, "test").labels.tolist() == [4, 5] and Small(tmp_path, "unlabeled").labels.tolist() == [-1, -1]
    assert Small(tmp_path, "train+unlabeled").labels.tolist() == [0, 9, 1, -1, -1]
    for folds in (10, "1"):
        with pytest.raises(ValueError, match="argument folds"):
            Small(tmp_path, folds=folds)


def test_usps_and_semeion(tmp_path):
    text = "\n".join(f"{label} " + " ".join(f"{i + 1}:{value}" for i in range(256)) for label, value in ((1, -1), (10, 1))) + "\n"
    sum_ = put(tmp_path / "usps.bz2", bz2.compress(text.encode()))

    class Small(datasets.USPS):
        split_list = {"train": ["http://127.0.0.1:9/usps.bz2", "usps.bz2", sum_]}

    data = Small(tmp_path)
    assert [(image.getpixel((3, 3)), image.size, label) for image, label in data] == [(0, (16, 16), 0), (255, (16, 16), 9)]
    rows = [" ".join(["1.0000"] * 256 + ["1" if i == label else "0" for i in range(10)]) for label in (3, 7)]
    sum_ = put(tmp_path / "semeion.data", "\n".join(rows))

    class Smaller(datasets.SEMEION):
        md5_checksum = sum_

    assert [(image.getpixel((0, 0)), label) for image, label in Smaller(tmp_path)] == [(255, 3), (255, 7)]
    with pytest.raises(RuntimeError, match="Dataset not found"):
        datasets.SEMEION(tmp_path / "none", download=False)


def test_emnist(server, tmp_path):
    images, labels = NUMBERS.integers(0, 256, (3, 28, 28), np.uint8), np.array([1, 26, 2], np.uint8)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("gzip/emnist-letters-train-images-idx3-ubyte.gz", gzip.compress(idx(images)))
        archive.writestr("gzip/emnist-letters-train-labels-idx1-ubyte.gz", gzip.compress(idx(labels)))
    server.files["/gzip.zip"] = file.getvalue()

    class Small(datasets.EMNIST):
        url, md5 = server.url + "/gzip.zip", md5(file.getvalue())

    data = Small(tmp_path, "letters", download=True)
    assert data.classes[data[1][1]] == "z" and np.array_equal(np.asarray(data[2][0]), images[2]) and data.class_to_idx["a"] == 1
    assert not (tmp_path / "Small" / "raw" / "gzip").exists()
    assert len(datasets.EMNIST.classes_split_dict["bymerge"]) == 47 and len(datasets.EMNIST.classes_split_dict["byclass"]) == 62
    with pytest.raises(ValueError, match="Unknown value 'x' for argument split"):
        Small(tmp_path, "x")


def test_qmnist(server, tmp_path):
    images, facts = NUMBERS.integers(0, 256, (3, 28, 28), np.uint8), np.arange(24, dtype=np.int32).reshape(3, 8)
    files = {"/i-idx3-ubyte.gz": gzip.compress(idx(images)), "/l-idx2-int.gz": gzip.compress(idx(facts)), "/xi-idx3-ubyte.xz": lzma.compress(idx(images)), "/xl-idx2-int.xz": lzma.compress(idx(facts))}
    server.files.update(files)

    class Small(datasets.QMNIST):
        resources = {part: [(server.url + name, md5(files[name])) for name in names] for part, names in
                     (("train", list(files)[:2]), ("nist", list(files)[2:]))}  # fmt: skip

    data = Small(tmp_path, download=True)
    assert [label for _, label in data] == [0, 8, 16] and np.array_equal(data.targets.numpy(), facts) and "Split: train" in repr(data)
    assert Small(tmp_path, "nist", compat=False, download=True)[1][1].tolist() == list(range(8, 16))


def test_mnist_may_be_cut_down(tmp_path):
    for part in ("train", "t10k"):
        put(tmp_path / "MNIST" / "raw" / f"{part}-images-idx3-ubyte", idx(NUMBERS.integers(0, 256, (4, 28, 28), np.uint8)))
        put(tmp_path / "MNIST" / "raw" / f"{part}-labels-idx1-ubyte", idx(np.array([3, 1, 4, 1], np.uint8)))
    data = datasets.MNIST(tmp_path)
    keep = data.targets == 1
    data.data, data.targets = data.data[keep], data.targets[keep]
    assert len(data) == 2 and [label for _, label in data] == [1, 1] and tuple(data.data.shape) == (2, 28, 28)
    data.targets[data.targets == 1] = 5
    data.data[1] = 9
    assert data[0][1] == data[1][1] == 5 and np.unique(np.asarray(data[1][0])).tolist() == [9]
    with pytest.warns(UserWarning, match="train_labels has been renamed targets"):
        assert data.train_labels is data.targets
    data.targets = [7, 8]
    assert data[1][1] == 8 and data.targets == [7, 8]


# ---------------------------------------------------------------- photographs


def pixel(data, i):
    image, label = data[i]
    return image.getpixel((0, 0))[0], label


def test_dtd(tmp_path):
    photo(tmp_path / "dtd/dtd/images/woven/a.jpg", 30)
    photo(tmp_path / "dtd/dtd/images/banded/b.jpg", 60)
    put(tmp_path / "dtd/dtd/labels/val3.txt", "woven/a.jpg\nbanded/b.jpg\n")
    data = datasets.DTD(tmp_path, "val", partition=3)
    assert data.classes == ["banded", "woven"] and [pixel(data, i) for i in range(2)] == [(30, 1), (60, 0)]
    assert "split=val, partition=3" in repr(data)
    with pytest.raises(ValueError, match="'partition' should be an integer"):
        datasets.DTD(tmp_path, partition=11)


def test_gtsrb(tmp_path):
    photo(tmp_path / "gtsrb/GTSRB/Training/00001/a.ppm", 30)
    photo(tmp_path / "gtsrb/GTSRB/Training/00000/b.ppm", 60)
    photo(tmp_path / "gtsrb/GTSRB/Final_Test/Images/c.ppm", 90)
    put(tmp_path / "gtsrb/GT-final_test.csv", "Filename;Width;ClassId\nc.ppm;4;16\n")
    data = datasets.GTSRB(tmp_path)
    assert [pixel(data, i) for i in range(2)] == [(60, 0), (30, 1)] and pixel(datasets.GTSRB(str(tmp_path), "test"), 0) == (90, 16)


def test_food_countries_and_sentences(tmp_path):
    photo(tmp_path / "food-101/images/tacos/1.jpg", 30)
    photo(tmp_path / "food-101/images/pizza/2.jpg", 60)
    put(tmp_path / "food-101/meta/train.json", json.dumps({"tacos": ["tacos/1"], "pizza": ["pizza/2"]}))
    data = datasets.Food101(tmp_path)
    assert data.classes == ["pizza", "tacos"] and [pixel(data, i) for i in range(2)] == [(30, 1), (60, 0)]
    for name in ("AD", "ZW"):
        photo(tmp_path / "country211/valid" / name / "a.jpg", 90)
    data = datasets.Country211(tmp_path, "valid")
    assert data.classes == ["AD", "ZW"] and data.targets == [0, 1] and pixel(data, 1) == (90, 1)
    for name in ("positive", "negative"):
        photo(tmp_path / "rendered-sst2/valid" / name / "a.png", 90)
    assert len(datasets.RenderedSST2(tmp_path, "val")) == 2
    with pytest.raises(RuntimeError, match="Dataset not found"):
        datasets.RenderedSST2(tmp_path, "train")


def test_eurosat_and_imagenette(tmp_path):
    photo(tmp_path / "eurosat/2750/Forest/a.jpg", 30)
    photo(tmp_path / "eurosat/2750/River/b.jpg", 60)
    data = datasets.EuroSAT(tmp_path)
    assert data.classes == ["Forest", "River"] and pixel(data, 1) == (60, 1) and data.samples is data.imgs
    for wnid in ("n03888257", "n01440764"):
        photo(tmp_path / "imagenette2-160/val" / wnid / "a.JPEG", 30)
    data = datasets.Imagenette(tmp_path, "val", "160px")
    assert data.classes == [("tench", "Tinca tinca"), ("parachute", "chute")] and data.class_to_idx["chute"] == 1 and len(data) == 2


def test_aircraft(tmp_path):
    folder = tmp_path / "fgvc-aircraft-2013b/data"
    photo(folder / "images/0001.jpg", 30)
    put(folder / "manufacturers.txt", "Airbus\nBoeing Company\n")
    put(folder / "images_manufacturer_test.txt", "0001 Boeing Company\n")
    data = datasets.FGVCAircraft(tmp_path, "test", "manufacturer")
    assert pixel(data, 0) == (30, 1) and data.classes[1] == "Boeing Company"


def test_flowers(tmp_path):
    base = tmp_path / "flowers-102"
    photo(base / "jpg/image_00002.jpg", 30)
    sums = {"image": ("102flowers.tgz", "")}
    for key, name, matrices in (("label", "imagelabels.mat", [matrix("labels", np.array([[5, 77]], np.uint8))]), ("setid", "setid.mat", [matrix("trnid", np.array([[2]], np.uint8))])):
        sums[key] = (name, put(base / name, mat_file(*matrices)))

    class Small(datasets.Flowers102):
        _file_dict = sums

    assert [pixel(Small(tmp_path), 0)] == [(30, 76)]


def test_pets(tmp_path):
    base = tmp_path / "oxford-iiit-pet"
    for name, value in (("Abyssinian_1", 30), ("yorkshire_terrier_2", 60)):
        photo(base / "images" / f"{name}.jpg", value)
        photo(base / "annotations/trimaps" / f"{name}.png", value, "L")
    put(base / "annotations/trainval.txt", "Abyssinian_1 1 1 1\nyorkshire_terrier_2 2 2 1\n")
    data = datasets.OxfordIIITPet(tmp_path)
    assert data.classes == ["Abyssinian", "Yorkshire Terrier"] and [pixel(data, i) for i in range(2)] == [(30, 0), (60, 1)]
    image, (binary, mask) = datasets.OxfordIIITPet(tmp_path, target_types=["binary-category", "segmentation"], transforms=lambda i, t: (i, t))[1]
    assert (binary, mask.getpixel((1, 1)), image.mode) == (1, 60, "RGB")


def zip_of(files: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return whole.getvalue()


def tar_of(folder: Path, mode: str) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode=mode) as archive:
        archive.add(folder, folder.name)
    return whole.getvalue()


def test_omniglot(server, tmp_path, monkeypatch):
    for i, name in enumerate(["b/character02/0", "b/character01/1", "b/character01/0", "a/character01/0"]):
        photo(tmp_path / f"made/{name}.png", 30 * i, "L")
    files = {f"images_evaluation/{p.relative_to(tmp_path / 'made')}": p.read_bytes() for p in (tmp_path / "made").rglob("*.png")}
    archive = zip_of(files)
    server.files["/images_evaluation.zip"] = archive
    monkeypatch.setattr(datasets.Omniglot, "download_url_prefix", server.url.rstrip("/"))
    monkeypatch.setattr(datasets.Omniglot, "zips_md5", {"images_evaluation": md5(archive), "images_background": "0"})
    data = datasets.Omniglot(tmp_path, background=False, download=True)
    assert [(image.getpixel((0, 0)), image.mode, label) for image, label in (data[i] for i in range(len(data)))] == [
        (90, "L", 0), (60, "L", 1), (30, "L", 1), (0, "L", 2),
    ]  # fmt: skip
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted"):
        datasets.Omniglot(tmp_path)


def test_caltech(tmp_path, monkeypatch):
    objects, outlines = tmp_path / "made/101_ObjectCategories", tmp_path / "made/Annotations"
    for name in ("Faces/image_0001", "ant/image_0001", "ant/image_0002", "BACKGROUND_Google/image_0001"):
        photo(objects / f"{name}.jpg", 30 * len(name))
    for name in ("Faces_2/annotation_0001", "ant/annotation_0001", "ant/annotation_0002"):
        put(outlines / f"{name}.mat", mat_file(matrix("obj_contour", np.full((2, 3), float(len(name))), kind=6, stored=9)))
    parts = {"101_ObjectCategories.tar.gz": tar_of(objects, "w:gz"), "Annotations.tar": tar_of(outlines, "w")}
    put(tmp_path / "caltech101/caltech-101.zip", zip_of({f"caltech-101/{name}": data for name, data in parts.items()}))
    monkeypatch.setattr(utils, "check_integrity", lambda path, md5=None: Path(path).is_file())
    data = datasets.Caltech101(tmp_path, ["category", "annotation"], download=True)
    assert sorted(p.name for p in (tmp_path / "caltech101").iterdir()) == ["101_ObjectCategories", "Annotations"]
    assert data.categories == ["Faces", "ant"] and data.y == [0, 1, 1] and data.index == [1, 1, 2]
    image, (label, outline) = data[0]
    assert (image.size, label) == ((4, 4), 0) and np.array_equal(outline, np.full((2, 3), 23.0))
    assert datasets.Caltech101(str(tmp_path), "category", transform=lambda image: image.mode)[2] == ("RGB", 1)
    with pytest.raises(ValueError, match="Unknown value 'box' for argument target_type"):
        datasets.Caltech101(tmp_path, "box")
    for name in ("001.ak47/001_0001", "002.flag/002_0001"):
        photo(tmp_path / f"caltech256/256_ObjectCategories/{name}.jpg", 60)
    assert pixel(datasets.Caltech256(tmp_path), 1) == (60, 1)
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted"):
        datasets.Caltech256(tmp_path / "elsewhere")


@pytest.mark.parametrize("name", ["DTD", "GTSRB", "Country211", "EuroSAT", "FGVCAircraft", "Flowers102", "Food101", "Imagenette", "OxfordIIITPet"])
def test_missing(name, tmp_path):
    with pytest.raises(RuntimeError, match="Dataset not found. You can use download=True to download it"):
        getattr(datasets, name)(tmp_path)

"""Data sets of files in folders, of IDX files, and of random images."""

from __future__ import annotations

import gzip
import hashlib

import numpy as np
import pytest
from PIL import Image

import suiren
from suiren.vision.datasets import MNIST, DatasetFolder, FakeData, ImageFolder
from suiren.vision.datasets.mnist import read_idx


@pytest.fixture
def tree(tmp_path):
    for name, value in (("cat/b.png", 10), ("cat/deep/a.PNG", 20), ("dog/x.jpg", 30), ("dog/notes.txt", None)):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if value is None:
            path.write_text("no image")
        else:
            Image.new("L", (4, 4), value).save(path)
    return tmp_path


def test_image_folder(tree):
    data = ImageFolder(tree, transform=lambda image: (image.mode, image.getpixel((0, 0))[0]))
    assert data.classes == ["cat", "dog"] and data.class_to_idx == {"cat": 0, "dog": 1} and data.targets == [0, 0, 1] and data.imgs is data.samples
    assert [data[i] for i in range(3)] == [(("RGB", 10), 0), (("RGB", 20), 0), (("RGB", 30), 1)]


def test_dataset_folder(tree):
    data = DatasetFolder(str(tree), loader=lambda path: path.rpartition("/")[2], extensions=(".txt",), allow_empty=True)
    assert len(data) == 1 and data[0] == ("notes.txt", 1)
    with pytest.raises(FileNotFoundError, match=r"Found no valid file for the classes cat\. Supported extensions are: \.txt"):
        DatasetFolder(tree, str, (".txt",))
    with pytest.raises(ValueError, match="Both extensions and is_valid_file"):
        DatasetFolder(tree, str)
    assert len(DatasetFolder(tree, str, is_valid_file=lambda path: True)) == 4
    with pytest.raises(FileNotFoundError, match="Couldn't find any class folder"):
        ImageFolder(tree / "dog")


def idx(array):
    header = bytes([0, 0, {"u1": 8, "i4": 12}[array.dtype.str[1:]], array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def test_mnist(server, tmp_path):
    numbers = np.random.default_rng(0)
    resources = []
    contents = {}
    for name, n in (("train", 9), ("t10k", 4)):
        for kind, array in (("images-idx3-ubyte", numbers.integers(0, 256, (n, 28, 28), np.uint8)), ("labels-idx1-ubyte", numbers.integers(0, 10, n).astype(np.uint8))):
            file = f"{name}-{kind}"
            contents[file] = array
            server.files[f"/{file}.gz"] = gzip.compress(idx(array))
            resources.append((f"{file}.gz", hashlib.md5(server.files[f"/{file}.gz"]).hexdigest()))

    class Small(MNIST):
        mirrors = ["http://127.0.0.1:9/", server.url + "/"]  # the first one is down

    Small.resources = resources
    with pytest.raises(RuntimeError, match="Dataset not found"):
        Small(tmp_path)
    data = Small(tmp_path, download=True)
    assert len(data) == 9 and np.array_equal(np.asarray(data[5][0]), contents["train-images-idx3-ubyte"][5])
    assert data[5][1] == contents["train-labels-idx1-ubyte"][5] and data[0][0].mode == "L"
    assert data.targets.dtype is suiren.int64 and data.data.dtype is suiren.uint8 and tuple(data.data.shape) == (9, 28, 28)
    assert len(Small(tmp_path, train=False)) == 4
    Small.mirrors = Small.mirrors[:1]
    with pytest.raises(RuntimeError, match="Error downloading train-images-idx3-ubyte.gz:\nTried http://127.0.0.1:9/, got"):
        Small(tmp_path / "elsewhere", download=True)


def test_idx_files(tmp_path):
    path = tmp_path / "x"
    array = np.arange(6, dtype=np.int32).reshape(2, 3)
    path.write_bytes(idx(array))
    assert np.array_equal(read_idx(path), array) and read_idx(path).dtype == np.int32
    for bad in (b"", b"\0\0\x08", b"PNG and more", idx(array)[:-1], idx(array) + b"x"):
        path.write_bytes(bad)
        with pytest.raises(RuntimeError, match="is no IDX file|is damaged"):
            read_idx(path)


def test_fake_data():
    data = FakeData(5, (3, 6, 7), num_classes=4)
    image, label = data[2]
    again, _ = data[2]
    assert image.size == (7, 6) and 0 <= label < 4 and np.array_equal(np.asarray(image), np.asarray(again)) and len(data) == 5
    with pytest.raises(IndexError):
        data[5]

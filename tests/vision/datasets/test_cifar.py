"""CIFAR10 and CIFAR100 on archives made here, served by a server on this machine."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import tarfile

import numpy as np
import pytest

from suiren.vision.datasets import CIFAR10, CIFAR100


def md5(data):
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def part(n, seed, label_key="labels", **more):
    numbers = np.random.default_rng(seed)
    content = {"data": numbers.integers(0, 256, (n, 3072), np.uint8), label_key: numbers.integers(0, 10, n).tolist(), "batch_label": "x", **more}
    return pickle.dumps(content, 2)


def archive_of(files, folder):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture
def small(server):
    """A CIFAR10 of 50 + 10 images, its archive on the server."""
    files = {f"data_batch_{i}": part(10, i) for i in range(1, 6)}
    files["test_batch"] = part(10, 6)
    files["batches.meta"] = pickle.dumps({"label_names": [f"class {i}" for i in range(10)]}, 2)
    archive = archive_of(files, CIFAR10.base_folder)
    server.files["/cifar-10-python.tar.gz"] = archive

    class Small(CIFAR10):
        url = server.url + "/cifar-10-python.tar.gz"
        tgz_md5 = md5(archive)
        train_list = [[name, md5(files[name])] for name in files if name.startswith("data")]
        test_list = [["test_batch", md5(files["test_batch"])]]
        meta = {"filename": "batches.meta", "key": "label_names", "md5": md5(files["batches.meta"])}

    Small.files = files
    return Small


def test_downloads_and_reads(small, tmp_path):
    with pytest.raises(RuntimeError, match="Dataset not found or corrupted. You can use download=True"):
        small(tmp_path)
    train = small(tmp_path, download=True, target_transform=lambda label: label + 100)
    assert len(train) == 50 and train.classes[3] == "class 3" and train.class_to_idx["class 4"] == 4
    image, label = train[13]
    first = pickle.loads(small.files["data_batch_2"])
    assert image.mode == "RGB" and image.size == (32, 32) and label == first["labels"][3] + 100
    assert np.array_equal(np.asarray(image), first["data"][3].reshape(3, 32, 32).transpose(1, 2, 0))
    test = small(tmp_path, train=False)
    assert len(test) == 10 and repr(test).splitlines() == [
        "Dataset Small", "    Number of datapoints: 10", f"    Root location: {tmp_path}", "    Split: Test",
    ]  # fmt: skip
    assert sorted(os.listdir(tmp_path)) == ["cifar-10-batches-py", "cifar-10-python.tar.gz"]


def test_downloads_once(small, tmp_path, server):
    small(tmp_path, download=True)
    asked = len(server.requests)
    small(tmp_path, download=True)
    assert len(server.requests) == asked


def test_damaged_files_are_fetched_again(small, tmp_path):
    small(tmp_path, download=True)
    path = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RuntimeError, match="corrupted"):
        small(tmp_path)
    assert len(small(tmp_path, download=True)) == 50


def test_a_pickle_that_would_run_code(small, tmp_path):
    """With the right checksum, as a hostile mirror could have it."""

    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "trap"),)

    small(tmp_path, download=True)
    path = tmp_path / "cifar-10-batches-py" / "data_batch_1"
    for evil in (pickle.dumps(Attack(), 2), pickle.dumps({"data": Attack()}, 4), b"\x80\x02garbage"):
        path.write_bytes(evil)
        small.train_list[0][1] = md5(evil)
        with pytest.raises(RuntimeError, match="data_batch_1 is damaged, or no part of this data set"):
            small(tmp_path)
        assert not (tmp_path / "trap").exists()


def test_python_2s_pickles(small, tmp_path):
    """The real files were written by Python 2: their texts are bytes to Python 3."""
    small(tmp_path, download=True)
    path = tmp_path / "cifar-10-batches-py" / "test_batch"
    data = np.arange(3072, dtype=np.uint16).astype(np.uint8).tobytes()
    text = (
        b"\x80\x02}(U\x04datacnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x01M\x00\x0c\x86"
        b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89T" + len(data).to_bytes(4, "little") + data
        + b"tbU\x06labels]K\x07au."
    )
    path.write_bytes(text)
    small.test_list = [["test_batch", md5(text)]]
    found = small(tmp_path, train=False)
    assert found.targets == [7] and np.asarray(found[0][0])[0, :3, 0].tolist() == [0, 1, 2]


def test_cifar100(server, tmp_path):
    files = {"train": part(7, 1, "fine_labels", coarse_labels=[0] * 7), "test": part(3, 2, "fine_labels"), "meta": pickle.dumps({"fine_label_names": ["a"] * 100}, 2)}
    for name, data in files.items():
        (tmp_path / "cifar-100-python").mkdir(exist_ok=True)
        (tmp_path / "cifar-100-python" / name).write_bytes(data)

    class Small(CIFAR100):
        train_list = [["train", md5(files["train"])]]
        test_list = [["test", md5(files["test"])]]
        meta = {"filename": "meta", "key": "fine_label_names", "md5": md5(files["meta"])}

    assert len(Small(tmp_path)) == 7 and len(Small(tmp_path, train=False)) == 3 and len(Small(tmp_path).classes) == 100

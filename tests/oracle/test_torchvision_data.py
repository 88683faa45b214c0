"""suiren.vision's data sets, operations and drawing beside a live torchvision."""

from __future__ import annotations

import hashlib
import inspect
import operator
import pickle
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("tests.oracle.torchvision_cpu").torchvision

import suiren  # noqa: E402
import suiren.vision  # noqa: E402
from suiren.config import config  # noqa: E402
from suiren.vision import datasets, ops, transforms, utils  # noqa: E402
from tests.vision import utils_cases  # noqa: E402
from tests.vision.ops import cases  # noqa: E402

pytestmark = pytest.mark.oracle

BOTH = [(suiren, datasets, transforms), (torch, torchvision.datasets, torchvision.transforms)]
NUMBERS = np.random.default_rng(0)


def contents(data: Any) -> list[Any]:
    """What every item is, and what the data set prints."""
    items = [(image.mode if isinstance(image, Image.Image) else str(image.dtype).split(".")[-1], np.asarray(image).tolist(), label) for image, label in data]
    return [len(data), *items, repr(data), getattr(data, "classes", None), getattr(data, "class_to_idx", None)]


def failure(attempt: Any) -> str:
    try:
        attempt()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def offered() -> list[str]:
    """What both have, of what is public."""
    found = []
    for module in ("datasets", "ops", "utils", "transforms", "transforms.functional", "transforms.v2", "transforms.v2.functional", "models"):
        theirs, ours = (operator.attrgetter(module)(v) for v in (torchvision, suiren.vision))
        found += [f"{module}.{name}" for name in sorted(vars(ours)) if not name.startswith("_") and getattr(getattr(theirs, name, None), "__module__", "").startswith("torchvision")]
    return found


@pytest.mark.parametrize("name", offered())
def test_arguments(name):
    """Names and order, and which may be left out; ours may take more."""
    theirs, ours = (
        [(p.name, p.kind, p.default is p.empty) for p in inspect.signature(operator.attrgetter(name)(v)).parameters.values()]
        for v in (torchvision, suiren.vision)
    )
    assert ours[: len(theirs)] == theirs and not any(is_needed for _, _, is_needed in ours[len(theirs) :])


# ---------------------------------------------------------------- data sets


@pytest.mark.parametrize("offset", [0, 7])
def test_fake_data(offset):
    found, expected = (
        contents(d.FakeData(5, (3, 9, 7), 4, tr.Compose([tr.RandomCrop(5), tr.ToTensor()]), target_transform=operator.neg, random_offset=offset))
        for t, d, tr in BOTH
        if t.manual_seed(3)
    )
    assert found == expected
    for _, d, _ in BOTH:
        with pytest.raises(IndexError, match="FakeData index out of range"):
            d.FakeData(3, (1, 2, 2))[3]


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


@pytest.mark.parametrize("name,key,labels", [("CIFAR10", "label_names", "labels"), ("CIFAR100", "fine_label_names", "fine_labels")])
def test_cifar(name, key, labels, tmp_path):
    """Small archives, in files of the real one's names, with what each framework's class says of them changed to fit."""
    theirs = getattr(torchvision.datasets, name)
    folder = tmp_path / theirs.base_folder
    folder.mkdir()
    for file, _ in theirs.train_list + theirs.test_list:
        part = {"data": NUMBERS.integers(0, 256, (3, 3072), np.uint8), labels: NUMBERS.integers(0, 10, 3).tolist()}
        (folder / file).write_bytes(pickle.dumps(part, 2))
    (folder / theirs.meta["filename"]).write_bytes(pickle.dumps({key: [f"class {i}" for i in range(10)]}, 2))
    small = {
        "train_list": [[file, md5(folder / file)] for file, _ in theirs.train_list],
        "test_list": [[file, md5(folder / file)] for file, _ in theirs.test_list],
        "meta": {**theirs.meta, "md5": md5(folder / theirs.meta["filename"])},
    }
    made = [(tr, type(name, (getattr(d, name),), small)) for _, d, tr in BOTH]
    for train in (True, False):
        found, expected = (contents(cls(str(tmp_path), train, transform=tr.RandomHorizontalFlip(0.0))) for tr, cls in made)
        assert found == expected
    found, expected = (cls(str(tmp_path)) for _, cls in made)
    assert np.array_equal(found.data, expected.data) and found.targets == expected.targets
    assert len({failure(lambda cls=cls: cls(str(tmp_path / "none"))) for _, cls in made}) == 1


def idx(array: np.ndarray) -> bytes:
    return bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes() + array.tobytes()


@pytest.mark.parametrize("name", ["MNIST", "FashionMNIST", "KMNIST"])
def test_mnist(name, tmp_path):
    folder = tmp_path / name / "raw"
    folder.mkdir(parents=True)
    for part, n in (("train", 6), ("t10k", 3)):
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx(NUMBERS.integers(0, 256, (n, 28, 28), np.uint8)))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx(NUMBERS.integers(0, 10, n).astype(np.uint8)))
    for train in (True, False):
        found, expected = (contents(getattr(d, name)(str(tmp_path), train, transform=tr.ToTensor())) for _, d, tr in BOTH)
        assert found == expected
    for _, d, _ in BOTH:  # both are tensors that may be written to and cut down
        data = getattr(d, name)(str(tmp_path))
        data.data[2] = 7
        data.targets[data.targets == data.targets[2]] = 3
        data.data, data.targets = data.data[2:4], data.targets[2:4]
        assert len(data) == 2 and np.unique(np.asarray(data[0][0])).tolist() == [7] and data[0][1] == 3
    assert len({failure(lambda d=d: getattr(d, name)(str(tmp_path / "none"))) for _, d, _ in BOTH}) == 1


def test_folders(tmp_path):
    for i, name in enumerate(("b/x.png", "b/deep/y.jpg", "a/z.png", "a/.hidden.png", "a/text.txt", "c/w.bmp")):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text") if name.endswith("txt") else Image.fromarray(NUMBERS.integers(0, 256, (4 + i, 5, 3), np.uint8)).save(path)
    root = str(tmp_path / "tree")
    found, expected = (contents(d.ImageFolder(root, tr.CenterCrop(3), operator.neg)) for _, d, tr in BOTH)
    assert found == expected
    found, expected = (d.DatasetFolder(root, len, ("txt",), allow_empty=True) for _, d, _ in BOTH)
    assert found.samples == expected.samples and list(found) == list(expected) and repr(found) == repr(expected)
    found, expected = ([d.ImageFolder(root).samples, d.ImageFolder(root).imgs, d.ImageFolder(root).targets] for _, d, _ in BOTH)
    assert found == expected
    (tmp_path / "tree" / "empty").mkdir()
    for attempt in (
        lambda d: d.ImageFolder(root), lambda d: d.ImageFolder(str(tmp_path / "tree" / "b" / "deep")), lambda d: d.ImageFolder(str(tmp_path / "none")),
        lambda d: d.DatasetFolder(root, len), lambda d: d.DatasetFolder(root, len, ("txt",)),
        lambda d: d.VisionDataset(root, transforms=len, transform=len),
    ):  # fmt: skip
        first, second = (failure(partial(attempt, d)) for _, d, _ in BOTH)
        assert first == second != "nothing"


# ---------------------------------------------------------------- operations


@pytest.mark.parametrize("case", cases.BOXES + cases.LOSSES + cases.LAYERS + cases.ALIGNED)
def test_operations(case):
    def theirs(input, rois, scale, height, width, ratio, aligned):
        """torchvision's own roi_align in Python: its compiled one is not there."""
        return torchvision.ops.roi_align.__globals__["_roi_align"].__wrapped__(input, rois, scale, height, width, ratio, aligned)

    with config(tier="interpreter"):
        found = cases.result(case, suiren, ops, lambda i, r, scale, h, w, ratio, aligned: ops.roi_align(i, r, (h, w), scale, ratio, aligned))
    expected = cases.result(case, torch, torchvision.ops, theirs)
    for got, want in zip(found, expected, strict=True):
        assert got.dtype == want.dtype and got.shape == want.shape
        np.testing.assert_allclose(got, want, rtol=2e-5, atol=2e-6 * max(10, np.abs(want).max(initial=0)))


@pytest.mark.parametrize("case", cases.REPRS)
def test_what_operations_print(case):
    assert repr(eval(case, {"ops": ops})) == repr(eval(case, {"ops": torchvision.ops}))


@pytest.mark.parametrize("n", [0, 1, 40, 4500])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.7])
def test_suppression(n, threshold):
    """4500 boxes: beyond 4000 torchvision suppresses class by class."""
    corner = NUMBERS.random((n, 2)) * (3 * n**0.5)
    boxes = np.concatenate([corner, corner + 1 + 4 * NUMBERS.random((n, 2))], 1).astype(np.float32)
    scores, classes = NUMBERS.permutation(n).astype(np.float32), NUMBERS.integers(0, 3, n)
    given = [[t.from_numpy(a) for a in (boxes, scores, classes)] for t in (suiren, torch)]
    found, expected = (o.nms(*g[:2], threshold) for o, g in zip((ops, torchvision.ops), given))
    assert found.tolist() == expected.tolist() and found.dtype is suiren.int64
    found, expected = (o.batched_nms(*g, threshold) for o, g in zip((ops, torchvision.ops), given))
    assert found.tolist() == expected.tolist()


# ---------------------------------------------------------------- drawing


@pytest.mark.parametrize("case", utils_cases.CASES)
def test_drawing(case):
    with config(tier="interpreter"):
        found = utils_cases.result(case, suiren, utils)
    expected = utils_cases.result(case, torch, torchvision.utils)
    assert found.dtype == expected.dtype and found.shape == expected.shape
    if found.dtype.kind == "f":
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    else:
        assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    "options", [{}, {"nrow": 3}, {"padding": 0}, {"padding": 3, "pad_value": 0.5}, {"normalize": True}, {"normalize": True, "scale_each": True}, {"value_range": (0.2, 0.7), "normalize": True}]
)
@pytest.mark.parametrize("shape", [(5, 3, 7, 5), (5, 1, 7, 5), (1, 3, 4, 4), (3, 7, 5), (1, 7, 5), (7, 5), (9, 4, 3, 2)])
def test_grids_and_their_pictures(options, shape, tmp_path):
    values = np.random.default_rng(1).random(shape).astype(np.float32) * 1.5 - 0.2
    found, expected = (u.make_grid(t.from_numpy(values.copy()), **options).numpy() for t, u in ((suiren, utils), (torch, torchvision.utils)))
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
    for t, u, name in ((suiren, utils, "ours.png"), (torch, torchvision.utils, "theirs.png")):
        u.save_image(t.from_numpy(values.copy()), tmp_path / name, **options)
    ours, theirs = (Image.open(tmp_path / name) for name in ("ours.png", "theirs.png"))
    assert ours.mode == theirs.mode and np.array_equal(np.asarray(ours), np.asarray(theirs))

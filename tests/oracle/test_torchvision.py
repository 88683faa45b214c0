"""suiren.vision.transforms beside a live torchvision: both versions, as classes and as functions, on images of odd sizes.

Bytes and PIL images are the same to the last bit, save for what UNEVEN names; floats to a few units in the last place.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("tests.oracle.torchvision_cpu").torchvision

from torchvision import tv_tensors as their_tensors  # noqa: E402
from torchvision.transforms import v2 as their_v2  # noqa: E402

import suiren  # noqa: E402
from suiren.config import config  # noqa: E402
from suiren.vision import transforms, tv_tensors  # noqa: E402
from suiren.vision.transforms import v2  # noqa: E402
from tests.vision.transforms import cases as first  # noqa: E402
from tests.vision.transforms.v2 import cases as second  # noqa: E402

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore:The transform `ToTensor\\(\\)` is deprecated", "ignore:Anti-alias option")]

# bytes that may differ by one: sums of floats, whose order is each framework's own, are rounded (the second version resizes by whole numbers)
UNEVEN = {"v1": ("Resize", "resize", "Elastic", "Blur", "blur"), "v2": ("Elastic", "Blur", "blur")}

BOTH = [
    "T.Resize(20)", "T.Resize(64)", "T.Resize((11, 50))", "T.Resize(256, max_size=300)", "T.Resize((20, 20), antialias=False)",
    "T.Resize((64, 50), T.InterpolationMode.BICUBIC)", "T.Resize((14, 15), 3, antialias=False)", "T.Resize((14, 15), T.InterpolationMode.NEAREST)",
    "T.Resize((14, 15), T.InterpolationMode.NEAREST_EXACT)", "T.Resize(9, T.InterpolationMode.LANCZOS)", "T.Resize(9, T.InterpolationMode.BOX)",
    "T.CenterCrop(24)", "T.CenterCrop((5, 60))", "T.Pad((1, 2, 3, 4), fill=9, padding_mode='edge')", "T.Pad((1, 2), fill=200)", "T.Pad((-1, -2, 3, 1))",
    "T.Pad(40, padding_mode='reflect')", "T.RandomCrop(5)", "T.RandomCrop(32, padding=4, fill=3, padding_mode='symmetric')", "T.RandomCrop(32)",
    "T.RandomCrop((40, 44), pad_if_needed=True, padding_mode='edge')", "T.RandomHorizontalFlip()", "T.RandomVerticalFlip()", "T.RandomResizedCrop(24)",
    "T.RandomResizedCrop((9, 24), scale=(0.5, 1), ratio=(1, 1), interpolation=T.InterpolationMode.BICUBIC)", "T.RandomResizedCrop(24, antialias=False)",
    "T.FiveCrop(4)", "T.TenCrop((4, 3))", "T.FiveCrop(40)", "T.Grayscale()", "T.Grayscale(3)", "T.RandomGrayscale(0.6)", "T.ColorJitter(0.5)",
    "T.ColorJitter(contrast=0.5)", "T.ColorJitter(saturation=0.5)", "T.ColorJitter(hue=0.5)", "T.ColorJitter(0.5, 0.5, 0.5, 0.2)", "T.RandomRotation(15)",
    "T.RandomRotation((-170, 170), T.InterpolationMode.BILINEAR, expand=True, fill=3)", "T.RandomRotation(90, center=(0, 0), fill=0.5)",
    "T.RandomAffine((-20, 70), translate=(0.1, 0.3), scale=(0.5, 1.5), shear=10, interpolation=T.InterpolationMode.BILINEAR)",
    "T.RandomAffine(15, shear=(-5, 5, -7, 7), fill=1, center=(3, 4))", "T.RandomPerspective()", "T.RandomPerspective(0.7, 1.0, T.InterpolationMode.NEAREST)",
    "T.RandomPerspective(0.9, 1.0, fill=7)", "T.ElasticTransform(alpha=100.0, sigma=3.0)", "T.AutoAugment()", "T.AutoAugment(T.AutoAugmentPolicy.CIFAR10)",
    "T.AutoAugment(T.AutoAugmentPolicy.SVHN, T.InterpolationMode.BILINEAR)", "T.RandAugment()",
    "T.RandAugment(4, 15, 31, T.InterpolationMode.BILINEAR, fill=128)", "T.TrivialAugmentWide(interpolation=T.InterpolationMode.BILINEAR)", "T.AugMix()",
    "T.AugMix(severity=7, all_ops=False)", "T.RandomErasing(1.0)", "T.RandomErasing(1.0, value='random')",
    "T.RandomErasing(1.0, (0.1, 0.5), (0.5, 2), 1, inplace=True)", "T.GaussianBlur(3)", "T.GaussianBlur((5, 3), 1.5)", "T.GaussianBlur(5, (0.1, 5.0))",
    "T.RandomInvert(1.0)", "T.RandomPosterize(2)", "T.RandomPosterize(5, 1.0)", "T.RandomSolarize(100)", "T.RandomSolarize(0.3, 1.0)",
    "T.RandomAdjustSharpness(2, 1.0)", "T.RandomAdjustSharpness(0.3, 1.0)", "T.RandomAutocontrast(1.0)", "T.RandomEqualize(1.0)",
    "T.RandomApply([T.ColorJitter(0.3, 0.3, 0.3), T.RandomCrop(5)], 0.5)", "T.RandomChoice([T.CenterCrop(5), T.RandomHorizontalFlip(1.0), T.Pad(2)])",
    "T.RandomApply(t.nn.ModuleList([T.ColorJitter(0.3), T.RandomCrop(5)]), 0.5)", "T.RandomOrder([T.CenterCrop(5), T.RandomHorizontalFlip(1.0), T.Pad(2)])",
    "T.ToPILImage()", "T.PILToTensor()", "T.ConvertImageDtype(t.float32)", "T.ConvertImageDtype(t.uint8)", "T.ConvertImageDtype(t.float64)",
    "T.Normalize((0.5,), (0.25,))", "T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))", "T.Lambda(lambda x: x)",
    "T.Compose([T.Resize(24), T.RandomCrop(20, padding=2), T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize(0.5, 0.5)])",
    "t.nn.Sequential(T.CenterCrop(10), T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))",
]  # fmt: skip
SECOND = [
    "T.ToImage()", "T.ToDtype(t.float32, scale=True)", "T.ToDtype(t.uint8, scale=True)", "T.ToDtype(t.float32)", "T.ToDtype(t.float16, scale=True)",
    "T.ToDtype(t.int16, scale=True)", "T.RGB()", "T.RandomChannelPermutation()", "T.RandomPhotometricDistort(p=1.0)", "T.RandomZoomOut(fill=7, p=1.0)",
    "T.ScaleJitter((40, 40))", "T.RandomShortestSize((20, 30), 25)", "T.RandomResize(10, 40)", "T.GaussianNoise()", "T.GaussianNoise(0.2, 0.3, clip=False)",
    "T.Identity()", "T.Resize(None, max_size=20)",
    "T.Compose([T.ToImage(), T.RandomResizedCrop(20), T.RandomHorizontalFlip(), T.ToDtype(t.float32, scale=True), T.Normalize([0.5], [0.5])])",
    "T.Compose([T.PILToTensor(), T.RandomCrop(4), T.ToPureTensor()])",
]  # fmt: skip
FUNCTIONS = [
    "F.adjust_brightness(x, 1.7)", "F.adjust_contrast(x, 0.3)", "F.adjust_saturation(x, 2.5)", "F.adjust_hue(x, -0.3)", "F.adjust_gamma(x, 0.4)",
    "F.adjust_gamma(x, 2.2, gain=1.5)", "F.adjust_sharpness(x, 3.0)", "F.autocontrast(x)", "F.equalize(x)", "F.invert(x)", "F.posterize(x, 3)",
    "F.solarize(x, 1)", "F.rgb_to_grayscale(x)", "F.rgb_to_grayscale(x, 3)", "F.gaussian_blur(x, [3, 5])", "F.gaussian_blur(x, 3, 0.4)", "F.hflip(x)", "F.vflip(x)",
    "F.crop(x, -2, 3, 9, 80)", "F.center_crop(x, [9, 90])", "F.five_crop(x, 3)", "F.ten_crop(x, [3, 2], vertical_flip=True)", "F.pad(x, [1, 2, 3], 0)", "F.pad(x, 2, 5)",
    "F.resize(x, [9])", "F.resize(x, 9, max_size=12)", "F.resized_crop(x, 1, 2, 4, 3, [9, 8])", "F.rotate(x, 33)", "F.rotate(x, 33.3, expand=True, fill=[4])",
    "F.affine(x, 20, [1, 2], 0.7, [3, 4])", "F.affine(x, -20, (1, 2), 1.2, 5.0, fill=2, center=[1, 1])", "F.to_pil_image(x)", "F.get_dimensions(x)",
    "F.perspective(x, [[0, 0], [6, 0], [6, 5], [0, 5]], [[1, 0], [6, 1], [5, 5], [0, 4]])", "F.get_image_num_channels(x)", "F.pil_to_tensor(x)",
    "F.erase(x, 1, 2, 2, 3, t.tensor(1.0))", "F.convert_image_dtype(x, t.float64)", "F.to_grayscale(x)", "F.resize(x, [3, 4, 5])",
    "F.adjust_brightness(x, -1)", "F.adjust_hue(x, 0.7)", "F.posterize(x, 9)", "F.gaussian_blur(x, 4)", "F.affine(x, 1, [1], 1.0, [0.0])",
    "F.pad(x, [1, 2, 3, 4, 5])", "F.resize(x, 'a')",
]  # fmt: skip


def images() -> dict[str, Any]:
    """Names -> PIL images, or arrays that are to become tensors: odd sizes, 1 and 3 channels, bytes and floats."""
    numbers, found = np.random.default_rng(9), {}
    for h, w in ((33, 47), (7, 5)):
        noise = Image.fromarray(numbers.integers(0, 256, (h, w, 3), np.uint8)).filter(ImageFilter.GaussianBlur(1.0))
        for n, image in ((3, noise), (1, noise.convert("L"))):
            pixels = np.ascontiguousarray(np.atleast_3d(np.asarray(image)).transpose(2, 0, 1))
            found |= {f"{h}x{w}x{n}": image, f"{h}x{w}x{n} bytes": pixels, f"{h}x{w}x{n} floats": pixels.astype(np.float32) / np.float32(255)}
    found["batch"] = np.stack([found["33x47x3 bytes"], found["33x47x3 bytes"][::-1]])
    return found


IMAGES = images()


def outcome(text: str, image: Any, t: Any, names: dict[str, Any], seed: int) -> list[Any]:
    """What it gives with its kinds, or how it fails, and the next random numbers."""
    t.manual_seed(seed)
    random.seed(seed)
    try:
        x = t.from_numpy(image.copy()) if isinstance(image, np.ndarray) else image.copy()
        made = eval(text, {"t": t, "x": x, **names})
        made = made(x) if callable(made) else made
        parts = made if isinstance(made, tuple) else [made]
        found = [part.mode if isinstance(part, Image.Image) else type(part).__name__ for part in parts]
        found += [np.asarray(part.numpy() if isinstance(part, t.Tensor) else part) for part in parts]
    except Exception as error:
        found = [type(error).__name__, str(error).replace("suiren.tensor.", "torch.").replace("suiren.", "torch.").replace(": an in-place", "\0").split("\0")[0]]
    return [*found, t.rand(1).item(), random.random()]


def seeds_of(text: str) -> range:
    return range(4 if "Aug" in text else 2 if any(w in text for w in ("Random", "Jitter", "Blur", "Elastic", "Noise", "Scale")) else 1)


def assert_same(text: str, ours: dict[str, Any], theirs: dict[str, Any], uneven: tuple[str, ...] = ()) -> None:
    for name, image in IMAGES.items():
        for seed in seeds_of(text):
            with config(tier="interpreter"):
                found = outcome(text, image, suiren, ours, seed)
            expected = outcome(text, image, torch, theirs, seed)
            where = f"{name}, seed {seed}"
            assert len(found) == len(expected), (where, found, expected)
            for got, want in zip(found, expected):
                if not isinstance(want, np.ndarray):
                    assert got == want, where
                    continue
                assert got.dtype == want.dtype and got.shape == want.shape, where
                if want.dtype.kind == "f":
                    np.testing.assert_allclose(got, want, rtol=1e-5, atol=2e-5, err_msg=where)
                else:
                    most = 1 if any(word in text for word in uneven) else 0
                    np.testing.assert_allclose(got.astype(int), want.astype(int), rtol=0, atol=most, err_msg=where)


@pytest.mark.parametrize("text", BOTH)
def test_first_version(text):
    assert_same(text, {"T": transforms}, {"T": torchvision.transforms}, UNEVEN["v1"])


@pytest.mark.parametrize("text", BOTH + SECOND)
def test_second_version(text):
    assert_same(text, {"T": v2}, {"T": their_v2}, UNEVEN["v2"])


@pytest.mark.parametrize("text", FUNCTIONS)
def test_functions(text):
    assert_same(text, {"F": transforms.functional}, {"F": torchvision.transforms.functional}, UNEVEN["v1"])


@pytest.mark.parametrize("text", FUNCTIONS)
def test_functions_of_the_second_version(text):
    assert_same(text, {"F": v2.functional}, {"F": their_v2.functional}, UNEVEN["v2"])


@pytest.mark.parametrize("case,name", [(case, name) for case, names in first.CASES for name in names])
def test_recorded_cases_of_the_first_version(case, name):
    image = first.images()[name]
    with config(tier="interpreter"):
        found = first.results(case, suiren.from_numpy(image.copy()) if isinstance(image, np.ndarray) else image, suiren, transforms)
    image = torch.from_numpy(image.copy()) if isinstance(image, np.ndarray) else image
    expected = first.results(case, image, torch, torchvision.transforms)
    for got, want in zip(found, expected, strict=True):
        assert got.dtype == want.dtype and got.shape == want.shape
        most = 2e-6 if got.dtype.kind == "f" else 1 if any(word in case for word in UNEVEN["v1"]) else 0
        np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), rtol=1e-6, atol=most)


@pytest.mark.parametrize("case,name", [(case, name) for case, names in second.CASES for name in names])
def test_recorded_cases_of_the_second_version(case, name):
    """Samples with masks, boxes and points; MixUp and CutMix of batches."""
    with config(tier="interpreter"):
        found, kinds = second.results(case, name, suiren, v2, tv_tensors)
    expected, their_kinds = second.results(case, name, torch, their_v2, their_tensors)
    assert kinds == their_kinds
    for got, want in zip(found, expected, strict=True):
        assert got.dtype == want.dtype and got.shape == want.shape
        most = 2e-5 if got.dtype.kind == "f" else 1 if got.dtype == np.uint8 and any(word in case for word in UNEVEN["v2"]) else 0
        np.testing.assert_allclose(got.astype(np.float64), want.astype(np.float64), rtol=1e-5, atol=most)


@pytest.mark.parametrize("case", second.REPRS)
def test_reprs(case):
    found = repr(eval(case, {"v2": v2, "tv": tv_tensors, "t": suiren}))
    assert found.replace("suiren.", "torch.") == repr(eval(case, {"v2": their_v2, "tv": their_tensors, "t": torch}))

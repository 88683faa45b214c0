"""Transforms of the second version, and samples to try them on: a case is text, evaluated with torchvision's names or with suiren's.

tests/recorded/record_vision.py keeps what torchvision 0.28 gives.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from tests.vision.transforms.cases import images

EVERY = ("rgb", "bytes", "floats", "sample", "middles")
VISUAL = ("rgb", "bytes", "floats")
TENSORS = ("bytes", "floats")
BYTES = ("rgb", "bytes")
SEEDS = 2

CASES: list[tuple[str, tuple[str, ...]]] = [
    ("v2.RandomHorizontalFlip(0.7)", EVERY),
    ("v2.RandomVerticalFlip(0.7)", EVERY),
    *((f"v2.Resize({args})", EVERY) for args in ("(5, 7)", "13", "None, max_size=9", "[6], interpolation='nearest'", "8, v2.InterpolationMode.BICUBIC, max_size=9")),
    ("v2.Resize(6, antialias=False)", TENSORS),
    ("v2.Resize((7, 8), v2.InterpolationMode.LANCZOS)", TENSORS),
    ("v2.Normalize([0.5, 0.4, 0.3], [0.2, 0.3, 0.4])", ("floats", "gray")),
    ("v2.CenterCrop(6)", EVERY),
    ("v2.CenterCrop((14, 5))", EVERY),
    ("v2.RandomResizedCrop(8)", EVERY),
    ("v2.FiveCrop(5)", VISUAL),
    ("v2.TenCrop((5, 4), vertical_flip=True)", VISUAL),
    ("v2.Pad((1, 2, 3, 4))", EVERY),
    ("v2.Pad(2, fill={tv.Mask: 3, 'others': (7, 8, 9)})", EVERY),
    ("v2.Pad([1, 2], padding_mode='reflect')", VISUAL),
    ("v2.RandomZoomOut(fill=3, p=1.0)", EVERY),
    ("v2.RandomRotation(40)", EVERY),
    ("v2.RandomRotation((20, 70), interpolation='bilinear', expand=True, fill=2)", EVERY),
    ("v2.RandomRotation(40, center=(2, 3))", ("sample", "middles", "floats")),
    ("v2.RandomAffine(30, (0.1, 0.2), (0.8, 1.2), (-10, 10, -5, 5))", EVERY),
    ("v2.RandomAffine(0, shear=20, interpolation=v2.InterpolationMode.BILINEAR, center=(1, 1))", EVERY),
    ("v2.RandomCrop(7)", EVERY),
    ("v2.RandomCrop((12, 9), padding=(1, 2))", EVERY),
    ("v2.RandomCrop(20, pad_if_needed=True, fill=4)", EVERY),
    ("v2.RandomPerspective(p=0.9)", EVERY),
    ("v2.ElasticTransform(20.0, 1.0)", EVERY),
    ("v2.RandomIoUCrop()", ("sample", "middles")),
    ("v2.Compose([v2.RandomIoUCrop(), v2.SanitizeBoundingBoxes(labels_getter=None)])", ("sample",)),
    ("v2.ScaleJitter((20, 20))", EVERY),
    ("v2.RandomShortestSize([6, 8, 12], max_size=11)", EVERY),
    ("v2.RandomResize(5, 14)", EVERY),
    ("v2.Grayscale()", VISUAL),
    ("v2.Grayscale(3)", VISUAL),
    ("v2.RandomGrayscale(0.5)", VISUAL),
    ("v2.Compose([v2.Grayscale(), v2.RGB()])", VISUAL),
    ("v2.ColorJitter(0.4, 0.4, 0.4, 0.1)", VISUAL),
    ("v2.RandomChannelPermutation()", VISUAL),
    ("v2.RandomPhotometricDistort()", VISUAL),
    ("v2.RandomEqualize()", VISUAL),
    ("v2.RandomInvert()", VISUAL),
    ("v2.RandomPosterize(3)", VISUAL),
    ("v2.RandomSolarize(0.4)", TENSORS),
    ("v2.RandomAutocontrast()", VISUAL),
    ("v2.RandomAdjustSharpness(2)", VISUAL),
    ("v2.RandomErasing(0.9, value='random')", ("floats",)),
    ("v2.RandomErasing(0.9, value=(1, 2, 3))", VISUAL),
    ("v2.GaussianBlur((3, 5))", VISUAL),
    ("v2.GaussianNoise(0.1, 0.2)", TENSORS),
    ("v2.ToDtype(t.float32, scale=True)", ("bytes", "floats", "sample")),
    ("v2.ToDtype({tv.Image: t.float64, tv.Mask: t.int64, 'others': None}, scale=True)", ("sample",)),
    ("v2.ConvertImageDtype(t.int16)", TENSORS),
    ("v2.Normalize((0.5, 0.4, 0.3), (0.2, 0.3, 0.4))", ("floats",)),
    ("v2.LinearTransformation(t.eye(360) * 2 + 0.01, t.ones(360))", ("floats",)),
    ("v2.ConvertBoundingBoxFormat('CXCYWH')", ("sample", "middles")),
    ("v2.ConvertBoundingBoxFormat('xywh')", ("sample", "middles")),
    ("v2.Compose([v2.SetClampingMode(None), v2.RandomAffine(0, (0.4, 0.4)), v2.ClampBoundingBoxes('hard'), v2.ClampKeyPoints()])", ("sample", "middles")),
    ("v2.Compose([v2.RandomAffine(0, (0.4, 0.4)), v2.SanitizeKeyPoints()])", ("sample",)),
    ("v2.ToImage()", VISUAL),
    ("v2.ToPureTensor()", ("sample",)),
    ("v2.PILToTensor()", ("rgb",)),
    ("v2.ToPILImage()", TENSORS),
    ("v2.Identity()", EVERY),
    ("v2.RandomApply([v2.CenterCrop(5)], 0.5)", EVERY),
    ("v2.RandomChoice([v2.CenterCrop(5), v2.CenterCrop(7)], p=[1, 3])", EVERY),
    ("v2.RandomOrder([v2.CenterCrop(5), v2.Pad(3)])", EVERY),
    *((f"v2.AutoAugment(v2.AutoAugmentPolicy.{policy})", BYTES) for policy in ("IMAGENET", "CIFAR10", "SVHN")),
    ("v2.RandAugment(3, 20, fill=5)", BYTES),
    ("v2.TrivialAugmentWide()", VISUAL),
    ("v2.AugMix()", BYTES),
    ("v2.MixUp(alpha=0.4, num_classes=4)", ("batch",)),
    ("v2.CutMix(num_classes=4)", ("batch",)),
    ("v2.UniformTemporalSubsample(3)", ("video",)),
    ("v2.Compose([v2.RandomCrop(8), v2.RandomHorizontalFlip(), v2.ToImage(), v2.ToDtype(t.float32, scale=True), v2.Normalize([0.5], [0.5])])", BYTES),
]  # fmt: skip


def sample(name: str, t: Any, tv: Any) -> Any:
    given = images()
    if name == "rgb":
        return given["rgb"]
    pixels, floats = given["bytes"], given["float"]
    if name in ("bytes", "floats"):
        return tv.Image(t.from_numpy(pixels if name == "bytes" else floats))
    if name == "gray":
        return tv.Image(t.from_numpy(given["gray"]))
    if name == "batch":
        stack = np.stack([floats, floats[::-1], floats[:, ::-1]])
        return t.from_numpy(np.ascontiguousarray(stack)), t.tensor([3, 0, 1])
    if name == "video":
        return tv.Video(t.from_numpy(np.stack([pixels + i for i in range(5)])))
    boxes = np.array([[1, 2, 6, 5], [0, 0, 11, 9], [7, 3, 11, 8]])
    found = {
        "image": tv.Image(t.from_numpy(pixels)),
        "mask": tv.Mask(t.from_numpy((pixels[:2] // 50).astype(np.uint8))),
        "boxes": tv.BoundingBoxes(t.from_numpy(boxes), format="XYXY", canvas_size=(10, 12)),
        "points": tv.KeyPoints(t.from_numpy(np.array([[3.0, 4.0], [10.5, 1.0]], np.float32)), canvas_size=(10, 12)),
        "name": "kept",
    }
    if name == "middles":
        middles = np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], -1).astype(np.float32)
        found["boxes"] = tv.BoundingBoxes(t.from_numpy(middles), format="CXCYWH", canvas_size=(10, 12))
        found["mask"] = tv.Mask(t.from_numpy((pixels[0] // 50).astype(np.uint8)))
        found["points"] = tv.KeyPoints(t.from_numpy(np.array([[[3, 4], [10, 1]]])), canvas_size=(10, 12))
    return found


def leaves(x: Any) -> list[Any]:
    if isinstance(x, dict):
        return [leaf for value in x.values() for leaf in leaves(value)]
    return [leaf for value in x for leaf in leaves(value)] if isinstance(x, (tuple, list)) else [x]


def results(case: str, name: str, t: Any, v2: Any, tv: Any) -> tuple[list[np.ndarray], list[str]]:
    """What the transform gives for several seeds, and the next random number after each; and the classes with what they say of themselves."""
    transform = eval(case, {"v2": v2, "tv": tv, "t": t})
    found, kinds = [], []
    for seed in range(4 if "Aug" in case else SEEDS if any(w in case for w in ("Random", "Jitter", "Blur", "Elastic", "Noise", "Mix")) else 1):
        t.manual_seed(seed)
        random.seed(seed)
        for part in leaves(transform(sample(name, t, tv))):
            said = [str(getattr(part, name, "")) for name in ("canvas_size", "format", "clamping_mode")]
            kinds.append(" ".join([type(part).__name__, *(said if isinstance(part, t.Tensor) else [])]))
            if not isinstance(part, str):
                found.append(np.array(part.numpy() if hasattr(part, "numpy") else part))
        found.append(np.array(t.rand(1).item()))
    return found, kinds


REPRS = [
    "v2.Resize(3)", "v2.RandomCrop(3, padding=1)", "v2.Pad(1, fill=(1, 2))", "v2.RandomAffine(3, (0.1, 0.2), shear=4)", "v2.ColorJitter(0.3)",
    "v2.Lambda(abs, int)", "v2.RandomApply([v2.CenterCrop(3)], 0.3)", "v2.AutoAugment()", "v2.RandomPhotometricDistort()", "v2.JPEG(50)",
    "v2.Compose([v2.ToImage(), v2.ToDtype(t.float32, scale=True), v2.Normalize([0.5], [0.5])])", "v2.RandomChoice([v2.CenterCrop(3)])",
    "v2.GaussianBlur(3)", "v2.RandomErasing()", "v2.MixUp(num_classes=3)", "v2.SanitizeBoundingBoxes()", "v2.ElasticTransform()", "v2.RandomIoUCrop()",
    "tv.BoundingBoxes([[1, 2, 3, 4], [5, 6, 7, 8]], format='xywh', canvas_size=(3, 4))", "tv.Image([[1, 2], [3, 4]])", "tv.Mask([[1, 2], [3, 4]])",
    "tv.KeyPoints([[1.5, 2.0]], canvas_size=(3, 4))",
]  # fmt: skip

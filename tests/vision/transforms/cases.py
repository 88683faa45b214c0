"""Transforms and images to try them on: a case is text, evaluated with torchvision's names or with suiren's.

tests/recorded/record_transforms.py keeps what torchvision 0.28 gives.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

# name -> how far results may be from torchvision's: PIL images and most integers are the same to the last bit
TOLERANCES = {"rgb": 0, "L": 0, "float": 2e-6, "gray": 2e-6, "batch": 2e-6, "bytes": 1}
ALL = ("rgb", "L", "float", "gray", "batch", "bytes")
PIL = ("rgb", "L")
TENSORS = ("float", "gray", "batch", "bytes")
FLOATS = ("float", "gray", "batch")
SEEDS = 2  # of those that draw

CASES: list[tuple[str, tuple[str, ...]]] = [
    ("T.ToTensor()", PIL),
    ("T.PILToTensor()", PIL),
    ("T.Normalize((0.5, 0.4, 0.3), (0.2, 0.3, 0.4))", ("float", "batch")),
    ("T.Normalize([0.5], [0.25])", FLOATS),
    *((f"T.ConvertImageDtype(t.{d})", TENSORS) for d in ("float32", "float64", "uint8", "int8", "int16")),
    ("T.ToPILImage()", ("float", "gray", "bytes")),
    ("T.ToPILImage('HSV')", ("bytes",)),
    *((f"T.Resize({size}, T.InterpolationMode.{mode})", ALL)
      for size in ("(5, 6)", "13", "(20, 9)") for mode in ("NEAREST", "NEAREST_EXACT", "BILINEAR", "BICUBIC")),
    ("T.Resize(8, max_size=9)", ALL),
    ("T.Resize(6, antialias=False)", TENSORS),
    ("T.Resize((14, 17), T.InterpolationMode.BICUBIC, antialias=False)", TENSORS),
    *((f"T.Resize(6, T.InterpolationMode.{mode})", PIL) for mode in ("BOX", "HAMMING", "LANCZOS")),
    *((f"T.CenterCrop({size})", ALL) for size in ("6", "(3, 20)", "(20, 21)")),
    *((f"T.Pad({padding}, padding_mode='{mode}')", ALL)
      for padding in ("2", "(1, 3)", "(1, 2, 3, 4)") for mode in ("constant", "edge", "reflect", "symmetric")),
    ("T.Pad(1, fill=(1, 2, 3))", ("rgb",)),
    ("T.Pad(1, fill=7)", ALL),
    ("T.RandomCrop(7)", ALL),
    ("T.RandomCrop(10, padding=2, padding_mode='reflect')", ALL),
    ("T.RandomCrop(20, pad_if_needed=True)", ALL),
    ("T.RandomHorizontalFlip()", ALL),
    ("T.RandomVerticalFlip(0.3)", ALL),
    ("T.RandomResizedCrop(8)", ("rgb", "L", "float", "gray", "batch")),
    ("T.FiveCrop(5)", ALL),
    ("T.TenCrop(5, vertical_flip=True)", PIL),
    ("T.Grayscale()", ("rgb", "L", "float", "batch")),
    ("T.Grayscale(3)", ("rgb", "L", "float", "gray", "batch")),
    ("T.RandomGrayscale(0.5)", ("rgb", "float")),
    ("T.ColorJitter(0.4, 0.4, 0.4, 0.1)", ALL),
    ("T.ColorJitter(brightness=(0.5, 2), hue=(0.2, 0.4))", ("rgb", "float")),
    ("T.RandomRotation(30, fill=3)", ALL),
    ("T.RandomRotation((10, 80), T.InterpolationMode.BILINEAR, expand=True)", ALL),
    ("T.RandomRotation(50, T.InterpolationMode.BILINEAR, center=(2, 3), fill=0.5)", ("float", "gray", "batch")),
    ("T.RandomRotation(50, expand=True, fill=(1, 2, 3))", ("rgb", "float", "bytes")),
    ("T.RandomAffine(30, (0.1, 0.2), (0.8, 1.2), (-10, 10, -5, 5))", ALL),
    ("T.RandomAffine(0, shear=20, interpolation=T.InterpolationMode.BILINEAR, fill=1, center=(1, 1))", ALL),
    ("T.RandomPerspective(p=0.9)", ALL),
    ("T.RandomPerspective(0.3, 1.0, T.InterpolationMode.NEAREST, fill=(3, 2, 1))", ("rgb", "float", "bytes")),
    ("T.ElasticTransform(20.0, 1.0)", ALL),
    ("T.ElasticTransform([9.0, 30.0], [0.5, 1.0], T.InterpolationMode.NEAREST, fill=0.5)", ("float", "bytes")),
    *((f"T.AutoAugment(T.AutoAugmentPolicy.{policy})", ("rgb", "L", "bytes")) for policy in ("IMAGENET", "CIFAR10", "SVHN")),
    ("T.AutoAugment(interpolation=T.InterpolationMode.BILINEAR, fill=9)", ("rgb", "bytes")),
    ("T.RandAugment()", ("rgb", "L", "bytes")),
    ("T.RandAugment(3, 20, fill=[5, 6, 7])", ("rgb", "bytes")),
    ("T.TrivialAugmentWide()", ("rgb", "L", "bytes")),
    ("T.AugMix()", ("rgb", "bytes")),
    ("T.AugMix(5, 2, 2, 0.5, False, fill=3)", ("rgb", "bytes")),
    ("T.LinearTransformation(t.eye(360) * 2 + 0.01, t.ones(360))", ("float", "batch")),
    *((f"T.RandomErasing(0.9, value={value})", ("float",)) for value in ("0", "(0.1, 0.2, 0.3)", "'random'")),
    ("T.GaussianBlur((3, 5))", ("float", "gray", "batch")),
    ("T.RandomInvert()", ("rgb", "L", "bytes")),
    ("T.RandomPosterize(3)", ("rgb", "L", "bytes")),
    ("T.RandomSolarize(100)", ("rgb", "L", "bytes")),
    ("T.RandomAdjustSharpness(2)", ALL),
    ("T.RandomAutocontrast()", ALL),
    ("T.RandomEqualize()", ("rgb", "L", "bytes")),
    ("T.RandomApply([T.ColorJitter(0.3)], 0.4)", ("rgb",)),
    ("T.RandomChoice([T.CenterCrop(5), T.CenterCrop(7)], p=[0.2, 0.8])", ("rgb",)),
    ("T.RandomOrder([T.CenterCrop(5), T.Pad(3)])", ("rgb",)),
    ("T.Compose([T.RandomCrop(8), T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize((0.5,), (0.5,))])", PIL),
]  # fmt: skip


def images() -> dict[str, Any]:
    """name -> a PIL image, or an array that is to become a tensor."""
    numbers = np.random.default_rng(5)
    noise = Image.fromarray(numbers.integers(0, 256, (10, 12, 3), np.uint8))
    rgb = noise.filter(ImageFilter.GaussianBlur(0.7))
    pixels = np.ascontiguousarray(np.asarray(rgb).transpose(2, 0, 1))
    floats = pixels.astype(np.float32) / np.float32(255)
    return {
        "rgb": rgb,
        "L": rgb.convert("L"),
        "float": floats,
        "gray": floats[:1].copy(),
        "batch": np.stack([floats, floats[::-1]]),
        "bytes": pixels,
    }


def results(case: str, image: Any, t: Any, transforms: Any) -> list[np.ndarray]:
    """What the transform gives for several seeds, and the next random number after each."""
    transform = eval(case, {"T": transforms, "t": t})
    found = []
    seeds = 6 if "Aug" in case else SEEDS if any(word in case for word in ("Random", "Jitter", "Blur", "Elastic")) else 1
    for seed in range(seeds):
        t.manual_seed(seed)
        random.seed(seed)
        made = transform(image)
        for part in made if isinstance(made, tuple) else (made,):
            found.append(np.array(part.numpy() if hasattr(part, "numpy") else part))
        found.append(np.array(t.rand(1).item()))
    return found

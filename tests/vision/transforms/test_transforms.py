"""What transforms print, refuse and share; that their numbers are torchvision's is test_same_as_torchvision's part."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import suiren
from suiren.vision import transforms as T
from suiren.vision.transforms import functional as F

IMAGE = Image.fromarray(np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3))


def test_compose_of_the_notes():
    """What the notes' program does to every image: (pixel / 255 - 0.5) / 0.5, channels first, computed at once."""
    found = T.Compose([T.ToTensor(), T.Normalize((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))])(IMAGE)
    expected = (np.asarray(IMAGE).transpose(2, 0, 1).astype(np.float32) / np.float32(255) - np.float32(0.5)) / np.float32(0.5)
    assert found.dtype is suiren.float32 and np.array_equal(found.numpy(), expected)
    from suiren.trace.pending import local

    assert local.rec.node.depth == 0


def test_default_dtype():
    suiren.set_default_dtype(suiren.float64)
    try:
        assert T.ToTensor()(IMAGE).dtype is suiren.float64
    finally:
        suiren.set_default_dtype(suiren.float32)


def test_results_do_not_change_their_input():
    x = T.ToTensor()(IMAGE)
    before = x.numpy().copy()
    for transform in (T.Normalize((0.5,), (0.5,)), T.RandomHorizontalFlip(1.0), T.RandomErasing(1.0), T.ColorJitter(0.5), T.Grayscale(3), T.GaussianBlur(3)):
        transform(x).add_(1)
        assert np.array_equal(x.numpy(), before)


def test_normalize_in_place_and_with_a_gradient():
    x = T.ToTensor()(IMAGE)
    expected = F.normalize(x, (0.5,), (0.25,)).numpy()
    y = x.clone()
    assert F.normalize(y, (0.5,), (0.25,), inplace=True) is y and np.array_equal(y.numpy(), expected)
    z = x.clone().requires_grad_()
    out = F.normalize(z, (0.5,), (0.25,))
    out.sum().backward()
    np.testing.assert_allclose(out.detach().numpy(), expected, rtol=1e-6)
    assert (z.grad.numpy() == 4).all()


def test_tensors_that_require_grad_are_refused():
    x = T.ToTensor()(IMAGE).requires_grad_()
    with pytest.raises(RuntimeError, match="detach"):
        F.resize(x, 3)


@pytest.mark.parametrize(
    "attempt,error,match",
    [
        (lambda: F.to_tensor("x"), TypeError, "pic should be PIL Image or ndarray"),
        (lambda: F.to_tensor(np.ones(3)), ValueError, "2/3 dimensional. Got 1"),
        (lambda: F.pil_to_tensor(np.ones((3, 3))), TypeError, "pic should be PIL Image"),
        (lambda: F.to_pil_image(suiren.ones(2)), ValueError, "2/3 dimensional"),
        (lambda: F.to_pil_image(suiren.ones(5, 2, 2)), ValueError, "> 4 channels"),
        (lambda: F.to_pil_image(suiren.ones(3, 2, 2), "L"), ValueError, "Only modes"),
        (lambda: F.to_pil_image(suiren.ones(1, 2, 2).long()), TypeError, "not supported"),
        (lambda: F.normalize(IMAGE, (0,), (1,)), TypeError, "img should be Tensor Image"),
        (lambda: F.normalize(suiren.ones(3, 2, 2).long(), (0,), (1,)), TypeError, "should be a float tensor"),
        (lambda: F.normalize(suiren.ones(2, 2), (0,), (1,)), ValueError, r"tensor image of size \(..., C, H, W\)"),
        (lambda: F.normalize(suiren.ones(3, 2, 2), (0,), (0,)), ValueError, "std evaluated to zero"),
        (lambda: F.normalize(suiren.ones(1, 2, 2), (0, 0), (1, 1)), RuntimeError, "output with shape"),
        (lambda: F.normalize(suiren.ones(3, 2, 2), (0, 0), (1, 1)), RuntimeError, r"size of tensor a \(3\) must match the size of tensor b \(2\)"),
        (lambda: F.normalize(suiren.ones(1, 2, 2), (0, 0), (1, 1)), RuntimeError, r"shape \[1, 2, 2\] doesn't match the broadcast shape \[2, 2, 2\]"),
        (lambda: F.resize(IMAGE, 3, "bilinear"), TypeError, "InterpolationMode"),
        (lambda: F.resize(IMAGE, (3, 4), max_size=5), ValueError, "max_size should only be passed"),
        (lambda: F.resize(IMAGE, 5, max_size=5) and F.resize(IMAGE, 4, max_size=4), ValueError, "must be strictly greater"),
        (lambda: F.resize(IMAGE, (1, 2, 3)), ValueError, "1 or 2 element"),
        (lambda: F.resize(suiren.ones(1, 2, 2), 3, T.InterpolationMode.LANCZOS), ValueError, "requires antialias=True"),
        (lambda: F.resize(suiren.ones(1, 2, 2), 3, T.InterpolationMode.BOX), NotImplementedError, r"nearest-exact \(got box\)"),
        (lambda: F.gaussian_blur(suiren.ones(1, 2, 9), 5), RuntimeError, r"padding \(2, 2\) at dimension 2 of input \[1, 1, 2, 9\]"),
        (lambda: T.Resize(3.5), TypeError, "int or sequence"),
        (lambda: F.pad(IMAGE, "1"), TypeError, "inappropriate padding"),
        (lambda: F.pad(IMAGE, (1, 2, 3)), ValueError, "1, 2, or 4 element tuple, not a 3"),
        (lambda: F.pad(IMAGE, 1, padding_mode="mirror"), ValueError, "Padding mode should be"),
        (lambda: F.pad(IMAGE, 1, fill=(1, 2)), ValueError, r"does not match the number of channels of the image \(2 != 3\)"),
        (lambda: T.RandomCrop(9)(IMAGE), ValueError, r"Required crop size \(9, 9\) is larger than input image size \(5, 6\)"),
        (lambda: T.FiveCrop(9)(IMAGE), ValueError, "bigger than input size"),
        (lambda: T.CenterCrop((1, 2, 3)), ValueError, "two dimensions"),
        (lambda: T.ColorJitter(-1), ValueError, "must be non negative"),
        (lambda: T.ColorJitter(hue=0.7), ValueError, "should be between"),
        (lambda: T.ColorJitter("1"), TypeError, "single number or a list"),
        (lambda: T.RandomRotation(-3), ValueError, "must be positive"),
        (lambda: T.RandomAffine(0, (2, 0)), ValueError, "between 0 and 1"),
        (lambda: F.rotate(suiren.ones(3, 4, 4), 3, T.InterpolationMode.BICUBIC), ValueError, "'bicubic' is unsupported with Tensor input"),
        (lambda: F.affine(suiren.ones(3, 4, 4), 3, [0, 0], 1.0, 0.0, fill=[1, 2]), ValueError, r"cannot broadcast .* \(2 != 3\)"),
        (lambda: F.affine(IMAGE, 3, [0], 1.0, 0.0), ValueError, "translate should be a sequence of length 2"),
        (lambda: F.affine(IMAGE, 3, [0, 0], 0.0, 0.0), ValueError, "scale should be positive"),
        (lambda: F.affine(IMAGE, 3, [0, 0], 1.0, "x"), TypeError, "Shear should be"),
        (lambda: F.perspective(IMAGE, [[0, 0]], [[1, 1]]), ValueError, "exactly four corners, got 1"),
        (lambda: F.elastic_transform(IMAGE, suiren.zeros(1, 6, 5, 2)), ValueError, "displacement shape should be"),
        (lambda: F.adjust_sharpness(suiren.ones(3, 4, 4), -1), ValueError, "is not non-negative"),
        (lambda: F.equalize(suiren.ones(3, 4, 4)), TypeError, "Only torch.uint8 image tensors are supported, but found torch.float32"),
        (lambda: T.AutoAugment("imagenet"), ValueError, "policy imagenet is not recognized"),
        (lambda: T.AugMix(11), ValueError, r"between \[1, 10\]. Got 11"),
        (lambda: T.ElasticTransform(3), TypeError, "alpha should be float or a sequence"),
        (lambda: T.LinearTransformation(suiren.ones(2, 3), suiren.ones(2)), ValueError, "should be square"),
        (lambda: T.Grayscale(2)(IMAGE), ValueError, "either 1 or 3"),
        (lambda: T.Grayscale()(suiren.ones(4, 2, 2)), TypeError, r"\[1, 3\], but found 4"),
        (lambda: F.adjust_hue(IMAGE, 0.6), ValueError, "not in"),
        (lambda: F.hflip("x"), TypeError, "img should be PIL Image"),
        (lambda: F.get_dimensions("x"), TypeError, "Unexpected type"),
        (lambda: F.gaussian_blur(IMAGE, 4), ValueError, "odd and positive"),
        (lambda: T.RandomErasing(p=2), ValueError, "between 0 and 1"),
        (lambda: T.Lambda(3), TypeError, "should be callable, got 'int'"),
        (lambda: T.RandomOrder(3), TypeError, "should be a sequence"),
    ],
)
def test_bad_input(attempt, error, match):
    with pytest.raises(error, match=match):
        attempt()


def test_reprs():
    listed = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,)), T.RandomApply([T.Pad(1)], 0.3), T.RandomChoice([T.Resize(3)])])
    assert repr(listed) == (
        "Compose(\n    ToTensor()\n    Normalize(mean=(0.5,), std=(0.5,))\n    RandomApply(\n    p=0.3\n"
        "    Pad(padding=1, fill=0, padding_mode=constant)\n)\n    RandomChoice(\n"
        "    Resize(size=3, interpolation=bilinear, max_size=None, antialias=True)\n)(p=None)\n)"
    )
    assert repr(T.RandomResizedCrop(3)) == (
        "RandomResizedCrop(size=(3, 3), scale=(0.08, 1.0), ratio=(0.75, 1.3333), interpolation=bilinear, antialias=True)"
    )
    assert repr(T.ToPILImage()) == "ToPILImage()" and repr(T.ToPILImage("L")) == "ToPILImage(mode=L)" and repr(T.Lambda(abs)) == "Lambda()"
    assert repr(T.RandomAffine(3, (0.1, 0.2), shear=4)) == "RandomAffine(degrees=[-3.0, 3.0], translate=(0.1, 0.2), shear=[-4.0, 4.0])"


def test_transforms_are_modules():
    """torchvision documents nn.Sequential of transforms."""
    net = suiren.nn.Sequential(T.CenterCrop(4), T.ConvertImageDtype(suiren.float32))
    assert tuple(net(suiren.ones(3, 8, 8)).shape) == (3, 4, 4)


def test_modes_of_pil():
    for mode, dtype, channels in (("1", np.float32, 1), ("L", np.float32, 1), ("RGBA", np.float32, 4), ("CMYK", np.float32, 4), ("I", np.int32, 1), ("F", np.float32, 1), ("I;16", np.int16, 1)):
        image = IMAGE.convert("L").convert(mode) if mode == "I;16" else IMAGE.convert(mode)
        found = T.ToTensor()(image).numpy()
        assert found.dtype == dtype and found.shape == (channels, 5, 6)
        back = T.ToPILImage(None if mode in ("1", "L") else mode if mode in ("F", "CMYK") else None)(suiren.from_numpy(found.copy()))
        assert back.size == image.size

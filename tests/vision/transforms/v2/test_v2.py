"""tv_tensors, samples of any structure, and what the second version refuses; its numbers are test_same_as_torchvision's part."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest
from PIL import Image

import suiren
from suiren.vision import tv_tensors as tv
from suiren.vision.transforms import v2
from suiren.vision.transforms.v2 import functional as F

IMAGE = Image.fromarray(np.arange(5 * 6 * 3, dtype=np.uint8).reshape(5, 6, 3))


def boxes(form="XYXY"):
    return tv.BoundingBoxes([[1.0, 2, 3, 4]], format=form, canvas_size=(5, 6))


def test_what_is_computed_of_them_is_plain():
    image = tv.Image(suiren.ones(3, 5, 6))
    for found in (image + 1, image[0], image.sum(), image.reshape(-1)):
        assert type(found) is suiren.Tensor
    for found in (image.clone(), image.detach(), image.to(suiren.float64), image.requires_grad_(), copy.deepcopy(image), pickle.loads(pickle.dumps(image))):
        assert type(found) is tv.Image
    moved = pickle.loads(pickle.dumps(boxes().to(suiren.int64)))
    assert moved.dtype is suiren.int64 and moved.canvas_size == (5, 6) and moved.format is tv.BoundingBoxFormat.XYXY


def test_they_share_memory():
    plain = suiren.zeros(2, 3)
    image = tv.Image(plain)
    plain[0, 0] = 7.0
    assert image[0, 0, 0].item() == 7.0 and tuple(image.shape) == (1, 2, 3)
    assert type(tv.wrap(plain, like=boxes(), canvas_size=(9, 9))) is tv.BoundingBoxes
    assert tv.Image(IMAGE).dtype is suiren.uint8 and tuple(tv.Mask(IMAGE).shape) == (3, 5, 6)


def test_samples_of_any_structure():
    Pair = namedtuple("Pair", "image label")
    sample = OrderedDict(pair=Pair(IMAGE, 3), more=[tv.Mask(suiren.zeros(5, 6)), (None, "text")], last=defaultdict(list, x=suiren.ones(2)))
    found = v2.CenterCrop(3)(sample)
    assert type(found) is OrderedDict and type(found["pair"]) is Pair and found["pair"].image.size == (3, 3) and found["pair"].label == 3
    assert tuple(found["more"][0].shape) == (3, 3) and found["more"][1] == (None, "text")
    assert type(found["last"]) is defaultdict and tuple(found["last"]["x"].shape) == (2,)  # not the first image of the sample
    first, second = v2.RandomHorizontalFlip(1.0)(suiren.arange(3.0).reshape(1, 1, 3), suiren.arange(3.0).reshape(1, 1, 3))
    assert first.flatten().tolist() == [2, 1, 0] and second.flatten().tolist() == [0, 1, 2]


def test_labels_go_with_their_boxes():
    sample = {
        "image": tv.Image(suiren.zeros(3, 5, 6)),
        "boxes": tv.BoundingBoxes([[0, 0, 5, 5], [1, 1, 1, 4], [2, 2, 9, 4]], format="XYXY", canvas_size=(5, 6)),
        "labels": suiren.tensor([7, 8, 9]),
        "mask": tv.Mask(suiren.arange(3).reshape(3, 1, 1)),
    }
    found = v2.SanitizeBoundingBoxes()(sample)
    assert found["boxes"].tolist() == [[0, 0, 5, 5]] and found["labels"].tolist() == [7] and found["mask"].flatten().tolist() == [0]
    found, keep = F.sanitize_bounding_boxes(sample["boxes"], min_size=3)
    assert keep.tolist() == [True, False, False] and type(found) is tv.BoundingBoxes
    found, keep = F.sanitize_keypoints(suiren.tensor([[1, 1], [6, 1]]), canvas_size=(5, 6))
    assert keep.tolist() == [True, False]


def test_mixtures_by_a_loader():
    images, labels = suiren.arange(4.0).reshape(4, 1, 1, 1).expand(4, 1, 8, 8), suiren.tensor([0, 1, 2, 2])
    mixed, targets = v2.RandomChoice([v2.MixUp(num_classes=3), v2.CutMix(num_classes=3)])(images, labels)
    assert tuple(mixed.shape) == (4, 1, 8, 8) and tuple(targets.shape) == (4, 3)
    np.testing.assert_allclose(targets.sum(1).numpy(), 1, rtol=1e-6)


def test_jpeg():
    photo = tv.Image(suiren.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 16, 16), np.uint8)))
    found = v2.JPEG((20, 30))(photo)
    assert type(found) is tv.Image and found.shape == photo.shape and not np.array_equal(found.numpy(), photo.numpy())


def test_functional_of_each_sort():
    points = tv.KeyPoints([[1.0, 2.0]], canvas_size=(5, 6))
    assert F.horizontal_flip(points).tolist() == [[4, 2]] and F.get_size(points) == [5, 6]
    assert F.crop(boxes(), 1, 1, 3, 3).tolist() == [[0, 1, 2, 3]]
    assert F.convert_bounding_box_format(suiren.tensor([[1.0, 2, 3, 4]]), "xyxy", "cxcywh").tolist() == [[2, 3, 2, 2]]
    assert F.clamp_bounding_boxes(suiren.tensor([[-1.0, 2, 9, 4]]), "xyxy", (5, 6), None).tolist() == [[-1, 2, 9, 4]]
    assert type(F.to_image(np.zeros((4, 5), np.uint8))) is tv.Image
    turned = tv.BoundingBoxes([[1.0, 2, 3, 4, 30]], format="XYWHR", canvas_size=(9, 9))
    assert tuple(F.convert_bounding_box_format(turned, new_format="xyxyxyxy").shape) == (1, 8)
    assert F.get_num_channels(IMAGE) == 3 and F.get_dimensions(IMAGE) == [3, 5, 6] and F.get_num_frames(tv.Video(suiren.ones(7, 3, 2, 2))) == 7


@pytest.mark.parametrize(
    "attempt,error,match",
    [
        (lambda: v2.Compose([]), ValueError, "Pass at least one transform"),
        (lambda: v2.Compose(3), TypeError, "sequence of callables"),
        (lambda: v2.RandomHorizontalFlip(2), ValueError, "in the interval"),
        (lambda: v2.Resize(2.5), ValueError, "size can be an integer, a sequence"),
        (lambda: v2.Resize(None), ValueError, "max_size must be an integer when size is None"),
        (lambda: v2.Pad("1"), ValueError, "Padding must be an int"),
        (lambda: v2.Pad(1, fill="x"), TypeError, "Got inappropriate fill arg, only Numbers"),
        (lambda: v2.Pad(1, (1, 2), "edge")(tv.Image(suiren.ones(2, 3, 3))), ValueError, "'edge' is not supported if fill is not scalar"),
        (lambda: v2.RandomCrop(9)(IMAGE), ValueError, r"Required crop size \(9, 9\) is larger than input image size \(5, 6\)"),
        (lambda: v2.RandomCrop(3)({"a": IMAGE, "b": tv.Mask(suiren.ones(2, 2))}), ValueError, "Found multiple HxW dimensions"),
        (lambda: v2.RandomCrop(3)(boxes()[0]), TypeError, "Tensor is not a torch image|No image"),
        (lambda: v2.Normalize([0], [1])(IMAGE), TypeError, "does not support PIL images"),
        (lambda: v2.FiveCrop(2)({"a": IMAGE, "b": boxes()}), TypeError, "are not supported by FiveCrop"),
        (lambda: v2.ToDtype(3), ValueError, "dtype must be a dict or a torch.dtype"),
        (lambda: v2.ToDtype({tv.Mask: suiren.int64})(tv.Image(suiren.ones(1, 2, 2))), ValueError, "No dtype was specified for type"),
        (lambda: v2.MixUp()(suiren.ones(2, 1, 2, 2), suiren.tensor([0, 1])), ValueError, "num_classes must be passed"),
        (lambda: v2.CutMix(num_classes=2)(IMAGE, suiren.tensor([0])), ValueError, "does not support PIL images"),
        (lambda: v2.MixUp(num_classes=2)(suiren.ones(3, 1, 2, 2), suiren.tensor([0, 1])), ValueError, "does not match the batch size of the labels"),
        (lambda: v2.RandAugment()({"a": IMAGE, "b": boxes()}), TypeError, "BoundingBoxes are not supported by RandAugment"),
        (lambda: v2.AutoAugment()([IMAGE, IMAGE]), TypeError, "but found 2"),
        (lambda: v2.SanitizeBoundingBoxes()({"image": IMAGE, "boxes": boxes()}), ValueError, "Could not infer where the labels are"),
        (lambda: v2.RandomIoUCrop()(IMAGE), TypeError, "requires input sample to contain"),
        (lambda: F.resize(3, 4), TypeError, "Functional F.resize supports inputs of type"),
        (lambda: F.adjust_hue(boxes(), 0.1), TypeError, "does not support inputs of type"),
        (lambda: F.rotate(tv.BoundingBoxes([[1.0, 2, 3, 4, 5]], format="XYWHR", canvas_size=(5, 6)), 3), NotImplementedError, "rotated boxes"),
        (lambda: F.perspective(IMAGE, None, None), ValueError, "Either the startpoints/endpoints or the coefficients"),
        (lambda: F.convert_bounding_box_format(suiren.ones(1, 4), new_format="xywh"), ValueError, "old_format"),
        (lambda: F.gaussian_noise(IMAGE), ValueError, "not implemented for PIL images"),
        (lambda: tv.BoundingBoxes([1, 2, 3, 4, 5], format="XYWHR", canvas_size=(1, 1)), ValueError, "should be floating point"),
        (lambda: tv.KeyPoints([[1, 2, 3]], canvas_size=(1, 1)), ValueError, r"Expected a tensor of shape \(..., 2\)"),
    ],
)
def test_bad_input(attempt, error, match):
    with pytest.raises(error, match=match):
        attempt()


def test_older_names_warn():
    with pytest.warns(UserWarning, match="deprecated"):
        assert v2.ToTensor()(IMAGE).dtype is suiren.float32
    with pytest.warns(UserWarning, match="deprecated"):
        assert F.get_image_size(IMAGE) == [6, 5]

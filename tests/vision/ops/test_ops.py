"""Operations give torchvision's results and gradients, recorded by tests/recorded/record_vision.py; suppression and pooling as written out here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import suiren
from suiren.config import config
from suiren.vision import ops
from tests import recorded
from tests.vision.ops.cases import ALIGNED, BOXES, LAYERS, LOSSES, REPRS, arrays, result

FILE = Path(recorded.__file__).parent / "vision.npz"


def align(input, rois, scale, height, width, ratio, aligned):
    return ops.roi_align(input, rois, (height, width), scale, ratio, aligned)


@pytest.mark.parametrize("case", BOXES + LOSSES + LAYERS + ALIGNED)
def test_same_as_torchvision(case):
    with config(tier="interpreter"):
        found = result(case, suiren, ops, align)
    for i, value in enumerate(found):
        expected = recorded.recorded(f"{case} {i}", file=FILE)
        assert value.dtype == expected.dtype and value.shape == expected.shape
        np.testing.assert_allclose(value, expected, rtol=2e-5, atol=2e-6 * max(10, np.abs(expected).max(initial=0)))
    assert recorded.recorded(f"{case} {len(found)}", None, file=FILE) is None


@pytest.mark.parametrize("case", [LOSSES[0], LOSSES[4], LAYERS[4], LAYERS[8], ALIGNED[1]])
def test_compiled(case):
    with config(tier="compiled"):
        found = result(case, suiren, ops, align)
    for i, value in enumerate(found):
        np.testing.assert_allclose(value, recorded.recorded(f"{case} {i}", file=FILE), rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("case", REPRS)
def test_reprs(case):
    assert repr(eval(case, {"ops": ops})) == recorded.recorded(case, file=FILE)


# ---------------------------------------------------------------- suppression


def kept(boxes, scores, threshold):
    """torchvision/csrc/ops/cpu/nms_kernel.cpp, as it stands there."""
    order = sorted(range(len(scores)), key=lambda i: -scores[i])
    found = []
    for i in order:
        for j in found:
            w = min(boxes[i][2], boxes[j][2]) - max(boxes[i][0], boxes[j][0])
            h = min(boxes[i][3], boxes[j][3]) - max(boxes[i][1], boxes[j][1])
            common = max(w, 0) * max(h, 0)
            areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (boxes[i], boxes[j])]
            if common / (sum(areas) - common) > threshold:
                break
        else:
            found.append(i)
    return found


@pytest.mark.parametrize("n", [0, 1, 30, 1200])
def test_nms(n):
    numbers = np.random.default_rng(n)
    corner = numbers.random((n, 2)) * (3 * n**0.5)
    boxes = np.concatenate([corner, corner + 1 + 4 * numbers.random((n, 2))], 1).astype(np.float32)
    scores, classes = numbers.permutation(n).astype(np.float32), numbers.integers(0, 3, n)
    given = [suiren.from_numpy(a) for a in (boxes, scores, classes)]
    if n < 100:
        for threshold in (0.1, 0.5):
            found = ops.nms(given[0], given[1], threshold)
            assert found.dtype is suiren.int64 and found.tolist() == kept(boxes.astype(float), scores, threshold)
    by_class = [np.flatnonzero(classes == c) for c in range(3)]
    expected = np.concatenate([places[np.array(kept(boxes[places].astype(float), scores[places], 0.3), int)] for places in by_class])
    found = ops.batched_nms(*given, 0.3)
    assert found.tolist() == expected[np.argsort(-scores[expected])].tolist()


# ---------------------------------------------------------------- regions

SIZE = (2, 3)


def half_up(x):
    return int(np.copysign(np.floor(abs(x) + 0.5), x))


def bins(region, scale, height, width, is_by_place):
    """The pixels of each bin: torchvision/csrc/ops/cpu/roi_pool_kernel.cpp and ps_roi_pool_kernel.cpp."""
    x1, y1, x2, y2 = (half_up(v * scale) for v in region[1:])
    h, w = (max(y2 - y1, 0.1), max(x2 - x1, 0.1)) if is_by_place else (max(y2 - y1 + 1, 1), max(x2 - x1 + 1, 1))
    for p in range(SIZE[0]):
        for q in range(SIZE[1]):
            box = [np.floor(p * (h / SIZE[0])) + y1, np.ceil((p + 1) * (h / SIZE[0])) + y1]
            box += [np.floor(q * (w / SIZE[1])) + x1, np.ceil((q + 1) * (w / SIZE[1])) + x1]
            a, b, c, d = (int(min(max(v, 0), limit)) for v, limit in zip(box, (height, height, width, width)))
            yield p, q, slice(a, b), slice(c, d)


@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_roi_pool(tier, scale):
    a = arrays()
    image, regions = a["i"], a["k"]
    expected, gradient = np.zeros((len(regions), 3, *SIZE), np.float32), np.zeros_like(image)
    for k, region in enumerate(regions):
        for p, q, rows, columns in bins(region, scale, 8, 9, False):
            for c in range(3):
                part = image[int(region[0]), c, rows, columns]
                if part.size:
                    expected[k, c, p, q] = part.max()
                    gradient[int(region[0]), c, rows, columns] += (part == part.max()) * (k + 1)
    x = suiren.from_numpy(image).requires_grad_()
    out = ops.roi_pool(x, suiren.from_numpy(regions), SIZE, scale)
    (out * suiren.arange(1.0, len(regions) + 1).reshape(-1, 1, 1, 1)).sum().backward()
    assert np.array_equal(out.detach().numpy(), expected)
    np.testing.assert_allclose(x.grad.numpy(), gradient, rtol=1e-6)


def interpolated(plane, y, x):
    """torchvision/csrc/ops/cpu/roi_align_common.h: nothing past the map's border by more than a pixel."""
    (height, width) = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = min(max(y, 0), height - 1), min(max(x, 0), width - 1)
    low, left = int(y), int(x)
    high, right = min(low + 1, height - 1), min(left + 1, width - 1)
    dy, dx = y - low, x - left
    return (1 - dy) * ((1 - dx) * plane[low, left] + dx * plane[low, right]) + dy * ((1 - dx) * plane[high, left] + dx * plane[high, right])


@pytest.mark.parametrize("aligned", [False, True])
def test_roi_align_past_the_border(aligned):
    a = arrays()
    image, regions = a["i"].astype(np.float64), a["k"].astype(np.float64)
    expected = np.zeros((len(regions), 3, *SIZE))
    for k, region in enumerate(regions):
        x1, y1, x2, y2 = region[1:] * 0.75 - (0.5 if aligned else 0)
        h, w = (y2 - y1, x2 - x1) if aligned else (max(y2 - y1, 1), max(x2 - x1, 1))
        bin_h, bin_w = h / SIZE[0], w / SIZE[1]
        ny, nx = int(np.ceil(bin_h)), int(np.ceil(bin_w))
        for c in range(3):
            for p in range(SIZE[0]):
                for q in range(SIZE[1]):
                    places = [(y1 + (p + (i + 0.5) / ny) * bin_h, x1 + (q + (j + 0.5) / nx) * bin_w) for i in range(ny) for j in range(nx)]
                    expected[k, c, p, q] = np.mean([interpolated(image[int(region[0]), c], y, x) for y, x in places])
    found = ops.roi_align(suiren.from_numpy(image), suiren.from_numpy(regions), SIZE, 0.75, aligned=aligned)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)


def test_roi_pool_by_place():
    image = np.random.default_rng(2).standard_normal((2, 12, 8, 9)).astype(np.float32)
    regions = arrays()["k"]
    expected = np.zeros((len(regions), 2, *SIZE))
    for k, region in enumerate(regions):
        for p, q, rows, columns in bins(region, 0.5, 8, 9, True):
            for c in range(2):
                part = image[int(region[0]), (c * SIZE[0] + p) * SIZE[1] + q, rows, columns]
                expected[k, c, p, q] = part.mean() if part.size else 0
    found = ops.PSRoIPool(SIZE, 0.5)(suiren.from_numpy(image), suiren.from_numpy(regions))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-4, atol=1e-6)


def test_roi_align_by_place():
    """Bin by bin what roi_align, moved by half a pixel, reads from that bin's channel."""
    image = suiren.from_numpy(np.random.default_rng(2).standard_normal((2, 12, 8, 9)).astype(np.float32))
    regions = suiren.from_numpy(arrays()["k"])
    found = ops.PSRoIAlign(SIZE, 0.5, 2)(image, regions).numpy()
    whole = ops.roi_align(image, regions, SIZE, 0.5, 2, aligned=True).numpy()
    for c in range(2):
        for p in range(SIZE[0]):
            for q in range(SIZE[1]):
                assert np.array_equal(found[:, c, p, q], whole[:, (c * SIZE[0] + p) * SIZE[1] + q, p, q])


def test_lists_of_boxes():
    image, regions = (suiren.from_numpy(arrays()[n]) for n in "ik")
    for pool in (ops.RoIAlign(2, 1.0, 1), ops.RoIPool(2, 1.0)):
        found = pool(image, [regions[[0, 2], 1:], regions[[1, 3], 1:]]).numpy()
        assert np.array_equal(found, pool(image, regions[[0, 2, 1, 3]]).numpy())
    assert tuple(ops.roi_align(image, regions[:0], 2).shape) == (0, 3, 2, 2) == tuple(ops.roi_pool(image, regions[:0], 2).shape)


def test_each_box_from_the_level_of_its_size():
    maps = {str(i): suiren.randn(2, 3, 64 >> i, 64 >> i) for i in range(4)}
    boxes = [suiren.tensor([[0.0, 0, 255, 255], [3, 4, 20, 30]]), suiren.tensor([[10.0, 20, 130, 145], [9, 8, 7, 6], [0, 0, 60, 90]])]
    pool = ops.MultiScaleRoIAlign(["0", "1", "2"], 2, 2)
    found = pool(maps, boxes, [(256, 200), (190, 256)])
    assert repr(pool) == "MultiScaleRoIAlign(featmap_names=['0', '1', '2'], output_size=(2, 2), sampling_ratio=2)"
    assert pool.scales == [1 / 4, 1 / 8, 1 / 16]
    places = [(0, box, level) for box, level in zip(boxes[0], (2, 0))] + [(1, box, level) for box, level in zip(boxes[1], (1, 0, 0))]
    for one, (image, box, level) in zip(found, places):
        alone = ops.roi_align(maps[str(level)][image : image + 1], [box[None]], (2, 2), pool.scales[level], 2)
        assert np.allclose(one.numpy(), alone[0].numpy(), atol=1e-6)
    first = ops.MultiScaleRoIAlign(["1"], 2, 2)(maps, boxes, [(256, 256)])
    assert np.allclose(first.numpy(), ops.roi_align(maps["1"], boxes, 2, 1 / 8, 2).numpy(), atol=1e-6)


def test_frozen_batch_norm_takes_an_ordinary_ones_state():
    norm = suiren.nn.BatchNorm2d(3)
    frozen = ops.FrozenBatchNorm2d(3)
    frozen.load_state_dict(norm.state_dict())
    assert list(frozen.parameters()) == []


def test_pyramid_takes_an_older_state():
    net = ops.FeaturePyramidNetwork([3, 2], 4)
    state = {k.replace("_blocks.0.0.", "_blocks.0.").replace("_blocks.1.0.", "_blocks.1."): v for k, v in net.state_dict().items()}
    assert "inner_blocks.0.weight" in state
    net.load_state_dict(state)


@pytest.mark.parametrize(
    "attempt,error,match",
    [
        (lambda: ops.nms(suiren.ones(3), suiren.ones(3), 0.5), RuntimeError, "boxes should be a 2d tensor, got 1D"),
        (lambda: ops.nms(suiren.ones(3, 5), suiren.ones(3), 0.5), RuntimeError, "4 elements in dimension 1, got 5"),
        (lambda: ops.nms(suiren.ones(3, 4), suiren.ones(2), 0.5), RuntimeError, "same number of elements in dimension 0, got 3 and 2"),
        (lambda: ops.box_convert(suiren.ones(3, 4), "xyxy", "yxyx"), ValueError, "Unsupported Bounding Box Conversions"),
        (lambda: ops.box_convert(suiren.ones(3, 4), "xyxy", "xywhr"), NotImplementedError, "Unsupported Bounding Box Conversions"),
        (lambda: ops.box_iou(suiren.ones(3, 5), suiren.ones(3, 5), "xywhr"), NotImplementedError, "rotated"),
        (lambda: ops.box_area(suiren.ones(3, 4), "xywhr"), ValueError, "Unsupported Bounding Box area"),
        (lambda: ops.stochastic_depth(suiren.ones(3), 1.5, "row"), ValueError, "between 0 and 1, but got 1.5"),
        (lambda: ops.stochastic_depth(suiren.ones(3), 0.5, "column"), ValueError, "either 'batch' or 'row', but got column"),
        (lambda: ops.drop_block2d(suiren.ones(1, 1, 4, 4), 0.5, 2), ValueError, "should be odd. Got 2"),
        (lambda: ops.drop_block2d(suiren.ones(1, 4, 4), 0.5, 3), ValueError, "should be 4 dimensional. Got 3"),
        (lambda: ops.sigmoid_focal_loss(suiren.ones(3), suiren.ones(3), alpha=2), ValueError, "Invalid alpha value"),
        (lambda: ops.sigmoid_focal_loss(suiren.ones(3), suiren.ones(3), reduction="all"), ValueError, "Invalid Value for arg 'reduction'"),
        (lambda: ops.roi_align(suiren.ones(1, 1, 4, 4), suiren.ones(2, 4), 2), AssertionError, r"Tensor\[K, 5\]"),
        (lambda: ops.roi_pool(suiren.ones(1, 1, 4, 4), [suiren.ones(2, 5)], 2), AssertionError, r"List\[Tensor\[L, 4\]\]"),
        (lambda: ops.MultiScaleRoIAlign(["a"], 2, 1)({"a": suiren.ones(1, 1, 4, 4)}, [suiren.ones(1, 4)], []), ValueError, "not be empty"),
        (lambda: ops.ps_roi_pool(suiren.ones(1, 3, 4, 4), suiren.ones(2, 5), 2), RuntimeError, "multiple of pooling"),
    ],
)
def test_bad_arguments(attempt, error, match):
    with pytest.raises(error, match=match):
        attempt()

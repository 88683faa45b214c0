"""Operations of vision to compare with torchvision's: a case is text, evaluated with torchvision's names or with suiren's.

tests/recorded/record_vision.py keeps what torchvision 0.28 gives. (Its nms and its pooling of regions are compiled code that the CPU build of
PyTorch cannot load: test_ops.py writes them out again, loop by loop.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

BOXES = [
    *(f"ops.box_convert(a, '{i}', '{o}')" for i in ("xyxy", "xywh", "cxcywh") for o in ("xyxy", "xywh", "cxcywh")),
    "ops.box_convert(r, 'cxcywhr', 'xywhr')",
    "ops.box_convert(r, 'xywhr', 'cxcywhr')",
    "ops.box_convert(r, 'cxcywhr', 'xyxyxyxy')",
    "ops.box_convert(ops.box_convert(r, 'xywhr', 'xyxyxyxy'), 'xyxyxyxy', 'xywhr')",
    "ops.box_convert(ops.box_convert(r, 'xywhr', 'xyxyxyxy'), 'xyxyxyxy', 'cxcywhr')",
    "ops.box_convert((10 * r).long(), 'xywhr', 'cxcywhr')",
    *(f"ops.box_area(a, fmt='{f}')" for f in ("xyxy", "xywh", "cxcywh")),
    "ops.box_area(a.half())",
    *(f"ops.box_iou(a, b, fmt='{f}')" for f in ("xyxy", "xywh", "cxcywh")),
    "ops.box_iou((10 * a).long(), (10 * b).long())",
    "ops.box_iou(a[:0], b)",
    "ops.box_iou(a.expand(2, 5, 4), b)",
    "ops.generalized_box_iou(a, b)",
    "ops.distance_box_iou(a, b)",
    "ops.complete_box_iou(a, b)",
    "ops.clip_boxes_to_image(3 * a - 8, (9, 7))",
    "ops.remove_small_boxes(a, 3.5)",
    "ops.masks_to_boxes(m)",
    "ops.masks_to_boxes(m[:0])",
]
LOSSES = [
    *(f"ops.sigmoid_focal_loss(x, (y > 0).float(), {args})" for args in ("", "alpha=-1", "gamma=1.5, reduction='mean'", "reduction='sum'")),
    *(f"ops.{name}_box_iou_loss(a, c{args})" for name in ("generalized", "distance", "complete") for args in ("", ", reduction='mean'", ", reduction='sum'")),
    "ops.generalized_box_iou_loss(a[:0], c[:0], reduction='mean')",
]
LAYERS = [
    "ops.stochastic_depth(x, 0.4, 'row')",
    "ops.stochastic_depth(x, 0.4, 'batch')",
    "ops.stochastic_depth(x, 1.0, 'row')",
    "ops.StochasticDepth(0.4, 'row').eval()(x)",
    "ops.drop_block2d(i, 0.3, 3)",
    "ops.DropBlock2d(0.3, 5, inplace=True)(i.detach().clone())",
    "ops.drop_block3d(i[None], 0.3, 3)",
    "ops.FrozenBatchNorm2d(3)(i)",
    "ops.SqueezeExcitation(3, 2)(i)",
    "ops.Conv2dNormActivation(3, 4, 3, 2, dilation=2)(i)",
    "ops.Conv2dNormActivation(3, 4, (3, 5), norm_layer=None, activation_layer=t.nn.SiLU, inplace=None)(i)",
    "ops.Conv3dNormActivation(2, 3)(i[None])",
    "ops.MLP(4, [5, 3], norm_layer=t.nn.LayerNorm, dropout=0.3)(x)",
    "ops.Permute([2, 0, 3, 1])(i)",
    "ops.FeaturePyramidNetwork([3, 2], 4, t.ops.feature_pyramid_network.LastLevelMaxPool())({'a': i, 'b': i[:, :2, ::2, ::2]})['pool']",
    "ops.FeaturePyramidNetwork([3, 2], 4)({'a': i, 'b': i[:, :2, ::2, ::2]})['a']",
    "ops.FeaturePyramidNetwork([3], 4, t.ops.feature_pyramid_network.LastLevelP6P7(3, 4))({'a': i})['p7']",
]
ALIGNED = [
    "align(i, n, 1.0, 2, 3, 2, False)",
    "align(i, n, 0.5, 3, 2, -1, True)",
    "align(i, n, 0.9, 2, 2, -1, False)",
]
REPRS = [
    "ops.RoIAlign(3, 0.5, 2, True)", "ops.RoIPool((3, 2), 0.5)", "ops.PSRoIAlign(2, 1.0, 1)", "ops.PSRoIPool(2, 1.0)", "ops.StochasticDepth(0.2, 'row')",
    "ops.DropBlock2d(0.1, 3)", "ops.DropBlock3d(0.1, 3, True)", "ops.FrozenBatchNorm2d(4)", "ops.SqueezeExcitation(4, 2)", "ops.MLP(2, [3, 4])",
    "ops.Permute([0, 2, 1])", "ops.Conv3dNormActivation(2, 3)",
]  # fmt: skip


class WithOps:
    """A namespace whose `ops` are given and whose other names are the framework's."""

    def __init__(self, t: Any, ops: Any):
        self.t, self.ops = t, ops

    def __getattr__(self, name: str) -> Any:
        return getattr(self.t, name)


def arrays() -> dict[str, np.ndarray]:
    numbers = np.random.default_rng(7)
    corner = numbers.random((3, 5, 2)) * 6
    boxes = np.concatenate([corner, corner + 1 + 5 * numbers.random((3, 5, 2))], -1).astype(np.float32)
    masks = numbers.random((3, 6, 7)) > 0.9
    masks[1] = False
    regions = np.array([[0, 1, 1, 5, 4], [1, -2, 0.5, 3.3, 9], [0, 6.5, 5, 7, 5.2], [1, 0, 0, 20, 20]], np.float32)
    return {
        "a": boxes[0], "b": boxes[1][:4], "c": boxes[2], "m": masks, "k": regions,
        "n": np.array([[0, 1, 1, 5, 4], [1, 0.2, 0.5, 3.3, 6.9], [0, 6.5, 5, 7, 5.2], [1, 0, 0, 9, 8]], np.float32),  # none goes out of the map
        "r": np.concatenate([boxes[0], np.linspace(-80, 80, 5)[:, None]], -1).astype(np.float32),
        "x": numbers.standard_normal((6, 4)).astype(np.float32), "y": numbers.standard_normal((6, 4)).astype(np.float32),
        "i": numbers.standard_normal((2, 3, 8, 9)).astype(np.float32),
    }  # fmt: skip


def result(case: str, t: Any, ops: Any, align: Any = None) -> list[np.ndarray]:
    """What it gives, from seed 0, with the next random number, and the gradients of what it was computed of."""
    t.manual_seed(0)
    given = {name: t.from_numpy(value) for name, value in arrays().items()}
    leaves = [given[n] for n in ("a", "c", "x", "i") if f"({n}" in case and ".long()" not in case and "half" not in case]
    for leaf in leaves:
        leaf.requires_grad_()
    out = eval(case, {"ops": ops, "t": WithOps(t, ops), "align": align, **given})
    found = [out.detach().numpy(), np.array(t.rand(1).item())]
    if out.requires_grad and out.numel():
        weights = t.arange(out.numel(), dtype=out.dtype).reshape(out.shape) + 1
        (out * weights).sum().backward()
        found += [leaf.grad.numpy() for leaf in leaves if leaf.grad is not None]
    return [np.array(a) for a in found]

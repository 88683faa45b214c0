"""Losses of detection: focal loss, and those of overlapping boxes. Source: torchvision/ops/{focal,giou,diou,ciou}_loss.py"""

from __future__ import annotations

import math

from suiren import Tensor, atan, dtypes, maximum, minimum, no_grad, sigmoid, where
from suiren.nn.functional import binary_cross_entropy_with_logits


def _reduced(loss: Tensor, reduction: str, empty_is_zero: bool) -> Tensor:
    if reduction == "none":
        return loss
    if reduction == "mean":
        return 0.0 * loss.sum() if empty_is_zero and loss.numel() == 0 else loss.mean()
    if reduction == "sum":
        return loss.sum()
    raise ValueError(f"Invalid Value for arg 'reduction': '{reduction} \n Supported reduction modes: 'none', 'mean', 'sum'")


def sigmoid_focal_loss(inputs: Tensor, targets: Tensor, alpha: float = 0.25, gamma: float = 2, reduction: str = "none") -> Tensor:
    """Binary cross entropy of logits, less for what is already right: times (1 − p)^gamma, and `alpha` for the positive ones (−1: no weights).

    Source: https://arxiv.org/abs/1708.02002
    """
    if not (0 <= alpha <= 1) and alpha != -1:
        raise ValueError(f"Invalid alpha value: {alpha}. alpha must be in the range [0,1] or -1 for ignore.")
    p = sigmoid(inputs)
    right = p * targets + (1 - p) * (1 - targets)
    loss = binary_cross_entropy_with_logits(inputs, targets, reduction="none") * ((1 - right) ** gamma)
    if alpha >= 0:
        loss = (alpha * targets + (1 - alpha) * (1 - targets)) * loss
    return _reduced(loss, reduction, empty_is_zero=False)


def _floats(boxes: Tensor) -> Tensor:
    return boxes if boxes.dtype in (dtypes.float32, dtypes.float64) else boxes.float()


def _overlap(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    """Areas of the intersection and of the union, pair by pair: (…, 4) -> (…)"""
    (x1, y1, x2, y2), (u1, v1, u2, v2) = boxes1.unbind(dim=-1), boxes2.unbind(dim=-1)
    left, top, right, bottom = maximum(x1, u1), maximum(y1, v1), minimum(x2, u2), minimum(y2, v2)
    common = where((bottom > top) & (right > left), (right - left) * (bottom - top), 0)
    return common, (x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - common


def _hull(boxes1: Tensor, boxes2: Tensor) -> tuple[Tensor, Tensor]:
    """Width and height of the smallest box around each pair."""
    (x1, y1, x2, y2), (u1, v1, u2, v2) = boxes1.unbind(dim=-1), boxes2.unbind(dim=-1)
    return maximum(x2, u2) - minimum(x1, u1), maximum(y2, v2) - minimum(y1, v1)


def generalized_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """1 − the generalised IoU of each pair of boxes (N, 4). Source: https://arxiv.org/abs/1902.09630"""
    boxes1, boxes2 = _floats(boxes1), _floats(boxes2)
    common, union = _overlap(boxes1, boxes2)
    width, height = _hull(boxes1, boxes2)
    hull = width * height
    return _reduced(1 - (common / (union + eps) - (hull - union) / (hull + eps)), reduction, empty_is_zero=True)


def _distance_loss(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> tuple[Tensor, Tensor]:
    common, union = _overlap(boxes1, boxes2)
    iou = common / (union + eps)
    width, height = _hull(boxes1, boxes2)
    (x1, y1, x2, y2), (u1, v1, u2, v2) = boxes1.unbind(dim=-1), boxes2.unbind(dim=-1)
    apart = ((x2 + x1) / 2 - (u1 + u2) / 2) ** 2 + ((y2 + y1) / 2 - (v1 + v2) / 2) ** 2
    return 1 - iou + apart / (width**2 + height**2 + eps), iou


def distance_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """1 − IoU + the squared distance of the middles over that of the corners. Source: https://arxiv.org/abs/1911.08287"""
    return _reduced(_distance_loss(_floats(boxes1), _floats(boxes2), eps)[0], reduction, empty_is_zero=True)


def complete_box_iou_loss(boxes1: Tensor, boxes2: Tensor, reduction: str = "none", eps: float = 1e-7) -> Tensor:
    """The distance loss and a term for different aspect ratios. Source: https://arxiv.org/abs/1911.08287"""
    boxes1, boxes2 = _floats(boxes1), _floats(boxes2)
    loss, iou = _distance_loss(boxes1, boxes2)
    mine, theirs = (atan((b[..., 2] - b[..., 0]) / (b[..., 3] - b[..., 1])) for b in (boxes1, boxes2))
    v = (4 / math.pi**2) * (theirs - mine) ** 2
    with no_grad():
        alpha = v / (1 - iou + v + eps)
    return _reduced(loss + alpha * v, reduction, empty_is_zero=True)

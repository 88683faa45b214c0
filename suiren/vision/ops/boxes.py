"""Boxes: their areas, overlaps and forms, and non-maximum suppression. Source: torchvision/ops/boxes.py, _box_convert.py, csrc/ops/cpu/nms_kernel.cpp

A box is x1, y1, x2, y2 in pixels unless a form says otherwise; tensors of boxes are (…, 4), of rotated ones (…, 5) or (…, 8).
"""

from __future__ import annotations

import math

import numpy as np

from suiren import (
    Tensor,
    atan,
    atan2,
    cos,
    dtypes,
    empty,
    maximum,
    minimum,
    no_grad,
    sin,
    stack,
    tensor,
    unique,
    where,
    zeros,
    zeros_like,
)
from suiren.utils.data.memory import array_of_tensor, own

_STRAIGHT = ("xyxy", "xywh", "cxcywh")
_ROTATED = ("cxcywhr", "xywhr", "xyxyxyxy")


def upcast(t: Tensor) -> Tensor:
    """Wide enough that a product does not overflow: small floats as float32, small integers as int32."""
    if t.is_floating_point():
        return t if t.dtype in (dtypes.float32, dtypes.float64) else t.float()
    return t if t.dtype in (dtypes.int32, dtypes.int64) else t.int()


# ---------------------------------------------------------------- suppression


def nms(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Which boxes stay (int64, best score first) when each one removes those of lower score that overlap it by more than `iou_threshold`.

    `boxes` (N, 4), `scores` (N,). Computed at once: how many stay is data. RuntimeError for other shapes.
    """
    if boxes.dim() != 2:
        raise RuntimeError(f"boxes should be a 2d tensor, got {boxes.dim()}D")
    if boxes.shape[1] != 4:
        raise RuntimeError(f"boxes should have 4 elements in dimension 1, got {boxes.shape[1]}")
    if scores.dim() != 1:
        raise RuntimeError(f"scores should be a 1d tensor, got {scores.dim()}D")
    if boxes.shape[0] != scores.shape[0]:
        raise RuntimeError(
            f"boxes and scores should have same number of elements in dimension 0, got {boxes.shape[0]} and {scores.shape[0]}"
        )
    b, s = array_of_tensor(boxes.detach()), array_of_tensor(scores.detach())
    x1, y1, x2, y2 = b.T
    areas = (x2 - x1) * (y2 - y1)
    order = np.argsort(-s, kind="stable")
    kept, alive = [], np.ones(len(b), bool)
    for place, i in enumerate(order):
        if not alive[i]:
            continue
        kept.append(i)
        rest = order[place + 1 :]
        w = np.maximum(0, np.minimum(x2[i], x2[rest]) - np.maximum(x1[i], x1[rest]))
        h = np.maximum(0, np.minimum(y2[i], y2[rest]) - np.maximum(y1[i], y1[rest]))
        common = w * h
        with np.errstate(all="ignore"):
            overlap = common / (areas[i] + areas[rest] - common)
        alive[rest[overlap > iou_threshold]] = False
    return own(np.array(kept, np.int64))


_FEW = 4000  # numbers in boxes up to which one pass over shifted boxes is quicker than a pass for each class


def batched_nms(boxes: Tensor, scores: Tensor, idxs: Tensor, iou_threshold: float) -> Tensor:
    """`nms` within each class of `idxs` (N,) by itself; the places of all that stay, best score first."""
    if boxes.numel() == 0:
        return empty((0,), dtype=dtypes.int64)
    if boxes.numel() <= _FEW:  # the classes are moved so far apart that their boxes cannot overlap
        offsets = idxs.to(boxes) * (boxes.max() + tensor(1).to(boxes))
        return nms(boxes + offsets[:, None], scores, iou_threshold)
    keep = zeros_like(scores, dtype=dtypes.bool_)
    for label in unique(idxs):
        mine = where(idxs == label)[0]
        keep[mine[nms(boxes[mine], scores[mine], iou_threshold)]] = True
    places = where(keep)[0]
    return places[scores[places].sort(descending=True)[1]]


def remove_small_boxes(boxes: Tensor, min_size: float) -> Tensor:
    """Which of (N, 4) boxes have both sides at least `min_size` long: int64."""
    width, height = boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]
    return where((width >= min_size) & (height >= min_size))[0]


def clip_boxes_to_image(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Boxes (…, 4) cut off at the edges of an image of `size` = (height, width)."""
    height, width = size
    x, y = boxes[..., 0::2].clamp(min=0, max=width), boxes[..., 1::2].clamp(min=0, max=height)
    return stack((x, y), dim=boxes.dim()).reshape(boxes.shape)


# ---------------------------------------------------------------- forms


def _cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    cx, cy, w, h = boxes.unbind(-1)
    return stack((cx - 0.5 * w, cy - 0.5 * h, cx + 0.5 * w, cy + 0.5 * h), dim=-1)


def _xyxy_to_cxcywh(boxes: Tensor) -> Tensor:
    x1, y1, x2, y2 = boxes.unbind(-1)
    return stack(((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1), dim=-1)


def _xywh_to_xyxy(boxes: Tensor) -> Tensor:
    x, y, w, h = boxes.unbind(-1)
    return stack((x, y, x + w, y + h), dim=-1)


def _xyxy_to_xywh(boxes: Tensor) -> Tensor:
    x1, y1, x2, y2 = boxes.unbind(-1)
    return stack((x1, y1, x2 - x1, y2 - y1), dim=-1)


def _as_before(boxes: Tensor, found: tuple) -> Tensor:
    """Rounded where the boxes are of integers."""
    whole = stack(found, dim=-1)
    return whole if boxes.is_floating_point() else whole.round().to(boxes.dtype)


def _turn(r: Tensor) -> tuple[Tensor, Tensor]:
    radians = r * math.pi / 180.0
    return cos(radians), sin(radians)


def _cxcywhr_to_xywhr(boxes: Tensor) -> Tensor:
    cx, cy, w, h, r = boxes.unbind(-1)
    c, s = _turn(r)
    return _as_before(boxes, (cx - w / 2 * c - h / 2 * s, cy - h / 2 * c + w / 2 * s, w, h, r))


def _xywhr_to_cxcywhr(boxes: Tensor) -> Tensor:
    x, y, w, h, r = boxes.unbind(-1)
    c, s = _turn(r)
    return _as_before(boxes, (x + w / 2 * c + h / 2 * s, y - w / 2 * s + h / 2 * c, w, h, r))


def _xywhr_to_corners(boxes: Tensor) -> Tensor:
    x1, y1, w, h, r = boxes.unbind(-1)
    c, s = _turn(r)
    x2, y2 = x1 + w * c, y1 - w * s
    return _as_before(boxes, (x1, y1, x2, y2, x2 + h * s, y2 + h * c, x1 + h * s, y1 + h * c))


def _corners_to_xywhr(boxes: Tensor) -> Tensor:
    x1, y1, x2, y2, x3, y3, _, _ = boxes.unbind(-1)
    r = atan2(y1 - y2, x2 - x1) * 180 / math.pi
    w, h = ((x2 - x1) ** 2 + (y1 - y2) ** 2).sqrt(), ((x3 - x2) ** 2 + (y3 - y2) ** 2).sqrt()
    return _as_before(boxes, (x1, y1, w, h, r))


_CONVERSIONS = {
    ("xywh", "xyxy"): (_xywh_to_xyxy,),
    ("cxcywh", "xyxy"): (_cxcywh_to_xyxy,),
    ("xyxy", "xywh"): (_xyxy_to_xywh,),
    ("xyxy", "cxcywh"): (_xyxy_to_cxcywh,),
    ("xywh", "cxcywh"): (_xywh_to_xyxy, _xyxy_to_cxcywh),
    ("cxcywh", "xywh"): (_cxcywh_to_xyxy, _xyxy_to_xywh),
    ("cxcywhr", "xywhr"): (_cxcywhr_to_xywhr,),
    ("xywhr", "cxcywhr"): (_xywhr_to_cxcywhr,),
    ("cxcywhr", "xyxyxyxy"): (_cxcywhr_to_xywhr, _xywhr_to_corners),
    ("xyxyxyxy", "cxcywhr"): (_corners_to_xywhr, _xywhr_to_cxcywhr),
    ("xywhr", "xyxyxyxy"): (_xywhr_to_corners,),
    ("xyxyxyxy", "xywhr"): (_corners_to_xywhr,),
}


def box_convert(boxes: Tensor, in_fmt: str, out_fmt: str) -> Tensor:
    """Boxes in another form: "xyxy", "xywh", "cxcywh"; turned by r degrees, "xywhr", "cxcywhr", "xyxyxyxy". ValueError for another one."""
    if in_fmt not in _STRAIGHT + _ROTATED or out_fmt not in _STRAIGHT + _ROTATED:
        raise ValueError(f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt} and out_fmt {out_fmt}")
    if in_fmt == out_fmt:
        return boxes.clone()
    if (in_fmt, out_fmt) not in _CONVERSIONS:
        raise NotImplementedError(f"Unsupported Bounding Box Conversions for given in_fmt {in_fmt} and out_fmt {out_fmt}")
    for step in _CONVERSIONS[in_fmt, out_fmt]:
        boxes = step(boxes)
    return boxes


# ---------------------------------------------------------------- areas and overlaps


def box_area(boxes: Tensor, fmt: str = "xyxy") -> Tensor:
    """(…, 4) -> (…)"""
    if fmt not in _STRAIGHT:
        raise ValueError(f"Unsupported Bounding Box area for given format {fmt}")
    boxes = upcast(boxes)
    if fmt == "xyxy":
        return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    return boxes[..., 2] * boxes[..., 3]


def _corners(boxes: Tensor, fmt: str) -> tuple[Tensor, Tensor]:
    first, second = boxes[..., :2], boxes[..., 2:]
    if fmt == "xyxy":
        return first, second
    return (first, first + second) if fmt == "xywh" else (first - second / 2, first + second / 2)


def _overlap(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> tuple[Tensor, Tensor]:
    """Areas of the intersections and of the unions: (…, N, 4), (…, M, 4) -> (…, N, M) twice."""
    area1, area2 = box_area(boxes1, fmt), box_area(boxes2, fmt)
    (low1, high1), (low2, high2) = _corners(boxes1, fmt), _corners(boxes2, fmt)
    low, high = maximum(low1[..., None, :], low2[..., None, :, :]), minimum(high1[..., None, :], high2[..., None, :, :])
    sides = upcast(high - low).clamp(min=0)
    common = sides[..., 0] * sides[..., 1]
    return common, area1[..., None] + area2[..., None, :] - common


def box_iou(boxes1: Tensor, boxes2: Tensor, fmt: str = "xyxy") -> Tensor:
    """Intersection over union of every pair: (N, 4), (M, 4) -> (N, M). NotImplementedError for rotated forms."""
    if fmt in _ROTATED:
        raise NotImplementedError(f"box_iou of rotated boxes ({fmt}) is not in suiren")
    if fmt not in _STRAIGHT:
        raise ValueError(
            f"Unsupported format '{fmt}'. Supported axis-aligned formats: {_STRAIGHT}. Supported rotated formats: {_ROTATED}."
        )
    common, union = _overlap(boxes1, boxes2, fmt)
    return common / union


def _hull_sides(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """The sides of the smallest box around each pair: (…, N, M, 2)"""
    low = minimum(boxes1[..., None, :2], boxes2[..., None, :, :2])
    high = maximum(boxes1[..., None, 2:], boxes2[..., None, :, 2:])
    return upcast(high - low).clamp(min=0)


def generalized_box_iou(boxes1: Tensor, boxes2: Tensor) -> Tensor:
    """IoU less the part of the smallest box around the pair that neither covers: (N, 4), (M, 4) -> (N, M). https://giou.stanford.edu"""
    common, union = _overlap(boxes1, boxes2)
    sides = _hull_sides(boxes1, boxes2)
    hull = sides[..., 0] * sides[..., 1]
    return common / union - (hull - union) / hull


def _distance_iou(boxes1: Tensor, boxes2: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    iou = box_iou(boxes1, boxes2)
    sides = _hull_sides(boxes1, boxes2)
    diagonal = sides[..., 0] ** 2 + sides[..., 1] ** 2 + eps
    (x1, y1), (x2, y2) = (((b[..., 0] + b[..., 2]) / 2, (b[..., 1] + b[..., 3]) / 2) for b in (boxes1, boxes2))
    apart = upcast(x1[..., None] - x2[..., None, :]) ** 2 + upcast(y1[..., None] - y2[..., None, :]) ** 2
    return iou - apart / diagonal, iou


def distance_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """IoU less the squared distance of the middles over that of the corners: (N, 4), (M, 4) -> (N, M). https://arxiv.org/abs/1911.08287"""
    return _distance_iou(upcast(boxes1), upcast(boxes2), eps)[0]


def complete_box_iou(boxes1: Tensor, boxes2: Tensor, eps: float = 1e-7) -> Tensor:
    """`distance_box_iou` less a term for different aspect ratios: (N, 4), (M, 4) -> (N, M)."""
    boxes1, boxes2 = upcast(boxes1), upcast(boxes2)
    diou, iou = _distance_iou(boxes1, boxes2, eps)
    aspects = [atan((b[..., 2] - b[..., 0]) / (b[..., 3] - b[..., 1])) for b in (boxes1, boxes2)]
    v = (4 / math.pi**2) * (aspects[0][..., None] - aspects[1][..., None, :]) ** 2
    with no_grad():
        alpha = v / (1 - iou + v + eps)
    return diou - alpha * v


def masks_to_boxes(masks: Tensor) -> Tensor:
    """The box around what is not 0 in each of (N, H, W) masks: float (N, 4); zeros for an empty mask."""
    if masks.numel() == 0:
        return zeros((0, 4))
    _, h, w = masks.shape
    rows, columns = masks.bool().any(dim=2), masks.bool().any(dim=1)
    first = [x.float().argmax(dim=1) for x in (columns, rows)]
    last = [n - 1 - x.float().flip(dims=[1]).argmax(dim=1) for n, x in ((w, columns), (h, rows))]
    return stack([*first, *last], dim=1).float() * rows.any(dim=1)[:, None]

"""What the transforms do to boxes and points: arrays in, (array, canvas size) out. Source: torchvision/transforms/v2/functional/_geometry.py, _meta.py"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from suiren.vision.transforms import warps
from suiren.vision.transforms.geometry import inverse_affine_2
from suiren.vision.tv_tensors import BoundingBoxFormat, is_rotated_bounding_format

Size = tuple[int, int]  # height, width
XYXY, XYWH, CXCYWH = BoundingBoxFormat.XYXY, BoundingBoxFormat.XYWH, BoundingBoxFormat.CXCYWH


def _halved(x: np.ndarray) -> np.ndarray:
    return x / x.dtype.type(2) if x.dtype.kind == "f" else x // 2


def converted(a: np.ndarray, before: BoundingBoxFormat, after: BoundingBoxFormat) -> np.ndarray:
    """Boxes that are not turned in another form; integers by torchvision's rules."""
    if before is after:
        return a
    if is_rotated_bounding_format(before) or is_rotated_bounding_format(after):
        raise ValueError("Cannot convert between rotated and unrotated bounding boxes.")
    first, second = a[..., :2], a[..., 2:]
    if before is XYWH and after is CXCYWH:
        return np.concatenate([first + _halved(second), second], -1)
    if before is XYWH:
        first, second = first, second + first
    elif before is CXCYWH:
        f, s = (x if x.dtype.kind == "f" else x.astype(np.float32) for x in (first, second))
        low = f - s / f.dtype.type(2)
        first, second = low.astype(a.dtype), (low + s).astype(a.dtype)
    if after is XYWH:
        second = second - first
    elif after is CXCYWH:
        second = second - first
        first = _halved(first * 2 + second) if a.dtype.kind != "f" else (first * first.dtype.type(2) + second) / first.dtype.type(2)
    return np.concatenate([first, second], -1)


def clamped(a: np.ndarray, form: BoundingBoxFormat, size: Size, mode: str | None) -> np.ndarray:
    """Cut off at the edges, unless `mode` is None."""
    if mode is None:
        return a.copy()
    corners = converted(a if a.dtype.kind == "f" else a.astype(np.float32), form, XYXY)
    corners = np.stack([corners[..., i].clip(0, size[1 - i % 2]) for i in range(4)], -1)
    return converted(corners, XYXY, form).astype(a.dtype)


def through(points: Callable[[np.ndarray], np.ndarray], a: np.ndarray, form: BoundingBoxFormat, size: Size, mode: str | None) -> np.ndarray:
    """The boxes around where `points` takes their corners, (N, 2) -> (N, 2), clamped."""
    if a.size == 0:
        return a
    corners = converted(a, form, XYXY)
    corners = corners if corners.dtype.kind == "f" else corners.astype(np.float32)
    moved = points(corners[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 2)).reshape(-1, 4, 2)
    found = np.concatenate([moved.min(1), moved.max(1)], -1)
    return converted(clamped(found, XYXY, size, mode), XYXY, form).astype(a.dtype)


def flipped_boxes(a: np.ndarray, form: BoundingBoxFormat, size: Size, axis: int) -> np.ndarray:
    """`axis`: 0 left and right, 1 top and bottom."""
    n = size[1 - axis]
    out = a.copy()
    if form is XYXY:
        out[:, axis], out[:, axis + 2] = n - a[:, axis + 2], n - a[:, axis]
    elif form is XYWH:
        out[:, axis] = n - (a[:, axis] + a[:, axis + 2])
    else:
        out[:, axis] = n - a[:, axis]
    return out


def flipped_points(a: np.ndarray, size: Size, axis: int) -> np.ndarray:
    out = a.copy()
    out[..., axis] = size[1 - axis] - 1 - a[..., axis]
    return out


def moved_boxes(a: np.ndarray, form: BoundingBoxFormat, x: int, y: int) -> np.ndarray:
    return a + np.array([x, y, x, y] if form is XYXY else [x, y, 0, 0], a.dtype)


def scaled(a: np.ndarray, before: Size, after: Size, count: int) -> np.ndarray:
    """`count` times x and y, after resizing."""
    ratios = np.array([after[1] / before[1], after[0] / before[0]] * count, np.float32)
    return (a * ratios.astype(a.dtype) if a.dtype.kind == "f" else a.astype(np.float32) * ratios).astype(a.dtype)


def _forward_affine(center: Sequence[float], angle: float, move: Sequence[float], scale: float, shear: Sequence[float]) -> np.ndarray:
    backward = np.array([*inverse_affine_2(center, angle, move, scale, shear), 0, 0, 1]).reshape(3, 3)
    return np.linalg.inv(backward)[:2]


def turning(
    size: Size, angle: float, move: Sequence[float], scale: float, shear: Sequence[float], center: Sequence[float] | None, expand: bool
) -> tuple[Callable[[np.ndarray], np.ndarray], Size]:
    """Where points go when the image is turned and sheared, and the size after."""
    height, width = size
    middle = [width * 0.5, height * 0.5] if center is None else center
    matrix = _forward_affine(middle, angle, move, scale, shear)
    shift = np.zeros(2)
    after = size
    if expand:
        corners = np.array([[0, 0, 1], [0, height, 1], [width, height, 1], [width, 0, 1]], float)
        shift = (corners @ matrix.T).min(0)
        after = warps.enclosing_size(inverse_affine_2(middle, angle, move, scale, shear), height, width)

    def points(a: np.ndarray) -> np.ndarray:
        return (a @ matrix[:, :2].T.astype(a.dtype) + (matrix[:, 2] - shift).astype(a.dtype)).astype(a.dtype)

    return points, after


def changing_perspective(c: Sequence[float]) -> Callable[[np.ndarray], np.ndarray]:
    """Where points go under the change of perspective of these coefficients, which lead the other way. RuntimeError if there is no way."""
    denominator = c[0] * c[4] - c[1] * c[3]
    if denominator == 0:
        raise RuntimeError(f"Provided perspective_coeffs {c} can not be inverted to transform bounding boxes. Denominator is zero, denom=0")
    minors = [  # of [[c0, c1, c2], [c3, c4, c5], [c6, c7, 1]], transposed; the last one is the denominator
        [c[4] - c[5] * c[7], -c[1] + c[2] * c[7], c[1] * c[5] - c[2] * c[4]],
        [-c[3] + c[5] * c[6], c[0] - c[2] * c[6], -c[0] * c[5] + c[2] * c[3]],
        [-c[4] * c[6] + c[3] * c[7], -c[0] * c[7] + c[1] * c[6], denominator],
    ]

    def points(a: np.ndarray) -> np.ndarray:
        inverse = (np.array(minors) / denominator).astype(a.dtype)
        x, y, bottom = (a[:, 0] * p + a[:, 1] * q + r for p, q, r in inverse)
        return np.stack([x / bottom, y / bottom], -1)

    return points


def bending(displacement: np.ndarray, size: Size, to_next: bool) -> Callable[[np.ndarray], np.ndarray]:
    """About where points go under a displacement: against it, at the pixel they are in (`to_next`: the next one)."""
    places = warps.bent_places(-displacement)

    def points(a: np.ndarray) -> np.ndarray:
        at = (np.ceil(a) if to_next else a).astype(np.int64)
        x, y = at[:, 0].clip(0, size[1] - 1), at[:, 1].clip(0, size[0] - 1)
        kind = a.dtype if a.dtype.kind == "f" else np.dtype(np.float32)
        half = np.array([0.5 * size[1], 0.5 * size[0]], kind)
        return ((places[y, x].astype(kind) + kind.type(1)) * half - kind.type(0.5)).astype(a.dtype)

    return points

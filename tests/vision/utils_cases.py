"""Drawing, to compare with torchvision's: a case is text, evaluated with torchvision's names or with suiren's. See tests/recorded/record_vision.py."""

from __future__ import annotations

from typing import Any

import numpy as np

CASES = [
    "u.draw_bounding_boxes(i, b)",
    "u.draw_bounding_boxes(f, b, colors='red', width=2)",
    "u.draw_bounding_boxes(i[:1], b, colors=['red', (0, 255, 7), '#0000ff'], fill=True)",
    "u.draw_bounding_boxes(i, b, labels=['a', None, 'c'])",
    "u.draw_bounding_boxes(i, b, labels=['a', 'b', 'c'], fill_labels=True, label_background_colors='white', label_colors=['red', 'blue', 'black'])",
    "u.draw_bounding_boxes(i, r, colors='yellow', fill=True)",
    "u.draw_segmentation_masks(i, m)",
    "u.draw_segmentation_masks(f, m, 0.5, colors=['red', 'green'])",
    "u.draw_segmentation_masks(i, m[0], 1.0, (1, 2, 3))",
    "u.draw_keypoints(i, k)",
    "u.draw_keypoints(f, k, [(0, 1), (1, 2)], 'red', radius=3, width=1)",
    "u.draw_keypoints(i, k, [(0, 1), (1, 2)], visibility=v)",
    "u.flow_to_image(w)",
    "u.flow_to_image(t.stack([w, 2 * w.flip(-1)]))",
    "u.make_grid(i)",
    "u.make_grid([f, f * 0.5, f * 0.25], nrow=2, padding=1, pad_value=0.3)",
    "u.make_grid(t.stack([f, f * 2]), normalize=True, scale_each=True)",
    "u.make_grid(f[0])",
]


def result(case: str, t: Any, u: Any) -> np.ndarray:
    numbers = np.random.default_rng(11)
    pixels = numbers.integers(0, 256, (3, 24, 30), np.uint8)
    y, x = np.mgrid[0:24, 0:30]
    given = {
        "i": pixels,
        "f": pixels.astype(np.float32) / np.float32(255),
        "b": np.array([[2, 3, 9, 12], [0, 0, 29, 23], [12.7, 4.2, 20.9, 19]], np.float32),
        "r": np.array([[5, 5, 15, 2, 18, 12, 8, 15]], np.float32),
        "m": np.stack([x + y < 20, x > y]),
        "k": np.array([[[3, 4], [20, 5], [12, 20]], [[1, 1], [28, 22], [15, 12]]], np.float32),
        "v": np.array([[True, True, False], [True, False, True]]),
        "w": numbers.standard_normal((2, 6, 7)).astype(np.float32),
    }
    return eval(case, {"u": u, "t": t, **{name: t.from_numpy(value) for name, value in given.items()}}).numpy()

"""torchvision beside the CPU build of PyTorch, which cannot load the compiled operators that its wheel carries.

    pip install torch==2.13.0 numpy pillow && pip install --no-deps torchvision==0.28.0

Its transforms, data sets and models are Python and work once two operators are declared. `nms` is written out here as its kernel
(torchvision/csrc/ops/cpu/nms_kernel.cpp) computes it, so that the Python around it can be compared; the pooling of regions stays compiled code
that is not there.
"""

from __future__ import annotations

import torch


def _nms(dets: torch.Tensor, scores: torch.Tensor, iou_threshold: float) -> torch.Tensor:
    """Places of the boxes that no better one overlaps by more than the threshold, best first."""
    areas = (dets[:, 2] - dets[:, 0]) * (dets[:, 3] - dets[:, 1])
    left = torch.ones(len(dets), dtype=torch.bool)
    kept = []
    for i in torch.sort(scores, stable=True, dim=0, descending=True)[1].tolist():
        if left[i]:
            kept.append(i)
            sides = torch.minimum(dets[i, 2:], dets[:, 2:]) - torch.maximum(dets[i, :2], dets[:, :2])
            common = sides.clamp(min=0).prod(-1)
            left &= ~(common / (areas[i] + areas - common) > iou_threshold)
    return torch.tensor(kept, dtype=torch.int64)


if torch.version.cuda is None:
    _declared = torch.library.Library("torchvision", "DEF")
    for _name in ("nms", "qnms"):
        _declared.define(f"{_name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    _declared.impl("nms", _nms, "CPU")

import torchvision.transforms.v2  # noqa: E402

if torch.version.cuda is None:
    torchvision.extension._has_ops = lambda: True  # what nms asks before it is called

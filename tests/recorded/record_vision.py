"""Records what torchvision 0.28 gives for tests/vision: its models, its operations, its tools.

    pip install torch==2.13.0 numpy pillow && pip install --no-deps torchvision==0.28.0
    python -m tests.recorded.record_vision
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import scipy.io
import torch

from tests.oracle.torchvision_cpu import torchvision
from tests.recorded import save
from tests.vision import utils_cases
from tests.vision.models import cases as models
from tests.vision.ops import cases as ops
from tests.vision.transforms.v2 import cases as second

PATH = Path(__file__).parent / "vision.npz"


def main() -> None:
    v2, tv_tensors = torchvision.transforms.v2, torchvision.tv_tensors
    found = {}
    names = torchvision.models.list_models(module=torchvision.models)
    found["models"] = "\n".join(names)
    for name in names:
        found[f"state {name}"] = models.description(name, torch, torchvision.models)
    for case in models.INITIAL + models.TRANSFORMERS:
        found[f"initial {case}"] = models.initial(case, torch, torchvision.models)
    for case, size in models.PREDICTIONS.items():
        found[f"prediction {case}"] = models.prediction(case, size, torch, torchvision.models)
    for case in ops.BOXES + ops.LOSSES + ops.LAYERS + ops.ALIGNED:
        for i, value in enumerate(ops.result(case, torch, torchvision.ops, _align)):
            found[f"{case} {i}"] = value
    for case in ops.REPRS:
        found[case] = repr(eval(case, {"ops": torchvision.ops}))
    for case, names in second.CASES:
        for name in names:
            arrays, kinds = second.results(case, name, torch, v2, tv_tensors)
            found.update({f"{case} {name} {i}": value for i, value in enumerate(arrays)})
            found[f"{case} {name}"] = "\n".join(kinds)
    for case in second.REPRS:
        found[case] = repr(eval(case, {"v2": v2, "tv": tv_tensors, "t": torch}))
    for case in utils_cases.CASES:
        found[case] = utils_cases.result(case, torch, torchvision.utils)
    found.update(_matlab_files())
    print(save(found, PATH), "bytes")


def _matlab_files() -> dict[str, np.ndarray]:
    """Files as scipy writes them."""
    values = {"X": np.arange(24, dtype=np.uint8).reshape(2, 3, 4), "y": np.array([[10], [1]], np.uint8), "z": np.array([[1.5, -2.0]]), "text": "abc"}
    found = {}
    for compressed in (False, True):
        file = io.BytesIO()
        scipy.io.savemat(file, values, do_compression=compressed)
        found[f"matlab {compressed}"] = np.frombuffer(file.getvalue(), np.uint8)
    return found



def _align(input: torch.Tensor, rois: torch.Tensor, scale: float, height: int, width: int, ratio: int, aligned: bool) -> torch.Tensor:
    """torchvision's own roi_align in Python, not compiled."""
    return torchvision.ops.roi_align.__globals__["_roi_align"].__wrapped__(input, rois, scale, height, width, ratio, aligned)


if __name__ == "__main__":
    main()

"""Records what PyTorch gives for every case of tests/ops/cases.py and every line of tests/api/expressions.py.

    python -m tests.recorded.record          # with torch==2.13.0, from the repository's folder

Run it again whenever a case or a line is added or changed.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch

from tests.api.evaluate import outcome
from tests.api.expressions import EXPRESSIONS, lines
from tests.ops.cases import CASES
from tests.recorded import save
from tests.recorded.torch_side import case_gradients, case_outputs


def record() -> dict[str, np.ndarray | str]:
    values: dict[str, np.ndarray | str] = {"torch": torch.__version__}
    for case in CASES:
        for i, out in enumerate(case_outputs(case)):
            values[f"{case.id}/out{i}"] = out
        for i, gradient in enumerate(case_gradients(case)):
            if gradient is not None:
                values[f"{case.id}/grad{i}"] = gradient
    for file in EXPRESSIONS:
        for line in lines(file):
            values.update(recorded_line(line))
    return values


def recorded_line(line: str) -> dict[str, np.ndarray | str]:
    """What PyTorch gives for one line: values, gradients, or the exception."""
    found, values = outcome(line, torch), {}
    if found.error is not None:
        values[f"{line}/error"] = ": ".join(found.error)
    for i, value in enumerate(found.values):
        values[f"{line}/{i}"] = value
    for name, gradient in found.gradients.items():
        values[f"{line}/grad {name}"] = gradient
    return values


if __name__ == "__main__":
    if not torch.__version__.startswith("2.13."):
        raise SystemExit(f"values are recorded from PyTorch 2.13, this is {torch.__version__}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        print(f"{save(record())} bytes")

"""Records what PyTorch's distributions say of tests/distributions/cases.py.

    python -m tests.recorded.record_distributions          # with torch==2.13.0, from the repository's folder
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tests.distributions import cases
from tests.recorded import save

FILE = Path(__file__).parent / "distributions.npz"


def record() -> dict[str, np.ndarray | str]:
    values: dict[str, np.ndarray | str] = {}
    for text in cases.DISTRIBUTIONS:
        values.update((f"{text}|{part}", found) for part, found in cases.answers(text, torch).items())
    for text in (*cases.DIVERGENCES, *cases.DRAWS, *cases.ERRORS):
        values[text] = cases.answer(text, torch)
    for text in cases.GRADIENTS:
        values[f"{text}|gradient"] = cases.gradient(text, torch)
    for text in cases.TRANSFORMS:
        values.update((f"{text}|{part}", found) for part, found in cases.transform_answers(text, torch).items())
    return values


if __name__ == "__main__":
    if not torch.__version__.startswith("2.13."):
        raise SystemExit(f"values are recorded from PyTorch 2.13, this is {torch.__version__}")
    print(f"{save(record(), FILE)} bytes")

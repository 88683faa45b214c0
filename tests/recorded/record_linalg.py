"""Records what PyTorch gives for every line of tests/api/linalg_lines.py.

    python -m tests.recorded.record_linalg          # with torch==2.13.0, from the repository's folder
"""

from __future__ import annotations

import warnings

import torch

from tests.api.linalg_lines import LINES, lines
from tests.recorded import LINALG_FILE, save
from tests.recorded.record import recorded_line

if __name__ == "__main__":
    if not torch.__version__.startswith("2.13."):
        raise SystemExit(f"values are recorded from PyTorch 2.13, this is {torch.__version__}")
    values = {"torch": torch.__version__}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in LINES:
            for line in lines(file):
                values.update(recorded_line(line))
    print(f"{save(values, LINALG_FILE)} bytes")

"""Records what PyTorch's autocast gives for tests/amp/lines.py: `python -m tests.recorded.record_autocast`, in the environment of `make conformance`."""

from __future__ import annotations

import json
import os

import torch

from tests.amp.lines import LINES, PROGRAMS, dtypes_of

PATH = os.path.join(os.path.dirname(__file__), "autocast.json")


def main() -> None:
    torch.set_num_threads(1)
    recorded = {
        "torch": torch.__version__,
        "dtypes": {line: dtypes_of(torch, line) for line in LINES},
        "losses": {f"{name} {dtype}": f(torch, dtype) for name, f in PROGRAMS.items() for dtype in (torch.bfloat16, torch.float16)},
    }
    with open(PATH, "w") as file:
        json.dump(recorded, file, indent=0)


if __name__ == "__main__":
    main()

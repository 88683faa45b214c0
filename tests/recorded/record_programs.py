"""Records what PyTorch gives for tests/programs.py: `python -m tests.recorded.record_programs`, in the environment of `make conformance`."""

from __future__ import annotations

import json
import os

import torch

from tests.programs import PROGRAMS

PATH = os.path.join(os.path.dirname(__file__), "programs.json")


def main() -> None:
    torch.set_num_threads(1)
    recorded = {"torch": torch.__version__, **{name: f(torch) for name, f in PROGRAMS.items()}}
    with open(PATH, "w") as file:
        json.dump(recorded, file, indent=0)


if __name__ == "__main__":
    main()

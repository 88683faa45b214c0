"""Records what PyTorch gives for tests/loading_programs.py and tests/checkpoint_program.py: `python -m tests.recorded.record_loading`, in the environment of `make conformance`."""

from __future__ import annotations

import json
import os

import torch

from tests.checkpoint_program import contents, facts
from tests.loading_programs import PROGRAMS

FOLDER = os.path.dirname(__file__)
PATH = os.path.join(FOLDER, "loading.json")


def main() -> None:
    recorded = {"torch": torch.__version__, **{name: f(torch) for name, f in PROGRAMS.items()}, "checkpoint": facts(contents(torch))}
    torch.save(contents(torch), os.path.join(FOLDER, "checkpoint.pt"))
    with open(PATH, "w") as file:
        json.dump(recorded, file, indent=0, separators=(",", ":"))


if __name__ == "__main__":
    main()

"""Records what PyTorch gives for the programs of tests/autograd/programs.py and tests/func/programs.py: run it from the top of the checkout, where PyTorch is."""

from __future__ import annotations

import warnings

import torch

from tests.autograd import programs_of_graphs  # noqa: F401  it adds its own
from tests.autograd.programs import PROGRAMS
from tests.func import programs_of_functions  # noqa: F401  so does this
from tests.func.programs import PROGRAMS as FUNC_PROGRAMS
from tests.recorded import AUTOGRAD_FILE, save


def results(run, library, *more) -> list:
    """What a program gives, as arrays and texts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [v if isinstance(v, str) else v.detach().numpy() for v in run(library, *more)]


def main() -> None:
    values = {}
    for name, run in PROGRAMS.items():
        for i, v in enumerate(results(run, torch, torch.autograd)):
            values[f"{name}/{i}"] = v
    for name, run in FUNC_PROGRAMS.items():
        for i, v in enumerate(results(run, torch, torch.func)):
            values[f"func.{name}/{i}"] = v
    print(f"{len(values)} values, {save(values, AUTOGRAD_FILE)} bytes")


if __name__ == "__main__":
    main()

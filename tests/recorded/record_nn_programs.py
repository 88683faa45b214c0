"""Records what PyTorch gives for the programs of tests/nn: `python -m tests.recorded.record_nn_programs`, where PyTorch is."""

from __future__ import annotations

from tests.nn.all_programs import PROGRAMS
from tests.nn.evaluate import run
from tests.recorded import NN_PROGRAMS_FILE, save


def main() -> None:
    import torch
    import torch.nn.utils.prune

    torch.set_num_threads(1)
    values = {}
    for name, program in PROGRAMS.items():
        for i, value in enumerate(run(program, torch)):
            values[f"{name}|{i}"] = value if isinstance(value, str) else value.detach().numpy()
    print(f"{len(values)} values, {save(values, NN_PROGRAMS_FILE)} bytes")


if __name__ == "__main__":
    main()

"""Records what PyTorch gives for the cases of tests/nn and tests/random: `python -m tests.recorded.record_nn`.

In the environment of `make conformance`; run it again whenever a case is added or changed.
"""

from __future__ import annotations

import numpy as np

from tests.nn import cases as nn
from tests.random import cases as random
from tests.recorded import NN_FILE, save


def evaluated(lib) -> dict[str, np.ndarray | str]:
    """Every value by its name."""
    found = {}

    def put(name: str, values: dict) -> None:
        found.update({f"{name}|{k}": v if isinstance(v, str) else np.asarray(v) for k, v in values.items()})

    for name in nn.FUNCTIONS:
        put(f"function|{name}", nn.function_results(lib, name))
    for text in nn.MODULES:
        put(f"module|{text}", nn.module_results(lib, text))
    for name in nn.INITIAL:
        put(f"init|{name}", nn.initial_values(lib, name))
    for text in random.DRAWS:
        # a state is 5056 bytes: the seed, the position and some words tell
        values = random.draw(lib, text)
        put(f"draw|{text}", {k: v[:200] if "state" in k else v for k, v in values.items()})
    return found


def main() -> None:
    import torch

    if not torch.__version__.startswith("2.13."):
        raise SystemExit(f"values are recorded from PyTorch 2.13, this is {torch.__version__}")
    torch.set_num_threads(1)
    print(f"{save(evaluated(torch), NN_FILE)} bytes")


if __name__ == "__main__":
    main()

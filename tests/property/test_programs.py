"""Random programs of operations, views, in-place writes and gradients: every tier computes what the interpreter computes, and it what NumPy's rules say.

The seeds are fixed, so a failure is found again; `python -m tests.property.test_programs exact 1000 2000` runs any others.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest

from suiren.config import config
from tests.property.programs import exact_program, smooth_program, training_program
from tests.property.text import Text
from tests.property.tiers import SUBSETS, check

# (how a program is written, the tolerance): whole numbers agree in every bit, real ones but for rounding.
FAMILIES = {"exact": (exact_program, 0.0), "smooth": (smooth_program, 2e-4), "training": (training_program, 1e-3)}
LONGEST = 24  # lines, about


def drawn(family: str, seed: int) -> Text:
    """The program of a seed."""
    rng = np.random.default_rng((seed, list(FAMILIES).index(family)))
    given = [tuple(int(n) for n in rng.integers(0, 1000, 3)) for _ in range(int(rng.integers(1, 5)))]
    steps = [tuple(int(n) for n in rng.integers(0, 1000, 4)) for _ in range(int(rng.integers(1, LONGEST)))]
    return FAMILIES[family][0](given, steps)


def run(family: str, seed: int, against=None) -> None:
    """One program in every tier, one of its results looked at first, and without a choice of passes."""
    passes = (SUBSETS[seed % len(SUBSETS)],) if seed % 4 == 0 else ()
    with config(verify=1):
        check(drawn(family, seed), FAMILIES[family][1], (seed,) if seed % 3 == 0 else (), passes, against, many_threads=seed % 4 == 1)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("family", FAMILIES)
def test_every_tier_computes_the_same(family, seed):
    run(family, seed)


if __name__ == "__main__":
    name, first, last = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    torch = __import__(sys.argv[4]) if len(sys.argv) > 4 else None
    for number in range(first, last):
        try:
            run(name, number, torch)
        except Exception as error:
            print(f"{name} {number}: {type(error).__name__}: {error}", flush=True)

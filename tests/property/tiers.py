"""Runs a program in every tier and compares what comes out."""

from __future__ import annotations

import itertools

import numpy as np

import suiren
from suiren.config import config
from suiren.trace import execution
from tests.property.text import Text

OPTIONAL_PASSES = ("simplify", "layout", "fuse", "reuse")
SUBSETS = tuple(frozenset(s) for n in range(1, 5) for s in itertools.combinations(OPTIONAL_PASSES, n))


def check(text: Text, tolerance: float, looked: tuple[int, ...] = (), passes: tuple[frozenset, ...] = (), against=None, many_threads: bool = True) -> None:
    """Interpreted, compiled, replayed, with 1, 2 and 4 threads, and without some passes: the same results, or AssertionError with the program.

    `tolerance` 0: the same bits; else relative to the largest element of each result. `against` is another module with PyTorch's API.
    """
    with config(tier="interpreter"):
        expected = text.run(looked=looked)
    if against is not None:
        same(text, against.__name__, text.run(against), expected, tolerance)
    with config(tier="auto"):
        same(text, "compiled", text.run(looked=looked), expected, tolerance)
        once = text.run(looked=looked)
        same(text, "compiled and replayed", once, expected, tolerance)
    with config(tier="compiled"):
        same(text, "tier=compiled", text.run(looked=looked), once, 0)
    if many_threads:
        before = suiren.get_num_threads()
        try:
            for n in (1, 4):
                suiren.set_num_threads(n)
                with config(tier="compiled"):
                    same(text, f"{n} threads", text.run(looked=looked), once, 0)
        finally:
            suiren.set_num_threads(before)
    for left_out in passes:
        with config(tier="compiled", passes=left_out):
            forget_programs()
            same(text, f"without {sorted(left_out)}", text.run(looked=looked), expected, tolerance)
    if passes:
        forget_programs()


def forget_programs() -> None:
    """What was compiled with other passes must not be found again."""
    for ending in execution.endings:
        ending.executable = None


def same(text: Text, how: str, got: list[np.ndarray], expected: list[np.ndarray], tolerance: float) -> None:
    for name, a, b in zip(text.kept, got, expected):
        assert a.dtype == b.dtype and a.shape == b.shape, f"{how}: {name} is {a.dtype} {a.shape}, not {b.dtype} {b.shape}\n{text}"
        if tolerance and a.dtype.kind == "f":
            scale = max(1.0, float(np.abs(b[np.isfinite(b)]).max(initial=0)))
            good = np.allclose(a / scale, b / scale, rtol=0, atol=tolerance, equal_nan=True)
        else:
            good = np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        if not good:
            with np.errstate(all="ignore"):
                difference = np.abs(a.astype(np.float64) - b.astype(np.float64))
            raise AssertionError(f"{how}: {name} differs by up to {difference.max():.3g}\ngot {a.ravel()[:8]}\nexpected {b.ravel()[:8]}\n{text}")

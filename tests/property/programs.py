"""Random programs, as text: what a test draws are numbers, and a scout run turns them into lines of Python that only use PyTorch's API.

The lines run as they stand on suiren and on PyTorch, in any tier, and a failing test prints them: they are the reproduction.

Two families. In an *exact* program every value is a small whole number (floats too), whatever is computed is exact in float32, and so the
interpreter, machine code and PyTorch must agree in every bit, comparisons and places of maxima included. In a *smooth* program the values are
real and stay within a few units; nothing in it is decided by a comparison of computed values, so differences stay differences of rounding.
"""

from __future__ import annotations

import numpy as np

import suiren
from tests.property.exact import EXACT
from tests.property.smooth import SMOOTH, TRAINING
from tests.property.text import Text, Writer

# Sizes of dims: none, one, odd ones, a vector's and a little more; large ones for dims that are alone.
SIZES = (1, 2, 3, 5, 8, 17, 0)
LARGE = (4099, 1000, 2048)


def exact_program(given: list[tuple[int, int, int]], steps: list[tuple[int, int, int, int]]) -> Text:
    return _written([exact_array(*g) for g in given], steps, EXACT)


def smooth_program(given: list[tuple[int, int, int]], steps: list[tuple[int, int, int, int]]) -> Text:
    return _written([smooth_array(*g) for g in given], steps, SMOOTH)


def training_program(given: list[tuple[int, int, int]], steps: list[tuple[int, int, int, int]]) -> Text:
    """The first and the third array are parameters; the gradients they end with are results too."""
    arrays = [smooth_array(*g) for g in given]
    w = _writer(arrays, steps, TRAINING, tuple(i for i in range(len(arrays)) if i % 2 == 0))
    for i in w.requires_grad:
        if w.space[f"v{i}"].grad is not None:
            w.names.append(f"v{i}.grad")
    return w.text()


def _written(arrays, steps, actions) -> Text:
    return _writer(arrays, steps, actions).text()


def _writer(arrays, steps, actions, requires_grad: tuple[int, ...] = ()) -> Writer:
    from suiren.trace.pending import finish

    w = Writer(arrays, requires_grad)
    with suiren.config(tier="interpreter"):
        for which, a, b, c in steps:
            try:
                actions[which % len(actions)](w, a, b, c)
            except RuntimeError as error:
                if "modified by an inplace operation" not in str(error):
                    raise
                break  # a write harmed what a gradient needs, here as in PyTorch: the program ends before the backward that finds out
        finish()
    return w


def exact_array(a: int, b: int, c: int) -> np.ndarray:
    shape = shape_of(a, b)
    kind = ("float32", "float32", "int64", "float32", "bool", "int32", "float32", "uint8", "float64", "int64")[c % 10]
    values = np.random.default_rng(a * 7 + b).integers(-4, 5, shape)
    return (np.abs(values) if kind == "uint8" else values > 0 if kind == "bool" else values).astype(kind)


def smooth_array(a: int, b: int, c: int) -> np.ndarray:
    kind = "float64" if c % 9 == 8 else "float32"
    return np.random.default_rng(a * 7 + b).standard_normal(shape_of(a, b)).astype(kind)


def shape_of(a: int, b: int) -> tuple[int, ...]:
    ndim = a % 4
    sizes = [SIZES[(b // 7**i) % (6 if (a // 4) % 6 else 7)] for i in range(ndim)]  # a size of 0 in one program of six
    if ndim == 1 and b % 5 == 0 or ndim == 2 and b % 13 == 0:
        sizes[-1] = LARGE[b % 3]
    return tuple(sizes)

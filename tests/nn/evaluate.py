"""What the programs of nn are written with; `t` is torch or suiren."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np


class Draws:
    """Tensors of normal numbers, the same for both libraries."""

    def __init__(self, t, seed: int = 0):
        self.t, self.rng = t, np.random.default_rng(seed)

    def __call__(self, *shape: int):
        return self.t.tensor(self.rng.standard_normal(shape).astype(np.float32), requires_grad=True)

    def uniform(self, low: float, high: float, *shape: int):
        return self.t.tensor(self.rng.uniform(low, high, shape).astype(np.float32), requires_grad=True)


def error(f: Callable) -> str:
    """The exception, as a text, without the place that suiren adds to what a program finds while it runs."""
    try:
        f()
    except Exception as e:
        return f"{type(e).__name__}: {str(e).split(' [check_index')[0]}"
    return "nothing was raised"


def state(module) -> list:
    """Its text, and its parameters and buffers by name."""
    found = [repr(module)]
    for name, value in module.state_dict().items():
        found += [name, value.detach().clone()]
    return found


def gradients(out, *inputs) -> list:
    """The gradients of the sum of the squares of `out`; 0 where there is none."""
    total = sum((o * o).sum() for o in (out if isinstance(out, (tuple, list)) else (out,)))
    total.backward()
    return [i.new_zeros(i.shape) if i.grad is None else i.grad.clone() for i in inputs]


def run(program: Callable, t) -> list:
    """What a program gives; every one begins with the same seed."""
    t.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return program(t)

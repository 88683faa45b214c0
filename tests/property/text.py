"""A program as text: what it says, what it is given, and how it is written while a scout runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import suiren

MOST = 40_000  # elements of any value: larger ones cost time and find nothing more


class Text(NamedTuple):
    """A program: its lines, the arrays it is given as v0, v1, …, and the names it ends with."""

    lines: tuple[str, ...]
    inputs: tuple[np.ndarray, ...]
    kept: tuple[str, ...]
    requires_grad: tuple[int, ...] = ()

    def source(self) -> str:
        given = ", ".join(f"v{i}" for i in range(len(self.inputs)))
        body = [*self.lines, f"return [{', '.join(self.kept)}]"]
        return f"def program(t{', ' + given if given else ''}):\n" + "\n".join("    " + line for line in body)

    def __str__(self) -> str:
        made = [f"v{i}: {a.dtype} {a.shape}" + (" requires_grad" if i in self.requires_grad else "") for i, a in enumerate(self.inputs)]
        return "\n".join(["", "# " + "; ".join(made), self.source()])

    def function(self) -> Callable:
        space: dict = {}
        exec(compile(self.source(), "<program>", "exec"), space)
        return space["program"]

    def run(self, t=suiren, looked: tuple[int, ...] = ()) -> list:
        """The final values, as arrays; a list or a number that the program made stays one. `looked`: the kept ones that are looked at first."""
        leaves = [t.tensor(a) for a in self.inputs]
        for i in self.requires_grad:
            leaves[i].requires_grad_()
        t.manual_seed(3)
        found = self.function()(t, *leaves)
        for i in looked:
            if found:
                _array(found[i % len(found)])
        return [_array(x) for x in found]


def _array(x):
    if x is None or isinstance(x, (int, float, bool, list)):
        return np.asarray(x if x is not None else np.nan)
    return np.array(x.detach().numpy())


class Writer:
    """Writes a program line by line while a scout runs it (recorded, not computed) to know shapes and dtypes."""

    def __init__(self, inputs: list[np.ndarray], requires_grad: tuple[int, ...] = ()):
        self.inputs, self.requires_grad = tuple(inputs), requires_grad
        self.space: dict = {"t": suiren}
        self.names: list[str] = []
        self.lines: list[str] = []
        self.count = len(inputs)
        for i, a in enumerate(inputs):
            self.space[f"v{i}"] = suiren.tensor(a).requires_grad_(i in requires_grad)
            self.names.append(f"v{i}")

    def pick(self, n: int, fits: Callable = lambda x: True) -> str | None:
        """The n-th name whose value fits, counted from the newest: short programs are connected ones."""
        fitting = [name for name in reversed(self.names) if fits(self.space[name])]
        return fitting[n % len(fitting)] if fitting else None

    def line(self, text: str) -> None:
        exec(text, self.space)
        self.lines.append(text)

    def let(self, expression: str) -> None:
        """A new name for an expression, if its value is not too large."""
        value = eval(expression, self.space)
        if value.numel() > MOST:
            return
        name = f"v{self.count}"
        self.count += 1
        self.space[name] = value
        self.names.append(name)
        self.lines.append(f"{name} = {expression}")

    def forget(self, name: str) -> None:
        self.names.remove(name)
        self.line(f"del {name}")

    def text(self) -> Text:
        return Text(tuple(self.lines), self.inputs, tuple(self.names), self.requires_grad)

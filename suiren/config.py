"""Every SUIREN_* switch: its type, default, allowed values and one line of help. Nothing else reads the environment for them.

`config.debug` is the current value; `with suiren.config(debug=4):` changes it for a block.
"""

from __future__ import annotations

import difflib
import os
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any, NamedTuple


class Switch(NamedTuple):
    name: str
    default: Any
    parse: Callable[[str], Any]
    values: str
    help: str

    @property
    def variable(self) -> str:
        return "SUIREN_" + self.name.upper()


def _level(highest: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdigit() or int(text) > highest:
            raise ValueError
        return int(text)

    return parse


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError
        return text

    return parse


_OPTIONAL_PASSES = ("simplify", "layout", "fuse", "reuse")


def _passes(text: str) -> frozenset[str]:
    """The optional passes that are left out."""
    left_out = [part.strip() for part in text.split(",") if part.strip()]
    if any(not part.startswith("-") or part[1:] not in _OPTIONAL_PASSES for part in left_out):
        raise ValueError
    return frozenset(part[1:] for part in left_out)


SWITCHES = (
    Switch("debug", 0, _level(6), "0…6", "prints: 1 tier chosen and compile times, 2 time, FLOPs and bytes per kernel, 3 traces with the user's lines, 4 the program after every pass, 5 LLVM IR, 6 assembly"),
    Switch("tier", "auto", _choice("auto", "interpreter", "compiled"), "auto, interpreter, compiled", "which tier runs; 'compiled' compiles a trace the first time it is seen"),
    Switch("verify", 0, _level(2), "0…2", "1 type-checks traces and programs after every pass, 2 also runs the interpreter and names the first kernel whose result differs"),
    Switch("passes", frozenset(), _passes, "comma-separated: " + ", ".join("-" + p for p in _OPTIONAL_PASSES), "leaves optional passes out, to bisect a wrong result"),
    Switch("dump", "", str, "a folder", "writes numbered files per program: trace, each pass, memory plan, .ll, .s"),
    Switch("misses", 0, _level(1), "0, 1", "says why a trace was not found: the first node in which it differs from the nearest known one"),
    Switch("nans", 0, _level(1), "0, 1", "stops at the first operation that made a NaN or an infinity, with the user's line"),
    Switch("cache", "", str, "a folder, or 'off'", "where compiled kernels are kept between processes"),
)  # fmt: skip


class Config:
    """The switches as attributes. `config(debug=4)` is a context manager."""

    debug: int
    tier: str
    verify: int
    passes: frozenset[str]
    dump: str
    misses: int
    nans: int
    cache: str

    def __init__(self, environment: dict[str, str]):
        self.by_name = {s.name: s for s in SWITCHES}
        known = {s.variable: s for s in SWITCHES}
        for s in SWITCHES:
            setattr(self, s.name, s.default)
        for variable in sorted(v for v in environment if v.startswith("SUIREN_")):
            if variable not in known:
                near = difflib.get_close_matches(variable, known, n=1)
                hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(sorted(known))}"
                warnings.warn(f"suiren does not know {variable}{hint}", stacklevel=2)
            elif environment[variable] != "":
                setattr(self, known[variable].name, self._read(known[variable], environment[variable]))

    @staticmethod
    def _read(switch: Switch, text: str) -> Any:
        try:
            return switch.parse(text)
        except ValueError:
            raise ValueError(f"{switch.variable}={text!r} is not a value it can have: {switch.values}") from None

    @contextmanager
    def __call__(self, **changes: Any):
        for name, value in changes.items():
            if name not in self.by_name:
                raise TypeError(f"there is no switch {name!r}; there are {', '.join(self.by_name)}")
            changes[name] = value if isinstance(value, frozenset) else self._read(self.by_name[name], str(value))
        before = {name: getattr(self, name) for name in changes}
        self.__dict__.update(changes)
        try:
            yield self
        finally:
            self.__dict__.update(before)


config = Config(dict(os.environ))


def table() -> str:
    """The switches as a Markdown table, for the documentation."""
    rows = [f"| `{s.variable}` | {s.values} | {s.help} |" for s in SWITCHES]
    return "\n".join(["| switch | values | what it does |", "|---|---|---|", *rows])

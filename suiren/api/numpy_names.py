"""NumPy's names of arguments: PyTorch's functions and methods take `axis` for `dim` and `keepdims` for `keepdim`.

Source: torch/csrc/utils/python_arg_parser.cpp, numpy_compatibility_arg_names
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from typing import Any

from suiren.trace.shown import viewing

NAMES = {"dim": "axis", "keepdim": "keepdims"}
ABSENT: Any = type("ABSENT", (), {"__repr__": lambda _: "absent"})()

_FILE = os.path.join(os.path.dirname(__file__), "<numpy_names>")  # of suiren, for who looks for the user's line; with no source


def takes(f: Any) -> bool:
    """Whether a function has an argument with a second name."""
    code = None if hasattr(f, "__signature__") or hasattr(f, "__wrapped__") else getattr(f, "__code__", None)
    if code is not None:  # a plain function: `inspect` would take 10 µs for each of a thousand at start-up
        return not NAMES.keys().isdisjoint(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    return callable(f) and not NAMES.keys().isdisjoint(inspect.signature(f).parameters)


def renaming(f: Callable, name: str, filling: Callable | None = None) -> Callable:
    """f under that name, which takes NumPy's names too; with `filling`, the form of f that takes `out=`, it takes that as well.

    The function is written out with f's own parameters, because passing on `*args` and `**kwargs` would cost a call 80 ns.
    """
    if filling is None and hasattr(f, "shows"):  # what is remembered is asked first
        return viewing(renaming(f.shows, name))
    shown = inspect.signature(f)
    parameters = list(shown.parameters.values())
    g = _maker(tuple((p.name, p.kind is p.KEYWORD_ONLY, p.default is p.empty) for p in parameters), filling is not None)(
        f, filling, name, *(p.default for p in parameters)
    )
    if filling is not None:
        shown = shown.replace(parameters=[*parameters, inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None)])
    g.__name__ = g.__qualname__ = name
    g.__module__, g.__doc__, g.__wrapped__, g.__signature__ = f.__module__, f.__doc__, f, shown
    return g


@functools.cache
def _maker(parameters: tuple[tuple[str, bool, bool], ...], out: bool) -> Callable:
    """What makes the function of these parameters: name, whether keyword-only, whether required."""
    names = [n for n, _, _ in parameters]
    first = min(names.index(n) for n in NAMES if n in names)
    late = [n for i, (n, keyword, required) in enumerate(parameters) if required and i >= first]  # required, but after one that may be called otherwise
    taken, starred = [], False
    for n, keyword, required in parameters:
        if keyword and not starred:
            taken.append("*")
            starred = True
        taken.append(n if required and n not in late else f"{n}={'ABSENT' if required else 'd_' + n}")
    others = [n for n in NAMES if n in names]
    refused = not out and "out" not in names  # which NumPy gives all the same, in `np.sum(x)`: PyTorch complains of the other name then
    taken += ["*"] * (not starred) + [f"{NAMES[n]}=ABSENT" for n in others] + ["out=None"] * out + ["out=ABSENT"] * refused
    given = ", ".join(f"{n}={n}" if keyword else n for n, keyword, _ in parameters)
    lines = [f"def make(f, filling, name, {', '.join('d_' + n for n in names)}):", f"    def g({', '.join(taken)}):"]
    if refused:
        unexpected = "".join(f"'{NAMES[n]}' if {NAMES[n]} is not ABSENT else " for n in others) + "'out'"
        lines.append(f"        if out is not ABSENT:\n            raise TypeError(f\"{{name}}() got an unexpected keyword argument {{{unexpected}!r}}\")")
    lines += [f"        if {NAMES[n]} is not ABSENT:\n            {n} = {NAMES[n]}" for n in others]
    for n in late:
        lines.append(f"        if {n} is ABSENT:\n            raise TypeError(missing(name, {late!r}, ({', '.join(late)},)))")
    lines += [f"        if out is not None:\n            return filling({given}, out=out)"] * out
    lines += [f"        return f({given})", "    return g"]
    found = {"ABSENT": ABSENT, "missing": _missing}
    exec(compile("\n".join(lines), _FILE, "exec"), found)
    return found["make"]


def _missing(name: str, required: list, values: tuple) -> str:
    without = [n for n, v in zip(required, values) if v is ABSENT]
    return f"{name}() missing {len(without)} required positional arguments: " + ", ".join(f'"{n}"' for n in without)


__all__ = ["NAMES", "renaming", "takes"]

"""Runs a line of PyTorch with either library: what comes out, the gradients, or the exception."""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np

from tests.api.expressions import DIFFERENTIABLE, variables


class Outcome(NamedTuple):
    """`values`: arrays of tensors, texts of anything else; `gradients`: by variable; or the exception's type and text."""

    values: list
    gradients: dict[str, np.ndarray]
    error: tuple[str, str] | None


def outcome(expression: str, library) -> Outcome:
    names = {"t": library, "np": np}
    for name, array in variables().items():
        tensor = library.from_numpy(array.copy())
        names[name] = tensor.requires_grad_() if name in DIFFERENTIABLE else tensor
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value = _run(expression, names)
            flat = _flat(value, library)
            values = [v.numpy(force=True).copy() if isinstance(v, library.Tensor) else repr(v) for v in flat]
        except Exception as error:
            return Outcome([], {}, (type(error).__name__, str(error)))
    total = None
    for v in flat:
        if isinstance(v, library.Tensor) and v.requires_grad:
            weights = np.cos(np.arange(v.numel())).reshape(tuple(v.shape)).astype(v.detach().numpy().dtype)
            term = (v * library.from_numpy(weights)).sum().double()
            total = term if total is None else total + term
    gradients = {}
    if total is not None:
        try:
            total.backward()
        except RuntimeError:  # PyTorch does not differentiate floor_divide; a gradient that fails to come otherwise is missed by who compares
            return Outcome(values, {}, None)
        gradients = {n: names[n].grad.numpy(force=True) for n in DIFFERENTIABLE if names[n].grad is not None}
    return Outcome(values, gradients, None)


def _run(expression: str, names: dict):
    *before, last = expression.split("; ")
    for statement in before:
        exec(statement, names)
    try:
        code = compile(last, "<line>", "eval")
    except SyntaxError:
        exec(last, names)
        return None
    return eval(code, names)


def _flat(value, library) -> list:
    if isinstance(value, (tuple, list)) and not isinstance(value, library.Size):
        return [v for part in value for v in _flat(part, library)]
    return [value]

"""Compares a line's outcome in suiren with what was recorded, or with a live PyTorch's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.api.evaluate import Outcome
from tests.api.expressions import DIFFERENTIABLE, lines
from tests.recorded import FILE, recorded


def from_record(line: str, file: Path = FILE) -> Outcome:
    """The outcome that PyTorch had."""
    error = recorded(f"{line}/error", missing=None, file=file)
    values, gradients = [], {}
    while recorded(f"{line}/{len(values)}", missing=None, file=file) is not None:
        values.append(recorded(f"{line}/{len(values)}", file=file))
    for name in DIFFERENTIABLE:
        gradient = recorded(f"{line}/grad {name}", missing=None, file=file)
        if gradient is not None:
            gradients[name] = gradient
    return Outcome(values, gradients, tuple(error.split(": ", 1)) if error is not None else None)


def assert_same(line: str, got: Outcome, want: Outcome, rtol: float = 2e-5) -> None:
    """The same values, shapes and dtypes, gradients, or the same type of exception with PyTorch's words in its message."""
    if want.error is not None:
        assert got.error is not None, f"{line}: no {want.error[0]} ({want.error[1]}), but {got.values}"
        assert got.error[0] == want.error[0], f"{line}: {got.error}, want {want.error}"
        if line not in OTHER_WORDS:
            first = want.error[1].splitlines()[0]
            assert first in got.error[1], f"{line}: {got.error[1]!r}, want {first!r}"
        return
    assert got.error is None, f"{line}: {got.error}"
    assert len(got.values) == len(want.values), f"{line}: {len(got.values)} values, want {len(want.values)}"
    for g, w in zip(got.values, want.values):
        if isinstance(w, str):
            assert g == w, f"{line}: {g}, want {w}"
            continue
        assert isinstance(g, np.ndarray), f"{line}: {g!r}, want an array"
        assert g.dtype == w.dtype and g.shape == w.shape, f"{line}: {g.dtype}{g.shape}, want {w.dtype}{w.shape}"
        _close(g, w, line, rtol)
    for name, w in want.gradients.items():
        g = got.gradients.get(name)
        assert g is not None or not w.any(), f"{line}: no gradient of {name}"
        if g is not None:
            _close(g, w, f"{line}, gradient of {name}", rtol)


def _close(got: np.ndarray, want: np.ndarray, what: str, rtol: float) -> None:
    if want.dtype.kind not in "fc":
        np.testing.assert_array_equal(got, want, err_msg=what)
        return
    # float32 and complex64 results of up to a dozen roundings each; gradients are sums of such
    finite = np.abs(want[np.isfinite(want)])
    scale = max(1.0, float(finite.max())) if finite.size else 1.0
    np.testing.assert_allclose(got, want, rtol=rtol, atol=0.15 * rtol * scale, err_msg=what)


# Lines whose exception has PyTorch's type, but not its words: they speak of its parser of overloads, or the message here says more.
OTHER_WORDS = frozenset(("t.zeros(2, 'a')", "t.pow(x, 'a')", "t.eq(x, 'a')", "t.sum(x, dim='a')"))

__all__ = ["assert_same", "from_record", "lines"]

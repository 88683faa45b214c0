"""Anomaly detection: a backward that makes NaN, or fails, names the forward line. Source: torch/autograd/anomaly_mode.py"""

from __future__ import annotations

import functools

from suiren.trace.pending import settle
from suiren.trace.storage import array_of
from suiren.warned import warn

enabled = False  # whether backward passes are watched
_check_nan = True


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    return enabled


def is_anomaly_check_nan_enabled() -> bool:
    """Whether gradients are searched for NaN while it is on."""
    return _check_nan


def set_anomaly_enabled(mode: bool, check_nan: bool = True) -> None:
    """Switches anomaly detection on or off."""
    _switch(mode, check_nan)


def _switch(mode: bool, check_nan: bool) -> tuple[bool, bool]:
    global enabled, _check_nan
    before = enabled, _check_nan
    enabled, _check_nan = bool(mode), check_nan
    return before


class set_detect_anomaly:
    """Switches anomaly detection at once, and back at the end of a `with` block."""

    def __init__(self, mode: bool, check_nan: bool = True):
        self.mode, self.check_nan = mode, check_nan
        self._before = _switch(mode, check_nan)

    def __enter__(self) -> None:
        _switch(self.mode, self.check_nan)

    def __exit__(self, *exception) -> None:
        _switch(*self._before)


class detect_anomaly:
    """Inside, a backward whose gradients have a NaN raises RuntimeError, and one that fails warns with the forward line of the operation."""

    def __init__(self, check_nan: bool = True):
        self.check_nan = check_nan
        self._before = enabled, _check_nan
        warn("Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for debugging.")

    def __enter__(self) -> None:
        self._before = _switch(True, self.check_nan)

    def __exit__(self, *exception) -> None:
        _switch(*self._before)

    def __call__(self, function):
        @functools.wraps(function)
        def inside(*args, **kwargs):
            before = _switch(True, self.check_nan)
            try:
                return function(*args, **kwargs)
            finally:
                _switch(*before)

        return inside


def failed(name: str, line) -> None:
    """Warns where the operation was recorded whose backward failed."""
    if line is None:
        text = "No forward pass information available. Enable detect anomaly during forward pass for more information."
        warn(f"Error detected in {name}. {text}")
        return
    source = f'  File "{line.file}", line {line.line}, in {line.function}\n'
    warn(f"Error detected in {name}. Traceback of forward call that caused the error:\n{source}")


def check(name: str, gradients) -> None:
    """RuntimeError, PyTorch's, for the first gradient that has a NaN."""
    if not _check_nan:
        return
    for i, g in enumerate(gradients):
        if g is None or g._spec.dtype.category < 2 or g._interpret is not None:
            continue
        settle(g)
        a = array_of(g)
        if (a != a).any():
            raise RuntimeError(f"Function '{name}' returned nan values in its {i}th output.")

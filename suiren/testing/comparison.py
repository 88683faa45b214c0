"""`assert_close`: tensors, numbers, arrays, and lists and dicts of them, within tolerances that belong to their dtypes.

Source: torch/testing/_comparison.py
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from suiren import dtypes
from suiren.api.creation import as_tensor
from suiren.autograd.modes import no_grad
from suiren.dtypes import promote_types
from suiren.tensor import Tensor

# dtype: (rtol, atol); whole numbers must be equal
TOLERANCES = {
    dtypes.float16: (1e-3, 1e-5), dtypes.bfloat16: (1.6e-2, 1e-5), dtypes.float32: (1.3e-6, 1e-5), dtypes.float64: (1e-7, 1e-7),
    dtypes.complex64: (1.3e-6, 1e-5), dtypes.complex128: (1e-7, 1e-7),
}  # fmt: skip
_OF_NUMBER = {int: dtypes.int64, float: dtypes.float64, complex: dtypes.complex128}


class _Comparison:
    """One call of assert_close: its options, and the place in nested containers where it is."""

    def __init__(self, **options: Any):
        self.__dict__.update(options)

    def fail(self, kind: type[Exception], text: str, place: tuple) -> None:
        if place:
            text += f"\n\nThe failure occurred for item {''.join(str([item]) for item in place)}"
        msg = self.msg
        raise kind(msg(text) if callable(msg) else text if msg is None else msg)

    def tolerances(self, *kinds: dtypes.dtype, place: tuple) -> tuple[float, float]:
        if (self.rtol is None) != (self.atol is None):
            missing = "rtol" if self.rtol is None else "atol"
            self.fail(ValueError, f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}.", place)
        if self.rtol is not None:
            return self.rtol, self.atol
        found = [TOLERANCES.get(d, (0.0, 0.0)) for d in kinds]
        return max(r for r, _ in found), max(a for _, a in found)

    # -- what is compared
    def compare(self, actual: Any, expected: Any, place: tuple = ()) -> None:
        if _is_sequence(actual) and _is_sequence(expected):
            if len(actual) != len(expected):
                self.fail(AssertionError, f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", place)
            for i in range(len(actual)):
                self.compare(actual[i], expected[i], (*place, i))
        elif isinstance(actual, Mapping) and isinstance(expected, Mapping):
            self._mappings(actual, expected, place)
        elif actual is None or expected is None:
            if actual is not expected:
                self.fail(AssertionError, f"None mismatch: {actual} is not {expected}", place)
        elif isinstance(actual, (bool, np.bool_)) and isinstance(expected, (bool, np.bool_)):
            if bool(actual) is not bool(expected):
                self.fail(AssertionError, f"Booleans mismatch: {bool(actual)} is not {bool(expected)}", place)
        elif _is_number(actual) and _is_number(expected):
            self._numbers(_plain(actual), _plain(expected), place)
        else:
            self._tensors(actual, expected, place)

    def _mappings(self, actual: Mapping, expected: Mapping, place: tuple) -> None:
        if actual.keys() != expected.keys():
            missing, more = sorted(expected.keys() - actual.keys(), key=str), sorted(actual.keys() - expected.keys(), key=str)
            self.fail(
                AssertionError,
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {missing}\nAdditional keys in the actual mapping: {more}",
                place,
            )
        keys = list(actual)
        try:
            keys = sorted(keys)
        except TypeError:
            pass
        for key in keys:
            self.compare(actual[key], expected[key], (*place, key))

    def _numbers(self, actual: Any, expected: Any, place: tuple) -> None:
        if self.check_dtype and type(actual) is not type(expected):
            self.fail(AssertionError, f"The (d)types do not match: {type(actual)} != {type(expected)}.", place)
        if actual == expected or (self.equal_nan and actual != actual and expected != expected):
            return
        rtol, atol = self.tolerances(_OF_NUMBER[type(actual)], _OF_NUMBER[type(expected)], place=place)
        difference, allowed = abs(actual - expected), atol + rtol * abs(expected)
        if not (np.isfinite(difference) and difference <= allowed):
            self.fail(AssertionError, _scalars(actual, expected, rtol, atol), place)

    def _tensors(self, actual: Any, expected: Any, place: tuple) -> None:
        related = isinstance(actual, type(expected)) or isinstance(expected, type(actual))
        if not related or (not self.allow_subclasses and type(actual) is not type(expected)):
            self._unsupported(actual, expected, place)
        try:
            a, e = (x.detach() if isinstance(x, Tensor) else as_tensor(x) for x in (actual, expected))
        except Exception:
            self._unsupported(actual, expected, place)
        self._attributes(a, e, place)
        rtol, atol = self.tolerances(a.dtype, e.dtype, place=place)
        if a.dtype is not e.dtype:
            common = promote_types(a.dtype, e.dtype)
            a, e = a.to(common), e.to(common)
        matches = a.isclose(e, rtol=rtol, atol=atol, equal_nan=self.equal_nan)
        if not bool(matches.all()):
            text = _scalars(a.item(), e.item(), rtol, atol) if a.ndim == 0 else _mismatch(a.numpy(), e.numpy(), matches.numpy(), rtol, atol)
            self.fail(AssertionError, text, place)

    def _attributes(self, a: Tensor, e: Tensor, place: tuple) -> None:
        checks = [("shape", a.shape, e.shape)]
        if self.check_stride:
            checks.append(("stride()", a.stride(), e.stride()))
        if self.check_dtype:
            checks.append(("dtype", a.dtype, e.dtype))
        for name, x, y in checks:
            if x != y:
                self.fail(AssertionError, f"The values for attribute '{name}' do not match: {x} != {y}.", place)

    def _unsupported(self, actual: Any, expected: Any, place: tuple) -> None:
        self.fail(TypeError, f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.", place)


def _is_sequence(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, str)


def _is_number(x: Any) -> bool:
    return isinstance(x, (int, float, complex, np.number)) and not isinstance(x, (bool, np.bool_))


def _plain(x: Any) -> Any:
    return x.item() if isinstance(x, np.number) else x


def _difference(kind: str, value: float, at: tuple | None, allowed: float, equality: bool) -> str:
    text = f"{kind.title()} difference: {value}" if at is None else f"Greatest {kind} difference: {value} at index {at}"
    return text + ("" if equality else f" (up to {allowed} allowed)")


def _report(what: str, extra: str, absolute: tuple, relative: tuple, rtol: float, atol: float) -> str:
    equality = rtol == 0 and atol == 0
    lines = [
        f"{what} are not {'equal' if equality else 'close'}!", "", extra,
        _difference("absolute", *absolute, atol, equality), _difference("relative", *relative, rtol, equality),
    ]  # fmt: skip
    return "\n".join(lines)


def _scalars(actual: Any, expected: Any, rtol: float, atol: float) -> str:
    absolute = abs(actual - expected)
    relative = float("inf") if expected == 0 else absolute / abs(expected)
    return _report("Scalars", f"Expected {expected} but got {actual}.", (absolute, None), (relative, None), rtol, atol)


def _mismatch(a: np.ndarray, e: np.ndarray, matches: np.ndarray, rtol: float, atol: float) -> str:
    if a.dtype.kind not in "fc":
        a, e = a.astype(np.int64), e.astype(np.int64)
    with np.errstate(all="ignore"):
        absolute = np.abs(a - e)
        absolute[matches] = 0
        divisor = np.abs(e)
        if divisor.dtype.kind != "f":  # PyTorch divides whole numbers in the default dtype
            relative = absolute.astype(np.float32) / divisor.astype(np.float32)
        else:
            relative = absolute / divisor
        relative[matches] = 0
    bad = int((~matches).sum())
    extra = f"Mismatched elements: {bad} / {matches.size} ({bad / matches.size:.1%})"
    places = []
    for found in (absolute, relative):
        flat = found.reshape(-1)
        at = int(np.isnan(flat).argmax()) if np.isnan(flat.astype(np.float64)).any() else int(flat.argmax())
        places.append((flat[at].item(), tuple(int(i) for i in np.unravel_index(at, found.shape))))
    return _report("Tensor-likes", extra, places[0], places[1], rtol, atol)


@no_grad()
def assert_close(
    actual: Any, expected: Any, *, allow_subclasses: bool = True, rtol: float | None = None, atol: float | None = None, equal_nan: bool = False,
    check_device: bool = True, check_dtype: bool = True, check_layout: bool = True, check_stride: bool = False,
    msg: str | Callable[[str], str] | None = None,
) -> None:  # fmt: skip
    """AssertionError, in PyTorch's words, unless ``|actual - expected| <= atol + rtol * |expected|`` everywhere.

    Tolerances follow from the dtypes unless both are given. Shapes must match; dtypes too, unless `check_dtype` is False. `msg` is the text, or
    makes it of the text. TypeError for what cannot be compared.
    """
    comparison = _Comparison(
        allow_subclasses=allow_subclasses, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=check_dtype, check_stride=check_stride, msg=msg
    )
    comparison.compare(actual, expected)


def assert_allclose(
    actual: Any, expected: Any, rtol: float | None = None, atol: float | None = None, equal_nan: bool = True, msg: str = ""
) -> None:
    """Deprecated: `assert_close` without a check of dtypes, NaN equal to NaN, and older tolerances."""
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12 and will be removed in a future release. Please use "
        "`torch.testing.assert_close()` instead.",
        FutureWarning,
        stacklevel=2,
    )
    actual, expected = (x if isinstance(x, Tensor) else as_tensor(x) for x in (actual, expected))
    if rtol is None and atol is None:
        older = {"float16": (1e-3, 1e-3), "float32": (1e-4, 1e-5), "float64": (1e-5, 1e-8)}
        found = [older.get(t.dtype.name, (0.0, 0.0)) for t in (actual, expected)]
        rtol, atol = max(r for r, _ in found), max(a for _, a in found)
    assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False, msg=msg or None)

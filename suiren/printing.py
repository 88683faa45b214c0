"""A tensor as text: PyTorch's, to the character. Source: https://docs.pytorch.org/docs/stable/generated/torch.set_printoptions.html"""

from __future__ import annotations

import contextlib
import math
from types import SimpleNamespace

import numpy as np

from suiren import dtypes
from suiren.trace.pending import settle
from suiren.trace.storage import array_of

_options = SimpleNamespace(precision=4, threshold=1000, edgeitems=3, linewidth=80, sci_mode=None)
_PROFILES = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def get_printoptions() -> dict:
    """The options of printing, as `set_printoptions` takes them."""
    return dict(vars(_options))


@contextlib.contextmanager
def printoptions(**options):
    """`with printoptions(precision=2):` changes the options of printing for a while."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


def set_printoptions(precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None) -> None:
    """Digits after the point, elements before a summary, elements kept at its edges, characters per line, a profile of these, scientific form."""
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"profile must be one of {', '.join(_PROFILES)}, got {profile!r}")
        vars(_options).update(_PROFILES[profile])
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    vars(_options).update({k: v for k, v in given.items() if v is not None})
    _options.sci_mode = sci_mode


class _Formatter:
    """How one number of an array is written so that all of them line up."""

    def __init__(self, values: np.ndarray):
        self.is_float = values.dtype.kind == "f"
        self.integral = self.scientific = False
        self.width = 1
        flat = values.reshape(-1)
        if not self.is_float:
            self.width = max((len(str(v)) for v in flat.tolist()), default=1)
            return
        finite = flat[np.isfinite(flat) & (flat != 0)].astype(np.float64)
        if not finite.size:
            self.integral = True
            return
        low, high = np.abs(finite).min(), np.abs(finite).max()
        self.integral = bool((finite == np.ceil(finite)).all())
        spread = high / low > 1000.0 or high > 1.0e8
        self.scientific = bool(spread if self.integral else spread or low < 1.0e-4)
        if _options.sci_mode is not None:
            self.scientific = _options.sci_mode
        self.width = max(len(self._number(v)) for v in finite.tolist())

    def _number(self, v: float) -> str:
        if self.scientific:
            return f"{v:.{_options.precision}e}"
        if self.integral:
            return f"{v:.0f}" + ("." if math.isfinite(v) else "")
        return f"{v:.{_options.precision}f}"

    def __call__(self, v) -> str:
        return (self._number(v) if self.is_float else str(v)).rjust(self.width)


class _ComplexFormatter:
    def __init__(self, values: np.ndarray):
        self.real, self.imag = _Formatter(values.real), _Formatter(values.imag)
        self.width = self.real.width + self.imag.width + 1

    def __call__(self, v) -> str:
        imag = self.imag(v.imag).lstrip()
        return f"{self.real(v.real)}{'' if imag[0] in '+-' else '+'}{imag}j"


def _edges(a: np.ndarray) -> np.ndarray:
    """The elements that a summary shows: they alone decide the format."""
    keep = _options.edgeitems
    if not keep and a.ndim == 1:
        return a
    for dim, n in enumerate(a.shape):
        if n > 2 * keep:
            a = np.take(a, [*range(keep), *range(n - keep, n)], axis=dim)
    return a


def _body(a: np.ndarray, indent: int, summarize: bool, form) -> str:
    keep = _options.edgeitems
    if a.ndim == 0:
        return form(a.item())
    cut = summarize and a.shape[0] > 2 * keep
    if a.ndim == 1:
        per_line = max(1, (_options.linewidth - indent) // (form.width + 2))
        shown = [form(v) for v in (a[:keep] if cut else a).tolist()]
        if summarize and not keep:
            shown = ["..."]
        elif cut:
            shown = [*shown, " ...", *(form(v) for v in a[-keep:].tolist())]
        lines = [", ".join(shown[i : i + per_line]) for i in range(0, len(shown), per_line)] or [""]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    rows = [_body(r, indent + 1, summarize, form) for r in (a[:keep] if cut else a)]
    if cut:
        rows = [*rows, "...", *(_body(r, indent + 1, summarize, form) for r in a[len(a) - keep :])]
    return "[" + ("," + "\n" * (a.ndim - 1) + " " * (indent + 1)).join(rows) + "]"


def tensor_text(t, contents: str | None = None) -> str:
    """What ``repr(t)`` says; with `contents` in place of the numbers."""
    plain = type(t).__name__ in ("Tensor", "Parameter")
    prefix = "tensor(" if plain else f"{type(t).__name__}("
    indent = len(prefix)
    spec = t._spec
    settle(t)
    a = array_of(t)
    suffixes = []
    defaults = (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool_, dtypes.get_default_dtype().to_complex())
    shown_dtype = spec.dtype not in defaults
    if spec.numel == 0:
        if spec.ndim != 1:
            suffixes.append(f"size={tuple(spec.shape)}")
        shown_dtype = spec.dtype is not dtypes.get_default_dtype()
        body = "[]"
    else:
        if not _options.edgeitems:
            suffixes.append(f"size={tuple(spec.shape)}")
        summarize = spec.numel > _options.threshold
        sample = _edges(a) if summarize else a
        if spec.dtype in dtypes.NARROW:
            a, sample = a.astype(np.float32), sample.astype(np.float32)
        form = _ComplexFormatter(sample) if spec.dtype.is_complex else _Formatter(sample)
        body = _body(a, indent, summarize, form)
    if shown_dtype:
        suffixes.append(f"dtype={spec.dtype}")
    if spec.requires_grad:
        node = t.grad_fn
        suffixes.append("requires_grad=True" if node is None else f"grad_fn=<{node.name()}>")
    text = prefix + (body if contents is None else contents)
    line = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if line + len(suffix) + 2 > _options.linewidth:
            text += ",\n" + " " * indent + suffix
            line = indent + len(suffix)
        else:
            text += ", " + suffix
            line += len(suffix) + 2
    return text + ")"

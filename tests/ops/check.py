"""The one helper that tests an op completely: against recorded values of PyTorch, its derivatives, odd layouts and sizes, both tiers."""

from __future__ import annotations

from typing import Any

import numpy as np

import suiren.ops.embedding  # noqa: F401  declares its op
import suiren.special  # noqa: F401  declares its ops
from suiren import dtypes
from suiren.autograd import grad
from suiren.config import config
from suiren.tensor import Tensor
from suiren.trace.op import REGISTRY, Pointwise
from tests.ops.cases import Case
from tests.recorded import recorded


def parameters(case: Case) -> dict[str, Any]:
    """The op's parameters: dtypes and ops are written by name in a case."""
    found = dict(case.params)
    if isinstance(found.get("dtype"), str):
        found["dtype"] = getattr(dtypes, found["dtype"] if found["dtype"] != "bool" else "bool_")
    if isinstance(found.get("op"), str):
        found["op"] = REGISTRY[found["op"]]
    return found


def tensors(arrays: list, gradients: bool = False) -> list:
    found = []
    for a in arrays:
        if not isinstance(a, np.ndarray):
            found.append(a)
            continue
        t = Tensor.from_array(a, copy=True)
        found.append(t.requires_grad_() if gradients and a.dtype.kind == "f" else t)
    return found


def called(case: Case, inputs: list) -> tuple:
    out = REGISTRY[case.op](*inputs, **parameters(case))
    return out if isinstance(out, tuple) else (out,)


def results(case: Case, arrays: list, tier: str = "interpreter") -> list[np.ndarray]:
    with config(tier=tier):
        return [t.detach().numpy() for t in called(case, tensors(arrays))]


def weights(shape: tuple[int, ...], phase: float = 0.0) -> np.ndarray:
    """What results are multiplied with before they are summed: no two alike."""
    return np.cos(np.arange(int(np.prod(shape, dtype=int))) + phase).reshape(shape)


def loss(case: Case, inputs: list):
    """The weighted sum of the float results; None if no gradient reaches them."""
    total = None
    for out in called(case, inputs):
        if out.requires_grad:
            w = Tensor.from_array(weights(out.shape).astype(out.dtype.np), copy=True)
            total = (out * w).sum() if total is None else total + (out * w).sum()
    return total


def gradients(case: Case, arrays: list) -> list[np.ndarray | None]:
    """d loss / d input for every float input, from backward; None for the others."""
    inputs = tensors(arrays, gradients=True)
    total = loss(case, inputs)
    if total is None:
        return [None] * len(arrays)
    total.backward()
    return [t.grad.numpy() if isinstance(t, Tensor) and t.grad is not None else None for t in inputs]


def assert_close(got: np.ndarray, want: np.ndarray, case: Case, what: str) -> None:
    assert got.shape == want.shape and got.dtype == want.dtype, f"{what}: {got.dtype}{got.shape}, want {want.dtype}{want.shape}"
    if case.exact or got.dtype.kind != "f":
        np.testing.assert_array_equal(got, want, err_msg=what)
        return
    # what is a sum of terms near 1 errs by units of 1, however much of it cancels; what is not, by units of itself
    unit = case.ulp * np.finfo(got.dtype).eps
    is_sum = REGISTRY[case.op].kind in ("reduction", "template", "opaque")
    np.testing.assert_allclose(got, want, rtol=unit, atol=unit if is_sum else unit * 1e-3, err_msg=what)


# ---------------------------------------------------------------- the parts of the test


def check_recorded(case: Case) -> None:
    """Forward in float32, gradients in float64, as PyTorch gave them."""
    for i, got in enumerate(results(case, case.arrays())):
        assert_close(got, recorded(f"{case.id}/out{i}"), case, f"{case.id}, result {i}")
    for i, got in enumerate(gradients(case, case.arrays(wide=True))):
        want = recorded(f"{case.id}/grad{i}", missing=None)
        if want is None:
            assert got is None or not got.any(), f"{case.id}: PyTorch has no gradient of input {i}"
        else:
            assert got is not None, f"{case.id}: no gradient of input {i}"
            np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-9, err_msg=f"{case.id}, gradient of input {i}")


def check_derivatives(case: Case) -> None:
    """First and second derivatives against central differences in float64."""
    arrays = case.arrays(wide=True)
    if case.orders >= 1:
        _compare_differences(case.id, arrays, lambda a: gradients(case, a), lambda a: _loss_value(case, a))
    if case.orders >= 2:
        _compare_differences(case.id, arrays, lambda a: _second(case, a)[1], lambda a: _second(case, a)[0])


def _loss_value(case: Case, arrays: list) -> float:
    return loss(case, tensors(arrays, gradients=True)).item()


def _second(case: Case, arrays: list):
    """(the weighted sum of the gradients, its own gradients)."""
    inputs = tensors(arrays, gradients=True)
    real = [t for t in inputs if isinstance(t, Tensor) and t.requires_grad]
    first = grad(loss(case, inputs), real, create_graph=True, allow_unused=True)
    total = None
    for i, g in enumerate(first):
        if g is not None and g.requires_grad:
            w = Tensor.from_array(weights(g.shape, 1.0 + i), copy=True)
            total = (g * w).sum() if total is None else total + (g * w).sum()
    if total is None:  # the gradient is constant
        return 0.0, [None if not isinstance(t, Tensor) or not t.requires_grad else np.zeros(t.shape) for t in inputs]
    value = total.item()
    second = iter(grad(total, real, allow_unused=True))
    found = []
    for t in inputs:
        is_real = isinstance(t, Tensor) and t.requires_grad
        g = next(second) if is_real else None
        found.append(g.numpy() if g is not None else np.zeros(t.shape) if is_real else None)
    return value, found


def _compare_differences(name: str, arrays: list, derivative, function) -> None:
    step = 1e-5  # error of a central difference: step² of the third derivative, and 1e-16 / step of rounding
    for i, (a, got) in enumerate(zip(arrays, derivative(arrays))):
        if got is None or not isinstance(a, np.ndarray) or a.dtype.kind != "f":
            continue
        for place in list(np.ndindex(a.shape))[:6]:
            moved = []
            for sign in (1, -1):
                b = a.copy()
                b[place] += sign * step
                moved.append(function([b if j == i else other for j, other in enumerate(arrays)]))
            want = (moved[0] - moved[1]) / (2 * step)
            np.testing.assert_allclose(got[place], want, rtol=1e-5, atol=2e-6, err_msg=f"{name}: d/d input {i} at {place}")


def check_layouts(case: Case) -> None:
    """Inputs that are transposed, or every second element of something larger, give what contiguous ones give."""
    arrays = case.arrays()
    want = results(case, arrays)
    for arrange in (_transposed, _spread):
        inputs = [arrange(a) if isinstance(a, np.ndarray) else a for a in arrays]
        if REGISTRY[case.op].kind == "movement" and case.op in ("reshape", "as_strided", "leaf_version"):
            continue  # they need a contiguous input: api makes a copy first
        for got, expected in zip(called(case, inputs), want):
            assert_close(got.numpy(), expected, case, f"{case.id} of a {arrange.__name__[1:]} input")


def _transposed(a: np.ndarray):
    t = Tensor.from_array(np.ascontiguousarray(a.T), copy=True)
    return t.permute(*range(a.ndim)[::-1]) if a.ndim else t


def _spread(a: np.ndarray):
    if not a.ndim:
        return Tensor.from_array(a, copy=True)
    larger = np.repeat(a, 2, axis=-1)
    return Tensor.from_array(larger, copy=True)[..., ::2]


def check_sizes(case: Case) -> None:
    """A pointwise op of nothing, of one element, of 0-dim tensors."""
    op = REGISTRY[case.op]
    if not isinstance(op, Pointwise) or not case.inputs or "shape" in op.params:
        return
    for shape in ((0, 4), (1,), (1, 1), ()):
        arrays = [np.resize(a, shape).astype(a.dtype) if isinstance(a, np.ndarray) else a for a in case.arrays()]
        for out in results(case, arrays):
            assert out.shape == (shape if any(isinstance(a, np.ndarray) for a in arrays) else ())


def check_tiers(case: Case) -> None:
    """The compiled program gives what the interpreter gives."""
    arrays = case.arrays()
    for i, (got, want) in enumerate(zip(results(case, arrays, "compiled"), results(case, arrays))):
        assert_close(got, want, case, f"{case.id}, result {i}, compiled")


__all__ = ["check_derivatives", "check_layouts", "check_recorded", "check_sizes", "check_tiers"]

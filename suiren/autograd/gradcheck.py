"""gradcheck and gradgradcheck: gradients against finite differences. Source: torch/autograd/gradcheck.py"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from suiren.api.creation import zeros_like
from suiren.autograd import grad as _grad
from suiren.config import config
from suiren.dtypes import float64
from suiren.tensor import Tensor
from suiren.trace.storage import array_of
from suiren.trace.threads import expose


class GradcheckError(RuntimeError):
    """What `gradcheck` and `gradgradcheck` raise."""


def _tupled(x: Any) -> tuple:
    return x if isinstance(x, tuple) else tuple(x) if isinstance(x, list) else (x,)


def _differentiable(x: Any) -> tuple:
    return tuple(t for t in _tupled(x) if isinstance(t, Tensor) and t.requires_grad)


def _wants(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad


def _array(t: Tensor) -> np.ndarray:
    expose(t)
    return array_of(t)


def _tensor(a: np.ndarray) -> Tensor:
    return Tensor.from_array(np.asarray(a), copy=True)


# ---------------------------------------------------------------- Jacobians as arrays (elements of the input, elements of the output)


def _numerical(func: Callable, inputs: tuple, which: int, eps: float) -> list[np.ndarray]:
    """Central differences with respect to one input, whose memory is changed place by place and put back."""
    at = _array(inputs[which].detach())
    columns: list[list] = []

    def values() -> list[np.ndarray]:
        return [_array(t.detach()).astype(np.float64) for t in _tupled(func(*inputs)) if isinstance(t, Tensor)]

    for place in np.ndindex(at.shape):
        before = at[place].item()
        moved = []
        for step in (-eps, eps):
            _put(inputs[which], place, before + step)
            moved.append(values())
        _put(inputs[which], place, before)
        low, high = moved
        for a, b in zip(low, high):
            if a.shape != b.shape:
                raise RuntimeError(
                    f"Expected `func` to return outputs with the same shape when inputs are perturbed on index {place} by {eps}, but got: "
                    f"shapes {list(a.shape)} and {list(b.shape)}."
                )
        columns.append([((b - a) / (2 * eps)).reshape(-1) for a, b in zip(low, high)])
    if not columns:
        return [np.zeros((0, a.size)) for a in values()]
    return [np.stack(rows) for rows in zip(*columns)]


def _put(t: Tensor, place: tuple, value: float) -> None:
    from suiren.autograd.modes import no_grad

    with no_grad():
        t.data[place] = value


def _analytical(inputs: tuple, output: Tensor) -> list[np.ndarray | None]:
    """By backward, a row for each element of the output; None for an input that it does not depend on."""
    wanted = [x for x in inputs if _wants(x)]
    found: list[list] = [[] for _ in wanted]
    for j in range(output.numel()):
        seed = np.zeros(output.numel())
        seed[j] = 1
        v = _tensor(seed.reshape(tuple(output.shape)).astype(output.dtype.np))
        for k, g in enumerate(_grad(output, wanted, v, retain_graph=True, allow_unused=True)):
            _check_gradient(g, wanted[k])
            found[k].append(np.zeros(wanted[k].numel()) if g is None else _array(g.detach()).astype(np.float64).reshape(-1))
    return [np.stack(rows, 1) if rows else np.zeros((x.numel(), 0)) for rows, x in zip(found, wanted)]


def _check_gradient(g: Tensor | None, x: Tensor) -> None:
    if g is not None and g.size() != x.size():
        raise GradcheckError("Analytical gradient has incorrect size")


def _mismatch(analytical: np.ndarray, numerical: np.ndarray, output: int, which: int, forward: bool = False) -> str:
    mode = "computed with forward mode " if forward else ""
    return (
        f"Jacobian {mode}mismatch for output {output:d} with respect to input {which:d},\n"
        f"numerical:{_tensor(numerical)!r}\nanalytical:{_tensor(analytical)!r}\n"
    )


# ---------------------------------------------------------------- the checks


def _slow(func, inputs: tuple, outputs: tuple, eps, atol, rtol, nondet_tol, check_grad_dtypes: bool, backward: bool, forward: bool) -> None:
    numbers = [i for i, x in enumerate(inputs) if _wants(x)]
    numerical = {i: _numerical(lambda *a: _differentiable(func(*a)), inputs, i, eps) for i in numbers}
    for o, y in enumerate(outputs):
        if backward:
            analytical = _analytical(inputs, y)
            again = _analytical(inputs, y)
            for k, i in enumerate(numbers):
                if not np.allclose(analytical[k], numerical[i][o], rtol, atol):
                    raise GradcheckError(_mismatch(analytical[k], numerical[i][o], o, i))
                if np.abs(analytical[k] - again[k]).max(initial=0.0) > nondet_tol:
                    raise GradcheckError(
                        "Backward is not reentrant, i.e., running backward with same input and grad_output multiple times gives different values, "
                        f"although analytical gradient matches numerical gradient.The tolerance for nondeterminism was {nondet_tol}."
                    )
            if check_grad_dtypes:
                _check_dtypes(inputs, y)
    if forward:
        _forward(func, inputs, numbers, numerical, atol, rtol)


def _check_dtypes(inputs: tuple, y: Tensor) -> None:
    wanted = [x for x in inputs if _wants(x)]
    for g, x in zip(_grad(y, wanted, y.detach(), retain_graph=True, allow_unused=True), wanted):
        if g is not None and g.dtype is not x.dtype:
            raise GradcheckError("Gradient has dtype mismatch")


def _forward(func, inputs: tuple, numbers: list[int], numerical: dict, atol: float, rtol: float) -> None:
    """The same Jacobians by forward mode."""
    from suiren.func.transforms import jvp

    for i in numbers:

        def of_one(x, i=i):
            return tuple(t for t in _tupled(func(*inputs[:i], x, *inputs[i + 1 :])) if isinstance(t, Tensor) and t.requires_grad)

        columns = []
        for place in np.ndindex(tuple(inputs[i].shape)):
            v = np.zeros(tuple(inputs[i].shape), inputs[i].dtype.np)
            v[place] = 1
            _, moved = jvp(of_one, (inputs[i].detach(),), (_tensor(v),))
            columns.append([_array(t.detach()).astype(np.float64).reshape(-1) for t in moved])
        for o, rows in enumerate(zip(*columns)):
            analytical = np.stack(rows)
            if not np.allclose(analytical, numerical[i][o], rtol, atol):
                raise GradcheckError(_mismatch(analytical, numerical[i][o], o, i, forward=True))


def _fast(func, inputs: tuple, outputs: tuple, eps, atol, rtol, backward: bool, forward: bool) -> None:
    """One random direction u of the inputs and v of the outputs: vᵀJu both ways. A mismatch is reported with the whole Jacobians."""
    random = np.random.RandomState(0)
    numbers = [i for i, x in enumerate(inputs) if _wants(x)]
    wanted = [inputs[i] for i in numbers]
    us = [_unit(random, x) for x in wanted]
    for o, y in enumerate(outputs):
        v = _unit(random, y)
        found = _grad(y, wanted, _tensor(v.astype(y.dtype.np)), retain_graph=True, allow_unused=True) if backward else [None] * len(wanted)
        for i, x, u, g in zip(numbers, wanted, us, found):
            numerical = _along(func, inputs, i, u, o, eps)
            ways = []
            if backward:
                ways.append((float((_array((zeros_like(x) if g is None else g).detach()) * u).sum()), False))
            if forward:
                from suiren.func.transforms import jvp

                def of_one(t, i=i, o=o):
                    return _differentiable(func(*inputs[:i], t, *inputs[i + 1 :]))[o]

                _, moved = jvp(of_one, (x.detach(),), (_tensor(u.astype(x.dtype.np)),))
                ways.append((float((_array(moved.detach()) * v).sum()), True))
            want = float((numerical * v).sum())
            for got, is_forward in ways:
                if not np.allclose(got, want, rtol, atol):
                    whole = _numerical(lambda *a: _differentiable(func(*a)), inputs, i, eps)[o]
                    raise GradcheckError(_mismatch(_analytical(inputs, y)[numbers.index(i)], whole, o, i, is_forward))


def _unit(random, t: Tensor) -> np.ndarray:
    u = random.standard_normal(tuple(t.shape))
    return u / (np.linalg.norm(u) or 1.0)


def _along(func, inputs: tuple, which: int, u: np.ndarray, output: int, eps: float) -> np.ndarray:
    """The central difference of one output along a direction of one input."""
    at = _array(inputs[which].detach()).copy()
    moved = []
    for sign in (-1, 1):
        x = _tensor((at + sign * eps * u).astype(at.dtype)).requires_grad_()
        moved.append(_array(_differentiable(func(*inputs[:which], x, *inputs[which + 1 :]))[output].detach()).astype(np.float64))
    return (moved[1] - moved[0]) / (2 * eps)


def _check_inputs(inputs: tuple) -> None:
    found = False
    for i, x in enumerate(inputs):
        if not _wants(x):
            continue
        found = True
        if x.dtype is not float64 and not x.is_complex():
            warnings.warn(
                f"Input #{i} requires gradient and is not a double precision floating point or complex. This check will likely fail if all the inputs are "
                "not of double precision floating point or complex. ",
                stacklevel=4,
            )
        if any(s == 0 and n > 1 for s, n in zip(x.stride(), x.shape)):
            raise RuntimeError(
                f"The {i}th input has a dimension with stride 0. gradcheck only supports inputs that are non-overlapping to be able to compute the "
                "numerical gradients correctly. You should call .contiguous on the input before passing it to gradcheck."
            )
    if not found:
        raise ValueError("gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True.")


def _check_no_outputs(func, inputs: tuple, eps: float) -> None:
    """Nothing requires grad, so nothing may change."""
    for i, x in enumerate(inputs):
        if _wants(x) and any(np.abs(n).max(initial=0.0) > 0 for n in _numerical(func, inputs, i, eps)):
            raise GradcheckError("Numerical gradient for function expected to be zero")


def _check_multiplied(inputs: tuple, outputs: tuple) -> None:
    """Zeros in, zeros out."""
    wanted = [x for x in inputs if _wants(x)]
    if not wanted:
        raise GradcheckError("no Tensors requiring grad found in input")
    for g, x in zip(_grad(outputs, wanted, [zeros_like(y.detach()) for y in outputs], retain_graph=True, allow_unused=True), wanted):
        if g is None:
            continue
        if _array(g.detach()).any():
            raise GradcheckError("backward not multiplied by grad_output")
        if g.dtype is not x.dtype:
            raise GradcheckError("grad is incorrect type")
        if g.size() != x.size():
            raise GradcheckError("grad is incorrect size")


def _check_undefined(func, inputs: tuple) -> None:
    """A custom backward must take gradients that did not arrive."""
    outputs = _differentiable(func(*inputs))
    wanted = [x for x in inputs if _wants(x)]
    if len(outputs) < 2:
        return
    for i, y in enumerate(outputs):
        try:
            _grad(y, wanted, y.detach(), retain_graph=True, allow_unused=True)
        except RuntimeError as error:
            raise GradcheckError(
                'Expected backward function to handle undefined output grads. Please look at "Notes about undefined output gradients" in '
                f'"tools/autograd/derivatives.yaml" (output {i})'
            ) from error


def _check_batched(inputs: tuple, outputs: tuple) -> None:
    """A batch of gradients at once gives what they give one by one."""
    from suiren.api.joining import stack

    wanted = [x for x in inputs if _wants(x)]
    random = np.random.RandomState(0)
    for o, y in enumerate(outputs):
        vs = [_tensor(random.standard_normal(tuple(y.shape)).astype(y.dtype.np)) for _ in range(2)]
        each = [_grad(y, wanted, v, retain_graph=True, allow_unused=True) for v in vs]
        try:
            batched = _grad(y, wanted, stack(vs), retain_graph=True, allow_unused=True, is_grads_batched=True)
        except RuntimeError as error:
            raise GradcheckError(f"While computing batched gradients, got: {error}") from error
        for i, (got, *want) in enumerate(zip(batched, *each)):
            if want[0] is not None and not np.allclose(_array(got.detach()), np.stack([_array(w.detach()) for w in want])):
                raise GradcheckError(f"For output {o} and input {i}:\n\ngradcheck or gradgradcheck failed while testing batched gradient computation.")


def gradcheck(
    func: Callable, inputs: Any, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3, raise_exception: bool = True, nondet_tol: float = 0.0,
    check_undefined_grad: bool = True, check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_batched_forward_grad: bool = False,
    check_forward_ad: bool = False, check_backward_ad: bool = True, fast_mode: bool = False, masked: bool | None = None,
) -> bool:  # fmt: skip
    """Whether the gradients of `func` agree with central differences of step `eps`. GradcheckError (or False without `raise_exception`) if not.

    Inputs that require grad should be float64. `fast_mode`: one random direction in place of every element.
    """
    if not (check_forward_ad or check_backward_ad):
        raise AssertionError("Expected at least one of check_forward_ad or check_backward_ad to be True")
    if check_batched_grad and not check_backward_ad:
        raise AssertionError("Setting check_batched_grad=True requires check_backward_ad to be True")
    if check_batched_forward_grad and not check_forward_ad:
        raise AssertionError("Setting check_batched_forward_grad=True requires check_forward_ad to be True")
    # One tier for all runs: between the two the last bit of a result may differ, and backward is asked to give the same bits twice
    with config(tier="interpreter" if config.tier == "auto" else config.tier):
        try:
            inputs = _tupled(inputs)
            _check_inputs(inputs)
            outputs = _differentiable(func(*inputs))
            if not outputs:
                _check_no_outputs(func, inputs, eps)
                return True
            if fast_mode:
                _fast(func, inputs, outputs, eps, atol, rtol, check_backward_ad, check_forward_ad)
            else:
                _slow(func, inputs, outputs, eps, atol, rtol, nondet_tol, check_grad_dtypes, check_backward_ad, check_forward_ad)
            if check_batched_forward_grad:
                _check_batched_forward(func, inputs)
            if check_backward_ad:
                if check_batched_grad:
                    _check_batched(inputs, outputs)
                _check_multiplied(inputs, outputs)
                if check_undefined_grad:
                    _check_undefined(func, inputs)
            return True
        except GradcheckError:
            if raise_exception:
                raise
            return False


def _check_batched_forward(func, inputs: tuple) -> None:
    from suiren.api.joining import stack
    from suiren.func.transforms import jvp
    from suiren.func.vmap import vmap

    random = np.random.RandomState(0)
    for i, x in enumerate(inputs):
        if not _wants(x):
            continue
        vs = [_tensor(random.standard_normal(tuple(x.shape)).astype(x.dtype.np)) for _ in range(2)]

        def along(v, i=i, x=x):
            return jvp(lambda t: _differentiable(func(*inputs[:i], t, *inputs[i + 1 :])), (x.detach(),), (v,))[1]

        each, batched = [along(v) for v in vs], vmap(along)(stack(vs))
        for o, (got, *want) in enumerate(zip(batched, *each)):
            if not np.allclose(_array(got.detach()), np.stack([_array(w.detach()) for w in want])):
                raise GradcheckError(f"For output {o} and input {i}:\n\ngradcheck or gradgradcheck failed while testing batched gradient computation.")


def gradgradcheck(
    func: Callable, inputs: Any, grad_outputs: Any = None, *, eps: float = 1e-6, atol: float = 1e-5, rtol: float = 1e-3,
    gen_non_contig_grad_outputs: bool = False, raise_exception: bool = True, nondet_tol: float = 0.0, check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False, check_batched_grad: bool = False, check_fwd_over_rev: bool = False, check_rev_over_rev: bool = True,
    fast_mode: bool = False, masked: bool = False,
) -> bool:  # fmt: skip
    """`gradcheck` of the gradients of `func`, as functions of its inputs and of the gradients of its outputs (random unless given)."""
    if not (check_fwd_over_rev or check_rev_over_rev):
        raise AssertionError("Expected at least one of check_fwd_over_rev or check_rev_over_rev to be True")
    if check_undefined_grad and not check_rev_over_rev:
        raise AssertionError("Setting check_undefined_grad=True requires check_rev_over_rev to be True")
    if check_batched_grad and not check_rev_over_rev:
        raise AssertionError("Setting check_batched_grad=True requires check_rev_over_rev to be True")
    inputs = _tupled(inputs)
    if grad_outputs is None:
        random = np.random.RandomState(0)
        seeds = []
        for y in _differentiable(func(*inputs)):
            a = random.uniform(-1, 1, tuple(y.shape)).astype(y.dtype.np)
            t = _tensor(np.repeat(a, 2, -1))[..., ::2].detach() if gen_non_contig_grad_outputs and a.ndim else _tensor(a)
            seeds.append(t.requires_grad_())
        grad_outputs = tuple(seeds)
    else:
        grad_outputs = _tupled(grad_outputs)
    count = len(grad_outputs)
    first = {i for i, x in enumerate(inputs) if _wants(x)}
    second = {i for i, x in enumerate(grad_outputs) if _wants(x)}

    def gradients(*args):
        given = tuple(x.requires_grad_() if i in first and not x.requires_grad else x for i, x in enumerate(args[:-count]))
        seeds = tuple(x.requires_grad_() if i in second and not x.requires_grad else x for i, x in enumerate(args[-count:]))
        outputs = _differentiable(func(*given))
        found = _grad(outputs, tuple(given[i] for i in sorted(first)), seeds, create_graph=True, allow_unused=True)
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradients, inputs + grad_outputs, eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception, nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad, check_grad_dtypes=check_grad_dtypes, check_batched_grad=check_batched_grad, fast_mode=fast_mode,
        check_forward_ad=check_fwd_over_rev, check_backward_ad=check_rev_over_rev, masked=masked,
    )  # fmt: skip


__all__ = ["GradcheckError", "gradcheck", "gradgradcheck"]

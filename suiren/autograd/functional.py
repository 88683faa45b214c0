"""vjp, jvp, vhp, hvp, jacobian, hessian of a function at a point. Source: torch/autograd/functional.py

Results have a history only with `create_graph`. `strict`: RuntimeError where a derivative is zero because there is no dependence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suiren.api.creation import eye, ones_like, zeros_like
from suiren.api.joining import stack
from suiren.autograd import grad as _grad_of
from suiren.autograd.modes import enable_grad
from suiren.func.vmap import vmap
from suiren.tensor import Tensor


def _as_tuple(given: Any, what: str, name: str) -> tuple[bool, tuple]:
    """(whether it was a tuple, the tuple). TypeError for what is no tensor."""
    several = isinstance(given, tuple)
    given = given if several else (given,)
    for i, t in enumerate(given):
        if not isinstance(t, Tensor):
            where = f"value at index {i}" if several else f"given {what}"
            raise TypeError(f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the {where} has type {type(t)}.")
    return several, given


def _prepared(inputs: tuple, create_graph: bool, need_graph: bool = True) -> tuple:
    """Inputs that the graph begins at: views of the caller's with `create_graph`, else tensors of their own."""
    return tuple(t.view_as(t) if create_graph and t.requires_grad else t.detach().requires_grad_(need_graph) for t in inputs)


def _finished(results: Any, create_graph: bool) -> Any:
    if isinstance(results, tuple):
        return tuple(_finished(r, create_graph) for r in results)
    return results if create_graph else results.detach()


def _check_v(v: tuple, other: tuple, several: bool) -> None:
    if len(v) != len(other):
        if several:
            raise RuntimeError(f"v is a tuple of invalid length: should be {len(other)} but got {len(v)}.")
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (a, b) in enumerate(zip(v, other)):
        if a.size() != b.size():
            raise RuntimeError(f"{f'Entry {i} in ' if several else ''}v has invalid size: should be {b.size()} but got {a.size()}.")


_NO_GRADIENT = {
    "hessian": (
        "The hessian of the user-provided function with respect to input {i} is independent of the input. This is not allowed in strict mode. You should "
        "ensure that your function is thrice differentiable and that the hessian depends on the inputs."
    ),
    "jacobian": (
        "While computing the hessian, found that the jacobian of the user-provided function with respect to input {i} is independent of the input. This "
        "is not allowed in strict mode. You should ensure that your function is twice differentiable and that the jacobian depends on the inputs (this "
        "would be violated by a linear function for example)."
    ),
    "grad_inputs": "The gradient with respect to input {i} is independent of the inputs of the user-provided function. This is not allowed in strict mode.",
    "outputs": (
        "Output {i} of the user-provided function does not require gradients. The outputs must be computed in a differentiable manner from the input when "
        "running in strict mode."
    ),
}


def _check_strict(tensors: tuple, what: str, strict: bool) -> None:
    if not strict:
        return
    for i, t in enumerate(tensors):
        if t is None:
            raise RuntimeError(f"The output of the user-provided function is independent of input {i}. This is not allowed in strict mode.")
        if not t.requires_grad:
            raise RuntimeError(_NO_GRADIENT[what].format(i=i))


def _gradients(outputs: tuple, inputs: tuple, v: tuple | None = None, create_graph: bool = False) -> tuple:
    pairs = [(y, None if v is None else v[i]) for i, y in enumerate(outputs) if y is not None and y.requires_grad]
    if not pairs:
        return (None,) * len(inputs)
    return _grad_of([y for y, _ in pairs], inputs, [g for _, g in pairs], True, create_graph, allow_unused=True)


_STAGES = {
    "back": "The output of the user-provided function is independent of input {i}. This is not allowed in strict mode.",
    "back_trick": (
        "The gradient with respect to the input is independent of entry {i} in the grad_outputs when using the double backward trick to compute forward "
        "mode gradients. This is not allowed in strict mode."
    ),
    "double_back": "The jacobian of the user-provided function is independent of input {i}. This is not allowed in strict mode.",
    "double_back_trick": (
        "The hessian of the user-provided function is independent of entry {i} in the grad_jacobian. This is not allowed in strict mode as it prevents "
        "from using the double backward trick to replace forward mode AD."
    ),
}


def _filled(gradients: tuple, like: tuple, strict: bool, create_graph: bool, stage: str) -> tuple:
    """Zeros for gradients that are not there."""
    found = []
    for i, (g, t) in enumerate(zip(gradients, like)):
        if g is None:
            if strict:
                raise RuntimeError(_STAGES[stage].format(i=i))
            g = zeros_like(t)
        elif strict and create_graph and not g.requires_grad:
            what = "hessian" if "double" in stage else "jacobian"
            raise RuntimeError(
                f"The {what} of the user-provided function is independent of input {i}. This is not allowed in strict mode when create_graph=True."
            )
        found.append(g)
    return tuple(found)


def _unpacked(results: tuple, several: bool | tuple[bool, bool]) -> Any:
    if isinstance(several, tuple):
        if not several[1]:
            results = tuple(r[0] for r in results)
        return results if several[0] else results[0]
    return results if several else results[0]


def vjp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple:
    """(func(*inputs), vᵀJ): v, like the outputs, may be left out for one output of one element."""
    with enable_grad():
        is_tuple, inputs = _as_tuple(inputs, "inputs", "vjp")
        inputs = _prepared(inputs, create_graph)
        out_tuple, outputs = _as_tuple(func(*inputs), "outputs of the user-provided function", "vjp")
        _check_strict(outputs, "outputs", strict)
        if v is not None:
            _, v = _as_tuple(v, "v", "vjp")
            v = _prepared(v, create_graph, need_graph=False)
            _check_v(v, outputs, out_tuple)
        elif len(outputs) != 1 or outputs[0].nelement() != 1:
            raise RuntimeError("The vector v can only be None if the user-provided function returns a single Tensor with a single element.")
        found = _filled(_gradients(outputs, inputs, v, create_graph), inputs, strict, create_graph, "back")
        return _unpacked(_finished(outputs, create_graph), out_tuple), _unpacked(_finished(found, create_graph), is_tuple)


def jvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple:
    """(func(*inputs), Jv): v, like the inputs, may be left out for one input of one element."""
    with enable_grad():
        is_tuple, inputs = _as_tuple(inputs, "inputs", "jvp")
        inputs = _prepared(inputs, create_graph)
        v = _directions(v, inputs, is_tuple, create_graph, "jvp")
        out_tuple, outputs = _as_tuple(func(*inputs), "outputs of the user-provided function", "jvp")
        _check_strict(outputs, "outputs", strict)
        us = tuple(zeros_like(y).requires_grad_() for y in outputs)
        gs = _gradients(outputs, inputs, us, create_graph=True)
        _check_strict(gs, "grad_inputs", strict)
        if create_graph and strict:
            _filled(gs, inputs, strict, create_graph, "back")
        found = _filled(_gradients(gs, us, v, create_graph), outputs, strict, create_graph, "back_trick")
        return _unpacked(_finished(outputs, create_graph), out_tuple), _unpacked(_finished(found, create_graph), out_tuple)


def _directions(v: Any, inputs: tuple, is_tuple: bool, create_graph: bool, name: str) -> tuple | None:
    if v is not None:
        _, v = _as_tuple(v, "v", name)
        v = _prepared(v, create_graph, need_graph=False)
        _check_v(v, inputs, is_tuple)
        return v
    if len(inputs) != 1 or inputs[0].nelement() != 1:
        raise RuntimeError("The vector v can only be None if the input to the user-provided function is a single Tensor with a single element.")
    return (ones_like(inputs[0]).detach(),)


def _scalar(outputs: tuple, out_tuple: bool, name: str) -> None:
    if out_tuple or not isinstance(outputs[0], Tensor):
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if outputs[0].nelement() != 1:
        raise RuntimeError(f"The Tensor returned by the function given to {name} should contain a single element")


def _first_derivative(func: Callable, inputs: Any, v: Any, create_graph: bool, strict: bool, name: str) -> tuple:
    """(whether the inputs are several, inputs, v, outputs, gradient) of a function with one element for result."""
    is_tuple, inputs = _as_tuple(inputs, "inputs", name)
    inputs = _prepared(inputs, create_graph)
    v = _directions(v, inputs, is_tuple, create_graph, name)
    out_tuple, outputs = _as_tuple(func(*inputs), "outputs of the user-provided function", name)
    _check_strict(outputs, "outputs", strict)
    _scalar(outputs, out_tuple, name)
    slopes = _gradients(outputs, inputs, None, create_graph=True)
    _check_strict(slopes, "jacobian", strict)
    return is_tuple, inputs, v, outputs, slopes


def vhp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple:
    """(func(*inputs), vᵀH) of a function with one element for result."""
    with enable_grad():
        is_tuple, inputs, v, outputs, slopes = _first_derivative(func, inputs, v, create_graph, strict, "vhp")
        found = _filled(_gradients(slopes, inputs, v, create_graph), inputs, strict, create_graph, "double_back")
        return _finished(outputs, create_graph)[0], _unpacked(_finished(found, create_graph), is_tuple)


def hvp(func: Callable, inputs: Any, v: Any = None, create_graph: bool = False, strict: bool = False) -> tuple:
    """(func(*inputs), Hv) of a function with one element for result."""
    with enable_grad():
        is_tuple, inputs, v, outputs, slopes = _first_derivative(func, inputs, v, create_graph, strict, "hvp")
        us = tuple(zeros_like(t).requires_grad_() for t in inputs)
        gs = _gradients(slopes, inputs, us, create_graph=True)
        _check_strict(gs, "hessian", strict)
        found = _filled(_gradients(gs, us, v, create_graph), inputs, strict, create_graph, "double_back_trick")
        return _finished(outputs, create_graph)[0], _unpacked(_finished(found, create_graph), is_tuple)


def jacobian(
    func: Callable, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False, strategy: str = "reverse-mode"
) -> Any:
    """The Jacobian: per output and per input a tensor with the output's dims, then the input's.

    `vectorize`: all rows at once (`vmap`), else one after the other. `strategy`: 'reverse-mode', or 'forward-mode', which wants `vectorize`.
    """
    if strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError(
            'Expected strategy to be either "forward-mode" or "reverse-mode". Hint: If your function has more outputs than inputs, "forward-mode" tends '
            'to be more performant. Otherwise, prefer to use "reverse-mode".'
        )
    if strategy == "forward-mode":
        return _forward_jacobian(func, inputs, create_graph, strict, vectorize)
    with enable_grad():
        is_tuple, inputs = _as_tuple(inputs, "inputs", "jacobian")
        inputs = _prepared(inputs, create_graph)
        out_tuple, outputs = _as_tuple(func(*inputs), "outputs of the user-provided function", "jacobian")
        _check_strict(outputs, "outputs", strict)
        if vectorize and strict:
            raise RuntimeError(
                "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. Please either set `strict=False` or "
                "`vectorize=False`."
            )
        found = []
        for i, y in enumerate(outputs):
            if vectorize:
                rows = _all_rows(y, inputs, create_graph)
            else:
                rows = _each_row(i, y, inputs, create_graph, strict)
            found.append(tuple(r.view(*y.size(), *x.size()) for r, x in zip(rows, inputs)))
        return _unpacked(_finished(tuple(found), create_graph), (out_tuple, is_tuple))


def _each_row(i: int, y: Tensor, inputs: tuple, create_graph: bool, strict: bool) -> list[Tensor]:
    """The Jacobian of one output, a row for each of its elements."""
    rows: list[list] = [[] for _ in inputs]
    for j in range(y.nelement()):
        gradients = _gradients((y.reshape(-1)[j],), inputs, None, create_graph)
        for k, (g, x) in enumerate(zip(gradients, inputs)):
            if g is not None:
                if strict and create_graph and not g.requires_grad:
                    raise RuntimeError(
                        "The jacobian of the user-provided function is independent of "
                        f"input {i}. This is not allowed in strict mode when create_graph=True."
                    )
            elif strict:
                raise RuntimeError(
                    f"Output {i} of the user-provided function is independent of input {k}. This is not allowed in strict mode."
                )
            rows[k].append(zeros_like(x) if g is None else g)
    return [stack(r) if r else zeros_like(x).new_zeros((0, *x.size())) for r, x in zip(rows, inputs)]


def _all_rows(y: Tensor, inputs: tuple, create_graph: bool) -> list[Tensor]:
    basis = eye(y.nelement(), dtype=y.dtype).view(y.nelement(), *y.size())
    return list(vmap(lambda v: _filled(_gradients((y,), inputs, (v,), create_graph), inputs, False, create_graph, "back"))(basis))


def _forward_jacobian(func: Callable, inputs: Any, create_graph: bool, strict: bool, vectorize: bool) -> Any:
    if strict:
        raise RuntimeError(
            'torch.autograd.functional.jacobian: `strict=True` and `strategy="forward-mode"` are not supported together (yet). Please either set '
            '`strict=False` or `strategy="reverse-mode"`.'
        )
    is_tuple, inputs = _as_tuple(inputs, "inputs", "jacobian")
    if not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian is only implemented for `vectorize=True`."
        )
    from suiren.func.transforms import jacfwd

    several: list[bool] = []

    def as_tuple(*args):
        out_tuple, outputs = _as_tuple(func(*args), "outputs of the user-provided function", "jacobian")
        several.append(out_tuple)
        return outputs

    found = jacfwd(as_tuple, tuple(range(len(inputs))))(*(t if create_graph else t.detach() for t in inputs))
    return _unpacked(_finished(found, create_graph), (several[0], is_tuple))


def hessian(
    func: Callable, inputs: Any, create_graph: bool = False, strict: bool = False, vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:  # fmt: skip
    """The second derivatives of a function with one element for result: per pair of inputs a tensor with the dims of both."""
    is_tuple, inputs = _as_tuple(inputs, "inputs", "hessian")
    if outer_jacobian_strategy not in ("forward-mode", "reverse-mode"):
        raise AssertionError('Expected strategy to be either "forward-mode" or "reverse-mode".')

    def checked(*args):
        y = func(*args)
        out_tuple, outputs = _as_tuple(y, "outputs of the user-provided function", "hessian")
        _check_strict(outputs, "outputs", strict)
        _scalar(outputs, out_tuple, "hessian")
        return y.squeeze()

    def first(*args):
        if outer_jacobian_strategy == "forward-mode":
            args = tuple(t if t.requires_grad else t.requires_grad_() for t in args)
        found = jacobian(checked, args, create_graph=True)
        _check_strict(found, "jacobian", strict)
        return found

    found = jacobian(first, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)
    return _unpacked(found if isinstance(found, tuple) else (found,), (is_tuple, is_tuple))


__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

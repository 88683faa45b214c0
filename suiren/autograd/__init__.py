"""Automatic differentiation. Source: https://docs.pytorch.org/docs/stable/autograd.html"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

from suiren.autograd import engine as _engine
from suiren.autograd.anomaly import detect_anomaly as detect_anomaly
from suiren.autograd.anomaly import set_detect_anomaly as set_detect_anomaly
from suiren.autograd.function import Function as Function
from suiren.autograd.modes import enable_grad as enable_grad
from suiren.autograd.modes import inference_mode as inference_mode
from suiren.autograd.modes import is_grad_enabled as is_grad_enabled
from suiren.autograd.modes import no_grad as no_grad
from suiren.autograd.modes import set_grad_enabled as set_grad_enabled
from suiren.autograd.modes import set_multithreading_enabled as set_multithreading_enabled
from suiren.autograd.replay import backward as _backward
from suiren.autograd.variable import Variable as Variable
from suiren.tensor import Tensor

# What is differentiated and by what; and the gradients to start from.
_Tensors = Tensor | Iterable[Tensor]
_Gradients = Tensor | Iterable[Tensor | None] | None


def _listed(x) -> list:
    if isinstance(x, Tensor) or x is None:
        return [x]
    return list(x.values()) if isinstance(x, dict) else list(x)


def backward(
    tensors: _Tensors, grad_tensors: _Gradients = None, retain_graph: bool | None = None, create_graph: bool = False,
    grad_variables: _Gradients = None, inputs: _Tensors | None = None,
) -> None:  # fmt: skip
    """Adds to `.grad` of the leaves behind `tensors` (or of `inputs` alone) the gradients of their sum.

    `grad_tensors`: the gradient of each that has more than one element. RuntimeError, PyTorch's, for what cannot be differentiated.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.backward.html
    """
    if grad_variables is not None:
        import warnings

        warnings.warn("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning, stacklevel=2)
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    if inputs is not None and not isinstance(inputs, Tensor) and not len(inputs):
        raise RuntimeError("`inputs` argument to `backward()` cannot be empty.")
    tensors = _listed(tensors)
    gradients = [None] * len(tensors) if grad_tensors is None else _listed(grad_tensors)
    _same_count(tensors, gradients)
    _backward(tensors, gradients, retain_graph, create_graph, None if inputs is None else _listed(inputs))


def _same_count(tensors: list, gradients: list) -> None:
    if len(gradients) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(gradients)} gradients")


def grad(
    outputs: _Tensors, inputs: _Tensors, grad_outputs: _Gradients = None, retain_graph: bool | None = None, create_graph: bool = False,
    only_inputs: bool = True, allow_unused: bool | None = None, is_grads_batched: bool = False, materialize_grads: bool = False,
) -> tuple[Tensor, ...]:  # fmt: skip
    """The gradients of the sum of `outputs` with respect to each of `inputs`, as a tuple; no `.grad` is touched.

    `allow_unused`: None for an input that the outputs do not depend on, which is an error otherwise; `materialize_grads`: zeros for it.
    `is_grads_batched`: `grad_outputs` have a batch of gradients in front, and so have the results.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False.")
    names = tuple(inputs) if isinstance(inputs, dict) else None
    outputs, inputs = _listed(outputs), _listed(inputs)
    if not inputs:
        raise RuntimeError("`inputs` argument to `grad()` cannot be empty.")
    gradients = [None] * len(outputs) if grad_outputs is None else _listed(grad_outputs)
    if is_grads_batched:
        from suiren.func.vmap import vmap

        return vmap(lambda gs: grad(outputs, inputs, gs, True if retain_graph is None else retain_graph, create_graph, only_inputs,
                                    allow_unused, False, materialize_grads))(tuple(gradients))  # fmt: skip
    _same_count(outputs, gradients)
    for t in inputs:
        if not t.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    retain = create_graph if retain_graph is None else retain_graph
    found = _engine.grad(outputs, inputs, gradients, retain, create_graph, bool(allow_unused) or materialize_grads)
    if materialize_grads:
        from suiren.ops.creation import zeros_like

        found = [zeros_like(t._spec.plain) if g is None else g for t, g in zip(inputs, found)]
    return dict(zip(names, found)) if names is not None else tuple(found)  # type: ignore[return-value]


_LATER = ("anomaly_mode", "forward_ad", "function", "functional", "grad_mode", "graph", "profiler", "variable")


def __getattr__(name: str) -> Any:
    """Parts that few programs need are imported when they are first asked for."""
    if name in _LATER:
        return importlib.import_module(f"suiren.autograd.{name}")
    raise AttributeError(f"module 'suiren.autograd' has no attribute {name!r}")


from suiren.autograd.gradcheck import gradcheck as gradcheck  # noqa: E402  the function takes the name of its file, as in PyTorch
from suiren.autograd.gradcheck import gradgradcheck as gradgradcheck  # noqa: E402

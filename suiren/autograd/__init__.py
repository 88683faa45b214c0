"""Automatic differentiation. Source: https://docs.pytorch.org/docs/stable/autograd.html"""

from __future__ import annotations

from suiren.autograd import engine as _engine
from suiren.autograd.modes import enable_grad as enable_grad
from suiren.autograd.modes import inference_mode as inference_mode
from suiren.autograd.modes import is_grad_enabled as is_grad_enabled
from suiren.autograd.modes import no_grad as no_grad
from suiren.autograd.modes import set_grad_enabled as set_grad_enabled
from suiren.tensor import Tensor


def _listed(x) -> list:
    return [x] if isinstance(x, Tensor) or x is None else list(x)


def backward(tensors, grad_tensors=None, retain_graph: bool | None = None, create_graph: bool = False, inputs=None) -> None:
    """Adds to `.grad` of the leaves behind `tensors` (or of `inputs` alone) the gradients of their sum.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.backward.html
    """
    tensors = _listed(tensors)
    gradients = [None] * len(tensors) if grad_tensors is None else _listed(grad_tensors)
    if len(gradients) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(gradients)} gradients")
    _engine.backward(tensors, gradients, retain_graph, create_graph, None if inputs is None else _listed(inputs))


def grad(
    outputs, inputs, grad_outputs=None, retain_graph: bool | None = None, create_graph: bool = False,
    allow_unused: bool | None = None, is_grads_batched: bool = False, materialize_grads: bool = False,
):  # fmt: skip
    """The gradients of the sum of `outputs` with respect to each of `inputs`, as a tuple; no `.grad` is touched.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.autograd.grad.html
    """
    if is_grads_batched:
        raise NotImplementedError("autograd.grad: is_grads_batched=True is not supported by suiren yet; call grad once per output gradient")
    outputs, inputs = _listed(outputs), _listed(inputs)
    gradients = [None] * len(outputs) if grad_outputs is None else _listed(grad_outputs)
    for t in inputs:
        if not t.requires_grad:
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    for t in outputs:
        if not t.requires_grad:
            raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
    retain = create_graph if retain_graph is None else retain_graph
    unused = bool(allow_unused) or materialize_grads
    found = _engine.grad(outputs, inputs, gradients, retain, create_graph, unused)
    if materialize_grads:
        from suiren.ops.creation import zeros_like

        found = [zeros_like(t._spec) if g is None else g for t, g in zip(inputs, found)]
    return tuple(found)


def Variable(data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Tensor:
    """The old name: tensors are variables. Returns a tensor that shares `data`'s storage."""
    t = data.detach()
    return t.requires_grad_() if requires_grad else t

"""Hooks around a module's backward: its inputs and outputs pass through a step of the graph, whose gradients are the module's.

Source: torch/utils/hooks.py (BackwardHook)
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from suiren.autograd.function import Function
from suiren.tensor import Tensor
from suiren.trace.pending import local


class BackwardHookFunction(Function):
    """Tensors as they are; their gradients go through `change`, all at once."""

    @staticmethod
    def forward(ctx: Any, change: Callable[[tuple], tuple], *tensors: Tensor) -> tuple:
        ctx.change = change
        ctx.mark_non_differentiable(*[t for t in tensors if not t.requires_grad])
        return tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple:
        return (None, *ctx.change(gradients))


def _passed(values: tuple, change: Callable[[tuple], tuple]) -> tuple[tuple, list[int]]:
    """(the values, their tensors passed through the step, at which places; no places if no gradient is wanted)."""
    places = [i for i, v in enumerate(values) if isinstance(v, Tensor)]
    if not local.rec.grad or not any(values[i].requires_grad for i in places):
        return values, []
    found = list(values)
    for i, t in zip(places, BackwardHookFunction.apply(change, *[values[i] for i in places])):
        found[i] = t
    return (tuple(found) if type(values) is tuple else type(values)(*found)), places


def _with_none(gradients: tuple, places: list[int], count: int) -> tuple:
    found: list = [None] * count
    for i, g in zip(places, gradients):
        found[i] = g
    return tuple(found)


class AroundBackward:
    """The hooks of one call of a module.

    `full` hooks are called with (module, grad_input, grad_output) when the inputs' gradients are there, `before` with (module, grad_output) when the
    outputs' are. What a hook returns takes the place of the gradients.
    """

    def __init__(self, module: Any, full: list[Callable], before: list[Callable]):
        self.module, self.full, self.before = module, full, before
        self.inputs: list[int] = []  # the places of tensors
        self.outputs: list[int] = []
        self.n_inputs = self.n_outputs = 0
        self.grad_output: tuple | None = None

    def of_inputs(self, args: tuple) -> tuple:
        """The arguments to call forward with."""
        self.n_inputs = len(args)
        found, self.inputs = _passed(args, self._input_gradients)
        return found

    def of_outputs(self, result: Any) -> Any:
        """The result to return from the call."""
        values = result if isinstance(result, tuple) else (result,)
        self.n_outputs = len(values)
        found, self.outputs = _passed(values, self._output_gradients)
        return found if isinstance(result, tuple) else found[0]

    def _output_gradients(self, gradients: tuple) -> tuple:
        self.grad_output = _with_none(gradients, self.outputs, self.n_outputs)
        for hook in self.before:
            self.grad_output = _replaced(self.grad_output, hook(self.module, self.grad_output), "Backward pre hook", "grad_output")
        given = self.grad_output
        if not self.inputs:  # nobody asks for gradients of the inputs
            if self.full:
                self._call_without_inputs()
            self.grad_output = None
        return tuple(given[i] for i in self.outputs)

    def _call_without_inputs(self) -> None:
        warnings.warn(
            "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs require gradients. "
            "See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook for more "
            "details.",
            stacklevel=2,
        )
        for hook in self.full:
            changed = hook(self.module, (None,) * self.n_inputs, self.grad_output)
            if changed is not None and not (isinstance(changed, tuple) and all(g is None for g in changed)):
                raise RuntimeError(
                    "Backward hook for Modules where no input requires gradient should always return None or None for all gradients."
                )

    def _input_gradients(self, gradients: tuple) -> tuple:
        if self.grad_output is None:  # the gradients did not come through the module's outputs
            return gradients
        found = _with_none(gradients, self.inputs, self.n_inputs)
        for hook in self.full:
            found = _replaced(found, hook(self.module, found, self.grad_output), "Backward hook", "grad_input")
        self.grad_output = None
        return tuple(found[i] for i in self.inputs)


def _replaced(gradients: tuple, changed: Any, kind: str, name: str) -> tuple:
    """The gradients that a hook returned, or the old ones if it returned None. RuntimeError for another number of them."""
    if changed is None:
        return gradients
    if not isinstance(changed, tuple):
        changed = (changed,)
    if len(changed) != len(gradients):
        raise RuntimeError(f"{kind} returned an invalid number of {name}, got {len(changed)}, but expected {len(gradients)}")
    return changed

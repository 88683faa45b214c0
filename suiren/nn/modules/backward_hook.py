"""Hooks around a module's backward: its inputs and outputs pass through copies, whose gradients are the module's.

Source: torch/utils/hooks.py (BackwardHook)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suiren.ops.creation import copy
from suiren.tensor import Tensor
from suiren.trace.recording import local


class AroundBackward:
    """Collects the gradients of one call's inputs and outputs, and calls the hooks when they are complete.

    `full` hooks are called with (module, grad_input, grad_output) once every input has its gradient, `before` with (module, grad_output) once every
    output has. What a hook returns takes the place of the gradients; of several inputs, or outputs, at once it cannot, because they arrive one
    after the other: NotImplementedError.
    """

    def __init__(self, module: Any, full: list[Callable], before: list[Callable]):
        self.module, self.full, self.before = module, full, before
        self.grad_input: list = []
        self.grad_output: list = []
        self.inputs = self.outputs = 0  # how many gradients there are to wait for
        self.arrived_inputs = self.arrived_outputs = 0

    def of_inputs(self, args: tuple) -> tuple:
        """The arguments to call forward with."""
        self.grad_input = [None] * len(args)
        if not local.rec.grad:
            return args
        found = list(args)
        for i, a in enumerate(args):
            if isinstance(a, Tensor) and a.requires_grad:
                found[i] = copy(a)
                self.inputs += 1
        for i, a in enumerate(found):
            if a is not args[i]:
                a.register_hook(self._input_hook(i))
        return tuple(found)

    def of_outputs(self, result: Any) -> Any:
        """The result to return from the call."""
        several = isinstance(result, tuple)
        outputs = list(result) if several else [result]
        self.grad_output = [None] * len(outputs)
        wanted = [i for i, t in enumerate(outputs) if isinstance(t, Tensor) and t.requires_grad]
        self.outputs = len(wanted)
        for i in wanted:
            outputs[i] = copy(outputs[i])
            outputs[i].register_hook(self._output_hook(i))
        return type(result)(outputs) if several and type(result) is tuple else tuple(outputs) if several else outputs[0]

    def _output_hook(self, i: int) -> Callable:
        def hook(gradient: Tensor) -> Any:
            if self.arrived_outputs == self.outputs:  # a second backward through the same call
                self.arrived_outputs = self.arrived_inputs = 0
            self.grad_output[i] = gradient
            self.arrived_outputs += 1
            if self.arrived_outputs < self.outputs:
                return None
            for before in self.before:
                changed = before(self.module, tuple(self.grad_output))
                if changed is not None:
                    self.grad_output = _replaced(self.grad_output, changed, self.outputs, "grad_output")
            if not self.inputs:  # nobody asks for gradients of the inputs
                for full in self.full:
                    full(self.module, tuple(self.grad_input), tuple(self.grad_output))
            return self.grad_output[i]

        return hook

    def _input_hook(self, i: int) -> Callable:
        def hook(gradient: Tensor) -> Any:
            self.grad_input[i] = gradient
            self.arrived_inputs += 1
            if self.arrived_inputs < self.inputs:
                return None
            for full in self.full:
                changed = full(self.module, tuple(self.grad_input), tuple(self.grad_output))
                if changed is not None:
                    self.grad_input = _replaced(self.grad_input, changed, self.inputs, "grad_input")
            return self.grad_input[i]

        return hook


def _replaced(gradients: list, changed: Any, count: int, name: str) -> list:
    """The gradients that a hook returned. RuntimeError for another number of them."""
    if not isinstance(changed, tuple):
        changed = (changed,)
    if len(changed) != len(gradients):
        raise RuntimeError(f"Backward hook returned an invalid number of {name}, got {len(changed)}, but expected {len(gradients)}")
    if count > 1:
        raise NotImplementedError(
            f"a backward hook that returns a new {name} is not supported by suiren for a module with {count} gradients there: "
            "put the hook on each tensor with Tensor.register_hook"
        )
    return [new if old is not None else None for old, new in zip(gradients, changed)]

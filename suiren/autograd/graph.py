"""What a program may do with a graph: nodes, hooks on saved values, hooks on several gradients. Source: torch/autograd/graph.py"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from suiren.autograd import node as _node
from suiren.autograd import saved as _saved
from suiren.autograd.hooks import RemovableHandle
from suiren.autograd.node import Node as Node
from suiren.tensor import Tensor


class saved_tensors_hooks:
    """Inside, values that backward will need go to `pack_hook`, and what `unpack_hook` makes of its result is what backward gets.

    RuntimeError where `disable_saved_tensors_hooks` forbids it.
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]):
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        _saved.push(self.pack_hook, self.unpack_hook)

    def __exit__(self, *exception: object) -> None:
        _saved.pop()


class save_on_cpu(saved_tensors_hooks):
    """Inside, saved values are copies in main memory: here, where they are anyway, they are kept as copies of their own."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda"):
        super().__init__(lambda t: t.clone(), lambda t: t)


class disable_saved_tensors_hooks:
    """Inside (or in a function it decorates) `saved_tensors_hooks` raises RuntimeError with this message."""

    def __init__(self, error_message: str):
        self.error_message = error_message

    def __enter__(self) -> None:
        _saved.disable(self.error_message)

    def __exit__(self, *exception: object) -> None:
        _saved.enable()

    def __call__(self, function: Callable) -> Callable:
        import functools

        @functools.wraps(function)
        def inside(*args, **kwargs):
            with disable_saved_tensors_hooks(self.error_message):
                return function(*args, **kwargs)

        return inside


class _Handles(RemovableHandle):
    """Several handles as one."""

    def __init__(self, handles: tuple[RemovableHandle, ...]):
        self.handles = handles

    def remove(self) -> None:
        for handle in self.handles:
            handle.remove()

    def __getstate__(self):
        return self.handles

    def __setstate__(self, state) -> None:
        self.handles = state


def register_multi_grad_hook(tensors: Sequence[Tensor], fn: Callable, *, mode: str = "all") -> RemovableHandle:
    """Calls `fn(gradients)` in every backward once the gradients of all the tensors are there (None for one that the backward does not reach),
    or, with mode 'any', `fn(gradient)` at the first. Which of them a backward reaches is found by walking its graph.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    tensors = list(tensors)
    lock = threading.Lock()
    state: dict = {"pass": None, "grads": [], "left": 0, "ran": False}

    def hook_of(index: int) -> Callable:
        def hook(gradient: Tensor) -> None:
            from suiren.autograd.engine import running

            with lock:
                run = running[-1]
                if state["pass"] is not run:
                    state.update({"pass": run, "grads": [None] * len(tensors), "left": run.reaches(tensors), "ran": False})
                state["grads"][index] = gradient
                state["left"] -= 1
                due = state["left"] == 0 if mode == "all" else not state["ran"]
                state["ran"] = True
            if due:
                if mode == "all":
                    grads, state["pass"] = state["grads"], None
                    fn(grads)
                else:
                    fn(gradient)

        return hook

    return _Handles(tuple(t.register_hook(hook_of(i)) for i, t in enumerate(tensors)))


class GradientEdge(NamedTuple):
    """An edge of a graph: a node, and which of its outputs."""

    node: Node
    output_nr: int


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """The edge at which a tensor's gradient arrives. RuntimeError if it does not require grad."""
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(tensor.grad_fn or _node.AccumulateGrad(tensor), tensor.output_nr)


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Counts a change in place that suiren has not seen."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        t._root()._version += 1


__all__ = [
    "GradientEdge", "Node", "disable_saved_tensors_hooks", "get_gradient_edge", "increment_version", "register_multi_grad_hook", "save_on_cpu",
    "saved_tensors_hooks",
]  # fmt: skip

"""Checkpoints: a part of a network that keeps nothing for backward, and is run again when backward comes by. Source: torch/utils/checkpoint.py"""

from __future__ import annotations

import contextlib
import warnings
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from suiren.autograd import backward as _backward
from suiren.autograd import engine
from suiren.autograd.function import Function
from suiren.autograd.graph import saved_tensors_hooks
from suiren.autograd.modes import enable_grad
from suiren.random.generator import default_generator
from suiren.tensor import Tensor

DefaultDeviceType = "cpu"
_early_stop: bool | None = None  # of `set_checkpoint_early_stop`


class CheckpointError(RuntimeError):
    """Running a part again saved other values than the first time."""


class _RandomState:
    """Where the default generator stands, without looking: the state stays a recorded value."""

    def __init__(self, keep: bool):
        self.state = default_generator._state().clone() if keep else None

    @contextlib.contextmanager
    def again(self):
        """Inside, draws give what they gave after this state was taken."""
        if self.state is None:
            yield
            return
        before = default_generator._tensor, default_generator._pending_seed
        default_generator._tensor, default_generator._pending_seed = self.state.clone(), None
        try:
            yield
        finally:
            default_generator._tensor, default_generator._pending_seed = before


def detach_variable(inputs: tuple) -> tuple:
    """The tensors among the inputs, each cut off from its graph; what required grad does so again."""
    if not isinstance(inputs, tuple):
        raise RuntimeError("Only tuple of tensors is supported. Got Unsupported input type: ", type(inputs).__name__)
    return tuple(x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs)


def check_backward_validity(inputs: tuple) -> None:
    """Warns if no input requires grad: then a reentrant checkpoint gives no gradients."""
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn("None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2)


class CheckpointFunction(Function):
    """The reentrant form: forward without gradients, and a backward of its own inside of the backward."""

    @staticmethod
    def forward(ctx, run_function, preserve_rng_state, *args):
        check_backward_validity(args)
        ctx.run_function = run_function
        ctx.random = _RandomState(preserve_rng_state)
        ctx.places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        ctx.inputs = [None if isinstance(a, Tensor) else a for a in args]
        ctx.save_for_backward(*(args[i] for i in ctx.places))
        return run_function(*args)

    @staticmethod
    def backward(ctx, *gradients):
        if engine.running and engine.running[-1].wanted is not None:
            raise RuntimeError(
                "When use_reentrant=True, torch.utils.checkpoint is incompatible with .grad() or passing an `inputs` parameter to .backward(). To resolve "
                "this error, you can either set use_reentrant=False, or call .backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.inputs)
        for i, t in zip(ctx.places, ctx.saved_tensors):
            inputs[i] = t
        inputs = detach_variable(tuple(inputs))
        with enable_grad(), ctx.random.again():
            outputs = ctx.run_function(*inputs)
        outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
        pairs = [(y, g) for y, g in zip(outputs, gradients) if isinstance(y, Tensor) and y.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        _backward([y for y, _ in pairs], [g for _, g in pairs])
        return (None, None, *(x.grad if isinstance(x, Tensor) else None for x in inputs))


# ---------------------------------------------------------------- without reentering


class _Holder:
    """What stands for a saved value: its number."""

    def __init__(self, number: int, t: Tensor):
        self.number, self.shape, self.dtype = number, tuple(t.shape), t.dtype


class _StopRecomputation(Exception):
    """All that backward asked for is there again."""


class _Frame:
    """One checkpointed call: what it saved, by number, and how to compute it again."""

    def __init__(self, function: Callable, args: tuple, kwargs: dict, random: _RandomState, context: Any, check: bool, early_stop: bool):
        self.function, self.args, self.kwargs, self.random = function, args, kwargs, random
        self.context, self.check, self.early_stop = context, check, early_stop
        self.holders: list[weakref.ref] = []
        self.again: dict[int, dict[int, Tensor]] = {}  # by the pass that asked: number -> value

    def pack(self, t: Tensor) -> _Holder:
        holder = _Holder(len(self.holders), t)
        self.holders.append(weakref.ref(holder))
        return holder

    def unpack(self, holder: _Holder) -> Tensor:
        key = id(engine.running[-1]) if engine.running else -1
        values = self.again.get(key)
        if values is None or holder.number not in values:
            values = self.again[key] = self._recomputed()
            if holder.number not in values:
                raise CheckpointError(
                    "torch.utils.checkpoint: A different number of tensors was saved during the original forward and recomputation.\n"
                    f"Number of tensors saved during forward: {len(self.holders)}\n"
                    f"Number of tensors saved during recomputation: {len(values)}."
                )
            self._compare(values)
        t = values[holder.number]
        keep = bool(engine.running) and engine.running[-1].retain_graph
        if not keep:
            del values[holder.number]
        return t

    def _recomputed(self) -> dict[int, Tensor]:
        values: dict[int, Tensor] = {}

        def pack(t: Tensor) -> Tensor:
            values[len(values)] = t.detach()
            if self.early_stop and len(values) == len(self.holders):
                raise _StopRecomputation
            return t

        args = detach_variable(self.args)
        kwargs = {k: detach_variable((v,))[0] for k, v in self.kwargs.items()}
        with enable_grad(), self.random.again(), saved_tensors_hooks(pack, lambda t: t), self.context, contextlib.suppress(_StopRecomputation):
            self.function(*args, **kwargs)
        return values

    def _compare(self, values: dict[int, Tensor]) -> None:
        if not self.check:
            return
        wrong = []
        for number, t in values.items():
            holder = self.holders[number]() if number < len(self.holders) else None
            if holder is not None and (holder.shape != tuple(t.shape) or holder.dtype is not t.dtype):
                saved = {"shape": holder.shape, "dtype": holder.dtype}
                now = {"shape": tuple(t.shape), "dtype": t.dtype}
                wrong.append(f"tensor at position {number}:\nsaved metadata: {saved}\nrecomputed metadata: {now}")
        if wrong:
            raise CheckpointError(
                "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than during the forward pass.\n"
                + "\n".join(wrong)
                + "."
            )


def noop_context_fn() -> tuple:
    """Two contexts that do nothing."""
    return contextlib.nullcontext(), contextlib.nullcontext()


class set_checkpoint_early_stop:
    """Inside, whether running again stops as soon as everything needed is there; takes the place of each call's `early_stop`."""

    def __init__(self, enable: bool):
        self.enable = enable

    def __enter__(self) -> None:
        global _early_stop
        self._before, _early_stop = _early_stop, self.enable

    def __exit__(self, *exception: object) -> None:
        global _early_stop
        _early_stop = self._before


def checkpoint(
    function: Callable, *args: Any, use_reentrant: bool | None = None, context_fn: Callable[[], tuple] = noop_context_fn,
    determinism_check: str = "default", debug: bool = False, early_stop: bool = True, preserve_rng_state: bool = True, **kwargs: Any,
) -> Any:  # fmt: skip
    """`function(*args, **kwargs)`, whose inner values backward computes again instead of keeping them.

    `use_reentrant=False`: as if nothing was different, but for the memory. True: the older form, a backward inside of the backward, for positional
    arguments and `.backward()` alone. `preserve_rng_state`: draws give the same numbers the second time. CheckpointError if the second run saves
    other values than the first.
    """
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, calling checkpoint without "
            "use_reentrant will raise an exception. use_reentrant=False is recommended, but if you need to preserve the current default behavior, you can "
            "pass use_reentrant=True. Refer to docs for more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug is not False:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, preserve_rng_state, *args)
    if determinism_check not in ("default", "none"):
        raise AssertionError(f"determinism_check should be one of ['default', 'none'], got {determinism_check}")
    forward_context, again_context = context_fn()
    stop = early_stop if _early_stop is None else _early_stop
    frame = _Frame(function, args, kwargs, _RandomState(preserve_rng_state), again_context, determinism_check == "default", stop)
    with saved_tensors_hooks(frame.pack, frame.unpack), forward_context:
        return function(*args, **kwargs)


def checkpoint_sequential(functions: Any, segments: int, input: Any, use_reentrant: bool | None = None, **kwargs: Any) -> Any:
    """Runs modules or functions one after the other, in `segments` parts, of which all but the last are checkpoints."""
    if use_reentrant is None:
        warnings.warn(
            "torch.utils.checkpoint.checkpoint_sequential: the use_reentrant parameter should be passed explicitly. In version 2.9 we will raise an "
            "exception if use_reentrant is not passed. use_reentrant=False is recommended, but if you need to preserve the current default behavior, you "
            "can pass use_reentrant=True. Refer to docs for more details on the differences between the two variants.",
            stacklevel=2,
        )
        use_reentrant = True
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
    steps: Sequence = list(functions.children()) if hasattr(functions, "children") else functions

    def part(start: int, end: int) -> Callable:
        def run(x: Any) -> Any:
            for step in steps[start:end]:
                x = step(x)
            return x

        return run

    size, end = len(steps) // segments, 0
    for start in range(0, size * (segments - 1), size):
        end = start + size
        input = checkpoint(part(start, end), input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    return part(end, len(steps))(input)


__all__ = [
    "CheckpointError", "CheckpointFunction", "check_backward_validity", "checkpoint", "checkpoint_sequential", "detach_variable", "noop_context_fn",
    "set_checkpoint_early_stop",
]  # fmt: skip

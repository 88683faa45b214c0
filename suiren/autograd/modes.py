"""Switching gradients on and off: `no_grad`, `enable_grad`, `set_grad_enabled`, `inference_mode`, as context managers and as decorators."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar, overload

from suiren.trace import pending
from suiren.trace.liveness import mark_inference
from suiren.trace.pending import local

F = TypeVar("F", bound=Callable[..., Any])


def is_grad_enabled() -> bool:
    """Whether operations of this thread are recorded with gradients."""
    return local.rec.grad


class _Mode:
    """A context manager that can also be called on a function: the function then runs in the mode, a generator between its yields too."""

    enabled = False

    def __enter__(self) -> Any:
        self._before = pending.set_grad_mode(self.enabled)
        return self

    def __exit__(self, *_: object) -> None:
        pending.set_grad_mode(self._before)

    def _again(self) -> _Mode:
        return type(self)()

    def __call__(self, orig_func: F) -> F:
        function: Any = orig_func
        if inspect.isclass(function):
            function.__init__ = self(function.__init__)
            return function
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def steps(*args, **kwargs):
                with self._again():
                    generator = function(*args, **kwargs)
                    send, sent = generator.send, None
                while True:
                    with self._again():
                        try:
                            value = send(sent)
                        except StopIteration as end:
                            return end.value
                    try:
                        sent = yield value
                        send = generator.send
                    except GeneratorExit:
                        generator.close()
                        raise
                    except BaseException as error:
                        send, sent = generator.throw, error

            return steps  # type: ignore[return-value]

        @functools.wraps(function)
        def inside(*args, **kwargs):
            with self._again():
                return function(*args, **kwargs)

        return inside  # type: ignore[return-value]


class no_grad(_Mode):
    """Operations inside are not recorded for backward. Source: https://docs.pytorch.org/docs/stable/generated/torch.no_grad.html"""

    @overload
    def __new__(cls) -> no_grad: ...
    @overload
    def __new__(cls, orig_func: F) -> F: ...
    def __new__(cls, orig_func: Any = None) -> Any:
        mode = object.__new__(cls)
        return mode if orig_func is None else mode(orig_func)


class enable_grad(_Mode):
    """Operations inside are recorded for backward, also within `no_grad`."""

    enabled = True

    @overload
    def __new__(cls) -> enable_grad: ...
    @overload
    def __new__(cls, orig_func: F) -> F: ...
    def __new__(cls, orig_func: Any = None) -> Any:
        mode = object.__new__(cls)
        return mode if orig_func is None else mode(orig_func)


class set_grad_enabled(_Mode):
    """Switches at once, and back at the end of a `with` block if it is used as one."""

    def __init__(self, mode: bool):
        self.enabled = bool(mode)
        self._before = pending.set_grad_mode(self.enabled)

    def __repr__(self) -> str:
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.enabled})"

    def __enter__(self) -> Any:
        pending.set_grad_mode(self.enabled)
        return self

    def _again(self) -> _Mode:
        again = object.__new__(set_grad_enabled)
        again.enabled, again._before = self.enabled, local.rec.grad
        return again

    def __exit__(self, *_: object) -> None:
        pending.set_grad_mode(self._before)

    def __call__(self, orig_func: F) -> F:
        pending.set_grad_mode(self._before)  # as a decorator it acts inside of the function alone

        @functools.wraps(orig_func)
        def inside(*args, **kwargs):
            before = pending.set_grad_mode(self.enabled)
            try:
                return orig_func(*args, **kwargs)
            finally:
                pending.set_grad_mode(before)

        return inside  # type: ignore[return-value]


class inference_mode(_Mode):
    """As `no_grad`, and `is_inference_mode_enabled()` says so; `inference_mode(False)` leaves it, with gradients on again."""

    @overload
    def __new__(cls, mode: bool = True) -> inference_mode: ...
    @overload
    def __new__(cls, mode: F) -> F: ...
    def __new__(cls, mode: Any = True) -> Any:
        made = object.__new__(cls)
        if callable(mode):
            made.mode = True
            return made(mode)
        made.mode = bool(mode)
        return made

    def _again(self) -> _Mode:
        again = object.__new__(inference_mode)
        again.mode = self.mode
        return again

    def __enter__(self) -> Any:
        rec = local.rec
        self._before = rec.grad, rec.inference is not None
        pending.set_grad_mode(not self.mode)
        _switch_inference(self.mode)
        return self

    def __exit__(self, *_: object) -> None:
        grad, inference = self._before
        pending.set_grad_mode(grad)
        _switch_inference(inference)


def _switch_inference(on: bool) -> None:
    rec = local.rec
    if rec.inference is not None and not on:
        mark_inference(rec.values, rec.inference)
        rec.inference = None
    elif rec.inference is None and on:
        rec.inference = len(rec.values)


def is_inference_mode_enabled() -> bool:
    """Whether the innermost `inference_mode` around is on."""
    return local.rec.inference is not None


def is_inference(input) -> bool:
    """Whether a tensor was made in `inference_mode`; a view is what it is a view of."""
    rec, root = local.rec, input._root()
    if root._inference or rec.inference is None:
        return root._inference
    return any(t is root for t in rec.values[rec.inference :])


class set_multithreading_enabled:
    """Whether backward may use several threads. suiren's backward is part of the recorded program, whose kernels share the thread pool: nothing changes."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode

    def __enter__(self) -> None:
        """There is nothing to switch."""

    def __exit__(self, *exception) -> None:
        """There is nothing to switch back."""

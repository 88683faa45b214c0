"""Hooks: functions called before and after a module's forward and backward, and when something is registered in a module.

`call_with_hooks` is what a module's call is when there are any; without hooks `Module.__call__` goes straight to `forward`.
Source: torch/nn/modules/module.py
"""

from __future__ import annotations

import functools
import warnings
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from suiren.tensor import Tensor
from suiren.utils.hooks import RemovableHandle

# Hooks of all modules, by handle id.
buffer_registration_hooks: dict[int, Callable] = OrderedDict()
module_registration_hooks: dict[int, Callable] = OrderedDict()
parameter_registration_hooks: dict[int, Callable] = OrderedDict()
global_backward_pre_hooks: dict[int, Callable] = OrderedDict()
global_backward_hooks: dict[int, Callable] = OrderedDict()
global_forward_pre_hooks: dict[int, Callable] = OrderedDict()
global_forward_hooks: dict[int, Callable] = OrderedDict()
global_forward_hooks_always_called: dict[int, bool] = OrderedDict()
global_forward_hooks_with_kwargs: dict[int, bool] = OrderedDict()
_global_is_full: bool | None = None

_MIXED = "Cannot use both regular backward hooks and full backward hooks {}. Please use only one of them."


def _add(hooks: dict, hook: Callable, extra: Any = None) -> RemovableHandle:
    handle = RemovableHandle(hooks, extra_dict=extra)
    hooks[handle.id] = hook
    return handle


def register_module_buffer_registration_hook(hook: Callable) -> RemovableHandle:
    """`hook(module, name, buffer)` before any buffer is registered; what it returns, if not None, is registered instead."""
    return _add(buffer_registration_hooks, hook)


def register_module_module_registration_hook(hook: Callable) -> RemovableHandle:
    """`hook(module, name, submodule)` before any submodule is registered; what it returns, if not None, is registered instead."""
    return _add(module_registration_hooks, hook)


def register_module_parameter_registration_hook(hook: Callable) -> RemovableHandle:
    """`hook(module, name, parameter)` before any parameter is registered; what it returns, if not None, is registered instead."""
    return _add(parameter_registration_hooks, hook)


def register_module_forward_pre_hook(hook: Callable) -> RemovableHandle:
    """`hook(module, args)` before every module's forward; it may return new args."""
    return _add(global_forward_pre_hooks, hook)


def register_module_forward_hook(hook: Callable, *, with_kwargs: bool = False, always_call: bool = False) -> RemovableHandle:
    """`hook(module, args, output)` after every module's forward; it may return a new output."""
    handle = _add(global_forward_hooks, hook, [global_forward_hooks_always_called, global_forward_hooks_with_kwargs])
    if with_kwargs:
        global_forward_hooks_with_kwargs[handle.id] = True
    if always_call:
        global_forward_hooks_always_called[handle.id] = True
    return handle


def register_module_full_backward_pre_hook(hook: Callable) -> RemovableHandle:
    """`hook(module, grad_output)` before the gradients of every module's inputs are computed; it may return a new grad_output."""
    return _add(global_backward_pre_hooks, hook)


def register_module_full_backward_hook(hook: Callable) -> RemovableHandle:
    """`hook(module, grad_input, grad_output)` when the gradients of every module's inputs are computed; it may return a new grad_input."""
    global _global_is_full
    if _global_is_full is False:
        raise RuntimeError(_MIXED.format("as a global Module hook"))
    _global_is_full = True
    return _add(global_backward_hooks, hook)


def register_module_backward_hook(hook: Callable) -> RemovableHandle:
    """The older form of `register_module_full_backward_hook`; here `grad_input` are the gradients of the module's inputs, too."""
    global _global_is_full
    if _global_is_full is True:
        raise RuntimeError(_MIXED.format("as a global Module hook"))
    _global_is_full = False
    return _add(global_backward_hooks, hook)


class WrappedHook:
    """A hook that is called with its module first, which it does not keep alive."""

    def __init__(self, hook: Callable, module: Any = None) -> None:
        self.hook = hook
        functools.update_wrapper(self, hook)
        self.with_module = module is not None
        if module is not None:
            self.module = weakref.ref(module)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.with_module:
            return self.hook(*args, **kwargs)
        module = self.module()
        if module is None:
            raise RuntimeError("You are trying to call the hook of a dead Module!")
        return self.hook(module, *args, **kwargs)

    def __getstate__(self) -> dict:
        state = {"hook": self.hook, "with_module": self.with_module}
        if self.with_module:
            state["module"] = self.module()
        return state

    def __setstate__(self, state: dict) -> None:
        self.hook, self.with_module = state["hook"], state["with_module"]
        if self.with_module:
            if state["module"] is None:
                raise RuntimeError("You are trying to revive the hook of a dead Module!")
            self.module = weakref.ref(state["module"])


class HookMethods:
    """The part of Module that registers hooks and calls them."""

    _is_full_backward_hook: bool | None
    _backward_pre_hooks: OrderedDict
    _backward_hooks: OrderedDict
    _forward_hooks: OrderedDict
    _forward_hooks_with_kwargs: OrderedDict
    _forward_hooks_always_called: OrderedDict
    _forward_pre_hooks: OrderedDict
    _forward_pre_hooks_with_kwargs: OrderedDict

    def register_forward_pre_hook(self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False) -> RemovableHandle:
        """`hook(module, args)` (with `with_kwargs`: `hook(module, args, kwargs)`) before forward; it may return new arguments."""
        handle = _add(self._forward_pre_hooks, hook, self._forward_pre_hooks_with_kwargs)
        if with_kwargs:
            self._forward_pre_hooks_with_kwargs[handle.id] = True
        if prepend:
            self._forward_pre_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_forward_hook(
        self, hook: Callable, *, prepend: bool = False, with_kwargs: bool = False, always_call: bool = False
    ) -> RemovableHandle:
        """`hook(module, args, output)` (with `with_kwargs`: `hook(module, args, kwargs, output)`) after forward; it may return a new output.

        `always_call`: also when forward raised.
        """
        handle = _add(self._forward_hooks, hook, [self._forward_hooks_with_kwargs, self._forward_hooks_always_called])
        if with_kwargs:
            self._forward_hooks_with_kwargs[handle.id] = True
        if always_call:
            self._forward_hooks_always_called[handle.id] = True
        if prepend:
            self._forward_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_full_backward_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """`hook(module, grad_output)` before the gradients of the module's inputs are computed; it may return a new grad_output."""
        handle = _add(self._backward_pre_hooks, hook)
        if prepend:
            self._backward_pre_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_full_backward_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """`hook(module, grad_input, grad_output)` when the gradients of the module's inputs are computed; it may return a new grad_input."""
        if self._is_full_backward_hook is False:
            raise RuntimeError(_MIXED.format("on a single Module"))
        self._is_full_backward_hook = True
        handle = _add(self._backward_hooks, hook)
        if prepend:
            self._backward_hooks.move_to_end(handle.id, last=False)
        return handle

    def register_backward_hook(self, hook: Callable) -> RemovableHandle:
        """The older form of `register_full_backward_hook`; here `grad_input` are the gradients of the module's inputs, too."""
        if self._is_full_backward_hook is True:
            raise RuntimeError(_MIXED.format("on a single Module"))
        self._is_full_backward_hook = False
        return _add(self._backward_hooks, hook)

    def _call_with_hooks(self, args: tuple, kwargs: dict) -> Any:
        return call_with_hooks(self, args, kwargs)


def has_global_hooks() -> bool:
    return bool(global_backward_pre_hooks or global_backward_hooks or global_forward_hooks or global_forward_pre_hooks)


def call_with_hooks(module: Any, args: tuple, kwargs: dict) -> Any:
    """Calls `module.forward` and every hook, global ones first."""
    called: set[int] = set()
    result = None
    try:
        args, kwargs = _before_forward(module, args, kwargs)
        full = [*global_backward_hooks.values(), *module._backward_hooks.values()]
        before = [*global_backward_pre_hooks.values(), *module._backward_pre_hooks.values()]
        around = None
        if full or before:
            from suiren.nn.modules.backward_hook import AroundBackward

            around = AroundBackward(module, full, before)
            args = around.of_inputs(args)
        result = module.forward(*args, **kwargs)
        for key, hook in (*global_forward_hooks.items(), *module._forward_hooks.items()):
            called.add(key)
            changed = _after_forward(module, key, hook, args, kwargs, result)
            if changed is not None:
                result = changed
        if around is not None:
            if not isinstance(result, (Tensor, tuple)):
                warnings.warn(
                    "For backward hooks to be called, module output should be a Tensor or a tuple of Tensors "
                    f"but received {type(result)}",
                    stacklevel=4,
                )
            result = around.of_outputs(result)
        return result
    except Exception:
        _after_failure(module, args, kwargs, result, called)
        raise


def _before_forward(module: Any, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    for key, hook in (*global_forward_pre_hooks.items(), *module._forward_pre_hooks.items()):
        if key in module._forward_pre_hooks_with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    return args, kwargs


def _after_forward(module: Any, key: int, hook: Callable, args: tuple, kwargs: dict, result: Any) -> Any:
    if key in module._forward_hooks_with_kwargs or key in global_forward_hooks_with_kwargs:
        return hook(module, args, kwargs, result)
    return hook(module, args, result)


def _after_failure(module: Any, args: tuple, kwargs: dict, result: Any, called: set[int]) -> None:
    """Calls the hooks that asked to be called always; what they raise becomes a warning."""
    for which, hooks, always in (
        ("global module", global_forward_hooks, global_forward_hooks_always_called),
        ("module", module._forward_hooks, module._forward_hooks_always_called),
    ):
        for key, hook in hooks.items():
            if key not in always or key in called:
                continue
            try:
                changed = _after_forward(module, key, hook, args, kwargs, result)
                if changed is not None:
                    result = changed
            except Exception as error:
                warnings.warn(
                    f"{which} forward hook with ``always_call=True`` raised an exception that was silenced "
                    f"as another error was raised in forward: {error}",
                    stacklevel=5,
                )

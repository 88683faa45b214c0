"""Module: what all layers and networks derive from.

Parameters, buffers and submodules stand in `_parameters`, `_buffers` and `_modules`, and, kept equal by `registry.py`, among the module's own
attributes: reading `self.weight` or `self.conv1` is a plain attribute look-up. A call of a module without hooks goes straight to `forward`.
Source: torch/nn/modules/module.py
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from suiren import dtypes
from suiren.autograd.modes import no_grad
from suiren.device import check_device
from suiren.device import device as Device
from suiren.nn.modules import module_hooks
from suiren.nn.modules.members import MemberMethods
from suiren.nn.modules.module_hooks import (
    HookMethods,
    global_backward_hooks,
    global_backward_pre_hooks,
    global_forward_hooks,
    global_forward_pre_hooks,
)
from suiren.nn.modules.module_hooks import register_module_backward_hook as register_module_backward_hook
from suiren.nn.modules.module_hooks import (
    register_module_buffer_registration_hook as register_module_buffer_registration_hook,
)
from suiren.nn.modules.module_hooks import register_module_forward_hook as register_module_forward_hook
from suiren.nn.modules.module_hooks import register_module_forward_pre_hook as register_module_forward_pre_hook
from suiren.nn.modules.module_hooks import register_module_full_backward_hook as register_module_full_backward_hook
from suiren.nn.modules.module_hooks import (
    register_module_full_backward_pre_hook as register_module_full_backward_pre_hook,
)
from suiren.nn.modules.module_hooks import (
    register_module_module_registration_hook as register_module_module_registration_hook,
)
from suiren.nn.modules.module_hooks import (
    register_module_parameter_registration_hook as register_module_parameter_registration_hook,
)
from suiren.nn.modules.registry import NAMES, Registry, attach
from suiren.nn.modules.state_dict import StateDictMethods
from suiren.nn.parameter import Buffer, Parameter
from suiren.tensor import Tensor

_HOOK_DICTS = (
    "_backward_pre_hooks", "_backward_hooks", "_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called",
    "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_state_dict_hooks", "_state_dict_pre_hooks",
    "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
)  # fmt: skip


def _forward_unimplemented(self, *input: Any) -> None:
    raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')


def typename(x: Any) -> str:
    """The name of the type of `x` as PyTorch's messages write it."""
    if isinstance(x, Tensor):
        return x.type()
    cls = type(x)
    module = "" if cls.__module__ in ("builtins", "__builtin__", None) else cls.__module__ + "."
    return module + cls.__qualname__


def indented(text: str, spaces: int) -> str:
    """`text` with every line but the first moved right."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(" " * spaces + line if line.strip() else "" for line in rest)])


def _device_and_dtype(
    *args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False, memory_format: Any = None, tensor: Any = None
) -> tuple[Any, dtypes.dtype | None]:
    for given in (*args, tensor):
        if isinstance(given, Tensor):
            dtype = given.dtype
        elif isinstance(given, dtypes.dtype):
            dtype = given
        elif isinstance(given, (str, Device)):
            device = given
        elif given is not None and not isinstance(given, bool):
            raise TypeError(
                f"to() received an invalid combination of arguments - got {typename(given)}: "
                "expected a device, a dtype, a device and a dtype, or a tensor"
            )
    check_device(device)
    return device, dtype

Self = TypeVar("Self", bound="Module")  # typing.Self is of Python 3.11


class Module(MemberMethods, StateDictMethods, HookMethods):
    """A network or a part of one: a subclass calls `super().__init__()`, assigns its parameters and submodules, and defines `forward`."""

    dump_patches: bool = False
    _version: int = 1  # of the format of its state dict
    call_super_init: bool = False

    training: bool
    _parameters: Registry
    _buffers: Registry
    _modules: Registry
    _non_persistent_buffers_set: set[str]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init:
            name = type(self).__name__
            if kwargs:
                raise TypeError(f"{name}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'")
            if args:
                raise TypeError(f"{name}.__init__() takes 1 positional argument but {len(args) + 1} were given")
        attributes = self.__dict__
        attributes["training"] = True
        attributes["_non_persistent_buffers_set"] = set()
        attributes["_is_full_backward_hook"] = None
        for name in NAMES:
            attributes[name] = Registry(self)
        for name in _HOOK_DICTS:
            attributes[name] = OrderedDict()
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    forward: Callable[..., Any] = _forward_unimplemented

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if (
            self._forward_hooks or self._forward_pre_hooks or self._backward_hooks or self._backward_pre_hooks
            or global_forward_hooks or global_forward_pre_hooks or global_backward_hooks or global_backward_pre_hooks
        ):  # fmt: skip
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_impl(self, *args: Any, **kwargs: Any) -> Any:
        return Module.__call__(self, *args, **kwargs)

    _wrapped_call_impl = _call_impl

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing to do: what a program repeats is compiled as it runs."""

    # ------------------------------------------------------------ registering

    def _check_name(self, what: str, name: Any, registry: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain "."' + (f", got: {name}" if what == "module" else ""))
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if name not in self.__dict__[registry] and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that belongs to the module but is no parameter; one that is not `persistent` stays out of the state dict."""
        if "_buffers" not in self.__dict__:
            raise AttributeError("cannot assign buffer before Module.__init__() call")
        self._check_name("buffer", name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        tensor = self._hooked(module_hooks.buffer_registration_hooks, name, tensor)
        self._registry("_buffers")[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter; None reserves the name."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        self._check_name("parameter", name, "_parameters")
        if param is not None:
            if not isinstance(param, Parameter):
                raise TypeError(
                    f"cannot assign '{typename(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
                )
            if not param.is_leaf:
                raise ValueError(
                    f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. "
                    f"To express '{name}' as a function of another Tensor, compute the value in the forward() method."
                )
            param = self._hooked(module_hooks.parameter_registration_hooks, name, param)
        self._registry("_parameters")[name] = param

    def add_module(self, name: str, module: Module | None) -> None:
        """Adds a submodule under this name."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self._check_name("module", name, "_modules")
        self._registry("_modules")[name] = self._hooked(module_hooks.module_registration_hooks, name, module)

    def register_module(self, name: str, module: Module | None) -> None:
        """The same as `add_module`."""
        self.add_module(name, module)

    def _hooked(self, hooks: dict, name: str, value: Any) -> Any:
        for hook in hooks.values():
            changed = hook(self, name, value)
            if changed is not None:
                value = changed
        return value

    def _registry(self, name: str) -> Registry:
        found = self.__dict__[name]
        if type(found) is not Registry or not found.belongs_to(self):  # a copy's, made by somebody's own __setstate__
            found = attach(self, name, dict(found))
        return found

    # ------------------------------------------------------------ attributes

    def __getattr__(self, name: str) -> Any:
        for registry in NAMES:
            found = self.__dict__.get(registry)
            if found is not None and name in found:
                return found[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        params = attributes.get("_parameters")
        if isinstance(value, Parameter):
            if params is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self._forget(name, "_parameters")
            self.register_parameter(name, value)
            return
        if params is not None and name in params:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, value)
            return
        modules = attributes.get("_modules")
        if isinstance(value, Module):
            if modules is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self._forget(name, "_modules")
            self._registry("_modules")[name] = self._hooked(module_hooks.module_registration_hooks, name, value)
        elif modules is not None and name in modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            self._registry("_modules")[name] = self._hooked(module_hooks.module_registration_hooks, name, value)
        elif isinstance(value, Buffer) or name in attributes.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{typename(value)}' as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)"
                )
            is_persistent = value.persistent if isinstance(value, Buffer) else name not in self._non_persistent_buffers_set
            if name not in self._buffers:
                attributes.pop(name, None)
            self.register_buffer(name, value, is_persistent)
        elif name in NAMES:
            attach(self, name, value)
        else:
            super().__setattr__(name, value)

    def _forget(self, name: str, kept: str) -> None:
        """Takes `name` out of every place but the registry `kept`."""
        if name in self.__dict__[kept]:
            return
        for registry in NAMES:
            self._registry(registry).pop(name, None)
        self._non_persistent_buffers_set.discard(name)
        self.__dict__.pop(name, None)

    def __delattr__(self, name: str) -> None:
        for registry in NAMES:
            if name in self.__dict__[registry]:
                del self._registry(registry)[name]
                self._non_persistent_buffers_set.discard(name)
                return
        super().__delattr__(name)

    def __getstate__(self) -> dict:
        state = self.__dict__.copy()
        for registry in NAMES:
            for name in state.get(registry, ()):
                state.pop(name, None)
            if registry in state:
                state[registry] = dict(state[registry])
        return state

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        for name in NAMES:
            attach(self, name, dict(state.get(name, ())))
        for name in _HOOK_DICTS:
            self.__dict__.setdefault(name, OrderedDict())
        self.__dict__.setdefault("_non_persistent_buffers_set", set())
        self.__dict__.setdefault("_is_full_backward_hook", None)

    def __dir__(self) -> list[str]:
        return sorted(key for key in {*dir(type(self)), *self.__dict__} if not key[0].isdigit())

    # ------------------------------------------------------------ changing everything inside

    def _apply(self: Self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replaces the values of every parameter, gradient and buffer; parameters and gradients stay the objects they are."""
        if recurse:
            for module in self.children():
                module._apply(fn)
        for param in self._parameters.values():
            if param is None:
                continue
            grad = param.grad
            with no_grad():
                param.data = fn(param.data)
                if grad is not None:
                    grad.data = fn(grad.data)
        for name, buffer in self._buffers.items():
            if buffer is not None:
                self._buffers[name] = fn(buffer)
        return self

    def apply(self: Self, fn: Callable[[Module], None]) -> Self:
        """Calls `fn` on every submodule and then on the module itself; returns it."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    def cuda(self: Self, device: Any = None) -> Self:
        """Moves everything to a CUDA device, which fails: there is the CPU alone."""
        return self._apply(lambda t: t.cuda(device))

    def cpu(self: Self) -> Self:
        """Moves everything to the CPU, where it is."""
        return self._apply(lambda t: t.cpu())

    def type(self: Self, dst_type: Any) -> Self:
        """Converts everything to one dtype."""
        return self._apply(lambda t: t.type(dst_type))

    def float(self: Self) -> Self:
        """Converts floating point parameters and buffers to float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self: Self) -> Self:
        """Converts floating point parameters and buffers to float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self: Self) -> Self:
        """Converts floating point parameters and buffers to float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def bfloat16(self: Self) -> Self:
        """Converts floating point parameters and buffers to bfloat16."""
        return self._apply(lambda t: t.bfloat16() if t.is_floating_point() else t)

    def to_empty(self: Self, *, device: Any, recurse: bool = True) -> Self:
        """Moves everything to a device without its values."""
        from suiren.api.creation import empty_like

        return self._apply(lambda t: empty_like(t, device=device), recurse)

    def to(self: Self, *args: Any, **kwargs: Any) -> Self:
        """`to(device)`, `to(dtype)`, `to(device, dtype)`, `to(tensor)`: converts floating point parameters and buffers; returns the module.

        TypeError for a dtype that is neither floating point nor complex.
        """
        device, dtype = _device_and_dtype(*args, **kwargs)
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )

        def converted(t: Tensor) -> Tensor:
            return t.to(device, dtype if t.is_floating_point() or t.is_complex() else None)

        return self._apply(converted)

    def train(self: Self, mode: bool = True) -> Self:
        """Sets training mode in the module and all inside it; returns it."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self: Self) -> Self:
        """The same as `train(False)`."""
        return self.train(False)

    def requires_grad_(self: Self, requires_grad: bool = True) -> Self:
        """Sets whether the parameters want gradients; returns the module."""
        for param in self.parameters():
            param.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Takes the parameters' gradients away, or, without `set_to_none`, fills them with zeros."""
        for param in self.parameters():
            grad = param.grad
            if grad is None:
                continue
            if set_to_none:
                param.grad = None
            else:
                if grad.grad_fn is not None:
                    grad.detach_()
                else:
                    grad.requires_grad_(False)
                grad.zero_()

    def share_memory(self: Self) -> Self:
        """Moves everything to memory that processes share."""
        return self._apply(lambda t: t.share_memory_())

    # ------------------------------------------------------------ printing

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """What stands in the parentheses of the printed module before its submodules."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        own = extra.split("\n") if extra else []
        children = [f"({name}): {indented(repr(module), 2)}" for name, module in self._modules.items()]
        if not own and not children:
            return self._get_name() + "()"
        if len(own) == 1 and not children:
            return f"{self._get_name()}({own[0]})"
        return self._get_name() + "(\n  " + "\n  ".join(own + children) + "\n)"


__all__ = ["Module", "indented"]

"""TorchScript's names. A function or a module is what it was: suiren records and compiles it when it runs. There is no file format of scripts.

Source: https://docs.pytorch.org/docs/stable/jit.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar  # noqa: F401  `jit.Final[int]`

from suiren.names import absent
from suiren.nn.modules.module import Module

T = TypeVar("T")


class ScriptModule(Module):
    """A module; the name exists for `class Net(jit.ScriptModule)`."""


def script(
    obj: T, optimize: None = None, _frames_up: int = 0, _rcb: Callable | None = None, example_inputs: Any = None
) -> T:
    """The function, module or class itself."""
    return obj


def trace(
    func: T, example_inputs: Any = None, optimize: None = None, check_trace: bool = True, check_inputs: Any = None, check_tolerance: float = 1e-5,
    strict: bool = True, *, example_kwarg_inputs: Any = None, **private: Any,
) -> T:  # fmt: skip
    """The function or module itself, after it has run once on the example inputs."""
    if example_inputs is not None or example_kwarg_inputs is not None:
        given = () if example_inputs is None else example_inputs if isinstance(example_inputs, tuple) else (example_inputs,)
        func(*given, **(example_kwarg_inputs or {}))
    return func


def trace_module(mod: T, inputs: dict[str, Any], *args: Any, **options: Any) -> T:
    """The module itself, after the methods named by `inputs` have run once on theirs."""
    for name, given in inputs.items():
        getattr(mod, name)(*(given if isinstance(given, tuple) else (given,)))
    return mod


def script_if_tracing(fn: T) -> T:
    """The function itself."""
    return fn


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """The function itself; `@ignore` and `@ignore(drop=…)`."""
    return drop if callable(drop) else (lambda fn: fn)


def unused(fn: T) -> T:
    """The function itself."""
    return fn


def export(fn: T) -> T:
    """The method itself."""
    return fn


def script_method(fn: T) -> T:
    """The method itself."""
    return fn


def interface(obj: T) -> T:
    """The class itself."""
    return obj


def annotate(the_type: Any, the_value: T) -> T:
    """The value."""
    return the_value


class Attribute(tuple):
    """(value, type) of a script module's attribute."""

    __slots__ = ()

    def __new__(cls, value: Any, type: Any = None):
        return tuple.__new__(cls, (value, type))

    value = property(lambda self: self[0])
    type = property(lambda self: self[1])


def freeze(mod: T, preserved_attrs: list[str] | None = None, optimize_numerics: bool = True) -> T:
    """The module itself. RuntimeError, as in PyTorch, if it is in training mode."""
    if getattr(mod, "training", False):
        raise RuntimeError("Freezing is currently only implemented for modules in eval mode. Please call .eval() on your module before freezing.")
    return mod


def optimize_for_inference(mod: T, other_methods: list[str] | None = None) -> T:
    """The module itself."""
    return mod


def is_scripting() -> bool:
    """False."""
    return False


def is_tracing() -> bool:
    """False."""
    return False


def isinstance_(obj: Any, target_type: Any) -> bool:
    """As Python's isinstance; for a parametrised container, of the container."""
    kinds = target_type if type(target_type) is tuple else (target_type,)
    return isinstance(obj, tuple(getattr(k, "__origin__", None) or k for k in kinds))


class _Result:
    """What `fork` gives: the result is there already."""

    def __init__(self, value: Any):
        self._value = value

    def wait(self) -> Any:
        """The result."""
        return self._value

    value = wait

    def done(self) -> bool:
        return True


Future = _Result


def fork(func: Callable, *args: Any, **kwargs: Any) -> _Result:
    """Calls the function at once."""
    return _Result(func(*args, **kwargs))


def wait(future: _Result) -> Any:
    """The result of `fork`."""
    return future.wait()


def enable_onednn_fusion(enabled: bool) -> None:
    """Nothing: there is no oneDNN."""


def onednn_fusion_enabled() -> bool:
    return False


def set_fusion_strategy(strategy: list[tuple[str, int]]) -> list:
    """Nothing: fusion needs no strategy here. Returns the strategy before, which is none."""
    return []


class strict_fusion:
    """`with strict_fusion():` does nothing."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        pass


def save(m: Any, f: Any, _extra_files: dict | None = None) -> None:
    """NotImplementedError: there is no file format of scripts."""
    raise NotImplementedError("suiren has no TorchScript files: save a state dict with suiren.save(model.state_dict(), file)")


def load(f: Any, map_location: Any = None, _extra_files: dict | None = None, _restore_shapes: bool = False) -> Any:
    """NotImplementedError: there is no file format of scripts."""
    raise NotImplementedError("suiren does not read TorchScript files: load a state dict with suiren.load(file) into a model built in Python")


def __getattr__(name: str) -> Any:
    if name == "isinstance":
        return isinstance_
    raise absent("jit", name)

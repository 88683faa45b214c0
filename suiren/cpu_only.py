"""What a build for the CPU alone answers about other devices: one place for `cuda`, `xpu` and `mtia`."""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any


def refusal(word: str) -> AssertionError:
    """PyTorch's exception for what only a build for that device can do."""
    return AssertionError(f"Torch not compiled with {word} enabled: suiren computes on the CPU; ask suiren.{word.lower()}.is_available() first")


def refusing(name: str, error: Exception) -> Callable:
    """A function that PyTorch's CPU build has, and that fails there."""

    def f(*args: Any, **kwargs: Any) -> Any:
        raise type(error)(*error.args)

    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"{type(error).__name__}: {error}"
    return f


def refusing_class(name: str, word: str) -> type:
    """A class that PyTorch's CPU build has, and of which it makes no instance."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"Tried to instantiate dummy base class {name}: Torch not compiled with {word} enabled")

    return type(name, (), {"__new__": __new__, "__doc__": f"RuntimeError when it is made: there is no {word} device."})


Event = refusing_class("Event", "CUDA")
Stream = refusing_class("Stream", "CUDA")


class device:
    """`with device(i):` does nothing where there is no such device."""

    def __init__(self, device: Any):
        self.idx = device

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: Any) -> None:
        pass


class device_of(device):
    """`with device_of(tensor):` does nothing: the tensor is on the CPU."""


def stream(stream: Any) -> contextlib.AbstractContextManager:
    """`with stream(None):` does nothing."""
    return contextlib.nullcontext()


def is_available() -> bool:
    """False: suiren computes on the CPU."""
    return False


def is_initialized() -> bool:
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    return False


def is_tf32_supported() -> bool:
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed."""


def manual_seed_all(seed: int) -> None:
    """Nothing to seed."""


def seed() -> None:
    """Nothing to seed."""


def seed_all() -> None:
    """Nothing to seed."""


def empty_cache() -> None:
    """Nothing is cached."""


def get_rng_state_all() -> list:
    """No states: there are no devices."""
    return []


def set_rng_state(new_state: Any, device: Any = None) -> None:
    """Nothing to set."""


def set_rng_state_all(new_states: Any) -> None:
    """Nothing to set."""


def memory_allocated(device: Any = None) -> int:
    """0 bytes."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def memory_stats(device: Any = None) -> OrderedDict:
    """No figures."""
    return OrderedDict()


def get_arch_list() -> list[str]:
    return []


def get_gencode_flags() -> str:
    return ""


default_generators: tuple = ()

ANSWERS = (
    "default_generators", "device", "device_count", "device_of", "empty_cache", "get_arch_list", "get_gencode_flags", "get_rng_state_all",
    "is_available", "is_bf16_supported", "is_initialized", "is_tf32_supported", "manual_seed", "manual_seed_all", "max_memory_allocated",
    "max_memory_reserved", "memory_allocated", "memory_reserved", "memory_stats", "seed", "seed_all", "set_rng_state", "set_rng_state_all", "stream",
)  # fmt: skip


def answers(word: str, refused: str, classes: str) -> dict[str, Any]:
    """The names of a device's module: what is answered, what fails when it is called, and classes without instances."""
    found: dict[str, Any] = {name: globals()[name] for name in ANSWERS}
    found.update((name, refusing(name, refusal(word))) for name in refused.split())
    found.update((name, refusing_class(name, word)) for name in classes.split())
    return found

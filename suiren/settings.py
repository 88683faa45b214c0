"""PyTorch's process-wide switches: determinism, precision of products, denormals, warnings.

suiren gives the same bits in every run and on any number of threads, and computes float32 in float32; so what is switched here is kept for who
asks, and changes no number. Source: https://docs.pytorch.org/docs/stable/torch.html#utilities
"""

from __future__ import annotations

import warnings
from typing import Any


class AcceleratorError(RuntimeError):
    """What an accelerator's failures raise in PyTorch; nothing raises it here."""


class OutOfMemoryError(RuntimeError):
    """What raises in PyTorch where a device has no memory left; on the CPU that is a plain RuntimeError, there as here."""


_PRECISIONS = ("highest", "high", "medium")
_precision = "highest"
_deterministic, _warns_only = False, False
_warns_always = False
_interop_threads: int | None = None


def get_float32_matmul_precision() -> str:
    """What `set_float32_matmul_precision` was told: products of float32 are computed in float32 whatever it says."""
    return _precision


def set_float32_matmul_precision(precision: str) -> None:
    """Kept: highest, high or medium; another word has no effect, with PyTorch's warning."""
    global _precision
    if precision not in _PRECISIONS:
        warnings.warn(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the currentsetFloat32MatmulPrecision call has no effect.",
            UserWarning,
            stacklevel=2,
        )
        return
    _precision = precision


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Kept: every algorithm is deterministic."""
    global _deterministic, _warns_only
    _deterministic, _warns_only = bool(mode), bool(mode and warn_only)


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` was told."""
    return _deterministic


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Whether it was told to warn only."""
    return _warns_only


_MODES = {"default": 0, "warn": 1, "error": 2}


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Kept: 0 or default, 1 or warn, 2 or error. RuntimeError for another."""
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _MODES:
            raise RuntimeError(f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}")
        debug_mode = _MODES[debug_mode]
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    use_deterministic_algorithms(debug_mode > 0, warn_only=debug_mode == 1)


def get_deterministic_debug_mode() -> int:
    """0, 1 or 2: see `set_deterministic_debug_mode`."""
    return 0 if not _deterministic else 1 if _warns_only else 2


def set_flush_denormal(mode: bool) -> bool:
    """False: denormal numbers are kept, as IEEE 754 has them, on every machine."""
    return False


def set_warn_always(b: bool, /) -> None:
    """Kept: Python's warnings decide how often a warning is shown."""
    global _warns_always
    _warns_always = bool(b)


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was told."""
    return _warns_always


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` was told; 1 at first: one program runs at a time, on all its threads."""
    return _interop_threads or 1


def set_num_interop_threads(num: int) -> None:
    """Kept. RuntimeError unless it is a positive int, or if it was set before."""
    global _interop_threads
    if isinstance(num, bool) or not isinstance(num, int):
        raise RuntimeError(f"set_num_interop_threads expects an int, but got {type(num).__name__}")
    if num <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    if _interop_threads is not None:
        raise RuntimeError(
            "Error: cannot set number of interop threads after parallel work has started or set_num_interop_threads called"
        )
    _interop_threads = num


def is_vulkan_available() -> bool:
    """False: suiren computes on the CPU."""
    return False


def compiled_with_cxx11_abi() -> bool:
    """True, as PyTorch's builds answer; there is no C++ in suiren."""
    return True


def get_device_module(device: Any = None) -> Any:
    """The module `suiren.cpu`. RuntimeError for another device."""
    import importlib

    from suiren.device import check_device

    check_device(device)
    return importlib.import_module("suiren.cpu")


__all__ = [
    "AcceleratorError", "OutOfMemoryError", "are_deterministic_algorithms_enabled", "compiled_with_cxx11_abi",
    "get_deterministic_debug_mode", "get_device_module",
    "get_float32_matmul_precision", "get_num_interop_threads", "is_deterministic_algorithms_warn_only_enabled", "is_vulkan_available",
    "is_warn_always_enabled", "set_deterministic_debug_mode", "set_float32_matmul_precision", "set_flush_denormal", "set_num_interop_threads",
    "set_warn_always", "use_deterministic_algorithms",
]  # fmt: skip

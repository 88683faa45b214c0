"""Mixed precision: what it is on a CPU, and a gradient scaler. Source: https://docs.pytorch.org/docs/stable/amp.html

For CUDA both are switched off, with PyTorch's warning, as on every machine without CUDA. On the CPU PyTorch's autocast computes products in
bfloat16; suiren computes in the dtypes that it is given, so an enabled ``autocast('cpu')`` is refused.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

from suiren.amp.grad_scaler import GradScaler as GradScaler
from suiren.device import device
from suiren.dtypes import bfloat16, dtype, float16
from suiren.names import absent_from as _absent_from


class autocast:
    """`with autocast('cuda'):` or `@autocast('cuda')`: switched off with a warning. NotImplementedError for an enabled ``autocast('cpu')``."""

    def __init__(self, device_type: str, dtype: dtype | None = None, enabled: bool = True, cache_enabled: bool | None = None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device = device(device_type).type
        self.fast_dtype = dtype or get_autocast_dtype(self.device)
        if enabled and self.device != "cpu":
            warnings.warn(f"{self.device.upper()} is not available or torch_xla is imported. Disabling autocast.", UserWarning, stacklevel=2)
            enabled = False
        if enabled and self.fast_dtype not in (bfloat16, float16):
            warnings.warn(
                "In CPU autocast, but the target dtype is not supported. Disabling autocast.\n"
                "CPU Autocast only supports dtypes of torch.bfloat16, torch.float16 currently.",
                UserWarning,
                stacklevel=2,
            )
            enabled = False
        self._enabled = enabled

    def __enter__(self) -> autocast:
        if self._enabled:
            raise NotImplementedError(
                "suiren computes in the dtypes that it is given: there is no autocast on the CPU; say enabled=False, or convert the model and its inputs"
            )
        return self

    def __exit__(self, *exception: Any) -> None:
        pass

    def __call__(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def under_autocast(*args: Any, **kwargs: Any) -> Any:
            with self:
                return function(*args, **kwargs)

        return under_autocast


def custom_fwd(fwd: Callable | None = None, *, device_type: str = "cuda", cast_inputs: dtype | None = None) -> Callable:
    """Of a `Function`'s forward: itself, because no autocast is ever on."""
    return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs) if fwd is None else fwd


def custom_bwd(bwd: Callable | None = None, *, device_type: str = "cuda") -> Callable:
    """Of a `Function`'s backward: itself, because no autocast is ever on."""
    return functools.partial(custom_bwd, device_type=device_type) if bwd is None else bwd


def is_autocast_available(device_type: str) -> bool:
    """False: see `autocast`."""
    device(device_type)
    return False


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """False: see `autocast`."""
    return False


def is_autocast_cpu_enabled() -> bool:
    return False


def is_autocast_cache_enabled() -> bool:
    return True


def get_autocast_dtype(device_type: str) -> dtype:
    """What products would be computed in: bfloat16 on the CPU, float16 elsewhere."""
    return bfloat16 if device(device_type).type == "cpu" else float16


def get_autocast_gpu_dtype() -> dtype:
    return float16


def get_autocast_cpu_dtype() -> dtype:
    return bfloat16


def clear_autocast_cache() -> None:
    """Nothing is kept."""


__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

__getattr__ = _absent_from("amp")

"""Mixed precision: autocast on the CPU, and a gradient scaler. Source: https://docs.pytorch.org/docs/stable/amp.html

`autocast('cpu')` computes products and convolutions in bfloat16 (or float16) and losses in float32, by PyTorch's lists (api/casting.py).
For CUDA both are switched off, with PyTorch's warning, as on every machine without CUDA.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from suiren.amp.grad_scaler import GradScaler as GradScaler
from suiren.api import casting
from suiren.device import device
from suiren.dtypes import bfloat16, dtype, float16
from suiren.dtypes import dtype as _dtype
from suiren.names import absent_from as _absent_from
from suiren.tensor import Tensor

_LISTED = ("cpu", "cuda", "mtia", "maia", "xpu", "ipu", "hpu", "xla", "mps", "privateuseone")


class autocast:
    """`with autocast('cpu'):` or `@autocast('cpu')`: listed functions inside compute in `dtype`, bfloat16 or float16, or in float32.

    For another device, and with another dtype, it is switched off with a warning. `cache_enabled` is kept to be asked for: equal casts of weights
    are found by the compiler. ValueError for a device that is no word, RuntimeError for one without autocast.
    """

    def __init__(self, device_type: str, dtype: dtype | None = None, enabled: bool = True, cache_enabled: bool | None = None):
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device = device(device_type).type
        self.fast_dtype = get_autocast_dtype(self.device) if dtype is None else dtype
        self._cache_enabled = is_autocast_cache_enabled() if cache_enabled is None else cache_enabled
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
        here = casting.here
        self._before = here.enabled, here.dtype, here.cache
        here.nesting += 1
        here.cache = self._cache_enabled
        if self.device == "cpu":
            casting.set_enabled(self._enabled)
            here.dtype = self.fast_dtype
        return self

    def __exit__(self, *exception: Any) -> None:
        here = casting.here
        here.nesting -= 1
        here.enabled, here.dtype, here.cache = self._before

    def __call__(self, func: Callable) -> Callable:
        if not callable(func):
            raise TypeError(
                f"autocast()(func) requires a callable, but got {type(func).__name__}. Did you mean to use autocast as a context manager? For "
                "example:\n    with torch.autocast(device_type=...):\n        output = model(input)"
            )

        @functools.wraps(func)
        def under_autocast(*args: Any, **kwargs: Any) -> Any:
            with self:
                return func(*args, **kwargs)

        return under_autocast


def _cast(value: Any, to: dtype) -> Any:
    """The value with its floats, but float64, in that dtype; of what holds tensors, each."""
    if isinstance(value, Tensor):
        return casting.converted(value, to)
    if isinstance(value, (str, bytes, np.ndarray)):
        return value
    if isinstance(value, Mapping):
        return {_cast(k, to): _cast(v, to) for k, v in value.items()}
    if isinstance(value, Iterable):
        found = (_cast(v, to) for v in value)
        return type(value)(found) if isinstance(value, (list, tuple)) else found
    return value


def _check_device(device_type: Any) -> None:
    if not isinstance(device_type, str):
        raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")


def custom_fwd(fwd: Callable | None = None, *, device_type: str, cast_inputs: dtype | None = None) -> Callable:
    """Of a `Function`'s forward: with `cast_inputs`, in a region its tensors are converted to that dtype, and autocast is off within."""
    _check_device(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)

    @functools.wraps(fwd)
    def forward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        ctx._dtype = get_autocast_dtype(device_type)
        enabled = is_autocast_enabled(device_type)
        ctx._fwd_used_autocast = enabled and cast_inputs is None
        if cast_inputs is None or not enabled:
            return fwd(ctx, *args, **kwargs)
        with autocast(device_type, enabled=False):
            return fwd(ctx, *_cast(args, cast_inputs), **_cast(kwargs, cast_inputs))

    return forward


def custom_bwd(bwd: Callable | None = None, *, device_type: str) -> Callable:
    """Of a `Function`'s backward: it runs with autocast as it was in its forward, which has `custom_fwd`."""
    _check_device(device_type)
    if bwd is None:
        return functools.partial(custom_bwd, device_type=device_type)

    @functools.wraps(bwd)
    def backward(ctx: Any, *args: Any, **kwargs: Any) -> Any:
        with autocast(device_type, enabled=ctx._fwd_used_autocast, dtype=ctx._dtype):
            return bwd(ctx, *args, **kwargs)

    return backward


def is_autocast_available(device_type: str) -> bool:
    """Whether PyTorch has lists for such a device, there or not."""
    return device(device_type).type in _LISTED


def is_autocast_enabled(device_type: str | None = None) -> bool:
    """Whether this thread is in an enabled region for the device; without one it is CUDA's that is asked about."""
    return device_type is not None and device(device_type).type == "cpu" and casting.here.enabled


def set_autocast_enabled(device_type: str | bool, enabled: bool | None = None) -> None:
    """Switches this thread's autocast for the device. RuntimeError for switching on what is not there."""
    kind, wanted = ("cuda", device_type) if enabled is None else (device(device_type).type, enabled)
    if not isinstance(wanted, bool):
        raise TypeError(f"set_autocast_enabled(): argument 'enabled' (position 2) must be bool, not {type(wanted).__name__}")
    if kind == "cpu":
        casting.set_enabled(wanted)
    elif wanted:
        raise RuntimeError(f"there is no autocast for {kind}")


def is_autocast_cpu_enabled() -> bool:
    """See `is_autocast_enabled`."""
    return casting.here.enabled


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """See `set_autocast_enabled`."""
    set_autocast_enabled("cpu", enabled)


def is_autocast_cache_enabled() -> bool:
    """What `set_autocast_cache_enabled` was told."""
    return casting.here.cache


def set_autocast_cache_enabled(enabled: bool) -> None:
    """What `is_autocast_cache_enabled` answers; there is nothing to keep."""
    casting.here.cache = enabled


def get_autocast_dtype(device_type: str) -> dtype:
    """What products are computed in: bfloat16 on the CPU, unless it was set, float16 elsewhere."""
    return casting.here.dtype if device(device_type).type == "cpu" else float16


def set_autocast_dtype(device_type: str, dtype: dtype) -> None:
    """Sets what products are computed in. RuntimeError for a device without autocast."""
    if not isinstance(dtype, _dtype):
        raise TypeError(f"set_autocast_dtype(): argument 'dtype' (position 2) must be torch.dtype, not {type(dtype).__name__}")
    if device(device_type).type != "cpu":
        raise RuntimeError(f"there is no autocast for {device_type}")
    casting.here.dtype = dtype


def get_autocast_gpu_dtype() -> dtype:
    """float16: there is no GPU to set another for."""
    return float16


def get_autocast_cpu_dtype() -> dtype:
    """See `get_autocast_dtype`."""
    return casting.here.dtype


def set_autocast_cpu_dtype(dtype: dtype) -> None:
    """See `set_autocast_dtype`."""
    set_autocast_dtype("cpu", dtype)


def autocast_increment_nesting() -> int:
    """Enters a region; returns how many this thread is in."""
    casting.here.nesting += 1
    return casting.here.nesting


def autocast_decrement_nesting() -> int:
    """Leaves a region; returns how many this thread is still in."""
    casting.here.nesting -= 1
    return casting.here.nesting


def clear_autocast_cache() -> None:
    """Nothing is kept."""


__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd", "is_autocast_available"]

__getattr__ = _absent_from("amp")

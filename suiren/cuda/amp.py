"""The old names of `suiren.amp` for CUDA: switched off, with a warning, where there is no CUDA.

Source: https://docs.pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from suiren import amp
from suiren.dtypes import dtype, float16


class autocast(amp.autocast):
    """`with autocast():` is `amp.autocast('cuda')`."""

    def __init__(self, enabled: bool = True, dtype: dtype = float16, cache_enabled: bool = True):
        super().__init__("cuda", enabled=enabled, dtype=dtype, cache_enabled=cache_enabled)


class GradScaler(amp.GradScaler):
    """`amp.GradScaler('cuda')`."""

    def __init__(
        self, init_scale: float = 65536.0, growth_factor: float = 2.0, backoff_factor: float = 0.5, growth_interval: int = 2000, enabled: bool = True
    ):
        super().__init__("cuda", init_scale, growth_factor, backoff_factor, growth_interval, enabled)


def custom_fwd(fwd: Callable | None = None, *, cast_inputs: dtype | None = None) -> Callable:
    """`amp.custom_fwd` for CUDA."""
    return functools.partial(custom_fwd, cast_inputs=cast_inputs) if fwd is None else amp.custom_fwd(fwd, device_type="cuda", cast_inputs=cast_inputs)


def custom_bwd(bwd: Callable) -> Callable:
    """`amp.custom_bwd` for CUDA."""
    return amp.custom_bwd(bwd, device_type="cuda")


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'suiren.cuda.amp' has no attribute {name!r}")


__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]

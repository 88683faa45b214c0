"""The old names of `suiren.amp` for CUDA: switched off, with a warning, where there is no CUDA.

Source: https://docs.pytorch.org/docs/stable/amp.html
"""

from __future__ import annotations

from typing import Any

from suiren import amp
from suiren.amp import custom_bwd as custom_bwd
from suiren.amp import custom_fwd as custom_fwd
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


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module 'suiren.cuda.amp' has no attribute {name!r}")


__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]

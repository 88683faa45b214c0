"""Without CUDA. Source: https://docs.pytorch.org/docs/stable/backends.html#torch-backends-cuda"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from suiren.cpu_only import refusal


def is_built() -> bool:
    """False: suiren computes on the CPU."""
    return False


class _Matmul:
    """Switches of CUDA's products: kept, and nothing depends on them."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True
    allow_fp16_accumulation = False
    fp32_precision = "none"


class _PlanCache:
    """CUDA's plans of Fourier transforms: there are none."""

    def __getattr__(self, name: str) -> Any:
        raise refusal("CUDA")


matmul = _Matmul()
cufft_plan_cache = _PlanCache()

# Which kernels `scaled_dot_product_attention` may use: kept, and nothing depends on them.
_attention = {"flash": True, "mem_efficient": True, "math": True, "cudnn": True}


def flash_sdp_enabled() -> bool:
    return _attention["flash"]


def mem_efficient_sdp_enabled() -> bool:
    return _attention["mem_efficient"]


def math_sdp_enabled() -> bool:
    return _attention["math"]


def cudnn_sdp_enabled() -> bool:
    return _attention["cudnn"]


def enable_flash_sdp(enabled: bool) -> None:
    """Kept; attention has one implementation here."""
    _attention["flash"] = enabled


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Kept; attention has one implementation here."""
    _attention["mem_efficient"] = enabled


def enable_math_sdp(enabled: bool) -> None:
    """Kept; attention has one implementation here."""
    _attention["math"] = enabled


def enable_cudnn_sdp(enabled: bool) -> None:
    """Kept; attention has one implementation here."""
    _attention["cudnn"] = enabled


def is_flash_attention_available() -> bool:
    """False: those are CUDA's kernels."""
    return False


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True, enable_math: bool = True, enable_mem_efficient: bool = True, enable_cudnn: bool = True
) -> Iterator[None]:
    """`with sdp_kernel(...):` sets for a while what attention may use."""
    before = dict(_attention)
    _attention.update(flash=enable_flash, math=enable_math, mem_efficient=enable_mem_efficient, cudnn=enable_cudnn)
    try:
        yield
    finally:
        _attention.update(before)

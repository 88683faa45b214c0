"""What PyTorch's CPU-only build answers about CUDA: there is none. Source: https://docs.pytorch.org/docs/stable/cuda.html"""

from __future__ import annotations

from typing import Any

from suiren.cpu_only import *  # noqa: F403
from suiren.cpu_only import answers, memory_allocated, refusal
from suiren.cuda import amp as amp
from suiren.names import absent
from suiren.settings import AcceleratorError as AcceleratorError
from suiren.settings import OutOfMemoryError as OutOfMemoryError

globals().update(answers(
    "CUDA",
    "current_blas_handle current_device current_solver_handle current_stream cudart default_stream device_memory_used get_device_capability "
    "get_device_name get_device_properties get_rng_state get_stream_from_external get_sync_debug_mode init initial_seed ipc_collect "
    "can_device_access_peer caching_allocator_alloc caching_allocator_delete check_error clock_rate get_per_process_memory_fraction graph "
    "graph_pool_handle list_gpu_processes make_graphed_callables mem_get_info memory_snapshot memory_summary memory_usage power_draw "
    "reset_accumulated_memory_stats reset_max_memory_allocated reset_max_memory_cached reset_peak_memory_stats set_device "
    "set_per_process_memory_fraction set_stream set_sync_debug_mode synchronize temperature utilization",
    "CUDAGraph CUDAPluggableAllocator Event ExternalStream MemPool Stream StreamContext",
))  # fmt: skip

has_half = True
has_magma = False
memory_cached = max_memory_cached = memory_allocated


def is_current_stream_capturing() -> bool:
    """False: there is no stream."""
    return False


class _AbsentType(type):
    """Of `cuda.FloatTensor` and its like: no tensor is one, and none can be made."""

    def __instancecheck__(cls, instance: object) -> bool:
        return False

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        raise TypeError(f"type torch.cuda.{cls.__name__} not available. Torch not compiled with CUDA enabled.")

    def __repr__(cls) -> str:
        return f"<class 'torch.cuda.{cls.__name__}'>"


for _name in ("Double", "Float", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool"):
    globals()[f"{_name}Tensor"] = _AbsentType(f"{_name}Tensor", (), {"__doc__": "A type of tensors that suiren has none of."})


def __getattr__(name: str) -> Any:
    raise absent("cuda", name)


__all__ = ["amp", "refusal"]

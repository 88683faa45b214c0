"""What is answered about the accelerator of a machine that has none. Source: https://docs.pytorch.org/docs/stable/accelerator.html"""

from __future__ import annotations

from suiren.cpu_only import refusing


def is_available() -> bool:
    """False: suiren computes on the CPU."""
    return False


def current_accelerator(check_available: bool = False) -> None:
    """None: there is no accelerator."""


def device_count() -> int:
    """0."""
    return 0


for _name in (
    "current_device_idx", "current_device_index", "current_stream", "empty_cache", "get_memory_info", "max_memory_allocated", "max_memory_reserved",
    "memory_allocated", "memory_reserved", "memory_stats", "reset_accumulated_memory_stats", "reset_peak_memory_stats", "set_device_idx",
    "set_device_index", "set_stream", "synchronize",
):  # fmt: skip
    globals()[_name] = refusing(_name, RuntimeError("Cannot access accelerator device when none is available."))

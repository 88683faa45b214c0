"""What a build without Metal answers. Source: https://docs.pytorch.org/docs/stable/mps.html"""

from __future__ import annotations

from suiren.cpu_only import refusing


def is_available() -> bool:
    """False: suiren computes on the CPU."""
    return False


def device_count() -> int:
    """0."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed."""


def seed() -> None:
    """Nothing to seed."""


for _name, _word in {
    "empty_cache": "emptyCache", "synchronize": "deviceSynchronize", "current_allocated_memory": "currentAllocatedMemory",
    "driver_allocated_memory": "driverAllocatedMemory", "recommended_max_memory": "recommendedMaxMemory",
    "set_per_process_memory_fraction": "setMemoryFraction", "get_rng_state": "getDefaultMPSGenerator", "set_rng_state": "getDefaultMPSGenerator",
}.items():  # fmt: skip
    globals()[_name] = refusing(_name, RuntimeError(f"Cannot execute {_word}() without MPS backend."))

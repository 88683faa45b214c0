"""What PyTorch's CPU-only build answers about CUDA: there is none. Source: https://docs.pytorch.org/docs/stable/cuda.html"""

from __future__ import annotations


def is_available() -> bool:
    """False: suiren computes on the CPU."""
    return False


def is_initialized() -> bool:
    return False


def device_count() -> int:
    return 0


def manual_seed(seed: int) -> None:
    """Nothing to seed."""


def manual_seed_all(seed: int) -> None:
    """Nothing to seed."""


def synchronize(device=None) -> None:
    _refuse()


def current_device() -> int:
    _refuse()
    return 0


def empty_cache() -> None:
    """Nothing is cached."""


def _refuse() -> None:
    raise AssertionError("Torch not compiled with CUDA enabled: suiren computes on the CPU; ask suiren.cuda.is_available() first")

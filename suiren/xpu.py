"""What PyTorch's CPU-only build answers about Intel's GPUs: there are none. Source: https://docs.pytorch.org/docs/stable/xpu.html"""

from __future__ import annotations

from suiren.cpu_only import *  # noqa: F403
from suiren.cpu_only import answers

globals().update(answers(
    "XPU",
    "current_device current_stream get_device_capability get_device_name get_device_properties get_rng_state init initial_seed mem_get_info "
    "reset_accumulated_memory_stats reset_peak_memory_stats set_device set_stream synchronize",
    "Event Stream StreamContext",
))  # fmt: skip

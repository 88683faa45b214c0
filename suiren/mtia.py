"""What PyTorch's CPU-only build answers about MTIA: there is none. Source: https://docs.pytorch.org/docs/stable/mtia.html"""

from __future__ import annotations

from suiren.cpu_only import *  # noqa: F403
from suiren.cpu_only import answers

globals().update(answers(
    "MTIA",
    "current_device current_stream default_stream get_device_capability get_device_properties get_rng_state init initial_seed record_memory_history "
    "reset_peak_memory_stats set_device set_stream snapshot synchronize",
    "Event Stream StreamContext",
))  # fmt: skip

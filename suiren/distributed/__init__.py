"""One process: what PyTorch answers where it is built without distributed training. Source: https://docs.pytorch.org/docs/stable/distributed.html"""

from __future__ import annotations

import os
from typing import Any

from suiren.cpu_only import refusing


def is_available() -> bool:
    """False: suiren trains in one process."""
    return False


def is_initialized() -> bool:
    """False: there is no process group."""
    return False


def is_nccl_available() -> bool:
    return False


def is_gloo_available() -> bool:
    return False


def is_mpi_available() -> bool:
    return False


def is_ucc_available() -> bool:
    return False


def is_xccl_available() -> bool:
    return False


def is_backend_available(backend: str) -> bool:
    return False


def is_torchelastic_launched() -> bool:
    """Whether torchrun started this process."""
    return os.environ.get("TORCHELASTIC_RUN_ID") is not None


def init_process_group(*args: Any, **kwargs: Any) -> None:
    """RuntimeError: suiren trains in one process."""
    raise RuntimeError(
        "suiren trains in one process: it has no process groups. Ask suiren.distributed.is_available() first, as for a PyTorch built without them"
    )


_NO_GROUP = ValueError("Default process group has not been initialized, please make sure to call init_process_group.")

for _name in (
    "all_gather", "all_gather_into_tensor", "all_gather_object", "all_reduce", "all_to_all", "all_to_all_single", "barrier", "broadcast",
    "broadcast_object_list", "destroy_process_group", "gather", "gather_object", "get_backend", "get_rank", "get_world_size", "irecv", "isend",
    "monitored_barrier", "new_group", "recv", "reduce", "reduce_scatter", "reduce_scatter_tensor", "scatter", "scatter_object_list", "send",
):  # fmt: skip
    globals()[_name] = refusing(_name, _NO_GROUP)

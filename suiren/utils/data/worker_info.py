"""Which worker of a DataLoader this process is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WorkerInfo:
    """A worker's number, how many there are, its seed, and its own copy of the data set."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """In a worker process of a DataLoader: which one it is. None elsewhere."""
    return _info


def become(info: WorkerInfo) -> None:
    """Says that this process is a worker."""
    global _info
    _info = info

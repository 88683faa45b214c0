"""DistributedSampler: each of several processes reads its own part of a data set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suiren.random.generator import Generator
from suiren.utils.data.draws import permutation
from suiren.utils.data.sampler import Sampler


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th key from the `rank`-th on, of an order that all processes shuffle alike (by seed + epoch).

    The order is made a multiple of `num_replicas` long: keys from its beginning are repeated, or with `drop_last` some left out.
    suiren has no process groups: `num_replicas` and `rank` must be given, RuntimeError otherwise. ValueError for a bad rank.
    """

    def __init__(
        self,
        dataset: Any,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ):
        if num_replicas is None or rank is None:
            raise ValueError("Default process group has not been initialized, please make sure to call init_process_group.")
        if not 0 <= rank < num_replicas:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset, self.num_replicas, self.rank = dataset, num_replicas, rank
        self.shuffle, self.seed, self.drop_last, self.epoch = shuffle, seed, drop_last, 0
        whole, rest = divmod(len(dataset), num_replicas)
        self.num_samples = whole + (rest > 0 and not drop_last)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self) -> Iterator[int]:
        n = len(self.dataset)
        order = permutation(n, Generator().manual_seed(self.seed + self.epoch)) if self.shuffle else list(range(n))
        order = [order[i % n] for i in range(self.total_size)]
        return iter(order[self.rank :: self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Another epoch, another order."""
        self.epoch = epoch

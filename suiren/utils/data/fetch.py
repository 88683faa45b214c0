"""From keys to a batch: what a loader does for each batch, in the parent or in a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suiren.utils.data.collate import default_collate
from suiren.utils.data.dataset import Dataset, Subset, TensorDataset
from suiren.utils.data.memory import own, peek


class Fetcher:
    """`fetch(keys)` gives the collated batch. StopIteration at the end of an iterable data set."""

    is_iterable = False

    def __init__(self, dataset: Any, collate_fn: Callable, in_batches: bool):
        self.dataset, self.collate_fn, self.in_batches = dataset, collate_fn, in_batches

    def fetch(self, keys: Any) -> Any:
        raise NotImplementedError


class MapFetcher(Fetcher):
    """Of a map-style data set: `keys` is a list of keys, or without batching one key."""

    def __init__(self, dataset: Any, collate_fn: Callable, in_batches: bool):
        super().__init__(dataset, collate_fn, in_batches)
        self.rows = _rows(dataset) if in_batches and collate_fn is default_collate else None

    def fetch(self, keys: Any) -> Any:
        if not self.in_batches:
            return self.collate_fn(self.dataset[keys])
        if self.rows is not None and keys and all(type(key) is int for key in keys):
            return self.rows(keys)
        together = getattr(self.dataset, "__getitems__", None)
        return self.collate_fn(together(keys) if together else [self.dataset[key] for key in keys])


def _rows(dataset: Any) -> Callable[[list], list] | None:
    """How to collate rows of plain tensors all at once: of a TensorDataset, also through Subsets. None for anything else.

    Taking them one by one would record an operation for every sample, and each would be another program.
    """
    if isinstance(dataset, Subset) and _inherits(dataset, Subset, "__getitem__", "__getitems__"):
        inner = _rows(dataset.dataset)
        return None if inner is None else lambda keys: inner([dataset.indices[key] for key in keys])
    if not isinstance(dataset, TensorDataset) or not _inherits(dataset, TensorDataset, "__getitem__"):
        return None
    if hasattr(dataset, "__getitems__") or any(t.requires_grad or not t.dim() for t in dataset.tensors):
        return None
    # indexed anew each time: a tensor's memory may have moved
    return lambda keys: [own(peek(t)[keys]) for t in dataset.tensors]


def _inherits(obj: Dataset, cls: type, *names: str) -> bool:
    return all(getattr(type(obj), name) is getattr(cls, name) for name in names)


class IterableFetcher(Fetcher):
    """Of an iterable data set: as many samples as there are keys, or without batching one sample."""

    is_iterable = True

    def __init__(self, dataset: Any, collate_fn: Callable, in_batches: bool, drop_last: bool):
        super().__init__(dataset, collate_fn, in_batches)
        self.drop_last = drop_last
        self.samples = iter(dataset)
        self.ended = False

    def fetch(self, keys: Any) -> Any:
        if self.ended:
            raise StopIteration
        if not self.in_batches:
            return self.collate_fn(next(self.samples))
        batch = []
        for _ in keys:
            try:
                batch.append(next(self.samples))
            except StopIteration:
                self.ended = True
                break
        if not batch or (self.drop_last and len(batch) < len(keys)):
            raise StopIteration
        return self.collate_fn(batch)

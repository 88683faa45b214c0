"""DataLoader: batches of a data set, made here or by worker processes.

Source: https://docs.pytorch.org/docs/stable/data.html
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from suiren.utils.data.collate import default_collate, default_convert
from suiren.utils.data.dataset import Dataset, IterableDataset
from suiren.utils.data.fetch import IterableFetcher, MapFetcher
from suiren.utils.data.iterators import LoaderIterator, PlainIterator, WorkersIterator
from suiren.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

T = TypeVar("T")


class _InfiniteConstantSampler(Sampler):
    """None for ever: an iterable data set has no keys."""

    def __iter__(self) -> Iterator[None]:
        while True:
            yield None


class DataLoader(Generic[T]):
    """Iterates over a data set in batches.

    `batch_size` samples (None: no batching) are put together by `collate_fn`; in the data set's order, or with `shuffle` in a random one, or as
    `sampler` (keys) or `batch_sampler` (lists of keys) says. With `num_workers` processes making them ahead, `prefetch_factor` batches each;
    `persistent_workers` keeps the processes from one pass to the next. Seeds, orders and the workers' own seeds are PyTorch's.
    Every argument and every error is PyTorch's; `pin_memory` has nothing to do on a CPU.

    Differences: where `prefetch_factor` is not given and nothing could tell (no persistent workers, a sampler that draws in advance), small
    batches are made up to 32 ahead once as many have been asked for. Tensors made by workers come contiguous, each with a storage of its own.
    """

    _initialized = False

    def __init__(
        self,
        dataset: Dataset[T] | Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable | None = None,
        batch_sampler: Iterable[list] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ):
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError(
                "prefetch_factor option could only be specified in multiprocessing."
                "let num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None."
            )
        if prefetch_factor is not None and prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        self.dataset: Any = dataset
        self.num_workers = num_workers
        self._ahead_is_given = prefetch_factor is not None
        self.prefetch_factor = 2 if num_workers > 0 and prefetch_factor is None else prefetch_factor
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.timeout, self.worker_init_fn, self.in_order = timeout, worker_init_fn, in_order
        self.multiprocessing_context = multiprocessing_context
        self._is_iterable = isinstance(dataset, IterableDataset)
        if self._is_iterable:
            for name, value, allowed in (
                ("shuffle", shuffle, (None, False)),
                ("sampler", sampler, (None,)),
                ("batch_sampler", batch_sampler, (None,)),
            ):
                if not any(value is a for a in allowed):
                    raise ValueError(f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}")
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None:
            if self._is_iterable:
                sampler = _InfiniteConstantSampler()
            else:
                sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.drop_last = batch_size, drop_last
        self.sampler, self.batch_sampler, self.generator = sampler, batch_sampler, generator
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn = collate_fn
        self.persistent_workers = persistent_workers
        self._reported_length: int | None = None  # what `len` said of an iterable data set
        self._iterator: WorkersIterator | None = None
        self._initialized = True
        self.check_worker_number_rationality()

    @property
    def multiprocessing_context(self) -> Any:
        """How workers are started: a start method's name, a context of `multiprocessing`, or None."""
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        """How workers are started: a start method's name, a context of `multiprocessing`, or None."""
        if context is not None:
            import multiprocessing
            import multiprocessing.context

            if self.num_workers == 0:
                raise ValueError(
                    "multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got num_workers=0"
                )
            if isinstance(context, str):
                methods = multiprocessing.get_all_start_methods()
                if context not in methods:
                    raise ValueError(
                        f"multiprocessing_context option should specify a valid start method in {methods!r}, "
                        f"but got multiprocessing_context={context!r}"
                    )
                context = multiprocessing.get_context(context)
            if not isinstance(context, multiprocessing.context.BaseContext):
                raise TypeError(
                    "multiprocessing_context option should be a valid context object or a string specifying the start method, "
                    f"but got multiprocessing_context={context}"
                )
        self._context = context

    def __setattr__(self, name: str, value: Any) -> None:
        fixed = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")
        if self._initialized and name in fixed:
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __iter__(self) -> LoaderIterator:
        if self.num_workers == 0:
            return PlainIterator(self)
        self.check_worker_number_rationality()
        if not self.persistent_workers:
            return WorkersIterator(self)
        if self._iterator is None or self._iterator.is_closed:
            self._iterator = WorkersIterator(self)
        else:
            self._iterator.restart(self)
        return self._iterator

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Iterable:
        return self.batch_sampler if self._auto_collation else self.sampler

    def __len__(self) -> int:
        if not self._is_iterable:
            return len(self._index_sampler)
        length = self._reported_length = len(self.dataset)
        if self.batch_size is None:
            return length
        whole, rest = divmod(length, self.batch_size)
        return whole + (rest > 0 and not self.drop_last)

    def check_worker_number_rationality(self) -> None:
        """Warns of more workers than there are processors for this process."""
        counted = hasattr(os, "sched_getaffinity")
        processors = len(os.sched_getaffinity(0)) if counted else os.cpu_count()
        if not self.num_workers or (processors is not None and self.num_workers <= processors):
            return
        if processors is None:
            suggested = "DataLoader is not able to compute a suggested max number of worker in current system."
        else:
            suggested = (
                f"Our suggested max number of worker in current system is {processors}"
                f"{'' if counted else ' (`cpuset` is not taken into account)'}, which is smaller than what this DataLoader is going to create."
            )
        warnings.warn(
            f"This DataLoader will create {self.num_workers} worker processes in total. {suggested} "
            "Please be aware that excessive worker creation might get DataLoader running slow or even freeze, "
            "lower the worker number to avoid potential slowness/freeze if necessary.",
            stacklevel=3,
        )

    def _fetcher(self) -> Callable:
        """How to make the fetcher, here or in a worker."""
        if self._is_iterable:
            return functools.partial(IterableFetcher, self.dataset, self.collate_fn, self._auto_collation, self.drop_last)
        return functools.partial(MapFetcher, self.dataset, self.collate_fn, self._auto_collation)

"""One pass over a DataLoader: in this process, or with workers."""

from __future__ import annotations

import warnings
import weakref
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from suiren.trace import pending
from suiren.utils.data.draws import base_seed
from suiren.utils.data.sampler import (
    BatchSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

if TYPE_CHECKING:
    from suiren.utils.data.dataloader import DataLoader

# Batches that are small may be made further ahead than `prefetch_factor` asks, so that workers are woken once for several of them:
# so many, and so many bytes together (about a core's second-level cache).
AHEAD = 32
AHEAD_BYTES = 2 << 20


class LoaderIterator:
    """What both kinds share. It does not hold its loader: a loader that is let go ends its persistent workers."""

    def __init__(self, loader: DataLoader):
        if loader.pin_memory:
            if loader.pin_memory_device:
                warnings.warn(
                    "pin_memory_device is deprecated, the current accelerator will be used as the device,"
                    f"ignore pin_memory_device='{loader.pin_memory_device}'.",
                    stacklevel=4,
                )
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be used.",
                stacklevel=4,
            )
        self._dataset = loader.dataset
        self._index_sampler = loader._index_sampler
        self._num_workers = loader.num_workers
        self._keys = iter(self._index_sampler)
        self._base_seed = base_seed(loader.generator)
        self._begin(loader)

    def _begin(self, loader: DataLoader) -> None:
        self._yielded = 0
        self._reported_length = loader._reported_length

    def __iter__(self) -> LoaderIterator:
        return self

    def __len__(self) -> int:
        return len(self._index_sampler)

    def _next(self) -> Any:
        raise NotImplementedError

    def __next__(self) -> Any:
        pending.finish()  # a step of training ends where the next batch begins
        batch = self._next()
        self._yielded += 1
        if self._reported_length is not None and self._yielded > self._reported_length:
            self._warn_of_length()
        return batch

    def _warn_of_length(self) -> None:
        text = (
            f"Length of IterableDataset {self._dataset} was reported to be {self._reported_length}"
            f"(when accessing len(dataloader)), but {self._yielded} samples have been fetched. "
        )
        if self._num_workers > 0:
            text += (
                "For multiprocessing data-loading, this could be caused by not properly configuring the "
                "IterableDataset replica at each worker. Please see "
                "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples."
            )
        warnings.warn(text, stacklevel=3)

    def __getstate__(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} cannot be pickled")


class PlainIterator(LoaderIterator):
    """Makes the batches here."""

    def __init__(self, loader: DataLoader):
        super().__init__(loader)
        if loader.timeout != 0:
            raise AssertionError("a timeout needs num_workers > 0")
        self._fetcher = loader._fetcher()()

    def _next(self) -> Any:
        return self._fetcher.fetch(next(self._keys))


def _draws_in_advance(sampler: Iterable) -> bool:
    """Whether it cannot be seen from outside when the sampler is asked for its keys: all its random numbers are drawn at its start."""
    from suiren.utils.data.dataloader import _InfiniteConstantSampler

    if type(sampler) is BatchSampler:
        sampler = sampler.sampler
    if type(sampler) is RandomSampler:
        return sampler.generator is None  # else it draws from the user's generator when it has run out, too
    return type(sampler) in (SequentialSampler, SubsetRandomSampler, WeightedRandomSampler, _InfiniteConstantSampler)


class WorkersIterator(LoaderIterator):
    """Has workers make the batches, and keeps them supplied with tasks.

    Tasks go round the workers, and batches are taken in the order of their tasks; with `in_order=False`, as they are finished.
    A worker does its tasks in the order given, so the parent knows in which slot its next batch lies.
    """

    def __init__(self, loader: DataLoader):
        super().__init__(loader)
        from suiren.utils.data.crew import Crew
        from suiren.utils.data.worker import Job

        n = loader.num_workers
        self._timeout, self._in_order, self._persistent = loader.timeout, loader.in_order, loader.persistent_workers
        # To the letter as many batches ahead as PyTorch makes, where the program could tell the difference.
        self._least = self._most = max(loader.prefetch_factor, 1) * n
        if not (loader._ahead_is_given or self._persistent) and _draws_in_advance(self._index_sampler):
            self._most = max(self._least, AHEAD)
        job = Job(loader._fetcher(), loader.dataset, loader.worker_init_fn, n, self._base_seed)
        self._crew = Crew(job, loader.multiprocessing_context, self._most, any_order=not self._in_order)
        self._close = weakref.finalize(self, self._crew.close)
        self._workers = self._crew.processes
        self._start()

    @property
    def is_closed(self) -> bool:
        return self._crew.closed

    def restart(self, loader: DataLoader) -> None:
        """Begins another pass with the same workers.

        What the last pass left unfinished is finished first, as in PyTorch: the workers' random numbers go on from there.
        """
        self._send()
        while self._outstanding:
            self._take()
        self._crew.again()
        self._begin(loader)
        self._start()

    def _start(self) -> None:
        n = self._num_workers
        self._keys = iter(self._index_sampler)
        self._turns: deque[int] = deque()  # the workers in the order of the tasks whose batches have not been taken
        self._slots: list[deque[int]] = [deque() for _ in range(n)]  # of each worker's tasks, in order
        self._unsent: list[list[tuple[int, Any]]] = [[] for _ in range(n)]  # (slot, keys) that wait for company
        self._waiting = 0  # how many those are
        self._outstanding = 0  # tasks whose batches have not been taken, sent or not
        self._active = [True] * n  # of an iterable data set: whether a worker may have more
        self._turn = 0  # the worker that the next task goes to
        self._exhausted = False
        while self._outstanding < self._least and self._assign():
            pass
        self._send()

    # -- giving tasks
    def _assign(self, number: int | None = None) -> bool:
        """Takes the next keys for a worker; False when there are none left, or nobody to take them."""
        if self._exhausted:
            return False
        if number is None or not self._active[number]:
            number = self._next_active()
            if number is None:
                self._exhausted = True
                return False
        try:
            keys = next(self._keys)
        except StopIteration:
            self._exhausted = True
            return False
        slot = self._crew.free.pop()
        self._unsent[number].append((slot, keys))
        self._slots[number].append(slot)
        self._turns.append(number)
        self._waiting += 1
        self._outstanding += 1
        return True

    def _next_active(self) -> int | None:
        n = self._num_workers
        for _ in range(n):
            number, self._turn = self._turn, (self._turn + 1) % n
            if self._active[number]:
                return number
        return None

    def _send(self) -> None:
        """Gives out what has been assigned. A worker that will get nothing more is told so, and ends by itself."""
        for number, tasks in enumerate(self._unsent):
            if tasks:
                self._crew.give(number, tasks)
                self._unsent[number] = []
            if self._exhausted and not self._persistent:
                self._crew.dismiss(number)
        self._waiting = 0

    def _supply(self, number: int, nbytes: int) -> None:
        """After a batch was taken: assigns tasks up to the window, and sends them once they are worth a wake-up or a worker is out of work."""
        window = self._least
        if self._most > window:
            window = max(window, min(self._most, AHEAD_BYTES // max(nbytes, 1), self._yielded + 1))
        while self._outstanding < window and self._assign(None if self._in_order else number):
            pass
        if self._exhausted or 2 * self._waiting >= window or len(self._slots[number]) == len(self._unsent[number]):
            self._send()

    # -- taking batches
    def _take(self) -> tuple[int, int, Any, int]:
        """(worker, kind, value, bytes) of the next task to be taken."""
        number = self._turns[0]
        self._crew.wait(number, self._timeout)
        if not self._in_order:
            number = self._crew.finished()
            self._turns.remove(number)
        else:
            self._turns.popleft()
        slot = self._slots[number].popleft()
        self._outstanding -= 1
        return (number, *self._crew.take(number, slot))

    def _next(self) -> Any:
        from suiren.utils.data.ring import ENDED, FAILED

        while self._outstanding:
            if self._crew.closed:
                raise RuntimeError("this pass over the DataLoader ended with an error; begin another one")
            number, kind, value, nbytes = self._take()
            if kind == ENDED:
                self._active[number] = False
            self._supply(number, nbytes)
            if kind == FAILED:
                value.reraise()
            if kind != ENDED:
                return value
        if not self._persistent:
            self._close()
        raise StopIteration

"""A worker process: takes blocks of tasks, makes the batches, writes them into the ring."""

from __future__ import annotations

import os
import pickle
import random
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from suiren.random.generator import manual_seed
from suiren.runtime.threads import set_num_threads
from suiren.utils.data.fetch import Fetcher
from suiren.utils.data.ring import BATCH, FAILED, Ring
from suiren.utils.data.worker_info import WorkerInfo, become


class _Unquoted(str):
    """KeyError shows the repr of its argument; a traceback is to be read as it is."""

    def __repr__(self) -> str:
        return str(self)


class Failure:
    """An exception on its way to the parent: its class and the text of its traceback."""

    def __init__(self, error: BaseException, where: str):
        self.cls = type(error)
        self.text = "".join(traceback.format_exception(error))
        self.where = where

    def reraise(self) -> None:
        """Raises it here: the same class, with the worker's traceback as its message; RuntimeError where that cannot be made of a message."""
        message = f"Caught {self.cls.__name__} {self.where}.\nOriginal {self.text}"
        if self.cls is KeyError:
            message = _Unquoted(message)
        try:
            error = self.cls(message=message) if getattr(self.cls, "message", None) else self.cls(message)
        except Exception:
            error = RuntimeError(message)
        raise error from None

    def sendable(self) -> Failure:
        """Itself, or one of RuntimeError where its class cannot be pickled."""
        try:
            pickle.dumps(self)
        except Exception:
            self.text = self.text.removesuffix("\n") + f"\n(raised here as RuntimeError: {self.cls!r} cannot be sent between processes)\n"
            named = self.cls.__name__
            self.cls = RuntimeError
            self.where = f"({named}) {self.where}"
        return self


@dataclass(frozen=True)
class Job:
    """What all workers of one loader have in common."""

    fetcher: Callable[[], Fetcher]
    dataset: Any
    init_fn: Callable[[int], Any] | None
    num_workers: int
    base_seed: int


AGAIN = "again"  # a message in place of a block of tasks: a new pass over the data set begins


def work(number: int, job: Job, ring: Ring, lane: Connection, done: Any, inherited: list[Connection]) -> None:
    """The life of worker `number`: a block of tasks [(slot, keys), …] at a time from `lane`, until None or the parent's end.

    For each task it writes a slot and releases the semaphore `done`. `inherited` are the parent's ends that a fork brought along.
    """
    for connection in inherited:
        connection.close()
    threading.Thread(target=_end_with_parent, name="suiren-parent-watch", daemon=True).start()
    try:
        _work(number, job, ring, lane, done)
    except (KeyboardInterrupt, EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the parent got the interrupt too, or is gone


def _work(number: int, job: Job, ring: Ring, lane: Connection, done: Any) -> None:
    where = f"in DataLoader worker process {number}"
    failure = fetcher = None
    try:
        _prepare(number, job)
        if job.init_fn is not None:
            job.init_fn(number)
        fetcher = job.fetcher()
    except Exception as error:
        failure = Failure(error, where)
    given: dict[int, Any] = {}  # blocks that were handed over, by the slot they stood for
    ended = False
    while (tasks := pickle.loads(lane.recv_bytes())) is not None:
        if tasks == AGAIN:
            fetcher, ended = job.fetcher(), False
            continue
        for slot, keys in tasks:
            if ring.is_stopped:
                return
            block = None
            if slot in given:
                given.pop(slot).close()  # this task says that the parent has taken it
            if ended:
                ring.write_end(slot)
            elif failure is not None:
                ring.write(slot, FAILED, failure.sendable())
                failure = None
            else:
                try:
                    block = ring.write(slot, BATCH, fetcher.fetch(keys))
                except StopIteration as stop:
                    if fetcher.is_iterable:
                        ended = True
                        ring.write_end(slot)
                    else:
                        ring.write(slot, FAILED, Failure(stop, where).sendable())
                except Exception as error:
                    ring.write(slot, FAILED, Failure(error, where).sendable())
            ring.count(number)
            done.release()
            if block is not None:
                block.give(lane, os.getppid())
                given[slot] = block


def _prepare(number: int, job: Job) -> None:
    """One thread, and seeds of its own for Python, suiren and NumPy: PyTorch's, so the same augmentations are drawn."""
    seed = job.base_seed + number
    set_num_threads(1)
    random.seed(seed)
    manual_seed(seed)
    # NumPy's own way of spreading entropy, on the words that PyTorch gives it
    entropy = [number, job.base_seed & 0xFFFFFFFF, job.base_seed >> 32, 0]
    np.random.seed(np.random.SeedSequence(entropy).generate_state(4))
    become(WorkerInfo(number, job.num_workers, seed, job.dataset))


def _end_with_parent() -> None:
    """Ends this process when its parent has ended, however that happened and whatever the worker is busy with."""
    parent = os.getppid()
    if hasattr(os, "pidfd_open"):
        import select

        try:
            watched = os.pidfd_open(parent)
        except OSError:  # gone already, or not allowed
            _wait_for_parent()
        else:
            poll = select.poll()
            poll.register(watched, select.POLLIN)
            if os.getppid() == parent:
                poll.poll()
    else:
        _wait_for_parent()
    os._exit(1)


def _wait_for_parent() -> None:
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()

"""The workers of one pass (or, persistent, of many passes) over a loader: starting them, giving out tasks, taking batches, ending them."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import socket
import sys
import time
import warnings
from typing import Any

from suiren.utils.data.ring import ELSEWHERE, SLOT_BYTES, Ring, read_batch
from suiren.utils.data.shared_block import Block
from suiren.utils.data.worker import AGAIN, Job, work

LOOK_EVERY = 0.1  # seconds between looks for dead workers, while waiting for a batch
PATIENCE = 5.0  # seconds for a worker to finish what it is at, as in PyTorch; then it is killed


class Crew:
    """`job.num_workers` processes and the ring that they write into.

    Every worker has a lane (a pipe: tasks one way, blocks of oversized batches the other) and a semaphore that counts its finished
    tasks; with `any_order` they share one. Neither a lane nor a semaphore is touched by the system while both sides are busy.
    """

    def __init__(self, job: Job, context: Any, slots: int, slot_bytes: int = SLOT_BYTES, any_order: bool = False):
        context = context or multiprocessing.get_context()
        self.owner = os.getpid()
        self.ring = Ring(slots, job.num_workers, slot_bytes)
        self.free = list(range(slots))  # the last used first: its memory is at hand, in caches and in the system
        self.lanes: list[Any] = []
        self.processes: list[Any] = []
        shared = context.Semaphore(0) if any_order else None
        self.done = [shared or context.Semaphore(0) for _ in range(job.num_workers)]
        self.taken = [0] * job.num_workers
        self.dismissed = [False] * job.num_workers
        self.closed = False
        forks = context.get_start_method() == "fork"
        try:
            for number in range(job.num_workers):
                mine, theirs = context.Pipe(duplex=True)
                self.lanes.append(mine)
                process = context.Process(
                    target=work,
                    args=(number, job, self.ring, theirs, self.done[number], list(self.lanes) if forks else []),
                    name=f"suiren-worker-{number}",
                    daemon=True,
                )
                with warnings.catch_warnings():
                    # Python 3.12 warns of forking beside threads. The child uses no lock but its own: the compute threads are at
                    # rest and the recording is finished before the fork.
                    warnings.filterwarnings("ignore", ".*multi-threaded, use of fork", DeprecationWarning)
                    process.start()
                theirs.close()
                self.processes.append(process)
        except BaseException:
            self.close()
            raise

    # -- tasks
    def give(self, number: int, tasks: list[tuple[int, Any]]) -> None:
        """Sends a block of tasks (slot, keys) to a worker. RuntimeError if it has died."""
        self._send(number, tasks)

    def again(self) -> None:
        """Tells the workers that a new pass begins."""
        for number in range(len(self.processes)):
            self._send(number, AGAIN)

    def dismiss(self, number: int) -> None:
        """Tells a worker to end when it has done what it was given."""
        if not self.dismissed[number]:
            self._send(number, None)
            self.dismissed[number] = True

    def _send(self, number: int, message: Any) -> None:
        try:
            self.lanes[number].send_bytes(pickle.dumps(message, pickle.HIGHEST_PROTOCOL))
        except (BrokenPipeError, ConnectionResetError):
            self._died([number])

    # -- batches
    def wait(self, number: int, timeout: float) -> None:
        """Waits until worker `number` (with `any_order`: any worker) has finished one more task.

        RuntimeError when `timeout` seconds have passed (0: no limit) or when a worker has died.
        """
        done = self.done[number]
        if done.acquire(False):  # the usual case when the workers keep up
            return
        deadline = time.monotonic() + timeout if timeout > 0 else None
        while not done.acquire(True, LOOK_EVERY if deadline is None else max(min(LOOK_EVERY, deadline - time.monotonic()), 0)):
            dead = [n for n, p in enumerate(self.processes) if p.exitcode is not None and not (self.dismissed[n] and p.exitcode == 0)]
            if dead:
                if number not in dead or not done.acquire(False):
                    self._died(dead)
                return
            if self.processes[number].exitcode is not None and not done.acquire(False):
                self._died([number])
            if deadline is not None and time.monotonic() >= deadline:
                raise RuntimeError(f"DataLoader timed out after {timeout:g} seconds")

    def finished(self) -> int:
        """After `wait` with `any_order`: a worker that has finished a task which was not taken."""
        return next(n for n, taken in enumerate(self.taken) if self.ring.counted(n) > taken)

    def _died(self, numbers: list[int]) -> None:
        pids = ", ".join(str(self.processes[n].pid) for n in numbers)
        codes = sorted({self.processes[n].exitcode for n in numbers} - {None})
        how = "" if not codes else f" (exit code {', '.join(map(str, codes))}; a negative one is the signal that killed it)"
        self.close()
        raise RuntimeError(f"DataLoader worker (pid(s) {pids}) exited unexpectedly{how}")

    def take(self, number: int, slot: int) -> tuple[int, Any, int]:
        """(kind, value, bytes) of the task that worker `number` finished in `slot`, which is free again."""
        found = self.ring.read(slot)
        self.free.append(slot)
        self.taken[number] += 1
        if found[0] != ELSEWHERE:
            return found
        try:
            block = Block.take(self.lanes[number], found[1])
        except (EOFError, OSError):
            self._died([number])
        try:
            return read_batch(block)
        finally:
            block.close()

    # -- the end
    def close(self) -> None:
        """Ends the workers, waits for them, and frees the ring. A child that was forked meanwhile leaves them alone."""
        if self.closed or self.owner != os.getpid():
            return
        self.closed = True
        self.ring.stop()
        for lane in self.lanes:
            _shut(lane)
        deadline = time.monotonic() + PATIENCE
        for process in self.processes:
            process.join(max(deadline - time.monotonic(), 0))
        for process in self.processes:
            if process.exitcode is None:
                process.terminate()
                process.join(1)
            if process.exitcode is None:
                process.kill()
                process.join()
        for lane in self.lanes:
            lane.close()
        self.ring.close()


def _shut(lane: Any) -> None:
    """Ends a lane for both sides, whoever else has it open; this never waits, as sending a message might."""
    try:
        if sys.platform == "win32":
            lane.send_bytes(pickle.dumps(None))
        else:
            end = socket.socket(fileno=lane.fileno())
            try:
                end.shutdown(socket.SHUT_RDWR)
            finally:
                end.detach()
    except OSError:
        pass  # the worker is gone

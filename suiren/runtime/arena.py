"""Arena: the memory of temporaries. One for each running thread, shared by all programs, because what lies in it lives only during a run."""

from __future__ import annotations

import threading

from suiren.runtime.buffers import Buffer

PATIENCE = 4096  # runs after which an arena that none of them filled by a quarter is made smaller
SMALL = 1 << 20  # bytes; below it nothing is worth giving back


class Arena:
    """One thread's arena. `take` is on the path of every run: hence slots, and one look at the thread's own object."""

    __slots__ = ("buffer", "peak", "runs")

    def __init__(self):
        self.buffer = Buffer(0)
        self.peak = self.runs = 0

    def take(self, nbytes: int) -> Buffer:
        """A Buffer of at least so many bytes, the same one at the next call. Hold on to it while a program runs in it."""
        if nbytes > self.peak:
            self.peak = nbytes
        self.runs += 1
        if nbytes > self.buffer.nbytes or self.runs > PATIENCE:
            self._fit(nbytes)
        return self.buffer

    def _fit(self, nbytes: int) -> None:
        if nbytes > self.buffer.nbytes:
            self._replace(nbytes)
        if self.runs > PATIENCE:
            if self.buffer.nbytes > max(4 * self.peak, SMALL):
                self._replace(self.peak)
            self.peak, self.runs = nbytes, 0

    def _replace(self, nbytes: int) -> None:
        self.buffer = Buffer(0)  # the old one's memory may serve for the new one
        self.buffer = Buffer(nbytes)


_of_thread = threading.local()


def arena() -> Arena:
    """The arena of this thread."""
    try:
        return _of_thread.arena
    except AttributeError:
        _of_thread.arena = Arena()
        return _of_thread.arena


def release() -> None:
    """Gives this thread's arena back; the next program takes a new one."""
    _of_thread.arena = Arena()

"""Arena: the memory of temporaries. One for each running thread, shared by all programs, because what lies in it lives only during a run."""

from __future__ import annotations

import threading

from suiren.runtime.buffers import Buffer

PATIENCE = 4096  # runs after which an arena that none of them filled by a quarter is made smaller
SMALL = 1 << 20  # bytes; below it nothing is worth giving back


class Arena(threading.local):
    """`arena.take(nbytes)` is this thread's Buffer of at least so many bytes. Hold on to it while a program runs in it."""

    def __init__(self):
        self.buffer = Buffer(0)
        self.peak = self.runs = 0

    def take(self, nbytes: int) -> Buffer:
        buffer = self.buffer
        if nbytes > self.peak:
            self.peak = nbytes
        if nbytes > buffer.nbytes:
            buffer = self._replace(nbytes)
        self.runs += 1
        if self.runs > PATIENCE:
            if buffer.nbytes > max(4 * self.peak, SMALL):
                buffer = self._replace(self.peak)
            self.peak, self.runs = nbytes, 0
        return buffer

    def _replace(self, nbytes: int) -> Buffer:
        del self.buffer  # its memory may serve for the new one
        self.buffer = Buffer(0)
        self.buffer = Buffer(nbytes)
        return self.buffer

    def release(self) -> None:
        """Gives this thread's arena back; the next program takes a new one."""
        self.buffer = Buffer(0)
        self.peak = self.runs = 0


arena = Arena()

"""Memory that several processes see, and how it gets from one to another."""

from __future__ import annotations

import ctypes
import mmap
import os
from multiprocessing import reduction
from multiprocessing.connection import Connection
from typing import Any

NAMELESS = hasattr(os, "memfd_create")


class NamelessBlock:
    """A memfd: it has no name, so nothing of it can be left behind, and no mount limits its size. Linux."""

    def __init__(self, nbytes: int):
        self._open(os.memfd_create("suiren-batches"), nbytes, fresh=True)

    def _open(self, fd: int, nbytes: int, fresh: bool = False) -> None:
        self.fd, self.nbytes = fd, nbytes
        try:
            if fresh:
                os.ftruncate(fd, nbytes)
            self.memory: Any = mmap.mmap(fd, nbytes)
        except BaseException:
            os.close(fd)
            raise
        self.address = _address(self.memory)

    def give(self, lane: Connection, pid: int) -> None:
        """Sends the block to the process `pid`. Close it here when that process must have it: some systems remove memory that nobody has open."""
        reduction.send_handle(lane, self.fd, pid)
        self.close()  # a descriptor on its way keeps it

    @classmethod
    def take(cls, lane: Connection, nbytes: int) -> NamelessBlock:
        """The block that the other side gave."""
        block = object.__new__(cls)
        block._open(reduction.recv_handle(lane), nbytes)
        return block

    def close(self) -> None:
        if self.fd >= 0:
            self.memory.close()
            os.close(self.fd)
            self.fd = -1

    # As an argument of a process that is spawned.
    def __getstate__(self) -> tuple:
        return reduction.DupFd(self.fd), self.nbytes

    def __setstate__(self, state: tuple) -> None:
        self._open(state[0].detach(), state[1])


class NamedBlock:
    """A `multiprocessing.shared_memory.SharedMemory`, for other systems; who has it last removes the name."""

    def __init__(self, nbytes: int):
        self._open(None, nbytes, os.getpid())

    def _open(self, name: str | None, nbytes: int, owner: int) -> None:
        from multiprocessing.shared_memory import SharedMemory

        self.shared = SharedMemory(name=name, create=name is None, size=nbytes if name is None else 0)
        self.nbytes, self.owner, self.memory = nbytes, owner, self.shared.buf
        self.address = _address(self.memory)

    def give(self, lane: Connection, pid: int) -> None:
        self.owner = pid
        lane.send_bytes(self.shared.name.encode())

    @classmethod
    def take(cls, lane: Connection, nbytes: int) -> NamedBlock:
        block = object.__new__(cls)
        block._open(lane.recv_bytes().decode(), nbytes, os.getpid())
        return block

    def close(self) -> None:
        if self.memory is not None:
            self.memory = None
            self.shared.close()
            if self.owner == os.getpid():
                self.shared.unlink()

    def __getstate__(self) -> tuple:
        return self.shared.name, self.nbytes, self.owner

    def __setstate__(self, state: tuple) -> None:
        self._open(*state)


def _address(memory: Any) -> int:
    first = ctypes.c_char.from_buffer(memory)  # dropped at the end: it would keep the mapping from being closed
    return ctypes.addressof(first)


Block = NamelessBlock if NAMELESS else NamedBlock

"""The one device that there is, spoken of as the others are. Source: https://docs.pytorch.org/docs/stable/cpu.html"""

from __future__ import annotations

import contextlib
from typing import Any

from suiren.cpu import amp as amp


class Stream:
    """A stream of the CPU: everything is in order already."""

    def __init__(self, priority: int = -1):
        pass

    def wait_stream(self, stream: Any) -> None:
        pass

    def record_event(self) -> None:
        pass

    def wait_event(self, event: Any) -> None:
        pass


class Event:
    """An event of the CPU: it has happened."""

    def query(self) -> bool:
        return True

    def record(self, stream: Any = None) -> None:
        pass

    def synchronize(self) -> None:
        pass

    def wait(self, stream: Any = None) -> None:
        pass


_the_stream = Stream()


def is_available() -> bool:
    """True."""
    return True


def is_initialized() -> bool:
    return True


def device_count() -> int:
    """1."""
    return 1


def current_device() -> str:
    return "cpu"


def set_device(device: Any) -> None:
    """There is nothing to choose."""


def synchronize(device: Any = None) -> None:
    """Runs what is recorded."""
    from suiren.trace.pending import finish

    finish()


def current_stream(device: Any = None) -> Stream:
    return _the_stream


class StreamContext(contextlib.nullcontext):
    """`with StreamContext(stream):` does nothing."""


def stream(stream: Any) -> StreamContext:
    """`with stream(s):` does nothing."""
    return StreamContext()

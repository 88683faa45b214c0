"""Recordings of several threads: a tensor that is pending in another thread's recording has it run."""

from __future__ import annotations

import os
import sys
import time

from suiren.trace import recording
from suiren.trace.recording import Recording, local
from suiren.trace.storage import Stored


# Code that moves a cursor: the recorder itself, and the draws of random numbers, which take two steps at once.
_RECORDER = (os.path.join(recording.PACKAGE, "trace", ""), os.path.join(recording.PACKAGE, "random", "generator.py"))


def await_other(t: Stored) -> None:
    """Has the recording of another thread run, if `t` is pending there. RuntimeError if its value was lost."""
    while True:
        seen = [(other, other.base) for other in list(recording.everyone)]
        for other, _ in seen:
            if other.busy:  # somebody runs it for us, or for itself: what it computes or writes is there when it is done
                with other.lock:
                    pass
            if other is not local.rec and -recording.HALF_SPAN <= t._id - other.base < recording.HALF_SPAN:
                if t._id >= other.base or any(t is w for w, _ in other.written):
                    _take_over(other)
                break
        if t._buffer is not None:
            return
        if all(other.base == base and not other.busy for other, base in seen):
            raise RuntimeError(
                "this tensor has no value: the program that was to compute it failed (see the error raised then). Compute it anew."
            )


def _take_over(other: Recording) -> None:
    """Runs another thread's recording. The other thread must not be inside of the recorder while its cursor is moved:
    the global interpreter lock shows where it is, and it is gone from there within microseconds (or waits itself)."""
    mine = local.rec
    mine.waiting = True
    try:
        while True:
            with other.lock:
                before, base = other.node, other.base
                if before is recording.TAKEN or not before.depth:
                    return
                other.node = recording.TAKEN
                if other.waiting or not _inside_recorder(other.thread):
                    if other.node is recording.TAKEN and other.base == base:
                        other.busy = True
                        try:
                            recording.run(other, before)
                        finally:
                            other.busy = False
                    return
                if other.node is recording.TAKEN:
                    other.node = before
            time.sleep(0)
    finally:
        mine.waiting = False


def _inside_recorder(thread: int) -> bool:
    frame = sys._current_frames().get(thread)
    while frame is not None:
        if frame.f_code.co_filename.startswith(_RECORDER):
            return True
        frame = frame.f_back
    return False


recording.await_other = await_other

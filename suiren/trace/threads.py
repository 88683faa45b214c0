"""Who else has something to do with a tensor: it may be pending in another thread's recording, or about to be read by one that has not run."""

from __future__ import annotations

import os
import threading
import time
from types import FrameType

from suiren.trace import pending
from suiren.trace.pending import Recording, local, settle
from suiren.trace.storage import Stored, rewritten

# Code that moves a cursor, or keeps places of a recording from one step to the next: the recorder itself, the draws of random numbers, which take
# two steps at once, and a pass of backward.
_RECORDER = tuple(os.path.join(pending.PACKAGE, *path.split("/")) for path in ("trace/", "random/generator.py", "autograd/engine.py", "autograd/replay.py"))


def await_other(t: Stored) -> None:
    """Has the recording of another thread run, if `t` is pending there. RuntimeError if its value was lost."""
    while True:
        seen = [(other, other.base) for other in list(pending.everyone)]
        for other, _ in seen:
            if other.busy:  # somebody runs it for us, or for itself: what it computes or writes is there when it is done
                with other.lock:
                    pass
            if other is not local.rec and -pending.HALF_SPAN <= t._id - other.base < pending.HALF_SPAN:
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
                if other.waiting or not _inside_recorder(other.thread):  # else it may stand in the middle of a step: its cursor is left alone
                    # No call between these lines: the other thread cannot move the cursor in between.
                    before, base = other.node, other.base
                    if before is pending.TAKEN or not before.depth:
                        return
                    other.node = pending.TAKEN
                    if other.waiting or not _inside_recorder(other.thread):
                        if other.node is pending.TAKEN and other.base == base:
                            other.busy = True
                            try:
                                pending.run(other, before)
                            finally:
                                other.busy = False
                        return
                    if other.node is pending.TAKEN:
                        other.node = before
            time.sleep(0)
    finally:
        with mine.lock:  # somebody may be running our own recording just now
            mine.waiting = False


def _inside_recorder(thread: int) -> bool:
    """Whether a thread stands in the recorder, or in what the recorder called. A stack is looked at while its thread may run on: what was seen counts
    only if the innermost call is still the same one. An ended thread may have left its identifier to this one, which is not inside of that recording."""
    if thread == threading.get_ident():
        return False
    while True:
        innermost = frame = pending.frames().get(thread)
        while type(frame) is FrameType and not frame.f_code.co_filename.startswith(_RECORDER):
            frame = frame.f_back
        if frame is not None and type(frame) is not FrameType:  # the call has ended meanwhile, and something else lies where its frame was
            continue
        if pending.frames().get(thread) is innermost:
            return frame is not None


def expose(t: Stored) -> Stored:
    """Computes `t` and returns its root. Somebody will write to its memory behind the recorder's back: what was to read it before is run now."""
    root = settle(t)
    if any(buffer is root._buffer for buffer in local.rec.buffers):
        pending.finish()
    run_readers(root)
    rewritten(root)
    return root


def run_readers(root: Stored) -> None:
    """Runs what other threads have recorded that was to read the memory of `root`: this one is about to write to it."""
    if not pending.threaded or root._buffer is None:
        return
    for rec in list(pending.everyone):
        if rec is not local.rec and any(buffer is root._buffer for buffer in rec.buffers):
            _take_over(rec)


pending.await_other, pending.run_readers = await_other, run_readers

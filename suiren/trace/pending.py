"""What a thread has recorded and not run yet: the cursor's state, how it moves over what is no operation, and when it runs."""

from __future__ import annotations

import gc
import itertools
import os
import sys
import threading
from typing import TYPE_CHECKING

from suiren.trace.deferred import settle_numbers
from suiren.trace.trace import Line
from suiren.trace.trie import MODE, NEVER, ROOTS, TrieNode, grown

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from suiren.runtime.buffers import Buffer
    from suiren.trace.op import Op
    from suiren.trace.period import Period
    from suiren.trace.storage import Stored

# Ids of different recordings are this far apart; a recording is cut long before it has as many slots.
SPAN = 1 << 16
HALF_SPAN = SPAN // 2
# A recording that nobody looks at is cut after this many transitions (a ResNet152's forward has about 600, a GPT's 500; an LSTM
# written out over 100 steps 3000), or when its values would take this many bytes if all were kept.
MAX_TRANSITIONS = 4096
MAX_BYTES = 6 << 30
MAX_SLOTS = HALF_SPAN - 4096

_bases = itertools.count(SPAN, SPAN)
PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep

# Where a recording stands while another thread takes it over: nothing matches here.
TAKEN = object.__new__(TrieNode)
TAKEN.likely = object.__new__(TrieNode)
TAKEN.likely.op = None
TAKEN.cut, TAKEN.depth, TAKEN.kind = False, 1, "taken"


class Recording:
    """What a thread has recorded and not run yet."""

    __slots__ = (
        "base", "buffers", "busy", "drawing", "grad", "inference", "leaves", "lock", "node", "numbers", "owners", "packing", "period", "python", "scope",
        "snapshots", "thread", "values", "waiting", "watched", "written",
    )  # fmt: skip

    base: int  # the id of slot 0
    node: TrieNode  # the cursor
    values: list[Stored]  # every tensor made here that may own an output
    leaves: list[Stored]  # leaf -1-j is leaves[j], its memory buffers[j]
    buffers: list[Buffer]
    numbers: list  # the Python numbers, in order of use
    written: list[tuple[Stored, int]]  # leaves that were written in place, with their slots
    snapshots: list[tuple[int, Buffer]]  # leaves whose memory is shared with NumPy: (leaf, the shared buffer)
    owners: dict[int, Stored]  # slot -> the autograd leaf whose new version it is
    watched: dict[int, Stored]  # slot -> a tensor with hooks, or that retains its gradient
    python: dict[int, object]  # slot of a step's first output -> what the user's Python knows of that graph node (autograd/node.py)
    inference: int | None  # in `inference_mode`: from which of `values` on it was on
    drawing: Callable | None  # what draws random numbers, while a transform runs (func/batched.py)
    packing: Callable | None  # called with every step that saves values for backward, while `saved_tensors_hooks` are on
    period: Period | None  # the loop whose period is being marked in the trie

    def __init__(self):
        self.grad = True
        self.scope = ""
        self.lock = threading.RLock()
        self.thread = threading.get_ident()
        self.waiting = self.busy = False
        self.period = self.packing = self.drawing = self.inference = None
        self.reset()

    def reset(self) -> None:
        self.base = next(_bases)
        self.values, self.leaves, self.buffers, self.numbers = [], [], [], []
        self.written, self.snapshots, self.owners, self.watched, self.python = [], [], {}, {}, {}
        self.node = ROOTS[self.grad]  # last: another thread may look
        if self.packing is not None:
            step(self, PACKING, lambda: TrieNode(self.node, MODE, params=PACKING))


# Held here, not by its thread alone: a thread may end and leave tensors that are pending.
everyone: set[Recording] = set()
threaded = False  # whether a second thread ever recorded: until then nobody else has to be asked


def frames() -> dict[int, object]:
    """Thread -> its innermost call. Without collections: one inside of `sys._current_frames` could run code that waits for another thread, which
    waits for what that function holds (https://github.com/python/cpython/issues/106883)."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames()
    finally:
        if collects:
            gc.enable()


class _Local(threading.local):
    def __init__(self):
        global threaded
        threaded = threaded or len(everyone) > 0
        running = frames()
        for other in [r for r in list(everyone) if r.thread not in running and not r.node.depth and not r.busy]:
            everyone.discard(other)
        self.rec = Recording()
        everyone.add(self.rec)


local = _Local()


# ---------------------------------------------------------------- moving the cursor


def _user_frame() -> FrameType | None:
    """The innermost call outside of suiren."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        frame = frame.f_back
    return frame


_lines: dict[tuple[str, int, str], Line] = {}  # without calls


def user_line(rec: Recording) -> Line | None:
    """The line outside of suiren that is running now. With the calls in between only where a node of the graph may be named by them."""
    if rec.scope or not rec.grad:
        frame = _user_frame()
        if frame is None:
            return None
        place = frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        found = _lines.get(place)
        return found if found is not None else _lines.setdefault(place, Line(*place))
    frame, calls = sys._getframe(1), []
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        calls.append((frame.f_code.co_name, id(frame), frame.f_lasti))
        frame = frame.f_back
    if frame is None:
        return None
    calls.append(("", id(frame), frame.f_lasti))
    return Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, tuple(calls[::-1]))


def user_place() -> tuple[str, int]:
    """File and line outside of suiren that are running now."""
    frame = _user_frame()
    return ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)


def step(rec: Recording, key: tuple, make: Callable[[], TrieNode]) -> TrieNode:
    """Moves the cursor over a transition that is no operation."""
    child = rec.node.children.get(key)
    if child is None:
        child = rec.node.children[key] = grown(make())
    rec.node = child
    if rec.period is not None:
        mark_period(rec)
    return child


def mark_period(rec: Recording) -> None:
    """Marks the end of a loop's period in the trie once the recording has come so far (period.py)."""
    node = rec.node
    if node.depth - node.leaves >= rec.period.steps and not rec.scope:
        if node.cut:  # the loop has come round: its end is known
            rec.period = None
        elif rec.period.ends_at(node):
            cut_at(node)
        else:
            rec.period = None


def cut_at(node: TrieNode) -> None:
    """Recordings end at `node` from now on."""
    node.cut, node.likely = True, NEVER
    forget_jumps(node)


def set_grad_mode(enabled: bool) -> bool:
    """Switches the recording of gradients in this thread; returns what it was."""
    rec = local.rec
    before = rec.grad
    if before is not enabled:
        if rec.node is TAKEN:
            settle_recording(rec)
        rec.grad = enabled
        if rec.node.depth == 0:
            rec.node = ROOTS[enabled]
        else:
            step(rec, (MODE, enabled), lambda: TrieNode(rec.node, MODE, params=(enabled,)))
    return before


PACKING = ("packing",)


def set_packing(packing: Callable | None) -> Callable | None:
    """From now on `packing(recording, step)` takes over what the rules of recorded steps save; returns what was called before."""
    rec = local.rec
    before = rec.packing
    if rec.node is TAKEN:
        settle_recording(rec)
    rec.packing = packing
    key = PACKING if packing is not None else (MODE, rec.grad)
    step(rec, key, lambda: TrieNode(rec.node, MODE, params=key))
    return before


# ---------------------------------------------------------------- running what is recorded


# execution.py, period.py, loops.py, macros.py, threads.py and autograd/replay.py, which stand above the recorder, put themselves here.
run: Callable[[Recording, TrieNode], None]
reached_bound: Callable[[Recording], None]
note_loops: Callable[[TrieNode], None]
ends_before: Callable[[Recording, Op, tuple], bool]
await_other: Callable[[Stored], None]
run_readers: Callable[[Stored], None]
forget_jumps: Callable[[TrieNode], None]
backward: Callable[[list[Stored], list, bool | None, bool, list[Stored] | None], None]


def finish() -> None:
    """Runs what this thread has recorded. Cheap when there is nothing."""
    rec = local.rec
    if rec.node.depth:
        settle_recording(rec, always=True)


def settle(t: Stored) -> Stored:
    """Computes `t`, running the recording in which it is pending; returns its root."""
    if t._interpret is not None:
        t._interpret(None, (t,), ())
    while t._parent is not None:
        t = t._parent
    rec = local.rec
    if t._id >= rec.base:
        settle_recording(rec, always=True)
        rec = local.rec
    if t._buffer is None or threaded:
        await_other(t)
    return t


def settle_recording(rec: Recording, always: bool = False) -> None:
    with rec.lock:
        if rec.node.depth and (always or rec.node.cut):
            if rec.period is not None:  # a look ends the marking
                rec.period = None if always else rec.period.next()
            rec.busy = True
            if rec.scope:  # in the middle of an expansion, which is no macro then
                settle_numbers(rec.numbers)
            try:
                run(rec, rec.node)
            finally:
                rec.busy = False


def _after_fork_in_child() -> None:
    """Only the forking thread lives on in the child; what other threads had pending is lost with them."""
    mine = local.rec
    mine.lock = threading.RLock()
    mine.thread = threading.get_ident()
    for other in list(everyone):
        if other is not mine:
            everyone.discard(other)


os.register_at_fork(before=finish, after_in_child=_after_fork_in_child)

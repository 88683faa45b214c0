"""The recorder: a cursor that walks the trie of known traces, one transition for each operation.

The fast path (`unary`, `binary`, `record1`) is a few comparisons with the transition that followed last time, and one new tensor. What it does not
recognise goes through `record`, which finds the transition in the trie or, for a program never seen, checks the arguments and makes it.
Measured figures and the reasons for this shape: design.md, "Recording must cost less than a microsecond per operation".
"""

from __future__ import annotations

import itertools
import operator
import os
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np

from suiren.runtime.buffers import Buffer
from suiren.trace.op import Op
from suiren.trace.spec import Spec
from suiren.trace.storage import Stored, new
from suiren.trace.trace import Line
from suiren.trace.trie import LEAF, MODE, NEVER, OP, ROOTS, WRITE, TrieNode, grown

if TYPE_CHECKING:
    from collections.abc import Callable

    from suiren.trace.period import Period

# Ids of different recordings are this far apart; a recording is cut long before it has as many slots.
SPAN = 1 << 16
HALF_SPAN = SPAN // 2
# A recording that nobody looks at is cut after this many transitions (a ResNet152's forward has about 600, a GPT's 500; an LSTM
# written out over 100 steps 3000), or when its values would take this many bytes if all were kept.
MAX_TRANSITIONS = 4096
MAX_BYTES = 6 << 30
MAX_SLOTS = HALF_SPAN - 4096

_bases = itertools.count(SPAN, SPAN)
_TENSOR: type[Stored] = Stored
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
_threaded = False  # whether a second thread ever recorded: until then nobody else has to be asked


class _Local(threading.local):
    def __init__(self):
        global _threaded
        _threaded = _threaded or len(everyone) > 0
        running = sys._current_frames()
        for other in [r for r in everyone if r.thread not in running and not r.node.depth]:
            everyone.discard(other)
        self.rec = Recording()
        everyone.add(self.rec)


local = _Local()


def use_tensor_class(cls: type[Stored]) -> None:
    """The class of the tensors that operations return."""
    global _TENSOR
    _TENSOR = cls


# ---------------------------------------------------------------- the fast path


def unary(op: Op) -> Callable:
    """`f(input)` for an op of one tensor without parameters. TypeError, PyTorch's, for anything else."""

    def f(input):
        rec = local.rec
        node = rec.node.likely
        try:
            if node.op is op and input._id - rec.base == node.a:
                rec.node = node
                t = new(_TENSOR)
                t._id = rec.base + node.out
                t._spec = node.spec
                t._buffer = t._parent = None
                rec.values.append(t)
                return t
        except AttributeError:
            pass
        if not isinstance(input, Stored):
            raise TypeError(f"{op.name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        return record(op, (input,), ())

    f.__name__ = f.__qualname__ = op.name
    return f


def binary(op: Op, reflected: bool = False, strict: bool = False, arrays: bool = False) -> Callable:
    """`f(input, other)` for an op of two tensors or numbers without parameters; `reflected` swaps them.

    Of something that is neither an operator's method returns NotImplemented; with `strict`, a function's TypeError is raised.
    `arrays`: a NumPy array stands for a tensor.
    """

    def f(input, other):
        rec = local.rec
        node = rec.node.likely
        try:
            if node.op is op and input._id - rec.base == node.a:
                if type(other) is node.b:
                    rec.numbers.append(other)
                elif other._id - rec.base != node.b:
                    return record(op, (input, other), ())
                rec.node = node
                t = new(_TENSOR)
                t._id = rec.base + node.out
                t._spec = node.spec
                t._buffer = t._parent = None
                rec.values.append(t)
                return t
        except AttributeError:  # a number, or something stranger
            pass
        if type(other) not in _NUMBERS and not isinstance(other, Stored) and not _is_number(other):
            if strict:
                raise TypeError(f"{op.name}(): argument 'other' (position 2) must be Tensor, not {type(other).__name__}")
            if arrays and isinstance(other, np.ndarray):
                return record(op, (input, _TENSOR.from_array(other)), ())
            return NotImplemented
        if strict and not isinstance(input, Stored) and not (isinstance(other, Stored) and _is_number(input)):
            raise TypeError(f"{op.name}(): argument 'input' (position 1) must be Tensor, not {type(input).__name__}")
        return record(op, (input, other), ())

    f.__name__ = f.__qualname__ = op.name

    def swapped(x, y):
        rec = local.rec
        node = rec.node.likely
        if node.op is op and x._id - rec.base == node.b and type(y) is node.a:
            rec.numbers.append(y)
            rec.node = node
            t = new(_TENSOR)
            t._id = rec.base + node.out
            t._spec = node.spec
            t._buffer = t._parent = None
            rec.values.append(t)
            return t
        if type(y) not in _NUMBERS and not isinstance(y, Stored) and not _is_number(y):
            return NotImplemented
        return record(op, (y, x), ())

    return swapped if reflected else f


def record0(op: Op, params: tuple) -> Stored:
    """An op without inputs, with static parameters and one output."""
    rec = local.rec
    node = rec.node.likely
    if node.op is op and node.params == params:
        rec.node = node
        t = new(_TENSOR)
        t._id = rec.base + node.out
        t._spec = node.spec
        t._buffer = t._parent = None
        rec.values.append(t)
        return t
    return record(op, (), params)


def record1(op: Op, x: Stored, params: tuple) -> Stored:
    """An op of one tensor with static parameters and one output."""
    rec = local.rec
    node = rec.node.likely
    if node.op is op and node.params == params and (x._id - rec.base == node.a or not x._id and x._view_id - rec.base == node.a and _is_current(x)):
        rec.node = node
        t = new(_TENSOR)
        t._spec = node.spec
        t._buffer = None
        if node.is_view:
            t._id = 0
            t._view_id = rec.base + node.out
            t._parent, t._view_op, t._view_params, t._seen = x, op, params, x._id or x._view_id
            if x._silent:
                t._silent = True
            return t
        t._id = rec.base + node.out
        t._parent = None
        rec.values.append(t)
        return t
    if op.is_view and not x._spec.requires_grad:
        root = x
        while root._parent is not None:
            root = root._parent
        if root._buffer is not None and root._id < rec.base and root._interpret is None:
            return _view_of_computed(op, x, params)
    return record(op, (x,), params)


_view_specs: dict[tuple, Spec] = {}
_MOST_SPECS = 20_000


def _view_of_computed(op: Op, x: Stored, params: tuple) -> Stored:
    """A view of memory that is there: nothing is recorded until an operation reads it. A loop over rows that are only looked at records nothing."""
    t = new(_TENSOR)
    t._id, t._buffer, t._parent, t._view_op, t._view_params, t._view_id, t._seen = 0, None, x, op, params, 0, 0
    try:
        t._spec = _view_specs[op, x._spec, params]
    except KeyError:
        (t._spec,) = op.infer((x._spec,), params)
        if len(_view_specs) >= _MOST_SPECS:
            _view_specs.clear()
        _view_specs[op, x._spec, params] = t._spec
    if x._silent:
        t._silent = True
    return t


def _is_current(view: Stored) -> bool:
    """Whether nothing that a view shows was written since it got its slot."""
    while not view._id:
        parent = view._parent
        if parent is None or view._seen != (parent._id or parent._view_id):
            return False
        view = parent
    return True


def record2(op: Op, x: Stored, y: Stored, params: tuple) -> Stored:
    """An op of two tensors with static parameters and one output that is no view."""
    rec = local.rec
    node = rec.node.likely
    base = rec.base
    if node.op is op and x._id - base == node.a and y._id - base == node.b and node.params == params:
        rec.node = node
        t = new(_TENSOR)
        t._id = base + node.out
        t._spec = node.spec
        t._buffer = t._parent = None
        rec.values.append(t)
        return t
    return record(op, (x, y), params)


_NUMBERS = frozenset((float, int, bool, complex))


def _is_number(x) -> bool:
    return isinstance(x, (int, float, complex, np.number, np.bool_)) and not isinstance(x, np.ndarray)


# ---------------------------------------------------------------- the general path


class Deferred:
    """A number inside the expansion of a macro (macros.py): at every replay it is computed anew from numbers that are known then.

    Arithmetic on it is deferred too. Nothing may be decided by its value: that would be structure.
    """

    __slots__ = ("compute", "index", "value")

    def __init__(self, value, compute: Callable[[list], object], index: int | None = None):
        self.value, self.compute = value, compute
        self.index = index  # into the numbers given at replay, if it is one of them

    def _derived(self, function, *others) -> Deferred:
        values = [o.value if isinstance(o, Deferred) else o for o in others]
        computes = [o.compute if isinstance(o, Deferred) else (lambda given, o=o: o) for o in others]
        return Deferred(function(*values), lambda given: function(*(c(given) for c in computes)))

    def __add__(self, other):
        return self._derived(operator.add, self, other)

    def __radd__(self, other):
        return self._derived(operator.add, other, self)

    def __sub__(self, other):
        return self._derived(operator.sub, self, other)

    def __rsub__(self, other):
        return self._derived(operator.sub, other, self)

    def __mul__(self, other):
        return self._derived(operator.mul, self, other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        return self._derived(operator.truediv, self, other)

    def __rtruediv__(self, other):
        return self._derived(operator.truediv, other, self)

    def __pow__(self, other):
        return self._derived(operator.pow, self, other)

    def __neg__(self):
        return self._derived(operator.neg, self)

    def __bool__(self):
        raise TypeError("a number that changes from step to step cannot decide what is recorded: make it a static parameter")

    __float__ = __int__ = __eq__ = __lt__ = __gt__ = __bool__  # type: ignore[assignment]
    __hash__ = None  # type: ignore[assignment]


def record(op: Op, inputs: tuple, params: tuple):
    """Records one operation and returns its output, or the tuple of its outputs. Raises what `op.infer` raises."""
    rec = local.rec
    if (rec.node.cut and not rec.scope) or rec.node is TAKEN:
        _settle(rec)
    base, refs, numbers = rec.base, [], []
    for x in inputs:
        cls = type(x)
        if cls in _NUMBERS:
            refs.append(cls)
            numbers.append(x)
            continue
        try:
            slot = x._id - base
        except AttributeError:
            x, cls = _number(op, x)
            refs.append(cls)
            numbers.append(x)
            continue
        if not -HALF_SPAN <= slot < HALF_SPAN:
            if x._interpret is not None:  # of a transform (func/): it says what the op does to it
                return x._interpret(op, inputs, params)
            slot = enter(rec, x)
            if rec.base != base:  # it had to be waited for, and meanwhile this recording was run
                return record(op, inputs, params)
        refs.append(slot)
    refs = tuple(refs)
    node = rec.node
    child = node.likely
    if child.op is not op or child.refs != refs or child.params != params:
        child = node.children.get((op, params, refs))
        if child is None:
            if (node.depth >= MAX_TRANSITIONS or node.bytes >= MAX_BYTES or node.slots >= MAX_SLOTS) and not rec.scope:
                reached_bound(rec)
                return record(op, inputs, params)
            child = _extend(rec, op, inputs, refs, params, len(numbers))
        if rec.packing is None:  # while saved values are packed, every operation comes this way
            node.likely = child
    rec.node = child
    if rec.period is not None:
        mark_period(rec)
    if numbers:
        rec.numbers += numbers
    if child.is_view or op.n_outputs != 1 or child.packs:
        made = _made(rec, child, inputs, base)
        if child.packs and rec.packing is not None:
            rec.packing(rec, child)
        return made
    t = new(_TENSOR)
    t._id, t._spec, t._buffer, t._parent = base + child.out, child.spec, None, None
    rec.values.append(t)
    return t


def _made(rec: Recording, child: TrieNode, inputs: tuple, base: int):
    """The tensors that a transition's outputs are."""
    op = child.op
    if child.is_view:
        t = view_of(inputs[0], op, child.params, child.spec)
        t._view_id, t._seen = base + child.out, inputs[0]._id or inputs[0]._view_id
        return t
    if op.n_outputs == 1:
        t = new(_TENSOR)
        t._id, t._spec, t._buffer, t._parent = base + child.out, child.specs[0], None, None
        rec.values.append(t)
        return t
    made = []
    for slot, s in enumerate(child.specs, base + child.out):
        t = new(_TENSOR)
        t._id, t._spec, t._buffer, t._parent = slot, s, None, None
        made.append(t)
    rec.values += made
    return tuple(made)


def view_of(parent: Stored, op: Op, params: tuple, spec: Spec) -> Stored:
    """A view that has not been read yet: it gets a slot when it is."""
    t = new(_TENSOR)
    t._id, t._spec, t._buffer = 0, spec, None
    t._parent, t._view_op, t._view_params, t._view_id, t._seen = parent, op, params, 0, 0
    if parent._silent:
        t._silent = True
    return t


def _number(op: Op, x) -> tuple:
    if type(x) is Deferred:
        return x, type(x.value)
    if isinstance(x, (np.number, np.bool_)):
        x = x.item()
    for cls in (bool, int, float, complex):
        if isinstance(x, cls):
            return cls(x), cls
    raise TypeError(
        f"{op.name}(): argument must be a Tensor or a number, not {type(x).__name__}"
        + (" (suiren.from_numpy or suiren.tensor makes a tensor of it)" if isinstance(x, (np.ndarray, list, tuple)) else "")
    )


def _extend(rec: Recording, op: Op, inputs: tuple, refs: tuple, params: tuple, numbers: int) -> TrieNode:
    """A transition never seen: works out the specs, which checks the arguments, and adds it to the trie."""
    kinds = tuple(x._spec if isinstance(x, Stored) else r for x, r in zip(inputs, refs))
    specs = op.infer(kinds, params)
    if rec.grad and op.grad is not None and any(isinstance(k, Spec) and k.requires_grad for k in kinds):
        specs = tuple(s.with_grad if s.dtype.category >= 2 else s for s in specs)
    child = TrieNode(rec.node, OP, op, refs, params, specs, user_line(), rec.scope, numbers)
    child.packs = rec.packing is not None and any(s.requires_grad for s in specs)
    rec.node.children[(op, params, refs)] = child
    return grown(child)


def user_line() -> Line | None:
    """The line outside of suiren that is running now."""
    frame, calls = sys._getframe(1), []
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        calls.append((frame.f_code.co_name, id(frame), frame.f_lasti))
        frame = frame.f_back
    if frame is None:
        return None
    calls.append(("", id(frame), frame.f_lasti))
    return Line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name, tuple(calls[::-1]))


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
            node.cut, node.likely = True, NEVER
            forget_jumps(node)
        else:
            rec.period = None


def enter(rec: Recording, t: Stored) -> int:
    """The slot of `t` in this recording; a storage with data becomes a leaf, a stale view is made again."""
    parent = t._parent
    if parent is not None:
        at = parent._id - rec.base
        if not -HALF_SPAN <= at < HALF_SPAN:
            at = enter(rec, parent)
        op = t._view_op
        if op.is_whole and parent._spec is t._spec and (op.grad is not None or not t._spec.requires_grad):
            t._view_id = rec.base + at  # what views of this one have seen
            return at
        slot = t._view_id - rec.base
        if 0 <= slot < HALF_SPAN and t._seen == (parent._id or parent._view_id):
            return slot
        params, node = t._view_params, rec.node
        key = (op, params, at, t._spec)
        child = node.children.get(key)
        if child is None:
            child = node.children[key] = grown(TrieNode(node, OP, op, (at,), params, (t._spec,), user_line(), rec.scope))
        rec.node = child
        if rec.period is not None:
            mark_period(rec)
        t._view_id, t._seen = rec.base + child.out, parent._id or parent._view_id
        if t._spec.requires_grad and (op.grad is None or not parent._spec.requires_grad):
            rec.owners[child.out] = t  # a view that is an autograd leaf
        return child.out
    slot = t._id - rec.base
    if -HALF_SPAN <= slot < HALF_SPAN:
        return slot
    if t._buffer is None or _threaded:
        await_other(t)
    slot = bind(rec, t)
    node = rec.node
    child = node.children.get(t._spec)
    if child is None:
        child = node.children[t._spec] = grown(TrieNode(node, LEAF, specs=(t._spec,)))
    rec.node = child
    return slot


def entered(t: Stored) -> int:
    """The slot of `t` in this thread's recording."""
    rec = local.rec
    slot = t._id - rec.base
    return slot if -HALF_SPAN <= slot < HALF_SPAN else enter(rec, t)


def bind(rec: Recording, t: Stored) -> int:
    """Makes a computed tensor the next leaf. Memory that NumPy shares is copied now, so that both sides always agree."""
    buffer = t._buffer
    leaves = rec.leaves
    leaves.append(t)
    slot = -len(leaves)
    if buffer._export is not None or buffer.is_foreign:
        buffer = _private(rec, t, -1 - slot)
    rec.buffers.append(buffer)
    t._id = rec.base + slot
    return slot


def _private(rec: Recording, t: Stored, leaf: int) -> Buffer:
    """Memory of its own for a leaf that NumPy may share."""
    buffer = t._buffer
    if not buffer.is_foreign and not buffer.is_exported:
        buffer._export = None  # nobody to ask next time
        return buffer
    snapshot = Buffer(t._spec.nbytes)
    snapshot.copy_from(buffer, t._spec.nbytes)
    if buffer.is_exported:
        rec.snapshots.append((leaf, buffer))
    else:  # an array that was handed over and let go
        t._buffer = snapshot
    return snapshot


def overwrite(t: Stored, value: Stored, silent: bool = False) -> None:
    """The root `t` now holds what `value`, made in this recording and of its shape and dtype, holds. `silent`: it is no new version."""
    rec = local.rec
    old = enter(rec, t)
    slot = value._id - rec.base
    node = rec.node
    key = (WRITE, old, slot, silent)
    child = node.children.get(key)
    if child is None:
        child = node.children[key] = grown(TrieNode(node, WRITE, refs=(old, slot), params=("silent",) * silent))
    rec.node = child
    if rec.period is not None:
        mark_period(rec)
    if t._buffer is not None and t._id < rec.base:
        rec.written.append((t, old))
    t._id = value._id


def set_grad_mode(enabled: bool) -> bool:
    """Switches the recording of gradients in this thread; returns what it was."""
    rec = local.rec
    before = rec.grad
    if before is not enabled:
        if rec.node is TAKEN:
            _settle(rec)
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
        _settle(rec)
    rec.packing = packing
    key = PACKING if packing is not None else (MODE, rec.grad)
    step(rec, key, lambda: TrieNode(rec.node, MODE, params=key))
    return before


# ---------------------------------------------------------------- running what is recorded


# execution.py, period.py, macros.py, threads.py and autograd/replay.py, which stand above the recorder, put themselves here.
run: Callable[[Recording, TrieNode], None]
reached_bound: Callable[[Recording], None]
await_other: Callable[[Stored], None]
forget_jumps: Callable[[TrieNode], None]
backward: Callable[[list[Stored], list, bool | None, bool, list[Stored] | None], None]


def finish() -> None:
    """Runs what this thread has recorded. Cheap when there is nothing."""
    rec = local.rec
    if rec.node.depth:
        _settle(rec, always=True)


def settle(t: Stored) -> Stored:
    """Computes `t`, running the recording in which it is pending; returns its root."""
    if t._interpret is not None:
        t._interpret(None, (t,), ())
    while t._parent is not None:
        t = t._parent
    rec = local.rec
    if t._id >= rec.base:
        _settle(rec, always=True)
        rec = local.rec
    if t._buffer is None or _threaded:
        await_other(t)
    return t


def _settle(rec: Recording, always: bool = False) -> None:
    with rec.lock:
        if rec.node.depth and (always or rec.node.cut):
            if rec.period is not None:  # a look ends the marking
                rec.period = None if always else rec.period.next()
            rec.busy = True
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


def call(self: Op, *inputs, **params):
    """An Op called as a function: parameters by keyword, all of them."""
    values = tuple(params.values())
    if params and tuple(params) != self.params:
        values = tuple([params[name] for name in self.params])
    if local.rec.node.likely.op is self and self.n_outputs == 1:
        if len(inputs) == 1 and isinstance(inputs[0], Stored):
            return record1(self, inputs[0], values)
        if len(inputs) == 2 and isinstance(inputs[0], Stored) and isinstance(inputs[1], Stored):
            return record2(self, *inputs, values)
    return record(self, inputs, values)


Op.__call__ = call

"""The recorder: a cursor that walks the trie of known traces, one transition for each operation.

The fast path (`unary`, `binary`, `record1`) is a few comparisons with the transition that followed last time, and one new tensor. What it does not
recognise goes through `record`, which finds the transition in the trie or, for a program never seen, checks the arguments and makes it. The fast paths repeat
each other step by step, because a call costs as much as all of them: they are right only if they are read side by side.
Measured figures and the reasons for this shape: design.md, "Recording must cost less than a microsecond per operation".
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from suiren.trace import pending
from suiren.trace.binding import enter
from suiren.trace.deferred import Deferred
from suiren.trace.op import Op
from suiren.trace.pending import HALF_SPAN, TAKEN, Recording, local, mark_period, settle_recording, user_line
from suiren.trace.spec import Spec
from suiren.trace.storage import OPEN, Stored, new
from suiren.trace.trie import OP, TrieNode, grown

_TENSOR: type[Stored] = Stored


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
        if root._interpret is None and (op.is_window or root._buffer is not None and root._id < rec.base):
            return _not_read_yet(op, x, params)
    return record(op, (x,), params)


_view_specs: dict[tuple, Spec] = {}
_MOST_SPECS = 20_000


def _not_read_yet(op: Op, x: Stored, params: tuple) -> Stored:
    """A view of memory that is there, or a window: nothing is recorded until an operation reads it. A loop over rows that are only looked at, or written
    to, records nothing."""
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


def record(op: Op, inputs: tuple, params: tuple):
    """Records one operation and returns its output, or the tuple of its outputs. Raises what `op.infer` raises."""
    rec = local.rec
    if (rec.node.cut and not rec.scope) or rec.node is TAKEN:
        settle_recording(rec)
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
            if (node.depth >= pending.MAX_TRANSITIONS or node.bytes >= pending.MAX_BYTES or node.slots >= pending.MAX_SLOTS) and not rec.scope:
                pending.reached_bound(rec)
                return record(op, inputs, params)
            if pending.ends_before(rec, op, params):
                settle_recording(rec, always=True)
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
        seen = inputs[0]._id or inputs[0]._view_id
        t._view_id, t._seen = base + child.out, 0 if seen == OPEN else seen
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
    child = TrieNode(rec.node, OP, op, refs, params, specs, user_line(rec), rec.scope, numbers)
    child.packs = rec.packing is not None and any(s.requires_grad for s in specs)
    rec.node.children[(op, params, refs)] = child
    return grown(child)


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

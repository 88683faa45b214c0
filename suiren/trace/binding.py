"""How a tensor gets a place in a recording: as a leaf, as a view that is made again, as the new version of a storage.

Windows: a part of memory that is there, at another place in every step: `data[i : i + 32]`, a batch of a data set, a sample. Where a view looks is
a static parameter of its op, so every place would be a program of its own. A view that was seen to move (the same line, read at the same node,
with other parameters) is a leaf instead: what it shows is copied when it is read first. One that stays where it is, a gate of an LSTM or a
corner of a mask, remains a view, which costs nothing at run time. A write into a window that moves (`buffer[step] = x`) is done at once: views.py.
"""

from __future__ import annotations

from suiren.runtime.buffers import Buffer
from suiren.trace import pending
from suiren.trace.op import Op
from suiren.trace.pending import HALF_SPAN, Recording, local, mark_period, user_line, user_place
from suiren.trace.spec import Spec
from suiren.trace.storage import OPEN, Stored, adopt, array_of, memory_of
from suiren.trace.trie import LEAF, OP, WRITE, TrieNode, grown


def enter(rec: Recording, t: Stored) -> int:
    """The slot of `t` in this recording; a storage with data becomes a leaf, a stale view is made again."""
    parent = t._parent
    if parent is not None:
        if t._view_op.is_window:
            slot = _window(rec, t, t._root())
            if slot is not None:
                return slot
        at = parent._id - rec.base
        if not -HALF_SPAN <= at < HALF_SPAN:
            at = enter(rec, parent)
        op = t._view_op
        if op.is_whole and parent._spec is t._spec and not t._spec.requires_grad:  # else it is a node of the graph
            t._view_id = rec.base + at  # what views of this one have seen
            return at
        slot = t._view_id - rec.base
        seen = rec.base + at if parent._id == OPEN else parent._id or parent._view_id
        if 0 <= slot < HALF_SPAN and t._seen == seen:
            return slot
        params, node = t._view_params, rec.node
        key = (op, params, at, t._spec)
        child = node.children.get(key)
        if child is None:
            child = node.children[key] = grown(TrieNode(node, OP, op, (at,), params, (t._spec,), user_line(rec), rec.scope))
        rec.node = child
        if rec.period is not None:
            mark_period(rec)
        t._view_id, t._seen = rec.base + child.out, seen
        if t._spec.requires_grad and (op.grad is None or not parent._spec.requires_grad):
            rec.owners[child.out] = t  # a view that is an autograd leaf
        elif t._hooks or t._retains_grad:
            rec.watched[child.out] = t
        return child.out
    slot = t._id - rec.base
    if -HALF_SPAN <= slot < HALF_SPAN:
        return slot
    if t._buffer is None or pending.threaded:
        pending.await_other(t)
    if t._id == OPEN:
        slot = _unchanged(rec, t)
        if slot is not None:
            return slot
    slot = bind(rec, t)
    to_leaf(rec, t._spec)
    if rec.snapshots and rec.snapshots[-1][0] == -1 - slot and not t._spec.requires_grad:
        t._id = OPEN
    return slot


def _unchanged(rec: Recording, t: Stored) -> int | None:
    """The slot of the last copy of memory that NumPy shares, if that still holds the same."""
    for leaf, shared in reversed(rec.snapshots):
        if rec.leaves[leaf] is t:
            return -1 - leaf if rec.buffers[leaf].equals(shared, t._spec.nbytes) else None
    return None


def to_leaf(rec: Recording, spec: Spec) -> None:
    """Moves the cursor over the transition of a leaf that has been bound."""
    node = rec.node
    child = node.children.get(spec)
    if child is None:
        child = node.children[spec] = grown(TrieNode(node, LEAF, specs=(spec,)))
    rec.node = child


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


# ---------------------------------------------------------------- windows

# (what shows what of what, on which line): those that move
_moving: set[tuple] = set()
_moving_lines: set[tuple] = set()  # (the view's op, the line that reads it) in the body of a loop whose number of rounds varies: loops.py
_MOST = 10_000


def _window(rec: Recording, t: Stored, root: Stored) -> int | None:
    """The slot of a view of the storage `root` as a leaf of its own; None if it is to be recorded as the view that it is."""
    if t._spec.requires_grad or root._spec.requires_grad or root._buffer is None or rec.scope:
        return None
    if pending.threaded:
        pending.await_other(root)
    if 0 <= root._id - rec.base < HALF_SPAN:  # written in this recording
        return None
    slot = t._view_id - rec.base
    if -HALF_SPAN <= slot < 0 and t._seen == root._id:
        return slot
    if _moving_lines and (t._view_op, user_place()) in _moving_lines:
        return _bound(rec, t, root)
    moves = was_seen_to_move(rec, (t._view_op, root._spec, t._parent._spec, t._spec), t._view_params)
    return _bound(rec, t, root) if moves else None


def moves_at(op: Op, line: tuple[str, int]) -> None:
    """From now on windows that are read on that line are leaves."""
    if len(_moving_lines) >= _MOST:
        _moving_lines.clear()
    _moving_lines.add((op, line))


def was_seen_to_move(rec: Recording, what: tuple, place: tuple) -> bool:
    """Whether `what`, on the user's line, looked elsewhere than at this `place` when it came by here before, or did so at another node."""
    node, mark = rec.node, (*what, user_place())
    if mark in _moving:
        return node.windows is None or node.windows.get(mark) != place  # else it is a program that was there before
    if node.windows is None:
        node.windows = {}
    if node.windows.setdefault(mark, place) == place:
        return False
    if len(_moving) >= _MOST:
        _moving.clear()
    _moving.add(mark)
    return True


def _bound(rec: Recording, t: Stored, root: Stored) -> int:
    """Makes a copy of what the view shows the next leaf."""
    s = t._spec
    copy = adopt(type(t), Buffer(s.nbytes), s)
    place = memory_of(t)
    if place is not None:
        copy._buffer.copy_from(place[0], s.nbytes, other_offset=place[1])
    else:
        copy._buffer.array(s.shape, s.dtype.np)[...] = array_of(t)
    slot = bind(rec, copy)
    to_leaf(rec, s)
    t._view_id, t._seen = rec.base + slot, 0 if root._buffer.is_exported else root._id
    return slot

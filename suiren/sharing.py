"""Which memory a tensor shows: `x.data = y` gives x the memory of y, and whoever showed x's until then goes on showing that.

A tensor that shows memory of its own is the root of the tensors that show it too (trace/storage.py), and recordings work fastest with roots. So x takes
the place of y's root, which becomes a view of x: nobody can tell them apart. A root knows, weakly, who was detached from it, so that they can be
given another one when it goes to other memory itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

from suiren import dtypes
from suiren.ops.views import detach
from suiren.runtime.buffers import Buffer
from suiren.trace import pending, recording
from suiren.trace.storage import HELD, adopt
from suiren.trace.threads import expose
from suiren.trace.views import stand_in

if TYPE_CHECKING:
    from suiren.tensor import Tensor


def shown_by(view: Tensor, x: Tensor) -> Tensor:
    """Notes that `view`, which it returns, shows all that x shows."""
    try:
        known = x._shown
        if len(known) > known[0]:
            there = [r for r in known[1:] if r() is not None]
            known[:] = [2 * len(there) + 16, *there]
        known.append(ref(view))
    except AttributeError:
        x._shown = [16, ref(view)]
    return view


def detached(x: Tensor) -> Tensor:
    """A view of all of x that is no part of the graph."""
    return shown_by(recording.view_of(x, detach, (), x._spec.plain), x)


def take_place(x: Tensor, root: Tensor) -> None:
    """x, a tensor without memory, takes over that of a computed root, which becomes a view of x."""
    x._parent, x._buffer, x._id = None, root._buffer, HELD
    _view(root, x)


def show(x: Tensor, value: Tensor) -> None:
    """x shows the memory of `value` from now on, and keeps its own history and version."""
    pending.finish()
    source = value
    while source._parent is not None and source._view_op is detach:
        source = source._parent
    if source is x:
        return
    _leave(x, [v for v in source._chain() if v._parent is x])
    wants = x._spec.requires_grad and value._spec.dtype.category >= dtypes.FLOAT
    graph, x._read_id = x._graph if wants else None, None
    if source._parent is None:
        expose(source)
    x._graph = None
    if source._parent is None and not source._spec.requires_grad:
        take_place(x, source)
        x._graph = graph
    elif source._parent is None and (graph is not None or source._graph is not None):  # both have a history, and only a root has one
        x._parent, x._buffer, x._id, x._graph = None, source._buffer, HELD, graph
    else:
        _view(x, source)
    x._spec = value._spec.with_grad if wants else value._spec.plain


def _view(t: Tensor, source: Tensor) -> None:
    """Makes `t` a view of all of `source`."""
    t._buffer, t._id, t._view_id, t._seen = None, 0, 0, 0
    t._parent, t._view_op, t._view_params = source, detach, ()
    shown_by(t, source)


def _leave(x: Tensor, views: list[Tensor]) -> None:
    """x is about to show other memory: another tensor takes its place for these views of it, for those that were detached from it, and for the graph
    that saved it."""
    if hasattr(x, "_shown"):
        views += [v for r in x._shown[1:] if (v := r()) is not None and v._parent is x]
        del x._shown
    graph, slot = x._graph or (None, None)
    is_saved = graph is not None and graph.tensors.get(slot) is x
    if not views and not is_saved:
        return
    pending.settle(x)
    stays = stand_in(x)
    if x._parent is not None:
        shown_by(stays, x._parent)
    for v in views:
        v._parent, v._view_id, v._seen = stays, 0, 0
        shown_by(v, stays)
    if is_saved:
        graph.tensors[slot] = stays
    else:
        stays._spec, stays._graph = x._spec.plain, None


def copied(t: Tensor, memo: dict) -> Tensor:
    """A copy of a leaf, and of all the memory behind it: what is copied with the same `memo` and shared that memory shares the copy."""
    root = pending.settle(t)
    storage = memo.get(("storage", id(root)))
    if storage is None:
        buffer = Buffer(root._spec.nbytes)
        buffer.copy_from(root._buffer, root._spec.nbytes)
        memo["storage", id(root)] = storage = adopt(type(t) if t is root else recording._TENSOR, buffer, root._spec if t is root else root._spec.plain)
        if t is root:
            return storage
    if t is root:  # one that shows its memory came first
        found = adopt(type(t), storage._buffer, t._spec)
        take_place(found, storage)
        return found
    for view in t._chain():
        storage = recording.view_of(storage, view._view_op, view._view_params, view._spec)
        if view._view_op is detach:
            shown_by(storage, storage._parent)
    storage.__class__ = type(t)
    return storage


__all__ = ["copied", "detached", "show", "shown_by", "take_place"]

"""Storage: what a tensor is to a recording, and the memory behind it.

A tensor either owns its storage or is a view of another tensor: `_parent`, through one movement op. The owner at the top of the chain (the *root*)
has the memory (`_buffer`) once somebody computed it, and counts the versions of the storage.

`_id` says where a root stands: the base of a recording plus its slot there (slots of leaves are negative). Bases of different recordings lie far
apart, so an id left over from an earlier recording never matches, and nothing has to be reset. A view has `_id` 0 always, and only a view has, so that
the recorder's fast path refuses it; it keeps its own place in `_view_id`, good as long as the parent still is what it was (`_seen`).

Memory that NumPy shares may be written at any time. A recording reads a copy of it; the root's id is `OPEN` meanwhile, so that the next operation that
reads it comes to `binding.enter`, which looks whether it still holds the same.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from suiren.runtime.buffers import Buffer
from suiren.trace.spec import Spec, contiguous_strides

if TYPE_CHECKING:
    from suiren.trace.op import Op

new = object.__new__
HELD = 1  # the id of a root that has its memory and is in no recording; another one below 0 once the memory was written behind the recorder's back
OPEN = 2


class Stored:
    """The part of a tensor that recordings work with; `suiren.Tensor` adds what users see. What most tensors have is in slots, the rest has a default on the class.

    There is no `__getattr__` here, and may not be: before Python 3.12 a class that has one pays 35 ns for every read of an attribute that it has
    (7 without), and an operation reads ten. Who makes a tensor sets the slots; what PyTorch's tensors have and these do not says so in `names.py`.
    """

    __slots__ = (
        "__dict__", "__weakref__", "_buffer", "_id", "_parent", "_read_id", "_reader", "_seen", "_shown", "_spec", "_view_id", "_view_op",
        "_view_params",
    )  # fmt: skip

    _id: int
    _spec: Spec
    _buffer: Buffer | None  # of a root that has been computed

    _parent: Stored | None
    _view_op: Op  # of a view only: the movement op, and its parameters, that make it from its parent
    _view_params: tuple
    _view_id: int
    _seen: int  # of a view only: the parent's id when `_view_id` was made
    _read_id: int  # of a root that `item()` was asked of: its id then, and what reads the number
    _reader: object
    _shown: list  # who was detached from it, after how many of them there may be before those that are gone are forgotten: sharing.py

    _version = 0  # of a root: in-place writes so far
    _silent = False  # a view made by `.data`: writes through it do not count as versions
    _grad: Stored | None = None
    _graph = None  # (Graph, slot): the history of a tensor that outlived its recording
    _retains_grad = False
    _inference = False  # of a root: made in `inference_mode`
    _hooks = None  # backward hooks: id -> function
    _interpret = None  # of a transform's tensors: what records an op in place of the recorder (op None: somebody asks for its value)

    # -- views
    def _root(self) -> Stored:
        t = self
        while t._parent is not None:
            t = t._parent
        return t

    def _chain(self) -> list[Stored]:
        """The views from the root's first view down to this one."""
        chain, t = [], self
        while t._parent is not None:
            chain.append(t)
            t = t._parent
        return chain[::-1]

    def _layout(self) -> tuple[tuple[int, ...], int]:
        """(strides, offset) of this tensor in its storage, in elements."""
        chain = self._chain()
        root = chain[0]._parent if chain else self
        shape, strides, offset = root._spec.shape, contiguous_strides(root._spec.shape), 0
        for t in chain:
            restrided = t._view_op.restride(shape, strides, offset, t._view_params)
            shape, strides, offset = restrided
        return strides, offset

    def _current_id(self) -> int:
        return self._id or self._view_id


_ids = itertools.count(-1, -1)


def rewritten(root: Stored) -> None:
    """The memory of a root that no recording reads was written: nothing that was copied of it is current."""
    root._id = next(_ids)


def adopt(cls: type, buffer: Buffer, spec: Spec) -> Stored:
    """A tensor over memory that holds its values."""
    t = new(cls)
    t._id, t._spec, t._buffer, t._parent = HELD, spec, buffer, None
    return t


def awaiting(cls: type, id: int, spec: Spec) -> Stored:
    """A tensor whose value a recording will compute, at the place `id`."""
    t = new(cls)
    t._id, t._spec, t._buffer, t._parent = id, spec, None, None
    return t


def memory_of(t: Stored) -> tuple[Buffer, int] | None:
    """(memory, offset in bytes) of a computed tensor whose elements lie in row-major order without gaps; None of another."""
    if t._parent is None:
        return t._buffer, 0
    strides, offset = t._layout()
    return (t._root()._buffer, offset * t._spec.dtype.itemsize) if tuple(strides) == t._spec.strides else None


def array_of(t: Stored) -> np.ndarray:
    """The ndarray over a computed tensor's memory, of its shape and strides: it shares, and keeps the memory alive."""
    chain = t._chain()
    root = chain[0]._parent if chain else t
    a = root._buffer.array(root._spec.shape, root._spec.dtype.np)
    for view in chain:
        a = view._view_op.numpy(a, **dict(zip(view._view_op.params, view._view_params)))
    return a

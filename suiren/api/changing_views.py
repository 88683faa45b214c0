"""`unsqueeze_`, `t_`, `squeeze_`, …: a tensor shows its storage in another way from now on. Source: the view functions of torch.Tensor, in place.

The tensor becomes a view of another one that takes over what it was: its storage, its place in the graph, and its views.
"""

from __future__ import annotations

import gc

from suiren.api import shapes
from suiren.api.surface import public
from suiren.trace import pending
from suiren.trace.storage import Stored
from suiren.trace.views import stand_in


def _become(self, shown):
    """Makes self what `shown(self)` is, a view; returns self. RuntimeError for a leaf that requires grad. Runs what is pending."""
    if self._interpret is not None:
        raise NotImplementedError("a tensor cannot change its shape in place inside of vmap or a transform: use the function that returns a view")
    if self._spec.requires_grad and self.is_leaf:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    trial = shown(self)
    if trial._spec.shape == self._spec.shape and trial._layout() == self._layout():
        return self
    del trial
    pending.finish()
    older = stand_in(self)
    for view in gc.get_referrers(self):  # who looks through it looks through the older one
        if isinstance(view, Stored) and view._parent is self:
            view._parent, view._view_id, view._seen = older, 0, 0
    found = shown(older)
    self._parent, self._view_op, self._view_params = found._parent, found._view_op, found._view_params
    self._spec, self._id, self._view_id, self._seen, self._buffer, self._graph = found._spec, 0, 0, 0, None, None
    older._root()._version += 1
    return self


@public(function=False)
def unsqueeze_(self, dim: int):
    """In place: see `unsqueeze`."""
    return _become(self, lambda x: shapes.unsqueeze(x, dim))


@public(function=False)
def squeeze_(self, dim=None):
    """In place: see `squeeze`."""
    return _become(self, lambda x: shapes.squeeze(x, dim))


@public("transpose_ swapdims_", function=False)
def transpose_(self, dim0: int, dim1: int):
    """In place: see `transpose`."""
    return _become(self, lambda x: shapes.transpose(x, dim0, dim1))


@public(function=False)
def swapaxes_(self, axis0: int, axis1: int):
    """In place: see `transpose`."""
    return transpose_(self, axis0, axis1)


@public(function=False)
def t_(self):
    """In place: see `t`. RuntimeError for more than 2 dims."""
    if self._spec.ndim > 2:
        raise RuntimeError(f"t_() expects a tensor with <= 2 dimensions, but self is {self._spec.ndim}D")
    return _become(self, shapes.t)


@public()
def as_strided_(self, size, stride, storage_offset: int | None = None):
    """In place: see `as_strided`."""
    return _become(self, lambda x: shapes.as_strided(x, size, stride, storage_offset))

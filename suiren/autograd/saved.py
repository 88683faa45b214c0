"""Values saved for backward, and the hooks that take them over: `saved_tensors_hooks`.

While hooks are on, the recorder calls `_pack` after every step whose gradient rule needs values: they go to the user's pack_hook, and the graph does
not keep them. Such steps are recorded on a branch of their own in the trie, where nothing is replayed unseen.
"""

from __future__ import annotations

from suiren.autograd import node
from suiren.trace import pending, recording
from suiren.trace.liveness import History
from suiren.trace.pending import local
from suiren.trace.recording import view_of
from suiren.trace.storage import Stored, awaiting

_hooks: list[tuple] = []  # (pack, unpack), the innermost last
_disabled: list[str] = []  # why hooks may not be used now


class Saved:
    """A tensor that a custom Function saved, with the version that it had; or what the hooks made of it."""

    def __init__(self, t: Stored):
        self.packed = (_hooks[-1][0](_detached(t)), _hooks[-1][1]) if _hooks else None
        self.tensor = t if self.packed is None else None
        self.spec, self.version = t._spec, t._root()._version

    def get(self) -> Stored:
        from suiren.autograd.graphs import made_by, modified

        if self.packed is not None:
            if local.rec.grad and self.spec.requires_grad:
                raise RuntimeError("suiren cannot differentiate twice a custom Function whose saved tensors went to saved_tensors_hooks")
            return node.unpacked(self.packed)
        now = self.tensor._root()._version
        if now != self.version:
            place = node.history_of(self.tensor)
            maker = "" if place is None else made_by(*place)
            raise RuntimeError(modified(self.spec, maker, self.version, now))
        return self.tensor


def keep(t: Stored | None) -> Saved | None:
    return None if t is None else Saved(t)


def _detached(t: Stored) -> Stored:
    from suiren.ops import views

    return view_of(t, views.detach, (), t._spec.plain)


def push(pack, unpack) -> None:
    """These hooks take over what is saved from now on."""
    if _disabled:
        raise RuntimeError(_disabled[-1])
    _hooks.append((pack, unpack))
    pending.set_packing(_pack)


def pop() -> None:
    _hooks.pop()
    pending.set_packing(_pack if _hooks else None)


def disable(message: str) -> None:
    if _hooks:
        raise RuntimeError(message)
    _disabled.append(message)


def enable() -> None:
    _disabled.pop()


def _pack(rec, step) -> None:
    """Hands what the rule of a step needs to the hooks, once for every name that asks for it."""
    if step.op.grad is None or not _hooks:
        return
    pack, unpack = _hooks[-1]
    history = History(step)
    base, packed = rec.base, {}
    values = []
    needed = history.saved_by(step)
    # PyTorch saves by the names of its arguments, in alphabetical order: `other` before `self`
    for ref in reversed(needed) if step.op.inputs in (("x", "y"), ("a", "b")) else needed:
        if ref < 0:
            t = _detached(rec.leaves[-1 - ref])
        else:
            t = awaiting(recording._TENSOR, base + ref, history.spec(ref).plain)
            rec.values.append(t)
        values.append((ref, t))
    python, out = rec.python, step.out
    if not values:
        return
    python[out] = holder = node.Packed(packed)
    before = pending.set_packing(None)
    hooks, _hooks[:] = _hooks[:], []
    try:
        for ref, t in values:
            packed[ref] = (pack(t), unpack)
    finally:
        _hooks[:] = hooks
        pending.set_packing(before)
    holder.packed = packed


__all__ = ["disable", "enable", "keep", "pop", "push"]

"""In-place writes, made functional: a write makes a new version of the storage, and a view is made again when it is read after one."""

from __future__ import annotations

import sys

from suiren.trace import binding, macros, pending, recording, threads
from suiren.trace.op import Op
from suiren.trace.pending import HALF_SPAN, local
from suiren.trace.storage import Stored, array_of, new
from suiren.trace.trie import WRITE

# The ops that writing is made of; ops/views.py says what they do.
_view_write: Op
_copy: Op
_cast: Op
_expand: Op
_as_strided: Op
_alias: Op
_leaf_version: Op
_rewritten: Op


def use_ops(*, view_write: Op, copy: Op, cast: Op, expand: Op, as_strided: Op, alias: Op, leaf_version: Op, rewritten: Op) -> None:
    global _view_write, _copy, _cast, _expand, _as_strided, _alias, _leaf_version, _rewritten
    _view_write, _copy, _cast, _expand, _as_strided, _alias = view_write, copy, cast, expand, as_strided, alias
    _leaf_version, _rewritten = leaf_version, rewritten


def write(t: Stored, value: Stored) -> Stored:
    """Writes `value` (broadcast, converted) into `t`, through its views into its storage; returns `t`.

    RuntimeError, as in PyTorch: a leaf that requires grad while gradients are recorded; shapes that do not broadcast; a float value into integers.
    """
    if t._interpret is not None or value._interpret is not None:
        return (t if t._interpret is not None else value)._interpret(WRITE, (t, value), ())
    rec = local.rec
    root, way = t, ()
    while root._parent is not None:
        way = (root._view_op, root._view_params, *way)
        root = root._parent
    if root._inference and rec.inference is None:
        raise RuntimeError(
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor before doing inplace "
            "update.See https://github.com/pytorch/rfcs/pull/17 for more details."
        )
    if pending.threaded:
        pending.run_readers(root)
    if value._spec.requires_grad:
        for op in way[::2]:
            if op.grad is None:  # detached from the root, which gets the numbers alone
                value = recording.record(op, (value,), ())
                break
    if any([op.is_window for op in way[::2]]) and _moves(t, root, value, way):
        return _write_now(t, root, value)
    silent, is_leaf = t._silent, root._spec.requires_grad and _is_leaf(root)
    if is_leaf and rec.grad and not silent and (t is root or t._spec.requires_grad):
        kind = "a leaf" if t is root else "a view of a leaf"
        raise RuntimeError(f"{kind} Variable that requires grad is being used in an in-place operation.")
    # The storage takes over the slot of `value` if that is nobody else's (references: the list of values, a name, the call below).
    is_own = value._id >= rec.base and value._parent is None and sys.getrefcount(value) <= 4
    base = rec.base
    at, slot = root._id - base, value._id - base
    if not -HALF_SPAN <= at < HALF_SPAN:
        at = binding.enter(rec, root)
    if not -HALF_SPAN <= slot < HALF_SPAN:
        slot = binding.enter(rec, value)
    if rec.base != base:  # one was pending in another thread, and waiting for it ran this recording
        return write(t, value)
    key = (WRITE, at, slot, way, silent, is_leaf, is_own)
    known = macros.known(rec, key)
    if known is not None:
        rec.node = known.end
        if root._buffer is not None and root._id < base:
            rec.written.append((root, at))
        root._id = base + known.slot
        if not silent:
            root._version += 1
        if known.is_leaf:
            rec.owners[known.slot] = root
    else:
        start, specs, bound = rec.node, (root._spec, t._spec), len(rec.leaves)
        _expand_write(t, root, value, is_leaf, is_own)
        if rec.base == base and specs == (root._spec, t._spec) and len(rec.leaves) == bound:
            slot = root._id - base
            macros.remember_jump(rec, start, key, macros.Write(rec.node, slot, rec.owners.get(slot) is root))
    buffer = root._buffer
    if buffer is not None and (buffer.is_foreign or (buffer._export is not None and buffer.is_exported)):
        pending.finish()  # NumPy sees the write at once
    return t


def _moves(t: Stored, root: Stored, value: Stored, way: tuple) -> bool:
    """Whether a write goes to another place in every step, into memory that no gradient flows through: where it goes would be structure."""
    rec = local.rec
    if root._spec.requires_grad or t._spec.requires_grad or value._spec.requires_grad or rec.scope or rec.packing is not None or rec.inference is not None:
        return False
    if _repeats(t._chain()):  # what is to be said of that is said where a write is recorded
        return False
    return binding.was_seen_to_move(rec, (WRITE, way[::2], root._spec, t._spec, value._spec), way[1::2])


def _repeats(chain: list[Stored]) -> bool:
    """Whether one of these views shows elements more than once."""
    return any(view._spec.nbytes > view._parent._spec.nbytes for view in chain)


def _write_now(t: Stored, root: Stored, value: Stored) -> Stored:
    """Writes what has been computed into the memory that a view shows."""
    _check_fits(t, value)
    pending.settle(value)
    threads.expose(root)
    array_of(t)[...] = array_of(value)
    if not t._silent:
        root._version += 1
    return t


def _check_fits(t: Stored, value: Stored) -> None:
    """RuntimeError for a float value into integers, and for shapes that do not broadcast."""
    if value._spec.dtype.category > t._spec.dtype.category:
        raise RuntimeError(
            f"result type {_type_name(value)} can't be cast to the desired output type {_type_name(t)}"
        )
    _check_broadcast(value, t)


def _expand_write(t: Stored, root: Stored, value: Stored, is_leaf: bool, is_own: bool) -> None:
    """Records a write. `is_own`: nobody else holds `value`."""
    rec, silent = local.rec, t._silent
    given = value
    _check_fits(t, value)
    if value._spec.dtype is not t._spec.dtype:
        value = recording.record(_cast, (value,), (t._spec.dtype,))
    if value._spec.shape != t._spec.shape:
        value = recording.record(_expand, (value,), (t._spec.shape,))
    chain = t._chain()
    if len(chain) > 1 and _repeats(chain[:-1]):
        # through a view that shows elements more than once, to some that it shows once: nothing can be written into that view
        strides, offset = t._layout()
        value = recording.record(_view_write, (root, value), (_as_strided, (t._spec.shape, strides, offset)))
        chain = []
    for view in reversed(chain):
        if not view._view_op.is_whole:
            value = recording.record(_view_write, (view._parent, value), (view._view_op, view._view_params))
    if t._spec.requires_grad and root._spec.requires_grad and not value._spec.requires_grad and rec.grad and not silent and not is_leaf:
        value = recording.record(_view_write, (root, value), (_alias, ()))  # what was there gets no gradient, but its history goes on
    if value._parent is not None or value._id < rec.base or (value is given and not is_own):
        value = recording.record(_copy, (value,), ())
    if root._spec.requires_grad and not value._spec.requires_grad and not is_leaf:
        _keep_history(root, value, silent)
        return
    binding.overwrite(root, value, silent)
    if not silent:
        root._version += 1
    if value._spec.requires_grad:
        root._spec, t._spec = root._spec.with_grad, t._spec.with_grad
    elif root._spec.requires_grad:
        _renew_leaf(root)


def twin(t: Stored) -> Stored:
    """Another tensor at the place of a root in the graph, which stays there when the root is written."""
    made = new(recording._TENSOR)
    made._id, made._spec, made._buffer, made._parent = t._id, t._spec, t._buffer, None
    if t._graph is not None:
        made._graph = t._graph
    if t._buffer is None:
        local.rec.values.append(made)
    return made


def stand_in(x: Stored) -> Stored:
    """Another tensor that shows what x shows, at its place in the graph and of its version: x itself is about to show something else."""
    if x._parent is None:
        made = twin(x)
        made._version = x._version
        return made
    made = recording.view_of(x._parent, x._view_op, x._view_params, x._spec)
    if x._graph is not None:
        made._graph = x._graph
    return made


def _keep_history(root: Stored, value: Stored, silent: bool) -> None:
    """A result that was written while gradients were off: backward goes on from where it came from, as in PyTorch."""
    before = twin(root)
    binding.overwrite(root, value, silent)
    mode = pending.set_grad_mode(True)
    kept = recording.record(_rewritten, (value, before), ())
    pending.set_grad_mode(mode)
    binding.overwrite(root, kept, True)
    if not silent:
        root._version += 1


def _is_leaf(root: Stored) -> bool:
    """Whether a root that requires grad is an autograd leaf: no graph made it."""
    rec = local.rec
    slot = root._id - rec.base
    if slot in rec.owners:
        return True
    return root._buffer is not None and root._graph is None and not 0 <= slot < HALF_SPAN


def _renew_leaf(root: Stored) -> None:
    """A leaf that requires grad was written while gradients were off: what is read from now on is the leaf again, with its new value."""
    rec = local.rec
    before = pending.set_grad_mode(True)
    leaf = recording.record(_leaf_version, (root,), ())
    pending.set_grad_mode(before)
    root._id = leaf._id
    rec.owners[leaf._id - rec.base] = root


def _type_name(t: Stored) -> str:
    names = {"float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "int64": "Long", "int32": "Int",
             "int16": "Short", "int8": "Char", "uint8": "Byte", "bool": "Bool", "complex64": "ComplexFloat", "complex128": "ComplexDouble"}  # fmt: skip
    return names.get(t._spec.dtype.name, t._spec.dtype.name)


def _check_broadcast(value: Stored, t: Stored) -> None:
    have, want = value._spec.shape, t._spec.shape
    fits = len(have) <= len(want) and all(a in (1, b) for a, b in zip(reversed(have), reversed(want)))
    if not fits:
        raise RuntimeError(
            f"output with shape {list(want)} doesn't match the broadcast shape {list(have)}: "
            "an in-place operation cannot change the shape of the tensor it writes to"
        )

"""Tensors with batch dims that the program does not see: what a function that `vmap` runs is given.

A `BatchedTensor` holds a tensor whose leading dims are those of its levels (one for every `vmap` around, the outer ones first), and passes for one
without them. The recorder has no place for it, so every op with one among its inputs comes to `_interpret`, which records the op that does the same
to all places of the batch. How is said by the op: see trace/op.py, "Batching".
"""

from __future__ import annotations

import itertools
import threading
from math import prod
from textwrap import indent
from typing import Any

from suiren.ops import creation, movement
from suiren.ops.placement import cat
from suiren.tensor import Tensor
from suiren.trace.pending import local
from suiren.trace.recording import record
from suiren.trace.spec import Spec, spec
from suiren.trace.storage import Stored, awaiting
from suiren.trace.trie import WRITE
from suiren.trace.views import write

NOWHERE = -(1 << 60)  # an id that no recording has


class Level:
    """One `vmap` that is running: its number (larger ones are further inside), the size of its batch, and what random numbers do."""

    def __init__(self, number: int, size: int, randomness: str):
        self.number, self.size, self.randomness = number, size, randomness


class _Running(threading.local):
    def __init__(self):
        self.levels: list[Level] = []


running = _Running()


def active() -> tuple[int, ...]:
    """The levels of all running vmaps, the outermost first."""
    return tuple(level.number for level in running.levels)


def sizes_of(levels: tuple[int, ...]) -> tuple[int, ...]:
    size = {level.number: level.size for level in running.levels}
    return tuple(size[n] for n in levels)


class BatchedTensor(Tensor):
    """A tensor of a running `vmap`. `_physical` has the dims of `_levels` in front."""

    _physical: Tensor
    _levels: tuple[int, ...]

    def _interpret(self, op, inputs: tuple, params: tuple):
        if op is None:
            raise RuntimeError(
                "vmap: It looks like you're asking for the values of a Tensor (.item(), .numpy(), an operation whose result has a shape that depends on "
                "data). We don't support vmap over that, please try to rewrite what you're doing with other operations."
            )
        if op is WRITE:
            return _write(*inputs)
        if op == GRAD:
            return _grad(*inputs, *params)
        if op == FUNCTION:
            from suiren.func.functions import mapped

            return mapped(*params, inputs)
        return apply(op, inputs, params)

    # -- what the class itself does without an op
    def item(self):
        raise RuntimeError(
            "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling .item() on a Tensor, please try to rewrite "
            "what you're doing with other operations. If error is occurring somewhere inside PyTorch internals, please file a bug report."
        )

    def __bool__(self) -> bool:
        raise RuntimeError(
            "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. We don't support that yet, please file an "
            "issue at https://github.com/pytorch/pytorch/issues ."
        )

    def detach(self) -> Tensor:
        return made(self._physical.detach(), self._levels)

    @property
    def data(self) -> Tensor:
        return made(self._physical.data, self._levels)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        raise RuntimeError(
            "You are attempting to call Tensor.requires_grad_() (or perhaps using torch.autograd.functional.* APIs) inside of a function being "
            "transformed by a functorch transform. This is unsupported, please attempt to use the functorch transforms (e.g. grad, vjp, jacrev, "
            "jacfwd, hessian) or call requires_grad_() outside of a function being transformed instead."
        )

    @property
    def grad_fn(self):
        return self._physical.grad_fn

    @property
    def is_leaf(self) -> bool:
        return self._physical.is_leaf

    def _layout(self):
        return self._spec.strides, 0

    def __repr__(self, *, tensor_contents=None) -> str:
        """PyTorch's: one shell for every level, the innermost first."""
        text, numbers = repr(self._physical), active()
        for number in self._levels:
            text = f"BatchedTensor(lvl={numbers.index(number) + 1 if number in numbers else number}, bdim=0, value=\n{indent(text, '    ')}\n)"
        return text


GRAD = "grad"  # `_interpret` of this: gradients of batched outputs
ENDED = "vmap: a tensor of a vmap that has ended is used: return it from the function instead of keeping it"
FUNCTION = "function"  # and of this: a custom Function of batched arguments


def made(physical: Tensor, levels: tuple[int, ...]) -> Tensor:
    """The tensor that `physical` is to a program inside of `levels`, whose dims it has in front."""
    if not levels:
        return physical
    s = physical._spec
    t = awaiting(BatchedTensor, NOWHERE, spec(s.shape[len(levels) :], s.dtype, s.requires_grad))
    t._physical, t._levels = physical, levels
    return t


def levels_of(x: Any) -> tuple[int, ...]:
    return x._levels if isinstance(x, BatchedTensor) else ()


def physical(x: Tensor) -> Tensor:
    return x._physical if isinstance(x, BatchedTensor) else x


def aligned(x: Tensor, levels: tuple[int, ...], ndim: int | None = None, full: bool = False) -> Tensor:
    """Its physical tensor with a dim for each of `levels` in front: of size 1 where it has no such batch, or of the batch's size if `full`.
    With `ndim`, its own dims are filled up with leading ones to as many."""
    own, own_shape = levels_of(x), x._spec.shape
    have = physical(x)
    pad = 0 if ndim is None else ndim - len(own_shape)
    if own != levels or pad:
        sizes = iter(have._spec.shape[: len(own)])
        front = tuple(next(sizes) if level in own else 1 for level in levels)
        have = reshaped(have, (*front, *(1,) * pad, *own_shape))
    if full:
        want = (*sizes_of(levels), *have._spec.shape[len(levels) :])
        if have._spec.shape != want:
            have = record(movement.expand, (have,), (want,))
    return have


def reshaped(t: Tensor, shape: tuple[int, ...]) -> Tensor:
    """`t` in another shape: a view if strides can say it, else of a copy."""
    if t._spec.shape == shape:
        return t
    return record(movement.reshape, (_viewable(t, movement.reshape, (shape,)),), (shape,))


def _viewable(t: Tensor, op, params: tuple) -> Tensor:
    """`t`, or a copy where strides cannot say the movement."""
    if t._parent is None:
        return t
    strides, offset = t._layout()
    return t if op.restride(t._spec.shape, strides, offset, params) is not None else record(creation.copy, (t,), ())


# ---------------------------------------------------------------- ops


def apply(op, inputs: tuple, params: tuple):
    """Records what `op` of batched inputs is, and gives its batched results."""
    levels = tuple(sorted({n for x in inputs for n in levels_of(x)}))
    gone = set(levels) - set(active())
    if gone:
        raise RuntimeError(ENDED)
    kinds = tuple(x._spec.plain if isinstance(x, Stored) else type(x) for x in inputs)
    op.infer(kinds, params)  # checks shapes as the program sees them
    if op.kind == "pointwise":
        out = _pointwise(op, inputs, params, kinds, levels)
    elif op.batch is not None:
        out = _by_rule(op, inputs, params, levels)
    elif op.lead is not None:
        out = _with_leading_dims(op, inputs, params, kinds, levels)
    else:
        out = _one_by_one(op, inputs, params, levels)
    if isinstance(out, tuple):
        return tuple(made(t, levels) for t in out)
    return made(out, levels)


def _moved(op, params: tuple, sizes: tuple[int, ...], kinds: tuple) -> tuple:
    moved = op.lead(sizes, kinds, **dict(zip(op.params, params)))
    return tuple(moved[name] for name in op.params)


def _pointwise(op, inputs: tuple, params: tuple, kinds: tuple, levels: tuple):
    """Broadcasts. Where the batch's dims would change the promotion of what the program sees as 0-dim, operands are converted first."""
    if "shape" in op.params:  # a number that fills a shape
        (s,) = op.infer(kinds, params)
        value = inputs[0].to(s.dtype)
        return record(creation.copy, (record(movement.expand, (aligned(value, levels, s.ndim),), ((*sizes_of(levels), *s.shape),)),), ())
    ndim = max(k.ndim for k in kinds if isinstance(k, Spec))
    wants = op.types(kinds, params)
    ready = [aligned(x, levels, ndim) if isinstance(x, Stored) else x for x in inputs]
    seen = tuple(x._spec if isinstance(x, Stored) else k for x, k in zip(ready, kinds))
    if op.types(seen, params) != wants:
        ready = [x.to(d) if isinstance(x, Stored) else x for x, d in zip(ready, wants[0])]
    return record(op, tuple(ready), _moved(op, params, sizes_of(levels), kinds))


def _with_leading_dims(op, inputs: tuple, params: tuple, kinds: tuple, levels: tuple):
    ready = [aligned(x, levels, full=True) for x in inputs]
    params = _moved(op, params, sizes_of(levels), kinds)
    if op.kind == "movement":
        ready = [_viewable(ready[0], op, params)]
    return record(op, tuple(ready), params)


def _by_rule(op, inputs: tuple, params: tuple, levels: tuple):
    """The op's own rule, with all levels as one dim."""
    sizes = sizes_of(levels)
    size = prod(sizes)
    tensors, is_batched = [], []
    for x in inputs:
        batched = bool(levels_of(x))
        t = aligned(x, levels, full=True) if batched else x
        tensors.append(reshaped(t, (size, *x._spec.shape)) if batched else t)
        is_batched.append(batched)
    out = op.batch(size, tuple(tensors), tuple(is_batched), **dict(zip(op.params, params)))
    if isinstance(out, tuple):
        return tuple(reshaped(t, (*sizes, *t._spec.shape[1:])) for t in out)
    return reshaped(out, (*sizes, *out._spec.shape[1:]))


def _one_by_one(op, inputs: tuple, params: tuple, levels: tuple):
    """One place of the batch after the other, for an op that has no other rule."""
    sizes = sizes_of(levels)
    ready = [aligned(x, levels, full=True) if levels_of(x) else x for x in inputs]
    results = []
    for place in itertools.product(*map(range, sizes)):
        at = []
        for x, t in zip(inputs, ready):
            if levels_of(x):
                for index in place:
                    t = record(movement.select, (t,), (0, index))
            at.append(t)
        found = record(op, tuple(at), params)
        results.append(found if isinstance(found, tuple) else (found,))
    if not results:
        raise RuntimeError(f"vmap: {op.name} has no rule of batching, so its batch cannot be empty")
    stacked = []
    for parts in zip(*results):
        s = parts[0]._spec
        whole = record(cat, tuple(record(movement.reshape, (_viewable(t, movement.reshape, ((1, *s.shape),)),), ((1, *s.shape),)) for t in parts), (0,))
        stacked.append(reshaped(whole, (*sizes, *s.shape)))
    return tuple(stacked) if op.n_outputs > 1 else stacked[0]


# ---------------------------------------------------------------- writes and gradients


def _write(t: Tensor, value: Tensor) -> Tensor:
    """`t[...] = value`, in place."""
    levels = levels_of(t)
    if not set(levels_of(value)) <= set(levels):
        raise RuntimeError(
            "vmap: inplace arithmetic(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args that has more elements "
            "than `self`. This happened due to `other` being vmapped over but `self` not being vmapped over in a vmap. Please try to use out-of-place "
            "operators instead of inplace arithmetic. If said operator is being called inside the PyTorch framework, please file a bug report instead."
        )
    write(t._physical, aligned(value, levels, max(t._spec.ndim, value._spec.ndim)))
    t._spec = spec(t._spec.shape, t._spec.dtype, t._physical._spec.requires_grad)
    return t


def lowered(g: Tensor, levels: tuple[int, ...]) -> Tensor:
    """`g` seen from outside of `levels`: their dims are the first of its own, in full."""
    own = levels_of(g)
    rest = tuple(n for n in own if n not in levels)
    every = tuple(sorted({*own, *levels}))
    whole = aligned(g, every, full=True)
    order = [every.index(n) for n in (*rest, *levels)] + list(range(len(every), whole._spec.ndim))
    if order != list(range(len(order))):
        whole = record(movement.permute, (whole,), (tuple(order),))
    return made(whole, rest)


def raised(g: Tensor, levels: tuple[int, ...]) -> Tensor:
    """The other way: the first dims of `g` become those of `levels`."""
    own = levels_of(g)
    if not levels:
        return g
    every = (*own, *levels)
    whole = physical(g)
    order = sorted(range(len(every)), key=lambda i: every[i])
    if order != list(range(len(order))):
        whole = record(movement.permute, (whole,), ((*order, *range(len(every), whole._spec.ndim)),))
    return made(whole, tuple(sorted(every)))


def _grad(outputs: list, inputs: list, gradients: list, retain: bool, create_graph: bool, allow_unused: bool) -> list:
    """The engine's `grad` where outputs or inputs are batched: it runs outside of their levels, place for place."""
    from suiren.autograd import engine

    inside = {n for t in inputs for n in levels_of(t)}
    roots, seeds = [], []
    for i, (t, g) in enumerate(zip(outputs, gradients)):
        levels = levels_of(t)
        if not set(levels) <= inside:
            raise RuntimeError(
                "autograd.grad inside of vmap: an output is batched, and no input is: the gradients of the batch would add up. "
                "Use the transforms of suiren.func (grad, vjp, jacrev), which give one for each place."
            )
        g = engine.seed(t, g, i)
        roots.append(physical(t))
        seeds.append(lowered(g, levels))
    found = engine.grad(roots, [physical(t) for t in inputs], seeds, retain, create_graph, allow_unused)
    return [None if g is None else raised(g, levels_of(t)) for t, g in zip(inputs, found)]


def draws(op, generator, numbers: tuple, params: tuple, draw) -> Tensor:
    """A draw of random numbers inside of vmap: refused, one for all places, or one for each, as `randomness` says."""
    modes = [level.randomness for level in running.levels]
    if "error" in modes:
        raise RuntimeError(
            "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' randomness flags on vmap or "
            "perform the randomness operation out of vmap"
        )
    levels = tuple(level.number for level in running.levels if level.randomness == "different")
    if not levels:
        return draw(op, generator, numbers, params)
    sizes = sizes_of(levels)
    if "shape" in op.params:
        at = op.params.index("shape")
        return made(draw(op, generator, numbers, (*params[:at], (*sizes, *params[at]), *params[at + 1 :])), levels)
    each = [draw(op, generator, numbers, params) for _ in range(prod(sizes))]
    rows = [reshaped(t, (1, *t._spec.shape)) for t in each]
    return made(reshaped(record(cat, tuple(rows), (0,)), (*sizes, *each[0]._spec.shape)), levels)


def enter(level: Level) -> None:
    set_levels([*running.levels, level])


def leave() -> None:
    set_levels(running.levels[:-1])


def set_levels(levels: list[Level]) -> list[Level]:
    """Makes these the levels that run; returns those that ran."""
    before, running.levels = running.levels, levels
    local.rec.drawing = draws if levels else None
    return before

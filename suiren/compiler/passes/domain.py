"""The arithmetic of index spaces: which shapes are the same space cut in different ways.

A space is written as its *bounds*: the products of its last 0, 1, 2, … dims, rising from 1 to the number of elements. (4, 10) has the bounds
1, 10, 40; so has (4, 1, 10), and (4, 2, 5) has 1, 5, 10, 40: a finer cut of the same space. Two neighbouring bounds enclose an *atom*.
What is reduced is a set of intervals between bounds. Spaces without elements have no bounds (None): they are never fused.
"""

from __future__ import annotations

from suiren.compiler.program import Access
from suiren.trace.op import Op
from suiren.trace.spec import contiguous_strides

Bounds = tuple[int, ...]
Intervals = tuple[tuple[int, int], ...]


def bounds_of(shape: tuple[int, ...]) -> Bounds | None:
    found, step = [1], 1
    for n in reversed(shape):
        if n == 0:
            return None
        if n != 1:
            step *= n
            found.append(step)
    return tuple(found)


def refine(a: Bounds, b: Bounds) -> Bounds | None:
    """The coarsest space that is finer than both, of equally many elements; None where dims cross each other."""
    if a == b:
        return a
    both = sorted({*a, *b})
    if any(high % low for low, high in zip(both, both[1:])):
        return None
    return tuple(both)


def intervals_of(shape: tuple[int, ...], dims: tuple[int, ...]) -> Intervals:
    """The dims of a shape as intervals between bounds, neighbours joined."""
    found: list[tuple[int, int]] = []
    step = 1
    for d in reversed(range(len(shape))):
        high = step * shape[d]
        if d in dims and high != step:
            if found and found[-1][1] == step:
                found[-1] = (found[-1][0], high)
            else:
                found.append((step, high))
        step = high
    return tuple(found)


def is_inside(bound: int, intervals: Intervals) -> bool:
    """Whether the atom that begins at a bound is reduced."""
    return any(low <= bound < high for low, high in intervals)


def outer_bounds(bounds: Bounds, inner: Intervals) -> Bounds:
    """The bounds of the space of outer indices."""
    found, step = [1], 1
    for low, high in zip(bounds, bounds[1:]):
        if not is_inside(low, inner):
            step *= high // low
            found.append(step)
    return tuple(found)


def refine_outer(bounds: Bounds, inner: Intervals, outer: Bounds) -> Bounds | None:
    """`bounds`, so much finer that its outer space has all bounds of `outer`."""
    if refine(outer_bounds(bounds, inner), outer) is None:
        return None
    found, step = set(bounds), 1
    for low, high in zip(bounds, bounds[1:]):
        if is_inside(low, inner):
            continue
        after = step * (high // low)
        found |= {low * (b // step) for b in outer if step < b < after}
        step = after
    return tuple(sorted(found))


def split(shape: tuple[int, ...], strides: tuple[int, ...], bounds: Bounds) -> tuple[int, ...]:
    """The strides of an access over a shape, for every atom of a finer space, outermost first."""
    found: dict[int, int] = {}
    low = 1
    for n, s in zip(reversed(shape), reversed(strides)):
        if n != 1:
            high = low * n
            for b in bounds:
                if low <= b < high:
                    found[b] = s * (b // low)
            low = high
    return tuple(found[b] for b in reversed(bounds[:-1]))


def widened(strides: tuple[int, ...], bounds: Bounds, inner: Intervals) -> tuple[int, ...]:
    """Strides over the outer atoms, as strides over all atoms: 0 along inner ones."""
    rest = iter(strides)
    return tuple(0 if is_inside(b, inner) else next(rest) for b in reversed(bounds[:-1]))


# ---------------------------------------------------------------- accesses


def whole(value: int, shape: tuple[int, ...]) -> Access:
    return Access(value, shape, contiguous_strides(shape))


def moved(a: Access, op: Op, params: tuple) -> Access | None:
    """An access through one more movement op; None where strides cannot say it."""
    found = op.restride(a.shape, a.strides, a.offset, params)
    return None if found is None else Access(a.value, *found, (*a.moves, (op, params)))


def broadcast(a: Access, shape: tuple[int, ...]) -> Access:
    """An access that repeats its elements along new dims and dims of size 1."""
    if a.shape == shape:
        return a
    new = len(shape) - len(a.shape)
    strides = (0,) * new + tuple(0 if n == 1 and m != 1 else s for n, m, s in zip(a.shape, shape[new:], a.strides))
    return Access(a.value, shape, strides, a.offset, (*a.moves, (None, shape)))


def through(a: Access, moves: tuple) -> Access | None:
    """An access through all these moves."""
    for op, params in moves:
        found = broadcast(a, params) if op is None else moved(a, op, params)
        if found is None:
            return None
        a = found
    return a


def is_identity(a: Access, numel: int) -> bool:
    """Whether an access shows all of a value of `numel` elements in their own order."""
    step = 1
    for n, s in zip(reversed(a.shape), reversed(a.strides)):
        if n != 1 and s != step:
            return False
        step *= n
    return a.offset == 0 and step == numel

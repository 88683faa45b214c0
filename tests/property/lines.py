"""What the lines of both families are made of: which values fit, and lines that only move elements.

An action is action(writer, a, b, c): three drawn numbers; it writes lines, or nothing where no value fits.
"""

from __future__ import annotations

from collections.abc import Callable

import suiren
from tests.property.text import Writer


def is_float(x) -> bool:
    return x.dtype.is_floating_point


def is_bool(x) -> bool:
    return x.dtype == suiren.bool


def is_number(x) -> bool:
    return not is_bool(x)


def broadcasts(x) -> Callable:
    def fits(y) -> bool:
        return all(a == b or a == 1 or b == 1 for a, b in zip(reversed(x.shape), reversed(y.shape)))

    return fits


def two(w: Writer, a: int, b: int, fits: Callable) -> tuple[str, str] | None:
    x = w.pick(a, fits)
    if x is None:
        return None
    y = w.pick(b, lambda y: fits(y) and broadcasts(w.space[x])(y))
    return x, y


def dim_of(x, c: int) -> int:
    return c % (2 * x.dim()) - x.dim() if x.dim() else 0


def factors(n: int) -> list[int]:
    return [k for k in range(1, n + 1) if n % k == 0] if n else [1]


def move(w, a, b, c):
    x = w.pick(a)
    if x is None:
        return
    v = w.space[x]
    n = v.dim()
    kind = c % 9
    if kind == 0 and n > 1:
        w.let(f"{x}.transpose({b % n}, {(b + 1) % n})")
    elif kind == 1 and n > 1:
        order = [(i + b) % n for i in range(n)]
        w.let(f"{x}.permute({', '.join(map(str, order))})")
    elif kind == 2 and n < 4:
        w.let(f"{x}.unsqueeze({b % (n + 1)})")
    elif kind == 3:
        w.let(f"{x}.squeeze()")
    elif kind == 4:
        k = factors(v.numel())[b % len(factors(v.numel()))]
        w.let(f"{x}.reshape({k}, {v.numel() // k})")
    elif kind == 5:
        w.let(f"{x}.flatten()" if n != 1 else f"{x}.view({v.shape[0]}, 1)")
    elif kind == 6 and n < 4:
        w.let(f"{x}.expand({b % 3 + 1}, {', '.join(['-1'] * n)})" if n else f"{x}.expand({b % 3 + 1})")
    elif kind == 7 and n:
        w.let(f"{x}.flip({dim_of(v, b)})")
    elif kind == 8 and n:
        w.let(f"t.roll({x}, {b % 5 - 2}, {dim_of(v, b)})")


def index(w, a, b, c):
    x = w.pick(a, lambda x: x.dim() > 0)
    if x:
        w.let(f"{x}[{place(w.space[x], b, c)}]")


def place(v, b: int, c: int) -> str:
    """An index of ints, slices, None and ... that fits the shape."""
    parts = []
    for i, n in enumerate(v.shape[: 1 + c % 3]):
        k = (b + 3 * i + c) % 7
        if k == 0 and n:
            parts.append(str(b % n))
        elif k == 1 and n:
            parts.append(str(-1 - b % n))
        elif k == 2:
            parts.append("1:")
        elif k == 3:
            parts.append(f":{b % 4 + 1}")
        elif k == 4:
            parts.append(f"{b % 2}::{2 + c % 2}")
        else:
            parts.append(":")
    if c % 5 == 0 and v.dim() < 4:
        parts.insert(0, "None")
    elif c % 5 == 1:
        parts.append("...")
    return ", ".join(parts)


def join(w, a, b, c):
    x = w.pick(a, lambda x: x.dim() > 0)
    if x is None:
        return
    v = w.space[x]
    d = b % v.dim()
    y = w.pick(b, lambda y: y.dim() == v.dim() and all(p == q for i, (p, q) in enumerate(zip(v.shape, y.shape)) if i != d))
    if c % 3 == 0:
        w.let(f"t.cat([{x}, {y}], {d})")
    elif c % 3 == 1:
        z = w.pick(b, lambda z: z.shape == v.shape)
        if v.dim() < 4:
            w.let(f"t.stack([{x}, {z}, {x}], {d})")
    elif not is_bool(v):
        w.let(f"t.nn.functional.pad({x}, ({b % 3}, {c % 4 - 1 if v.shape[-1] else 1}), value={b % 3})")


def can_be_written(y, target) -> bool:
    """Whether `y` broadcasts to `target` and shares no memory with it: PyTorch refuses, or leaves open, what overlaps in part."""
    fits = y.dim() <= target.dim() and all(p in (1, q) for p, q in zip(reversed(y.shape), reversed(target.shape)))
    return fits and y.dtype == target.dtype and not y.requires_grad and y._root() is not target._root()


def is_dense(x) -> bool:
    """No element of it stands at two places, so a write has one meaning."""
    return all(s != 0 or n <= 1 for s, n in zip(x.stride(), x.shape))


def drop(w, a, b, c):
    if len(w.names) > 2:
        w.forget(w.names[a % len(w.names)])

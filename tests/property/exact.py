"""The lines of exact programs: every value is a small whole number."""

from __future__ import annotations

import suiren
from tests.property.lines import (
    broadcasts,
    can_be_written,
    dim_of,
    drop,
    index,
    is_bool,
    is_dense,
    is_number,
    join,
    move,
    place,
    two,
)


def exact_binary(w, a, b, c):
    pair = two(w, a, b, is_number)
    if pair:
        x, y = pair
        text = (f"{x} + {y}", f"{x} - {y}", f"{x} * {y}", f"t.maximum({x}, {y})", f"t.minimum({x}, {y})")[c % 5]
        unsigned = any(w.space[v].dtype == suiren.uint8 for v in pair)
        w.let(text if c % 5 > 2 else f"({text}).clamp({0 if unsigned else -9}, 9)")


def exact_number(w, a, b, c):
    x = w.pick(a, is_number)
    if x:
        n = b % 7 - 3
        if w.space[x].dtype == suiren.uint8:
            n = abs(n)
        form = (f"{x} + {n}", f"{x} * {n}", f"{n} - {x}" if w.space[x].dtype != suiren.uint8 else f"{x} + {n}", f"{x} + {float(n)}", f"{x} % {n or 4}", f"{x} // {n or 3}")[c % 6]
        w.let(f"({form}).clamp(0, 9)" if w.space[x].dtype == suiren.uint8 else f"({form}).clamp(-9, 9)")


def exact_unary(w, a, b, c):
    x = w.pick(a, lambda x: is_number(x) and x.dtype != suiren.uint8)
    if x:
        text = ("-{x}", "{x}.abs()", "t.relu({x})", "t.sign({x})", "t.clamp({x}, -2, 3)", "{x}.clone()", "{x}.contiguous()", "{x}.square() % 5")[c % 8]
        w.let(text.format(x=x))


def compare(w, a, b, c):
    pair = two(w, a, b, lambda x: True)
    if pair:
        x, y = pair
        w.let(f"{x} {('==', '!=', '<', '<=', '>', '>=')[c % 6]} {y if c % 12 < 6 else b % 5 - 2}")


def logic(w, a, b, c):
    pair = two(w, a, b, is_bool)
    if pair:
        x, y = pair
        w.let((f"{x} & {y}", f"{x} | {y}", f"{x} ^ {y}", f"~{x}", f"t.logical_and({x}, {y})")[c % 5])


def where(w, a, b, c):
    m = w.pick(a, is_bool)
    if m is None:
        return
    x = w.pick(b, lambda x: broadcasts(w.space[m])(x))
    if x is None:
        return
    both = suiren.broadcast_shapes(w.space[m].shape, w.space[x].shape)
    y = w.pick(c, lambda y: all(p == q or 1 in (p, q) for p, q in zip(reversed(y.shape), reversed(both))))
    w.let(f"t.where({m}, {x}, {y})" if y and c % 3 else f"t.where({m}, {x}, {c % 4})")


def cast(w, a, b, c):
    x = w.pick(a)
    if x:
        w.let(f"{x}.to(t.{('float32', 'int64', 'float64', 'int32', 'bool', 'float32', 'int16', 'int8')[c % 8]})")


def exact_sum(w, a, b, c):
    x = w.pick(a)
    if x:
        v = w.space[x]
        over = "" if b % 4 == 0 or not v.dim() else f"{dim_of(v, b)}, keepdim={bool(c % 2)}"
        if b % 11 == 1 and v.dim() > 1:
            over = f"({c % v.dim()}, {(c + 1) % v.dim()})"
        w.let(f"{x}.sum({over}) % 7")


def extreme(w, a, b, c):
    x = w.pick(a, lambda x: is_number(x) and x.numel() > 0 and x.dim() > 0 and 0 not in x.shape)
    if x:
        d = dim_of(w.space[x], b)
        keep = f"keepdim={bool(b % 2)}"
        text = (
            f"{x}.max({d}, {keep})[0]", f"{x}.max({d}, {keep})[1]", f"{x}.argmax({d})", f"{x}.argmin({d}, {keep})", f"{x}.amax({d}, {keep})",
            f"{x}.max()", f"{x}.min({d})[0]", f"{x}.argmax()",
        )  # fmt: skip
        w.let(text[c % 8])


def truth(w, a, b, c):
    x = w.pick(a, is_bool)
    if x:
        over = f"{dim_of(w.space[x], b)}" if w.space[x].dim() else ""
        w.let(f"{x}.{('any', 'all')[c % 2]}({over})")


def pick_by_tensor(w, a, b, c):
    i = w.pick(a, lambda x: x.dtype == suiren.int64 and x.numel() < 600)
    x = w.pick(b, lambda x: x.dim() > 0 and x.shape[0] > 0 and x.dim() < 4)
    if i and x:
        n = w.space[x].shape[0]
        w.let(f"{x}[{i} % {n}]")


def exact_product(w, a, b, c):
    x = w.pick(a, lambda x: x.dim() >= 1 and x.dtype == suiren.float32)
    if x is None:
        return
    v = w.space[x]

    def fits(y) -> bool:
        if y.dtype != suiren.float32 or not y.dim():
            return False
        inner = y.shape[-2] if y.dim() > 1 else y.shape[0]
        batch = all(p == q or 1 in (p, q) for p, q in zip(reversed(v.shape[:-2]), reversed(y.shape[:-2])))
        return inner == v.shape[-1] and batch

    y = w.pick(b, fits)
    if y and not (v.dim() == 1 and w.space[y].dim() == 1 and c % 2):
        w.let(f"({x} @ {y}) % 7")
    elif v.dim() >= 2:
        w.let(f"({x} @ {x}.transpose(-1, -2)) % 5")


def write(w, a, b, c):
    """An in-place write, perhaps through a view. Not into an expanded tensor: PyTorch refuses those."""
    x = w.pick(a, lambda x: is_number(x) and x.dtype != suiren.uint8 and not x.requires_grad and is_dense(x))
    if x is None:
        return
    v = w.space[x]
    through = x
    if v.dim() and b % 3:
        through = f"{x}[{place(v, b, c)}]" if b % 3 == 1 else f"{x}.transpose(0, -1)"
    target = eval(through, w.space)
    kind = c % 6
    if kind == 0:
        w.line(f"{through}.clamp_(-{b % 4}, 3)")
    elif kind == 1:
        w.line(f"{through}.zero_()")
    elif kind == 2:
        w.line(f"{through}.fill_({b % 5 - 2})")
    elif kind == 3:
        w.line(f"{through}.neg_()")
    else:
        y = w.pick(b, lambda y: can_be_written(y, target))
        if y is None:
            return
        if kind == 4 and v.dim():
            w.line(f"{x}.transpose(0, -1)[...] = {y}" if through.endswith(")") else f"{through if through != x else x + '[...]'} = {y}")
        else:
            w.line(f"{through}.add_({y}).clamp_(-9, 9)")


def look(w, a, b, c):
    x = w.pick(a)
    if x and len(w.lines) % 2:
        w.line((f"{x}.tolist()", f"bool(({x} == 1).any())", f"float({x}.sum())")[c % 3])


def make(w, a, b, c):
    shape = (b % 4 + 1, c % 6)[: 1 + a % 2]
    forms = (f"t.arange({c % 9})", f"t.zeros({shape})", f"t.ones({shape}, dtype=t.int64)", f"t.full({shape}, {b % 5})", f"t.eye({b % 5})")
    w.let(forms[(a + b + c) % 5])


EXACT = (
    exact_binary, exact_number, exact_unary, compare, where, cast, exact_sum, extreme, move, move, index, index, join, write, write,
    exact_product, drop, exact_binary, logic, truth, pick_by_tensor, make, look,
)  # fmt: skip

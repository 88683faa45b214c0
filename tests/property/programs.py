"""Random programs, as text: what a test draws are numbers, and a scout run turns them into lines of Python that only use PyTorch's API.

The lines run as they stand on suiren and on PyTorch, in any tier, and a failing test prints them: they are the reproduction.

Two families. In an *exact* program every value is a small whole number (floats too), whatever is computed is exact in float32, and so the
interpreter, machine code and PyTorch must agree in every bit, comparisons and places of maxima included. In a *smooth* program the values are
real and stay within a few units; nothing in it is decided by a comparison of computed values, so differences stay differences of rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

import suiren

# Sizes of dims: none, one, odd ones, a vector's and a little more; large ones for dims that are alone.
SIZES = (1, 2, 3, 5, 8, 17, 0)
LARGE = (4099, 1000, 2048)
MOST = 40_000  # elements of any value: larger ones cost time and find nothing more


class Text(NamedTuple):
    """A program: its lines, the arrays it is given as v0, v1, …, and the names it ends with."""

    lines: tuple[str, ...]
    inputs: tuple[np.ndarray, ...]
    kept: tuple[str, ...]
    requires_grad: tuple[int, ...] = ()

    def source(self) -> str:
        given = ", ".join(f"v{i}" for i in range(len(self.inputs)))
        body = [*self.lines, f"return [{', '.join(self.kept)}]"]
        return f"def program(t{', ' + given if given else ''}):\n" + "\n".join("    " + line for line in body)

    def __str__(self) -> str:
        made = [f"v{i}: {a.dtype} {a.shape}" + (" requires_grad" if i in self.requires_grad else "") for i, a in enumerate(self.inputs)]
        return "\n".join(["", "# " + "; ".join(made), self.source()])

    def function(self) -> Callable:
        space: dict = {}
        exec(compile(self.source(), "<program>", "exec"), space)
        return space["program"]

    def run(self, t=suiren, looked: tuple[int, ...] = ()) -> list:
        """The final values, as arrays; a list or a number that the program made stays one. `looked`: the kept ones that are looked at first."""
        leaves = [t.tensor(a) for a in self.inputs]
        for i in self.requires_grad:
            leaves[i].requires_grad_()
        t.manual_seed(3)
        found = self.function()(t, *leaves)
        for i in looked:
            if found:
                _array(found[i % len(found)])
        return [_array(x) for x in found]


def _array(x):
    if x is None or isinstance(x, (int, float, bool, list)):
        return np.asarray(x if x is not None else np.nan)
    return np.array(x.detach().numpy())


class Writer:
    """Writes a program line by line while a scout runs it (recorded, not computed) to know shapes and dtypes."""

    def __init__(self, inputs: list[np.ndarray], requires_grad: tuple[int, ...] = ()):
        self.inputs, self.requires_grad = tuple(inputs), requires_grad
        self.space: dict = {"t": suiren}
        self.names: list[str] = []
        self.lines: list[str] = []
        self.count = len(inputs)
        for i, a in enumerate(inputs):
            self.space[f"v{i}"] = suiren.tensor(a).requires_grad_(i in requires_grad)
            self.names.append(f"v{i}")

    def pick(self, n: int, fits: Callable = lambda x: True) -> str | None:
        """The n-th name whose value fits, counted from the newest: short programs are connected ones."""
        fitting = [name for name in reversed(self.names) if fits(self.space[name])]
        return fitting[n % len(fitting)] if fitting else None

    def line(self, text: str) -> None:
        exec(text, self.space)
        self.lines.append(text)

    def let(self, expression: str) -> None:
        """A new name for an expression, if its value is not too large."""
        value = eval(expression, self.space)
        if value.numel() > MOST:
            return
        name = f"v{self.count}"
        self.count += 1
        self.space[name] = value
        self.names.append(name)
        self.lines.append(f"{name} = {expression}")

    def forget(self, name: str) -> None:
        self.names.remove(name)
        self.line(f"del {name}")

    def text(self) -> Text:
        return Text(tuple(self.lines), self.inputs, tuple(self.names), self.requires_grad)


# ---------------------------------------------------------------- what a line may be
# An action is action(writer, a, b, c): three drawn numbers; it writes lines, or nothing where no value fits.


def is_float(x) -> bool:
    return x.dtype.is_floating_point


def is_bool(x) -> bool:
    return x.dtype == suiren.bool


def is_number(x) -> bool:
    return not is_bool(x)


def is_int(x) -> bool:
    return not is_float(x) and not is_bool(x)


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


def small(text: str, dtype) -> str:
    """Keeps whole numbers small enough for everything to be exact."""
    return f"({text}).clamp(-9, 9)"


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


def can_be_written(y, target) -> bool:
    """Whether `y` broadcasts to `target` and shares no memory with it: PyTorch refuses, or leaves open, what overlaps in part."""
    fits = y.dim() <= target.dim() and all(p in (1, q) for p, q in zip(reversed(y.shape), reversed(target.shape)))
    return fits and y.dtype == target.dtype and not y.requires_grad and y._root() is not target._root()


def is_dense(x) -> bool:
    """No element of it stands at two places, so a write has one meaning."""
    return all(s != 0 or n <= 1 for s, n in zip(x.stride(), x.shape))


def look(w, a, b, c):
    x = w.pick(a)
    if x and len(w.lines) % 2:
        w.line((f"{x}.tolist()", f"bool(({x} == 1).any())", f"float({x}.sum())")[c % 3])


def drop(w, a, b, c):
    if len(w.names) > 2:
        w.forget(w.names[a % len(w.names)])


def make(w, a, b, c):
    shape = (b % 4 + 1, c % 6)[: 1 + a % 2]
    forms = (f"t.arange({c % 9})", f"t.zeros({shape})", f"t.ones({shape}, dtype=t.int64)", f"t.full({shape}, {b % 5})", f"t.eye({b % 5})")
    w.let(forms[(a + b + c) % 5])


EXACT = (
    exact_binary, exact_number, exact_unary, compare, where, cast, exact_sum, extreme, move, move, index, index, join, write, write,
    exact_product, drop, exact_binary, logic, truth, pick_by_tensor, make, look,
)  # fmt: skip


# ---------------------------------------------------------------- smooth programs


def smooth_unary(w, a, b, c):
    x = w.pick(a, is_float)
    if x:
        forms = (
            "t.tanh({x})", "t.sigmoid({x})", "t.sin({x})", "t.exp(-{x} * {x})", "t.log({x} * {x} + 1)", "t.sqrt({x} * {x} + 0.5)", "t.erf({x})",
            "t.nn.functional.gelu({x})", "t.nn.functional.silu({x})", "1 / (1 + {x} * {x})", "-{x}", "{x} * 0.5 + 0.25", "t.cos({x})",
            "({x} * {x}).clamp(max=400) ** 1.5 / 9", "t.nn.functional.softplus({x})", "t.atan({x})", "({x} * {x} + 1) ** -0.5", "t.rsqrt({x} * {x} + 2)",
        )  # fmt: skip
        w.let(forms[c % len(forms)].format(x=x))


def smooth_binary(w, a, b, c):
    pair = two(w, a, b, is_float)
    if pair:
        x, y = pair
        forms = ("({x} + {y}) * 0.5", "{x} - 0.5 * {y}", "t.tanh({x} * {y})", "{x} / (1 + {y} * {y})", "t.lerp({x}, {y}, 0.3)", "0.7 * {x} * t.sigmoid({y})")
        form = forms[c % len(forms)]
        if "lerp" in form and w.space[x].dtype != w.space[y].dtype:
            form = forms[0]
        w.let(form.format(x=x, y=y))


def smooth_reduction(w, a, b, c):
    x = w.pick(a, lambda x: is_float(x) and x.numel() > 0)
    if x:
        v = w.space[x]
        d = dim_of(v, b)
        over = f"{d}, keepdim={bool(c % 2)}" if v.dim() else ""
        forms = [f"{x}.mean({over})", f"t.tanh({x}.sum({over}) * 0.05)", f"t.logsumexp({x}, {d}) * 0.5", f"{x}.mean()"]
        if v.dim() and v.shape[d] > 1:
            forms += [f"{x}.var({over})", f"({x}.var({d}, unbiased=False) + 0.1).sqrt()", f"({x}.square().sum({d}) + 0.1).sqrt() * 0.1"]
        w.let(forms[c // 2 % len(forms)])


def smooth_composite(w, a, b, c):
    x = w.pick(a, lambda x: is_float(x) and x.dim() > 0 and x.numel() > 0)
    if x is None:
        return
    v = w.space[x]
    d = dim_of(v, b)
    f = "t.nn.functional"
    forms = [f"t.softmax({x}, {d})", f"t.log_softmax({x}, {d}) * 0.2", f"{f}.layer_norm({x}, ({v.shape[-1]},))"]
    if v.dim() == 2:
        n, k = v.shape
        forms.append(f"{f}.cross_entropy({x}, t.arange({n}) % {k})")
        forms.append(f"{f}.nll_loss(t.log_softmax({x}, 1), t.arange({n}) % {k}, reduction='sum') * 0.1")
        if n > 1:
            forms.append(f"{f}.batch_norm({x}, None, None, training=True)")
            forms.append(f"({x} - {x}.mean(0)) / ({x}.var(0, unbiased=False) + 0.1).sqrt()")
    if v.dim() >= 3 and v.numel() // v.shape[1] > 1:
        forms.append(f"{f}.batch_norm({x}, None, None, training=True)")
    w.let(forms[c % len(forms)])


def smooth_product(w, a, b, c):
    x = w.pick(a, lambda x: is_float(x) and x.dim() >= 1)
    if x is None:
        return
    v = w.space[x]
    y = w.pick(b, lambda y: y.dtype == v.dtype and y.dim() == 2 and y.shape[0] == v.shape[-1])
    if y and c % 3:
        w.let(f"t.tanh({x} @ {y} * 0.3)" if c % 2 else f"({x} @ {y}) * {1 / max(v.shape[-1], 1):.4f}")
    elif v.dim() >= 2:
        w.let(f"t.relu({x} @ {x}.transpose(-1, -2) * 0.1 + 0.3).clamp(max=9)")


def smooth_where(w, a, b, c):
    """Decided by places, not by values."""
    pair = two(w, a, b, lambda x: is_float(x) and x.dim() > 0)
    if pair:
        x, y = pair
        n = suiren.broadcast_shapes(w.space[x].shape, w.space[y].shape)[-1]
        w.let(f"t.where(t.arange({n}) % {2 + c % 2} == 0, {x}, {y})")


def smooth_random(w, a, b, c):
    x = w.pick(a, is_float)
    if x:
        forms = ("t.nn.functional.dropout({x}, 0.4)", "{x} * t.rand_like({x})", "{x} + 0.1 * t.randn_like({x})", "{x} + t.randint(0, 3, {x}.shape)")
        w.let(forms[c % 4].format(x=x))


def smooth_write(w, a, b, c):
    """An in-place write into what nobody's gradient needs: a tensor without a history, or (by multiplying) one that is cloned first."""
    x = w.pick(a, lambda x: is_float(x) and not x.requires_grad and is_dense(x))
    if x is None:
        return
    v = w.space[x]
    through = f"{x}[{place(v, b, c)}]" if v.dim() and b % 2 else x
    target = eval(through, w.space)
    y = w.pick(b, lambda y: can_be_written(y, target))
    forms = [f"{through}.mul_(0.5)", f"{through}.tanh_()", f"{through}.add_(0.125)"]
    if y:
        forms += [f"{through}.add_({y}, alpha=0.5).mul_(0.5)", f"{through}.copy_({y})"]
    w.line(forms[c % len(forms)])


def smooth_move(w, a, b, c):
    (move, index, join)[c % 3](w, a, b, c // 3)


SMOOTH = (
    smooth_unary, smooth_binary, smooth_reduction, smooth_composite, smooth_product, smooth_where, smooth_random, smooth_write, smooth_move,
    smooth_unary, smooth_binary, smooth_move, drop,
)  # fmt: skip


def smooth_loss(w, a, b, c):
    """A backward, with its gradients summed into the leaves."""
    x = w.pick(a, lambda x: is_float(x) and x.requires_grad and x.numel() > 0)
    if x is None:
        return
    leaves = [f"v{i}" for i in w.requires_grad]
    if c % 5 == 0:
        w.line(f"float({x}.sum())")
    form = (f"({x}.square().mean() + {x}.sum() * 0.01)", f"{x}.mean()", f"({x} * 0.2).sum()")[b % 3]
    if c % 4 == 0:
        name = f"v{w.count}"
        w.count += 1
        w.line(f"{name} = {form}")
        if c % 3 == 0:
            w.line(f"{name}.item()")
        w.line(f"{name}.backward(retain_graph=True)")
        w.line(f"({name} * 0.5).backward()")
        if b % 2:
            w.line(f"del {name}")
        else:
            w.line(f"{name} = {name}.detach()")
            w.names.append(name)
    else:
        w.line(f"{form}.backward()")
    # the graph behind is used up: what hangs on it can run backward no more
    for name in [n for n in w.names if w.space[n].requires_grad and n not in leaves]:
        w.line(f"{name} = {name}.detach()")
    kind = (a + b + c) % 4
    if kind == 0:
        return  # the next one accumulates
    for leaf in leaves:
        if w.space[leaf].grad is None:
            continue
        if kind == 1:
            w.line(f"with t.no_grad(): {leaf} -= 0.1 * {leaf}.grad.clamp(-1, 1)")
            w.line(f"{leaf}.grad = None")
        elif kind == 2:
            w.line(f"{leaf}.data.add_({leaf}.grad.clamp(-1, 1), alpha=-0.1)")
            w.line(f"{leaf}.grad.zero_()")
        else:
            w.let(f"{leaf}.grad.detach().clamp(-3, 3) * 0.5")
            w.line(f"{leaf}.grad = None")


def smooth_grad_tricks(w, a, b, c):
    x = w.pick(a, lambda x: is_float(x) and x.requires_grad)
    if x is None:
        return
    name = f"v{w.count}"
    kind = c % 4
    if kind == 0:
        w.let(f"{x}.detach() * 0.5")
    elif kind == 1:
        w.count += 1
        w.line(f"with t.no_grad(): {name} = t.tanh({x})")
        w.names.append(name)
    elif kind == 2:  # an in-place change of a copy, which a graph goes through
        w.count += 1
        w.line(f"{name} = {x} * 0.9")
        v = w.space[name]
        through = f"{name}[{place(v, b, c)}]" if v.dim() and b % 2 else name
        w.line((f"{through}.mul_(0.5)", f"{through}.add_(0.25)", f"{through}.zero_()")[b % 3])
        w.names.append(name)
    else:
        w.line(f"{x}.sum().item()")


TRAINING = (*(x for x in SMOOTH if x is not drop), smooth_unary, smooth_binary, smooth_product, smooth_loss, smooth_loss, smooth_grad_tricks)


# ---------------------------------------------------------------- from drawn numbers to a program


def exact_array(a: int, b: int, c: int) -> np.ndarray:
    shape = shape_of(a, b)
    kind = ("float32", "float32", "int64", "float32", "bool", "int32", "float32", "uint8", "float64", "int64")[c % 10]
    values = np.random.default_rng(a * 7 + b).integers(-4, 5, shape)
    return (np.abs(values) if kind == "uint8" else values > 0 if kind == "bool" else values).astype(kind)


def smooth_array(a: int, b: int, c: int) -> np.ndarray:
    kind = "float64" if c % 9 == 8 else "float32"
    return np.random.default_rng(a * 7 + b).standard_normal(shape_of(a, b)).astype(kind)


def shape_of(a: int, b: int) -> tuple[int, ...]:
    ndim = a % 4
    sizes = [SIZES[(b // 7**i) % (6 if (a // 4) % 6 else 7)] for i in range(ndim)]  # a size of 0 in one program of six
    if ndim == 1 and b % 5 == 0 or ndim == 2 and b % 13 == 0:
        sizes[-1] = LARGE[b % 3]
    return tuple(sizes)


def exact_program(given: list[tuple[int, int, int]], steps: list[tuple[int, int, int, int]]) -> Text:
    return _written([exact_array(*g) for g in given], steps, EXACT)


def smooth_program(given: list[tuple[int, int, int]], steps: list[tuple[int, int, int, int]]) -> Text:
    return _written([smooth_array(*g) for g in given], steps, SMOOTH)


def training_program(given: list[tuple[int, int, int]], steps: list[tuple[int, int, int, int]]) -> Text:
    """The first and the third array are parameters; the gradients they end with are results too."""
    arrays = [smooth_array(*g) for g in given]
    w = _writer(arrays, steps, TRAINING, tuple(i for i in range(len(arrays)) if i % 2 == 0))
    for i in w.requires_grad:
        if w.space[f"v{i}"].grad is not None:
            w.names.append(f"v{i}.grad")
    return w.text()


def _written(arrays, steps, actions) -> Text:
    return _writer(arrays, steps, actions).text()


def _writer(arrays, steps, actions, requires_grad: tuple[int, ...] = ()) -> Writer:
    from suiren.trace.recording import finish

    w = Writer(arrays, requires_grad)
    with suiren.config(tier="interpreter"):
        for which, a, b, c in steps:
            try:
                actions[which % len(actions)](w, a, b, c)
            except RuntimeError as error:
                if "modified by an inplace operation" not in str(error):
                    raise
                break  # a write harmed what a gradient needs, here as in PyTorch: the program ends before the backward that finds out
        finish()
    return w

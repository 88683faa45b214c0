"""The lines of smooth programs: nothing is decided by a comparison of computed values. And of programs that train, which have gradients in them."""

from __future__ import annotations

import suiren
from tests.property.lines import can_be_written, dim_of, drop, index, is_dense, is_float, join, move, place, two


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

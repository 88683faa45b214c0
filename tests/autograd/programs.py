"""Small programs of autograd: `t` is torch or suiren, `A` its autograd. Each gives a list of tensors and texts; PyTorch's are recorded by
tests/recorded/record_autograd.py.
"""

from __future__ import annotations

import importlib
import warnings

import numpy as np

PROGRAMS: dict[str, object] = {}


def program(f):
    PROGRAMS[f.__name__] = f
    return f


def module(t, name: str):
    return importlib.import_module(f"{t.__name__}.{name}")


def leaf(t, *values, dtype=None):
    return t.tensor(values, dtype=dtype or t.float32).requires_grad_()


def error(f, *args, **kwargs) -> str:
    """The exception, as a text; of the change of a saved value, what PyTorch says of it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            f(*args, **kwargs)
    except Exception as e:
        return f"{type(e).__name__}: {str(e).split(' Hint: ')[0]}"
    return "nothing was raised"


def functions(t):
    F = t.autograd.Function

    class Exp(F):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, g):
            (y,) = ctx.saved_tensors
            return g * y

    class Scaled(F):
        @staticmethod
        def forward(x, k, y):
            return x * k, y * y, k

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, k, y = inputs
            ctx.k = k
            ctx.save_for_backward(y)

        @staticmethod
        def backward(ctx, g, h, _):
            (y,) = ctx.saved_tensors
            return g * ctx.k, None, 2 * y * h

    class Numpy(F):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return t.from_numpy(np.sin(x.numpy()))

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return t.from_numpy(np.cos(x.detach().numpy()) * g.numpy())

    return Exp, Scaled, Numpy


@program
def function_runs_again_and_again(t, A):
    Exp, Scaled, Numpy = functions(t)
    x, y = leaf(t, 0.5, -1.0, 2.0), leaf(t, 1.0, 2.0, 3.0)
    found = []
    for i in range(4):
        x.grad = y.grad = None
        a, b, k = Scaled.apply(Exp.apply(x) + Numpy.apply(x * 1.0), 2.5 + i, y)
        (a * b).sum().backward()
        found += [a, b, str(k), x.grad.clone(), y.grad.clone(), a.grad_fn.name(), str(b.output_nr)]
    return found


@program
def function_is_differentiated_twice(t, A):
    Exp, Scaled, _ = functions(t)
    x = leaf(t, 0.5, -1.0)
    (g,) = A.grad(Exp.apply(x).sum(), x, create_graph=True)
    (h,) = A.grad((g * g).sum(), x, create_graph=True)
    (i,) = A.grad(h.sum(), x)
    a, b, _ = Scaled.apply(x, 3.0, x)
    (j,) = A.grad((a * b).sum(), x, create_graph=True)
    return [g, h, i, j, A.grad(j.sum(), x)[0]]


@program
def function_needs_and_errors(t, A):
    F = A.Function
    seen = []

    class Needs(F):
        @staticmethod
        def forward(ctx, x, n, y):
            seen.append(str(ctx.needs_input_grad))
            return x * y

        @staticmethod
        def backward(ctx, g):
            seen.append(str(ctx.needs_input_grad))
            return g, None, None

    class Few(Needs):
        @staticmethod
        def backward(ctx, g):
            return g

    class NotNone(Needs):
        @staticmethod
        def backward(ctx, g):
            return g, g, g

    class Shape(Needs):
        @staticmethod
        def backward(ctx, g):
            return t.ones(5), None, None

    class Empty(F):
        pass

    class NoBackward(F):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    class Saves(Needs):
        @staticmethod
        def forward(ctx, x, n, y):
            ctx.save_for_backward(x, 3)
            return x * 2

    class Bits(F):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            whole, part = x.floor(), x - x.floor()
            ctx.mark_non_differentiable(whole)
            return whole, part, x * 2

        @staticmethod
        def backward(ctx, *grads):
            seen.append(str([g is None for g in grads]))
            return grads[1] if grads[2] is None else grads[2] * 2

    x, y = leaf(t, 1.0, 2.0), t.ones(2)
    Needs.apply(x, 3, y).sum().backward()
    with t.no_grad():
        plain = Needs.apply(x, 3, y)
    whole, part, twice = Bits.apply(x * 1.25)
    part.sum().backward(retain_graph=True)
    twice.sum().backward()
    return [
        x.grad, *seen, str(plain.requires_grad), str(whole.requires_grad), str(part.requires_grad),
        error(Few.apply(x, 3, y).sum().backward), error(NotNone.apply(x, 3, y).sum().backward), error(Shape.apply(x, 3, y).sum().backward),
        error(Empty.apply, x), error(NoBackward.apply(x).sum().backward), error(Saves.apply, x, 3, y), error(Needs(), x),
    ]  # fmt: skip


@program
def function_in_place(t, A):
    class Add(A.Function):
        @staticmethod
        def forward(ctx, x, n):
            ctx.mark_dirty(x)
            return x.add_(n)

        @staticmethod
        def backward(ctx, g):
            return g * 10, None

    class NotReturned(Add):
        @staticmethod
        def forward(ctx, x, n):
            ctx.mark_dirty(x)
            return x.add(n)

    x = leaf(t, 1.0, 2.0)
    h = x * 2
    same = Add.apply(h, 1)
    (h * h).sum().backward()
    return [h, x.grad, str(same is h), h.grad_fn.name(), error(Add.apply, x, 1), error(NotReturned.apply, x * 2, 1)]


@program
def function_once_differentiable(t, A):
    once = module(t, "autograd.function").once_differentiable

    class Square(A.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @once
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x * g

    x, w = leaf(t, 1.0, 2.0), leaf(t, 3.0)
    (g,) = A.grad((Square.apply(x) * w).sum(), x, create_graph=True)
    return [g, str(g.requires_grad), error(g.sum().backward)]


@program
def function_returns_its_input(t, A):
    class Same(A.Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 3

    class Row(A.Function):
        @staticmethod
        def forward(ctx, x):
            return x[0], x.t()

        @staticmethod
        def backward(ctx, g, h):
            return t.cat([g[None], t.zeros(1, 2)]) + h.t()

    x = leaf(t, 1.0, 2.0)
    y = Same.apply(x)
    y.sum().backward()
    m = t.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    r, c = Row.apply(m)
    (r.sum() + (c * c).sum()).backward()
    return [x.grad, str(y is x), r, c, m.grad]


@program
def saved_values_are_watched(t, A):
    Exp, _, _ = functions(t)
    x = leaf(t, 1.0, 2.0)

    def changed(f):
        def run():
            h = x * 1.0
            y = f(h)
            (y if f is Exp.apply else h).add_(1)
            y.sum().backward()

        return run

    def out_changed():
        y = (x * 1.0).exp()
        y.mul_(2)
        y.sum().backward()

    def twice():
        y = Exp.apply(x)
        y.sum().backward()
        y.sum().backward()

    def looked(f):
        h = x * 1.0
        y = f(h)
        y.sum().item()
        h.add_(1)
        y.sum().backward()

    return [
        error(changed(lambda h: h * h)), error(out_changed), error(twice), error(looked, lambda h: h.sin()),
        error(lambda: x.add_(1)), error(lambda: x[0].mul_(2)),
    ]  # fmt: skip


@program
def hooks_of_tensors(t, A):
    x = leaf(t, 1.0, 2.0)
    found = []
    h = x * 2
    h.retain_grad()
    handle = h.register_hook(lambda g: g * 10)
    x.register_hook(lambda g: found.append(g.clone()))
    x.register_post_accumulate_grad_hook(lambda p: found.append(p.grad.clone()))
    (h * h + x).sum().backward()
    found += [h.grad, x.grad.clone(), str(h.retains_grad)]
    handle.remove()
    x.grad = None
    (x * x * x).sum().backward()  # one call of the hook, with the whole gradient
    return [*found, x.grad, str(len(found)), error((x.detach() * 2).register_hook, print), error((x * 2).register_post_accumulate_grad_hook, print)]


@program
def hooks_of_nodes(t, A):
    x = leaf(t, 1.0, 2.0)
    found = []
    y = (x * 2).exp()
    node = y.grad_fn
    node.register_prehook(lambda go: (go[0] * 2,))
    node.register_hook(lambda gi, go: found.extend([gi[0].clone(), go[0].clone()]))
    inner = node.next_functions[0][0]
    inner.register_hook(lambda gi, go: (gi[0] * 3, *gi[1:]))
    node.metadata["note"] = "kept"
    y.sum().backward()
    return [*found, x.grad, node.name(), inner.name(), inner.next_functions[0][0].name(), str(y.grad_fn is node), str(y.grad_fn.metadata)]


@program
def hooks_of_several_gradients(t, A):
    graph = module(t, "autograd.graph")
    x = leaf(t, 1.0, 2.0)
    a, b, c = x * 2, x * 3, x * 4
    found = []
    handle = graph.register_multi_grad_hook((a, b, c), lambda gs: found.extend("None" if g is None else g.clone() for g in gs))
    (a * b).sum().backward(retain_graph=True)
    (a * b * c).sum().backward()
    handle.remove()
    d, e = x * 2, x * 3
    graph.register_multi_grad_hook((d, e), lambda g: found.append("once"), mode="any")
    (d * e).sum().backward()
    return [*found, x.grad, error(graph.register_multi_grad_hook, (a,), print, mode="most")]


@program
def saved_tensors_hooks(t, A):
    graph = module(t, "autograd.graph")
    x, w = leaf(t, 1.0, 2.0, 3.0), leaf(t, 0.5, 0.5, 0.5)
    packed, unpacked = [], []

    def pack(v):
        packed.append(v.detach().clone())
        return v.detach().numpy().copy()

    def unpack(a):
        unpacked.append(str(a.shape))
        return t.from_numpy(a)

    with graph.saved_tensors_hooks(pack, unpack):
        y = (x.exp() * w).sin().sum()
    y.backward()
    first = [x.grad.clone(), w.grad.clone()]
    with graph.save_on_cpu():
        z = (x * x * w).sum()
    (g,) = A.grad(z, x, create_graph=True)
    (h,) = A.grad(g.sum(), w)

    @graph.disable_saved_tensors_hooks("not here")
    def forbidden():
        with graph.saved_tensors_hooks(pack, unpack):
            pass

    return [*packed, *unpacked, *first, g, h, error(forbidden)]

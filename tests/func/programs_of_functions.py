"""Programs of custom Functions inside of transforms: their own rules for vmap and for forward mode. See programs.py."""

from __future__ import annotations

import numpy as np

from tests.autograd.programs import error, leaf, module
from tests.func.programs import matrix, program


def functions(t):
    F = t.autograd.Function

    class Take(F):
        """x at places, by NumPy."""

        @staticmethod
        def forward(x, places, back, dim):
            return t.from_numpy(np.take_along_axis(x.numpy(), places.numpy(), dim))

        @staticmethod
        def setup_context(ctx, inputs, output):
            _, places, back, ctx.dim = inputs
            ctx.save_for_backward(places, back)

        @staticmethod
        def backward(ctx, g):
            places, back = ctx.saved_tensors
            return Take.apply(g, back, places, ctx.dim), None, None, None

        @staticmethod
        def vmap(info, in_dims, x, places, back, dim):
            front = [a.expand(info.batch_size, *a.shape) if d is None else a.movedim(d, 0) for a, d in zip((x, places, back), in_dims)]
            return Take.apply(*front, dim + 1 if dim >= 0 else dim), 0

    class Sort(F):
        @staticmethod
        def forward(x, dim):
            places = np.argsort(x.numpy(), dim)
            sorted_values = np.take_along_axis(x.numpy(), places, dim)
            return t.from_numpy(sorted_values), t.from_numpy(places), t.from_numpy(np.argsort(places, dim))

        @staticmethod
        def setup_context(ctx, inputs, output):
            _, places, back = output
            ctx.mark_non_differentiable(places, back)
            ctx.save_for_backward(places, back)
            ctx.dim = inputs[1]

        @staticmethod
        def backward(ctx, g, _0, _1):
            places, back = ctx.saved_tensors
            return Take.apply(g, back, places, ctx.dim), None

        @staticmethod
        def vmap(info, in_dims, x, dim):
            return Sort.apply(x.movedim(in_dims[0], 0), dim + 1 if dim >= 0 else dim), (0, 0, 0)

    class Cube(F):
        generate_vmap_rule = True

        @staticmethod
        def forward(x):
            return x**3, 3 * x**2

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(inputs[0], output[1])
            ctx.save_for_forward(inputs[0], output[1])

        @staticmethod
        def backward(ctx, g, g_slope):
            x, slope = ctx.saved_tensors
            return g * slope + g_slope * 6 * x

        @staticmethod
        def jvp(ctx, v):
            x, slope = ctx.saved_tensors
            return v * slope, v * 6 * x

    class Scaled(F):
        """k x w, in which w is shared by the batch."""

        generate_vmap_rule = True

        @staticmethod
        def forward(x, w, k):
            return k * x * w

        @staticmethod
        def setup_context(ctx, inputs, output):
            x, w, ctx.k = inputs
            ctx.save_for_backward(x, w)

        @staticmethod
        def backward(ctx, g):
            x, w = ctx.saved_tensors
            return ctx.k * g * w, ctx.k * g * x, None

    class Marked(F):
        """Its jvp says something else than its backward, which shows which one was used."""

        @staticmethod
        def forward(x, y):
            return x.sin() + y

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_forward(*inputs)

        @staticmethod
        def backward(ctx, g):
            return 10 * g, g

        @staticmethod
        def jvp(ctx, v, u):
            x, y = ctx.saved_tensors
            return 100 * x * v + (0 if u is None else u)

    class Forward(F):
        """Forward mode only."""

        @staticmethod
        def forward(x):
            return x.sin()

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_forward(inputs[0])

        @staticmethod
        def jvp(ctx, v):
            return ctx.saved_tensors[0].cos() * v

    return Take, Sort, Cube, Scaled, Marked, Forward


@program
def functions_with_a_rule_of_vmap(t, F):
    Take, Sort, *_ = functions(t)
    x = t.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, -1.0]])
    w = t.arange(3.0)

    def ordered(a, dim=-1):
        return Sort.apply(a, dim)[0]

    p = x.clone().requires_grad_()
    (F.vmap(ordered)(p) * w).sum().backward()
    q = x.clone().requires_grad_()
    (F.vmap(lambda a: ordered(a, 0), 1)(q).sum(0) * w[:2]).sum().backward()
    twice = F.vmap(F.vmap(ordered))(t.stack([x, -x]))
    places = t.tensor([2, 0, 1])
    shared = F.vmap(lambda i: Take.apply(x[0], i, places, 0))(t.stack([places, places.flip(0)]))
    seen = []

    class Product(t.autograd.Function):
        @staticmethod
        def forward(a, b):
            return a * b

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            return g * b, g * a

        @staticmethod
        def vmap(info, in_dims, a, b):
            seen.append(f"{info} {in_dims} {tuple(a.shape)} {tuple(b.shape)}")
            return Product.apply(a, b), 0

    products = [
        F.vmap(Product.apply)(x, x), F.vmap(Product.apply, (0, None))(x, w), F.vmap(Product.apply, (None, 0))(w, x), F.vmap(F.vmap(Product.apply))(x, x),
        F.vmap(F.grad(lambda a, b: Product.apply(a, b).sum()))(x, x), F.vmap(Product.apply, randomness="same")(x, x), F.jacrev(Product.apply)(w, w),
    ]  # fmt: skip
    return [F.vmap(ordered)(x), p.grad, q.grad, twice, shared, *products, *seen]


@program
def functions_for_all_places(t, F):
    _, _, Cube, Scaled, *_ = functions(t)
    x = matrix(t, 4)
    y, w = matrix(t, 3, 4), matrix(t, 4, start=0.3)

    def cube(a):
        return Cube.apply(a)[0]

    p, s = y.clone().requires_grad_(), w.clone().requires_grad_()
    (F.vmap(lambda a: Scaled.apply(a, s, 2.0))(p) * y).sum().backward()
    return [
        F.vmap(cube)(x), F.vmap(F.grad(cube))(x), F.vmap(F.grad(F.grad(cube)))(x), F.vmap(F.vmap(cube))(y), F.jacrev(cube)(x), F.hessian(lambda a: cube(a).sum())(x),
        F.vmap(Scaled.apply, (0, None, None))(y, w, 3), F.vmap(F.grad(lambda a, b: Scaled.apply(a, b, 2.0).sum(), (0, 1)), (0, None))(y, w)[1], p.grad, s.grad,
        F.vmap(lambda a: F.jvp(cube, (a,), (t.ones(()),))[1])(x), F.jacfwd(cube)(x), F.vmap(F.jacfwd(F.grad(cube)))(x), F.vmap(lambda a: Cube.apply(a)[1])(x),
        F.jacrev(lambda b: F.vmap(lambda a: Scaled.apply(a, b, 2.0).sum())(y))(w),
    ]  # fmt: skip


@program
def functions_in_forward_mode(t, F):
    *_, Cube, _, Marked, Forward = functions(t)
    ad = module(t, "autograd.forward_ad")
    x, y, v = matrix(t, 3), matrix(t, 3, start=0.9), matrix(t, 3, start=0.2)
    found = [
        *F.jvp(Forward.apply, (x,), (v,)), *F.jvp(Marked.apply, (x, y), (v, v)), *F.jvp(lambda a: Marked.apply(a, y), (x,), (v,)),
        F.grad(lambda a: Marked.apply(a, y).sum())(x), F.jvp(F.grad(lambda a: Cube.apply(a)[0].sum()), (x,), (v,))[1],
        *Cube.apply(x),
    ]  # fmt: skip
    with ad.dual_level():
        d = ad.make_dual(x, v)
        found += [*ad.unpack_dual(Forward.apply(d)), ad.unpack_dual(Cube.apply(d)[1]).tangent, ad.unpack_dual(Marked.apply(d, y)).tangent]
    found.append(error(lambda: Forward.apply(leaf(t, 1.0)).sum().backward()))
    return found


@program
def functions_that_vmap_refuses(t, F):
    def made(**rules):
        methods = {"forward": lambda x: x * 2, "setup_context": lambda ctx, inputs, output: None, "backward": lambda ctx, g: g * 2}
        given = {name: staticmethod(f) if callable(f) else f for name, f in {**methods, **rules}.items()}
        return type("Own", (t.autograd.Function,), {name: f for name, f in given.items() if f is not None})

    x = t.ones(2)
    found = [
        made(), made(generate_vmap_rule=True, vmap=lambda info, in_dims, x: (x, 0)), made(forward=lambda ctx, x: x * 2, setup_context=None, generate_vmap_rule=True),
        made(vmap=lambda info, in_dims, x: (x, 0, 0)),
    ]  # fmt: skip
    return [error(F.vmap(f.apply), x) for f in found]

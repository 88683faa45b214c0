"""Small programs of func: `t` is torch or suiren, `F` its func. Recorded as tests/autograd/programs.py's are."""

from __future__ import annotations

from tests.autograd.programs import error

PROGRAMS: dict[str, object] = {}


def program(f):
    PROGRAMS[f.__name__] = f
    return f


def matrix(t, *shape, start: float = 0.1):
    n = 1
    for size in shape:
        n *= size
    return ((t.arange(n) * 0.37 + start) % 1.7 - 0.8).reshape(shape)


@program
def vmap_of_operations(t, F):
    nn = t.nn.functional
    x, y, w = matrix(t, 3, 2, 4), matrix(t, 4, start=0.5), matrix(t, 4, 5)
    k = t.tensor([[0, 1], [1, 1], [1, 0]])
    maps = [
        lambda a: a * 2 + y, lambda a: a.sum(-1), lambda a: a.sum(), lambda a: a.mean(0), lambda a: a @ w, lambda a: a @ a.t(), lambda a: a.softmax(-1), lambda a: a.max(1)[0],
        lambda a: a.argmax(0), lambda a: a.sort(1)[0], lambda a: a.cumsum(1), lambda a: a[0], lambda a: a[:, 1:3].reshape(-1), lambda a: a.t().reshape(-1),
        lambda a: t.cat([a, y[None]]), lambda a: t.stack([a, a * 2], 1), lambda a: t.where(a > 0, a, -y), lambda a: a.expand(3, 2, 4), lambda a: t.diagonal(a), lambda a: a.flip(1),
        lambda a: a.var(1), lambda a: a.unfold(1, 2, 1), lambda a: nn.layer_norm(a, (4,)), lambda a: nn.linear(a, w.t()), lambda a: nn.pad(a, (1, 2)), lambda a: t.einsum("ij,kj->ik", a, a),
        lambda a: nn.cross_entropy(a, t.tensor([0, 3])), lambda a: a.index_select(1, t.tensor([0, 2])), lambda a: a.unsqueeze(1).squeeze(), lambda a: a.transpose(0, 1).contiguous(),
        lambda a: t.zeros(2) + a.norm(), lambda a: a.roll(1, 0), lambda a: a > 0, lambda a: a.clamp(-0.2, 0.3), lambda a: t.full((2,), 1.5) * a[:, 0],
    ]  # fmt: skip
    found = [F.vmap(f)(x) for f in maps]
    found += [F.vmap(f)(x, k) for f in (
        lambda a, i: a[i], lambda a, i: a[:, i], lambda a, i: a.gather(1, i[:, None]), lambda a, i: a[i[0]], lambda a, i: nn.embedding(i, a),
        lambda a, i: t.zeros(2, 4).index_add(0, i, a), lambda a, i: t.zeros(2, 4).scatter(1, i[:, None], a[:, :1]), lambda a, i: w[i, i],
    )]  # fmt: skip
    return found


@program
def vmap_of_convolutions(t, F):
    nn = t.nn.functional
    x, w = matrix(t, 2, 1, 2, 4, 4), matrix(t, 2, 3, 2, 3, 3)
    conv = lambda a, b: nn.conv2d(a, b, padding=1)  # noqa: E731
    return [
        F.vmap(conv, (0, None))(x, w[0]), F.vmap(conv, (None, 0))(x[0], w), F.vmap(conv)(x, w), F.vmap(lambda a: nn.max_pool2d(a, 2))(x), F.vmap(lambda a: nn.avg_pool2d(a, 2))(x),
        F.vmap(F.grad(lambda b, a: conv(a, b).pow(2).sum()), (None, 0))(w[0], x), F.vmap(F.grad(lambda a: nn.max_pool2d(a, 2).pow(2).sum()))(x),
        F.vmap(lambda a, b: nn.conv_transpose2d(a, b, stride=2))(x, w.transpose(1, 2)),
    ]  # fmt: skip


@program
def vmap_dims_and_errors(t, F):
    x, y = matrix(t, 3, 4), matrix(t, 4, 2)

    def in_place(a):
        b = a.clone()
        b[0] += 1
        b.mul_(2)
        b[1:] = y[0, 0]
        return b

    return [
        F.vmap(lambda a: a * 2, in_dims=1, out_dims=1)(x), F.vmap(lambda a: (a, a.sum()), out_dims=(1, 0))(x)[0], F.vmap(lambda a, b: a * b, (0, None))(x, y[:, 0]),
        F.vmap(t.dot, (0, 1))(x, y.t().repeat(2, 1)[:3].t()), F.vmap(F.vmap(lambda a, b: a * b, (None, 0)), (0, None))(x[0], y[:, 0]), F.vmap(lambda d: d["a"] + d["b"][0])({"a": x, "b": [x]}),
        F.vmap(lambda a: a * 2, chunk_size=2)(x), F.vmap(in_place)(x), F.vmap(lambda a: F.vmap(lambda b: b * a.sum())(a))(x), F.vmap(lambda a, b: a + b, (0, 0))(x, x.double()),
        F.vmap(lambda a, s: a * s)(x, t.ones(3, dtype=t.float64)), F.vmap(lambda a: t.ones(2))(x), F.vmap(lambda a, n: a * n, (0, None))(x, 3), t.vmap(t.sin)(x),
        error(F.vmap(lambda a: a), 3), error(F.vmap(lambda a: a, in_dims=2), x), error(F.vmap(lambda a: a, in_dims=(0, 0)), x).split(" in_dims has")[0], error(F.vmap(lambda a: a)),
        error(F.vmap(lambda a, b: a), x, y), error(F.vmap(lambda a: 3), x), error(F.vmap(lambda a: a, out_dims=None), x), error(F.vmap(lambda a: a, in_dims="a"), x),
        error(F.vmap(lambda a: a, in_dims=None), x), error(F.vmap(lambda a: a.item()), x[0]), error(F.vmap(lambda a: a if a.sum() > 0 else -a), x),
        error(F.vmap(lambda a: a + t.rand(1)), x), error(lambda: F.vmap(t.sin, randomness="some")(x)), error(F.vmap, t.sin, chunk_size=0),
    ]  # fmt: skip


@program
def vmap_randomness(t, F):
    x = t.zeros(3, 2)
    t.manual_seed(1)
    same = F.vmap(lambda a: a + t.rand(2), randomness="same")(x)
    different = F.vmap(lambda a: a + t.rand(2), randomness="different")(x)
    return [same, different, t.rand(1)]


@program
def gradients(t, F):
    x, w = matrix(t, 3), matrix(t, 2, 3)
    f = lambda a: (a.sin() * a).sum()  # noqa: E731
    g = lambda a: (w @ a).tanh()  # noqa: E731
    pair = lambda a, b: (a * b.exp()).sum()  # noqa: E731
    y, pull = F.vjp(g, x)
    z, push = F.linearize(g, x)
    both, value = F.grad_and_value(pair, argnums=(0, 1))(x, x + 1)
    first, aux = F.grad(lambda a: (f(a), a * 2), has_aux=True)(x)
    jac = F.jacrev(lambda d: {"p": d["x"] * 2, "q": d["y"].sum()})({"x": x[:2], "y": x})
    one = t.tensor(1.5)
    return [
        F.grad(f)(x), F.grad(F.grad(lambda s: s**3))(one), F.grad(lambda a: a * F.grad(lambda b: a + b)(one))(one), y, pull(t.ones(2))[0], *F.jvp(g, (x,), (t.ones(3),)), z,
        push(x), *both, value, first, aux, F.jacrev(g)(x), F.jacfwd(g)(x), F.hessian(f)(x), jac["p"]["x"], jac["q"]["y"], jac["p"]["y"], F.jacrev(g, chunk_size=1)(x),
        F.jacfwd(pair, argnums=1)(x, x), F.jacrev(F.jacrev(g))(x), F.hessian(pair, argnums=1)(x, x), str(y.requires_grad), str(F.grad(f)(x).requires_grad),
        error(F.grad(lambda a: a), x), error(F.grad(lambda a: 3.0), x), error(F.grad(f, argnums=1), x), error(pull, (t.ones(2), t.ones(2))), error(F.jvp, g, x, x),
        error(F.jvp, g, (x,), (t.ones(2),)), error(F.grad(f, argnums=(0, 0)), x), error(F.grad(f), 3.0),
    ]  # fmt: skip


@program
def gradients_of_batches(t, F):
    x, w, y = matrix(t, 4, 3), matrix(t, 2, 3), matrix(t, 4, 2, start=0.9)
    loss = lambda w, a, b: ((w @ a - b) ** 2).mean()  # noqa: E731
    g = lambda a: (w @ a).tanh()  # noqa: E731
    f = lambda a: (a.sin() * a).sum()  # noqa: E731
    return [
        F.vmap(F.grad(loss), (None, 0, 0))(w, x, y), F.vmap(F.jacrev(g))(x), F.vmap(F.jacfwd(g))(x), F.vmap(F.hessian(f))(x), F.vmap(lambda v: F.jvp(g, (x[0],), (v,))[1])(x),
        F.vmap(F.vjp(g, x[0])[1])(t.eye(2))[0], F.grad(lambda a: F.vmap(f)(a).sum())(x), F.vmap(F.vmap(F.grad(lambda a, b: (a * b).sin()), (None, 0)), (0, None))(x[0], x[1]),
        F.jacrev(lambda a: F.vmap(lambda r: r @ w.t())(a).sum(1))(x),
    ]  # fmt: skip


@program
def gradients_within_gradients(t, F):
    x = matrix(t, 3)
    w = matrix(t, 2, 3).requires_grad_()
    inner = F.grad(lambda a: (w @ a).pow(2).sum())(x)
    inner.sum().backward()
    z = x.clone().requires_grad_()
    F.grad(lambda a: (a**3).sum())(z).sum().backward()
    u = matrix(t, 2, 3).requires_grad_()
    F.vmap(lambda a: u @ a)(matrix(t, 4, 3)).sum().backward()
    with t.no_grad():
        quiet = F.grad(lambda a: (a**3).sum())(x)
        apart = F.grad(lambda a: (w @ a).pow(2).sum())(x)
    q = x.clone().requires_grad_()
    F.jvp(lambda a: a**3, (q,), (t.ones(3),))[1].sum().backward()
    return [inner, w.grad, z.grad, u.grad, quiet, apart, str(inner.requires_grad), str(apart.requires_grad), q.grad]


@program
def vmap_of_draws_and_classes(t, F):
    one_hot = t.nn.functional.one_hot
    shown = []

    def see(a):
        shown.append(repr(a))
        return a

    F.vmap(see)(t.ones(2))
    F.vmap(F.vmap(see))(t.ones(2, 3))
    t.manual_seed(0)
    weights = matrix(t, 3, 4).abs()
    return [
        F.vmap(lambda a: one_hot(a, 3))(t.tensor([[0], [2]])), error(F.vmap(one_hot), t.tensor([0, 1])), *shown,
        *(F.vmap(lambda a, n=n, again=again: t.multinomial(a, n, again), randomness="different")(weights) for n, again in ((2, False), (1, False), (5, True))),
        error(F.grad(lambda a: a.sum()), t.tensor([1, 2])),
    ]  # fmt: skip


@program
def modules(t, F):
    nn = t.nn
    t.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    x = matrix(t, 5, 3)
    params = {k: v.detach() for k, v in net.named_parameters()}
    grads = F.grad(lambda p: F.functional_call(net, p, (x,)).pow(2).sum())(params)
    each = F.vmap(F.grad(lambda p, a: F.functional_call(net, p, (a,)).pow(2).sum()), (None, 0))(params, x)
    nets = [nn.Linear(3, 2) for _ in range(3)]
    stacked, buffers = F.stack_module_state(nets)
    out = F.vmap(lambda p, b, a: F.functional_call(nets[0], (p, b), (a,)), (0, 0, None))(stacked, buffers, x)

    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(3, 3, bias=False)
            self.b = self.a

        def forward(self, x):
            return self.b(self.a(x))

    tied = Tied()
    extra = F.functional_call(net, {"w": t.zeros(1), "2.bias": t.zeros(2)}, x)
    plain = F.replace_all_batch_norm_modules_(nn.Sequential(nn.BatchNorm1d(4), nn.Sequential(nn.BatchNorm2d(2))))
    return [
        extra, str(hasattr(net, "w")), str([m.running_mean for m in plain.modules() if hasattr(m, "running_mean")]),
        *grads.values(), *each.values(), out, str(stacked["weight"].requires_grad), F.functional_call(net, {"2.bias": t.zeros(2)}, x),
        F.functional_call(tied, {"a.weight": t.eye(3)}, x), F.functional_call(tied, {"a.weight": t.eye(3)}, x, tie_weights=True),
        error(F.functional_call, net, {"2.bias": t.zeros(2)}, x, strict=True).split("\n")[0], error(F.stack_module_state, []),
    ]  # fmt: skip

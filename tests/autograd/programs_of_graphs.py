"""More programs of autograd: modes, what is asked for, checks, functional, checkpoints, names. See programs.py."""

from __future__ import annotations

import functools
import warnings

from tests.autograd.programs import error, leaf, module, program


@program
def modes(t, A):
    x = leaf(t, 1.0, 2.0)
    found = []

    @t.no_grad()
    def without():
        return x * 2

    @t.no_grad()
    def steps():
        for i in range(2):
            found.append(str(t.is_grad_enabled()))
            yield x * i

    @t.enable_grad()
    def within():
        return x * 2

    with t.no_grad():
        found += [str((x * 2).requires_grad), str(within().requires_grad)]
    for y in steps():
        found += [str(y.requires_grad), str(t.is_grad_enabled())]
    with t.set_grad_enabled(False):
        found.append(str(t.is_grad_enabled()))
    with t.inference_mode():
        found += [str((x * 2).requires_grad), str(t.is_inference_mode_enabled()), str(t.is_grad_enabled())]
        with t.inference_mode(False):
            found += [str((x * 2).requires_grad), str(t.is_inference_mode_enabled())]

    @t.inference_mode()
    def inferred():
        return t.is_inference_mode_enabled()

    V = A.Variable(t.ones(2), requires_grad=True)
    (V * 3).sum().backward()
    return [
        *found, str(without().requires_grad), str(inferred()), V.grad, str(isinstance(V, A.Variable)), str(t.is_inference_mode_enabled()),
        error(t.ones(2, dtype=t.int64).requires_grad_), error(lambda: (x * 2).requires_grad_(False)), str(functools.reduce(lambda a, b: a + b, [1, 2])),
    ]  # fmt: skip


@program
def inference_tensors(t, A):
    x = t.ones(2)
    with t.inference_mode():
        y = x * 2
        inside = [str(v.is_inference()) for v in (x, y, x[0], y[0])]
        y.add_(1)
        x.add_(1)
    return [
        *inside, str(y.is_inference()), str(t.is_inference(x)), str(y[0].is_inference()), str(y.clone().is_inference()), str((y * 2).is_inference()), y + x,
        error(y.add_, 1), error(y[0].add_, 1), error(y.requires_grad_), error(x.mul_, y),
    ]  # fmt: skip


@program
def results_written_without_gradients(t, A):
    x = leaf(t, 1.0, 2.0)
    y = x * 3
    with t.no_grad():
        y.add_(1)
    z = (x * 2).exp()
    z.data.mul_(2)
    (y.sum() + z.sum()).backward()
    d = t.ones(4)[1:3].requires_grad_()
    e = x.detach().requires_grad_()
    ((d * 2).sum() + (e * 3).sum()).backward()
    (d * d).sum().backward()
    return [y, x.grad, d.grad, e.grad, str(d.is_leaf), str(y.is_leaf), y.grad_fn.name()]


@program
def what_is_asked_for(t, A):
    x, w = leaf(t, 1.0, 2.0), leaf(t, 3.0, 4.0)
    h = (x * w).exp()
    y = (h * w).sum()
    (gh,) = A.grad(y, h, retain_graph=False)  # frees only what it ran
    gx, gw = A.grad(h, [x, w], gh)
    y2 = ((x * w).exp() * w).sum()
    y2.backward(inputs=[x])
    a, b = x * 2, w * 3
    A.backward([a.sum(), b], [None, t.ones(2)])
    loss = x.sum() + 1
    loss.backward()
    loss.backward()
    unused = A.grad(x.sum(), [x, w], allow_unused=True)
    zeros = A.grad(x.sum(), [x, w], materialize_grads=True)
    named = A.grad((x * w).sum(), {"x": x, "w": w})
    rows = A.grad(x.exp(), x, t.eye(2), is_grads_batched=True)
    z = x * 2
    return [
        gh, gx, gw, x.grad, w.grad, unused[0], str(unused[1]), *zeros, named["w"], *rows,
        error(A.grad, x.sum(), [x, w]), error(A.grad, x.detach().sum(), x), error(A.grad, x.sum(), []), error(z.backward), error(z.backward, t.ones(3)),
        error(A.backward, [z, z], [t.ones(2)]), error(A.grad, x.sum(), [x], allow_unused=False, materialize_grads=True),
        error((x * 2).sum().backward, inputs=[]), error(z.sum().backward, 3),
    ]  # fmt: skip


@program
def higher_derivatives(t, A):
    x = leaf(t, 0.3, -0.7, 1.1)
    y = (x.tanh() * x.sin()).sum()
    found = []
    for _ in range(4):
        (y,) = A.grad(y.sum(), x, create_graph=True)
        found.append(y)
    x.grad = None
    (x**3).sum().backward(create_graph=True)
    (x.grad**2).sum().backward()
    return [*found, x.grad]


@program
def gradient_checks(t, A):
    x = t.tensor([0.3, -0.7], dtype=t.float64, requires_grad=True)
    w = t.tensor([[0.5, 1.5], [2.0, -1.0]], dtype=t.float64, requires_grad=True)
    f = lambda x, w: ((w @ x).tanh(), x * 2)  # noqa: E731

    class Wrong(A.Function):
        @staticmethod
        def forward(ctx, x):
            return x * x

        @staticmethod
        def backward(ctx, g):
            return g

    return [
        str(A.gradcheck(f, (x, w))), str(A.gradgradcheck(f, (x, w))), str(A.gradcheck(f, (x, w), fast_mode=True)),
        str(A.gradcheck(lambda x, w: (w @ x).sin(), (x, w), check_forward_ad=True, check_batched_grad=True)),
        str(A.gradcheck(Wrong.apply, (x,), raise_exception=False)), error(A.gradcheck, Wrong.apply, (x,)).split(",")[0],
        error(A.gradcheck, f, (x.detach(), w.detach())), error(A.gradcheck, f, (x, w), check_backward_ad=False),
    ]  # fmt: skip


@program
def functional(t, A):
    F = A.functional
    x, y, v = t.tensor([0.5, -1.0]), t.tensor([2.0, 3.0]), t.tensor([1.0, 0.5])
    two = lambda a, b: (a * b.exp(), (a * a).sum())  # noqa: E731
    cube = lambda a: (a**3).sum()  # noqa: E731
    cross = lambda a, b: (a * a * b).sum()  # noqa: E731
    found = []

    def add(value):
        for part in value if isinstance(value, tuple) else (value,):
            add(part) if isinstance(part, tuple) else found.append(part)

    add(F.vjp(two, (x, y), (v, t.tensor(2.0))))
    add(F.jvp(two, (x, y), (v, v)))
    add(F.vhp(cube, x, v))
    add(F.hvp(cube, x, v))
    add(F.hvp(cross, (x, y), (v, v)))
    add(F.jacobian(two, (x, y)))
    add(F.jacobian(lambda a: a.sin(), x, vectorize=True))
    add(F.jacobian(lambda a: a.sin(), x, vectorize=True, strategy="forward-mode"))
    add(F.hessian(cross, (x, y)))
    add(F.hessian(cube, x, vectorize=True, outer_jacobian_strategy="forward-mode"))
    xx = x.clone().requires_grad_()
    (F.jacobian(lambda a: a**3, xx, create_graph=True).sum()).backward()
    found.append(xx.grad)
    return [
        *found, error(F.vjp, two, (x, y)), error(F.jvp, two, (x, y)), error(F.jvp, cube, x, t.ones(3)), error(F.hessian, lambda a: a, x),
        error(F.jacobian, lambda a: 3, x), error(F.jacobian, lambda a: t.ones(2), x, strict=True), error(F.vjp, cube, [x]),
        error(F.jacobian, cube, x, strict=True, vectorize=True), error(F.hessian, lambda a: a.sum(), x, strict=True),
    ]  # fmt: skip


@program
def anomalies(t, A):
    x = leaf(t, -1.0, 4.0)
    found = []
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        with A.detect_anomaly():
            found.append(error(x.sqrt().sum().backward))
            (x * 2).sum().backward()
        with A.set_detect_anomaly(True, check_nan=False):
            x.sqrt().sum().backward()
            found.append(str(t.is_anomaly_enabled()))
    return [*found, str(seen[0].message), str(t.is_anomaly_enabled())]


@program
def checkpoints(t, A):
    C = module(t, "utils.checkpoint")
    t.manual_seed(0)
    net = t.nn.Sequential(t.nn.Linear(3, 4), t.nn.Tanh(), t.nn.Dropout(0.5), t.nn.Linear(4, 2))
    x = leaf(t, 0.5, -1.0, 2.0)
    found = []
    for reentrant in (None, True, False):
        for _ in range(2):
            x.grad = None
            net.zero_grad()
            t.manual_seed(3)
            y = net(x) if reentrant is None else C.checkpoint(net, x, use_reentrant=reentrant)
            y.pow(2).sum().backward()
        found += [y, x.grad.clone(), net[0].weight.grad.clone(), t.rand(2)]
    t.manual_seed(3)
    y = C.checkpoint_sequential(net, 2, x, use_reentrant=False).sum()
    (g,) = A.grad(y, x)
    z = C.checkpoint(lambda a, b: C.checkpoint(lambda c: (c * c).exp(), a, use_reentrant=False) * b, x, b=x * 2, use_reentrant=False)
    (h,) = A.grad(z.sum(), x, create_graph=True)
    (i,) = A.grad(h.sum(), x)
    return [*found, g, h, i, error(lambda: A.grad(C.checkpoint(net, x, use_reentrant=True).sum(), x))]


@program
def dual_numbers(t, A):
    fw = module(t, "autograd.forward_ad")
    x, v = t.tensor([1.0, 2.0]), t.tensor([1.0, 0.5])
    with fw.dual_level():
        d = fw.make_dual(x, v)
        primal, tangent = fw.unpack_dual((d * d).exp())
        plain = fw.unpack_dual(x * 2)
        wrong = error(fw.make_dual, x, t.ones(3))
        nested = error(fw.enter_dual_level)
    return [primal, tangent, str(plain.tangent), wrong, nested, error(fw.make_dual, x, v)]


@program
def names_of_nodes(t, A):
    F = module(t, "nn.functional")
    x, w = t.ones(2, 3).requires_grad_(), t.ones(4, 3).requires_grad_()
    b, target = t.zeros(4).requires_grad_(), t.tensor([0, 1])

    def tree(node, depth: int = 0) -> str:
        if node is None:
            return "-"
        name = node.name()
        return "leaf" if "Accumulate" in name else f"{name}({', '.join(tree(n, depth + 1) for n, _ in node.next_functions)})"

    line = F.linear(x, w, b)
    values = [
        x + 1, 2 * x, 1 - x, x / 2, x @ w.t(), line, F.linear(x, w), F.cross_entropy(line, target), x.mean(), x.mean(0), x.sum(), x.sum(1), x.softmax(1), x.log_softmax(0),
        x.var(), x.std(1), x.norm(), x**2, x**x, 2**x, x.max(), x.max(1)[0], x[0], x[0, 1], x[:, 1:], x[t.tensor([1, 0])], x.t(), x.view(6), x.reshape(3, 2), x.unsqueeze(0),
        x.transpose(0, 1), x.permute(1, 0), t.cat([x, x]), t.stack([x, x * 2]), x.clone(), x.double(), F.relu(x), F.gelu(x), F.mse_loss(x, x.detach()),
        x.masked_fill(x.detach() > 2, 0.0), x.clamp(0, 1), x.clamp(min=0), x.tril(), t.where(x.detach() > 0, x, x * 2), x.repeat(2, 1), x.expand(3, 2, 3), x.chunk(2)[0],
        F.max_pool2d(x.view(1, 1, 2, 3), 2), F.conv2d(x.view(1, 1, 2, 3), w.view(1, 1, 4, 3), padding=1), F.embedding(target, w), x.cumsum(0), x.prod(), t.bmm(x[None], w.t()[None]),
    ]  # fmt: skip
    return [tree(v.grad_fn) for v in values]


@program
def hooks_of_what_is_not_asked_for(t, A):
    seen = []
    a, b = leaf(t, 1.0, 2.0), leaf(t, 3.0, 4.0)
    b.register_hook(lambda g: seen.append(f"b {g.tolist()}"))
    c, d = a * b, a * b
    module(t, "autograd.graph").register_multi_grad_hook((a, b, c, d), lambda grads: seen.append(str([g is not None for g in grads])))
    c.sum().backward(inputs=(a,), retain_graph=True)
    c.sum().backward()
    return [a.grad, b.grad, *seen]

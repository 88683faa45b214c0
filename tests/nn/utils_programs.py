"""Small programs of nn.utils: `t` is torch or suiren. Each gives a list of tensors and texts, compared with PyTorch's by test_programs.py."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

from tests.nn.evaluate import Draws, error, gradients, state

PROGRAMS: dict[str, Callable] = {}


def program(f: Callable) -> Callable:
    PROGRAMS[f.__name__] = f
    return f


@program
def clipping(t) -> list:
    U, found = t.nn.utils, []
    t.manual_seed(0)
    net = t.nn.Linear(3, 4)
    (net(t.ones(2, 3)) ** 2).sum().backward()
    for clip in (
        lambda: U.clip_grad_norm_(net.parameters(), 0.5), lambda: U.clip_grad_norm_(list(net.parameters()), 0.1, norm_type=float("inf")),
        lambda: U.clip_grad_norm_(net.weight, 0.05, 1), lambda: U.clip_grad_norm(net.parameters(), 9.0), lambda: U.get_total_norm([net.weight.grad]),
        lambda: U.clip_grad_norm_([], 1.0),
    ):  # fmt: skip
        found += [clip(), net.weight.grad.clone(), net.bias.grad.clone()]
    U.clip_grad_value_(net.parameters(), 0.01)
    vector = U.parameters_to_vector(net.parameters())
    U.vector_to_parameters(vector * 2, net.parameters())
    bad = t.nn.Parameter(t.ones(2))
    bad.grad = t.tensor([float("nan"), 1.0])
    return [
        *found, net.weight.grad, vector, *net.parameters(), error(lambda: U.clip_grad_norm_([bad], 1.0, error_if_nonfinite=True)),
        error(lambda: U.vector_to_parameters([1.0], net.parameters())),
    ]  # fmt: skip


@program
def weight_norm_by_hook(t) -> list:
    U, found = t.nn.utils, []
    t.manual_seed(0)
    for dim in (0, 1, None, 2):
        module = U.weight_norm(t.nn.Conv1d(2, 3, 3), dim=dim)
        y = module(t.ones(1, 2, 5))
        found += [*state(module), y, *gradients(y, module.weight_g, module.weight_v)]
        found += state(U.remove_weight_norm(module))
    module = U.weight_norm(t.nn.Linear(2, 2))
    return [*found, error(lambda: U.weight_norm(module)), error(lambda: U.remove_weight_norm(t.nn.Linear(2, 2)))]


@program
def spectral_norm_by_hook(t) -> list:
    U = t.nn.utils
    t.manual_seed(0)
    x = t.ones(1, 2, 5, 5)
    module = U.spectral_norm(t.nn.Conv2d(2, 3, 3))
    module(x)
    y = module(x)
    found = [*state(module), y, *gradients(y, module.weight_orig), module.eval()(x)]
    other = U.spectral_norm(t.nn.Conv2d(2, 3, 3))
    other.load_state_dict(module.state_dict())
    found += [other.eval()(x), *state(U.remove_spectral_norm(other)), *state(U.spectral_norm(t.nn.ConvTranspose2d(2, 3, 3)))]
    return [*found, repr(module.state_dict()._metadata[""]), error(lambda: U.spectral_norm(module)), error(lambda: U.remove_spectral_norm(other))]


def parts(t) -> tuple:
    class Symmetric(t.nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).T

    class Doubled(t.nn.Module):
        def forward(self, x):
            return x * 2

        def right_inverse(self, x):
            return x / 2

    class Cut(t.nn.Module):
        def forward(self, x):
            return x[:1]

    return Symmetric, Doubled, Cut


@program
def parametrize(t) -> list:
    nn, P, (Symmetric, Doubled, Cut) = t.nn, t.nn.utils.parametrize, parts(t)
    t.manual_seed(0)
    module = nn.Linear(3, 3)
    P.register_parametrization(module, "weight", Symmetric())
    P.register_parametrization(module, "weight", Doubled())
    other = P.transfer_parametrizations_and_params(module, nn.Linear(3, 3))
    doubled = P.register_parametrization(nn.Linear(3, 3), "weight", Doubled())
    doubled.weight = t.ones(3, 3)
    copied = copy.deepcopy(doubled)
    y = module(t.ones(2, 3))
    found = [*state(module), module.weight, *state(other), *state(doubled), copied.weight, y, *gradients(y, *module.parameters())]
    with P.cached():
        found.append(repr(module.weight is module.weight))
    found += [repr(P.is_parametrized(module, "bias")), P.type_before_parametrizations(module).__name__, type(module).__name__]
    found += [*state(P.remove_parametrizations(doubled, "weight")), type(doubled).__name__, *state(P.remove_parametrizations(module, "weight", False))]
    return found + [error(f) for f in (
        lambda: P.register_parametrization(nn.Linear(3, 3), "weight", Cut()), lambda: P.register_parametrization(nn.Linear(3, 3), "foo", Cut()),
        lambda: setattr(other, "weight", t.ones(3, 3)), lambda: P.remove_parametrizations(nn.Linear(2, 2), "weight"),
        lambda: P.register_parametrization(other, "weight", Cut()), lambda: pickle.dumps(other),
    )]  # fmt: skip


@program
def parametrizations(t) -> list:
    P, parametrize = t.nn.utils.parametrizations, t.nn.utils.parametrize
    t.manual_seed(0)
    x, found = t.ones(2, 3), []
    for wrap in (P.weight_norm, P.spectral_norm):
        module = wrap(t.nn.Linear(3, 4))
        y = module(x)
        found += [*state(module), y, *gradients(y, *module.parameters()), module.eval()(x)]
        found += [*state(copy.deepcopy(module)), *state(parametrize.remove_parametrizations(module, "weight"))]
    return [*found, error(lambda: P.spectral_norm(t.nn.Linear(3, 3), "foo")), error(lambda: P.spectral_norm(t.nn.Linear(3, 3), n_power_iterations=0))]


@program
def orthogonal(t) -> list:
    P, found = t.nn.utils.parametrizations, []
    t.manual_seed(0)
    for rows, columns, how in ((4, 4, None), (5, 3, None), (3, 5, "cayley"), (5, 3, "matrix_exp"), (4, 4, "householder")):
        for base in (True, False):
            module = P.orthogonal(t.nn.Linear(columns, rows), orthogonal_map=how, use_trivialization=base)
            with t.no_grad():
                original = module.parametrizations.weight.original
                original.add_(t.arange(float(original.numel())).reshape(original.shape).sin() * 0.1)
            w = module.weight
            found += [w, *gradients(w * t.arange(float(columns)), original)]
            if base:
                module.weight = t.nn.init.orthogonal_(t.empty(rows, columns))
                found.append(module.weight)
    return [*found, *(error(f) for f in (
        lambda: P.orthogonal(t.nn.Linear(3, 3), "foo"), lambda: P.orthogonal(t.nn.Linear(3, 3), "bias"),
        lambda: P.orthogonal(t.nn.Linear(3, 3), orthogonal_map="x"),
    ))]  # fmt: skip


@program
def pruning(t) -> list:
    nn, prune, found = t.nn, t.nn.utils.prune, []
    t.manual_seed(0)
    module = nn.Conv2d(2, 4, 3)
    for cut in (
        lambda: prune.l1_unstructured(module, "weight", 0.3), lambda: prune.random_unstructured(module, "weight", 5),
        lambda: prune.ln_structured(module, "weight", 1, 2, 0), lambda: prune.random_structured(module, "weight", 0.5, dim=1),
    ):  # fmt: skip
        cut()
        found += state(module)
    y = module(t.ones(1, 2, 4, 4))
    found += [y, *gradients(y, module.weight_orig), repr(prune.is_pruned(module)), *state(prune.remove(module, "weight"))]
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    prune.global_unstructured([(net[0], "weight"), (net[1], "weight")], prune.L1Unstructured, amount=0.4)
    prune.custom_from_mask(net[0], "bias", t.tensor([0.0, 1, 0, 1]))
    prune.identity(net[1], "bias")
    found += [*state(net), net(t.ones(1, 3)), prune.L1Unstructured(0.5).prune(t.arange(6.0).reshape(2, 3))]
    return found + [error(f) for f in (
        lambda: prune.remove(nn.Linear(2, 2), "weight"), lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", 9),
        lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", 1.5), lambda: prune.ln_structured(nn.Linear(2, 2), "bias", 1, 2, 0),
        lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", "x"), lambda: prune.random_structured(nn.Linear(2, 2), "weight", 1, 5),
    )]  # fmt: skip


@program
def fusion(t) -> list:
    nn, U = t.nn, t.nn.utils
    t.manual_seed(0)
    conv, norm = nn.Conv2d(2, 3, 3, bias=False), nn.BatchNorm2d(3)
    nn.Sequential(conv, norm)(t.rand(4, 2, 5, 5))
    linear, other = nn.Linear(2, 3), nn.BatchNorm1d(3)
    nn.Sequential(linear, other)(t.rand(4, 2))
    failed = error(lambda: U.fuse_conv_bn_eval(conv, norm))
    for m in (conv, norm, linear, other):
        m.eval()
    return [failed, *state(U.fuse_conv_bn_eval(conv, norm)), *state(U.fuse_linear_bn_eval(linear, other))]


@program
def other_parameters(t) -> list:
    nn, call = t.nn, t.nn.utils.stateless.functional_call
    t.manual_seed(0)
    net, x = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), Draws(t)(3, 3)
    given = {k: v.detach() * 2 for k, v in net.named_parameters()}
    given |= {k: v.clone() for k, v in net.named_buffers()}
    y = call(net, given, x)
    tied = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    tied[1].weight = tied[0].weight
    found = [y, *state(net), given["1.running_mean"], call(tied, {"0.weight": t.eye(3)}, x), call(tied, {"0.weight": t.eye(3)}, x, tie_weights=False)]
    before = t.get_rng_state()
    skipped = nn.utils.skip_init(nn.Linear, 3, 4)
    return [*found, repr(bool((before == t.get_rng_state()).all())), repr(tuple(skipped.weight.shape)), *(error(f) for f in (
        lambda: call(net, {"x": t.ones(1)}, x, strict=True), lambda: call(tied, {"0.weight": t.eye(3), "1.weight": t.eye(3)}, x),
        lambda: nn.utils.skip_init(nn.ReLU), lambda: nn.utils.skip_init(int),
    ))]  # fmt: skip

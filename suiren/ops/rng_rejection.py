"""Random numbers that take an unknown number of draws each: gamma, Dirichlet, Poisson, binomial. Element by element, in the order of memory.

The state goes in and out as in `rng.py`. Methods: Marsaglia and Tsang (gamma), Hörmann's transformed rejection (Poisson from 10, binomial from 10
expected successes), products of uniforms and geometric steps below. Gradients of gamma and Dirichlet numbers by their parameters are the
approximations that PyTorch uses. Source: aten/src/ATen/native/{Distributions.h,Distributions.cpp}
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from suiren.dtypes import FLOAT, uint32
from suiren.ops.pointwise import mul, sub
from suiren.ops.reduce import sum as sum_op
from suiren.ops.rng import STATE_WORDS, Draws
from suiren.ops.special_rules import digamma
from suiren.trace.op import INTERPRETER_ONLY, NOT_DIFFERENTIABLE, opaque, pointwise
from suiren.trace.spec import Spec, spec

_THIRD = float(np.float32(1) / np.float32(3))  # constants that PyTorch writes as floats
_SQUEEZE = float(np.float32(0.0331))


class _Stream:
    """Single draws of a state: uniform numbers of float64, and normal ones in pairs."""

    def __init__(self, state: np.ndarray):
        self.draws = Draws(state)

    def uniform(self) -> float:
        return float(self.draws.uniform(1, np.dtype(np.float64))[0])

    def normal(self) -> float:
        rest = self.draws.rest
        if rest[0]:
            found = float(rest[1:].view(np.float64)[0])
            rest[:] = 0
            return found
        u, v = self.draws.uniform(2, np.dtype(np.float64))
        radius, angle = np.sqrt(-2.0 * np.log1p(-v)), 2.0 * np.pi * u
        rest[0] = 1
        rest[1:] = np.array([radius * np.sin(angle)]).view(np.uint32)
        return float(radius * np.cos(angle))


def _infer(name: str) -> Callable:
    def infer(state: Spec, x: Spec, *others: Spec) -> tuple[Spec, Spec]:
        if x.dtype.category != FLOAT:
            raise NotImplementedError(f"\"{name}\" not implemented for '{x.dtype.scalar_name}'")
        return spec(x.shape, x.dtype), spec((STATE_WORDS,), uint32)

    return infer


def _each(state: np.ndarray, sample: Callable, *arrays: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`sample(stream, …)` of the elements, in order."""
    stream = _Stream(state)
    found = [sample(stream, *values) for values in zip(*(a.reshape(-1) for a in arrays))]
    return np.array(found, np.float64).reshape(arrays[0].shape), stream.draws.state()


# ---------------------------------------------------------------- gamma and Dirichlet


def _gamma(stream: _Stream, alpha: np.floating) -> float:
    """`alpha` keeps its precision: PyTorch adds to it before it goes over to float64."""
    kind, scale = type(alpha), 1.0
    if alpha < 1:
        if alpha == 0:
            return 0.0
        scale = (1 - stream.uniform()) ** float(kind(1) / alpha)
        alpha = alpha + kind(1)
    d = float(alpha - kind(_THIRD))
    c = 1.0 / math.sqrt(9.0 * d)
    while True:
        y = 0.0
        while y <= 0:
            x = stream.normal()
            y = 1.0 + c * x
        v = y * y * y
        u = 1 - stream.uniform()
        xx = x * x
        if u < 1.0 - _SQUEEZE * xx * xx or math.log(u) < 0.5 * xx + d * (1.0 - v + math.log(v)):
            return scale * d * v


def _sample_gamma(state, alpha):
    found, after = _each(state, _gamma, alpha)
    return np.maximum(found.astype(alpha.dtype), np.finfo(alpha.dtype).tiny), after


def _gamma_gradient(alpha: np.ndarray, x: np.ndarray) -> np.ndarray:
    """d x / d alpha: a series for small x, a saddle point expansion for large alpha, a rational function in between."""
    alpha, x = alpha.astype(np.float64), x.astype(np.float64)
    numer, denom = np.ones_like(x), alpha.copy()
    series1, series2 = numer / denom, numer / denom**2
    for i in range(1, 6):
        numer, denom = numer * (-x / i), denom + 1
        series1, series2 = series1 + numer / denom, series2 + numer / denom**2
    power = x**alpha
    by_alpha = (np.log(x) - digamma(alpha)) * power * series1 - power * series2
    small = np.nan_to_num(-by_alpha / (x ** (alpha - 1) * np.exp(-x)), nan=0.0, posinf=np.inf, neginf=-np.inf)

    near = (1 + 24 * alpha * (1 + 12 * alpha)) * (
        1440 * alpha**2 + 6 * x * (53 - 120 * x) - 65 * x * x / alpha + alpha * (107 + 3600 * x)
    ) / (1244160 * alpha**4)  # fmt: skip
    root = np.sqrt(8 * alpha)
    term2, term3 = root / (alpha - x), (x - alpha - alpha * np.log(x / alpha)) ** -1.5
    term1 = np.log(x / alpha) * np.where(x < alpha, term2 - term3, term2 + term3) - np.sqrt(2 / alpha) * (alpha + x) / (alpha - x) ** 2
    far = -(1 + 1 / (12 * alpha) * (1 + 1 / (24 * alpha))) * x * term1 / root
    large = np.where((0.9 * alpha <= x) & (x <= 1.1 * alpha), near, far)

    u, v = np.log(x / alpha), np.log(alpha)
    c = [a + u * (b + u * c) for a, b, c in zip(*_GAMMA)]
    between = np.exp((c[0] + v * (c[1] + v * (c[2] + v * c[3]))) / (c[4] + v * (c[5] + v * (c[6] + v * c[7]))))
    return np.where(x < 0.8, small, np.where(alpha > 8, large, between))


_GAMMA = (
    (0.16009398, -0.094634809, 0.025146376, -0.0030648343, 1, 0.32668115, 0.10406089, 0.0014179084),
    (0.53487893, 0.1298071, 0.065735949, -0.0015649758, 0.16639465, 0.020070113, -0.0035938915, -0.00058392623),
    (0.040121004, -0.0065914022, -0.0026286047, -0.0013441777, 0.017050642, -0.0021309326, 0.00085092367, -1.5247877e-07),
)

gamma_gradient = opaque(
    "gamma_gradient",
    inputs=("alpha", "x"),
    infer=lambda alpha, x: alpha.plain,
    numpy=lambda alpha, x: _gamma_gradient(alpha, x).astype(alpha.dtype),
    grad=NOT_DIFFERENTIABLE,
    lower=INTERPRETER_ONLY,
    doc="How a standard gamma number x moves with its parameter alpha.",
)

rng_gamma = opaque(
    "rng_gamma",
    inputs=("state", "alpha"),
    outputs=2,
    infer=_infer("gamma"),
    numpy=_sample_gamma,
    grad=lambda g0, alpha, out0: (None, mul(g0, gamma_gradient(alpha, out0))),
    grad_name="StandardGammaBackward0",
    lower=INTERPRETER_ONLY,
    doc="Gamma distributed numbers of shape parameter alpha and rate 1.",
)


def _sample_dirichlet(state, alpha):
    gammas, after = _each(state, _gamma, alpha.astype(np.float64))
    kind = alpha.dtype.type
    highest = kind(np.nextafter(np.float32(1), np.float32(0))) if kind is np.float32 else kind(np.nextafter(1.0, 0.0))
    found = (gammas / gammas.sum(-1, keepdims=True)).astype(kind)
    return np.clip(found, np.finfo(kind).tiny, highest), after


def _dirichlet_gradient(x: np.ndarray, alpha: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The total derivative of x by alpha, for a beta number: series near the ends, Stirling's formula in the middle, a rational function."""
    x, alpha, total = (a.astype(np.float64) for a in np.broadcast_arrays(x, alpha, total))
    beta, boundary = total - alpha, total * x * (1 - x)
    middle = _beta_middle(x, alpha, beta)
    u = np.log(x)
    a = np.log(alpha) - u
    b = np.log(total) - a
    p, q = (
        sum(u**i * a**j * (r[0] + b * (r[1] + b * (r[2] + b * r[3]))) for i, rows in enumerate(table) for j, r in enumerate(rows)) for table in _DIRICHLET
    )
    found = p / q * x * (digamma(total) - digamma(alpha)) / beta
    found = np.where((alpha > 6) & (beta > 6), middle, found)
    found = np.where((x >= 0.5) & (boundary < 0.75), -_beta_by_beta(1 - x, beta, alpha), found)
    return np.where((x <= 0.5) & (boundary < 2.5), _beta_by_alpha(x, alpha, beta), found)


def _beta_by_alpha(x, alpha, beta):
    factor = digamma(alpha) - digamma(alpha + beta) - np.log(x)
    numer = np.ones_like(x)
    series = numer / alpha * (factor + 1 / alpha)
    for i in range(1, 11):
        numer = numer * (i - beta) * x / i
        series = series + numer / (alpha + i) * (factor + 1 / (alpha + i))
    found = x * (1 - x) ** -beta * series
    return np.where(np.isnan(found), 0.0, found)


def _beta_by_beta(x, alpha, beta):
    factor = digamma(alpha + beta) - digamma(beta)
    numer, betas, dbetas, series = np.ones_like(x), np.ones_like(x), np.zeros_like(x), factor / alpha
    for i in range(1, 9):
        numer = numer * -x / i
        dbetas = dbetas * (beta - i) + betas
        betas = betas * (beta - i)
        series = series + numer / (alpha + i) * (dbetas + factor * betas)
    found = -((1 - x) ** (1 - beta)) * series
    return np.where(np.isnan(found), 0.0, found)


def _beta_middle(x, alpha, beta):
    total = alpha + beta
    mean = alpha / total
    std = np.sqrt(alpha * beta / (total + 1)) / total
    poly = 47 * x * beta**4 + alpha * (
        (43 + 20 * (16 + 27 * beta) * x) * beta**3
        + alpha * (3 * (59 + 180 * beta - 90 * x) * beta**2
        + alpha * ((453 + 1620 * beta * (1 - x) - 455 * x) * beta + alpha * (8 * (1 - x) * (135 * beta - 11))))
    )  # fmt: skip
    near = (1 + 12 * alpha) * (1 + 12 * beta) / total**2 / (1 - x) * poly / (12960 * alpha**3 * beta**2 * (1 + 12 * total))
    stirling = (
        (1 + 1 / (12 * alpha) + 1 / (288 * alpha**2)) * (1 + 1 / (12 * beta) + 1 / (288 * beta**2)) / (1 + 1 / (12 * total) + 1 / (288 * total**2))
    )
    axbx = alpha * (x - 1) + beta * x
    term1 = (2 * alpha**2 * (x - 1) + alpha * beta * (x - 1) - x * beta**2) / (np.sqrt(2 * alpha / beta) * total**1.5 * axbx**2)
    term2, term3 = 0.5 * np.log(alpha / (total * x)), np.sqrt(8 * alpha * beta / total) / axbx
    term4 = (beta * np.log(beta / (total * (1 - x))) + alpha * np.log(alpha / (total * x))) ** -1.5
    far = stirling * (-x / np.sqrt(2 * alpha * beta / total)) * (term1 + term2 * (term3 + np.where(x < mean, term4, -term4)))
    return np.where((mean - 0.1 * std <= x) & (x <= mean + 0.1 * std), near, far)


_DIRICHLET = (
    (
        ((1.003668233, -0.01061107488, -0.0657888334, 0.01201642863), (0.6336835991, -0.3557432599, 0.05486251648, -0.001465281033),
         (-0.03276231906, 0.004474107445, 0.002429354597, -0.0001557569013)),
        ((0.221950385, -0.3187676331, 0.01799915743, 0.01074823814), (-0.2951249643, 0.06219954479, 0.01535556598, 0.001550077057),
         (0.02155310298, 0.004170831599, 0.001292462449, 6.976601077e-05)),
        ((-0.05980841433, 0.008441916499, 0.01085618172, 0.002319392565), (0.02911413504, 0.01400243777, -0.002721828457, 0.000751041181),
         (0.005900514878, -0.001936558688, -9.495446725e-06, 5.385558597e-05)),
    ),
    (
        ((1, -0.02924021934, -0.04438342661, 0.007285809825), (0.6357567472, -0.3473456711, 0.05454656494, -0.002407477521),
         (-0.03301322327, 0.004845219414, 0.00231480583, -0.0002307248149)),
        ((0.5925320577, -0.1757678135, 0.01505928619, 0.000564515273), (0.1014815858, -0.06589186703, 0.01272886114, -0.0007316646956),
         (-0.007258481865, 0.001096195486, 0.0003934994223, -4.12701925e-05)),
        ((0.06469649321, -0.0236701437, 0.002902096474, -5.896963079e-05), (0.001925008108, -0.002869809258, 0.0008000589141, -6.063713228e-05),
         (-0.0003477407336, 6.959756487e-05, 1.097287507e-05, -1.650964693e-06)),
    ),
)  # fmt: skip

dirichlet_gradient = opaque(
    "dirichlet_gradient",
    inputs=("x", "alpha", "total"),
    infer=lambda x, alpha, total: x.plain,
    numpy=lambda x, alpha, total: _dirichlet_gradient(x, alpha, total).astype(x.dtype),
    grad=NOT_DIFFERENTIABLE,
    lower=INTERPRETER_ONLY,
    doc="How a component x of a Dirichlet number moves with its parameter alpha, of parameters that sum to total.",
)


def _dirichlet_rule(g0, alpha, out0):
    total = sum_op(alpha, dims=(alpha.ndim - 1,), keepdim=True)
    moved = dirichlet_gradient(out0, alpha, total)
    along = sum_op(mul(out0, g0), dims=(alpha.ndim - 1,), keepdim=True)
    return None, mul(moved, sub(g0, along))


rng_dirichlet = opaque(
    "rng_dirichlet",
    inputs=("state", "alpha"),
    outputs=2,
    infer=_infer("dirichlet"),
    numpy=_sample_dirichlet,
    grad=_dirichlet_rule,
    grad_name="DirichletBackward",
    lower=INTERPRETER_ONLY,
    doc="Dirichlet distributed rows of parameters alpha.",
)

# ---------------------------------------------------------------- Poisson and binomial


def _poisson(stream: _Stream, rate: np.floating) -> int:
    rate = float(rate)
    if not rate >= 0:
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    if rate == 0:
        return 0
    if rate < 10:
        count, product, least = 0, 1.0, math.exp(-rate)
        while True:
            product *= stream.uniform()
            if product <= least:
                return count
            count += 1
    b = 0.931 + 2.53 * math.sqrt(rate)
    a = -0.059 + 0.02483 * b
    inverse, bound = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2)
    while True:
        u, v = stream.uniform() - 0.5, stream.uniform()
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = math.floor((2 * a / us + b) * u + rate + 0.43)
        if us >= 0.07 and v <= bound:
            return k
        if k < 0 or (us < 0.013 and v > us) or v == 0:
            continue
        if math.log(v) + math.log(inverse) - math.log(a / (us * us) + b) <= -rate + k * math.log(rate) - math.lgamma(k + 1.0):
            return k


def _sample_poisson(state, rate):
    found, after = _each(state, _poisson, rate)
    return found.astype(rate.dtype), after


_TAIL = (
    0.0810614667953272, 0.0413406959554092, 0.0276779256849983, 0.02079067210376509, 0.0166446911898211, 0.0138761288230707, 0.0118967099458917,
    0.0104112652619720, 0.00925546218271273, 0.00833056343336287,
)  # fmt: skip


def _stirling_tail(k: float) -> float:
    if k <= 9:
        return _TAIL[int(k)]
    square = (k + 1) * (k + 1)
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / (k + 1)


def _few(stream: _Stream, count, prob) -> int:
    """By the steps between successes."""
    steps, found, step = 0.0, 0, float(np.log1p(-prob))
    while True:
        u = stream.uniform()
        steps += math.ceil(math.log(u) / step) if u else math.inf
        if steps > count:
            return found
        found += 1


def _many(stream: _Stream, count, prob) -> int:
    """By transformed rejection. The first products are of the dtype's own precision, as in PyTorch."""
    stddev = float(np.sqrt(count * prob * (1 - prob)))
    b = 1.15 + 2.53 * stddev
    a = -0.0873 + 0.0248 * b + 0.01 * float(prob)
    c, bound = float(count * prob) + 0.5, 0.92 - 4.2 / b
    r, m = float(prob / (1 - prob)), math.floor((count + 1) * prob)
    alpha, count = (2.83 + 5.1 / b) * stddev, float(count)
    while True:
        u, v = stream.uniform() - 0.5, stream.uniform()
        us = 0.5 - abs(u)
        if us == 0:
            continue
        k = math.floor((2 * a / us + b) * u + c)
        if k < 0 or k > count:
            continue
        if us >= 0.07 and v <= bound:
            return k
        v = math.log(v * alpha / (a / (us * us) + b)) if v else -math.inf
        if v <= (
            (m + 0.5) * math.log((m + 1) / (r * (count - m + 1)))
            + (count + 1) * math.log((count - m + 1) / (count - k + 1))
            + (k + 0.5) * math.log(r * (count - k + 1) / (k + 1))
            + _stirling_tail(m) + _stirling_tail(count - m) - _stirling_tail(k) - _stirling_tail(count - k)
        ):  # fmt: skip
            return k


def _binomial(stream: _Stream, count: np.floating, prob: np.floating) -> float:
    if count <= 0 or prob <= 0:
        return 0.0
    if prob >= 1:
        return float(count)
    if prob <= 0.5:
        return (_many if count * prob >= 10 else _few)(stream, count, prob)
    if prob > 0.5:
        other = type(prob)(1.0 - float(prob))
        return float(count) - (_many if count * other >= 10 else _few)(stream, count, other)
    return math.nan


def _sample_binomial(state, count, prob):
    found, after = _each(state, _binomial, count, prob)
    return found.astype(count.dtype), after


rng_poisson = opaque(
    "rng_poisson",
    inputs=("state", "rate"),
    outputs=2,
    infer=_infer("poisson_cpu"),
    numpy=_sample_poisson,
    grad=lambda g0: (None, mul(g0, 0.0)),
    grad_name="PoissonBackward0",
    lower=INTERPRETER_ONLY,
    doc="Poisson distributed counts of these rates. Nothing flows back: a count does not move with its rate.",
)

rng_binomial = opaque(
    "rng_binomial",
    inputs=("state", "count", "prob"),
    outputs=2,
    infer=_infer("binomial_cpu"),
    numpy=_sample_binomial,
    grad=lambda g0: (None, mul(g0, 0.0), mul(g0, 0.0)),
    grad_name="BinomialBackward0",
    lower=INTERPRETER_ONLY,
    doc="How many of `count` tries succeed, each with probability prob. Nothing flows back.",
)


def _words(state, *, shape, dtype):
    draws = Draws(state)
    last = (1 << 8 * dtype.itemsize - dtype.is_signed) - 1
    return (draws.random(int(np.prod(shape))) & np.uint64(last)).astype(dtype.np).reshape(shape), draws.state()


rng_words = opaque(
    "rng_words",
    inputs=("state",),
    params=("shape", "dtype"),
    outputs=2,
    infer=lambda state, *, shape, dtype: (spec(shape, dtype), spec((STATE_WORDS,), uint32)),
    numpy=_words,
    grad=NOT_DIFFERENTIABLE,
    lower=INTERPRETER_ONLY,
    doc="The generator's outputs of 32 bits, those that a dtype of 32 bits has room for: `rng_randint` takes 64 bits for so wide a range.",
)

chosen = pointwise(
    "chosen",
    numpy=lambda value, by: value,
    lower=lambda b, value, by: value,
    grad=lambda g: (None, mul(g, 0.0)),
    grad_name="BernoulliBackward0",
    doc="A value that was drawn by the probability beside it: it has a history, and nothing flows back.",
)

__all__ = ["chosen", "dirichlet_gradient", "gamma_gradient", "rng_binomial", "rng_dirichlet", "rng_gamma", "rng_poisson", "rng_words"]

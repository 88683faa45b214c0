"""Kullback-Leibler divergences of pairs of distributions. Source: torch/distributions/kl.py"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

from suiren.api.comparison import where
from suiren.api.creation import full_like
from suiren.api.linalg_solving import solve_triangular
from suiren.api.shapes import broadcast_shapes
from suiren.distributions.bernoulli import Bernoulli, Binomial, ContinuousBernoulli, Geometric, Poisson
from suiren.distributions.categorical import Categorical, OneHotCategorical
from suiren.distributions.dirichlet import Beta, Dirichlet
from suiren.distributions.distribution import Distribution, ExponentialFamily
from suiren.distributions.gamma import Exponential, Gamma, Pareto
from suiren.distributions.location import Cauchy, Gumbel, Laplace, Uniform
from suiren.distributions.multivariate_normal import (
    LowRankMultivariateNormal,
    MultivariateNormal,
    batch_mahalanobis,
    log_diagonal,
)
from suiren.distributions.normal import HalfNormal, Normal
from suiren.distributions.transformed_distribution import Independent, TransformedDistribution
from suiren.distributions.utils import euler_constant, sum_rightmost
from suiren.nn.functional.activation import softplus
from suiren.tensor import Tensor

_rules: dict[tuple[type, type], Callable] = {}
_found: dict[tuple[type, type], Callable | None] = {}


def register_kl(type_p: type, type_q: type) -> Callable:
    """`@register_kl(P, Q)` declares how KL(p || q) of these classes, and of classes derived from them, is worked out."""
    for name, kind in (("type_p", type_p), ("type_q", type_q)):
        if not isinstance(kind, type) or not issubclass(kind, Distribution):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {kind}")

    def declare(rule: Callable) -> Callable:
        _rules[type_p, type_q] = rule
        _found.clear()
        return rule

    return declare


def _rule(p: type, q: type) -> Callable | None:
    """The most specific rule: by the first class and then the second; a warning if it would be another the other way round."""
    fitting = [(a, b) for a, b in _rules if issubclass(p, a) and issubclass(q, b)]
    if not fitting:
        return None
    depth = lambda pair, order: tuple((p, q)[i].__mro__.index(pair[i]) for i in order)
    first, second = min(fitting, key=lambda m: depth(m, (0, 1))), min(fitting, key=lambda m: depth(m, (1, 0)))
    if _rules[first] is not _rules[second]:
        warnings.warn(
            f"Ambiguous kl_divergence({p.__name__}, {q.__name__}). Please register_kl({first[0].__name__}, {second[1].__name__})",
            RuntimeWarning,
            stacklevel=3,
        )
    return _rules[first]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p || q), of the batch's shape. NotImplementedError for classes that no rule was declared for."""
    key = type(p), type(q)
    if key not in _found:
        _found[key] = _rule(*key)
    rule = _found[key]
    if rule is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type {type(q).__name__}"
        )
    return rule(p, q)


def infinite(p: type, others: tuple[type, ...], parameter: str) -> None:
    """p gives values that the others never give."""
    for q in others:
        register_kl(p, q)(lambda p, q: full_like(getattr(p, parameter), math.inf))


def _x_log_x(x):
    return x.xlogy(x)


# ---------------------------------------------------------------- of one class


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p, q):
    one = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    one = where(p.probs == 0, 0.0, where(q.probs == 0, math.inf, one))
    zero = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    return one + where(p.probs == 1, 0.0, where(q.probs == 1, math.inf, zero))


@register_kl(Beta, Beta)
def _beta(p, q):
    sum_p, sum_q = p.concentration1 + p.concentration0, q.concentration1 + q.concentration0
    t1 = q.concentration1.lgamma() + q.concentration0.lgamma() + sum_p.lgamma()
    t2 = p.concentration1.lgamma() + p.concentration0.lgamma() + sum_q.lgamma()
    t3 = (p.concentration1 - q.concentration1) * p.concentration1.digamma()
    t4 = (p.concentration0 - q.concentration0) * p.concentration0.digamma()
    return t1 - t2 + t3 + t4 + (sum_q - sum_p) * sum_p.digamma()


@register_kl(Binomial, Binomial)
def _binomial(p, q):
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    found = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p())
    return where(p.total_count > q.total_count, math.inf, found)


@register_kl(Categorical, Categorical)
def _categorical(p, q):
    t = p.probs * (p.logits - q.logits)
    return where(p.probs == 0, 0.0, where(q.probs == 0, math.inf, t)).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p, q):
    return _categorical(p._categorical, q._categorical)


@register_kl(ContinuousBernoulli, ContinuousBernoulli)
def _continuous_bernoulli(p, q):
    t1 = p.mean * (p.logits - q.logits)
    return t1 + p._cont_bern_log_norm() + (-p.probs).log1p() - q._cont_bern_log_norm() - (-q.probs).log1p()


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p, q):
    a, b = p.concentration, q.concentration
    t1 = a.sum(-1).lgamma() - b.sum(-1).lgamma()
    t2 = (a.lgamma() - b.lgamma()).sum(-1)
    return t1 - t2 + ((a - b) * (a.digamma() - a.sum(-1).digamma().unsqueeze(-1))).sum(-1)


@register_kl(Exponential, Exponential)
def _exponential(p, q):
    ratio = q.rate / p.rate
    return -ratio.log() + ratio - 1


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p, q):
    from suiren.autograd import grad

    if type(p) is not type(q):
        raise NotImplementedError("The cross KL-divergence between different exponential families cannot be computed using Bregman divergences")
    mine, theirs = [t.detach().requires_grad_() for t in p._natural_params], q._natural_params
    normaliser = p._log_normalizer(*mine)
    found = q._log_normalizer(*theirs) - normaliser
    for a, b, g in zip(mine, theirs, grad(normaliser.sum(), mine, create_graph=True)):
        found = found - sum_rightmost((b - a) * g, len(q.event_shape))
    return found


@register_kl(Gamma, Gamma)
def _gamma(p, q):
    t1 = q.concentration * (p.rate / q.rate).log()
    t2 = q.concentration.lgamma() - p.concentration.lgamma()
    return t1 + t2 + (p.concentration - q.concentration) * p.concentration.digamma() + (q.rate - p.rate) * (p.concentration / p.rate)


@register_kl(Gumbel, Gumbel)
def _gumbel(p, q):
    ct1, ct2, ct3 = p.scale / q.scale, q.loc / q.scale, p.loc / q.scale
    return -ct1.log() - ct2 + ct3 + ct1 * euler_constant + (ct2 + (1 + ct1).lgamma() - ct3).exp() - (1 + euler_constant)


@register_kl(Geometric, Geometric)
def _geometric(p, q):
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p, q):
    return _normal(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p, q):
    ratio, away = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + away / q.scale + ratio * (-away / p.scale).exp() - 1


@register_kl(Normal, Normal)
def _normal(p, q):
    ratio = (p.scale / q.scale).pow(2)
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).pow(2) - 1 - ratio.log())


@register_kl(Cauchy, Cauchy)
def _cauchy(p, q):
    return ((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)).log() - (4 * p.scale * q.scale).log()


@register_kl(Pareto, Pareto)
def _pareto(p, q):
    ratio = q.alpha / p.alpha
    found = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return where(p.scale < q.scale, math.inf, found)


@register_kl(Poisson, Poisson)
def _poisson(p, q):
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _uniform(p, q):
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return where((q.low > p.low) | (q.high < p.high), math.inf, found)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p, q):
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _independent(p, q):
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


# ---------------------------------------------------------------- of normal vectors


def _same_events(p, q, what: str) -> None:
    if p.event_shape != q.event_shape:
        raise ValueError(f"KL-divergence between two {what} with different event shapes cannot be computed")


def _trace(factor, x):
    """The trace of (L L')^-1 x x', of batches that broadcast."""
    batch = broadcast_shapes(factor.shape[:-2], x.shape[:-2])
    factor, x = (m.expand((*batch, *m.shape[-2:])) for m in (factor, x))
    return solve_triangular(factor, x, upper=False).pow(2).sum([-2, -1])


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate(p, q):
    _same_events(p, q, "Multivariate Normals")
    mine, theirs = p._unbroadcasted_scale_tril, q._unbroadcasted_scale_tril
    rest = _trace(theirs, mine) + batch_mahalanobis(theirs, q.loc - p.loc) - p.event_shape[0]
    return log_diagonal(theirs) - log_diagonal(mine) + 0.5 * rest


@register_kl(LowRankMultivariateNormal, LowRankMultivariateNormal)
def _low_rank(p, q):
    _same_events(p, q, "Low Rank Multivariate Normals")
    return _low_rank_q(p, q, q._log_det() - p._log_det(), (p._unbroadcasted_cov_factor, p._unbroadcasted_cov_diag.sqrt().diag_embed()))


@register_kl(MultivariateNormal, LowRankMultivariateNormal)
def _multivariate_low_rank(p, q):
    _same_events(p, q, "(Low Rank) Multivariate Normals")
    return _low_rank_q(p, q, q._log_det() - 2 * log_diagonal(p._unbroadcasted_scale_tril), (p._unbroadcasted_scale_tril,))


def _low_rank_q(p, q, log_det, parts):
    """`parts`: matrices whose squares sum to the covariance of p."""
    trace = 0.0
    scaled = q._unbroadcasted_cov_factor.mT / q._unbroadcasted_cov_diag.unsqueeze(-2)
    for x in parts:
        inner = (x.pow(2) / q._unbroadcasted_cov_diag.unsqueeze(-1)).sum([-2, -1])
        trace = trace + inner - _trace(q._capacitance_tril, scaled @ x)
    return 0.5 * (log_det + q._mahalanobis(q.loc - p.loc) + trace - p.event_shape[0])


@register_kl(LowRankMultivariateNormal, MultivariateNormal)
def _low_rank_multivariate(p, q):
    _same_events(p, q, "(Low Rank) Multivariate Normals")
    theirs = q._unbroadcasted_scale_tril
    trace = _trace(theirs, p._unbroadcasted_cov_factor) + _trace(theirs, p._unbroadcasted_cov_diag.sqrt().diag_embed())
    return 0.5 * (2 * log_diagonal(theirs) - p._log_det() + batch_mahalanobis(theirs, q.loc - p.loc) + trace - p.event_shape[0])


from suiren.distributions import kl_pairs  # noqa: E402, F401  the rules of two different classes

__all__: list[Any] = ["kl_divergence", "register_kl"]

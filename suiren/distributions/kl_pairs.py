"""Kullback-Leibler divergences of two different classes. Source: torch/distributions/kl.py"""

from __future__ import annotations

import math

from suiren.api.comparison import where
from suiren.api.creation import ones_like
from suiren.distributions.bernoulli import Bernoulli, Binomial, ContinuousBernoulli, Poisson
from suiren.distributions.dirichlet import Beta
from suiren.distributions.gamma import Exponential, Gamma, Pareto
from suiren.distributions.kl import _x_log_x, infinite, register_kl
from suiren.distributions.location import Gumbel, Laplace, Uniform
from suiren.distributions.normal import Normal
from suiren.distributions.utils import euler_constant

infinite(Beta, (Pareto,), "concentration1")
infinite(ContinuousBernoulli, (Pareto,), "probs")
infinite(Exponential, (Beta, ContinuousBernoulli, Pareto, Uniform), "rate")
infinite(Gamma, (Beta, ContinuousBernoulli, Pareto, Uniform), "concentration")
infinite(Gumbel, (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform), "loc")
infinite(Laplace, (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform), "loc")
infinite(Normal, (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform), "loc")
infinite(Pareto, (Beta, ContinuousBernoulli, Uniform), "scale")
infinite(Poisson, (Bernoulli, Binomial), "rate")


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p, q):
    return -p.entropy() - (p.probs * q.rate.log() - q.rate)


def _against_continuous_bernoulli(p, q):
    return -p.entropy() - p.mean * q.logits - (-q.probs).log1p() - q._cont_bern_log_norm()


register_kl(Beta, ContinuousBernoulli)(_against_continuous_bernoulli)


@register_kl(Beta, Exponential)
def _beta_exponential(p, q):
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(Beta, Gamma)
def _beta_gamma(p, q):
    t2 = q.concentration.lgamma() - q.concentration * q.rate.log()
    t3 = (q.concentration - 1) * (p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma())
    return -p.entropy() + t2 - t3 + q.rate * p.mean


@register_kl(Beta, Normal)
def _beta_normal(p, q):
    mean, variance = p.mean, q.scale.pow(2)
    square = (mean * (1 - mean) / (p.concentration1 + p.concentration0 + 1) + mean.pow(2)) * 0.5
    return -p.entropy() + 0.5 * (variance * 2 * math.pi).log() + (square - q.loc * mean + q.loc.pow(2) * 0.5) / variance


def _within_unit(p, q):
    found = -p.entropy() + (q.high - q.low).log()
    return found, q.low, q.high


@register_kl(Beta, Uniform)
def _beta_uniform(p, q):
    found, low, high = _within_unit(p, q)
    return where((low > 0) | (high < 1), math.inf, found)


@register_kl(ContinuousBernoulli, Uniform)
def _continuous_bernoulli_uniform(p, q):
    found, low, high = _within_unit(p, q)
    return where((low >= 0) | (high <= 1), ones_like(found) * math.inf, found)


@register_kl(ContinuousBernoulli, Exponential)
def _continuous_bernoulli_exponential(p, q):
    return -p.entropy() - q.rate.log() + q.rate * p.mean


@register_kl(ContinuousBernoulli, Normal)
def _continuous_bernoulli_normal(p, q):
    t2 = 0.5 * (math.log(2.0 * math.pi) + (q.loc / q.scale).square()) + q.scale.log()
    return -p.entropy() + t2 + (p.variance + p.mean.square() - 2.0 * q.loc * p.mean) / (2.0 * q.scale.square())


@register_kl(Exponential, Gamma)
def _exponential_gamma(p, q):
    ratio = q.rate / p.rate
    return -q.concentration * ratio.log() + ratio + q.concentration.lgamma() + q.concentration * euler_constant - (1 + euler_constant)


@register_kl(Exponential, Gumbel)
def _exponential_gumbel(p, q):
    product, place = p.rate * q.scale, q.loc / q.scale
    return product.log() - 1 - place + place.exp() * product / (product + 1) + product.reciprocal()


@register_kl(Exponential, Normal)
def _exponential_normal(p, q):
    variance, square = q.scale.pow(2), p.rate.pow(2)
    t1 = 0.5 * (square * variance * 2 * math.pi).log()
    return t1 - 1 + (square.reciprocal() - q.loc / p.rate + q.loc.pow(2) * 0.5) / variance


@register_kl(Gamma, Exponential)
def _gamma_exponential(p, q):
    return -p.entropy() - q.rate.log() + q.rate * p.concentration / p.rate


@register_kl(Gamma, Gumbel)
def _gamma_gumbel(p, q):
    product, place = p.rate * q.scale, q.loc / q.scale
    t1 = (p.concentration - 1) * p.concentration.digamma() - p.concentration.lgamma() - p.concentration
    t2 = product.log() + p.concentration / product
    return t1 + t2 + place.exp() * (1 + product.reciprocal()).pow(-p.concentration) - place


@register_kl(Gamma, Normal)
def _gamma_normal(p, q):
    variance, square = q.scale.pow(2), p.rate.pow(2)
    t1 = 0.5 * (square * variance * 2 * math.pi).log() - p.concentration - p.concentration.lgamma()
    t2 = 0.5 * (p.concentration.pow(2) + p.concentration) / square
    return t1 + (p.concentration - 1) * p.concentration.digamma() + (t2 - q.loc * p.concentration / p.rate + 0.5 * q.loc.pow(2)) / variance


@register_kl(Gumbel, Normal)
def _gumbel_normal(p, q):
    ratio = p.scale / q.scale
    t3 = ((p.loc + p.scale * euler_constant - q.loc) / q.scale).pow(2) * 0.5
    return -(ratio / math.sqrt(2 * math.pi)).log() + (math.pi * ratio * 0.5).pow(2) / 3 + t3 - (euler_constant + 1)


@register_kl(Laplace, Normal)
def _laplace_normal(p, q):
    variance = q.scale.pow(2)
    ratio = p.scale.pow(2) / variance
    return -0.5 * (2 * ratio / math.pi).log() + ratio + (0.5 * p.loc.pow(2) - p.loc * q.loc + 0.5 * q.loc.pow(2)) / variance - 1


@register_kl(Normal, Gumbel)
def _normal_gumbel(p, q):
    mean, ratio, place = p.loc / q.scale, (p.scale / q.scale).pow(2), q.loc / q.scale
    return -ratio.log() * 0.5 + mean - place + (-mean + 0.5 * ratio + place).exp() - 0.5 * (1 + math.log(2 * math.pi))


@register_kl(Normal, Laplace)
def _normal_laplace(p, q):
    away = p.loc - q.loc
    scaled = away / p.scale
    t2 = math.sqrt(2 / math.pi) * p.scale * (-0.5 * scaled.pow(2)).exp()
    return -(p.scale / q.scale).log() + (t2 + away * (math.sqrt(0.5) * scaled).erf()) / q.scale - 0.5 * (1 + math.log(0.5 * math.pi))


@register_kl(Pareto, Exponential)
def _pareto_exponential(p, q):
    product = p.scale * q.rate
    found = (p.alpha / product).log() - p.alpha.reciprocal() + p.alpha * product / (p.alpha - 1) - 1
    return where(p.alpha <= 1, math.inf, found)


@register_kl(Pareto, Gamma)
def _pareto_gamma(p, q):
    common = p.scale.log() + p.alpha.reciprocal()
    t2 = q.concentration.lgamma() - q.concentration * q.rate.log()
    t4 = q.rate * p.alpha * p.scale / (p.alpha - 1)
    return where(p.alpha <= 1, math.inf, p.alpha.log() - common + t2 + (1 - q.concentration) * common + t4 - 1)


@register_kl(Pareto, Normal)
def _pareto_normal(p, q):
    common = p.scale / (p.alpha - 1)
    t1 = (math.sqrt(2 * math.pi) * q.scale * p.alpha / p.scale).log()
    t3, t4 = p.alpha * common.pow(2) / (p.alpha - 2), (p.alpha * common - q.loc).pow(2)
    return where(p.alpha <= 2, math.inf, t1 - p.alpha.reciprocal() + (t3 + t4) / (2 * q.scale.pow(2)) - 1)


def _mean_log(p):
    """The mean of log x of a uniform number."""
    width = p.high - p.low
    return (_x_log_x(p.high) - _x_log_x(p.low) - width) / width


@register_kl(Uniform, Beta)
def _uniform_beta(p, q):
    width = p.high - p.low
    t2 = (q.concentration1 - 1) * _mean_log(p)
    t3 = (q.concentration0 - 1) * (_x_log_x(1 - p.high) - _x_log_x(1 - p.low) + width) / width
    t4 = q.concentration1.lgamma() + q.concentration0.lgamma() - (q.concentration1 + q.concentration0).lgamma()
    return where((p.high > 1) | (p.low < 0), math.inf, t3 + t4 - width.log() - t2)


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_continuous_bernoulli(p, q):
    found = _against_continuous_bernoulli(p, q)
    return where((p.high >= 1) | (p.low <= 0), ones_like(found) * math.inf, found)


@register_kl(Uniform, Exponential)
def _uniform_exponential(p, q):
    found = q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log()
    return where(p.low < 0, math.inf, found)


@register_kl(Uniform, Gamma)
def _uniform_gamma(p, q):
    t2 = q.concentration.lgamma() - q.concentration * q.rate.log()
    found = -(p.high - p.low).log() + t2 + (1 - q.concentration) * _mean_log(p) + q.rate * (p.high + p.low) / 2
    return where(p.low < 0, math.inf, found)


@register_kl(Uniform, Gumbel)
def _uniform_gumbel(p, q):
    common, high, low = q.scale / (p.high - p.low), (p.high - q.loc) / q.scale, (p.low - q.loc) / q.scale
    return common.log() + 0.5 * (high + low) - common * ((-high).exp() - (-low).exp())


@register_kl(Uniform, Normal)
def _uniform_normal(p, q):
    width = p.high - p.low
    t1 = (math.sqrt(math.pi * 2) * q.scale / width).log()
    return t1 + 0.5 * (width.pow(2) / 12 + ((p.high + p.low - 2 * q.loc) / 2).pow(2)) / q.scale.pow(2)


@register_kl(Uniform, Pareto)
def _uniform_pareto(p, q):
    t1 = (q.alpha * q.scale.pow(q.alpha) * (p.high - p.low)).log()
    return where(p.low < q.scale, math.inf, _mean_log(p) * (q.alpha + 1) - t1)

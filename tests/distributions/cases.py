"""Distributions to compare with PyTorch's: texts, each evaluated with `D` (distributions) and `t`. What is asked of each is in `answers`."""

from __future__ import annotations

import warnings

import numpy as np

V, W = "t.tensor([0.3, 1.2, 2.5])", "t.tensor([[0.7], [1.9]])"
P = "t.tensor([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])"
M = "t.tensor([[2.0, 0.5], [0.5, 1.0]])"
DISTRIBUTIONS = [
    "D.Normal(0.5, 2.0)", f"D.Normal({V}, {W})", f"D.LogNormal({V}, 0.5)", f"D.HalfNormal({V})", f"D.Laplace({V}, {W})", f"D.Cauchy({V}, {W})",
    f"D.HalfCauchy({V})", f"D.Gumbel({V}, {W})", "D.Gumbel(0.5, 2.0)", f"D.Uniform({V}, 3.0)", f"D.StudentT({V} + 2, 0.5, {W})", f"D.VonMises({V}, {W})",
    f"D.Exponential({V})", f"D.Gamma({V}, {W})", "D.Gamma(2.0, 3.0)", f"D.Chi2({V})", f"D.InverseGamma({V} + 2, {W})", f"D.FisherSnedecor({V} + 4, {W} + 4)",
    f"D.Weibull({V}, {W})", f"D.Pareto({V}, {W} + 2)", f"D.GeneralizedPareto({V}, {W}, t.tensor([0.0, -0.3, 0.4]))", f"D.Beta({V}, {W})", "D.Beta(0.5, 2.0)",
    f"D.Dirichlet({V})", "D.Dirichlet(t.tensor([[0.5, 0.5, 0.5], [2.0, 3.0, 4.0]]))", f"D.Kumaraswamy({V} + 1, {W} + 1)",
    "D.Bernoulli(t.tensor([0.2, 0.5, 0.9]))", "D.Bernoulli(logits=t.tensor([-1.0, 0.5]))", "D.Bernoulli(0.3)", "D.Geometric(t.tensor([0.2, 0.5, 0.9]))",
    "D.Binomial(12, t.tensor([0.2, 0.5, 0.9]))", "D.Binomial(40, logits=t.tensor([-1.0, 0.5]))",
    "D.NegativeBinomial(5, t.tensor([0.2, 0.5, 0.9]))", "D.Poisson(t.tensor([0.4, 3.0, 25.0]))",
    "D.ContinuousBernoulli(t.tensor([0.2, 0.5, 0.9]))", f"D.Categorical({P})", f"D.Categorical(logits={P})", f"D.OneHotCategorical({P})",
    f"D.OneHotCategoricalStraightThrough({P})", f"D.Multinomial(6, {P})", f"D.Multinomial(4, logits={P})", "D.RelaxedBernoulli(t.tensor(0.7), t.tensor([0.2, 0.9]))",
    "D.relaxed_bernoulli.LogitRelaxedBernoulli(t.tensor(0.7), logits=t.tensor([0.2, 0.9]))", f"D.RelaxedOneHotCategorical(t.tensor(0.7), {P})",
    f"D.relaxed_categorical.ExpRelaxedCategorical(t.tensor(0.7), {P})", f"D.MultivariateNormal(t.tensor([1.0, -1.0]), {M})",
    f"D.MultivariateNormal(t.zeros(3, 2), precision_matrix={M})", f"D.MultivariateNormal(t.zeros(2), scale_tril=t.linalg.cholesky({M}))",
    "D.LowRankMultivariateNormal(t.tensor([1.0, -1.0, 0.5]), t.tensor([[0.5], [1.0], [-1.0]]), t.tensor([1.0, 2.0, 0.5]))",
    f"D.LogisticNormal({V}, t.tensor([0.5, 1.0, 0.2]))", f"D.Wishart(t.tensor(4.0), {M})", f"D.Wishart(t.tensor([4.0, 5.5]), scale_tril=t.linalg.cholesky({M}))",
    "D.LKJCholesky(3, 0.8)", "D.LKJCholesky(2, t.tensor([0.5, 2.0]))", f"D.Independent(D.Normal({V}, {W}), 1)",
    f"D.TransformedDistribution(D.Normal({V}, {W}), [D.transforms.AffineTransform(1.0, -2.0), D.transforms.SigmoidTransform()])",
    f"D.MixtureSameFamily(D.Categorical({P}), D.Normal(t.tensor([[0.0, 1.0, 2.0], [1.0, 5.0, 9.0]]), 0.5))",
    "D.MixtureSameFamily(D.Categorical(t.tensor([0.3, 0.7])), D.Independent(D.Normal(t.tensor([[0.0, 1.0], [4.0, 5.0]]), 1.0), 1))",
]  # fmt: skip
PARTS = (
    "repr(d)", "repr(d.support)", "tuple(d.batch_shape) + tuple(d.event_shape)", "d.sample()", "d.sample((4,))", "d.rsample((2, 2)) if d.has_rsample else 0",
    "d.log_prob(d.sample((3,)))", "d.entropy()", "d.mean", "d.mode", "d.variance", "d.stddev", "d.cdf(d.sample((3,)))",
    "d.icdf(t.full((2,) + tuple(d.batch_shape), 0.3))", "d.expand((2,) + tuple(d.batch_shape)).sample()", "d.enumerate_support() if d.has_enumerate_support else 0",
    "d.perplexity()",
)  # fmt: skip

_PAIRS = {
    "Bernoulli": "D.Bernoulli(t.tensor([0.2, 0.7]))", "Beta": "D.Beta(t.tensor([0.5, 2.0]), 1.5)", "Binomial": "D.Binomial(5, t.tensor([0.2, 0.7]))",
    "Categorical": f"D.Categorical({P})", "Cauchy": "D.Cauchy(t.tensor([0.5, 2.0]), 1.5)", "ContinuousBernoulli": "D.ContinuousBernoulli(t.tensor([0.2, 0.7]))",
    "Dirichlet": f"D.Dirichlet({V})", "Exponential": "D.Exponential(t.tensor([0.5, 2.0]))", "Gamma": "D.Gamma(t.tensor([0.5, 2.0]), 1.5)",
    "Geometric": "D.Geometric(t.tensor([0.2, 0.7]))", "Gumbel": "D.Gumbel(t.tensor([0.5, 2.0]), 1.5)", "HalfNormal": "D.HalfNormal(t.tensor([0.5, 2.0]))",
    "Laplace": "D.Laplace(t.tensor([0.5, 2.0]), 1.5)", "LowRank": "D.LowRankMultivariateNormal(t.tensor([1.0, 0.5]), t.tensor([[0.5], [1.0]]), t.tensor([1.0, 2.0]))",
    "MultivariateNormal": f"D.MultivariateNormal(t.tensor([1.0, -1.0]), {M})", "Normal": "D.Normal(t.tensor([0.5, 2.0]), 1.5)",
    "OneHotCategorical": f"D.OneHotCategorical({P})", "Pareto": "D.Pareto(t.tensor([0.5, 2.0]), 3.5)", "Poisson": "D.Poisson(t.tensor([0.5, 2.0]))",
    "Uniform": "D.Uniform(t.tensor([0.1, 0.2]), 0.9)", "Independent": "D.Independent(D.Normal(t.tensor([0.5, 2.0]), 1.5), 1)",
    "LogNormal": "D.LogNormal(t.tensor([0.5, 2.0]), 1.5)",
}  # fmt: skip
_OTHER = {name: text.replace("0.5", "0.6").replace("0.2, 0.7", "0.3, 0.6").replace("1.5", "1.2").replace("[1.0, -1.0]", "[0.3, 0.1]") for name, text in _PAIRS.items()}
_CROSS = ("Beta", "ContinuousBernoulli", "Exponential", "Gamma", "Gumbel", "Laplace", "Normal", "Pareto", "Uniform")
DIVERGENCES = [
    *(f"D.kl_divergence({p}, {_OTHER[name]})" for name, p in _PAIRS.items()),
    *(f"D.kl_divergence({_PAIRS[a]}, {_OTHER[b]})" for a in _CROSS for b in _CROSS if a != b),
    f"D.kl_divergence({_PAIRS['Bernoulli']}, {_OTHER['Poisson']})", f"D.kl_divergence({_PAIRS['Poisson']}, {_OTHER['Binomial']})",
    f"D.kl_divergence({_PAIRS['MultivariateNormal']}, {_OTHER['LowRank']})", f"D.kl_divergence({_PAIRS['LowRank']}, {_OTHER['MultivariateNormal']})",
]  # fmt: skip

DRAWS = [  # with what is drawn next
    "t.cat([t.poisson(t.tensor([0.0, 0.4, 3.0, 9.9, 25.0, 300.0])), t.rand(2)])", "t.cat([t.poisson(t.full((3,), 12.5, dtype=t.float64)), t.randn(2)])",
    "t.cat([t.binomial(t.tensor([0.0, 1.0, 7.0, 50.0, 90.0, 1000.0]), t.tensor([0.5, 0.2, 0.9, 0.3, 0.8, 0.01])), t.rand(2)])",
    "t.binomial(t.tensor(30.0), t.tensor([0.0, 0.4, 1.0]))", "t.poisson(t.tensor([-1.0]))", "t.poisson(t.tensor([1]))", "t.poisson(t.zeros(0))",
    "t.binomial(t.tensor(3.0), t.tensor(0.5, dtype=t.float64))", "t.poisson(t.tensor([4.0]), generator=t.Generator().manual_seed(3))",
    "t.zeros(4, 5).t().normal_(1.0, 2.0)", "t.zeros(3, 17)[:, ::2].normal_()", "t.rand(3, dtype=t.int64)", "t.randn(3, dtype=t.int32)",
    "t.zeros(3, dtype=t.int32).random_()", "t.zeros(2, 2, dtype=t.int32).t().random_()", "t.randint(0, 300, (3,), dtype=t.uint8)", "t.zeros(3, dtype=t.uint8).random_(300)", "t.randint(2.5, (2,))", "t.randperm(3.0)", "t.randint(3)",
    "t.normal(t.zeros(3), t.tensor([1.0, -1.0, 1.0]))", "t.normal(t.zeros(3), -1.0)", "t.bernoulli(t.tensor([1.5]))", "t.bernoulli(t.tensor([1, 0]))",
    "t.zeros(3, dtype=t.int64).exponential_()", "t.rand(3, dtype=t.complex64)", "t.randn(9, dtype=t.complex128)",
    "t.cat([D.Gamma(t.tensor([0.0001, 0.5, 1.0, 3.0, 80.0]), 1.0).sample(), t.randn(1)])", "D.Gamma(t.tensor([0.5, 3.0], dtype=t.float64), 2.0).sample()",
]  # fmt: skip

GRADIENTS = [  # of the sum of the result by `a` = [0.7, 1.6, 2.2]
    "D.Normal(a, a).rsample((2,))", "D.Gamma(a, 2 * a).rsample((2,))", "D.Beta(a, a + 1).rsample((2,))", "(D.Dirichlet(a).rsample((2,)) ** 2)", "D.StudentT(a).rsample()",
    "D.LogNormal(a, a).rsample()", "D.Weibull(a, a).rsample()", "D.Gumbel(a, a).rsample()", "D.Normal(a, a).log_prob(t.tensor(0.5))",
    "D.Gamma(a, a).log_prob(t.tensor(0.5))", "D.Categorical(logits=a).log_prob(t.tensor([0, 2]))", "D.Categorical(logits=a).entropy()",
    "D.Bernoulli(logits=a).log_prob(t.tensor(1.0))", "D.Poisson(a).log_prob(t.tensor(3.0))", "D.kl_divergence(D.Normal(a, a), D.Normal(0.0, 1.0))",
    "D.MultivariateNormal(a, t.diag(a)).log_prob(t.ones(3))", "D.RelaxedOneHotCategorical(t.tensor(0.5), logits=a).rsample()", "D.Exponential(a).rsample()",
    "t.bernoulli(a / 3)", "t.poisson(a)", "t.normal(a, 2.0)", "t.normal(a, a)", "D.Gamma(a * 9, a).rsample((3,))", "(D.Dirichlet(a * 9).rsample((4,)) ** 2)",
]  # fmt: skip

_X = "t.tensor([[0.3, -0.7, 1.2], [2.0, 0.1, -1.5]])"
TRANSFORMS = [
    *(f"D.transforms.{name}" for name in (
        "ExpTransform()", "SigmoidTransform()", "TanhTransform()", "SoftplusTransform()", "AffineTransform(1.0, -2.0)", "AffineTransform(0.5, 2.0, event_dim=1)",
        "AbsTransform()", "StickBreakingTransform()", "SoftmaxTransform()", "CorrCholeskyTransform()", "IndependentTransform(D.transforms.ExpTransform(), 1)",
        "ComposeTransform([D.transforms.AffineTransform(0.0, 2.0), D.transforms.ExpTransform()])", "ReshapeTransform((3,), (3, 1))", "ExpTransform().inv.inv",
        "CatTransform([D.transforms.ExpTransform(), D.transforms.SigmoidTransform()], dim=1, lengths=[2, 1])", "CumulativeDistributionTransform(D.Normal(0.0, 1.0))",
        "StackTransform([D.transforms.ExpTransform(), D.transforms.TanhTransform()], dim=0)",
    )),
    *(f"D.biject_to(D.constraints.{name})" for name in ("real", "positive", "unit_interval", "interval(-1.0, 2.0)", "simplex", "greater_than(1.0)", "less_than(1.0)", "corr_cholesky")),
    *(f"D.transform_to(D.constraints.{name})" for name in ("simplex", "nonnegative", "independent(D.constraints.positive, 1)")),
]  # fmt: skip
TRANSFORM_PARTS = ("repr(f)", "repr(f.domain)", "repr(f.codomain)", "f(x)", "f.inv(f(x))", "f.log_abs_det_jacobian(x, f(x))", "f.bijective", "tuple(f.forward_shape(x.shape))")

ERRORS = [
    "D.Normal(0.0, -1.0)", "D.Normal(t.tensor([1.0, float('nan')]), 1.0)", "D.Normal(0.0, 1.0).log_prob(t.tensor(float('nan')))", "D.Bernoulli(1.5)", "D.Bernoulli()",
    "D.Bernoulli(0.5, 0.5)", "D.Categorical(t.tensor(0.5))", "D.Categorical(t.tensor([0.5, 0.5])).log_prob(t.tensor(2))", "D.Uniform(1.0, 0.0)",
    "D.Beta(1.0, 1.0).log_prob(t.tensor(1.5))", "D.Dirichlet(t.tensor(1.0))", "D.MultivariateNormal(t.zeros(2))", "D.MultivariateNormal(t.tensor(1.0), t.eye(2))",
    "D.MultivariateNormal(t.zeros(2), t.tensor([[1.0, 2.0], [2.0, 1.0]]))", "D.Normal(t.zeros(2), 1.0).log_prob(t.zeros(3))", "D.Independent(D.Normal(0.0, 1.0), 1)",
    "D.kl_divergence(D.Normal(0.0, 1.0), D.Bernoulli(0.5))", "D.Poisson(1.0).log_prob(t.tensor(0.5))", "D.Normal('a', 1.0)", "D.Multinomial(t.tensor(2), t.ones(2))",
    "D.Normal(0.0, 1.0).enumerate_support()", "D.TransformedDistribution(D.Normal(0.0, 1.0), 3)", "D.Geometric(0.0)", "D.LKJCholesky(1)",
    "D.biject_to(D.constraints.boolean)", "D.constraints.dependent.check(1)", "D.Normal(0.0, 1.0).log_prob(1.0)",
]  # fmt: skip


def _plain(value, t):
    return value.detach().numpy().copy() if isinstance(value, t.Tensor) else str(value)


def _answer(text: str, names: dict):
    t = names["t"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        t.manual_seed(11)
        try:
            return _plain(eval(text, names), t)
        except Exception as error:
            return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def answers(text: str, t) -> dict[str, np.ndarray | str]:
    """What PyTorch or suiren says of a distribution: arrays, texts, or what it raises."""
    names = {"t": t, "D": t.distributions}
    names["d"] = eval(text, names)
    return {part: _answer(part, names) for part in PARTS}


def answer(text: str, t) -> np.ndarray | str:
    return _answer(text, {"t": t, "D": t.distributions})


def gradient(text: str, t) -> np.ndarray:
    a = t.tensor([0.7, 1.6, 2.2], requires_grad=True)
    t.manual_seed(11)
    eval(text, {"t": t, "D": t.distributions, "a": a}).sum().backward()
    return a.grad.numpy().copy()


def transform_answers(text: str, t) -> dict[str, np.ndarray | str]:
    names = {"t": t, "D": t.distributions}
    names["f"], names["x"] = eval(text, names), eval(_X, names)
    return {part: _answer(part, names) for part in TRANSFORM_PARTS}

"""Probability distributions: samples, log probabilities, moments, transforms, divergences.

Samples are PyTorch's, number for number, from the same seed. Source: https://docs.pytorch.org/docs/stable/distributions.html
"""

import sys as _sys

from suiren.distributions import constraints as constraints
from suiren.distributions import kl as kl
from suiren.distributions import matrix_transforms as _matrix_transforms
from suiren.distributions import transforms as transforms
from suiren.distributions.bernoulli import Bernoulli as Bernoulli
from suiren.distributions.bernoulli import Binomial as Binomial
from suiren.distributions.bernoulli import ContinuousBernoulli as ContinuousBernoulli
from suiren.distributions.bernoulli import Geometric as Geometric
from suiren.distributions.bernoulli import NegativeBinomial as NegativeBinomial
from suiren.distributions.bernoulli import Poisson as Poisson
from suiren.distributions.bernoulli import RelaxedBernoulli as RelaxedBernoulli
from suiren.distributions.categorical import Categorical as Categorical
from suiren.distributions.categorical import Multinomial as Multinomial
from suiren.distributions.categorical import OneHotCategorical as OneHotCategorical
from suiren.distributions.categorical import OneHotCategoricalStraightThrough as OneHotCategoricalStraightThrough
from suiren.distributions.categorical import RelaxedOneHotCategorical as RelaxedOneHotCategorical
from suiren.distributions.constraint_registry import biject_to as biject_to
from suiren.distributions.constraint_registry import transform_to as transform_to
from suiren.distributions.dirichlet import Beta as Beta
from suiren.distributions.dirichlet import Dirichlet as Dirichlet
from suiren.distributions.dirichlet import Kumaraswamy as Kumaraswamy
from suiren.distributions.distribution import Distribution as Distribution
from suiren.distributions.distribution import ExponentialFamily as ExponentialFamily
from suiren.distributions.gamma import Chi2 as Chi2
from suiren.distributions.gamma import Exponential as Exponential
from suiren.distributions.gamma import FisherSnedecor as FisherSnedecor
from suiren.distributions.gamma import Gamma as Gamma
from suiren.distributions.gamma import GeneralizedPareto as GeneralizedPareto
from suiren.distributions.gamma import InverseGamma as InverseGamma
from suiren.distributions.gamma import Pareto as Pareto
from suiren.distributions.gamma import Weibull as Weibull
from suiren.distributions.kl import kl_divergence as kl_divergence
from suiren.distributions.kl import register_kl as register_kl
from suiren.distributions.location import Cauchy as Cauchy
from suiren.distributions.location import Gumbel as Gumbel
from suiren.distributions.location import HalfCauchy as HalfCauchy
from suiren.distributions.location import Laplace as Laplace
from suiren.distributions.location import StudentT as StudentT
from suiren.distributions.location import Uniform as Uniform
from suiren.distributions.location import VonMises as VonMises
from suiren.distributions.mixture_same_family import MixtureSameFamily as MixtureSameFamily
from suiren.distributions.multivariate_normal import LogisticNormal as LogisticNormal
from suiren.distributions.multivariate_normal import LowRankMultivariateNormal as LowRankMultivariateNormal
from suiren.distributions.multivariate_normal import MultivariateNormal as MultivariateNormal
from suiren.distributions.normal import HalfNormal as HalfNormal
from suiren.distributions.normal import LogNormal as LogNormal
from suiren.distributions.normal import Normal as Normal
from suiren.distributions.transformed_distribution import Independent as Independent
from suiren.distributions.transformed_distribution import TransformedDistribution as TransformedDistribution
from suiren.distributions.transforms import *  # noqa: F403

from suiren.distributions.matrix_transforms import *  # noqa: F403  isort: skip
from suiren.distributions.wishart import LKJCholesky as LKJCholesky
from suiren.distributions.wishart import Wishart as Wishart
from suiren.names import absent_from as _absent_from

# PyTorch has a file for each; here one holds a family.
_FILES = {
    "bernoulli": "binomial continuous_bernoulli geometric negative_binomial poisson relaxed_bernoulli",
    "categorical": "multinomial one_hot_categorical relaxed_categorical",
    "dirichlet": "beta kumaraswamy",
    "distribution": "exp_family",
    "gamma": "chi2 exponential fishersnedecor generalized_pareto inverse_gamma pareto weibull",
    "location": "cauchy gumbel half_cauchy laplace studentT uniform von_mises",
    "multivariate_normal": "logistic_normal lowrank_multivariate_normal",
    "normal": "half_normal log_normal",
    "transformed_distribution": "independent",
    "wishart": "lkj_cholesky",
}
for _file, _names in _FILES.items():
    for _name in _names.split():
        _sys.modules[f"{__name__}.{_name}"] = globals()[_name] = _sys.modules[f"{__name__}.{_file}"]
for _name in _matrix_transforms.__all__:
    setattr(transforms, _name, getattr(_matrix_transforms, _name))

__getattr__ = _absent_from("distributions")

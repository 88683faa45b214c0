"""Random matrices: Wishart, LKJCholesky. Source: https://docs.pytorch.org/docs/stable/distributions.html#wishart"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

from suiren.api.comparison import where
from suiren.api.creation import arange, tensor
from suiren.api.diagonals import tril_indices
from suiren.api.joining import cat
from suiren.api.linalg_old import cholesky_solve
from suiren.api.linalg_solving import slogdet
from suiren.api.shapes import broadcast_shapes
from suiren.api.special import mvlgamma
from suiren.autograd.modes import no_grad
from suiren.distributions import constraints
from suiren.distributions.dirichlet import Beta
from suiren.distributions.distribution import Distribution, ExponentialFamily
from suiren.distributions.gamma import Chi2
from suiren.distributions.multivariate_normal import cholesky, cholesky_inverse, log_diagonal, precision_to_scale_tril
from suiren.distributions.utils import broadcast_all, is_number, lazy_property
from suiren.dtypes import finfo
from suiren.random.draws import randn
from suiren.tensor import Tensor

_LOG_2 = math.log(2)


class Wishart(ExponentialFamily):
    """The distribution of scatter matrices of `df` normal vectors with a covariance, its inverse, or its Cholesky factor `scale_tril`."""

    support = constraints.positive_definite
    has_rsample = True
    _as_it_is = ("_unbroadcasted_scale_tril",)

    def __init__(
        self, df: Any, covariance_matrix: Any = None, precision_matrix: Any = None, scale_tril: Any = None, validate_args: bool | None = None
    ):
        given = {"covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix, "scale_tril": scale_tril}
        given = {name: matrix for name, matrix in given.items() if matrix is not None}
        if len(given) != 1:
            raise AssertionError("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        if is_number(df):
            batch = matrix.shape[:-2]
            self.df = tensor(df, dtype=matrix.dtype).expand(batch)
        else:
            batch = broadcast_shapes(matrix.shape[:-2], df.shape)
            self.df = df.expand(batch)
        p = matrix.shape[-1]
        if bool((self.df <= p - 1).any()):
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {p - 1}.")
        if bool((self.df < p).any()):
            warnings.warn("Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.", stacklevel=2)
        setattr(self, name, matrix.expand((*batch, -1, -1)))
        super().__init__(batch, matrix.shape[-2:], validate_args)
        make = {"scale_tril": lambda m: m, "covariance_matrix": cholesky, "precision_matrix": precision_to_scale_tril}[name]
        self._unbroadcasted_scale_tril = make(matrix)

    @property
    def arg_constraints(self):
        return {
            "covariance_matrix": constraints.positive_definite, "precision_matrix": constraints.positive_definite,
            "scale_tril": constraints.lower_cholesky, "df": constraints.greater_than(self.event_shape[-1] - 1),
        }  # fmt: skip

    def _matrices(self, found):
        return found.expand(self._batch_shape + self._event_shape)

    @lazy_property
    def scale_tril(self) -> Tensor:
        return self._matrices(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        return self._matrices(self._unbroadcasted_scale_tril @ self._unbroadcasted_scale_tril.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        return self._matrices(cholesky_inverse(self._unbroadcasted_scale_tril))

    mean = property(lambda self: self.df[..., None, None] * self.covariance_matrix)

    @property
    def mode(self) -> Tensor:
        factor = self.df - self._event_shape[-1] - 1
        return where(factor <= 0, math.nan, factor)[..., None, None] * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        diagonal = self.covariance_matrix.diagonal(dim1=-2, dim2=-1)
        return self.df[..., None, None] * (self.covariance_matrix.pow(2) + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _bartlett(self, sample_shape):
        p, d = self._event_shape[-1], self._unbroadcasted_scale_tril.dtype
        chi2 = Chi2(self.df.unsqueeze(-1) - arange(p, dtype=d), validate_args=False)
        noise = chi2.rsample(sample_shape).sqrt().clamp(min=finfo(d).eps).diag_embed()
        rows, columns = tril_indices(p, p, offset=-1)
        noise[..., rows, columns] = randn((*sample_shape, *self._batch_shape, p * (p - 1) // 2), dtype=noise.dtype)
        factor = self._unbroadcasted_scale_tril @ noise
        return factor @ factor.mT

    def rsample(self, sample_shape: Sequence[int] = (), max_try_correction=None) -> Tensor:
        """Samples by Bartlett's decomposition.

        As in PyTorch, a sample that is positive definite is drawn a second time: its correction of singular samples asks the opposite of what it
        means, at most `max_try_correction` times (10 unless it is given).
        """
        sample = self._bartlett(tuple(sample_shape))
        chosen = self._all_of_batch(self.support.check(sample))
        for _ in range(10 if max_try_correction is None else max_try_correction):
            if not bool(chosen.any()):
                break
            again = self._bartlett(tuple(chosen[chosen].shape))
            where_chosen = chosen.nonzero(as_tuple=True)
            sample = sample.index_put(where_chosen, again) if chosen.dim() else again.reshape(sample.shape)
            chosen = chosen.masked_scatter(chosen, ~self._all_of_batch(self.support.check(again)))
        return sample

    def _all_of_batch(self, found):
        return found.amax([-(i + 1) for i in range(len(self._batch_shape))]) if self._batch_shape else found

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        nu, p, factor = self.df, self._event_shape[-1], self._unbroadcasted_scale_tril
        return (
            -nu * (p * _LOG_2 / 2 + log_diagonal(factor)) - mvlgamma(nu / 2, p=p) + (nu - p - 1) / 2 * slogdet(value).logabsdet
            - cholesky_solve(value, factor).diagonal(dim1=-2, dim2=-1).sum(-1) / 2
        )  # fmt: skip

    def entropy(self) -> Tensor:
        nu, p = self.df, self._event_shape[-1]
        digammas = ((nu / 2).unsqueeze(-1) - arange(p, dtype=nu.dtype) / 2).digamma().sum(-1)
        return (
            (p + 1) * (p * _LOG_2 / 2 + log_diagonal(self._unbroadcasted_scale_tril)) + mvlgamma(nu / 2, p=p) - (nu - p - 1) / 2 * digammas
            + nu * p / 2
        )  # fmt: skip

    @property
    def _natural_params(self):
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, x, y):
        p = self._event_shape[-1]
        return (y + (p + 1) / 2) * (-slogdet(-2 * x).logabsdet + _LOG_2 * p) + mvlgamma(y + (p + 1) / 2, p=p)


class LKJCholesky(Distribution):
    """Cholesky factors of `dim` x `dim` correlation matrices: the nearer to the identity the larger `concentration` is. By the onion method."""

    concentration: Tensor
    arg_constraints = {"concentration": constraints.positive}
    support = constraints.corr_cholesky

    def __init__(self, dim: int, concentration: Any = 1.0, validate_args: bool | None = None):
        if dim < 2:
            raise ValueError(f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}.")
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            d = self.concentration.dtype
            offset = arange(self.dim - 1, dtype=d)
            offset = cat([offset.new_zeros((1,)), offset])
            marginal = self.concentration + 0.5 * (self.dim - 2)
            y = Beta(offset + 0.5, marginal.unsqueeze(-1) - 0.5 * offset, validate_args=False).sample(sample_shape).unsqueeze(-1)
            normals = randn(self._extended_shape(sample_shape), dtype=d).tril(-1)
            directions = normals / normals.norm(dim=-1, keepdim=True)
            directions[..., 0, :].fill_(0.0)
            w = y.sqrt() * directions
            return w + (1 - (w**2).sum(-1)).clamp(min=finfo(d).tiny).sqrt().diag_embed()

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        diagonal, n = value.diagonal(dim1=-1, dim2=-2)[..., 1:], self.dim - 1
        order = 2 * (self.concentration - 1).unsqueeze(-1) + self.dim - arange(2, self.dim + 1)
        alpha = self.concentration + 0.5 * n
        constant = 0.5 * n * math.log(math.pi) + mvlgamma(alpha - 0.5, n) - alpha.lgamma() * n
        return (order * diagonal.log()).sum(-1) - constant

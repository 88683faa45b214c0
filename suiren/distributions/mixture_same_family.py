"""MixtureSameFamily: one of several distributions of a batch. Source: https://docs.pytorch.org/docs/stable/distributions.html#mixturesamefamily"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suiren.autograd.modes import no_grad
from suiren.distributions import constraints
from suiren.distributions.categorical import Categorical
from suiren.distributions.distribution import Distribution
from suiren.distributions.utils import log_softmax
from suiren.tensor import Tensor


class MixtureSameFamily(Distribution):
    """A mixture, by the weights of a Categorical, of the distributions along the last dim of another's batch."""

    arg_constraints: Any = {}

    def __init__(self, mixture_distribution: Categorical, component_distribution: Distribution, validate_args: bool | None = None):
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(" The Mixture distribution needs to be an  instance of torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be an instance of torch.distributions.Distribution")
        weights, batch = mixture_distribution.batch_shape, component_distribution.batch_shape[:-1]
        for a, b in zip(reversed(weights), reversed(batch)):
            if a != 1 and b != 1 and a != b:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({weights}) is not compatible with `component_distribution.batch_shape`({batch})"
                )
        km, kc = mixture_distribution.logits.shape[-1], component_distribution.batch_shape[-1]
        if km != kc:
            raise ValueError(f"`mixture_distribution component` ({km}) does not equal `component_distribution.batch_shape[-1]` ({kc})")
        self._mixture_distribution, self._component_distribution = mixture_distribution, component_distribution
        self._event_ndims = len(component_distribution.event_shape)
        super().__init__(batch, component_distribution.event_shape, validate_args)

    mixture_distribution = property(lambda self: self._mixture_distribution)
    component_distribution = property(lambda self: self._component_distribution)

    @constraints.dependent_property
    def support(self):
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    def _weighed(self, x):
        """The mean over the components of something of every component."""
        probs = self._mixture_distribution.probs
        missing = 0 if len(probs.shape) == 2 else len(self.batch_shape) + 1 - len(probs.shape)
        probs = probs.reshape((*probs.shape[:-1], *(1,) * missing, probs.shape[-1], *(1,) * self._event_ndims))
        return (probs * x).sum(dim=-1 - self._event_ndims)

    def _pad(self, x):
        return x.unsqueeze(-1 - self._event_ndims)

    @property
    def mean(self) -> Tensor:
        return self._weighed(self._component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        between = (self._component_distribution.mean - self._pad(self.mean)).pow(2.0)
        return self._weighed(self._component_distribution.variance) + self._weighed(between)

    def cdf(self, x: Tensor) -> Tensor:
        return (self._component_distribution.cdf(self._pad(x)) * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, x: Tensor) -> Tensor:
        self._check(x)
        log_weights = log_softmax(self._mixture_distribution.logits, dim=-1)
        return (self._component_distribution.log_prob(self._pad(x)) + log_weights).logsumexp(dim=-1)

    def sample(self, sample_shape: Sequence[int] = ()) -> Tensor:
        with no_grad():
            dim = len(sample_shape) + len(self.batch_shape)
            which, samples = self._mixture_distribution.sample(sample_shape), self._component_distribution.sample(sample_shape)
            which = which.reshape((*which.shape, *(1,) * (len(self.event_shape) + 1)))
            return samples.gather(dim, which.expand((*samples.shape[:dim], 1, *self.event_shape))).squeeze(dim)

    def __repr__(self) -> str:
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"

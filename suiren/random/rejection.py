"""Counts and gamma numbers drawn for every element of a tensor of parameters: PyTorch's numbers, in PyTorch's order.

Source: https://docs.pytorch.org/docs/stable/torch.html#random-sampling
"""

from __future__ import annotations

from suiren.api.arguments import check_tensor
from suiren.api.surface import public
from suiren.ops.rng_rejection import rng_binomial, rng_dirichlet, rng_gamma, rng_poisson
from suiren.random.generator import Generator, draw_for
from suiren.tensor import Tensor


@public(method=False)
def poisson(input, generator: Generator | None = None):
    """Poisson distributed counts, of the rates and the dtype of `input`. RuntimeError for a negative rate."""
    check_tensor("poisson", input)
    return draw_for(rng_poisson, generator, input)


@public(method=False)
def binomial(count, prob, generator: Generator | None = None):
    """How many of `count` tries succeed with probability `prob`: two tensors of one floating dtype that broadcast."""
    check_tensor("binomial", count, "count")
    check_tensor("binomial", prob, "prob", 2)
    if count._spec.dtype is not prob._spec.dtype:
        raise RuntimeError(f"Found dtype {prob._spec.dtype.scalar_name} but expected {count._spec.dtype.scalar_name}")
    if count._spec.shape != prob._spec.shape:
        shape = (count + prob).shape
        count, prob = count.expand(shape), prob.expand(shape)
    return draw_for(rng_binomial, generator, count, prob)


def standard_gamma(concentration: Tensor, generator: Generator | None = None) -> Tensor:
    """Gamma numbers of rate 1, differentiable by their parameter."""
    return draw_for(rng_gamma, generator, concentration)


def standard_dirichlet(concentration: Tensor, generator: Generator | None = None) -> Tensor:
    """Dirichlet numbers, differentiable by their parameters."""
    return draw_for(rng_dirichlet, generator, concentration)


__all__ = ["binomial", "poisson", "standard_dirichlet", "standard_gamma"]

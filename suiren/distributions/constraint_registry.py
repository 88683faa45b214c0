"""From a constraint to a transform of unconstrained numbers onto it: `biject_to` (bijective) and `transform_to` (simpler, for optimisation).

Source: https://docs.pytorch.org/docs/stable/distributions.html#module-torch.distributions.constraint_registry
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from suiren.distributions import constraints, transforms
from suiren.distributions import matrix_transforms as matrices
from suiren.distributions.utils import is_number


class ConstraintRegistry:
    """`registry(constraint)` is a transform whose codomain is the constraint."""

    def __init__(self):
        self._registry: dict[type, Callable] = {}

    def register(self, constraint: Any, factory: Callable | None = None) -> Any:
        """Says how a transform is made for constraints of a class; without a factory, a decorator."""
        if factory is None:
            return lambda made: self.register(constraint, made)
        kind = type(constraint) if isinstance(constraint, constraints.Constraint) else constraint
        if not isinstance(kind, type) or not issubclass(kind, constraints.Constraint):
            raise TypeError(f"Expected constraint to be either a Constraint subclass or instance, but got {constraint}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> transforms.Transform:
        try:
            factory = self._registry[type(constraint)]
        except KeyError:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints") from None
        return factory(constraint)


biject_to, transform_to = ConstraintRegistry(), ConstraintRegistry()


def _both(*kinds: Any) -> Callable:
    def declare(factory: Callable) -> Callable:
        for kind in kinds:
            biject_to.register(kind, factory)
            transform_to.register(kind, factory)
        return factory

    return declare


def _independent(registry: ConstraintRegistry) -> Callable:
    return lambda c: transforms.IndependentTransform(registry(c.base_constraint), c.reinterpreted_batch_ndims)


biject_to.register(constraints.independent, _independent(biject_to))
transform_to.register(constraints.independent, _independent(transform_to))


@_both(constraints.real)
def _real(c):
    return transforms.identity_transform


@_both(constraints.greater_than, constraints.greater_than_eq)  # positive and nonnegative are of these classes
def _above(c):
    return transforms.ComposeTransform([transforms.ExpTransform(), transforms.AffineTransform(c.lower_bound, 1)])


def _is(bound: Any, n: float) -> bool:
    return is_number(bound) and bound == n


@_both(constraints.less_than)
def _below(c):
    return transforms.ComposeTransform([transforms.ExpTransform(), transforms.AffineTransform(c.upper_bound, -1)])


@_both(constraints.interval, constraints.half_open_interval)
def _between(c):
    if _is(c.lower_bound, 0) and _is(c.upper_bound, 1):
        return transforms.SigmoidTransform()
    scale = c.upper_bound - c.lower_bound
    return transforms.ComposeTransform([transforms.SigmoidTransform(), transforms.AffineTransform(c.lower_bound, scale)])


biject_to.register(constraints.simplex, lambda c: matrices.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda c: matrices.SoftmaxTransform())


@_both(constraints.lower_cholesky)
def _lower_cholesky(c):
    return matrices.LowerCholeskyTransform()


@_both(constraints.positive_definite, constraints.positive_semidefinite)
def _positive_definite(c):
    return matrices.PositiveDefiniteTransform()


@_both(constraints.corr_cholesky)
def _corr_cholesky(c):
    return matrices.CorrCholeskyTransform()


biject_to.register(constraints.cat, lambda c: matrices.CatTransform([biject_to(p) for p in c.cseq], c.dim, c.lengths))
transform_to.register(constraints.cat, lambda c: matrices.CatTransform([transform_to(p) for p in c.cseq], c.dim, c.lengths))
biject_to.register(constraints.stack, lambda c: matrices.StackTransform([biject_to(p) for p in c.cseq], c.dim))
transform_to.register(constraints.stack, lambda c: matrices.StackTransform([transform_to(p) for p in c.cseq], c.dim))

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]

"""Names of graph nodes: a primitive's own (`Op.grad_name`), or, of what a composite gives back, the name of PyTorch's one node for it."""

from __future__ import annotations


def of(step) -> str:
    """PyTorch's name of the node that a step stands for."""
    return step.op.grad_name

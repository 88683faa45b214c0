"""How cases and expressions are evaluated with PyTorch. Imported by record.py and by tests/oracle."""

from __future__ import annotations

import numpy as np
import torch


def _tensor(a, wide: bool):
    if not isinstance(a, np.ndarray):
        return a
    t = torch.from_numpy(a.copy())
    return t.requires_grad_() if wide and t.is_floating_point() else t


def case_outputs(case) -> list[np.ndarray]:
    """The results in float32."""
    out = case.torch(torch, *(_tensor(a, False) for a in case.arrays()))
    out = out if isinstance(out, tuple) else (out,)
    return [t.detach().numpy() for t in out]


def case_gradients(case) -> list[np.ndarray | None]:
    """The gradients in float64 of the sum of the results, weighted as check.weights does."""
    from tests.ops.check import weights

    inputs = [_tensor(a, True) for a in case.arrays(wide=True)]
    out = case.torch(torch, *inputs)
    total = None
    for t in out if isinstance(out, tuple) else (out,):
        if t.requires_grad:
            term = (t * torch.from_numpy(weights(tuple(t.shape)).astype(t.detach().numpy().dtype))).sum()
            total = term if total is None else total + term
    if total is None:
        return [None] * len(inputs)
    try:
        total.backward()
    except RuntimeError:  # an op that PyTorch does not differentiate
        return [None] * len(inputs)
    return [t.grad.numpy() if isinstance(t, torch.Tensor) and t.grad is not None else None for t in inputs]

"""Muon: momentum whose matrices are made orthogonal. Sources: torch/optim/_muon.py; https://kellerjordan.github.io/posts/muon/"""

from __future__ import annotations

import math
from typing import Any

from suiren.dtypes import bfloat16
from suiren.ops.creation import cast
from suiren.ops.elementary import sqrt
from suiren.ops.matmul import matmul
from suiren.ops.movement import transpose
from suiren.ops.pointwise import add, clamp_min, div, mul, sub
from suiren.ops.reduce import sum
from suiren.optim.adam import lerp
from suiren.optim.optimizer import Optimizer, number
from suiren.tensor import Tensor


def orthogonalized(g: Tensor, coefficients: tuple, steps: int, eps: float) -> Tensor:
    """A matrix with g's singular vectors and singular values near 1: `steps` quintic Newton–Schulz iterations, in bfloat16."""
    a, b, c = coefficients
    x = cast(g, dtype=bfloat16)
    is_tall = g.size(0) > g.size(1)
    if is_tall:
        x = transpose(x, 2)
    x = div(x, clamp_min(sqrt(sum(mul(x, x), dims=(0, 1), keepdim=False)), eps))
    for _ in range(steps):
        gram = matmul(x, transpose(x, 2))
        gram = add(mul(gram, b), mul(matmul(gram, gram), c))
        x = add(mul(x, a), matmul(gram, x))
    return transpose(x, 2) if is_tall else x


class Muon(Optimizer):
    """For matrices only: other parameters go to another optimizer. `adjust_lr_fn`: None or 'original', or 'match_rms_adamw'.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Muon.html
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, weight_decay: float = 0.1, momentum: float = 0.95, nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.7750, 2.0315), eps: float = 1e-7, ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ):  # fmt: skip
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for name, value in (("Learning rate", lr), ("momentum", momentum), ("weight decay", weight_decay)):
            if not 0.0 <= value:
                raise ValueError(f"{name} should be >= 0 but is: {value}")
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        if ns_steps >= 100:
            raise ValueError("Number of steps must be less than 100 for computational efficiency")
        if len(ns_coefficients) != 3:
            raise ValueError("Coefficients must be a tuple of exactly 3 values")
        super().__init__(
            params,
            {
                "lr": lr, "weight_decay": weight_decay, "momentum": momentum, "nesterov": nesterov, "ns_coefficients": ns_coefficients,
                "eps": eps, "ns_steps": ns_steps, "adjust_lr_fn": adjust_lr_fn,
            },
        )  # fmt: skip
        for group in self.param_groups:
            for p in group["params"]:
                if p.dim() != 2:
                    raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}")

    def state_tensors(self, group: dict) -> tuple[str, ...]:
        return ("momentum_buffer",)

    def flags(self, group: dict) -> tuple:
        momentum = number(group["momentum"])
        return group["nesterov"], group["ns_steps"], group["adjust_lr_fn"], 1.0 - momentum < 0.5, momentum < 0.5

    def advance(self, group: dict, *scalars: Any) -> tuple:
        lr, momentum = number(group["lr"]), number(group["momentum"])
        return (), (1.0 - momentum, momentum, number(group["eps"]), lr, 1.0 - lr * number(group["weight_decay"]), *map(number, group["ns_coefficients"]))

    @staticmethod
    def update(flags: tuple, n: list, p: Tensor, g: Tensor, *states: Tensor) -> tuple:
        nesterov, ns_steps, adjust, own_is_small, momentum_is_small = flags
        weight, momentum, eps, lr, decay, *coefficients = n
        average = lerp(states[0], g, weight, own_is_small)
        direction = lerp(g, average, momentum, momentum_is_small) if nesterov else average
        direction = orthogonalized(direction, tuple(coefficients), ns_steps, eps)
        rows, columns = p.shape
        ratio = 0.2 * math.sqrt(max(rows, columns)) if adjust == "match_rms_adamw" else math.sqrt(max(1, rows / columns))
        return sub(mul(p, decay), mul(direction, lr * ratio)), average


__all__ = ["Muon"]

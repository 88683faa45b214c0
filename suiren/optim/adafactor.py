"""Adafactor: second moments of matrices kept as a row and a column. Sources: torch/optim/_adafactor.py; https://arxiv.org/abs/1804.04235"""

from __future__ import annotations

from typing import Any

import numpy as np

from suiren.ops.elementary import rsqrt, sqrt
from suiren.ops.matmul import matmul
from suiren.ops.pointwise import add, clamp_min, div, mul, neg, scale
from suiren.ops.reduce import sum
from suiren.optim.adam import lerp
from suiren.optim.optimizer import Optimizer, filled, number
from suiren.tensor import Tensor


def mean_square(x: Tensor, dim: int) -> Tensor:
    return scale(sum(mul(x, x), dims=(dim % x.dim(),), keepdim=True), by=1.0 / x.size(dim))


def root_mean_square(x: Tensor) -> Tensor:
    dims = tuple(range(x.dim()))
    return scale(sqrt(sum(mul(x, x), dims=dims, keepdim=False)), by=x.numel() ** -0.5)


class Adafactor(Optimizer):
    """Adaptive steps relative to the size of the parameter, with memory for a row and a column of each matrix.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adafactor.html
    """

    scalars = ("step",)

    def __init__(
        self, params: Any, lr: float = 1e-2, beta2_decay: float = -0.8, eps: tuple[float | None, float] = (None, 1e-3), d: float = 1.0,
        weight_decay: float = 0.0, *, foreach: bool | None = None, maximize: bool = False,
    ):  # fmt: skip
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        for holds, text in (
            (0.0 <= lr, f"Learning rate should be >= 0 but is: {lr}"),
            (0.0 >= beta2_decay, f"beta2_decay should be <= 0 but is: {beta2_decay}"),
            (eps[0] is None or 0.0 <= eps[0], f"epsilon1 should be >= 0 but is: {eps[0]}"),
            (0.0 <= eps[1], f"epsilon2 should be >= 0 but is: {eps[1]}"),
            (1.0 <= d, f"Clipping threshold d should be >= 1 but is: {d}"),
            (0.0 <= weight_decay, f"weight_decay should be >= 0 but is: {weight_decay}"),
        ):
            if not holds:
                raise ValueError(text)
        super().__init__(
            params,
            {"lr": lr, "beta2_decay": beta2_decay, "eps": eps, "d": d, "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize},
        )  # fmt: skip

    def _collect(self, i: int, group: dict, inputs: list, numbers: list, segments: list) -> None:
        """Matrices and vectors keep different states: each as a group of its own."""
        for k, is_factored in enumerate((True, False)):
            params = [p for p in group["params"] if (p.dim() > 1) is is_factored]
            if params:
                super()._collect(2 * i + k, {**group, "params": params, "is_factored": is_factored}, inputs, numbers, segments)

    def state_tensors(self, group: dict) -> tuple[str, ...]:
        return ("row_var", "col_var") if group["is_factored"] else ("variance",)

    def prepare(self, group: dict, p: Tensor, state: dict) -> None:
        state.setdefault("step", 0.0)
        if group["is_factored"]:
            state.setdefault("row_var", filled(p.detach()[..., :1]))
            state.setdefault("col_var", filled(p.detach()[..., :1, :]))
        else:
            state.setdefault("variance", filled(p))

    def flags(self, group: dict) -> tuple:
        return group["weight_decay"] != 0, group["maximize"], group["eps"][0] is None

    def phases(self, group: dict, states: list[dict]) -> list[tuple]:
        return [(s["step"],) for s in states]

    def advance(self, group: dict, *scalars: Any) -> tuple:
        step, lr = scalars[0] + 1.0, number(group["lr"])
        weight = step ** number(group["beta2_decay"])
        eps1 = 0.0 if group["eps"][0] is None else number(group["eps"][0])
        return (step,), (weight, min(lr, step**-0.5), eps1, number(group["eps"][1]), 1.0 / number(group["d"]), 1.0 - lr * number(group["weight_decay"]))

    @staticmethod
    def update(flags: tuple, n: list, p: Tensor, g: Tensor, *states: Tensor) -> tuple:
        decays, maximize, has_own_eps = flags
        weight, rho, eps1, eps2, per_threshold, decay = n
        if has_own_eps:
            eps1 = float(np.finfo(p.dtype.np).eps)
        if maximize:
            g = neg(g)
        alpha = mul(clamp_min(root_mean_square(p), eps2), rho)
        if decays:
            p = mul(p, decay)
        if len(states) == 2:
            new = row, column = lerp(states[0], mean_square(g, -1), weight, False), lerp(states[1], mean_square(g, -2), weight, False)
            mean = scale(sum(row, dims=(row.dim() - 2,), keepdim=True), by=1.0 / row.size(-2))
            variance = div(matmul(row, column), clamp_min(mean, eps1))
        else:
            new = (variance,) = (lerp(states[0], mul(g, g), weight, False),)
        u = mul(rsqrt(clamp_min(variance, eps1 * eps1)), g)
        u = div(u, clamp_min(mul(root_mean_square(u), per_threshold), 1.0))
        return (add(p, neg(mul(u, alpha))), *new)


__all__ = ["Adafactor"]

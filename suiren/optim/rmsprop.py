"""RMSprop. Source: torch/optim/rmsprop.py"""

from __future__ import annotations

from typing import Any

from suiren.ops.elementary import sqrt
from suiren.ops.pointwise import add, div, mul, neg, sub
from suiren.optim.adam import lerp
from suiren.optim.checks import check_lr, check_not_negative
from suiren.optim.optimizer import Optimizer, number
from suiren.tensor import Tensor


class RMSprop(Optimizer):
    """p -= lr * g / (sqrt(running mean of g²) + eps), optionally with momentum and with the variance in place of the mean square.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html
    """

    scalars = ("step",)

    def __init__(
        self, params: Any, lr: float = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0, momentum: float = 0,
        centered: bool = False, capturable: bool = False, foreach: bool | None = None, maximize: bool = False,
        differentiable: bool = False,
    ):  # fmt: skip
        check_lr(lr)
        check_not_negative("epsilon value", eps)
        check_not_negative("momentum value", momentum)
        check_not_negative("weight_decay value", weight_decay)
        check_not_negative("alpha value", alpha)
        super().__init__(
            params,
            {
                "lr": lr, "momentum": momentum, "alpha": alpha, "eps": eps, "centered": centered, "weight_decay": weight_decay,
                "capturable": capturable, "foreach": foreach, "maximize": maximize, "differentiable": differentiable,
            },
        )  # fmt: skip

    def state_tensors(self, group: dict) -> tuple[str, ...]:
        names = ["square_avg"]
        if group["momentum"] > 0:
            names.append("momentum_buffer")
        if group["centered"]:
            names.append("grad_avg")
        return tuple(names)

    def flags(self, group: dict) -> tuple:
        return group["weight_decay"] != 0, group["momentum"] > 0, group["centered"], group["maximize"], 1.0 - group["alpha"] < 0.5

    def advance(self, group: dict, *scalars: Any) -> tuple:
        alpha = number(group["alpha"])
        return (scalars[0] + 1.0,), (
            -number(group["lr"]), alpha, 1.0 - alpha, number(group["eps"]), number(group["momentum"]), number(group["weight_decay"]),
        )  # fmt: skip

    @staticmethod
    def update(flags: tuple, n: list, p: Tensor, g: Tensor, *states: Tensor) -> tuple:
        decays, has_momentum, centered, maximize, is_small = flags
        minus_lr, alpha, weight, eps, momentum, weight_decay = n
        if maximize:
            g = neg(g)
        if decays:
            g = add(g, mul(p, weight_decay))
        square = add(mul(states[0], alpha), mul(mul(g, weight), g))
        after = [square]
        if centered:
            mean = lerp(states[-1], g, weight, is_small)
            denominator = add(sqrt(sub(square, mul(mean, mean))), eps)
        else:
            denominator = add(sqrt(square), eps)
        if has_momentum:
            buffer = add(mul(states[1], momentum), div(g, denominator))
            after.append(buffer)
            p = add(p, mul(buffer, minus_lr))
        else:
            p = add(p, div(mul(g, minus_lr), denominator))
        if centered:
            after.append(mean)
        return (p, *after)


__all__ = ["RMSprop"]

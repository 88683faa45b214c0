"""Relatives of Adam: Adamax, NAdam, RAdam. Source: torch/optim/{adamax,nadam,radam}.py"""

from __future__ import annotations

from typing import Any

from suiren.ops.elementary import sqrt
from suiren.ops.pointwise import abs, add, div, maximum, mul, neg
from suiren.optim.adam import lerp
from suiren.optim.checks import check_betas, check_lr, check_not_negative
from suiren.optim.optimizer import Optimizer, number
from suiren.tensor import Tensor


def _decayed(p: Tensor, g: Tensor, decay: Any, decays: bool, decoupled: bool) -> tuple[Tensor, Tensor]:
    """(p, g) after weight decay: added to the gradient, or, decoupled, applied to the parameter."""
    if not decays:
        return p, g
    return (mul(p, decay), g) if decoupled else (p, add(g, mul(p, decay)))


class Adamax(Optimizer):
    """Adam with the infinity norm in place of the second moment.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adamax.html
    """

    scalars = ("step",)

    def __init__(
        self, params: Any, lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
        foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False, capturable: bool = False,
    ):  # fmt: skip
        check_lr(lr)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        super().__init__(
            params,
            {
                "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "foreach": foreach, "maximize": maximize,
                "differentiable": differentiable, "capturable": capturable,
            },
        )  # fmt: skip

    def state_tensors(self, group: dict) -> tuple[str, ...]:
        return "exp_avg", "exp_inf"

    def flags(self, group: dict) -> tuple:
        return group["weight_decay"] != 0, group["maximize"], 1.0 - group["betas"][0] < 0.5

    def advance(self, group: dict, *scalars: Any) -> tuple:
        step = scalars[0] + 1.0
        beta1, beta2 = map(number, group["betas"])
        lr = number(group["lr"]) / (1.0 - beta1**step)
        return (step,), (-lr, 1.0 - beta1, beta2, number(group["eps"]), number(group["weight_decay"]))

    @staticmethod
    def update(flags: tuple, n: list, p: Tensor, g: Tensor, *states: Tensor) -> tuple:
        decays, maximize, is_small = flags
        minus_lr, weight1, beta2, eps, weight_decay = n
        if maximize:
            g = neg(g)
        p, g = _decayed(p, g, weight_decay, decays, False)
        m = lerp(states[0], g, weight1, is_small)
        largest = maximum(mul(states[1], beta2), add(abs(g), eps))
        return add(p, div(mul(m, minus_lr), largest)), m, largest


class NAdam(Optimizer):
    """Adam with Nesterov's momentum.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.NAdam.html
    """

    scalars = ("step", "mu_product")

    def __init__(
        self, params: Any, lr: float = 2e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
        momentum_decay: float = 4e-3, decoupled_weight_decay: bool = False, *, foreach: bool | None = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False,
    ):  # fmt: skip
        check_lr(lr)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        check_not_negative("momentum_decay value", momentum_decay)
        super().__init__(
            params,
            {
                "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay, "maximize": maximize, "foreach": foreach,
                "capturable": capturable, "differentiable": differentiable,
            },
        )  # fmt: skip

    def state_tensors(self, group: dict) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def prepare(self, group: dict, p: Tensor, state: dict) -> None:
        state.setdefault("step", 0.0)
        state.setdefault("mu_product", 1.0)
        super().prepare(group, p, state)

    def flags(self, group: dict) -> tuple:
        return group["weight_decay"] != 0, group["decoupled_weight_decay"], group["maximize"], 1.0 - group["betas"][0] < 0.5

    def advance(self, group: dict, *scalars: Any) -> tuple:
        step, mu_product = scalars[0] + 1.0, scalars[1]
        beta1, beta2 = map(number, group["betas"])
        lr, weight_decay = number(group["lr"]), number(group["weight_decay"])
        mu = beta1 * (1.0 - 0.5 * 0.96 ** (step * group["momentum_decay"]))
        mu_next = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1.0) * group["momentum_decay"]))
        mu_product *= mu
        decay = 1.0 - lr * weight_decay if group["decoupled_weight_decay"] else weight_decay
        return (step, mu_product), (
            -lr * (1.0 - mu) / (1.0 - mu_product), -lr * mu_next / (1.0 - mu_product * mu_next), 1.0 - beta1, beta2, 1.0 - beta2,
            1.0 - beta2**step, number(group["eps"]), decay,
        )  # fmt: skip

    @staticmethod
    def update(flags: tuple, n: list, p: Tensor, g: Tensor, *states: Tensor) -> tuple:
        decays, decoupled, maximize, is_small = flags
        of_gradient, of_mean, weight1, beta2, weight2, correction2, eps, decay = n
        if maximize:
            g = neg(g)
        p, g = _decayed(p, g, decay, decays, decoupled)
        m = lerp(states[0], g, weight1, is_small)
        v = add(mul(states[1], beta2), mul(mul(g, weight2), g))
        denominator = add(sqrt(div(v, correction2)), eps)
        p = add(p, div(mul(g, of_gradient), denominator))
        return add(p, div(mul(m, of_mean), denominator)), m, v


class RAdam(Optimizer):
    """Adam that rectifies the variance of its adaptive rate in the first steps.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.RAdam.html
    """

    scalars = ("step",)

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0,
        decoupled_weight_decay: bool = False, *, foreach: bool | None = None, maximize: bool = False, capturable: bool = False,
        differentiable: bool = False,
    ):  # fmt: skip
        check_lr(lr)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        super().__init__(
            params,
            {
                "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, "foreach": foreach,
                "capturable": capturable, "decoupled_weight_decay": decoupled_weight_decay, "differentiable": differentiable,
            },
        )  # fmt: skip

    def state_tensors(self, group: dict) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def flags(self, group: dict) -> tuple:
        return group["weight_decay"] != 0, group["decoupled_weight_decay"], group["maximize"], 1.0 - group["betas"][0] < 0.5

    def advance(self, group: dict, *scalars: Any) -> tuple:
        step = scalars[0] + 1.0
        beta1, beta2 = map(number, group["betas"])
        lr, weight_decay = number(group["lr"]), number(group["weight_decay"])
        correction2 = 1.0 - beta2**step
        rho_inf = 2.0 / (1.0 - beta2) - 1.0
        rho = rho_inf - 2.0 * step * beta2**step / correction2
        rectification = 0.0
        if rho > 5.0:
            rectification = ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5
        # The step is lr * m / correction1 * (rectification * root / (sqrt(v) + eps)), or lr * m / correction1 while rho <= 5: as one
        # expression m * (numerator / (keeps * (sqrt(v) + eps) + (1 - keeps))), so that the first steps are the same program.
        keeps = 1.0 if rho > 5.0 else 0.0
        numerator = rectification * correction2**0.5 if rho > 5.0 else 1.0
        decay = 1.0 - lr * weight_decay if group["decoupled_weight_decay"] else weight_decay
        return (step,), (
            1.0 - beta1**step, -lr, numerator, keeps, keeps * number(group["eps"]) + (1.0 - keeps), 1.0 - beta1, beta2, 1.0 - beta2, decay,
        )  # fmt: skip

    @staticmethod
    def update(flags: tuple, n: list, p: Tensor, g: Tensor, *states: Tensor) -> tuple:
        decays, decoupled, maximize, is_small = flags
        correction1, minus_lr, numerator, keeps, eps, weight1, beta2, weight2, decay = n
        if maximize:
            g = neg(g)
        p, g = _decayed(p, g, decay, decays, decoupled)
        m = lerp(states[0], g, weight1, is_small)
        v = add(mul(states[1], beta2), mul(mul(g, weight2), g))
        rate = div(mul(div(m, correction1), numerator), add(mul(sqrt(v), keeps), eps))
        return add(p, mul(rate, minus_lr)), m, v


__all__ = ["Adamax", "NAdam", "RAdam"]

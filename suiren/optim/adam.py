"""Adam and AdamW. Source: torch/optim/adam.py, torch/optim/adamw.py"""

from __future__ import annotations

from typing import Any

from suiren.ops.elementary import sqrt
from suiren.ops.pointwise import add, div, maximum, mul, neg, sub
from suiren.optim.checks import check_betas, check_fused, check_lr, check_not_negative
from suiren.optim.optimizer import Optimizer, number
from suiren.tensor import Tensor


def lerp(start: Tensor, end: Tensor, weight: Any, is_small: bool) -> Tensor:
    """start + weight * (end - start), from the end that is nearer: `is_small` says whether weight < 0.5, as PyTorch's kernel asks."""
    if is_small:
        return add(start, mul(sub(end, start), weight))
    return sub(end, mul(sub(end, start), 1.0 - weight))


class Adam(Optimizer):
    """Adaptive moment estimation, with bias correction; `decoupled_weight_decay` makes it AdamW.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html
    """

    scalars = ("step",)

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 0, amsgrad: bool = False, *, foreach: bool | None = None, maximize: bool = False,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None, decoupled_weight_decay: bool = False,
    ):  # fmt: skip
        check_lr(lr)
        check_not_negative("epsilon value", eps)
        check_betas(betas)
        check_not_negative("weight_decay value", weight_decay)
        if not (all(isinstance(b, float) for b in betas) or all(isinstance(b, Tensor) for b in betas)):
            raise ValueError("betas must be either both floats or both Tensors")
        check_fused(fused, foreach, differentiable)
        super().__init__(
            params,
            {
                "lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "amsgrad": amsgrad, "maximize": maximize,
                "foreach": foreach, "capturable": capturable, "differentiable": differentiable, "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )  # fmt: skip

    def state_tensors(self, group: dict) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq") if group["amsgrad"] else ("exp_avg", "exp_avg_sq")

    def flags(self, group: dict) -> tuple:
        return (
            group["weight_decay"] != 0, group["decoupled_weight_decay"], group["amsgrad"], group["maximize"],
            1.0 - group["betas"][0] < 0.5,
        )  # fmt: skip

    def advance(self, group: dict, *scalars: Any) -> tuple:
        step = scalars[0] + 1.0
        beta1, beta2 = number(group["betas"][0]), number(group["betas"][1])
        lr, weight_decay = number(group["lr"]), number(group["weight_decay"])
        step_size = lr / (1.0 - beta1**step)
        decay = 1.0 - lr * weight_decay if group["decoupled_weight_decay"] else weight_decay
        return (step,), (1.0 - beta1, beta2, 1.0 - beta2, (1.0 - beta2**step) ** 0.5, number(group["eps"]), -step_size, decay)

    @staticmethod
    def update(flags: tuple, n: list, p: Tensor, g: Tensor, *states: Tensor) -> tuple:
        decays, decoupled, amsgrad, maximize, is_small = flags
        weight1, beta2, weight2, root_correction2, eps, minus_step_size, decay = n
        if maximize:
            g = neg(g)
        if decays:
            if decoupled:
                p = mul(p, decay)
            else:
                g = add(g, mul(p, decay))
        m = lerp(states[0], g, weight1, is_small)
        v = add(mul(states[1], beta2), mul(mul(g, weight2), g))
        largest = maximum(states[2], v) if amsgrad else v
        denominator = add(div(sqrt(largest), root_correction2), eps)
        p = add(p, div(mul(m, minus_step_size), denominator))
        return (p, m, v, largest) if amsgrad else (p, m, v)


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameters themselves.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.AdamW.html
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2, amsgrad: bool = False, *, maximize: bool = False, foreach: bool | None = None,
        capturable: bool = False, differentiable: bool = False, fused: bool | None = None,
    ):  # fmt: skip
        super().__init__(
            params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable,
            differentiable=differentiable, fused=fused, decoupled_weight_decay=True,
        )  # fmt: skip

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


__all__ = ["Adam", "AdamW", "lerp"]

"""Adagrad and Adadelta: steps scaled by the sum, or the running mean, of squared gradients.

Source: torch/optim/adagrad.py, torch/optim/adadelta.py
"""

from __future__ import annotations

from typing import Any

from suiren.ops.elementary import sqrt
from suiren.ops.pointwise import add, div, mul, neg
from suiren.optim.checks import check_fused, check_lr, check_not_negative
from suiren.optim.optimizer import Optimizer, filled, number
from suiren.tensor import Tensor


class Adagrad(Optimizer):
    """p -= lr / (1 + (step - 1) * lr_decay) * g / (sqrt(sum of g²) + eps)

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adagrad.html
    """

    scalars = ("step",)

    def __init__(
        self, params: Any, lr: float = 1e-2, lr_decay: float = 0, weight_decay: float = 0, initial_accumulator_value: float = 0,
        eps: float = 1e-10, foreach: bool | None = None, *, maximize: bool = False, differentiable: bool = False,
        fused: bool | None = None,
    ):  # fmt: skip
        check_lr(lr)
        check_not_negative("lr_decay value", lr_decay)
        check_not_negative("weight_decay value", weight_decay)
        check_not_negative("initial_accumulator_value value", initial_accumulator_value)
        check_not_negative("epsilon value", eps)
        check_fused(fused, foreach, differentiable)
        super().__init__(
            params,
            {
                "lr": lr, "lr_decay": lr_decay, "eps": eps, "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value, "foreach": foreach, "maximize": maximize,
                "differentiable": differentiable, "fused": fused,
            },
        )  # fmt: skip
        for group in self.param_groups:  # as PyTorch does: the state of every parameter exists from the start
            for p in group["params"]:
                self.prepare(group, p, self.state[p])

    def share_memory(self) -> None:
        """Nothing to do: state tensors are ordinary memory."""

    def state_tensors(self, group: dict) -> tuple[str, ...]:
        return ("sum",)

    def prepare(self, group: dict, p: Tensor, state: dict) -> None:
        state.setdefault("step", 0.0)
        if "sum" not in state:
            state["sum"] = filled(p, number(self.defaults["initial_accumulator_value"]))

    def flags(self, group: dict) -> tuple:
        return group["weight_decay"] != 0, group["maximize"]

    def advance(self, group: dict, *scalars: Any) -> tuple:
        step = scalars[0] + 1.0
        lr = number(group["lr"]) / (1.0 + (step - 1.0) * group["lr_decay"])
        return (step,), (-lr, number(group["eps"]), number(group["weight_decay"]))

    @staticmethod
    def update(flags: tuple, n: list, p: Tensor, g: Tensor, *states: Tensor) -> tuple:
        decays, maximize = flags
        minus_lr, eps, weight_decay = n
        if maximize:
            g = neg(g)
        if decays:
            g = add(g, mul(p, weight_decay))
        total = add(states[0], mul(g, g))
        return add(p, div(mul(g, minus_lr), add(sqrt(total), eps))), total


class Adadelta(Optimizer):
    """p -= lr * g * sqrt(mean of d² + eps) / sqrt(mean of g² + eps), where d are the steps before.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adadelta.html
    """

    scalars = ("step",)

    def __init__(
        self, params: Any, lr: float = 1.0, rho: float = 0.9, eps: float = 1e-6, weight_decay: float = 0,
        foreach: bool | None = None, *, capturable: bool = False, maximize: bool = False, differentiable: bool = False,
    ):  # fmt: skip
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        check_not_negative("epsilon value", eps)
        check_not_negative("weight_decay value", weight_decay)
        super().__init__(
            params,
            {
                "lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize, "capturable": capturable,
                "foreach": foreach, "differentiable": differentiable,
            },
        )  # fmt: skip

    def state_tensors(self, group: dict) -> tuple[str, ...]:
        return "square_avg", "acc_delta"

    def flags(self, group: dict) -> tuple:
        return group["weight_decay"] != 0, group["maximize"]

    def advance(self, group: dict, *scalars: Any) -> tuple:
        rho = number(group["rho"])
        return (scalars[0] + 1.0,), (-number(group["lr"]), rho, 1.0 - rho, number(group["eps"]), number(group["weight_decay"]))

    @staticmethod
    def update(flags: tuple, n: list, p: Tensor, g: Tensor, *states: Tensor) -> tuple:
        decays, maximize = flags
        minus_lr, rho, one_minus_rho, eps, weight_decay = n
        square_avg, acc_delta = states
        if maximize:
            g = neg(g)
        if decays:
            g = add(g, mul(p, weight_decay))
        square_avg = add(mul(square_avg, rho), mul(mul(g, one_minus_rho), g))
        delta = mul(div(sqrt(add(acc_delta, eps)), sqrt(add(square_avg, eps))), g)
        acc_delta = add(mul(acc_delta, rho), mul(mul(delta, one_minus_rho), delta))
        return add(p, mul(delta, minus_lr)), square_avg, acc_delta


__all__ = ["Adadelta", "Adagrad"]

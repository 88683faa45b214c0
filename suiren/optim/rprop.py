"""Rprop and ASGD: steps from the signs of gradients, and averaged gradient descent. Source: torch/optim/{rprop,asgd}.py"""

from __future__ import annotations

from typing import Any

from suiren.ops.compare import eq, gt, lt
from suiren.ops.compare import where as where_op
from suiren.ops.pointwise import add, clamp, mul, neg, sign, sub
from suiren.optim.checks import check_lr, check_not_negative
from suiren.optim.optimizer import Optimizer, filled, number
from suiren.tensor import Tensor


class Rprop(Optimizer):
    """Resilient backpropagation: each element has a step size of its own, which grows while the sign of its gradient stays.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.Rprop.html
    """

    scalars = ("step",)

    def __init__(
        self, params: Any, lr: float = 1e-2, etas: tuple[float, float] = (0.5, 1.2), step_sizes: tuple[float, float] = (1e-6, 50),
        *, capturable: bool = False, foreach: bool | None = None, maximize: bool = False, differentiable: bool = False,
    ):  # fmt: skip
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(
            params,
            {
                "lr": lr, "etas": etas, "step_sizes": step_sizes, "foreach": foreach, "maximize": maximize,
                "differentiable": differentiable, "capturable": capturable,
            },
        )  # fmt: skip

    def state_tensors(self, group: dict) -> tuple[str, ...]:
        return "prev", "step_size"

    def prepare(self, group: dict, p: Tensor, state: dict) -> None:
        if "step_size" not in state:
            state["step_size"] = filled(p, number(group["lr"]))
        super().prepare(group, p, state)

    def flags(self, group: dict) -> tuple:
        return (group["maximize"],)

    def advance(self, group: dict, *scalars: Any) -> tuple:
        return (scalars[0] + 1.0,), (*map(number, group["etas"]), *map(number, group["step_sizes"]))

    @staticmethod
    def update(flags: tuple, n: list, p: Tensor, g: Tensor, *states: Tensor) -> tuple:
        shrink, grow, smallest, largest = n
        previous, step_size = states
        if flags[0]:
            g = neg(g)
        product = mul(g, previous)
        turned = lt(product, 0)
        # a product that is no number keeps its step size a NaN, as PyTorch's assignment by masks does
        factor = where_op(gt(product, 0), grow, where_op(turned, shrink, where_op(eq(product, 0), 1.0, product)))
        step_size = clamp(mul(step_size, factor), smallest, largest)
        g = where_op(turned, 0.0, g)
        return sub(p, mul(sign(g), step_size)), g, step_size


class ASGD(Optimizer):
    """Averaged stochastic gradient descent: `ax` in the state is the average of the parameters.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.ASGD.html
    """

    scalars = ("step", "eta", "mu")

    def __init__(
        self, params: Any, lr: float = 1e-2, lambd: float = 1e-4, alpha: float = 0.75, t0: float = 1e6, weight_decay: float = 0,
        foreach: bool | None = None, maximize: bool = False, differentiable: bool = False, capturable: bool = False,
    ):  # fmt: skip
        check_lr(lr)
        check_not_negative("weight_decay value", weight_decay)
        super().__init__(
            params,
            {
                "lr": lr, "lambd": lambd, "alpha": alpha, "t0": t0, "weight_decay": weight_decay, "foreach": foreach,
                "maximize": maximize, "differentiable": differentiable, "capturable": capturable,
            },
        )  # fmt: skip

    def state_tensors(self, group: dict) -> tuple[str, ...]:
        return ("ax",)

    def prepare(self, group: dict, p: Tensor, state: dict) -> None:
        state.setdefault("step", 0.0)
        state.setdefault("eta", number(group["lr"]))
        state.setdefault("mu", 1.0)
        super().prepare(group, p, state)

    def flags(self, group: dict) -> tuple:
        return group["weight_decay"] != 0, group["maximize"]

    def advance(self, group: dict, *scalars: Any) -> tuple:
        step, eta, mu = scalars
        step += 1.0
        lr, lambd = number(group["lr"]), group["lambd"]
        numbers = (1.0 - lambd * eta, -eta, mu, number(group["weight_decay"]))
        eta = lr / (1.0 + lambd * lr * step) ** group["alpha"]
        return (step, eta, 1.0 / max(1.0, step - group["t0"])), numbers

    @staticmethod
    def update(flags: tuple, n: list, p: Tensor, g: Tensor, *states: Tensor) -> tuple:
        decays, maximize = flags
        shrink, minus_eta, mu, weight_decay = n
        if maximize:
            g = neg(g)
        if decays:
            g = add(g, mul(p, weight_decay))
        p = add(mul(p, shrink), mul(g, minus_eta))
        # with mu = 1 this is p itself, up to the rounding of the difference, where PyTorch copies
        return p, add(states[0], mul(sub(p, states[0]), mu))


__all__ = ["ASGD", "Rprop"]

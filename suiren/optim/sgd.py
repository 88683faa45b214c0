"""Stochastic gradient descent. Source: torch/optim/sgd.py"""

from __future__ import annotations

from typing import Any

from suiren.ops.pointwise import add, mul, neg
from suiren.optim.checks import check_fused, check_lr, check_not_negative
from suiren.optim.optimizer import Optimizer, number
from suiren.tensor import Tensor


class SGD(Optimizer):
    """p -= lr * g, with momentum, dampening, Nesterov's momentum and weight decay as PyTorch defines them.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html
    """

    def __init__(
        self, params: Any, lr: float = 1e-3, momentum: float = 0, dampening: float = 0, weight_decay: float = 0,
        nesterov: bool = False, *, maximize: bool = False, foreach: bool | None = None, differentiable: bool = False,
        fused: bool | None = None,
    ):  # fmt: skip
        check_lr(lr)
        check_not_negative("momentum value", momentum)
        check_not_negative("weight_decay value", weight_decay)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_fused(fused, foreach, differentiable)
        super().__init__(
            params,
            {
                "lr": lr, "momentum": momentum, "dampening": dampening, "weight_decay": weight_decay, "nesterov": nesterov,
                "maximize": maximize, "foreach": foreach, "differentiable": differentiable, "fused": fused,
            },
        )  # fmt: skip

    _new: frozenset[int] = frozenset()  # states that have had no step yet, by id

    def prepare(self, group: dict, p: Tensor, state: dict) -> None:
        if "momentum_buffer" not in state:
            self._new |= {id(state)}
        super().prepare(group, p, state)

    def phases(self, group: dict, states: list[dict]) -> list[tuple]:
        if not self._new or group["dampening"] == 0:  # without dampening, a buffer of zeros becomes the gradient itself
            return []
        found = [(id(s) in self._new,) for s in states]
        self._new -= {id(s) for s in states}
        return found

    def state_tensors(self, group: dict) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] != 0 else ()

    def flags(self, group: dict) -> tuple:
        return group["weight_decay"] != 0, group["momentum"] != 0, group["dampening"] != 0, group["nesterov"], group["maximize"]

    def advance(self, group: dict, *scalars: Any) -> tuple:
        lr, momentum, weight_decay = number(group["lr"]), number(group["momentum"]), number(group["weight_decay"])
        undampened = 1.0 if scalars and scalars[0] else 1.0 - number(group["dampening"])  # the first gradient counts in full
        return (), (-lr, momentum, undampened, weight_decay)

    @staticmethod
    def update(flags: tuple, n: list, p: Tensor, g: Tensor, *states: Tensor) -> tuple:
        decays, has_momentum, dampens, nesterov, maximize = flags
        minus_lr, momentum, undampened, weight_decay = n
        if maximize:
            g = neg(g)
        if decays:
            g = add(g, mul(p, weight_decay))
        if not has_momentum:
            return (add(p, mul(g, minus_lr)),)
        buffer = add(mul(states[0], momentum), mul(g, undampened) if dampens else g)
        g = add(g, mul(buffer, momentum)) if nesterov else buffer
        return add(p, mul(g, minus_lr)), buffer


__all__ = ["SGD"]

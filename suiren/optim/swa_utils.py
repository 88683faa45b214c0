"""Averages of models over the steps of a training. Source: https://docs.pytorch.org/docs/stable/optim.html#weight-averaging-swa-and-ema"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from copy import deepcopy
from itertools import chain
from typing import Any

from suiren.api.creation import tensor
from suiren.autograd.modes import no_grad
from suiren.dtypes import int64
from suiren.nn.modules.batchnorm import _BatchNorm
from suiren.nn.modules.module import Module
from suiren.optim.lr_scheduler import LRScheduler
from suiren.optim.optimizer import Optimizer
from suiren.tensor import Tensor


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_avg_fn(decay: float = 0.999) -> Callable:
    """f(average, parameter, count) of the exponential average. ValueError for a decay outside 0 … 1."""
    _check_decay(decay)

    @no_grad()
    def ema_update(ema_param: Tensor, current_param: Tensor, num_averaged: Tensor | int) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param

    return ema_update


def get_swa_avg_fn() -> Callable:
    """f(average, parameter, count) of the plain mean."""

    @no_grad()
    def swa_update(averaged_param: Tensor, current_param: Tensor, num_averaged: Tensor | int) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return swa_update


def _in_place(average: Callable) -> Callable:
    @no_grad()
    def update(averaged: list[Tensor], current: list[Tensor], num_averaged: Tensor | int) -> None:
        for a, p in zip(averaged, current):
            a.copy_(average(a, p, num_averaged))

    return update


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable:
    """f(averages, parameters, count) of the exponential average; averages are changed in place."""
    _check_decay(decay)
    return _in_place(lambda a, p, n: a.lerp(p, 1 - decay) if a.is_floating_point() else a * decay + p * (1 - decay))


def get_swa_multi_avg_fn() -> Callable:
    """f(averages, parameters, count) of the plain mean; averages are changed in place."""
    return _in_place(get_swa_avg_fn())


class AveragedModel(Module):
    """A copy of a model whose parameters are averages: the mean, or what `avg_fn` or `multi_avg_fn` says.

    `use_buffers`: buffers are averaged too; otherwise they are the model's latest.
    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.swa_utils.AveragedModel.html
    """

    n_averaged: Tensor

    def __init__(
        self, model: Module, device: Any = None, avg_fn: Callable | None = None, multi_avg_fn: Callable | None = None, use_buffers: bool = False
    ):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        if device is not None:
            self.module = self.module.to(device)
        self.register_buffer("n_averaged", tensor(0, dtype=int64, device=device))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Takes the model's parameters into the average; the first time they are the average."""

        def of(m: Module) -> list[Tensor]:
            return [p.detach() for p in (chain(m.parameters(), m.buffers()) if self.use_buffers else m.parameters())]

        averaged, current = of(self.module), of(model)
        if self.n_averaged == 0:
            for a, p in zip(averaged, current):
                a.copy_(p)
        elif self.multi_avg_fn is None and self.avg_fn is not None:
            _in_place(self.avg_fn)(averaged, current, self.n_averaged)
        else:
            update = self.multi_avg_fn or get_swa_multi_avg_fn()
            for d in dict.fromkeys(a.dtype for a in averaged):
                at = [k for k, a in enumerate(averaged) if a.dtype is d]
                update([averaged[k] for k in at], [current[k] for k in at], self.n_averaged)
        if not self.use_buffers:
            for a, b in zip(self.module.buffers(), model.buffers()):
                a.detach().copy_(b.detach())
        self.n_averaged += 1


@no_grad()
def update_bn(loader: Iterable, model: Module, device: Any = None) -> None:
    """Computes the running statistics of a model's batch norms anew, in one pass over `loader` (of tensors, or of tuples that begin with one)."""
    momenta = {}
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.reset_running_stats()
            momenta[module] = module.momentum
    if not momenta:
        return
    was_training = model.training
    model.train()
    for module in momenta:
        module.momentum = None  # the plain mean over all batches
    for batch in loader:
        x = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(x if device is None else x.to(device))
    for module, momentum in momenta.items():
        module.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Goes from the learning rate it finds to `swa_lr` in `anneal_epochs` epochs, and stays there. `anneal_strategy`: 'cos' or 'linear'.

    Source: https://docs.pytorch.org/docs/stable/generated/torch.optim.swa_utils.SWALR.html
    """

    def __init__(self, optimizer: Optimizer, swa_lr: float | list[float], anneal_epochs: int = 10, anneal_strategy: str = "cos", last_epoch: int = -1):
        groups = optimizer.param_groups
        rates = list(swa_lr) if isinstance(swa_lr, (list, tuple)) else [swa_lr] * len(groups)
        if len(rates) != len(groups):
            raise ValueError(f"swa_lr must have the same length as optimizer.param_groups. swa_lr has {len(rates)} values, param_groups has {len(groups)}.")
        for rate, group in zip(rates, groups):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_strategy = anneal_strategy
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def anneal_func(self, t: float) -> float:
        """The share of the way at a share of the time."""
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self) -> list[float]:
        """The next learning rates: from the present one, as if the way had been like that from the start."""
        step = max(self._step_count - 1, int(self.anneal_epochs == 0))
        epochs = self.anneal_epochs
        before = self.anneal_func(max(0, min(1, (step - 1) / max(1, epochs))))
        now = self.anneal_func(max(0, min(1, step / max(1, epochs))))
        rates = []
        for group in self.optimizer.param_groups:
            end, rate = group["swa_lr"], group["lr"]
            start = end if before == 1 else (rate - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates


__all__ = [
    "SWALR", "AveragedModel", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn", "update_bn",
]  # fmt: skip

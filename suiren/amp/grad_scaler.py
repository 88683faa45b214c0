"""GradScaler: a loss times a large number, so that small gradients do not vanish in a narrow dtype. Source: torch/amp/grad_scaler.py"""

from __future__ import annotations

import math
import warnings
from collections import defaultdict
from typing import Any

from suiren.api.creation import tensor
from suiren.autograd.modes import no_grad
from suiren.dtypes import float16, float32
from suiren.tensor import Tensor

_READY, _UNSCALED, _STEPPED = "ready", "unscaled", "stepped"


class GradScaler:
    """`scale(loss).backward(); step(optimizer); update()`: steps are left out whose gradients are not finite, and the scale follows.

    On a machine without CUDA ``GradScaler('cuda')`` is switched off, with a warning: it passes everything through.
    """

    def __init__(
        self, device: str = "cuda", init_scale: float = 65536.0, growth_factor: float = 2.0, backoff_factor: float = 0.5, growth_interval: int = 2000,
        enabled: bool = True,
    ):  # fmt: skip
        self._device, self._enabled = device, enabled
        if device == "cuda" and enabled:
            warnings.warn("torch.cuda.amp.GradScaler is enabled, but CUDA is not available.  Disabling.", UserWarning, stacklevel=2)
            self._enabled = False
        if self._enabled:
            if growth_factor <= 1.0:
                raise AssertionError("The growth factor must be > 1.0.")
            if backoff_factor >= 1.0:
                raise AssertionError("The backoff factor must be < 1.0.")
        self._init_scale, self._scale = init_scale, None
        self._growth_factor, self._backoff_factor, self._growth_interval = growth_factor, backoff_factor, growth_interval
        self._growth_tracker = 0
        self._per_optimizer: dict[int, dict[str, Any]] = defaultdict(lambda: {"stage": _READY, "finite": True})

    def scale(self, outputs: Any) -> Any:
        """A tensor, or tensors in lists and tuples, times the scale."""
        if not self._enabled:
            return outputs
        if self._scale is None:
            self._scale = tensor(float(self._init_scale), dtype=float32)
        if isinstance(outputs, Tensor):
            return outputs * self._scale
        if isinstance(outputs, (list, tuple)):
            return type(outputs)(self.scale(o) for o in outputs)
        try:
            return map(self.scale, iter(outputs))
        except TypeError:
            raise ValueError("outputs must be a Tensor or an iterable of Tensors") from None

    def _started(self, name: str) -> float:
        if self._scale is None:
            raise AssertionError(
                f"Attempted {name} but _scale is None.  This may indicate your script did not use scaler.scale(loss or outputs) earlier in the iteration."
            )
        return self._scale.item()

    @no_grad()
    def unscale_(self, optimizer: Any) -> None:
        """Divides the gradients of the optimizer's parameters by the scale; once between updates."""
        if not self._enabled:
            return
        scale = self._started("unscale_")
        state = self._per_optimizer[id(optimizer)]
        if state["stage"] is _UNSCALED:
            raise RuntimeError("unscale_() has already been called on this optimizer since the last update().")
        if state["stage"] is _STEPPED:
            raise RuntimeError("unscale_() is being called after step().")
        total = None
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                if p.grad.dtype is float16:
                    raise ValueError("Attempting to unscale FP16 gradients.")
                p.grad.mul_(1.0 / scale)
                part = (p.grad * 0).sum()  # nan unless every element is finite
                total = part if total is None else total + part
        if total is None:
            raise AssertionError("No inf checks were recorded for this optimizer.")
        state["stage"], state["finite"] = _UNSCALED, math.isfinite(total.item())

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """The optimizer's step, with unscaled gradients, and only if they are finite."""
        if not self._enabled:
            return optimizer.step(*args, **kwargs)
        if "closure" in kwargs:
            raise RuntimeError("Closure use is not currently supported if GradScaler is enabled.")
        state = self._per_optimizer[id(optimizer)]
        if state["stage"] is _STEPPED:
            raise RuntimeError("step() has already been called since the last update().")
        if state["stage"] is _READY:
            self.unscale_(optimizer)
        found = optimizer.step(*args, **kwargs) if state["finite"] else None
        state["stage"] = _STEPPED
        return found

    def update(self, new_scale: float | Tensor | None = None) -> None:
        """A smaller scale after a step that was left out, a larger one after enough good steps, or the one given."""
        if not self._enabled:
            return
        scale = self._started("update")
        if new_scale is not None:
            self._scale = tensor(float(new_scale), dtype=float32)
        else:
            if not self._per_optimizer:
                raise AssertionError("No inf checks were recorded prior to update.")
            if all(state["finite"] for state in self._per_optimizer.values()):
                self._growth_tracker += 1
                if self._growth_tracker == self._growth_interval:
                    if math.isfinite(scale * self._growth_factor):
                        self._scale = tensor(scale * self._growth_factor, dtype=float32)
                    self._growth_tracker = 0
            else:
                self._scale, self._growth_tracker = tensor(scale * self._backoff_factor, dtype=float32), 0
        self._per_optimizer.clear()

    def get_scale(self) -> float:
        """The scale; 1 if it is switched off."""
        if not self._enabled:
            return 1.0
        return self._init_scale if self._scale is None else self._scale.item()

    def get_growth_factor(self) -> float:
        """What the scale is multiplied by after a growth interval without inf or NaN."""
        return self._growth_factor

    def set_growth_factor(self, new_factor: float) -> None:
        """See `get_growth_factor`."""
        self._growth_factor = new_factor

    def get_backoff_factor(self) -> float:
        """What the scale is multiplied by after a step with inf or NaN."""
        return self._backoff_factor

    def set_backoff_factor(self, new_factor: float) -> None:
        """See `get_backoff_factor`."""
        self._backoff_factor = new_factor

    def get_growth_interval(self) -> int:
        """After how many steps without inf or NaN the scale grows."""
        return self._growth_interval

    def set_growth_interval(self, new_interval: int) -> None:
        """See `get_growth_interval`."""
        self._growth_interval = new_interval

    def is_enabled(self) -> bool:
        """Whether it scales at all."""
        return self._enabled

    def state_dict(self) -> dict[str, Any]:
        """Its numbers; empty if it is switched off."""
        if not self._enabled:
            return {}
        return {
            "scale": self.get_scale(), "growth_factor": self._growth_factor, "backoff_factor": self._backoff_factor,
            "growth_interval": self._growth_interval, "_growth_tracker": self._growth_tracker,
        }  # fmt: skip

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on with the numbers of another scaler. RuntimeError for the state of one that was switched off."""
        if not self._enabled:
            return
        if not state_dict:
            raise RuntimeError(
                "The source state dict is empty, possibly because it was saved from a disabled instance of GradScaler."
            )
        self._init_scale = state_dict["scale"]
        if self._scale is not None:
            self._scale = tensor(float(state_dict["scale"]), dtype=float32)
        self._growth_factor, self._backoff_factor = state_dict["growth_factor"], state_dict["backoff_factor"]
        self._growth_interval, self._growth_tracker = state_dict["growth_interval"], state_dict["_growth_tracker"]

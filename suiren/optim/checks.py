"""What the optimizers check of their settings, with PyTorch's messages."""

from __future__ import annotations

from typing import Any

from suiren.tensor import Tensor


def check_lr(lr: Any) -> None:
    """ValueError for a learning rate that is negative, or a tensor of more than one element."""
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    check_not_negative("learning rate", lr)


def check_not_negative(what: str, value: Any) -> None:
    """ValueError for a negative value, or one that is no number."""
    if not value >= 0.0:
        raise ValueError(f"Invalid {what}: {value}")


def check_betas(betas: tuple) -> None:
    """ValueError for a decay rate outside of [0, 1)."""
    for i, beta in enumerate(betas):
        if not 0.0 <= beta < 1.0:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")


def check_fused(fused: bool | None, foreach: bool | None, differentiable: bool) -> None:
    """RuntimeError for settings that exclude each other. A step is one program whatever `foreach` and `fused` say."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")

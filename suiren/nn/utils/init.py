"""Modules whose initial values do not matter. Source: torch/nn/utils/init.py"""

from __future__ import annotations

import inspect
from typing import Any

from suiren.device import check_device
from suiren.nn.modules.module import Module
from suiren.random import fork_rng


def skip_init(module_cls: type, *args: Any, **kwargs: Any) -> Module:
    """A module whose parameters have any values; the random generator stays where it is. RuntimeError for a class that takes no `device`."""
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    check_device(kwargs.get("device"))
    with fork_rng():
        return module_cls(*args, **kwargs)


__all__ = ["skip_init"]

"""Modules on several devices. There is the CPU alone, so DataParallel calls its module. Source: torch/nn/parallel"""

from __future__ import annotations

from typing import Any

from suiren.nn.modules.module import Module


class DataParallel(Module):
    """Splits a batch over CUDA devices; as in PyTorch without one, it calls the module that it holds."""

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0):
        super().__init__()
        self.module, self.device_ids = module, []

    def forward(self, *inputs: Any, **kwargs: Any) -> Any:
        return self.module(*inputs, **kwargs)


def data_parallel(
    module: Module, inputs: Any, device_ids: Any = None, output_device: Any = None, dim: int = 0, module_kwargs: dict | None = None
) -> Any:
    """Calls the module: there is no device to split a batch over."""
    inputs = inputs if isinstance(inputs, tuple) else () if inputs is None else (inputs,)
    return module(*inputs, **(module_kwargs or {}))


class DistributedDataParallel(Module):
    """Training in several processes, which suiren does not have."""

    def __init__(self, *args: Any, **kwargs: Any):
        raise NotImplementedError("DistributedDataParallel is not supported by suiren: it trains in one process")


__all__ = ["DataParallel", "DistributedDataParallel", "data_parallel"]

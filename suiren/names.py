"""PyTorch's public names: what is said of one that suiren does not have yet. The list is `pytorch_names.txt`, recorded from PyTorch 2.13."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

FILE = Path(__file__).with_name("pytorch_names.txt")

# Why a group of names is not there, by how they begin or what they contain.
REASONS = {
    "sparse": "suiren has dense tensors only", "coalesce": "suiren has dense tensors only", "crow_indices": "suiren has dense tensors only",
    "quant": "suiren has no quantized tensors", "qint": "suiren has no quantized tensors", "quint": "suiren has no quantized tensors",
    "q_": "suiren has no quantized tensors", "float8": "suiren has no 8-bit floating dtypes", "nested": "suiren has no nested tensors",
    "onnx": "suiren exports no graphs", "export": "suiren exports no graphs", "fx": "suiren exports no graphs", "package": "suiren packages no models",
    "hub": "suiren downloads no models", "library": "suiren has no operators of C++", "quantization": "suiren has no quantized tensors",
}  # fmt: skip


@functools.cache
def sections() -> dict[str, tuple[str, ...]]:
    """Section (a module of PyTorch without `torch.`, or Tensor) -> its public names."""
    found = {}
    for line in FILE.read_text().splitlines():
        section, _, names = line.partition(":")
        found[section] = tuple(names.split())
    return found


def reason(name: str) -> str:
    """Why a name of PyTorch's is not there."""
    return next((why for part, why in REASONS.items() if part in name), "suiren does not have it yet")


def absent(module: str, name: str) -> AttributeError:
    """What asking a module (without `suiren.`; '' is suiren itself) for a name that it does not have raises. `hasattr` says False."""
    if name in sections().get(module, ()):
        return AttributeError(f"PyTorch has torch.{module + '.' if module else ''}{name}; {reason(name)} (docs/names.md lists what is there)", name=name)
    return AttributeError(f"module 'suiren{'.' + module if module else ''}' has no attribute '{name}'", name=name)


def absent_from(module: str) -> Callable:
    """`__getattr__` of a module that has nothing to import later."""

    def __getattr__(name: str):
        raise absent(module, name)

    return __getattr__


def absent_of_tensor(tensor: object, name: str) -> AttributeError:
    """What asking a tensor for a method that it does not have raises."""
    if name in sections()["Tensor"]:
        text = f"PyTorch has torch.Tensor.{name}; {reason(name)} (docs/names.md lists what is there)"
        return AttributeError(text, name=name, obj=tensor)
    return AttributeError(f"{type(tensor).__name__!r} object has no attribute {name!r}", name=name, obj=tensor)


__all__ = ["absent", "absent_from", "absent_of_tensor", "reason", "sections"]

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


class Absent:
    """Stands on the Tensor class for a method or property of PyTorch's tensors that is not there: whoever asks for it is told so. `hasattr` says False.
    (No `__getattr__`: it would slow down every attribute of every tensor, see `trace/storage.py`.)"""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name

    def __get__(self, tensor: object, cls: type) -> None:
        error = absent("Tensor", self.name)
        error.obj = tensor
        raise error


def mark_absent(tensor_class: type) -> None:
    """Puts an `Absent` on the Tensor class for everything that PyTorch's has and it does not."""
    missing = {name for name in sections()["Tensor"] if not hasattr(tensor_class, name)}
    for name in missing:
        setattr(tensor_class, name, Absent(name))

    def __dir__(self) -> list[str]:
        return [name for name in object.__dir__(self) if name not in missing]

    tensor_class.__dir__ = __dir__


__all__ = ["Absent", "absent", "absent_from", "mark_absent", "reason", "sections"]

"""Devices: there is the CPU. Asking for another fails as on PyTorch's CPU-only build."""

from __future__ import annotations

_KNOWN = ("cpu", "cuda", "mps", "xpu", "meta")


class device:
    """``device('cpu')``, ``device('cuda:0')``, ``device('cuda', 0)``, or another device. RuntimeError for a type that PyTorch has not."""

    __slots__ = ("index", "type")

    def __init__(self, type: str | int | device, index: int | None = None):
        if isinstance(type, device):
            type, index = type.type, type.index if index is None else index
        elif isinstance(type, int) and not isinstance(type, bool):
            type, index = "cuda", type
        elif not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' must be str, not {type.__class__.__name__}")
        name, _, number = type.partition(":")
        if name not in _KNOWN or (number and not number.isdigit()):
            raise RuntimeError(f"Expected one of {', '.join(_KNOWN)} device type at start of device string: {type}")
        self.type = name
        self.index = int(number) if number else index

    def __eq__(self, other) -> bool:
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __repr__(self) -> str:
        return f"device(type='{self.type}'" + (f", index={self.index})" if self.index is not None else ")")

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __reduce__(self):
        return device, (self.type, self.index)


cpu = device("cpu")


def check_device(wanted) -> None:
    """Accepts the CPU (or None); AssertionError or RuntimeError, as PyTorch's CPU build raises, for everything else."""
    if wanted is None or wanted is cpu:
        return
    d = device(wanted)
    if d.type == "cpu":
        return
    if d.type == "cuda":
        raise AssertionError("Torch not compiled with CUDA enabled: suiren computes on the CPU; use device='cpu', or ask suiren.cuda.is_available()")
    raise RuntimeError(f"suiren computes on the CPU: there is no device of type {d.type!r}; use device='cpu'")

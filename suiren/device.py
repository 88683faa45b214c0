"""Devices: there is the CPU. Asking for another fails as on PyTorch's CPU-only build.

Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html#torch.device
"""

from __future__ import annotations

import functools

_KNOWN = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy", "vulkan", "mps", "meta", "hpu",
    "mtia", "privateuseone",
)  # fmt: skip


class device:
    """``device('cpu')``, ``device('cuda:0')``, ``device('cuda', 0)``, or another device. RuntimeError for a type that PyTorch has not.

    `with device('cpu'):` and `@device('cpu')` say where tensors are made: on the CPU.
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: str | int | device, index: int | None = None):
        if isinstance(type, device):
            self.type, self.index = type.type, type.index
            return
        if isinstance(type, int) and not isinstance(type, bool) and index is None:
            raise RuntimeError("Cannot access accelerator device when none is available.")
        if not isinstance(type, str):
            raise TypeError(f"device(): argument 'type' (position 1) must be str, not {type.__class__.__name__}")
        if not type:
            raise RuntimeError("Device string must not be empty")
        name, colon, number = type.partition(":")
        if name not in _KNOWN:
            raise RuntimeError(f"Expected one of {', '.join(_KNOWN)} device type at start of device string: {type}")
        if colon and (not number.isdigit() or number != str(int(number))):
            raise RuntimeError(f"Invalid device string: '{type}'")
        if colon and index is not None:
            raise RuntimeError(f"type (string) must not include an index because index was passed explicitly: {type}")
        if index is not None and index < 0:
            raise RuntimeError("Device index must not be negative")
        self.type = name
        self.index = int(number) if colon else index

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

    def __enter__(self) -> device:
        check_device(self)
        return self

    def __exit__(self, *exception) -> None:
        pass

    def __call__(self, function):
        check_device(self)

        @functools.wraps(function)
        def on_the_device(*args, **kwargs):
            return function(*args, **kwargs)

        return on_the_device


cpu = device("cpu")


def check_device(wanted) -> None:
    """Accepts the CPU (or None); AssertionError or RuntimeError, as PyTorch's CPU build raises, for everything else."""
    if wanted is None or wanted is cpu:
        return
    d = device(wanted)
    if d.type == "cpu":
        return
    if d.type in ("cuda", "xpu", "mtia"):
        raise AssertionError(
            f"Torch not compiled with {d.type.upper()} enabled: suiren computes on the CPU; use device='cpu', or ask suiren.{d.type}.is_available()"
        )
    if d.type == "meta":
        raise RuntimeError("suiren computes on the CPU: it has no tensors without data (device 'meta'); use device='cpu'")
    raise RuntimeError(f"PyTorch is not linked with support for {d.type} devices: suiren computes on the CPU; use device='cpu'")


_default = cpu


def get_default_device() -> device:
    """Where tensors are made unless a device is given: the CPU."""
    return _default


def set_default_device(device) -> None:
    """Accepts the CPU, and fails as asking for another device does."""
    global _default
    check_device(device)
    _default = cpu if device is None else cpu.__class__(device)

"""Tensors in the safetensors format, under the names of `safetensors.torch`. Source: https://huggingface.co/docs/safetensors/api/torch

The package safetensors does the reading and writing: `pip install suiren[safetensors]`.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from suiren import dtypes
from suiren.device import check_device
from suiren.nn.modules.module import Module
from suiren.runtime.buffers import Buffer
from suiren.serialization import replacing
from suiren.tensor import Tensor
from suiren.trace.pending import settle
from suiren.trace.spec import spec
from suiren.trace.storage import adopt, array_of

_CODES = {
    "F64": dtypes.float64, "F32": dtypes.float32, "F16": dtypes.float16, "BF16": dtypes.bfloat16, "I64": dtypes.int64, "I32": dtypes.int32,
    "I16": dtypes.int16, "I8": dtypes.int8, "U8": dtypes.uint8, "U16": dtypes.uint16, "U32": dtypes.uint32, "U64": dtypes.uint64, "BOOL": dtypes.bool_, "C64": dtypes.complex64,
}  # fmt: skip


def _library() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise ImportError("the safetensors format needs the package safetensors: pip install 'suiren[safetensors]'") from None
    return safetensors


def _arrays(tensors: dict[str, Tensor]) -> dict[str, np.ndarray]:
    if not isinstance(tensors, dict):
        raise ValueError(f"Expected a dict of [str, torch.Tensor] but received {type(tensors)}")
    found, roots = {}, {}
    for name, t in tensors.items():
        if not isinstance(t, Tensor):
            raise ValueError(f"Key `{name}` is invalid, expected torch.Tensor but received {type(t)}")
        root = settle(t)
        if t.numel() and roots.setdefault(id(root), name) != name:
            raise RuntimeError(
                f"Some tensors share memory, this will lead to duplicate memory on disk and potential differences when loading them again: "
                f"{{{roots[id(root)]!r}, {name!r}}}. A potential way to correctly save your model is to use `save_model`."
            )
        if not t.is_contiguous():
            raise ValueError(
                f"You are trying to save a non contiguous tensor: `{name}` which is not allowed. It either means you are trying to save tensors "
                "which are reference of each other in which case it's recommended to save only the full tensors, and reslice at load time, or "
                "simply call `.contiguous()` on your tensor to pack it before saving."
            )
        found[name] = array_of(t)
    return found


def save(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """The bytes of a file. ValueError for what is no tensor or not contiguous, RuntimeError for tensors that share memory."""
    return _library().numpy.save(_arrays(tensors), metadata)


def save_file(tensors: dict[str, Tensor], filename: str | os.PathLike, metadata: dict[str, str] | None = None) -> None:
    """Writes a file, whole or not at all."""
    data = save(tensors, metadata)
    with replacing(filename) as file:
        file.write(data)


def load(data: bytes) -> dict[str, Tensor]:
    """The tensors of a file's bytes. SafetensorError if they are damaged."""
    found = {}
    for name, about in _library().deserialize(data):
        d = _CODES.get(about["dtype"])
        if d is None:
            raise ValueError(f"{name} is of type {about['dtype']}, which suiren does not have")
        s = spec(tuple(about["shape"]), d)
        buffer = Buffer(s.nbytes)
        buffer.array((s.nbytes,), np.uint8)[...] = np.frombuffer(about["data"], np.uint8)
        found[name] = adopt(Tensor, buffer, s)
    return found


def load_file(filename: str | os.PathLike, device: Any = "cpu") -> dict[str, Tensor]:
    """The tensors of a file. SafetensorError if it is damaged."""
    check_device(device)
    with open(filename, "rb") as file:
        return load(file.read())


def save_model(model: Module, filename: str, metadata: dict[str, str] | None = None, force_contiguous: bool = True) -> None:
    """Writes a module's state; of tensors that are the same one, the first name, and the others in the metadata."""
    kept: dict[str, Tensor] = {}
    names: dict[tuple, str] = {}
    metadata = dict(metadata or {})
    for name, t in model.state_dict().items():
        key = (id(settle(t)), tuple(t.shape), t.stride(), t.storage_offset())
        if key in names:
            metadata[name] = names[key]
            continue
        names[key] = name
        kept[name] = t.contiguous() if force_contiguous else t
    save_file(kept, filename, metadata or None)


def load_model(model: Module, filename: str | os.PathLike, strict: bool = True, device: Any = "cpu") -> tuple[list[str], list[str]]:
    """Reads a module's state; (missing, unexpected) names. RuntimeError with `strict` if there are any."""
    stored = load_file(filename, device)
    same: dict[int, list[str]] = {}
    for name, t in model.state_dict().items():
        same.setdefault(id(settle(t)), []).append(name)
    for names in same.values():  # names of one tensor: any of them will do
        there = next((n for n in names if n in stored), None)
        if there is not None:
            for n in names:
                stored.setdefault(n, stored[there])
    missing, unexpected = model.load_state_dict(stored, strict=strict)
    return missing, unexpected


__all__ = ["load", "load_file", "load_model", "save", "save_file", "save_model"]

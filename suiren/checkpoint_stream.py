"""Checkpoints in PyTorch's format from before version 1.6: five pickles one after the other, then the bytes of each storage.

Source: `_legacy_save` and `_legacy_load` of torch/serialization.py of PyTorch 2.13. Only reading: what is written is the zip format.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from suiren.checkpoint_pickle import LoadedStorage, StorageType, load_fully, load_safely
from suiren.runtime.buffers import Buffer
from suiren.safe_pickle import Refused
from suiren.trace import pending

MAGIC = 0x1950A86A20F9469CFC6C
PROTOCOL_VERSION = 1001
CHUNK = 16 << 20  # bytes read at once


def begins_like_one(start: bytes) -> bool:
    """Whether these are the first bytes of a pickle, as such a file begins."""
    return start[:1] == b"\x80" and start[1:2] <= b"\x05"


def read(file: IO[bytes], name: str, check_location: Callable[[Any], None], weights_only: bool, encoding: str, options: dict[str, Any]) -> Any:
    """The object in the file. The tensors' memory is made when the object is, and filled afterwards: that is the order of the file."""
    storages: dict[str, LoadedStorage] = {}

    def storage(pid: Any) -> LoadedStorage:
        """What a persistent id ('storage', type, number, place, elements, view) stands for."""
        if type(pid) is not tuple or len(pid) != 6 or pid[0] != "storage" or type(pid[1]) is not StorageType or type(pid[2]) is not str:
            raise Refused(f"the file refers to {pid!r:.80}, which is no storage")
        _, kind, key, location, numel, view = pid
        if view is not None:
            raise Refused("the file has a storage that is part of another, as PyTorch before version 0.4 wrote them")
        if type(numel) is not int or numel < 0 or kind.dtype is None:
            raise Refused(f"the file has a storage of {numel!r:.20} elements")
        if key not in storages:
            check_location(location)
            storages[key] = LoadedStorage(Buffer(numel * kind.dtype.itemsize), kind.dtype)
        return storages[key]

    def load(stored: Callable[[Any], Any]) -> Any:
        return load_safely(file, stored, encoding) if weights_only else load_fully(file, stored, encoding, **options)

    def nothing(pid: Any) -> Any:
        raise Refused(f"the file refers to {pid!r:.80} where nothing is stored")

    try:
        if load_safely(file, nothing, encoding) != MAGIC:
            raise RuntimeError(f"{name} is no checkpoint: it is a pickle of something else")
        version = load_safely(file, nothing, encoding)
        if version != PROTOCOL_VERSION:
            raise RuntimeError(f"Invalid protocol version: {version}")
        about = load_safely(file, nothing, encoding)
        swapped = about.get("little_endian", True) != (sys.byteorder == "little")
        found = load(storage)
        for key in load_safely(file, nothing, encoding):
            if key not in storages:
                raise RuntimeError(f"{name} is damaged: it has the bytes of a storage {key!r:.40} that no tensor refers to")
            _fill(file, name, key, storages[key], swapped)
        return found
    except (EOFError, pickle.UnpicklingError) as error:
        if isinstance(error, Refused):
            raise
        raise RuntimeError(f"{name} is damaged or cut short: {error}") from error
    finally:
        pending.finish()  # views that were made: they belong to no program of the user's


def _fill(file: IO[bytes], name: str, key: str, storage: LoadedStorage, swapped: bool) -> None:
    """Reads a storage's count of elements and its bytes."""
    itemsize = storage.dtype.itemsize
    head = file.read(8)
    if len(head) < 8:
        raise RuntimeError(f"{name} is cut short: the size of storage {key} is missing")
    count = int.from_bytes(head, "little", signed=True)
    nbytes = storage.buffer.nbytes
    if count * itemsize != nbytes:
        raise RuntimeError(f"{name} is damaged: storage {key} should have {nbytes // itemsize} elements, and has {count}")
    memory, at = storage.buffer.array((nbytes,), np.uint8), 0
    while at < nbytes:
        part = file.read(min(CHUNK, nbytes - at))
        if not part:
            raise RuntimeError(f"{name} is cut short: storage {key} ends after {at} of {nbytes} bytes")
        memory[at : at + len(part)] = np.frombuffer(part, np.uint8)
        at += len(part)
    number = itemsize // 2 if storage.dtype.is_complex else itemsize
    if swapped and number > 1:
        memory[:] = memory.reshape(-1, number)[:, ::-1].reshape(-1)


__all__ = ["begins_like_one", "read"]

"""Values recorded from PyTorch 2.13 by record.py and record_nn.py, so that the tests run without it.

One file: all arrays end to end as bytes, with an index of (dtype, shape, place) by name, and texts by name.
"""

from __future__ import annotations

import functools
import json
from math import prod
from pathlib import Path

import numpy as np

FILE = Path(__file__).parent / "values.npz"
NN_FILE = Path(__file__).parent / "nn.npz"
NN_PROGRAMS_FILE = Path(__file__).parent / "nn_programs.npz"
LINALG_FILE = Path(__file__).parent / "linalg.npz"
OPTIM_FILE = Path(__file__).parent / "optim.npz"
AUTOGRAD_FILE = Path(__file__).parent / "autograd.npz"
_REQUIRED = object()


@functools.cache
def _contents(path: Path) -> tuple[dict, np.ndarray]:
    with np.load(path) as file:
        return json.loads(file["index"].tobytes()), file["data"]


def recorded(name: str, missing=_REQUIRED, file: Path = FILE):
    """The array, or the text, recorded under a name. KeyError, or `missing`, if there is none."""
    index, data = _contents(file)
    found = index.get(name)
    if found is None:
        if missing is _REQUIRED:
            raise KeyError(f"nothing is recorded for {name!r}: run tests/recorded/record.py with PyTorch 2.13")
        return missing
    if isinstance(found, str):
        return found
    kind, shape, place = found
    size = prod(shape) * np.dtype(kind).itemsize
    return data[place : place + size].view(kind).reshape(shape).copy() if size else np.empty(shape, kind)


def save(values: dict[str, np.ndarray | str], file: Path = FILE) -> int:
    """Writes the file; returns its size."""
    index, pieces, place = {}, [], 0
    for name, value in values.items():
        if isinstance(value, str):
            index[name] = value
            continue
        piece = np.frombuffer(np.ascontiguousarray(value).tobytes() + bytes(-value.nbytes % 8), np.uint8)
        index[name] = (value.dtype.str, value.shape, place)
        pieces.append(piece)
        place += piece.size
    text = np.frombuffer(json.dumps(index, separators=(",", ":")).encode(), np.uint8)
    np.savez_compressed(file, index=text, data=np.concatenate(pieces))
    return file.stat().st_size

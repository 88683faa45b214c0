"""Arrays in MATLAB's files (level 5), which some data sets come in. Source: https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator

import numpy as np

_MATRIX, _COMPRESSED = 14, 15
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8", 16: "u1"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}


def _elements(data: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """(type, bytes) of the data elements that lie end to end."""
    place = 0
    while place + 8 <= len(data):
        kind, size = np.frombuffer(data, order + "u4", 2, place).tolist()
        if kind >> 16:  # a small one: type, size and up to four bytes in one word and the next
            yield kind & 0xFFFF, data[place + 4 : place + 4 + (kind >> 16)]
            place += 8
            continue
        if place + 8 + size > len(data):
            raise ValueError("it ends too early")
        yield kind, data[place + 8 : place + 8 + size]
        place += 8 + size + (-size % 8 if kind != _COMPRESSED else 0)


def _matrix(data: memoryview, order: str) -> tuple[str, np.ndarray] | None:
    """(name, array) of a numeric matrix; None for other things (texts, cells, structs, sparse matrices)."""
    parts = list(_elements(data, order))
    flags = np.frombuffer(parts[0][1], order + "u4")[0]
    kind = _CLASSES.get(int(flags) & 0xFF)
    if kind is None or len(parts) < 4 or int(flags) & 0x800:
        return None
    shape = np.frombuffer(parts[1][1], order + "i4").tolist()
    stored, content = parts[3]
    values = np.frombuffer(content, order + _TYPES[stored])
    return bytes(parts[2][1]).decode(), values.reshape(shape, order="F").astype(kind)


def load_matrices(path: str | os.PathLike) -> dict[str, np.ndarray]:
    """The numeric matrices of a file, by name. RuntimeError for a file that is none, or is of another level."""
    with open(path, "rb") as file:
        data = memoryview(file.read())
    if len(data) < 128 or bytes(data[124:128]) not in (b"\x00\x01IM", b"\x01\x00MI"):
        raise RuntimeError(f"{os.fspath(path)} is no MATLAB file of level 5")
    order = "<" if bytes(data[126:128]) == b"IM" else ">"
    found = {}
    try:
        for kind, content in _elements(data[128:], order):
            if kind == _COMPRESSED:
                kind, content = next(_elements(memoryview(zlib.decompress(content)), order))
            named = _matrix(content, order) if kind == _MATRIX else None
            if named is not None:
                found[named[0]] = named[1]
    except (ValueError, KeyError, IndexError, StopIteration, zlib.error) as error:
        raise RuntimeError(f"{os.fspath(path)} is damaged: {error}") from error
    return found

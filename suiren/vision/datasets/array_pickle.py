"""Reads a pickle of containers, numbers, texts and NumPy arrays, and can do nothing else: a data file must not be able to run code."""

from __future__ import annotations

import codecs
import os
import pickle
from typing import Any

import numpy as np


def _empty_array(cls: type, shape: tuple, typecode: Any) -> np.ndarray:
    """What NumPy's pickles call first; the array's `__setstate__` then brings shape, dtype and data."""
    if cls is not np.ndarray:
        raise pickle.UnpicklingError(f"an array of class {cls!r} is not allowed in a data file")
    return np.ndarray.__new__(np.ndarray, shape, typecode)


def _scalar(dtype: np.dtype, data: bytes | str) -> Any:
    if dtype.hasobject:
        raise pickle.UnpicklingError("a NumPy scalar of objects is not allowed in a data file")
    return np.frombuffer(data.encode("latin1") if isinstance(data, str) else data, dtype, 1)[0]


def _encoded(text: str, encoding: str = "latin1") -> bytes:
    """Bytes, as a Python 3 pickle of protocol 2 writes them."""
    return codecs.encode(text, encoding) if encoding == "latin1" else _refuse("_codecs", f"encode to {encoding}")


def _refuse(module: str, name: str) -> Any:
    raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a data file: only arrays, numbers, texts and containers are")


_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _encoded,
    # NumPy 2 renamed the package; files of both are about
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _empty_array for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        return _ALLOWED.get((module, name)) or _refuse(module, name)

    def persistent_load(self, pid: Any) -> Any:
        _refuse("persistent", str(pid))


def load_arrays(path: str | os.PathLike) -> Any:
    """The object in a pickle file; texts of Python 2 are read as Latin-1.

    RuntimeError where the file is damaged or names anything but arrays, before anything it names is called.
    """
    with open(path, "rb") as file:
        try:
            return _ArrayUnpickler(file, encoding="latin1").load()
        except Exception as error:
            raise RuntimeError(f"{os.fspath(path)} is damaged, or not a data file: {error}") from error

"""Between tensors and memory, for data that is to be there at once: nothing here is recorded."""

from __future__ import annotations

import ctypes
import functools

import numpy as np

from suiren import dtypes
from suiren.runtime.buffers import Buffer
from suiren.tensor import Tensor
from suiren.trace.pending import settle
from suiren.trace.spec import spec
from suiren.trace.storage import adopt, array_of


@functools.lru_cache(maxsize=1024)
def _bytes_type(nbytes: int) -> type:
    return ctypes.c_char * nbytes


def new_tensor(shape: tuple[int, ...], dtype: dtypes.dtype) -> tuple[Tensor, np.ndarray]:
    """A tensor with memory of its own, and an array to fill it through. The array is good only while the tensor lives: it holds nothing.

    (An array that held the memory would cost 3 µs more, and would make it count as shared.)
    """
    s = spec(shape, dtype)
    buffer = Buffer(s.nbytes)
    return adopt(Tensor, buffer, s), np.ndarray(shape, dtype.np, _bytes_type(s.nbytes).from_address(buffer.addr))


def own(array: np.ndarray) -> Tensor:
    """A tensor with the array's values in memory of its own."""
    tensor, memory = new_tensor(array.shape, dtypes.from_numpy_dtype(array.dtype))
    memory[...] = array
    return tensor


def array_of_tensor(t: Tensor) -> np.ndarray:
    """The array over a tensor's memory, computed if it is pending."""
    settle(t)
    return array_of(t)


def peek(t: Tensor) -> np.ndarray:
    """The same, to be read at once: it may be good only while the tensor lives."""
    if settle(t) is not t or t._buffer.is_foreign:
        return array_of(t)
    s = t._spec
    return np.ndarray(s.shape, s.dtype.np, _bytes_type(s.nbytes).from_address(t._buffer.addr))

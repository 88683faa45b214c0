"""Between tensors and memory, for data that is to be there at once: nothing here is recorded."""

from __future__ import annotations

import numpy as np

from suiren import dtypes
from suiren.runtime.buffers import Buffer
from suiren.tensor import Tensor
from suiren.trace.recording import settle
from suiren.trace.spec import spec
from suiren.trace.storage import adopt, array_of


def new_tensor(shape: tuple[int, ...], dtype: dtypes.dtype) -> tuple[Tensor, np.ndarray]:
    """A tensor with memory of its own, and the array to fill it through. Let go of the array: while it lives, the memory counts as shared."""
    s = spec(shape, dtype)
    buffer = Buffer(s.nbytes)
    return adopt(Tensor, buffer, s), buffer.array(shape, dtype.np)


def own(array: np.ndarray) -> Tensor:
    """A tensor with the array's values in memory of its own."""
    tensor, memory = new_tensor(array.shape, dtypes.from_numpy_dtype(array.dtype))
    memory[...] = array
    return tensor


def array_of_tensor(t: Tensor) -> np.ndarray:
    """The array over a tensor's memory, computed if it is pending."""
    settle(t)
    return array_of(t)

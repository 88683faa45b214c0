"""Makes one batch of a list of samples: `default_collate`, `default_convert`, `collate`.

Tensors and arrays are stacked at once, with NumPy: what a data set gives is data, and a batch of it should not become a recorded program.
Tensors that require a gradient are stacked by the recorded operation.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

from suiren import dtypes
from suiren.api import creation
from suiren.api.creation import as_tensor
from suiren.api.joining import stack
from suiren.tensor import Tensor
from suiren.utils.data.memory import new_tensor, peek

_TEXT_OR_OBJECTS = "SaUO"
_NOT_A_BATCH = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def _rebuilt(data: Any, values: list) -> Any:
    """A container like `data` with other values: of its class where that can be made, keeping what else it carries."""
    cls = type(data)
    try:
        if isinstance(data, MutableMapping):
            clone = copy.copy(data)
            clone.update(zip(data, values))
            return clone
        if isinstance(data, Mapping):
            return cls(dict(zip(data, values)))
        if isinstance(data, MutableSequence):
            clone = copy.copy(data)
            for i, value in enumerate(values):
                clone[i] = value
            return clone
        return cls(values)
    except TypeError:  # a class that cannot be copied or made so: a `range`
        return dict(zip(data, values)) if isinstance(data, Mapping) else values


def default_convert(data: Any) -> Any:
    """NumPy arrays and scalars inside of `data`, at any depth, as tensors (sharing memory); tuples become lists; the rest is left as it is."""
    if isinstance(data, Tensor):
        return data
    cls = type(data)
    if cls.__module__ == "numpy" and cls.__name__ not in ("str_", "bytes_", "string_"):
        if isinstance(data, np.ndarray) and data.dtype.char in _TEXT_OR_OBJECTS:
            return data
        return as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuilt(data, [default_convert(data[key]) for key in data])
    if isinstance(data, tuple):
        values = [default_convert(d) for d in data]
        return cls(*values) if hasattr(data, "_fields") else values
    if isinstance(data, Sequence) and not isinstance(data, (str, bytes)):
        return _rebuilt(data, [default_convert(d) for d in data])
    return data


def collate(batch: list, *, collate_fn_map: dict[type | tuple[type, ...], Callable] | None = None) -> Any:
    """Puts the samples in `batch` together, by the class of the first one: `collate_fn_map[cls](batch, collate_fn_map=…)`, else containers by part.

    Mappings, sequences and named tuples are collated entry by entry. TypeError for a class that is none of these and not in the map;
    RuntimeError where sequences differ in length.
    """
    first = batch[0]
    if collate_fn_map is not None:
        function = collate_fn_map.get(type(first))
        if function is None:
            function = next((f for cls, f in collate_fn_map.items() if isinstance(first, cls)), None)
        if function is not None:
            return function(batch, collate_fn_map=collate_fn_map)
    if isinstance(first, Mapping):
        return _rebuilt(first, [collate([d[key] for d in batch], collate_fn_map=collate_fn_map) for key in first])
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return type(first)(*(collate(part, collate_fn_map=collate_fn_map) for part in zip(*batch)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        values = [collate(part, collate_fn_map=collate_fn_map) for part in zip(*batch)]
        return values if isinstance(first, tuple) else _rebuilt(first, values)
    raise TypeError(_NOT_A_BATCH.format(type(first)))


def _stacked(arrays: Sequence[np.ndarray], dtype: dtypes.dtype) -> Tensor:
    """(…) × N -> (N, …), as a new tensor."""
    shape = arrays[0].shape
    tensor, memory = new_tensor((len(arrays), *shape), dtype)
    for i, a in enumerate(arrays):
        if a.shape != shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(shape)} at entry 0 and {list(a.shape)} at entry {i}"
            )
        memory[i] = a
    return tensor


def collate_tensor_fn(batch: Sequence, *, collate_fn_map: dict | None = None) -> Tensor:
    if any(not isinstance(t, Tensor) or t.requires_grad for t in batch):
        return stack(list(batch), 0)
    found = batch[0].dtype
    for t in batch:
        if t.dtype is not found:
            found = dtypes.promote_types(found, t.dtype)
    return _stacked([peek(t) for t in batch], found)


def collate_numpy_array_fn(batch: Sequence, *, collate_fn_map: dict | None = None) -> Tensor:
    if batch[0].dtype.char in _TEXT_OR_OBJECTS:
        raise TypeError(_NOT_A_BATCH.format(batch[0].dtype))
    found = dtypes.from_numpy_dtype(batch[0].dtype)
    for a in batch:
        found = dtypes.promote_types(found, dtypes.from_numpy_dtype(a.dtype))
    return _stacked([np.asarray(a) for a in batch], found)


def collate_numpy_scalar_fn(batch: Sequence, *, collate_fn_map: dict | None = None) -> Tensor:
    return as_tensor(np.array(batch))


def _numbers(batch: Sequence, dtype: dtypes.dtype) -> Tensor:
    tensor, memory = new_tensor((len(batch),), dtype)
    memory[:] = batch
    return tensor


def collate_float_fn(batch: Sequence, *, collate_fn_map: dict | None = None) -> Tensor:
    return _numbers(batch, dtypes.float64)


def collate_int_fn(batch: Sequence, *, collate_fn_map: dict | None = None) -> Tensor:
    if all(type(x) is int for x in batch):
        return _numbers(batch, dtypes.int64)
    return creation.tensor(list(batch))  # bools, subclasses, mixtures


def collate_str_fn(batch: Sequence, *, collate_fn_map: dict | None = None) -> Sequence:
    return batch


default_collate_fn_map: dict[type | tuple[type, ...], Callable] = {
    Tensor: collate_tensor_fn,
    np.ndarray: collate_numpy_array_fn,  # np.memmap too
    (np.bool_, np.number, np.object_): collate_numpy_scalar_fn,
    float: collate_float_fn,
    int: collate_int_fn,
    str: collate_str_fn,
    bytes: collate_str_fn,
}


def default_collate(batch: list) -> Any:
    """The samples of a batch with a batch dim in front: tensors, arrays and numbers become tensors (N, …); containers are collated by entry.

    A tuple becomes a list, as in PyTorch; texts stay a sequence of texts. float gives float64, int int64.
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)

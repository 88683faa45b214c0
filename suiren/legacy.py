"""The old names of tensor types: ``FloatTensor(2, 3)``, ``LongTensor([1, 2])``, ``isinstance(x, DoubleTensor)``.

Source: https://docs.pytorch.org/docs/stable/tensors.html
"""

from __future__ import annotations

import warnings
from typing import Any

from suiren import dtypes
from suiren.dtypes import dtype
from suiren.tensor import Tensor, dtype_of_type, type_name


class tensortype(type):
    """The class of `FloatTensor` and its like: a tensor of that dtype is an instance."""

    dtype: dtype

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, Tensor) and instance._spec.dtype is cls.dtype

    def __call__(cls, *args: Any, device: Any = None) -> Tensor:
        from suiren.api.creation import typed_constructor

        return typed_constructor(Tensor, cls.dtype, args, device)

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


def _old_type(d: dtype) -> tensortype:
    doc = f"A tensor of {d}: uninitialised of a shape, or of data."
    return tensortype(type_name(d), (), {"dtype": d, "is_cuda": False, "is_sparse": False, "__module__": "torch", "__doc__": doc})


KINDS: dict[str, tensortype] = {
    kind.__name__: kind
    for kind in map(_old_type, (
        dtypes.float64, dtypes.float32, dtypes.float16, dtypes.bfloat16, dtypes.int64, dtypes.int32, dtypes.int16, dtypes.int8, dtypes.uint8,
        dtypes.bool_,
    ))
}  # fmt: skip


def set_default_tensor_type(t: Any, /) -> None:
    """Sets the default floating dtype to that of ``torch.DoubleTensor`` or of its name. Deprecated: see `set_default_dtype`."""
    warnings.warn(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and torch.set_default_device() as "
        "alternatives.",
        UserWarning,
        stacklevel=2,
    )
    try:
        d = dtype_of_type(t)
    except ValueError:
        raise TypeError(f"invalid type object: {t!r} is no tensor type") from None
    if d.category != dtypes.FLOAT:
        raise TypeError("only floating-point types are supported as the default type")
    dtypes.set_default_dtype(d)


__all__ = ["KINDS", "set_default_tensor_type", "tensortype"]

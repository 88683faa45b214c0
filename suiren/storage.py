"""Storages: the memory behind tensors, as bytes or as elements of one dtype. Source: https://docs.pytorch.org/docs/stable/storage.html

A storage belongs to the tensor at the top of a chain of views; it is looked up again at every access, because what is recorded and has not run
yet may still change it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from suiren import dtypes
from suiren.device import check_device, cpu, device
from suiren.dtypes import dtype, uint8
from suiren.tensor import Tensor, type_name
from suiren.trace.pending import settle
from suiren.trace.storage import Stored
from suiren.trace.threads import expose


class UntypedStorage:
    """The bytes behind a tensor, which it shares. `UntypedStorage(n)` has n bytes of its own, `UntypedStorage([1, 2])` these."""

    __slots__ = ("__weakref__", "_owner")

    def __init__(self, *args: Any, device: Any = None, dtype: Any = None):
        check_device(device)
        if len(args) > 1 or dtype is not None:
            raise TypeError(f"UntypedStorage() takes a size or a sequence of bytes, but got {len(args)} arguments")
        given = args[0] if args else 0
        array = np.empty(given, np.uint8) if isinstance(given, int) else np.array(list(given), np.uint8)
        self._owner: Stored = Tensor.from_array(array, copy=True)

    @classmethod
    def _of(cls, t: Stored) -> UntypedStorage:
        made = object.__new__(cls)
        made._owner = t._root()
        return made

    def _array(self) -> np.ndarray:
        self._owner = root = expose(self._owner)
        return root._buffer.array((root._spec.nbytes,), np.uint8)

    @property
    def device(self) -> device:
        return cpu

    is_cuda = is_hpu = is_sparse = is_sparse_csr = False

    def nbytes(self) -> int:
        """How many bytes there are."""
        return self._owner._root()._spec.nbytes

    def size(self) -> int:
        return self.nbytes()

    def __len__(self) -> int:
        return self.nbytes()

    def element_size(self) -> int:
        return 1

    itemsize = property(element_size)

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return settle(self._owner)._buffer.addr

    _cdata = property(data_ptr)

    def __getitem__(self, at: int | slice) -> Any:
        found = self._array()[at]
        return UntypedStorage(found) if isinstance(at, slice) else int(found)

    def __setitem__(self, at: int | slice, value: int) -> None:
        self._array()[at] = value

    def __iter__(self):
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr()

    def __hash__(self) -> int:
        return id(self._owner._root())

    def tolist(self) -> list[int]:
        return self._array().tolist()

    def fill_(self, value: int) -> UntypedStorage:
        self._array()[...] = value
        return self

    def copy_(self, source: Any, non_blocking: bool = False) -> UntypedStorage:
        self._array()[...] = source.untyped()._array()
        return self

    def clone(self) -> UntypedStorage:
        """A copy in memory of its own."""
        return UntypedStorage(self._array())

    def untyped(self) -> UntypedStorage:
        return self

    def cpu(self) -> UntypedStorage:
        return self

    def to(self, *, device: Any, non_blocking: bool = False) -> UntypedStorage:
        check_device(device)
        return self

    def cuda(self, device: Any = None, non_blocking: bool = False) -> UntypedStorage:
        check_device("cuda" if device is None else device)
        return self

    def is_pinned(self, device: Any = None) -> bool:
        return False

    def is_shared(self) -> bool:
        return False

    def type(self, dtype: Any = None) -> str:
        return "torch.UntypedStorage"

    def resize_(self, size: int) -> UntypedStorage:
        """NotImplementedError, unless it has that size: a tensor's memory keeps its size here."""
        if size != self.nbytes():
            raise NotImplementedError("a storage keeps its size in suiren: make a new one, or use Tensor.resize_")
        return self

    def __copy__(self) -> UntypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict) -> UntypedStorage:
        return memo.setdefault(id(self), self.clone())

    def __reduce__(self):
        return UntypedStorage, (self.tolist(),)

    def __repr__(self) -> str:
        return _listed(self.tolist()) + f"[torch.storage.UntypedStorage(device=cpu) of size {len(self)}]"


class TypedStorage:
    """The memory behind a tensor as elements of one dtype. `FloatStorage(3)` and its like have memory of their own."""

    __slots__ = ("__weakref__", "_untyped", "dtype")

    dtype: dtype

    def __init__(self, *args: Any, wrap_storage: UntypedStorage | None = None, dtype: dtype | None = None, device: Any = None, _internal: bool = False):
        check_device(device)
        self.dtype = dtype or type(self)._own_dtype or dtypes.get_default_dtype()
        if wrap_storage is not None:
            self._untyped = wrap_storage
            return
        given = args[0] if args else 0
        array = np.empty(given, self.dtype.np) if isinstance(given, int) else np.array(list(given), self.dtype.np)
        self._untyped = UntypedStorage._of(Tensor.from_array(array, copy=True))

    _own_dtype: Any = None

    def _array(self) -> np.ndarray:
        return self._untyped._array().view(self.dtype.np)

    @property
    def device(self) -> device:
        return cpu

    is_cuda = is_sparse = False

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return self._untyped

    def size(self) -> int:
        """How many elements there are."""
        return self._untyped.nbytes() // self.dtype.itemsize

    def __len__(self) -> int:
        return self.size()

    def nbytes(self) -> int:
        return self._untyped.nbytes()

    def element_size(self) -> int:
        return self.dtype.itemsize

    def data_ptr(self) -> int:
        return self._untyped.data_ptr()

    _cdata = property(data_ptr)

    def __getitem__(self, at: int) -> Any:
        if isinstance(at, slice):
            raise RuntimeError("slices are only supported in UntypedStorage.__getitem__")
        return self._array()[at].item()

    def __setitem__(self, at: int | slice, value: Any) -> None:
        self._array()[at] = value

    def __iter__(self):
        return iter(self.tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TypedStorage) and self.dtype is other.dtype and self._untyped == other._untyped

    def __hash__(self) -> int:
        return hash(self._untyped)

    def tolist(self) -> list:
        return self._array().tolist()

    def fill_(self, value: Any) -> TypedStorage:
        self._array()[...] = value
        return self

    def copy_(self, source: Any, non_blocking: bool | None = None) -> TypedStorage:
        self._array()[...] = source._array()
        return self

    def clone(self) -> TypedStorage:
        """A copy in memory of its own."""
        return TypedStorage(wrap_storage=self._untyped.clone(), dtype=self.dtype)

    def _to(self, d: dtype) -> TypedStorage:
        return TypedStorage(self._array().astype(d.np).tolist(), dtype=d)

    def cpu(self) -> TypedStorage:
        return self

    def cuda(self, device: Any = None, non_blocking: bool = False) -> TypedStorage:
        self._untyped.cuda(device)
        return self

    def is_pinned(self, device: Any = None) -> bool:
        return False

    def is_shared(self) -> bool:
        return False

    def pickle_storage_type(self) -> str:
        return type_name(self.dtype).replace("Tensor", "Storage")

    def type(self, dtype: Any = None) -> Any:
        """Its type's name, or its elements converted to the dtype of another type's name."""
        if dtype is None:
            return f"torch.{self.pickle_storage_type()}"
        name = dtype if isinstance(dtype, str) else f"torch.{dtype.__name__}"
        kinds = {f"torch.{kind.__name__}": kind._own_dtype for kind in KINDS.values()}
        return self._to(kinds[name])

    def resize_(self, size: int) -> TypedStorage:
        self._untyped.resize_(size * self.dtype.itemsize)
        return self

    def __copy__(self) -> TypedStorage:
        return self.clone()

    def __deepcopy__(self, memo: dict) -> TypedStorage:
        return memo.setdefault(id(self), self.clone())

    def __reduce__(self):
        return _typed, (self.tolist(), self.dtype)

    def __repr__(self) -> str:
        return _listed(self.tolist()) + f"[torch.storage.TypedStorage(dtype={self.dtype}, device=cpu) of size {len(self)}]"


def _typed(data: list, d: dtype) -> TypedStorage:
    return TypedStorage(data, dtype=d)


def _listed(values: list) -> str:
    return "".join(f" {v}\n" for v in values)


def _conversion(d: dtype):
    def convert(self: TypedStorage) -> TypedStorage:
        return self if self.dtype is d else self._to(d)

    convert.__doc__ = f"Its elements converted to {d}."
    return convert


for _name, _dtype in {
    "float": dtypes.float32, "double": dtypes.float64, "half": dtypes.float16, "int": dtypes.int32, "long": dtypes.int64, "short": dtypes.int16,
    "char": dtypes.int8, "byte": uint8, "bool": dtypes.bool_, "complex_float": dtypes.complex64, "complex_double": dtypes.complex128,
}.items():  # fmt: skip
    setattr(TypedStorage, _name, _conversion(_dtype))


class _OldKind(type):
    """Of `FloatStorage` and its like: every TypedStorage of that dtype is one."""

    def __instancecheck__(cls, instance: object) -> bool:
        return type.__instancecheck__(cls, instance) or (isinstance(instance, TypedStorage) and cls._own_dtype is instance.dtype)

    def __repr__(cls) -> str:
        return f"<class 'torch.{cls.__name__}'>"


def _old_kind(d: dtype) -> type:
    def __new__(cls, *args, **kwargs):
        return TypedStorage(*args, dtype=d, **kwargs)

    name = type_name(d).replace("Tensor", "Storage")
    return _OldKind(name, (), {"__new__": __new__, "__module__": "torch", "_own_dtype": d, "dtype": d, "__doc__": f"A storage of {d}: memory for n elements, or of a sequence."})


# FloatStorage, DoubleStorage, …: the old names.
KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in map(_old_kind, (
        dtypes.float64, dtypes.float32, dtypes.float16, dtypes.bfloat16, dtypes.int64, dtypes.int32, dtypes.int16, dtypes.int8, dtypes.uint8,
        dtypes.bool_, dtypes.complex64, dtypes.complex128,
    ))
}  # fmt: skip


def is_storage(obj: object) -> bool:
    """Whether `obj` is a storage."""
    return isinstance(obj, (UntypedStorage, TypedStorage))


def __getattr__(name: str) -> Any:
    try:
        return KINDS[name]
    except KeyError:
        raise AttributeError(f"module 'suiren.storage' has no attribute {name!r}") from None


__all__ = ["KINDS", "TypedStorage", "UntypedStorage", "is_storage"]

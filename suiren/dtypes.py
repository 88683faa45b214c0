"""Element types, under PyTorch's names, and PyTorch's rules of type promotion.

Source: https://docs.pytorch.org/docs/stable/tensor_attributes.html
"""

from __future__ import annotations

import numpy as np

# Categories in the order in which PyTorch promotes between them.
BOOL, INTEGER, FLOAT, COMPLEX = range(4)


class dtype:
    """The type of a tensor's elements. Instances are singletons: compare them with ``is``."""

    __slots__ = ("category", "is_signed", "itemsize", "llvm", "name", "np", "short")

    def __init__(self, name: str, numpy_name: str | None, category: int, itemsize: int, llvm: str, short: str):
        self.name = name
        self.np = np.dtype(numpy_name) if numpy_name else None
        self.category = category
        self.itemsize = itemsize
        self.llvm = llvm  # the type in a register; a bool is one byte in memory
        self.short = short  # in dumps of traces
        self.is_signed = name not in ("uint8", "uint16", "uint32", "uint64", "bool")

    @property
    def is_floating_point(self) -> bool:
        return self.category == FLOAT

    @property
    def is_complex(self) -> bool:
        return self.category == COMPLEX

    @property
    def scalar_name(self) -> str:
        """What PyTorch's messages from C++ call it."""
        return _SCALAR_NAMES[self.name]

    def to_complex(self) -> dtype:
        return {"float32": complex64, "float64": complex128, "float16": complex64}.get(self.name, self)

    def to_real(self) -> dtype:
        return {"complex64": float32, "complex128": float64}.get(self.name, self)

    def __repr__(self) -> str:
        return f"torch.{self.name}"  # PyTorch's text: programs and people compare it

    def __reduce__(self):
        return _by_name, (self.name,)


float32 = dtype("float32", "float32", FLOAT, 4, "float", "f32")
float64 = dtype("float64", "float64", FLOAT, 8, "double", "f64")
float16 = dtype("float16", "float16", FLOAT, 2, "half", "f16")
bfloat16 = dtype("bfloat16", None, FLOAT, 2, "bfloat", "bf16")
uint8 = dtype("uint8", "uint8", INTEGER, 1, "i8", "u8")
int8 = dtype("int8", "int8", INTEGER, 1, "i8", "i8")
int16 = dtype("int16", "int16", INTEGER, 2, "i16", "i16")
int32 = dtype("int32", "int32", INTEGER, 4, "i32", "i32")
int64 = dtype("int64", "int64", INTEGER, 8, "i64", "i64")
uint32 = dtype("uint32", "uint32", INTEGER, 4, "i32", "u32")
bool_ = dtype("bool", "bool", BOOL, 1, "i1", "b8")
complex64 = dtype("complex64", "complex64", COMPLEX, 8, "", "c64")
complex128 = dtype("complex128", "complex128", COMPLEX, 16, "", "c128")

ALL = (float32, float64, float16, bfloat16, uint8, int8, int16, int32, int64, uint32, bool_, complex64, complex128)
# What a Python class stands for where a dtype is asked: `x.to(float)`.
OF_CLASS = {float: float64, int: int64, bool: bool_, complex: complex128}
_BY_NAME = {d.name: d for d in ALL}
_BY_NUMPY = {d.np: d for d in ALL if d.np is not None}

_SCALAR_NAMES = {
    "float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "uint8": "Byte", "int8": "Char", "int16": "Short",
    "int32": "Int", "int64": "Long", "uint32": "UInt32", "bool": "Bool", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip

_default = float32


def _by_name(name: str) -> dtype:
    return _BY_NAME[name]


def from_numpy_dtype(np_dtype) -> dtype:
    """The suiren dtype of a NumPy dtype; TypeError, as in PyTorch, where there is none."""
    try:
        return _BY_NUMPY[np.dtype(np_dtype).newbyteorder("=")]
    except KeyError:
        supported = ", ".join(d.name for d in ALL if d.np is not None)
        raise TypeError(
            f"can't convert np.ndarray of type {np.dtype(np_dtype)}. The only supported types are: {supported}."
        ) from None


def get_default_dtype() -> dtype:
    """The dtype of tensors made from Python floats, float32 unless `set_default_dtype` changed it."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Sets the dtype of tensors made from Python floats: a floating dtype, otherwise TypeError."""
    global _default
    if not isinstance(d, dtype) or d.category != FLOAT:
        raise TypeError(f"only floating-point types are supported as the default type, got {d}")
    _default = d


def of_number(cls: type) -> dtype:
    """The dtype that a Python number of this class brings into promotion."""
    if cls is bool:
        return bool_
    if issubclass(cls, int):
        return int64
    if issubclass(cls, complex):
        return complex128 if _default is float64 else complex64
    return _default


_INT_RANK = {"uint8": 0, "int8": 0, "int16": 1, "int32": 2, "uint32": 2, "int64": 3}
_FLOAT_RANK = {"float16": 0, "bfloat16": 0, "float32": 1, "float64": 2}


def promote_types(a: dtype, b: dtype) -> dtype:
    """The smallest dtype to which both can be promoted, as ``torch.promote_types``."""
    if a is b:
        return a
    if a.category != b.category:
        high, low = (a, b) if a.category > b.category else (b, a)
        if high.category == COMPLEX and low is float64:
            return complex128
        return high
    if a.category == COMPLEX:
        return complex128
    if a.category == FLOAT:
        if _FLOAT_RANK[a.name] == _FLOAT_RANK[b.name]:  # float16 with bfloat16
            return float32
        return a if _FLOAT_RANK[a.name] > _FLOAT_RANK[b.name] else b
    ra, rb = _INT_RANK[a.name], _INT_RANK[b.name]
    if a.is_signed == b.is_signed:
        return a if ra >= rb else b
    unsigned, signed = (b, a) if a.is_signed else (a, b)
    if _INT_RANK[signed.name] > _INT_RANK[unsigned.name]:
        return signed
    return (int16, int32, int64, int64)[_INT_RANK[unsigned.name]]

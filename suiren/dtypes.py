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

    def __new__(cls, *args, **kwargs):
        raise TypeError("cannot create 'torch.dtype' instances")

    @classmethod
    def _make(cls, name: str, numpy_name: str | None, category: int, itemsize: int, llvm: str, short: str) -> dtype:
        self = object.__new__(cls)
        self.name = name
        if numpy_name:
            self.np = np.dtype(numpy_name)
        self.category = category
        self.itemsize = itemsize
        self.llvm = llvm  # the type in a register; a bool is one byte in memory
        self.short = short  # in dumps of traces
        self.is_signed = name not in ("uint8", "uint16", "uint32", "uint64", "bool")
        return self

    def __getattr__(self, name: str):
        """`np` of bfloat16, which NumPy does not have: loaded when somebody asks for it."""
        if name != "np":
            raise AttributeError(f"'torch.dtype' object has no attribute {name!r}")
        from ml_dtypes import bfloat16 as scalar

        self.np = np.dtype(scalar)
        _BY_NUMPY[self.np] = self
        return self.np

    @property
    def is_floating_point(self) -> bool:
        return self.category == FLOAT

    @property
    def is_complex(self) -> bool:
        return self.category == COMPLEX

    @property
    def abbr(self) -> str:
        """Its short name in dumps of graphs: f32, i64."""
        return self.short

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
        return by_name, (self.name,)


float32 = dtype._make("float32", "float32", FLOAT, 4, "float", "f32")
float64 = dtype._make("float64", "float64", FLOAT, 8, "double", "f64")
float16 = dtype._make("float16", "float16", FLOAT, 2, "half", "f16")
bfloat16 = dtype._make("bfloat16", None, FLOAT, 2, "bfloat", "bf16")
uint8 = dtype._make("uint8", "uint8", INTEGER, 1, "i8", "u8")
int8 = dtype._make("int8", "int8", INTEGER, 1, "i8", "i8")
int16 = dtype._make("int16", "int16", INTEGER, 2, "i16", "i16")
int32 = dtype._make("int32", "int32", INTEGER, 4, "i32", "i32")
int64 = dtype._make("int64", "int64", INTEGER, 8, "i64", "i64")
uint16 = dtype._make("uint16", "uint16", INTEGER, 2, "i16", "u16")
uint32 = dtype._make("uint32", "uint32", INTEGER, 4, "i32", "u32")
uint64 = dtype._make("uint64", "uint64", INTEGER, 8, "i64", "u64")
bool_ = dtype._make("bool", "bool", BOOL, 1, "i1", "b8")
complex64 = dtype._make("complex64", "complex64", COMPLEX, 8, "", "c64")
complex128 = dtype._make("complex128", "complex128", COMPLEX, 16, "", "c128")

NARROW = (float16, bfloat16)  # computed in float32 and rounded, as PyTorch does
ALL = (float32, float64, float16, bfloat16, uint8, int8, int16, int32, int64, uint16, uint32, uint64, bool_, complex64, complex128)
# What a Python class stands for where a dtype is asked: `x.to(float)`.
OF_CLASS = {float: float64, int: int64, bool: bool_, complex: complex128}
_BY_NAME = {d.name: d for d in ALL}
_BY_NUMPY = {d.np: d for d in ALL if d is not bfloat16}  # that one comes when it is asked for

_SCALAR_NAMES = {
    "float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "uint8": "Byte", "int8": "Char", "int16": "Short",
    "int32": "Int", "int64": "Long", "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64", "bool": "Bool", "complex64": "ComplexFloat", "complex128": "ComplexDouble",
}  # fmt: skip

_default = float32


def by_name(name: str) -> dtype:
    """The dtype of a name, "float32". KeyError where there is none."""
    return _BY_NAME[name]


def from_numpy_dtype(np_dtype) -> dtype:
    """The suiren dtype of a NumPy dtype; TypeError, as in PyTorch, where there is none."""
    try:
        return _BY_NUMPY[np.dtype(np_dtype).newbyteorder("=")]
    except KeyError:
        order = (float64, float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, bool_)
        named = np.dtype(np_dtype)
        raise TypeError(
            f"can't convert np.ndarray of type {named.type.__module__}.{named.type.__name__}. "
            f"The only supported types are: {', '.join(d.name for d in order[:-1])}, and bool."
        ) from None


def get_default_dtype() -> dtype:
    """The dtype of tensors made from Python floats, float32 unless `set_default_dtype` changed it."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Sets the dtype of tensors made from Python floats: a floating dtype, otherwise TypeError."""
    global _default
    if not isinstance(d, dtype):
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    if d.category != FLOAT:
        raise TypeError("only floating-point types are supported as the default type")
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


_INT_RANK = {"uint8": 0, "int8": 0, "uint16": 1, "int16": 1, "uint32": 2, "int32": 2, "uint64": 3, "int64": 3}
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


# ---------------------------------------------------------------- limits


class finfo:
    """The limits of a floating dtype (of a complex one's parts; of the default dtype): bits, eps, max, min, tiny, smallest_normal, resolution."""

    __slots__ = ("_dtype", "bits", "eps", "max", "min", "resolution", "smallest_normal", "tiny")

    def __init__(self, type: dtype | None = None):
        d = _default if type is None else type
        if not isinstance(d, dtype):
            raise TypeError(f"finfo(): argument 'type' (position 1) must be torch.dtype, not {d.__class__.__name__}")
        if d.category < FLOAT:
            raise TypeError("torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'")
        self._dtype = d = d.to_real()
        if d is bfloat16:  # float32's exponents, seven bits after the point
            self.bits, self.eps, self.resolution = 16, 2.0**-7, 0.01
            self.max, self.tiny = (2 - 2.0**-7) * 2.0**127, 2.0**-126
        else:
            found = np.finfo(d.np)
            self.bits, self.eps, self.resolution = found.bits, float(found.eps), float(str(found.resolution))
            self.max, self.tiny = float(found.max), float(found.tiny)
        self.min, self.smallest_normal = -self.max, self.tiny

    @property
    def dtype(self) -> str:
        return self._dtype.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, finfo) and self._dtype is other._dtype

    def __hash__(self) -> int:
        return hash(("finfo", self._dtype.name))

    def __repr__(self) -> str:
        named = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return f"finfo({', '.join(f'{n}={getattr(self, n):g}' for n in named)}, dtype={self.dtype})"


class iinfo:
    """The limits of an integer dtype: bits, max, min."""

    __slots__ = ("_dtype", "bits", "max", "min")

    def __init__(self, type: dtype):
        if not isinstance(type, dtype):
            raise TypeError(f"iinfo(): argument 'type' (position 1) must be torch.dtype, not {type.__class__.__name__}")
        if type.category >= FLOAT:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        if type is bool_:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        self._dtype, self.bits = type, 8 * type.itemsize
        self.max = (1 << self.bits - type.is_signed) - 1
        self.min = -self.max - 1 if type.is_signed else 0

    @property
    def dtype(self) -> str:
        return self._dtype.name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, iinfo) and self._dtype is other._dtype

    def __hash__(self) -> int:
        return hash(("iinfo", self._dtype.name))

    def __repr__(self) -> str:
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"

"""Value: what a Builder computes with, the register form of every dtype, and LLVM's text of types and constants."""

from __future__ import annotations

import struct

from suiren import dtypes
from suiren.dtypes import FLOAT, dtype

# float16 and bfloat16 are held in registers as floats that have a value of the narrow type: an operation computes in
# float and rounds the result to such a value again; only load and store see 16 bits.
REGISTER = {d: d.llvm for d in dtypes.ALL if d.llvm}
REGISTER[dtypes.float16] = REGISTER[dtypes.bfloat16] = "float"

NARROW = (dtypes.float16, dtypes.bfloat16)

BITS = {"i1": 1, "i8": 8, "i16": 16, "i32": 32, "i64": 64, "float": 32, "double": 64, "half": 16, "ptr": 64}


class Value:
    """Something in a register: `ref` is its text (`%12`, or a constant), `type` its scalar LLVM type, `lanes` 1 for a
    scalar.

    `dtype` is the suiren dtype, which says how an integer is signed (None for a pointer). `scope`: of a pointer, the
    alias scope it was derived from."""

    __slots__ = ("dtype", "lanes", "llvm", "ref", "scope", "type")

    def __init__(
        self, ref: str, type: str, lanes: int = 1, dtype: dtype | None = None, llvm: str = "", scope: int | None = None
    ):
        self.ref = ref
        self.type = type
        self.lanes = lanes
        self.dtype = dtype
        self.llvm = llvm or (type if lanes == 1 else f"<{lanes} x {type}>")  # the full type: `<8 x float>`
        self.scope = scope

    @property
    def is_float(self) -> bool:
        return self.type == "float" or self.type == "double"

    @property
    def is_constant(self) -> bool:
        return self.ref[0] != "%"

    def __repr__(self) -> str:
        return f"{self.llvm} {self.ref}"

    def __bool__(self):
        raise TypeError("a Value is known only when the kernel runs; use Builder.select or Builder.if_")


def llvm_type(scalar: str, lanes: int) -> str:
    return scalar if lanes == 1 else f"<{lanes} x {scalar}>"


def round_narrow(number: float, d: dtype) -> float:
    """The value of float16 or bfloat16 nearest to a Python number, ties to even."""
    if d is dtypes.float16:
        try:
            return struct.unpack("<e", struct.pack("<e", number))[0]
        except OverflowError:
            return float("inf") if number > 0 else float("-inf")
    bits = struct.unpack("<I", pack_float(number))[0]
    if bits & 0x7FFFFFFF > 0x7F800000:
        return number
    bits = (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000
    return struct.unpack("<f", struct.pack("<I", bits))[0]


def pack_float(number: float) -> bytes:
    """Four bytes of the nearest float; a double beyond its range becomes infinite."""
    try:
        return struct.pack("<f", number)
    except OverflowError:
        return struct.pack("<f", float("inf") if number > 0 else float("-inf"))


_constants: dict[tuple, str] = {}


def constant_text(number: bool | int | float, d: dtype) -> str:
    """LLVM's text of a scalar constant. Integers wrap around; a float constant of an integer dtype must be whole
    (TypeError)."""
    key = (number, d, number.__class__)
    found = _constants.get(key)
    if found is not None and number != 0:  # 0.0 and -0.0 are the same key
        return found
    if d.category == FLOAT:
        number = float(number)
        if d in NARROW:
            number = round_narrow(number, d)
        if REGISTER[d] == "float":
            number = struct.unpack("<f", pack_float(number))[0]
        text = f"0x{struct.unpack('<Q', struct.pack('<d', number))[0]:016X}"
    elif d is dtypes.bool_:
        text = "true" if number else "false"
    else:
        if number != int(number):
            raise TypeError(f"{number!r} is no constant of {d}")
        bits = 8 * d.itemsize
        whole = int(number) & ((1 << bits) - 1)
        text = str(whole - (1 << bits) if whole >> (bits - 1) else whole)
    _constants[key] = text
    return text

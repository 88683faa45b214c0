"""The part of the Builder that converts between dtypes, and between the register form of the narrow floats and their 16
bits."""

from __future__ import annotations

from suiren.compiler.emit.values import BITS, NARROW, REGISTER, Value, llvm_type
from suiren.dtypes import FLOAT, bool_, dtype, float16, float32, float64, int8, int16, int32, int64, uint32, uint64

# What `bitcast` calls its result's dtype when it is told an LLVM type alone.
_DEFAULT_DTYPE = {
    "i1": bool_,
    "i8": int8,
    "i16": int16,
    "i32": int32,
    "i64": int64,
    "float": float32,
    "double": float64,
}


class Conversion:
    """Methods of Builder."""

    def convert(self, x: Value, dtype: dtype) -> Value:
        """C's conversion: to bool `!= 0`, floats to integers cut towards zero, integers wrap around.

        A float outside of the integer's range gives whatever the machine's conversion gives (as in C), but is not
        undefined behaviour."""
        have = x.dtype
        if have is dtype:
            return x
        if dtype is bool_:
            return self.ne(x, 0)
        if dtype.category == FLOAT:
            return self._to_float(x, dtype)
        type = REGISTER[dtype]
        if have is bool_:
            return self._cast("zext", x, type, dtype)
        if have.category == FLOAT:
            return self._float_to_int(x, dtype)
        a, b = BITS[x.type], BITS[type]
        if a == b:
            return Value(x.ref, x.type, x.lanes, dtype, x.llvm)
        return self._cast("trunc" if a > b else "sext" if have.is_signed else "zext", x, type, dtype)

    def _to_float(self, x: Value, dtype: dtype) -> Value:
        have, type = x.dtype, REGISTER[dtype]
        if have is bool_:
            return self.select(x, self.const(1, dtype), self.const(0, dtype))
        if have.category == FLOAT:
            if x.type == type:
                out = Value(x.ref, type, x.lanes, dtype, x.llvm)
            else:
                out = self._cast("fpext" if type == "double" else "fptrunc", x, type, dtype)
        else:
            out = self._cast("sitofp" if have.is_signed else "uitofp", x, type, dtype)
        # Through float, as PyTorch converts (and so rounds twice) between its narrow floats and anything else.
        return self.round_to(out, dtype) if dtype in NARROW else out

    def _float_to_int(self, x: Value, dtype: dtype) -> Value:
        if dtype is uint64:  # what is below 2**63 as a signed number, so that negative ones wrap round
            return self.select(self.lt(x, 2.0**63), self.convert(self._float_to_int(x, int64), uint64), self._cut("fptoui", x, uint64))
        wide = int64 if dtype in (int64, uint32) else int32
        cut = self._cut("fptosi", x, wide)
        return cut if dtype is wide else self.convert(cut, dtype)

    def _cut(self, op: str, x: Value, wide: dtype) -> Value:
        cut = self._cast(op, x, REGISTER[wide], wide)
        # An out-of-range conversion is poison; frozen, it is some number.
        return self._exact(f"freeze {cut.llvm} {cut.ref}", cut)

    def _cast(self, op: str, x: Value, type: str, dtype: dtype | None) -> Value:
        llvm = llvm_type(type, x.lanes)
        return self._value(f"{op} {x.llvm} {x.ref} to {llvm}", type, x.lanes, dtype, llvm)

    def bitcast(self, x: Value, type: str | dtype) -> Value:
        """The same bits as another type of the same size; a dtype says how an integer is signed."""
        d = None if isinstance(type, str) else type
        name = type if d is None else REGISTER[d]
        if x.dtype in NARROW or d in NARROW:
            raise TypeError("float16 and bfloat16 have 16 bits in memory only: use to_bits and from_bits")
        d = d or _DEFAULT_DTYPE.get(name)
        if name == x.type:
            return Value(x.ref, x.type, x.lanes, d, x.llvm)
        return self._cast("bitcast", x, name, d)

    def round_to(self, x: Value, dtype: dtype) -> Value:
        """A float rounded (ties to even) to a value of float16 or bfloat16, in the register form of that dtype."""
        x = Value(x.ref, x.type, x.lanes, float32, x.llvm)
        out = self._round_half(x) if dtype is float16 else self._round_bfloat(x)
        return Value(out.ref, out.type, out.lanes, dtype, out.llvm)

    def _round_bfloat(self, x: Value) -> Value:
        bits = self.bitcast(x, uint32)
        odd = self.and_(self.shr(bits, 16), 1)
        rounded = self.and_(self.add(bits, self.add(odd, 0x7FFF)), 0xFFFF0000)
        return self.select(self.isnan(x), x, self.bitcast(rounded, float32))

    def _round_half(self, x: Value) -> Value:
        if self.target.has_half:
            return self._cast("fpext", self._cast("fptrunc", x, "half", None), "float", float32)
        magnitude = self.abs(x)
        bits = self.bitcast(magnitude, uint32)
        odd = self.and_(self.shr(bits, 13), 1)
        normal = self.bitcast(self.and_(self.add(bits, self.add(odd, 0xFFF)), 0xFFFFE000), float32)
        normal = self.select(self.ge(normal, 65536.0), self.like(float("inf"), x), normal)
        # Below 2^-14 halves lie 2^-24 apart, as floats do from 0.5 on.
        tiny = self.sub(self.add(magnitude, 0.5), 0.5)
        rounded = self.select(self.lt(magnitude, 2.0**-14), tiny, normal)
        return self.select(self.isnan(x), x, self.copysign(rounded, x))

    def to_bits(self, x: Value) -> Value:
        """float16 or bfloat16 from its register form to its 16 bits (i16)."""
        wide = Value(x.ref, x.type, x.lanes, float32, x.llvm)
        if x.dtype is float16 and self.target.has_half:
            return self._cast("bitcast", self._cast("fptrunc", wide, "half", None), "i16", int16)
        bits = self.bitcast(wide, uint32)
        if x.dtype is not float16:
            # A NaN whose mark lies in the low bits must stay a NaN.
            bits = self.select(self.isnan(wide), self.or_(bits, 0x400000), bits)
            return self._cast("trunc", self.shr(bits, 16), "i16", int16)
        magnitude = self.abs(wide)
        sign = self.and_(self.shr(bits, 16), 0x8000)
        normal = self.shr(self.sub(self.bitcast(magnitude, uint32), 112 << 23), 13)
        tiny = self.bitcast(self.add(magnitude, 0.5), uint32)  # the count of 2^-24 steps stands in its low bits
        tiny = self.sub(tiny, 0x3F000000)
        out = self.select(self.lt(magnitude, 2.0**-14), tiny, normal)
        out = self.select(self.isinf(wide), self.like(0x7C00, out), out)
        out = self.select(self.isnan(wide), self.like(0x7E00, out), out)
        return self._cast("trunc", self.or_(out, sign), "i16", int16)

    def from_bits(self, bits: Value, dtype: dtype) -> Value:
        """The 16 bits (i16) of a float16 or bfloat16 to its register form."""
        if dtype is float16 and self.target.has_half:
            return self._cast("fpext", self._cast("bitcast", bits, "half", None), "float", dtype)
        wide = self._cast("zext", bits, "i32", uint32)
        if dtype is not float16:
            return self._cast("bitcast", self.shl(wide, 16), "float", dtype)
        # Scaling by 2^112 sets the exponent's bias right, for numbers below the normal range too.
        moved = self.bitcast(self.shl(self.and_(wide, 0x7FFF), 13), float32)
        scaled = self.mul(moved, 2.0**112)
        special = self.bitcast(self.or_(self.bitcast(moved, uint32), 0x7F800000), float32)
        number = self.select(self.ge(moved, 2.0**-96), special, scaled)
        sign = self.bitcast(self.shl(self.and_(wide, 0x8000), 16), uint32)
        out = self.bitcast(self.or_(self.bitcast(number, uint32), sign), float32)
        return Value(out.ref, out.type, out.lanes, dtype, out.llvm)

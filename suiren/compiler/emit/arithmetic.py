"""The part of the Builder that computes: arithmetic, comparisons, bits, selection and conversion, lane by lane.

An operation is the same text for a scalar and for a vector. No fast-math flags: what is emitted does not depend on neighbours, and only `fma` fuses.
"""

from __future__ import annotations

from suiren.compiler.emit import division, power, trigonometry, vecmath
from suiren.compiler.emit.values import BITS, NARROW, REGISTER, Value, constant_text, llvm_type
from suiren.dtypes import FLOAT, bool_, dtype, float16, float32, float64, int8, int16, int32, int64, uint32

_FLOAT_COMPARE = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_SIGNED_COMPARE = {"eq": "eq", "ne": "ne", "lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge"}
_UNSIGNED_COMPARE = {"eq": "eq", "ne": "ne", "lt": "ult", "le": "ule", "gt": "ugt", "ge": "uge"}

_ADD, _SUB, _MUL = ({"float": op, "double": op} for op in ("fadd", "fsub", "fmul"))

_constants: dict[tuple, Value] = {}
_mangled: dict[str, str] = {}

# What `bitcast` calls its result's dtype when it is told an LLVM type alone.
_DEFAULT_DTYPE = {"i1": bool_, "i8": int8, "i16": int16, "i32": int32, "i64": int64, "float": float32, "double": float64}


class Arithmetic:
    """Methods of Builder."""

    # ------------------------------------------------------------ constants

    def const(self, value: bool | int | float, dtype: dtype, lanes: int = 1) -> Value:
        """A constant, the same in every lane."""
        type, text = REGISTER[dtype], constant_text(value, dtype)
        return Value(text if lanes == 1 else f"splat ({type} {text})", type, lanes, dtype)

    def like(self, value: bool | int | float, other: Value) -> Value:
        """A constant of the type of `other`."""
        key = (value, value.__class__, other.dtype, other.lanes)
        found = _constants.get(key)
        if found is None or value == 0:  # 0.0 and -0.0 are the same key
            found = _constants[key] = self.const(value, other.dtype, other.lanes)
        return found

    def zero(self, like: Value) -> Value:
        return self.like(0, like)

    def one(self, like: Value) -> Value:
        return self.like(1, like)

    def i64(self, value: int | Value) -> Value:
        """An i64 constant; an integer Value is extended (or cut) to i64."""
        if isinstance(value, Value):
            return value if value.dtype is int64 else self.convert(value, int64)
        return Value(str(value), "i64", 1, int64, "i64")

    def i32(self, value: int) -> Value:
        return self.const(value, int32)

    def splat(self, x: Value, lanes: int) -> Value:
        """A scalar in every lane of a vector. A vector of that many lanes is returned as it is."""
        if x.lanes == lanes:
            return x
        if x.lanes != 1:
            raise TypeError(f"splat wants a scalar, got {x!r}")
        llvm = llvm_type(x.type, lanes)
        if x.is_constant:
            return Value(f"splat ({x.type} {x.ref})", x.type, lanes, x.dtype, llvm)
        first = self._emit(f"insertelement {llvm} poison, {x.type} {x.ref}, i64 0")
        return self._value(f"shufflevector {llvm} {first}, {llvm} poison, <{lanes} x i32> zeroinitializer", x.type, lanes, x.dtype, llvm)

    def _pair(self, x, y) -> tuple[Value, Value]:
        """Both operands in one type: numbers become constants, a scalar beside a vector is splatted."""
        if y.__class__ is not Value:
            return x, self.like(y, x)
        if x.__class__ is not Value:
            return self.like(x, y), y
        if x.dtype is not y.dtype:
            raise TypeError(f"operands differ in dtype: {x.dtype} and {y.dtype}; convert one of them")
        if x.lanes != y.lanes:
            return (self.splat(x, y.lanes), y) if x.lanes == 1 else (x, self.splat(y, x.lanes))
        return x, y

    def _same(self, text: str, like: Value) -> Value:
        """Emits `text`, whose result has the type of `like`; float16 and bfloat16 are rounded."""
        n = self._count
        self._count = n + 1
        self._append(f"  %{n} = {text}")
        d = like.dtype
        out = Value(f"%{n}", like.type, like.lanes, d, like.llvm)
        if d in NARROW:
            return self.round_to(out, d)
        return out

    def _exact(self, text: str, like: Value) -> Value:
        """As `_same`, where a narrow float needs no rounding."""
        n = self._count
        self._count = n + 1
        self._append(f"  %{n} = {text}")
        return Value(f"%{n}", like.type, like.lanes, like.dtype, like.llvm)

    # ------------------------------------------------------------ arithmetic

    def add(self, x, y) -> Value:
        x, y = self._pair(x, y)
        if x.dtype is bool_:
            return self.or_(x, y)
        return self._same(f"{_ADD.get(x.type, 'add')} {x.llvm} {x.ref}, {y.ref}", x)

    def sub(self, x, y) -> Value:
        x, y = self._pair(x, y)
        return self._same(f"{_SUB.get(x.type, 'sub')} {x.llvm} {x.ref}, {y.ref}", x)

    def mul(self, x, y) -> Value:
        x, y = self._pair(x, y)
        if x.dtype is bool_:
            return self.and_(x, y)
        return self._same(f"{_MUL.get(x.type, 'mul')} {x.llvm} {x.ref}, {y.ref}", x)

    def div(self, x, y) -> Value:
        """True division of floats; of integers, `trunc_div`."""
        x, y = self._pair(x, y)
        if not x.is_float:
            return self.trunc_div(x, y)
        return self._same(f"fdiv {x.llvm} {x.ref}, {y.ref}", x)

    def neg(self, x: Value) -> Value:
        return self._exact(f"fneg {x.llvm} {x.ref}" if x.is_float else f"sub {x.llvm} {self.zero(x).ref}, {x.ref}", x)

    def abs(self, x: Value) -> Value:
        if x.is_float:
            return self._call("llvm.fabs", x)
        if not x.dtype.is_signed:
            return x
        return self._exact(f"call {x.llvm} @llvm.abs.{self._mangle(x)}({x.llvm} {x.ref}, i1 false)", x)

    def fma(self, x, y, z) -> Value:
        """x * y + z, rounded once. Where the target has no such instruction it is a slow library call: see `mul_add`."""
        if not (x.__class__ is y.__class__ is z.__class__ is Value and x.lanes == y.lanes == z.lanes and x.dtype is y.dtype is z.dtype):
            x, y = self._pair(x, y)
            x, z = self._pair(x, z)
            x, y = self._pair(x, y)
        t = x.llvm
        if x.type not in _ADD:
            return self.add(self.mul(x, y), z)
        return self._same(f"call {t} @llvm.fma.{self._mangle(x)}({t} {x.ref}, {t} {y.ref}, {t} {z.ref})", x)

    def mul_add(self, x, y, z) -> Value:
        """x * y + z in the way that is fast on the target: `fma`, or two roundings. For approximations that bear either."""
        return self.fma(x, y, z) if self.target.has_fma else self.add(self.mul(x, y), z)

    def minimum(self, x, y) -> Value:
        """The smaller one; NaN where either is NaN."""
        return self._extreme("lt", x, y)

    def maximum(self, x, y) -> Value:
        """The larger one; NaN where either is NaN."""
        return self._extreme("gt", x, y)

    def _extreme(self, relation: str, x, y) -> Value:
        x, y = self._pair(x, y)
        if x.dtype is bool_:
            return self.and_(x, y) if relation == "lt" else self.or_(x, y)
        # The first select is minps/maxps itself, which gives y where a NaN is compared; the second one lets a NaN in x through.
        first = self.select(getattr(self, relation)(x, y), x, y)
        return self.select(self.isnan(x), x, first) if x.is_float else first

    def fmin(self, x, y) -> Value:
        """The smaller one; the other one where one is NaN."""
        return self._extreme_number("lt", x, y)

    def fmax(self, x, y) -> Value:
        """The larger one; the other one where one is NaN."""
        return self._extreme_number("gt", x, y)

    def _extreme_number(self, relation: str, x, y) -> Value:
        x, y = self._pair(x, y)
        if not x.is_float:
            return self._extreme(relation, x, y)
        return self.select(self.isnan(y), x, self.select(getattr(self, relation)(x, y), x, y))

    # ------------------------------------------------------------ division of integers, rounding to whole numbers

    def _safe_divisor(self, x: Value, y: Value) -> Value:
        """y, or 1 where dividing by y would trap: 0, and -1 under the smallest integer. x / 1 is then the wrapped result in the second case."""
        bad = self.eq(y, 0)
        if x.dtype.is_signed:
            smallest = -(1 << (BITS[x.type] - 1))
            bad = self.or_(bad, self.and_(self.eq(y, -1), self.eq(x, smallest)))
        return self.select(bad, self.one(y), y)

    def trunc_div(self, x, y) -> Value:
        """x / y cut towards zero. Integers: 0 where y is 0, as NumPy."""
        x, y = self._pair(x, y)
        if x.is_float:
            return self.trunc(self.div(x, y))
        op = "sdiv" if x.dtype.is_signed else "udiv"
        q = self._exact(f"{op} {x.llvm} {x.ref}, {self._safe_divisor(x, y).ref}", x)
        return self.select(self.eq(y, 0), self.zero(x), q)

    def trunc_rem(self, x, y) -> Value:
        """What `trunc_div` leaves, with the sign of x (C's fmod and %). Integers: 0 where y is 0."""
        x, y = self._pair(x, y)
        if x.is_float:
            return division.fmod(self, x, y)
        op = "srem" if x.dtype.is_signed else "urem"
        return self._exact(f"{op} {x.llvm} {x.ref}, {self._safe_divisor(x, y).ref}", x)

    def floordiv(self, x, y) -> Value:
        """x / y cut towards minus infinity. Integers: 0 where y is 0. Floats: the quotient of x minus `remainder`, as NumPy and PyTorch."""
        x, y = self._pair(x, y)
        if x.is_float:
            return division.floordiv(self, x, y)
        if not x.dtype.is_signed:
            return self.trunc_div(x, y)
        q, r = self.trunc_div(x, y), self.trunc_rem(x, y)
        wrong = self.and_(self.ne(r, 0), self.lt(self.xor(r, y), 0))
        return self.select(wrong, self.sub(q, 1), q)

    def remainder(self, x, y) -> Value:
        """What `floordiv` leaves, with the sign of y. Integers: 0 where y is 0; floats: NaN."""
        x, y = self._pair(x, y)
        if x.is_float:
            return division.remainder(self, x, y)
        r = self.trunc_rem(x, y)
        if not x.dtype.is_signed:
            return r
        wrong = self.and_(self.ne(r, 0), self.lt(self.xor(r, y), 0))
        return self.select(self.and_(wrong, self.ne(y, 0)), self.add(r, y), r)

    def floor(self, x: Value) -> Value:
        return self._whole("llvm.floor", x)

    def ceil(self, x: Value) -> Value:
        return self._whole("llvm.ceil", x)

    def trunc(self, x: Value) -> Value:
        return self._whole("llvm.trunc", x)

    def round(self, x: Value) -> Value:
        """The nearest whole number, ties to even."""
        return self._whole("llvm.rint", x)

    def _whole(self, name: str, x: Value) -> Value:
        if not x.is_float:
            return x
        if self.target.has_rounding:
            return self._call(name, x)
        wide = self.convert(x, float32) if x.dtype in NARROW else x
        return self.convert(division.whole_number(self, name.removeprefix("llvm."), wide), x.dtype)

    # ------------------------------------------------------------ functions

    def sqrt(self, x: Value) -> Value:
        return self._same(f"call {x.llvm} @llvm.sqrt.{self._mangle(x)}({x.llvm} {x.ref})", x)

    def copysign(self, x, sign) -> Value:
        """The magnitude of x with the sign bit of `sign`."""
        x, sign = self._pair(x, sign)
        return self._exact(f"call {x.llvm} @llvm.copysign.{self._mangle(x)}({x.llvm} {x.ref}, {x.llvm} {sign.ref})", x)

    def _call(self, intrinsic: str, x: Value) -> Value:
        return self._exact(f"call {x.llvm} @{intrinsic}.{self._mangle(x)}({x.llvm} {x.ref})", x)

    def _mangle(self, x: Value) -> str:
        found = _mangled.get(x.llvm)
        if found is None:
            type = {"float": "f32", "double": "f64", "half": "f16"}.get(x.type, x.type)
            found = _mangled[x.llvm] = type if x.lanes == 1 else f"v{x.lanes}{type}"
        return found

    # ------------------------------------------------------------ comparisons, bits, selection

    def _compare(self, relation: str, x, y) -> Value:
        x, y = self._pair(x, y)
        if x.is_float:
            text = f"fcmp {_FLOAT_COMPARE[relation]} {x.llvm} {x.ref}, {y.ref}"
        else:
            names = _SIGNED_COMPARE if x.dtype is not None and x.dtype.is_signed else _UNSIGNED_COMPARE
            text = f"icmp {names[relation]} {x.llvm} {x.ref}, {y.ref}"
        return self._value(text, "i1", x.lanes, bool_)

    def eq(self, x, y) -> Value:
        return self._compare("eq", x, y)

    def ne(self, x, y) -> Value:
        return self._compare("ne", x, y)

    def lt(self, x, y) -> Value:
        return self._compare("lt", x, y)

    def le(self, x, y) -> Value:
        return self._compare("le", x, y)

    def gt(self, x, y) -> Value:
        return self._compare("gt", x, y)

    def ge(self, x, y) -> Value:
        return self._compare("ge", x, y)

    def isnan(self, x: Value) -> Value:
        if not x.is_float:
            return self.const(False, bool_, x.lanes)
        return self._value(f"fcmp uno {x.llvm} {x.ref}, {x.ref}", "i1", x.lanes, bool_)

    def isinf(self, x: Value) -> Value:
        if not x.is_float:
            return self.const(False, bool_, x.lanes)
        return self.eq(self.abs(x), float("inf"))

    def isfinite(self, x: Value) -> Value:
        if not x.is_float:
            return self.const(True, bool_, x.lanes)
        return self.lt(self.abs(x), float("inf"))

    def and_(self, x, y) -> Value:
        x, y = self._pair(x, y)
        return self._exact(f"and {x.llvm} {x.ref}, {y.ref}", x)

    def or_(self, x, y) -> Value:
        x, y = self._pair(x, y)
        return self._exact(f"or {x.llvm} {x.ref}, {y.ref}", x)

    def xor(self, x, y) -> Value:
        x, y = self._pair(x, y)
        return self._exact(f"xor {x.llvm} {x.ref}, {y.ref}", x)

    def not_(self, x: Value) -> Value:
        """All bits turned over; of a bool, its negation."""
        return self.xor(x, True if x.dtype is bool_ else -1)

    def shl(self, x, y) -> Value:
        """x shifted left. A count outside of 0 … bits-1 gives 0."""
        x, y = self._pair(x, y)
        return self._shift("shl", x, y)

    def shr(self, x, y) -> Value:
        """x shifted right, filled with the sign if the dtype has one. A count outside of 0 … bits-1 gives the fill."""
        x, y = self._pair(x, y)
        return self._shift("ashr" if x.dtype.is_signed else "lshr", x, y)

    def shr_logical(self, x, y) -> Value:
        """x shifted right, filled with zeros whatever its sign."""
        x, y = self._pair(x, y)
        return self._shift("lshr", x, y)

    def _shift(self, op: str, x: Value, y: Value) -> Value:
        bits = BITS[x.type]
        if y.is_constant and y.ref.removeprefix(f"splat ({x.type} ").rstrip(")") in _shift_counts[bits]:
            return self._exact(f"{op} {x.llvm} {x.ref}, {y.ref}", x)
        # An LLVM shift by too much is poison.
        inside = self._value(f"icmp ult {y.llvm} {y.ref}, {self.like(bits, y).ref}", "i1", x.lanes, bool_)
        if op == "ashr":
            return self._exact(f"ashr {x.llvm} {x.ref}, {self.select(inside, y, self.like(bits - 1, y)).ref}", x)
        shifted = self._exact(f"{op} {x.llvm} {x.ref}, {self.select(inside, y, self.zero(y)).ref}", x)
        return self.select(inside, shifted, self.zero(x))

    def select(self, mask: Value, x, y) -> Value:
        """x where the mask is true, y elsewhere; a scalar mask chooses for all lanes."""
        x, y = self._pair(x, y)
        if x.lanes != mask.lanes != 1:
            x, y = self.splat(x, mask.lanes), self.splat(y, mask.lanes)
        return self._exact(f"select {mask.llvm} {mask.ref}, {x.llvm} {x.ref}, {y.llvm} {y.ref}", x)

    # ------------------------------------------------------------ conversion

    def convert(self, x: Value, dtype: dtype) -> Value:
        """C's conversion: to bool `!= 0`, floats to integers cut towards zero, integers wrap around.

        A float outside of the integer's range gives whatever the machine's conversion gives (as in C), but is not undefined behaviour.
        """
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
        wide = int64 if dtype in (int64, uint32) else int32
        cut = self._cast("fptosi", x, REGISTER[wide], wide)
        # An out-of-range conversion is poison; frozen, it is some number.
        cut = self._exact(f"freeze {cut.llvm} {cut.ref}", cut)
        return cut if dtype is wide else self.convert(cut, dtype)

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


_shift_counts = {bits: {str(i) for i in range(bits)} for bits in (1, 8, 16, 32, 64)}

# The elementary functions are methods of the Builder: `b.exp(x)`.
for _function in (*vecmath.FUNCTIONS, *trigonometry.FUNCTIONS, *power.FUNCTIONS):
    setattr(Arithmetic, _function.__name__, _function)

__all__ = ["Arithmetic"]

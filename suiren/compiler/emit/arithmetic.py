"""The part of the Builder that computes: constants, arithmetic, comparisons, bits and selection, lane by lane.

An operation is the same text for a scalar and for a vector. No fast-math flags: what is emitted does not depend on
neighbours, and only `fma` fuses."""

from __future__ import annotations

from suiren.compiler.emit import division, power, trigonometry, vecmath
from suiren.compiler.emit.conversion import Conversion
from suiren.compiler.emit.values import BITS, NARROW, REGISTER, Value, constant_text, llvm_type
from suiren.dtypes import bool_, dtype, float32, int32, int64

_FLOAT_COMPARE = {"eq": "oeq", "ne": "une", "lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge"}
_SIGNED_COMPARE = {"eq": "eq", "ne": "ne", "lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge"}
_UNSIGNED_COMPARE = {"eq": "eq", "ne": "ne", "lt": "ult", "le": "ule", "gt": "ugt", "ge": "uge"}

_ADD, _SUB, _MUL = ({"float": op, "double": op} for op in ("fadd", "fsub", "fmul"))

_constants: dict[tuple, Value] = {}
_mangled: dict[str, str] = {}


class Arithmetic(Conversion):
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
        return self._value(
            f"shufflevector {llvm} {first}, {llvm} poison, <{lanes} x i32> zeroinitializer",
            x.type,
            lanes,
            x.dtype,
            llvm,
        )

    def paired(self, x, y) -> tuple[Value, Value]:
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
        x, y = self.paired(x, y)
        if x.dtype is bool_:
            return self.or_(x, y)
        return self._same(f"{_ADD.get(x.type, 'add')} {x.llvm} {x.ref}, {y.ref}", x)

    def sub(self, x, y) -> Value:
        x, y = self.paired(x, y)
        return self._same(f"{_SUB.get(x.type, 'sub')} {x.llvm} {x.ref}, {y.ref}", x)

    def mul(self, x, y) -> Value:
        x, y = self.paired(x, y)
        if x.dtype is bool_:
            return self.and_(x, y)
        return self._same(f"{_MUL.get(x.type, 'mul')} {x.llvm} {x.ref}, {y.ref}", x)

    def div(self, x, y) -> Value:
        """True division of floats; of integers, `trunc_div`."""
        x, y = self.paired(x, y)
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
        """x * y + z, rounded once. Where the target has no such instruction it is a slow library call: see
        `mul_add`."""
        if not (
            x.__class__ is y.__class__ is z.__class__ is Value
            and x.lanes == y.lanes == z.lanes
            and x.dtype is y.dtype is z.dtype
        ):
            x, y = self.paired(x, y)
            x, z = self.paired(x, z)
            x, y = self.paired(x, y)
        t = x.llvm
        if x.type not in _ADD:
            return self.add(self.mul(x, y), z)
        return self._same(f"call {t} @llvm.fma.{self._mangle(x)}({t} {x.ref}, {t} {y.ref}, {t} {z.ref})", x)

    def mul_add(self, x, y, z) -> Value:
        """x * y + z in the way that is fast on the target: `fma`, or two roundings. For approximations that bear
        either."""
        return self.fma(x, y, z) if self.target.has_fma else self.add(self.mul(x, y), z)

    def minimum(self, x, y) -> Value:
        """The smaller one; NaN where either is NaN."""
        return self._extreme("lt", x, y)

    def maximum(self, x, y) -> Value:
        """The larger one; NaN where either is NaN."""
        return self._extreme("gt", x, y)

    def _extreme(self, relation: str, x, y) -> Value:
        x, y = self.paired(x, y)
        if x.dtype is bool_:
            return self.and_(x, y) if relation == "lt" else self.or_(x, y)
        # The first select is minps/maxps itself, which gives y where a NaN is compared; the second one lets a NaN in x
        # through.
        first = self.select(getattr(self, relation)(x, y), x, y)
        return self.select(self.isnan(x), x, first) if x.is_float else first

    def fmin(self, x, y) -> Value:
        """The smaller one; the other one where one is NaN."""
        return self._extreme_number("lt", x, y)

    def fmax(self, x, y) -> Value:
        """The larger one; the other one where one is NaN."""
        return self._extreme_number("gt", x, y)

    def _extreme_number(self, relation: str, x, y) -> Value:
        x, y = self.paired(x, y)
        if not x.is_float:
            return self._extreme(relation, x, y)
        return self.select(self.isnan(y), x, self.select(getattr(self, relation)(x, y), x, y))

    # ------------------------------------------------------------ division of integers, rounding to whole numbers

    def _safe_divisor(self, x: Value, y: Value) -> Value:
        """y, or 1 where dividing by y would trap: 0, and -1 under the smallest integer. x / 1 is then the wrapped
        result in the second case."""
        bad = self.eq(y, 0)
        if x.dtype.is_signed:
            smallest = -(1 << (BITS[x.type] - 1))
            bad = self.or_(bad, self.and_(self.eq(y, -1), self.eq(x, smallest)))
        return self.select(bad, self.one(y), y)

    def trunc_div(self, x, y) -> Value:
        """x / y cut towards zero. Integers: 0 where y is 0, as NumPy."""
        x, y = self.paired(x, y)
        if x.is_float:
            return self.trunc(self.div(x, y))
        op = "sdiv" if x.dtype.is_signed else "udiv"
        q = self._exact(f"{op} {x.llvm} {x.ref}, {self._safe_divisor(x, y).ref}", x)
        return self.select(self.eq(y, 0), self.zero(x), q)

    def trunc_rem(self, x, y) -> Value:
        """What `trunc_div` leaves, with the sign of x (C's fmod and %). Integers: 0 where y is 0."""
        x, y = self.paired(x, y)
        if x.is_float:
            return division.fmod(self, x, y)
        op = "srem" if x.dtype.is_signed else "urem"
        return self._exact(f"{op} {x.llvm} {x.ref}, {self._safe_divisor(x, y).ref}", x)

    def floordiv(self, x, y) -> Value:
        """x / y cut towards minus infinity. Integers: 0 where y is 0. Floats: the quotient of x minus `remainder`, as
        NumPy and PyTorch."""
        x, y = self.paired(x, y)
        if x.is_float:
            return division.floordiv(self, x, y)
        if not x.dtype.is_signed:
            return self.trunc_div(x, y)
        q, r = self.trunc_div(x, y), self.trunc_rem(x, y)
        wrong = self.and_(self.ne(r, 0), self.lt(self.xor(r, y), 0))
        return self.select(wrong, self.sub(q, 1), q)

    def remainder(self, x, y) -> Value:
        """What `floordiv` leaves, with the sign of y. Integers: 0 where y is 0; floats: NaN."""
        x, y = self.paired(x, y)
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
        x, sign = self.paired(x, sign)
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
        x, y = self.paired(x, y)
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
        x, y = self.paired(x, y)
        return self._exact(f"and {x.llvm} {x.ref}, {y.ref}", x)

    def or_(self, x, y) -> Value:
        x, y = self.paired(x, y)
        return self._exact(f"or {x.llvm} {x.ref}, {y.ref}", x)

    def xor(self, x, y) -> Value:
        x, y = self.paired(x, y)
        return self._exact(f"xor {x.llvm} {x.ref}, {y.ref}", x)

    def not_(self, x: Value) -> Value:
        """All bits turned over; of a bool, its negation."""
        return self.xor(x, True if x.dtype is bool_ else -1)

    def shl(self, x, y) -> Value:
        """x shifted left. A count outside of 0 … bits-1 gives 0."""
        x, y = self.paired(x, y)
        return self._shift("shl", x, y)

    def shr(self, x, y) -> Value:
        """x shifted right, filled with the sign if the dtype has one. A count outside of 0 … bits-1 gives the fill."""
        x, y = self.paired(x, y)
        return self._shift("ashr" if x.dtype.is_signed else "lshr", x, y)

    def shr_logical(self, x, y) -> Value:
        """x shifted right, filled with zeros whatever its sign."""
        x, y = self.paired(x, y)
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
        x, y = self.paired(x, y)
        if x.lanes != mask.lanes != 1:
            x, y = self.splat(x, mask.lanes), self.splat(y, mask.lanes)
        return self._exact(f"select {mask.llvm} {mask.ref}, {x.llvm} {x.ref}, {y.llvm} {y.ref}", x)


_shift_counts = {bits: {str(i) for i in range(bits)} for bits in (1, 8, 16, 32, 64)}

# The elementary functions are methods of the Builder: `b.exp(x)`.
for _function in (*vecmath.FUNCTIONS, *trigonometry.FUNCTIONS, *power.FUNCTIONS):
    setattr(Arithmetic, _function.__name__, _function)

__all__ = ["Arithmetic"]

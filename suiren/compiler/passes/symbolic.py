"""What a pointwise rule says of itself: it is run on symbols instead of values.

So the compiler learns, without knowing any op, that an operation is the identity on one of its inputs, that its result is a constant, how much
work an element is, and whether it checks its data. Only what is exact in IEEE arithmetic is folded: x*1, x-0, x+(-0), a choice by a known condition,
and +, -, *, / and comparisons of constants, which NumPy computes in the same dtype.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field

import numpy as np

from suiren.dtypes import BOOL, FLOAT, bool_, dtype, int64

# Costs in additions of a vector, from the lengths of the sequences that vecmath emits.
_COSTS = {
    "div": 4, "sqrt": 4, "exp": 16, "log": 20, "log1p": 24, "expm1": 24, "log2": 20, "exp2": 14, "tanh": 24, "sigmoid": 20, "erf": 30, "sin": 30,
    "cos": 30, "tan": 40, "atan": 30, "atan2": 40, "asin": 30, "acos": 30, "sinh": 30, "cosh": 30, "asinh": 40, "acosh": 40, "atanh": 40, "pow": 60,
    "floordiv": 12, "remainder": 12, "trunc_div": 8, "trunc_rem": 8, "lgamma": 60, "erfinv": 40, "digamma": 60, "gamma": 60, "fmod": 20, "erfc": 40,
}  # fmt: skip
DEAR = 8  # from this cost on, a value is rather kept than computed twice


@dataclass(eq=False)
class Symbol:
    """A value that stands for itself (`number` None), or a constant."""

    dtype: dtype
    number: bool | int | float | None = None
    terms: tuple | None = None  # of a sum: what was added
    lanes: int = 1
    type: str = field(init=False)

    def __post_init__(self):
        self.type = self.dtype.llvm

    @property
    def is_float(self) -> bool:
        return self.dtype.category == FLOAT

    @property
    def is_constant(self) -> bool:
        return self.number is not None


def _folded(name: str, a, b, d: dtype):
    """A constant of dtype `d` computed by NumPy, None where NumPy has no such dtype or the result is none."""
    if d.np is None:
        return None
    x, y = d.np.type(a), d.np.type(b)
    with np.errstate(all="ignore"):
        found = {"add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide}[name](x, y)
    return found.item()


_RELATIONS = {"eq": "__eq__", "ne": "__ne__", "lt": "__lt__", "le": "__le__", "gt": "__gt__", "ge": "__ge__"}


class SymbolicBuilder:
    """Takes the place of a Builder. `cost` adds up what was asked for; `checks` tells whether data were checked."""

    target = None

    def __init__(self):
        self.cost = 0
        self.checks = False

    def __getattr__(self, name: str):
        def anything(*args, **kw):
            self.cost += _COSTS.get(name, 1)
            like = next((a for a in args if isinstance(a, Symbol)), None)
            return Symbol(like.dtype if like else int64)

        return anything

    # -- constants and conversions
    def const(self, value, dtype, lanes=1):
        return Symbol(dtype, value)

    def like(self, value, other):
        return Symbol(other.dtype, value)

    def zero(self, like):
        return Symbol(like.dtype, 0)

    def one(self, like):
        return Symbol(like.dtype, 1)

    def i64(self, value):
        return value if isinstance(value, Symbol) else Symbol(int64, value)

    def splat(self, x, lanes):
        return x

    def convert(self, x, dtype):
        if x.dtype is dtype:
            return x
        if x.is_constant and dtype is not bool_ and dtype.np is not None and x.dtype.np is not None and _is_finite(x.number):
            with np.errstate(all="ignore"):
                return Symbol(dtype, x.dtype.np.type(x.number).astype(dtype.np).item())
        self.cost += 1
        return Symbol(dtype)

    # -- arithmetic
    def _pair(self, x, y):
        if not isinstance(y, Symbol):
            return x, self.like(y, x)
        if not isinstance(x, Symbol):
            return self.like(x, y), y
        return x, y

    def _fold(self, name, x, y):
        self.cost += _COSTS.get(name, 1)
        if x.is_constant and y.is_constant and x.dtype.category == FLOAT:
            found = _folded(name, x.number, y.number, x.dtype)
            if found is not None and found == found:  # the bits of a NaN are the machine's business
                return Symbol(x.dtype, found)
        return Symbol(x.dtype)

    def add(self, x, y):
        x, y = self._pair(x, y)
        for a, b in ((x, y), (y, x)):
            if (
                b.is_constant
                and b.number == 0
                and (not a.is_float or _is_negative_zero(b.number))
                and a.dtype.category != BOOL
            ):
                return a
        found = self._fold("add", x, y)
        found.terms = (x, y)
        return found

    def sub(self, x, y):
        x, y = self._pair(x, y)
        if y.is_constant and y.number == 0 and not (y.is_float and _is_negative_zero(y.number)):
            return x
        return self._fold("sub", x, y)

    def mul(self, x, y):
        x, y = self._pair(x, y)
        for a, b in ((x, y), (y, x)):
            if b.is_constant and b.number == 1:
                return a
        return self._fold("mul", x, y)

    def div(self, x, y):
        x, y = self._pair(x, y)
        if y.is_constant and y.number == 1:
            return x
        return self._fold("div", x, y)

    def neg(self, x):
        self.cost += 1
        return Symbol(x.dtype, -x.number) if x.is_constant and x.is_float else Symbol(x.dtype)

    # -- comparisons and choice
    def _compare(self, name, x, y):
        x, y = self._pair(x, y)
        self.cost += 1
        if x.is_constant and y.is_constant and x.dtype.np is not None:
            return Symbol(bool_, bool(getattr(x.dtype.np.type(x.number), _RELATIONS[name])(y.dtype.np.type(y.number))))
        return Symbol(bool_)

    def select(self, mask, x, y):
        x, y = self._pair(x, y)
        if mask.is_constant:
            return x if mask.number else y
        self.cost += 1
        return x if x is y else Symbol(x.dtype)

    def isnan(self, x):
        self.cost += 1
        return Symbol(bool_, False) if not x.is_float else Symbol(bool_)

    isinf = isnan

    def isfinite(self, x):
        self.cost += 1
        return Symbol(bool_)

    def not_(self, x):
        self.cost += 1
        return Symbol(bool_, not x.number) if x.is_constant and x.dtype is bool_ else Symbol(x.dtype)

    # -- of rules that look at vectors
    def bitcast(self, x, type):
        self.cost += 1
        return Symbol(type if isinstance(type, dtype) else x.dtype)

    def check(self, ok, value, check_word):
        self.checks = True
        self.cost += 2

    def iota(self, dtype=int64, lanes=1, start=0, step=1):
        return Symbol(dtype)

    def lanes(self, dtype):
        return 1

    def mul_add(self, x, y, z):
        self.cost += 1
        return Symbol(next(v.dtype for v in (x, y, z) if isinstance(v, Symbol)))

    fma = mul_add


for _name in _RELATIONS:
    setattr(SymbolicBuilder, _name, functools.partialmethod(SymbolicBuilder._compare, _name))


def _is_finite(number) -> bool:
    return not isinstance(number, float) or math.isfinite(number)


def _is_negative_zero(number) -> bool:
    return math.copysign(1.0, number) < 0


@dataclass(frozen=True)
class Said:
    """What a rule does: `same` is the place of the input that it passes through, `constant` the number it always gives; `is_sum`: it adds its two inputs."""

    same: int | None
    constant: bool | int | float | None
    cost: int
    checks: bool
    is_sum: bool = False


_answers: dict[tuple, Said] = {}


def ask(op, params: tuple, operands: tuple[dtype, ...], constants: tuple) -> Said:
    """What `op` does with operands of these dtypes, of which some are known constants (the others None)."""
    key = (
        op,
        params,
        operands,
        repr(constants),
    )  # by their text: 0, 0.0, -0.0 and False are equal, but not the same constant
    found = _answers.get(key)
    if found is None:
        found = _answers[key] = _run(op, params, operands, constants)
    return found


def _run(op, params: tuple, operands: tuple[dtype, ...], constants: tuple) -> Said:
    b = SymbolicBuilder()
    symbols = [Symbol(d, c) for d, c in zip(operands, constants)]
    index = Symbol(int64) if op.takes_index else None
    try:
        found = op.emit(b, list(symbols), params, index, 0)
    except (AttributeError, TypeError, KeyError, ValueError, NotImplementedError):
        return Said(None, None, 16, op.checks)  # a rule that wants to know more than symbols can say
    same = next((k for k, s in enumerate(symbols) if s is found), None)
    constant = found.number if isinstance(found, Symbol) and found.is_constant else None
    is_sum = isinstance(found, Symbol) and len(symbols) == 2 and found.terms is not None and all(a is s for a, s in zip(found.terms, symbols))
    return Said(None if b.checks else same, None if b.checks else constant, max(b.cost, 1), b.checks, is_sum)

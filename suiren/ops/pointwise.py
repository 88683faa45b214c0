"""Arithmetic, element by element.

A rule's conventions where mathematics leaves a choice (a tie, a kink, a pole) are PyTorch's, read off PyTorch 2.13 and recorded in tests/recorded.
"""

from __future__ import annotations

import numpy as np

from suiren import dtypes
from suiren.dtypes import BOOL, COMPLEX, FLOAT
from suiren.ops.compare import eq, ge, gt, le, logical_and, logical_or, lt, ne, where
from suiren.ops.complex import holomorphic, real
from suiren.ops.creation import wanted, zeros_like
from suiren.trace.op import INTERPRETER_ONLY, common_dtype, pointwise


def _negatable(inputs, params):
    d = common_dtype(inputs)
    if d is dtypes.bool_:
        raise RuntimeError(_NEG_BOOL)
    return d, d


def _subtractable(inputs, params):
    bools = [x is bool if isinstance(x, type) else x.dtype is dtypes.bool_ for x in inputs]
    if any(bools):
        raise RuntimeError(_SUB_BOOLS if all(bools) else _SUB_BOOL)
    d = common_dtype(inputs)
    return d, d


_SUB_BOOLS = (
    "Subtraction, the `-` operator, with two bool tensors is not supported. "
    "Use the `^` or `logical_xor()` operator instead."
)
_SUB_BOOL = (
    "Subtraction, the `-` operator, with a bool tensor is not supported. "
    "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
)
_NEG_BOOL = (
    "Negation, the `-` operator, on a bool tensor is not supported. "
    "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead."
)

# ---------------------------------------------------------------- sums and products

add = pointwise("add", numpy=np.add, lower=lambda b, x, y: b.add(x, y), grad=lambda g: (g, g), inputs=("x", "y"))

sub = pointwise(
    "sub",
    promote=_subtractable,
    numpy=lambda x, y: x - y,
    lower=lambda b, x, y: b.sub(x, y),
    grad=lambda g: (g, neg(g)),
)


def _mul_grad(g, x, y, x_spec, y_spec):
    return mul(g, y) if wanted(x_spec) else None, mul(g, x) if wanted(y_spec) else None


mul = pointwise("mul", numpy=lambda x, y: x * y, lower=lambda b, x, y: b.mul(x, y), grad=holomorphic(_mul_grad))


def _div_grad(g, x, y, x_spec, y_spec):
    return div(g, y) if wanted(x_spec) else None, neg(mul(g, div(div(x, y), y))) if wanted(y_spec) else None


div = pointwise(
    "div",
    promote="float",
    numpy=lambda x, y: x / y,
    lower=lambda b, x, y: b.div(x, y),
    grad=holomorphic(_div_grad),
)

neg = pointwise("neg", promote=_negatable, numpy=lambda x: -x, lower=lambda b, x: b.neg(x), grad=lambda g: (neg(g),))

reciprocal = pointwise(
    "reciprocal",
    promote="float",
    numpy=lambda x: 1 / x,
    lower=lambda b, x: b.div(b.one(x), x),
    grad=holomorphic(lambda g, out: (neg(mul(g, mul(out, out))),)),
)

# x times a number that is part of the program's structure: a gradient rule's 2 or 1/sqrt(2), gelu's half.
scale = pointwise(
    "scale",
    inputs=("x",),
    params=("by",),
    numpy=lambda x, *, by: x * x.dtype.type(by),
    lower=lambda b, x, by: b.mul(x, by),
    grad=lambda g, by: (scale(g, by=by),),
    grad_name="MulBackward0",
    doc="x * by, for a number that never changes.",
)

# ---------------------------------------------------------------- signs

sign = pointwise(
    "sign",
    numpy=lambda x: ((x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)) if x.dtype != bool else x,  # 0 at NaN
    lower=lambda b, x: x if x.dtype is dtypes.bool_ else b.select(b.gt(x, 0), b.one(x), _negative(b, x)),
    grad=lambda g, x_spec: (zeros_like(x_spec),),
)


def _negative(b, x):
    """-1 where x < 0, else 0."""
    return b.select(b.lt(x, 0), b.like(-1, x), b.zero(x)) if x.dtype.is_signed else b.zero(x)



def _sgn(x):
    size = np.abs(x)
    return np.where(size == 0, 0, x / np.where(size == 0, 1, size))


def _sgn_grad(g, out, x):
    """The part of g that is across x, over |x|; 0 at 0."""
    none = eq(x, 0)
    safe = where(none, 1, x)
    return (where(none, 0, sub(div(g, abs(safe)), mul(real(div(g, safe)), out))),)


sgn = pointwise("sgn", inputs=("x",), numpy=_sgn, lower=INTERPRETER_ONLY, grad=_sgn_grad, doc="Complex numbers on the unit circle, x / |x|; 0 at 0.")


def _abs_types(inputs, params):
    d = inputs[0].dtype
    return d, d.to_real()


def _abs_grad(g, x, x_spec):
    return (mul(g, sgn(x) if x_spec.dtype.is_complex else sign(x)),)


abs = pointwise("abs", promote=_abs_types, numpy=np.abs, lower=lambda b, x: b.abs(x), grad=_abs_grad, inputs=("x",))

# ---------------------------------------------------------------- division with whole results


def _zero_division(value):
    return RuntimeError("ZeroDivisionError")


def _checked(rule):
    """A NumPy rule of division that raises where an integer is divided by 0, as PyTorch."""

    def numpy(x, y):
        if y.dtype.kind in "iu" and (y == 0).any():
            raise _zero_division(0)
        return rule(x, y)

    return numpy


def _checked_lower(name: str):
    def lower(b, x, y, check):
        if y.dtype.category != FLOAT:
            wide = b.convert(y, dtypes.int64)
            b.check(b.ne(wide, 0), wide, check)
        return getattr(b, name)(x, y)

    return lower


def _number_types(inputs, params):
    d = common_dtype(inputs)
    if d.category in (BOOL, COMPLEX):
        raise NotImplementedError(f"\"remainder_cpu\" not implemented for '{d.scalar_name}'")
    return d, d


def _floor_div_types(inputs, params):
    d = common_dtype(inputs)
    if d.category in (BOOL, COMPLEX):
        raise NotImplementedError(f"\"div_floor_cpu\" not implemented for '{d.scalar_name}'")
    return d, d


floor_divide = pointwise(
    "floor_divide",
    promote=_floor_div_types,
    numpy=_checked(lambda x, y: np.floor_divide(x, y)),
    lower=_checked_lower("floordiv"),
    failure=_zero_division,
    grad=lambda g, x_spec, y_spec: (_flat(x_spec), _flat(y_spec)),
    grad_name="DivBackward2",
    inputs=("x", "y"),
)

trunc_divide = pointwise(
    "trunc_divide",
    promote=_floor_div_types,
    numpy=_checked(lambda x, y: np.trunc(x / y) if x.dtype.kind == "f" else _trunc_int(x, y)),
    lower=_checked_lower("trunc_div"),
    failure=_zero_division,
    grad=lambda g, x_spec, y_spec: (_flat(x_spec), _flat(y_spec)),
    grad_name="DivBackward2",
    inputs=("x", "y"),
    doc="The quotient cut towards zero: `torch.div(..., rounding_mode='trunc')`.",
)


def _trunc_int(x, y):
    q, r = np.divmod(x, y)
    return np.where((r != 0) & (q < 0), q + 1, q)


def _flat(x_spec):
    """The gradient of a step function."""
    return zeros_like(x_spec) if wanted(x_spec) else None


remainder = pointwise(
    "remainder",
    promote=_number_types,
    numpy=_checked(lambda x, y: np.remainder(x, y)),
    lower=_checked_lower("remainder"),
    failure=_zero_division,
    grad=lambda g, x, y, y_spec: (g, neg(mul(g, floor_divide(x, y))) if wanted(y_spec) else None),
    inputs=("x", "y"),
    doc="What `floor_divide` leaves, with the sign of y.",
)

fmod = pointwise(
    "fmod",
    promote=_number_types,
    numpy=_checked(lambda x, y: np.fmod(x, y)),
    lower=_checked_lower("trunc_rem"),
    failure=_zero_division,
    grad=lambda g, x, y, y_spec: (g, neg(mul(g, trunc_divide(x, y))) if wanted(y_spec) else None),
    inputs=("x", "y"),
    doc="What `trunc_divide` leaves, with the sign of x.",
)

# ---------------------------------------------------------------- rounding


def _rounding(name: str, rule):
    def promote(inputs, params):
        d = common_dtype(inputs)
        if d.category == COMPLEX:
            raise NotImplementedError(f"{name} is not supported for complex inputs")
        return d, d

    def numpy(x):
        return rule(x) if x.dtype.kind == "f" else x

    def lower(b, x):
        return getattr(b, name)(x)

    return pointwise(name, promote=promote, numpy=numpy, lower=lower, grad=lambda g, x_spec: (zeros_like(x_spec),))


floor = _rounding("floor", np.floor)
ceil = _rounding("ceil", np.ceil)
trunc = _rounding("trunc", np.trunc)
round = _rounding("round", np.rint)  # halves to even

# ---------------------------------------------------------------- the larger and the smaller


def _extreme_grad(loses):
    """The gradient goes to the one that was taken; half to each where they are equal."""

    def grad(g, x, y):
        tie = eq(x, y)
        shared = where(tie, scale(g, by=0.5), g)
        return where(loses(x, y), 0, shared), where(loses(y, x), 0, shared)

    return grad


maximum = pointwise("maximum", numpy=np.maximum, lower=lambda b, x, y: b.maximum(x, y), grad=_extreme_grad(lt), inputs=("x", "y"))
minimum = pointwise("minimum", numpy=np.minimum, lower=lambda b, x, y: b.minimum(x, y), grad=_extreme_grad(gt), inputs=("x", "y"))
fmax = pointwise("fmax", numpy=np.fmax, lower=lambda b, x, y: b.fmax(x, y), grad=lambda g, x, y: _fextreme_grad(g, x, y, ge), inputs=("x", "y"))
fmin = pointwise("fmin", numpy=np.fmin, lower=lambda b, x, y: b.fmin(x, y), grad=lambda g, x, y: _fextreme_grad(g, x, y, le), inputs=("x", "y"))


def _fextreme_grad(g, x, y, takes):
    """All of it to x where both are equal, as PyTorch has it for fmax and fmin."""
    first = logical_or(takes(x, y), ne(y, y))
    return where(first, g, 0), where(first, 0, g)


def _clamp_grad(g, x, low, high, low_spec, high_spec):
    """Everything where x lies inside, both ends included; a bound that is a tensor gets what it was taken for."""
    inside = logical_and(ge(x, low), le(x, high))
    grad_low = grad_high = None
    if wanted(low_spec):
        grad_low = where(logical_and(lt(x, low), lt(low, high)), g, 0)
    if wanted(high_spec):
        grad_high = where(logical_or(gt(x, high), lt(high, low)), g, 0)
    return where(inside, g, 0), grad_low, grad_high


clamp = pointwise(
    "clamp",
    numpy=lambda x, low, high: np.minimum(np.maximum(x, low), high),
    lower=lambda b, x, low, high: b.minimum(b.maximum(x, low), high),
    grad=_clamp_grad,
    doc="x, but not below `low` and not above `high` (`high` where they are the wrong way round).",
)


def _clamp_one_grad(inside, outside):
    def grad(g, x, bound, bound_spec):
        return where(inside(x, bound), g, 0), where(outside(x, bound), g, 0) if wanted(bound_spec) else None

    return grad


clamp_min = pointwise("clamp_min", numpy=np.maximum, lower=lambda b, x, bound: b.maximum(x, bound), grad=_clamp_one_grad(ge, lt), inputs=("x", "bound"))
clamp_max = pointwise("clamp_max", numpy=np.minimum, lower=lambda b, x, bound: b.minimum(x, bound), grad=_clamp_one_grad(le, gt), inputs=("x", "bound"))

__all__ = [
    "abs", "add", "ceil", "clamp", "clamp_max", "clamp_min", "div", "floor", "floor_divide", "fmax", "fmin", "fmod", "maximum", "minimum",
    "mul", "neg", "reciprocal", "remainder", "round", "scale", "sgn", "sign", "sub", "trunc", "trunc_divide",
]  # fmt: skip

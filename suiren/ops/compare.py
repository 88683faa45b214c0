"""Comparisons, logic, bits, and choosing between two values."""

from __future__ import annotations

import numpy as np

from suiren import dtypes
from suiren.dtypes import COMPLEX, FLOAT
from suiren.trace.op import NOT_DIFFERENTIABLE, common_dtype, pointwise


def _ordered(name: str):
    """Promotion of a comparison that complex numbers do not have."""

    def promote(inputs, params):
        d = common_dtype(inputs)
        if d.category == COMPLEX:
            raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{d.scalar_name}'")
        return d, dtypes.bool_

    return promote


def _comparison(name: str, rule):
    return pointwise(
        name,
        inputs=("x", "y"),
        promote="compare" if name in ("eq", "ne") else _ordered(name),
        numpy=rule,
        lower=lambda b, x, y: getattr(b, name)(x, y),
        grad=NOT_DIFFERENTIABLE,
    )


eq = _comparison("eq", np.equal)
ne = _comparison("ne", np.not_equal)
lt = _comparison("lt", np.less)
le = _comparison("le", np.less_equal)
gt = _comparison("gt", np.greater)
ge = _comparison("ge", np.greater_equal)


def _question(name: str, rule):
    """isnan, isinf, isfinite: integers are asked too."""
    return pointwise(
        name,
        promote="compare",
        numpy=rule,
        lower=lambda b, x: getattr(b, name)(x),
        inputs=("x",),
        grad=NOT_DIFFERENTIABLE,
    )


isnan = _question("isnan", np.isnan)
isinf = _question("isinf", np.isinf)
isfinite = _question("isfinite", np.isfinite)


def _logical(name: str, rule, lower):
    return pointwise(name, inputs=("x", "y"), promote="logical", numpy=rule, lower=lower, grad=NOT_DIFFERENTIABLE)


logical_and = _logical("logical_and", np.logical_and, lambda b, x, y: b.and_(x, y))
logical_or = _logical("logical_or", np.logical_or, lambda b, x, y: b.or_(x, y))
logical_xor = _logical("logical_xor", np.logical_xor, lambda b, x, y: b.xor(x, y))
logical_not = pointwise(
    "logical_not", inputs=("x",), promote="logical", numpy=np.logical_not, lower=lambda b, x: b.not_(x), grad=NOT_DIFFERENTIABLE
)


def _whole(name: str, bools: bool = True):
    """Promotion of an op on bits: PyTorch refuses floats, and shifts of bools."""

    def promote(inputs, params):
        d = common_dtype(inputs)
        if d.category >= FLOAT or d is dtypes.bool_ and not bools:
            word = {"float32": "Float", "float64": "Double", "float16": "Half", "bfloat16": "BFloat16", "bool": "Bool"}[d.name]
            raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{word}'")
        return d, d

    return promote


def _shift_left(x, y):
    bits = 8 * x.dtype.itemsize
    inside = (y >= 0) & (y < bits)
    return np.where(inside, np.left_shift(x, np.where(inside, y, 0)), 0)


def _shift_right(x, y):
    bits = 8 * x.dtype.itemsize
    return np.right_shift(x, np.where((y >= 0) & (y < bits), y, bits - 1))


def _bits(name: str, rule, lower, bools: bool = True):
    return pointwise(name, inputs=("x", "y"), promote=_whole(name, bools), numpy=rule, lower=lower, grad=NOT_DIFFERENTIABLE)


bitwise_and = _bits("bitwise_and", np.bitwise_and, lambda b, x, y: b.and_(x, y))
bitwise_or = _bits("bitwise_or", np.bitwise_or, lambda b, x, y: b.or_(x, y))
bitwise_xor = _bits("bitwise_xor", np.bitwise_xor, lambda b, x, y: b.xor(x, y))
bitwise_left_shift = _bits("bitwise_left_shift", _shift_left, lambda b, x, y: b.shl(x, y), bools=False)
bitwise_right_shift = _bits("bitwise_right_shift", _shift_right, lambda b, x, y: b.shr(x, y), bools=False)
bitwise_not = pointwise(
    "bitwise_not",
    promote=_whole("bitwise_not"),
    numpy=np.invert,
    lower=lambda b, x: b.not_(x),
    inputs=("x",),
    grad=NOT_DIFFERENTIABLE,
)

where = pointwise(
    "where",
    condition=1,
    numpy=lambda mask, x, y: np.where(mask, x, y),
    lower=lambda b, mask, x, y: b.select(mask, x, y),
    grad=lambda g, mask: (None, where(mask, g, 0), where(mask, 0, g)),
    doc="x where `mask` (bool) is true, y elsewhere.",
)

__all__ = [
    "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "eq", "ge", "gt", "isfinite",
    "isinf", "isnan", "le", "logical_and", "logical_not", "logical_or", "logical_xor", "lt", "ne", "where",
]  # fmt: skip

"""Tensors from nothing or from a number, changes of dtype, copies, and checks of data."""

from __future__ import annotations

import numpy as np

from suiren.dtypes import FLOAT, INTEGER, dtype, int64
from suiren.trace.op import NOT_DIFFERENTIABLE, pointwise
from suiren.trace.spec import Spec, spec


def _own_dtype(inputs, params):
    return inputs[0].dtype, inputs[0].dtype


# A constant is part of a program's structure: zeros, ones, the seed of a backward. The compiler may compute with it.
constant = pointwise(
    "constant",
    params=("value", "shape", "dtype"),
    infer=lambda *, value, shape, dtype: spec(shape, dtype),
    promote=lambda inputs, params: (params[2], params[2]),
    numpy=lambda *, value, shape, dtype: np.array(value, dtype.np),
    lower=lambda b, value, dtype: b.const(value, dtype),
    grad=NOT_DIFFERENTIABLE,
    doc="`value`, the same everywhere.",
)

# A number that comes at run time: `torch.full`, `fill_`.
full = pointwise(
    "full",
    inputs=("value",),
    params=("shape", "dtype"),
    infer=lambda value, *, shape, dtype: spec(shape, dtype),
    promote=lambda inputs, params: (params[1], params[1]),
    numpy=lambda value, *, shape, dtype: value,
    lower=lambda b, value: value,
    grad=NOT_DIFFERENTIABLE,
    doc="A run-time number (or 0-dim tensor), the same everywhere.",
)

# The only op that knows where an element is; arange, eye, tril and one-hot comparisons are composed of it and cost no memory.
iota = pointwise(
    "iota",
    params=("size",),
    infer=lambda *, size: spec((size,), int64),
    promote=lambda inputs, params: (int64, int64),
    numpy=lambda *, size: np.arange(size),
    lower=lambda b, index: index,
    grad=NOT_DIFFERENTIABLE,
    doc="0 … size - 1 as int64.",
)


def _cast(x, *, dtype):
    # of a complex number a real one takes the real part, but its truth the whole
    return (x.real if x.dtype.kind == "c" and dtype.category in (INTEGER, FLOAT) else x).astype(dtype.np)


cast = pointwise(
    "cast",
    params=("dtype",),
    promote=lambda inputs, params: (inputs[0].dtype, params[0]),
    numpy=_cast,
    lower=lambda b, x, dtype: b.convert(x, dtype),
    inputs=("x",),
    grad=lambda g, x_spec: (cast(g, dtype=x_spec.dtype) if x_spec.dtype.category >= 2 else None,),
    grad_name="ToCopyBackward0",
    doc="The same values in another dtype, by C's rules of conversion; to bool it is `!= 0`.",
)

copy = pointwise(
    "copy",
    promote=_own_dtype,
    numpy=lambda x: x,
    lower=lambda b, x: x,
    grad=lambda g: (g,),
    grad_name="CloneBackward0",
    doc="The same values in memory of their own.",
)

stop_gradient = pointwise(
    "stop_gradient",
    promote=_own_dtype,
    numpy=lambda x: x,
    lower=lambda b, x: x,
    grad=NOT_DIFFERENTIABLE,
    doc="The same values as a constant to backward: for a shift that cancels out, such as the maximum in a softmax.",
)


_ERRORS = {"IndexError": IndexError, "RuntimeError": RuntimeError}


def _index_error(value, *, size, message, error):
    return _ERRORS[error](message.format(value=value, size=size, given=value - size if value < 0 else value))


def _check_index(x, *, size, message, error):
    bad = (x < 0) | (x >= size)
    if bad.any():
        raise _index_error(int(x[bad].reshape(-1)[0]), size=size, message=message, error=error)
    return x


def _check_index_lower(b, x, size, check):
    wide = b.convert(x, int64)
    b.check(b.and_(b.ge(wide, 0), b.lt(wide, size)), wide, check)
    return x


_checked = pointwise(
    "check_index",
    inputs=("x",),
    params=("size", "message", "error"),
    promote=_own_dtype,
    numpy=_check_index,
    lower=_check_index_lower,
    failure=_index_error,
    grad=NOT_DIFFERENTIABLE,
    doc="Passes an index on, unless one is out of range.",
)


def check_index(index, *, size: int, message: str, error: str = "IndexError"):
    """The index as it is; where it is not in 0 … size - 1 the program raises `error` with `message`, {value} and {size} filled in. {given} is the
    value as it was before negative ones were counted from the end."""
    return _checked(index, size=size, message=message, error=error)


# ---------------------------------------------------------------- what gradient rules are written with


def zeros(shape: tuple[int, ...], dtype: dtype):
    return constant(value=0, shape=shape, dtype=dtype)


def zeros_like(x_spec: Spec):
    return constant(value=0, shape=x_spec.shape, dtype=x_spec.dtype)


def wanted(x_spec: Spec | type) -> bool:
    """Whether this input of an op (a tensor's spec, or the class of a number) asks for a gradient."""
    return isinstance(x_spec, Spec) and x_spec.requires_grad


def as_tensor(x, x_spec: Spec | type, dtype: dtype):
    """An input that may be a number as something to compute with in full precision: a 0-dim tensor of `dtype`."""
    return x if isinstance(x_spec, Spec) else full(x, shape=(), dtype=dtype)


__all__ = [
    "as_tensor", "cast", "check_index", "constant", "copy", "full", "iota", "stop_gradient", "wanted", "zeros", "zeros_like",
]  # fmt: skip
